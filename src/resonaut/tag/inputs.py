"""What the networks see of a jet: its constituents' kinematic features and four-vectors.

The seven features are JetClass's set "kin" (arXiv:2202.03772, Table 2) with the standardisation of
its published networks, so that those can score these jets and the reverse. Networks with the inputs ``full`` or
``flavour`` see those of ``track_inputs`` after them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.tag import track_inputs

Kind = Literal["kinematic", "full", "flavour"]
FEATURES = ("log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r", "delta_eta", "delta_phi")

# (x - shift) * scale, then clipped; delta_eta and delta_phi stay as they are.
SHIFT = np.array([1.7, 2.0, -4.7, -4.7, 0.2, 0.0, 0.0])
SCALE = np.array([0.7, 0.7, 0.7, 0.7, 4.0, 1.0, 1.0])
LIMIT = 5.0


@dataclass(frozen=True)
class Inputs:
    """Inputs of n jets with p constituents each.

    ``features`` (n, f, p) float32, standardised: the first f ``names``; ``vectors`` (n, 4, p) float32: px, py, pz, E in
    GeV; ``counts`` (n,): how many of the p are real. The rest repeats them cyclically, because zero
    vectors give NaN in some runtimes; the networks' mask hides it.
    """

    features: np.ndarray
    vectors: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, jets: np.ndarray, constituents: int | None = None) -> "Inputs":
        """The chosen jets, with their first ``constituents`` places only."""
        counts = self.counts[jets] if constituents is None else np.minimum(self.counts[jets], constituents)
        return Inputs(self.features[jets][..., :constituents], self.vectors[jets][..., :constituents], counts)

    def seen(self, inputs: str) -> "Inputs":
        """What networks with these ``inputs`` see of them: the kinematic features come first."""
        features = self.features[:, : len(names(inputs))]
        return Inputs(features, self.vectors, self.counts)

    @property
    def mask(self) -> np.ndarray:
        """True for real constituents, (n, 1, p)."""
        return np.arange(self.features.shape[-1]) < self.counts[:, None, None]

    @classmethod
    def concatenate(cls, parts: list["Inputs"]) -> "Inputs":
        """Inputs of all parts' jets; all parts have the same number of places."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


def names(inputs: str) -> tuple[str, ...]:
    """The features of the ``kinematic``, the ``full`` or the ``flavour`` inputs; each begins with those before it."""
    more = {"kinematic": (), "full": track_inputs.NAMES, "flavour": (*track_inputs.NAMES, *track_inputs.LIFETIME)}
    return (*FEATURES, *more[inputs])


def widest(inputs: Iterable[Kind]) -> Kind:
    """Those of several networks' inputs that hold all others."""
    return max(inputs, key=lambda kind: len(names(kind)), default="kinematic")


def columns(jet: str, inputs: str = "kinematic") -> list[str]:
    """The columns of ``skim`` that the inputs of ``jet`` (``"j1"`` or ``"j2"``) are made of."""
    kinematics = ("pt", "eta", "phi", "mass")
    candidates = (*kinematics, *(() if inputs == "kinematic" else track_inputs.COLUMNS))
    return [f"{jet}_{name}" for name in kinematics] + [f"{jet}_pf_{name}" for name in candidates]


def jet_inputs(events: ak.Array, jet: str, max_constituents: int, inputs: str = "kinematic") -> Inputs:
    """Inputs of one jet of each event: its ``max_constituents`` hardest constituents.

    Constituents are pT-ordered in the file; those of zero pT (PUPPI) carry nothing and are left out.

    Raises:
        InputFileError: a jet has no constituents.
    """
    counts = ak.to_numpy(ak.sum(events[f"{jet}_pf_pt"] > 0, axis=1))
    if (counts == 0).any():
        raise InputFileError(
            f"column {jet}_pf_pt", f"{(counts == 0).sum()} jets have no constituents", "cut those events in skim"
        )
    counts = np.minimum(counts, max_constituents)
    starts = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(events[f"{jet}_pf_pt"])))])[:-1]
    places = starts[:, None] + np.arange(max_constituents) % np.maximum(counts, 1)[:, None]

    def constituent(name: str) -> np.ndarray:
        flat = ak.to_numpy(ak.flatten(events[f"{jet}_pf_{name}"])).astype(np.float64)
        gathered: np.ndarray = flat[places]
        return gathered

    def whole(name: str) -> np.ndarray:
        values: np.ndarray = ak.to_numpy(events[f"{jet}_{name}"]).astype(np.float64)
        return values[:, None]

    pt, eta, phi, mass = (constituent(name) for name in ("pt", "eta", "phi", "mass"))
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    jet_energy = np.sqrt((whole("pt") * np.cosh(whole("eta"))) ** 2 + whole("mass") ** 2)
    # JetClass mirrors jets so that delta_eta grows towards the beam.
    delta_eta = (eta - whole("eta")) * np.where(whole("eta") < 0, -1, 1)
    delta_phi = (phi - whole("phi") + np.pi) % (2 * np.pi) - np.pi
    raw = [
        np.log(pt),
        np.log(energy),
        np.log(pt / whole("pt")),
        np.log(energy / jet_energy),
        np.hypot(delta_eta, delta_phi),
        delta_eta,
        delta_phi,
    ]
    features = (np.stack(raw, axis=1) - SHIFT[:, None]) * SCALE[:, None]
    if inputs != "kinematic":
        more = track_inputs.track_features(constituent)
        if inputs == "flavour":
            more += track_inputs.lifetime_features(constituent, eta - whole("eta"), delta_phi)
        features = np.concatenate([features, np.stack(more, axis=1)], axis=1)
    vectors = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy], axis=1)
    return Inputs(features.clip(-LIMIT, LIMIT).astype(np.float32), vectors.astype(np.float32), counts)
