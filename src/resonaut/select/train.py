"""One job of the stage: train a method in a mass window, score all datasets, count what is selected."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.errors import ConfigError
from resonaut.events import KEY, Dataset, write
from resonaut.select import method as methods
from resonaut.select.quantile import SidebandQuantile
from resonaut.select.regions import Regions, require_events
from resonaut.select.settings import Settings, Window, window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selector:
    """A trained method with its working point: what turns events into ``score`` and ``selected``."""

    method: methods.Method
    window: Window
    quantile: SidebandQuantile
    sideband_weights: NDArray[np.float64]
    training: dict[str, float]

    @classmethod
    def train(cls, method: methods.Method, events: ak.Array, window: Window, source: str) -> "Selector":
        """Train on data and fix the working point in the sidebands of the window.

        Args:
            method: the untrained method.
            events: data with ``m_jj`` and the method's columns.
            window: signal region and sidebands.
            source: the data's name, for messages.
        """
        regions = Regions.of(ak.to_numpy(events.m_jj), window)
        training = method.fit(events, regions, source)
        log.info("%s: events by region %s, training %s", source, regions.counts().tolist(), training)
        weights, sideband = regions.sideband_weights(), regions.sideband
        quantile = SidebandQuantile.fit(method.raw(events[sideband], source), weights[regions.code[sideband]])
        return cls(method, window, quantile, weights, training)

    def select(self, events: ak.Array, source: str, is_data: bool) -> ak.Array:
        """The events' identifier, ``score`` and ``selected``; ``is_data``: the working point was fixed with them."""
        own = np.zeros(len(events))
        if is_data:
            own = self.sideband_weights[Regions.of(ak.to_numpy(events.m_jj), self.window).code]
        score = self.quantile.score(self.method.raw(events, source), own)
        selected = score >= np.float32(1 - self.method.background_efficiency)
        return ak.zip({**{name: events[name] for name in KEY}, "score": score, "selected": selected})

    def apply(self, dataset: Dataset, folder: str, tally: "Tally") -> None:
        """Score a dataset, write its friend files below ``folder``, and count its events."""
        columns = tuple(dict.fromkeys(("m_jj", *self.method.columns, *tally.columns)))
        friends = tuple(dict.fromkeys((*self.method.friends, *tally.friends)))

        def batches(chunk: str) -> Iterator[ak.Array]:
            for events in dataset.iterate_chunk(chunk, columns, friends):
                chosen = self.select(events, dataset.name, dataset.manifest.role == "data")
                tally.add(events, ak.to_numpy(chosen.selected))
                yield chosen

        for chunk in dataset.manifest.chunks:
            write(dataset.path(folder, chunk), batches(chunk), {})


Tally = DataTally | SignalTally | BackgroundTally


def select(
    settings: Settings,
    method_name: str,
    window_name: str,
    data: Dataset,
    backgrounds: list[Dataset],
    signals: list[Dataset],
    reweighted: bool,
    lund: bool,
) -> dict[str, Any]:
    """Run one method in one window, write the friends of every dataset, and return the summary.

    Args:
        settings: the section ``select``.
        method_name: ``inclusive``, ``tagger`` or ``cwola``.
        window_name: a key of ``select.windows``.
        data: the data to search in.
        backgrounds: simulated background, for the sculpting check.
        signals: simulated signals, for the efficiencies.
        reweighted: the backgrounds have friends ``reweight``.
        lund: the signals have friends ``calibrate``.

    Raises:
        ConfigError: no such method, window or feature, or ``data`` has another role.
        EmptySelectionError: too few events to train or to define an efficiency.
    """
    if data.manifest.role != "data":
        raise ConfigError(f"dataset {data.name!r} has the role {data.manifest.role!r}; select trains on role 'data'.")
    mass_window = window(settings, window_name)
    method = methods.make(method_name, settings)
    events = data.read(("m_jj", *method.columns), method.friends)
    regions = Regions.of(ak.to_numpy(events.m_jj), mass_window)
    require_events(regions, mass_window, window_name, data.name, settings.min_events)
    selector = Selector.train(method, events, mass_window, data.name)
    held_out = "tag" in selector.method.friends
    counted = DataTally(settings.spectrum, mass_window)
    simulated = BackgroundTally(settings.sculpting_bins, reweighted, held_out, [d.name for d in backgrounds])
    efficiencies = [SignalTally(signal, settings.spectrum, lund, held_out) for signal in signals]
    folder = f"select/{method_name}/{window_name}"
    jobs: list[tuple[Dataset, Tally]] = [(data, counted), *((b, simulated) for b in backgrounds)]
    jobs += zip(signals, efficiencies, strict=True)
    for dataset, tally in jobs:
        selector.apply(dataset, folder, tally)
    return {
        "method": method_name,
        "window": window_name,
        "signal_region": mass_window.signal_region,
        "sidebands": mass_window.sidebands,
        "efficiency_target": selector.method.background_efficiency,
        "training": selector.training,
        "data": data.name,
        **counted.summary(),
        "background": simulated.summary() if backgrounds else None,
        "signals": [tally.summary() for tally in efficiencies],
    }
