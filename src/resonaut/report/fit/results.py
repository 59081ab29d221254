"""The fit's results as the figures and tables of a search want them: files checked, the windows of a selection joined.

The stage ``fit`` says in ``docs/fit.md`` what the keys mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import config
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.shape import problem, require
from resonaut.report import settings
from resonaut.report.style import Array

NUMBERS = [float]
BINS = {"edges": NUMBERS, "counts": NUMBERS, "pulls": NUMBERS, "chi2": float, "ndf": int}
FUNCTION = {"family": str, "shape_parameters": int}
LIMITS = dict.fromkeys(
    ("observed", "expected", "expected_minus_2", "expected_minus_1", "expected_plus_1", "expected_plus_2"), float
)
SOURCE = {**dict.fromkeys(("size", "pull", "error", "impact"), float), "limit_impact": (float, None)}
SOURCES = {str: SOURCE}
EXCESS = {"mass": float, "z_local": float, "z_global": (float, None)}
FIT = {"low": float, "high": float, "p_background": (float, None), "p_signal": (float, None), "good": bool}
FIT |= {"p_smooth": float}
FIT |= dict.fromkeys(("background", "signal", "signal_plus_background"), NUMBERS)
POINT = dict.fromkeys(("mass", "p_local", "z_local", "z_expected", "reference_signal"), float)
for name in ("signal_yield", "signal_yield_floating"):
    POINT |= dict.fromkeys((name, f"{name}_error_up", f"{name}_error_down"), float)
# A mass at which the fits failed: all else is null.
FAILED = {"mass": float, "limit_reason": str}
BUMP = {"low": float, "high": float, "p_local": float, "p_global": (float, None), "toys": int}
# What of a result is read here; docs/fit.md says what the keys mean.
RESULT = {
    "sqrt_s": float,
    "luminosity": (float, None),
    "confidence_level": float,
    "background": {**BINS, **FUNCTION, "expected": NUMBERS, "p_value": (float, None)},
    "resonances": [{"mass": float, "z_local": (float, None)}],
    "scan": [
        {
            **POINT,
            "efficiency": (float, None),
            **dict.fromkeys(("limit", "limit_events", "limit_events_toys", "limit_events_pyhf"), (LIMITS, None)),
            "limit_reason": (str, None),
            "nuisances": SOURCES,
            "nuisance_groups": SOURCES,
            "fit": {**BINS, **FUNCTION, **FIT},
        }
    ],
    "global": (EXCESS, None),
    "bump_hunter": (BUMP, None),
}
# A signal that the fit moves this far, in standard deviations, is something beside its mass.
LARGE_PULL = 2.0
NO_EFFICIENCY = "too little simulated signal is selected to measure the efficiency"
SELECTED = {"method": str, "window": str, "signal_region": NUMBERS}
CURVES = dict.fromkeys(("edges", "background", "signal_plus_background"), NUMBERS)
SHOWN = {"edges": NUMBERS, "counts": NUMBERS}
BARE = {"observable": str, "spectrum": SHOWN, "scan": [{"fit": {"curves": CURVES}}]}

Point = dict[str, Any]
Value = Callable[[Point], float | None]


@dataclass(frozen=True)
class Result:
    """One file of the stage ``fit``; ``window`` is None where a bare spectrum was searched.

    The masses at which the fits ``failed`` are not in the ``scan`` of its ``content``.
    """

    selection: str
    window: str | None
    content: dict[str, Any]
    failed: list[Point]

    @property
    def title(self) -> str:
        """Selection and window, nothing for a bare spectrum."""
        return "" if self.window is None else f"{self.selection}, {self.window}"

    @property
    def figure(self) -> Path:
        """Where the figure of the spectrum lies in the folder of the report."""
        return Path("spectrum.png") if self.window is None else Path("spectra", f"{self.selection}_{self.window}.png")

    @property
    def best(self) -> dict[str, Any] | None:
        """The most significant mass."""
        return _best(self.content["scan"])

    @property
    def fit(self) -> dict[str, Any]:
        """The fit at the most significant mass; without masses that of the background to the whole range."""
        if self.best is not None:
            fit: dict[str, Any] = self.best["fit"]
            return fit
        whole = self.content["background"]
        low, high = whole["edges"][0], whole["edges"][-1]
        renamed = {"background": whole["expected"], "p_background": whole["p_value"]}
        return {**whole, **renamed, "low": low, "high": high, "signal": None}

    @property
    def observable(self) -> str:
        """The name of the axis of the spectrum."""
        name: str = self.content.get("observable", "m_jj")
        return name

    @property
    def curves(self) -> dict[str, Any]:
        """``edges`` (GeV) and values of the functions of ``fit``: of a bare spectrum in its own bins, as the data."""
        bare: dict[str, Any] = self.fit if self.window is not None else self.fit.get("curves", self.fit)
        return bare

    @property
    def spectrum(self) -> dict[str, Any]:
        """``edges`` (GeV) and ``counts`` of all that is shown; of a bare spectrum its own bins, few events or not."""
        shown: dict[str, Any] = self.content.get("spectrum", self.content["background"])
        return shown


@dataclass(frozen=True)
class Selection:
    """All masses of a selection, sorted, and the global significance of its largest excess where that is known.

    ``bare``: a spectrum without a simulated signal, so that limits hold after selection. ``searched``: the ranges of
    mass, GeV, that signal regions cover without a hole. ``resonances``: masses of those found, which float in the
    background of the other masses. ``failed``: masses at which the fits failed, with nulls for all else.
    """

    name: str
    bare: bool
    searched: list[tuple[float, float]]
    resonances: set[float]
    points: list[Point]
    failed: list[Point]
    excess: dict[str, Any] | None

    @property
    def every(self) -> list[Point]:
        """All masses, those at which the fits failed as well, sorted."""
        return sorted(self.points + self.failed, key=_mass)

    def curve(self, value: Value) -> tuple[Array, Array]:
        """Masses and a value of each; NaN where it is not known, and between masses that no search joins."""
        masses: list[float] = []
        values: list[float] = []
        for i, point in enumerate(self.every):
            mass = float(point["mass"])
            if i and not any(low <= masses[-1] and mass <= high for low, high in self.searched):
                masses.append((masses[-1] + mass) / 2)
                values.append(np.nan)
            masses.append(mass)
            found = value(point)
            values.append(np.nan if found is None else float(found))
        return np.array(masses), np.array(values)

    def where(self, chosen: Callable[[Point], Any], value: Value) -> tuple[list[float], list[float]]:
        """Masses of the ``chosen`` points, and a value of each, where it is known."""
        found = {point["mass"]: value(point) for point in self.points if chosen(point)}
        known = {mass: number for mass, number in found.items() if number is not None}
        return list(known), list(known.values())

    def is_resonance(self, point: Point) -> bool:
        """Whether a resonance is found at this mass."""
        return point["mass"] in self.resonances

    @property
    def best(self) -> dict[str, Any]:
        """The most significant mass, of those that are not in doubt if there are any."""
        return max(self.points, key=_significance)

    @property
    def limits(self) -> tuple[str, str]:
        """The key of the limits that are known, and their unit: in fb at one mass at least, or else in events."""
        return ("limit", "fb") if any(point["limit"] for point in self.points) else ("limit_events", "events")

    @property
    def limited(self) -> str:
        """The quantity that the limits are on."""
        if self.limits[1] == "events":
            return "signal yield"
        return "cross section × acceptance × efficiency" if self.bare else "cross section × branching fraction"


def doubts(point: Point) -> list[str]:
    """Why the p-value and yield of a mass are in doubt; none where nothing speaks against them.

    Every figure and table takes its marks from here and from ``limit_doubts``.
    """
    if point["fit"] is None:
        return [f"no result: {point['limit_reason']}"]
    return [] if point["fit"]["good"] else ["no good fit in any range"]


def limit_doubts(point: Point) -> list[str]:
    """Why its limits are in doubt: as its p-value, or because they are of a signal that has moved away."""
    found = point["nuisances"] or {}
    pulls = {name: found[name]["pull"] for name in ("scale", "resolution") if name in found}
    moved = [f"the signal's {name} is pulled by {pull:.1f}σ" for name, pull in pulls.items() if abs(pull) > LARGE_PULL]
    return doubts(point) + moved


def no_limit(point: Point, key: str) -> list[str]:
    """Why there is a result but no limit; nothing where there is one."""
    return [] if point[key] or point["fit"] is None else [f"no limit: {point['limit_reason'] or NO_EFFICIENCY}"]


def limit(key: str, name: str) -> Value:
    """A limit of a point, ``observed`` or an expected one; None where there is none."""
    return lambda point: (point[key] or {}).get(name)


def checked_limit(point: dict[str, Any], check: str, unit: str) -> dict[str, float] | None:
    """Limits by another method, ``toys`` or ``pyhf``, in the ``unit`` of ``Selection.limits``."""
    limits: dict[str, float] | None = point[f"limit_events_{check}"]
    if limits is None or unit == "events":
        return limits
    if point["limit"] is None or point["limit_events"] is None:
        return None
    per_event = point["limit"]["expected"] / point["limit_events"]["expected"]
    return {name: value * per_event for name, value in limits.items()}


def _mass(point: Point) -> float:
    return float(point["mass"])


def _significance(point: Point) -> tuple[bool, float]:
    return not doubts(point), float(point["z_local"])


def _best(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    return max(points, key=_significance, default=None)


def read(paths: Sequence[Path]) -> list[Result]:
    """Read results of the stage ``fit``.

    Raises:
        InputFileError: a file is no fit result.
        ConfigError: a bare scan is not the only file.
    """
    results = []
    for path in paths:
        content, failed = _parted(config.load_json(path))
        selected = isinstance(content, dict) and "method" in content
        wrong = problem(content, RESULT) or problem(content, SELECTED if selected else BARE) or _uneven(content)
        wrong = wrong or problem(failed, [FAILED])
        if wrong:
            raise InputFileError(path, f"no fit result ({wrong})", "run 'resonaut fit' again")
        window = content["window"] if selected else None
        if window is None and len(paths) > 1:
            raise ConfigError(f"{path} is a scan of a bare spectrum; draw each of those with a command of its own.")
        results.append(Result(content.get("method", "spectrum"), window, content, failed))
    return results


def _parted(content: Any) -> tuple[Any, list[Point]]:
    """A result with the masses that were fitted, and the entries of those at which the fits failed."""
    if not isinstance(content, dict) or not isinstance(content.get("scan"), list):
        return content, []
    failed = [isinstance(point, dict) and point.get("fit", point) is None for point in content["scan"]]
    fitted, without = ([p for p, f in zip(content["scan"], failed, strict=True) if f is kind] for kind in (False, True))
    return content | {"scan": fitted}, without


def _uneven(content: dict[str, Any]) -> str | None:
    """Which lists of a fit are not one value for each of its bins."""
    if "spectrum" in content:
        curves = {f"scan[{i}].fit.curves": (point["fit"]["curves"], CURVES) for i, point in enumerate(content["scan"])}
        for name, (shown, keys) in {"spectrum": (content["spectrum"], SHOWN), **curves}.items():
            if any(len(shown[key]) + (key != "edges") != len(shown["edges"]) for key in keys):
                return f"{name} has not one value for each bin"
    named = {"background": content["background"]} | {
        f"scan[{i}].fit": point["fit"] for i, point in enumerate(content["scan"])
    }
    for name, fit in named.items():
        for key in ("counts", "pulls", "expected" if name == "background" else "background", "signal"):
            if len(fit.get(key, fit["counts"])) + 1 != len(fit["edges"]):
                return f"{name}.{key} has not one value for each bin"
    return None


def selections(results: Sequence[Result], summary: Path | None) -> list[Selection]:
    """The selections with at least one mass, in the order of the ``results``.

    Without ``summary``, ``<results>/fit/summary.json``, only selections with one result have a global significance:
    that of several windows together is not in their files.

    Raises:
        InputFileError: ``summary`` is no summary of the stage ``fit``.
        ConfigError: no result has a mass.
    """
    bare = results[0].window is None
    excesses = _global(results) if summary is None else _summarised(summary)
    points: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        points.setdefault(result.selection, []).extend(result.content["scan"])
    found = [
        Selection(
            name,
            bare,
            _searched(results, name),
            {one["mass"] for result in results if result.selection == name for one in result.content["resonances"]},
            sorted(scan, key=_mass),
            [point for result in results if result.selection == name for point in result.failed],
            excesses.get(name),
        )
        for name, scan in points.items()
        if scan
    ]
    if not found:
        raise ConfigError("no fit result has a mass; give fit.masses that lie in signal regions.")
    return found


def _searched(results: Sequence[Result], name: str) -> list[tuple[float, float]]:
    """The signal regions of a selection, those that touch joined; a bare spectrum is searched everywhere."""
    regions = [result.content.get("signal_region", (0, np.inf)) for result in results if result.selection == name]
    joined: list[tuple[float, float]] = []
    for low, high in sorted(regions):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return joined


def _global(results: Sequence[Result]) -> dict[str, Any]:
    names = [result.selection for result in results]
    return {result.selection: result.content["global"] for result in results if names.count(result.selection) == 1}


def _summarised(summary: Path) -> dict[str, Any]:
    shape, remedy = {"global": {"selections": {str: EXCESS}}}, "run 'resonaut fit summary' again"
    content = require(config.load_json(summary), shape, summary, "summary of fits", remedy)
    found: dict[str, Any] = content["global"]["selections"]
    return found


def heading(label: str, content: dict[str, Any]) -> str:
    """What the figures of a fit result show: the label of the configuration, energy and luminosity."""
    return settings.heading(label, content["sqrt_s"], content["luminosity"])
