"""The fit's results as the figures and tables of a search want them: the windows of a selection joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import results as core
from resonaut.core.errors import ConfigError
from resonaut.core.observables import DEFAULT, axis, said
from resonaut.core.style import Array
from resonaut.fit.results.fits import Background, Curves, Fit
from resonaut.fit.results.points import FailedPoint, Limits, Point
from resonaut.fit.results.scans import Global, Scan, SelectionScan, Shown, SpectrumScan, Summary
from resonaut.report import settings
from resonaut.report.observables import words

# A signal that the fit moves this far, in standard deviations, is something beside its mass.
LARGE_PULL = 2.0
NO_EFFICIENCY = "too little simulated signal is selected to measure the efficiency"

AnyPoint = Point | FailedPoint
Value = Callable[[Point], float | None]


@dataclass(frozen=True)
class ShownFit:
    """A fit in merged bins, as in ``fit.results.Fit``; without masses the background's to the whole range."""

    low: float
    high: float
    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    p_background: float | None
    edges: list[float]
    counts: list[float]
    background: list[float]
    pulls: list[float]
    signal: list[float] | None
    signal_plus_background: list[float] | None

    @property
    def fitted(self) -> bool:
        """Whether a function describes the events; without one they are in one bin."""
        return self.shape_parameters > 0

    @classmethod
    def of_signal(cls, fit: Fit) -> "ShownFit":
        """The fit at a mass."""
        return cls(**{field.name: getattr(fit, field.name) for field in fields(cls)})

    @classmethod
    def of_background(cls, fit: Background) -> "ShownFit":
        """The fit of the background alone."""
        return cls(
            low=fit.edges[0],
            high=fit.edges[-1],
            family=fit.family,
            shape_parameters=fit.shape_parameters,
            chi2=fit.chi2,
            ndf=fit.ndf,
            p_background=fit.p_value,
            edges=fit.edges,
            counts=fit.counts,
            background=fit.expected,
            pulls=fit.pulls,
            signal=None,
            signal_plus_background=None,
        )


@dataclass(frozen=True)
class Result:
    """One file of the stage ``fit``; ``window`` is None where a bare spectrum was searched."""

    selection: str
    window: str | None
    content: SelectionScan | SpectrumScan

    @property
    def method(self) -> str:
        """The method, and for a bare spectrum the same as the selection."""
        return self.content.method if isinstance(self.content, SelectionScan) else self.selection

    @property
    def title(self) -> str:
        """Selection and window, nothing for a bare spectrum."""
        return "" if self.window is None else f"{self.selection}, {self.window}"

    @property
    def figure(self) -> Path:
        """Where the figure of the spectrum lies in the folder of the report."""
        return Path("spectrum.png") if self.window is None else Path("spectra", f"{self.method}_{self.window}.png")

    @property
    def region(self) -> tuple[float, float] | None:
        """The signal region; a bare spectrum has none."""
        return self.content.signal_region if isinstance(self.content, SelectionScan) else None

    @property
    def best(self) -> Point | None:
        """The most significant mass."""
        return max(self.content.points, key=_significance, default=None)

    @property
    def fit(self) -> ShownFit:
        """The fit at the most significant mass; without masses that of the background to the whole range."""
        if self.best is None:
            return ShownFit.of_background(self.content.background)
        return ShownFit.of_signal(self.best.fit)

    @property
    def observable(self) -> str:
        """What is searched: a column of the events, or the axis of a bare spectrum."""
        return self.content.observable

    @property
    def label(self) -> str:
        """How figures call it."""
        return self.content.label if isinstance(self.content, SelectionScan) else self.observable

    @property
    def unit(self) -> str:
        """That of the observable; of a bare spectrum it is GeV."""
        return self.content.unit if isinstance(self.content, SelectionScan) else "GeV"

    def said(self, mass: float) -> str:
        """A value of the observable in a sentence."""
        return said(mass, self.unit)

    @property
    def quantity(self) -> str:
        """The observable in words, where there are any."""
        return self.observable if self.window is None else words(self.observable)

    @property
    def curves(self) -> Curves | ShownFit:
        """``edges`` and values of the functions of ``fit``: of a bare spectrum in its own bins, as the data."""
        return self.fit if self.window is not None or self.best is None else self.best.fit.curves

    @property
    def spectrum(self) -> Shown | Background:
        """``edges`` and ``counts`` of all that is shown; of a bare spectrum its own bins, few events or not."""
        return self.content.spectrum if isinstance(self.content, SpectrumScan) else self.content.background


@dataclass(frozen=True)
class Selection:
    """All masses of a selection, sorted, and the global significance of its largest excess where that is known.

    ``bare``: a spectrum without a simulated signal, so that limits hold after selection. ``searched``: the ranges of
    mass that signal regions cover without a hole. ``resonances``: masses of those found, which float in the
    background of the other masses. ``failed``: masses at which the fits failed. Masses are values of one observable,
    in its ``mass_unit``.
    """

    name: str
    results: list[Result]
    bare: bool
    searched: list[tuple[float, float]]
    resonances: set[float]
    points: list[Point]
    failed: list[FailedPoint]
    excess: Global | None

    @property
    def observable(self) -> str:
        """The observable whose spectra are searched."""
        return self.results[0].observable

    @property
    def mass_unit(self) -> str:
        """That of the observable."""
        return self.results[0].unit

    def said(self, mass: float) -> str:
        """A mass in a sentence."""
        return said(mass, self.mass_unit)

    @property
    def mass_label(self) -> str:
        """Of the axis of masses."""
        return mass_label("" if self.results[0].window is None else self.observable, self.mass_unit)

    @property
    def every(self) -> list[AnyPoint]:
        """All masses, those at which the fits failed as well, sorted."""
        return sorted([*self.points, *self.failed], key=_mass)

    def values(self, value: Callable[[Point], Any]) -> list[Any]:
        """A value of each of ``every`` mass; None where the fits failed."""
        return [value(point) if isinstance(point, Point) else None for point in self.every]

    def curve(self, value: Value) -> tuple[Array, Array]:
        """Masses and a value of each; NaN where it is not known, and between masses that no search joins."""
        masses: list[float] = []
        values: list[float] = []
        for point, found in zip(self.every, self.values(value), strict=True):
            mass = point.mass
            if masses and not any(low <= masses[-1] and mass <= high for low, high in self.searched):
                masses.append((masses[-1] + mass) / 2)
                values.append(np.nan)
            masses.append(mass)
            values.append(np.nan if found is None else found)
        return np.array(masses), np.array(values)

    def where(self, chosen: Callable[[Point], Any], value: Value) -> tuple[list[float], list[float]]:
        """Masses of the ``chosen`` points, and a value of each, where it is known."""
        found = {point.mass: value(point) for point in self.points if chosen(point)}
        known = {mass: number for mass, number in found.items() if number is not None}
        return list(known), list(known.values())

    def is_resonance(self, point: Point) -> bool:
        """Whether a resonance is found at this mass."""
        return point.mass in self.resonances

    @property
    def best(self) -> Point:
        """The most significant mass, of those that are not in doubt if there are any."""
        return max(self.points, key=_significance)

    @property
    def unit(self) -> str:
        """Of the limits that are known: fb at one mass at least, or else events."""
        return "fb" if any(point.limit for point in self.points) else "events"

    @property
    def limited(self) -> str:
        """The quantity that the limits are on."""
        if self.unit == "events":
            return "signal yield"
        return "cross section × acceptance × efficiency" if self.bare else "cross section × branching fraction"

    def limits(self, point: Point) -> Limits | None:
        """The limits at a mass, in ``unit``; None where there are none."""
        return point.limit if self.unit == "fb" else point.limit_events

    def limit(self, name: str) -> Value:
        """A limit of a point, ``observed`` or an expected one; None where there is none."""

        def value(point: Point) -> float | None:
            found = self.limits(point)
            return None if found is None else float(getattr(found, name))

        return value

    def checked(self, point: Point, check: str) -> Limits | None:
        """The limits by another method, ``toys`` or ``pyhf``, in ``unit``."""
        limits = point.limit_events_toys if check == "toys" else point.limit_events_pyhf
        if limits is None or self.unit == "events":
            return limits
        if point.limit is None or point.limit_events is None:
            return None
        return limits.scaled(point.limit.expected / point.limit_events.expected)

    def no_limit(self, point: AnyPoint) -> list[str]:
        """Why there is a result but no limit; nothing where there is one."""
        if isinstance(point, FailedPoint) or self.limits(point):
            return []
        return [f"no limit: {point.limit_reason or NO_EFFICIENCY}"]


def mass_label(observable: str, unit: str) -> str:
    """Of an axis of masses: of another observable than the default, which is named, its own."""
    known = observable in ("", DEFAULT)
    return axis("resonance mass" if known else f"resonance in {observable}", unit)


def doubts(point: AnyPoint) -> list[str]:
    """Why the p-value and yield of a mass are in doubt; none where nothing speaks against them.

    Every figure and table takes its marks from here and from ``limit_doubts``.
    """
    if isinstance(point, FailedPoint):
        return [f"no result: {point.limit_reason}"]
    return [] if point.fit.good else ["no good fit in any range"]


def limit_doubts(point: AnyPoint) -> list[str]:
    """Why its limits are in doubt: as its p-value, or because they are of a signal that has moved away."""
    pulls = {} if isinstance(point, FailedPoint) else point.peak_pulls
    moved = [f"the signal's {name} is pulled by {pull:.1f}σ" for name, pull in pulls.items() if abs(pull) > LARGE_PULL]
    return doubts(point) + moved


def _mass(point: AnyPoint) -> float:
    return point.mass


def _significance(point: Point) -> tuple[bool, float]:
    return not doubts(point), point.z_local


def read(paths: Sequence[Path]) -> list[Result]:
    """Read results of the stage ``fit``.

    Raises:
        InputFileError: a file is no fit result.
        ConfigError: a bare scan is not the only file.
    """
    results = []
    for path in paths:
        content = core.read(path, SelectionScan, SpectrumScan)
        if isinstance(content, SelectionScan):
            results.append(Result(content.selection, content.window, content))
        elif len(paths) > 1:
            raise ConfigError(f"{path} is a scan of a bare spectrum; draw each of those with a command of its own.")
        elif isinstance(content, SpectrumScan):
            results.append(Result("spectrum", None, content))
    return results


def selections(results: Sequence[Result], summary: Path | None) -> list[Selection]:
    """The selections with at least one mass, in the order of the ``results``.

    Without ``summary``, ``<results>/fit/summary.json``, only selections with one result have a global significance:
    that of several windows together is not in their files.

    Raises:
        InputFileError: ``summary`` is no summary of the stage ``fit``.
        ConfigError: no result has a mass.
    """
    excesses = _global(results) if summary is None else core.read(summary, Summary).global_.selections
    windows: dict[str, list[Result]] = {}
    for result in results:
        windows.setdefault(result.selection, []).append(result)
    found = [
        Selection(
            name,
            own,
            results[0].window is None,
            _searched(own),
            {one.mass for result in own for one in result.content.resonances},
            points,
            [point for result in own for point in result.content.failed],
            excesses.get(name),
        )
        for name, own in windows.items()
        if (points := sorted((point for result in own for point in result.content.points), key=_mass))
    ]
    if not found:
        raise ConfigError("no fit result has a mass; give fit.masses that lie in signal regions.")
    return found


def by_observable(selections: Sequence[Selection]) -> list[list[Selection]]:
    """The selections of each observable."""
    found: dict[str, list[Selection]] = {}
    for one in selections:
        found.setdefault(one.observable, []).append(one)
    return list(found.values())


def _searched(windows: Sequence[Result]) -> list[tuple[float, float]]:
    """The signal regions of a selection, those that touch joined; a bare spectrum is searched everywhere."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(result.region or (0, np.inf) for result in windows):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return joined


def _global(results: Sequence[Result]) -> dict[str, Global | None]:
    names = [result.selection for result in results]
    return {result.selection: result.content.global_ for result in results if names.count(result.selection) == 1}


def heading(label: str, content: Scan) -> str:
    """What the figures of a fit result show: the label of the configuration, energy and luminosity."""
    return settings.heading(label, content.sqrt_s, content.luminosity)
