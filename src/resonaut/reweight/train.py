"""Simulation to data in the sidebands: the ratio step, the spectrum, the normalisation, and the weights of all events.

With ``condition`` the ratio is that of p(x | m), the densities of the features at a value of the observable m: the
simulation first gets the data's spectrum of m in the sidebands by a smooth factor (``Tilt``), and m is an input of the
classifier. The weights are that factor times the ratio, over the mean ratio at each m, so that what the interpolated
ratio does to the features does nothing to the spectrum.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier, weights
from resonaut.core.errors import EmptySelectionError, ResonautError, during
from resonaut.core.events import Dataset, require_finite, write
from resonaut.core.weights import Factor
from resonaut.learn import ratio
from resonaut.learn.ratio.conditional import Observed, Profile, Tilt
from resonaut.learn.ratio.weights import Factors, Weigher
from resonaut.physics import features
from resonaut.reweight.settings import Settings

log = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]

COLUMN = "reweight"


@dataclass(frozen=True)
class Spectrum:
    """What makes weights of ratios: the ``norm``, and where they are those of p(x | m) the spectrum's smooth factor.

    ``mean``: what the ratios of each fold's models are on average at each m, and should not be.
    """

    norm: float
    tilt: Tilt | None = None
    mean: Profile | None = None

    def factors(self, ratios: FloatArray, values: NDArray[np.floating], folds: NDArray[np.int64]) -> FloatArray:
        """The factors of weights, of ratios (n,) at ``values`` of the observable, and the folds of the events."""
        if self.tilt is not None and self.mean is not None:
            ratios = ratios * (self.tilt(values) / self.mean(values, folds))
        return ratios * self.norm


@dataclass(frozen=True)
class Reweighter:
    """The trained ratio, and for each of its variations, with one for each toy, what makes weights of it.

    ``prior``: the smooth factor between the spectra with which the ratio was learned; None without ``condition``.
    """

    weigher: Weigher
    prior: Tilt | None
    spectra: Mapping[str, Sequence[Spectrum]]
    settings: Settings

    @classmethod
    def train(cls, data: Observed, simulation: Observed, luminosity: float, settings: Settings) -> "Reweighter":
        """Learn data over simulation in the sidebands.

        Args:
            data: those of the sidebands.
            simulation: all of it, weights in fb.
            luminosity: 1/fb.
            settings: the section ``reweight``.

        Raises:
            ResonautError: a feature has the same value in all events of a sample, its weights no positive sum, or no
                smooth factor relates the spectra.
        """
        beside = simulation[simulation.within(settings.sidebands)]
        for which, events in {"data": data, "simulation": beside}.items():
            _require_usable(which, events.sample, settings)
        prior = _tilt(data, beside, settings) if settings.condition else None
        source = beside if prior is None else beside.weighted(prior(beside.values))
        given = settings.classifier, settings.clip, settings.bootstraps if settings.condition else 0
        with during("reweight.sidebands"):
            weigher = Weigher.fit(inputs(data, settings), inputs(source, settings), *given)
        raw = cls(weigher, prior, {}, settings)
        spectra = {}
        for name, ratios in raw.ratios(simulation).items():
            drawn = _drawn if name == "bootstrap" else lambda events, _: events
            spectra[name] = [
                _spectrum(drawn(data, toy), drawn(simulation, toy), own, raw.folds(simulation), luminosity, settings)
                for toy, own in enumerate(ratios.T)
            ]
        (found,) = spectra[""]
        log.info("%d data events in the sidebands; the simulation is normalised by %g", len(data.values), found.norm)
        return replace(raw, spectra=spectra)

    def ratios(self, events: Observed) -> Factors:
        """The clipped ratios of events, from models that have not seen them, by variation."""
        sample = inputs(events, self.settings)
        if self.settings.condition:
            return self.weigher.factors(sample.features, sample.keys)
        nominal = self.weigher.nominal.ratio(sample.features, sample.keys)
        return {"": np.clip(nominal, *self.weigher.clip)[:, None]}

    def factors(self, events: Observed) -> Factors:
        """The factors of events' weights, (n, toys) by variation."""
        folds, values = self.folds(events), events.values

        def made(name: str, ratios: FloatArray) -> FloatArray:
            toys = zip(self.spectra[name], ratios.T, strict=True)
            return np.stack([one.factors(own, values, folds) for one, own in toys], axis=1)

        return {name: made(name, ratios) for name, ratios in self.ratios(events).items()}

    def folds(self, events: Observed) -> NDArray[np.int64]:
        """The fold of each event, shape (n,)."""
        return self.weigher.nominal.folds(events.sample.keys)

    def nominal(self, events: Observed) -> FloatArray:
        """The factor of each event's weight, shape (n,)."""
        found: FloatArray = self.factors(events)[""][:, 0]
        return found

    def apply(self, dataset: Dataset) -> None:
        """Write the friends ``reweight`` of a dataset: the weights of all events, sidebands or not."""
        sources = {source: f"{COLUMN}_{source}" if source else COLUMN for source in self.spectra}
        notes = {name: Factor(COLUMN, source, "toys" if source else "").metadata() for source, name in sources.items()}

        def batches(chunk: str) -> Iterator[ak.Array]:
            for events in dataset.iterate_chunk(chunk, columns(self.settings), every=True):
                made = self.factors(_observed(events, np.ones(len(events)), dataset.name, self.settings))
                batch = events[["run", "luminosityBlock", "event"]]
                for source, name in sources.items():
                    batch = ak.with_field(batch, ak.from_regular(made[source]) if source else made[""][:, 0], name)
                yield batch

        for chunk in dataset.manifest.chunks:
            write(dataset.path("reweight", chunk), batches(chunk), {}, notes)


def _require_usable(which: str, sample: ratio.Sample, settings: Settings) -> None:
    if (total := sample.weights.sum()) <= 0:
        raise ResonautError(
            f"config: reweight.sidebands: the weights of the {which} there sum to {total:g}, and a ratio needs more "
            "than 0; widen them, or correct the weights."
        )
    for name, values in zip(settings.features, sample.features.T, strict=True):
        if values.min() == values.max():
            raise ResonautError(f"config: reweight.features: {name!r} is {values[0]:g} in all {which}; take it out.")


def inputs(events: Observed, settings: Settings) -> ratio.Sample:
    """What the classifier sees: the features, and with ``condition`` the observable."""
    return events.joined if settings.condition else events.sample


def _tilt(data: Observed, simulation: Observed, settings: Settings) -> Tilt:
    """The smooth factor from the spectrum of simulation in the sidebands to that of data."""
    one, other = ((events.values, events.sample.weights) for events in (data, simulation))
    # About an edge of the sidebands; where, changes nothing but rounding.
    return Tilt.fit(one, other, settings.spectrum_degree, settings.sidebands[0][1])


def _spectrum(
    data: Observed,
    simulation: Observed,
    ratios: FloatArray,
    folds: NDArray[np.int64],
    luminosity: float,
    settings: Settings,
) -> Spectrum:
    """What belongs to ``ratios`` (n,) of the simulation, whose events are in ``folds`` (n,)."""
    rows = simulation.within(settings.sidebands)
    found = Spectrum(1.0)
    if settings.condition:
        tilt = _tilt(data, simulation[rows], settings)
        found = Spectrum(1.0, tilt, Profile.of(simulation.weighted(tilt(simulation.values)), ratios, folds))
    factors = found.factors(ratios, simulation.values, folds)
    expected = luminosity * float(np.sum(simulation.sample.weights[rows] * factors[rows]))
    return replace(found, norm=float(data.sample.weights.sum()) / expected)


def _drawn(events: Observed, replica: int) -> Observed:
    """The events as often as they are drawn for a bootstrap; see ``Sample.bootstrap``."""
    return events.weighted(identifier.poisson(events.sample.keys, replica))


def columns(settings: Settings) -> list[str]:
    """What is read of each event beside its weight."""
    return list(dict.fromkeys([settings.observable, *features.columns(settings.features)]))


def read(
    datasets: Iterable[Dataset], settings: Settings, ranges: Iterable[tuple[float, float]] | None = None
) -> list[Observed]:
    """The events of each dataset, of all or in ``ranges`` of the observable; weights of data, in fb for simulation.

    They include those of the datasets' own files, such as those for prescales and pile-up.

    Raises:
        EmptySelectionError: a dataset has no event in the sidebands.
    """
    return [_read(dataset, settings, None if ranges is None else list(ranges)) for dataset in datasets]


def _read(dataset: Dataset, settings: Settings, ranges: list[tuple[float, float]] | None) -> Observed:
    parts = []
    for events in weights.iterate(dataset, [*columns(settings), "weight"]):
        require_finite(events.weight, "weight", dataset.name)
        found = _observed(events, ak.to_numpy(events.weight), dataset.name, settings)
        parts.append(found if ranges is None else found[found.within(ranges)])
    read = Observed.concatenate(parts)
    if not read.within(settings.sidebands).any():
        raise EmptySelectionError(
            f"dataset {dataset.name!r} has no event in the sidebands; widen reweight.sidebands, or give it more events."
        )
    return read


def _observed(events: ak.Array, weight: NDArray[Any], name: str, settings: Settings) -> Observed:
    values = features.compute(events, settings.features, name)
    return Observed(ratio.Sample(values, weight, identifier.keys(events)), ak.to_numpy(events[settings.observable]))
