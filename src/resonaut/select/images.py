"""Mean jet images of selected and of rejected events: what does the selection see?

Each jet is centred on its axis and rotated so that its principal axis lies along the second coordinate, with the
larger half of its pT above (after Cogan et al., arXiv:1407.5675).
"""

from dataclasses import dataclass, field

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.collisions import Collisions
from resonaut.select import results
from resonaut.select.regions import Regions
from resonaut.select.settings import Window

PIXELS = 24
EDGE = 0.8
JETS = ("j1", "j2")
COLUMNS = tuple(f"{jet}_{name}" for jet in JETS for name in ("eta", "phi", "pf_pt", "pf_eta", "pf_phi"))


@dataclass
class Images:
    """Sums of pT fractions by jet, and numbers of events, for rejected (0) and selected (1) events."""

    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, len(JETS), PIXELS, PIXELS)))
    events: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, dtype=np.int64))

    def add(self, events: ak.Array, selected: NDArray[np.bool_]) -> None:
        """Count a batch."""
        for kind, rows in enumerate((~selected, selected)):
            chosen = events[rows]
            self.events[kind] += len(chosen)
            for number, jet in enumerate(JETS):
                self.sums[kind, number] += image(chosen, jet)


def image(events: ak.Array, jet: str) -> NDArray[np.float64]:
    """The sum over events of the pT fractions of one jet's candidates in pixels, shape (PIXELS, PIXELS)."""
    pt = events[f"{jet}_pf_pt"]
    share = pt / ak.sum(pt, axis=1)
    eta = events[f"{jet}_pf_eta"] - events[f"{jet}_eta"]
    phi = (events[f"{jet}_pf_phi"] - events[f"{jet}_phi"] + np.pi) % (2 * np.pi) - np.pi
    eta, phi = eta - ak.sum(share * eta, axis=1), phi - ak.sum(share * phi, axis=1)
    moments = [ak.to_numpy(ak.sum(share * product, axis=1)) for product in (eta**2, eta * phi, phi**2)]
    angle = 0.5 * np.arctan2(2 * moments[1], moments[0] - moments[2])
    along, across = eta * np.cos(angle) + phi * np.sin(angle), phi * np.cos(angle) - eta * np.sin(angle)
    side = np.where(ak.to_numpy(ak.sum(share * np.sign(along), axis=1)) < 0, -1.0, 1.0)
    bins = np.linspace(-EDGE, EDGE, PIXELS + 1)
    flat = [ak.to_numpy(ak.flatten(part)).astype(np.float64) for part in (across * side, along * side, share)]
    pixels: NDArray[np.float64] = np.histogram2d(flat[0], flat[1], bins=(bins, bins), weights=flat[2])[0]
    return pixels


def images(data: Collisions, method: str, window_name: str, window: Window) -> results.Images:
    """The mean images of the data of a window's signal region; a jet's pixels sum to at most 1."""
    found = Images()
    column = f"selected_{method}"
    for events in data.iterate((window.observable, *COLUMNS, column), (f"select/{method}/{window_name}",)):
        inside = events[Regions.among(events, window).signal]
        found.add(inside, ak.to_numpy(inside[column]))
    rejected, selected = (found.sums / np.maximum(found.events, 1)[:, None, None, None]).tolist()
    return results.Images(
        method=method,
        window=window_name,
        unit=data.datasets[0].described(window.observable)["unit"],
        signal_region=window.signal_region,
        edges=np.linspace(-EDGE, EDGE, PIXELS + 1).tolist(),
        rejected=rejected,
        selected=selected,
        events=results.ImageEvents(rejected=int(found.events[0]), selected=int(found.events[1])),
    )
