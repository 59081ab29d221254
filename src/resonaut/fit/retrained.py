"""Results of selections that learn from the data: trained again for every injected signal (``resonaut select inject``).

The efficiency of such a selection is a function of the cross section, fitted to all trainings (``turnon``). A cross
section is excluded if the data exclude it with the efficiency that belongs to it: the limit is where the excluded cross
section, as a function of the injected one, equals the injected one.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from resonaut.core import manifest
from resonaut.core.errors import ConfigError, FitError, InputFileError
from resonaut.core.observables import said
from resonaut.core.results import read
from resonaut.fit import limits, scan
from resonaut.fit.background import FAILURES, Model
from resonaut.fit.results.retrained import Amount, Expected, FailedExperiment, FittedExperiment, Retrained
from resonaut.fit.selection import search_of
from resonaut.fit.settings import FitSettings
from resonaut.fit.trainings import DRAW, MOST_SHARED, means
from resonaut.fit.turnon import FEWEST, meeting
from resonaut.select.results import Experiment, Selection, Signal, Trained

log = logging.getLogger(__name__)

FIVE_SIGMA = 5.0
# Relative difference of two luminosities that are the same.
SAME = 0.01


def retrained(
    settings: FitSettings, selection: Path | None, data: Sequence[Path], experiments: Sequence[Path]
) -> Retrained:
    """p-values of the experiments of one method, window and signal, and the limit from the actual selection.

    Args:
        settings: the section ``fit``.
        selection: ``<results>/select/<method>/<window>.json`` of the data themselves; None without.
        data: manifests of the data, for their luminosity; none without.
        experiments: ``<results>/select/inject/<method>/<window>/<signal>/*.json``.

    Raises:
        InputFileError: a file is no summary of an experiment, or they are not of one method, window and signal.
        ConfigError: the signal has no mass.
        FitError: the fits of all experiments fail.
    """
    contents = [read(path, Experiment) for path in experiments]
    first = contents[0]
    for path, content in zip(experiments, contents, strict=True):
        if _name(content) != _name(first):
            raise InputFileError(path, f"is of {_name(content)}, not of {_name(first)}", "give files of one kind")
    method, window, signal = _name(first)
    mass = first.signals[0].mass
    if mass is None:
        raise ConfigError(f"the signal {signal!r} has no mass; set datasets.{signal}.mass.")
    own = replace(settings, masses=[mass], signals=[signal])
    rows, contents, failed = _experiments(own, contents, experiments)
    groups = {amount: [c for c in contents if c.injection.amount == amount] for amount in _amounts(contents)}
    actual = None
    if selection and data:
        actual = Actual(read(selection, Trained), manifest.total_luminosity(manifest.read(data)))
    unit = first.injection.unit
    reason = _no_limit(groups, actual)
    trained = means(groups, settings.confidence_level)
    amounts = [
        _amount(
            amount,
            [row for row in rows if row.amount == amount],
            trained.get(amount),
            _expected(own, trained.get(amount), groups[amount], groups.get(0), None if reason else actual),
        )
        for amount in groups
    ]

    def meets(values: list[float | None]) -> float | None:
        return meeting(list(groups), values) if unit == "fb" else None

    limit = meets([row.excluded for row in amounts])
    if limit is None and reason is None:
        reason = f"with {list(groups)[-1]:g} {unit} {amounts[-1].excluded_reason}"
    return Retrained(
        method=method,
        window=window,
        signal=signal,
        mass=mass,
        unit=unit,
        base=first.injection.base,
        confidence_level=settings.confidence_level,
        experiments=rows,
        failed=failed,
        amounts=amounts,
        limit=limit,
        limit_expected=meets([row.excluded_expected for row in amounts]),
        limit_reason=reason,
        five_sigma=_crossing(amounts) if unit == "fb" else None,
        five_sigma_expected=meets([row.five_sigma_expected for row in amounts]),
    )


@dataclass(frozen=True)
class Actual:
    """The selection of the data themselves, and their luminosity in 1/fb."""

    selected: Trained
    luminosity: float | None


def _name(content: Experiment) -> tuple[str, str, str]:
    return content.method, content.window, content.injection.signal


def _amounts(contents: Sequence[Experiment]) -> list[float]:
    return sorted({content.injection.amount for content in contents})


def _no_limit(groups: Mapping[float, list[Experiment]], actual: Actual | None) -> str | None:
    """Why the experiments and the actual selection give no limit; None where they do."""
    contents = [content for group in groups.values() for content in group]
    injections = [content.injection for content in contents]
    if actual is None:
        return "there is no selection of data"
    if injections[0].unit != "fb":
        return "the signal was injected as a number of events"
    if into_data := [one.base_reason for one in injections if one.base == "data"]:
        return (
            f"the signal was injected into the data, which may hold one already, as {into_data[0]}; give the search a "
            "dataset in search.samples.pseudo_data, or more simulation"
        )
    wanted = actual.luminosity
    if not wanted:
        return "the data have no luminosity"
    if other := [c.luminosity for c in contents if abs(c.luminosity - wanted) > SAME * wanted]:
        return f"an experiment has {other[0]:g}/fb and the data {wanted:g}/fb; give it as much background"
    if few := [f"{amount:g}" for amount, group in groups.items() if len(group) < FEWEST]:
        return f"there is one training with {', '.join(few)} fb, which does not tell how much trainings differ"
    if max(one.shared for one in injections) > MOST_SHARED:
        return (
            "the trainings have nearly the same events, which does not tell how much others differ; give them more "
            "pseudo-data or simulation to draw from"
        )
    return None


def _model(
    settings: FitSettings, content: Selection, luminosity: float | None, path: Path
) -> tuple[Model, float | None]:
    """The model at the signal's mass, and the selected events of 1 fb where the efficiency is known well enough."""
    (mass,) = settings.masses
    low, high = content.signal_region
    if not low <= mass < high:
        raise InputFileError(
            path, f"the mass {said(mass, content.unit)} is outside its signal region", "choose another window"
        )
    search = search_of(settings, content, luminosity, path)
    return search.model(mass), search.events_per_fb(mass)


def _experiments(
    settings: FitSettings, contents: Sequence[Experiment], paths: Sequence[Path]
) -> tuple[list[FittedExperiment], list[Experiment], list[FailedExperiment]]:
    """What the experiments find, their contents, and why the others are left out: their fits fail.

    Raises:
        FitError: the fits of all of them do.
    """
    rows, used, failed = [], [], []
    for content, path in zip(contents, paths, strict=True):
        try:
            rows.append(_experiment(settings, content, path))
            used.append(content)
        except FAILURES as error:
            log.warning("%s: the experiment is left out: %s", path, error)
            injection = content.injection
            failed.append(FailedExperiment(amount=injection.amount, seed=injection.seed, reason=str(error)))
    if not rows:
        raise FitError(f"the fits of all experiments fail; of the first: {failed[0].reason}")
    return rows, used, failed


def _experiment(settings: FitSettings, content: Experiment, path: Path) -> FittedExperiment:
    """The excess in data with injected signal."""
    model, _ = _model(settings, content, content.luminosity, path)
    excess = scan.search(model)
    signal, injection = content.signals[0], content.injection
    return FittedExperiment(
        amount=injection.amount,
        seed=injection.seed,
        events=injection.events,
        efficiency=signal.efficiency,
        efficiency_error=signal.efficiency_error,
        z_local=excess.z_local,
        p_local=excess.p_local,
        signal_yield=excess.signal_yield.value,
        sculpting=content.sculpting.verdict,
    )


def _amount(amount: float, rows: list[FittedExperiment], trained: Signal | None, expected: Expected) -> Amount:
    """What the experiments with one amount found, and what is ``expected`` with their efficiency."""
    efficiencies, z = [row.efficiency for row in rows], [row.z_local for row in rows]
    draw = trained.uncertainties.get("_".join(DRAW)) if trained else None
    return Amount(
        amount=amount,
        experiments=len(rows),
        efficiency=float(np.mean(efficiencies)),
        efficiency_spread=float(np.std(efficiencies, ddof=1)) if len(rows) > 1 else None,
        efficiency_fitted=trained.efficiency if trained else None,
        efficiency_uncertainty=draw[0] if draw else None,
        z_local=float(np.median(z)),
        z_local_range=(min(z), max(z)),
        **vars(expected),
    )


def _expected(
    settings: FitSettings,
    trained: Signal | None,
    experiments: list[Experiment],
    nothing: list[Experiment] | None,
    actual: Actual | None,
) -> Expected:
    """What is expected, and what the actual data exclude, with the efficiency found at one amount; or why nothing is.

    Expectations are medians over the experiments with ``nothing`` injected. Without any they are of the background that
    is fitted, with a signal beside it, to this amount's ``experiments``, and for limits to the ``actual`` data.
    """
    if trained is None:
        return Expected(excluded_reason="or more a training found none of the signal")

    def seen_in(content: Selection, luminosity: float | None) -> tuple[Model, float | None]:
        """The trained selection's signal over the spectrum of another one."""
        return _model(settings, replace(content, signals=[trained]), luminosity, Path(content.data))

    found = Expected()
    try:
        over = [seen_in(content, content.luminosity) for content in nothing or experiments]
        if over[0][1] is None:
            return Expected(excluded_reason="the efficiency is not known well enough")
        five_sigma = [_five_sigma(model, per_fb) for model, per_fb in over if per_fb]
        found = Expected(five_sigma_expected=float(np.median(five_sigma)))
        if actual is None:
            return found
        model, events_per_fb = seen_in(actual.selected, actual.luminosity)
        assert events_per_fb is not None
        own = limits.upper_limits(model, settings.confidence_level)
        expected = [limits.upper_limits(one, settings.confidence_level) for one, _ in over] if nothing else [own]
    except FAILURES as error:
        return replace(found, excluded_reason=str(error))
    return replace(
        found,
        excluded=own.observed / events_per_fb,
        excluded_expected=float(np.median([one.expected[2] for one in expected])) / events_per_fb,
    )


def _five_sigma(model: Model, events_per_fb: float) -> float:
    """Cross section in fb whose expected significance is 5."""

    def distance(events: float) -> float:
        return scan.expected_significance(model, events) - FIVE_SIGMA

    # In steps: a signal far larger than the background is no fit's business.
    high = 1.0
    while distance(high) < 0:
        high *= 2
    return float(brentq(distance, high / 2, high, rtol=1e-4)) / events_per_fb


def _crossing(amounts: Sequence[Amount]) -> float | None:
    """The injected cross section at which the median significance first reaches 5, linearly between two; else None."""
    for low, high in pairwise(amounts):
        if low.z_local < FIVE_SIGMA <= high.z_local:
            share = (FIVE_SIGMA - low.z_local) / (high.z_local - low.z_local)
            return low.amount + share * (high.amount - low.amount)
    return None
