"""The search for a resonance in one spectrum: what is fitted at each mass, and which resonances are found."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from resonaut.core.errors import FitError, ResonautError
from resonaut.fit import scan, sides, sources
from resonaut.fit.background import FAILURES, Model, Resonance, model
from resonaut.fit.results.points import Size
from resonaut.fit.scan import Excess
from resonaut.fit.settings import FitSettings
from resonaut.fit.shapes import Shape
from resonaut.fit.signal import template
from resonaut.fit.sources import Combined, Source
from resonaut.fit.spectrum import Spectrum

# Resonances that are tried in the background, at most; how often they are fitted again with each other, and the change
# of their significances (standard deviations) at which that is enough.
MOST_RESONANCES = 5
ROUNDS, SETTLED = 10, 0.01

T = TypeVar("T")


@dataclass(frozen=True)
class Efficiency:
    """Share of the produced signal that is selected, and its relative uncertainties by source, as in ``sides``.

    ``measured``: known well enough for limits on the cross section. ``peak``: what sources do to the peak, where the
    simulated signal with shifted objects tells it; their rates are among the ``uncertainties``.
    """

    value: float | None
    uncertainties: Mapping[str, Size]
    measured: bool
    extrapolated: bool = False
    peak: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """A spectrum to scan; ``luminosity`` in 1/fb, None for limits in events only; efficiencies by mass.

    ``groups`` of weights and shifts, each with the names of its sources of uncertainty: each is one calibration, of
    which one wants to know what it costs as a whole. ``shifted``: those of shifted objects.
    """

    spectrum: Spectrum
    shape: Shape
    luminosity: float | None
    efficiencies: dict[float, Efficiency]
    settings: FitSettings
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shifted: tuple[str, ...] = ()

    def events_per_fb(self, mass: float) -> float | None:
        """Selected events of a signal of 1 fb, where that is known."""
        efficiency = self.efficiencies[mass]
        if self.luminosity is None or not efficiency.value or not efficiency.measured:
            return None
        return self.luminosity * efficiency.value

    def sources(self, mass: float) -> dict[str, Source]:
        """Sources of uncertainty of the signal; they change its rate only for limits on the cross section."""
        given, efficiency = self.settings.uncertainties, self.efficiencies[mass]
        peak = efficiency.peak or sources.named({"scale": given.scale, "resolution": given.resolution})
        rates = {} if self.events_per_fb(mass) is None else efficiency.uncertainties
        names = dict.fromkeys([*peak, *rates])
        found = {name: replace(peak.get(name, Source()), rate=rates.get(name, 0.0)) for name in names}
        return {name: source for name, source in found.items() if source.size > 0}

    def combined(self, mass: float) -> Combined:
        """The nuisances of the fit that these sources are."""
        return Combined.of(self.sources(mass))

    def model(self, mass: float, resonances: Sequence[Resonance] = (), spectrum: Spectrum | None = None) -> Model:
        """The model at ``mass``, of another ``spectrum`` in the same bins if one is given."""
        return model(
            spectrum or self.spectrum,
            self.shape,
            mass,
            self.settings.sqrt_s,
            self.settings.background,
            self.combined(mass).nuisances,
            resonances,
        )

    def resonance(self, one: Model, excess: Excess) -> Resonance:
        """What was found with ``one``."""
        peak = template(self.shape, one.mass, self.spectrum.edges, self.combined(one.mass).nuisances)
        pulls = np.array([excess.nuisances[name].pull for name in peak.nuisances])
        return Resonance(one.mass, excess.z_local, peak.at(pulls))


@dataclass(frozen=True)
class Scan:
    """The models of all masses and what they show, with the ``resonances`` found floating in the others' background.

    Without the masses at which the fits ``failed``: why they did.
    """

    models: list[Model]
    found: list[Excess]
    resonances: list[Resonance]
    failed: dict[float, str]


def scanned(search: Search) -> Scan:
    """Fit each mass; again and again with the strongest resonance that is new, until there is none.

    One that is none beside the others, once they are fitted together, is left out for good.

    Raises:
        FitError: the fits fail at every mass.
    """
    threshold, masses = search.settings.background.resonances, sorted(search.efficiencies)
    resonances: list[Resonance] = []
    tried: set[float] = set()

    def fitted(mass: float) -> tuple[Model, Excess]:
        one = search.model(mass, resonances)
        return one, scan.search(one)

    while True:
        fits, failed = at_each(search, masses, fitted)
        models, found = [one for one, _ in fits.values()], [excess for _, excess in fits.values()]
        new = [
            search.resonance(one, excess)
            for one, excess in zip(models, found, strict=True)
            if threshold is not None and excess.z_local >= threshold and one.mass not in tried
        ]
        new = [one for one in new if not any(known.overlaps(one.shares) for known in resonances)]
        if threshold is None or not new or len(tried) == MOST_RESONANCES:
            return Scan(models, found, resonances, failed)
        strongest = max(new, key=lambda one: one.z_local)
        tried.add(strongest.mass)
        resonances = settled(search, [*resonances, strongest], threshold) if resonances else [strongest]


def settled(search: Search, resonances: Sequence[Resonance], threshold: float) -> list[Resonance]:
    """Each as it is fitted with the others floating: found alone, one has a part of another.

    Without those that are then below the ``threshold``, and the others fitted without these.
    """
    now = list(resonances)
    for _ in range(ROUNDS):
        before = [one.z_local for one in now]
        for i, one in enumerate(now):
            # What cannot be fitted stays as it is.
            with contextlib.suppress(*FAILURES):
                model = search.model(one.mass, now)
                now[i] = search.resonance(model, scan.search(model))
        if max(abs(one.z_local - z) for one, z in zip(now, before, strict=True)) < SETTLED:
            break
    kept = [one for one in now if one.z_local >= threshold]
    return settled(search, kept, threshold) if 0 < len(kept) < len(now) else kept


def at_each(
    search: Search, masses: Iterable[float], made: Callable[[float], T]
) -> tuple[dict[float, T], dict[float, str]]:
    """What is ``made`` at each of the ``masses``, and at those where the fits fail why they do.

    Raises:
        FitError: they fail at every mass.
    """
    found: dict[float, T] = {}
    failed: dict[float, str] = {}
    for mass in masses:
        try:
            found[mass] = made(mass)
        except FAILURES as error:
            known = isinstance(error, ResonautError)
            failed[mass] = (
                str(error) if known else f"the fits at {search.spectrum.said(mass)} fail ({error}); change the range."
            )
    if failed and not found:
        raise FitError(next(iter(failed.values())))
    return found, failed


def interpolated(mass: float, masses: np.ndarray, efficiencies: list[Efficiency]) -> Efficiency:
    """The efficiency at ``mass``: linear between simulated ``masses`` (sorted), the nearest one's beyond them."""
    values = [e.value or 0.0 for e in efficiencies]
    # A signal of which nothing is selected has no uncertainties of its Lund weights.
    names = dict.fromkeys(name for e in efficiencies for name in e.uncertainties)
    moving = dict.fromkeys(name for e in efficiencies for name in e.peak)
    return Efficiency(
        float(np.interp(mass, masses, values)),
        {n: sides.interpolated(mass, masses, [e.uncertainties.get(n, 0.0) for e in efficiencies]) for n in names},
        # Both neighbours, or the nearest one beyond the ends.
        np.interp(mass, masses, [float(not e.measured) for e in efficiencies]) == 0,
        not masses[0] <= mass <= masses[-1],
        {n: sources.interpolated(mass, masses, [e.peak.get(n, Source()) for e in efficiencies]) for n in moving},
    )
