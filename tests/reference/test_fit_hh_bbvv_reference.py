"""kappa_2V from the public templates of CMS's HH -> bbVV search (HIG-23-012), with config/hh_bbvv.yaml."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import chi2

from resonaut.core.record import build
from resonaut.fit.histfactory import Model, fit_many
from resonaut.fit.histfactory.limits import Asymptotics
from resonaut.fit.results.models import ModelDescription
from resonaut.fit.templates import build as templates
from resonaut.fit.templates.files import histograms
from resonaut.fit.templates.settings import HistogramsJob
from resonaut.fit.templates.settings import Model as Settings
from resonaut.fit.transfer.blind import without

DATA = Path(os.environ.get("RESONAUT_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
CONFIG = Path(__file__).parents[2] / "config/hh_bbvv.yaml"
NAME, KAPPA, MU = "hh_bbvv", "kappa_2V", "mu"
OBSERVED, EXPECTED, CLOSE = (-0.04, 2.05), (0.05, 1.98), 0.05


@cache
def analysis() -> tuple[dict[str, Any], ModelDescription]:
    path = DATA / "hhbbvv/templates.json.gz"
    if not path.exists():
        pytest.skip(f"reference file {path} is absent; set RESONAUT_REFERENCE_DATA")
    given = yaml.safe_load(CONFIG.read_text())["fit"]["models"][NAME]
    given["file"]["path"] = str(path)
    published = build(given, Settings, NAME)
    for one in given["transfer"]["qcd"]["polynomials"].values():
        one["orders"] = None
    model = build(given, Settings, NAME)
    channels = []
    for channel, own in model.channels.items():
        inside = {name: one for name, one in model.samples.items() if one.channels is None or channel in one.channels}
        members = {name: one.datasets or [name] for name, one in inside.items()}
        asked = {one.variation for each in model.nuisances.values() for one in (each, *each.also) if one.variation}
        job = HistogramsJob(
            channel=own,
            members=members,
            variations={name: sorted(asked) for name in members},
            file=model.file,
            observed=True,
        )
        channels.append(histograms(job, channel))
    _, tested = templates.build(NAME, model, channels)
    return templates.build(NAME, replace(model, transfer=published.transfer), channels)[0], tested


def strength(kappa: float) -> Model:
    model = Model.of(analysis()[0], NAME)
    start = model.start.copy()
    start[model.place(KAPPA)] = kappa
    return replace(model, start=start)


def require_ends(inside: Callable[[float], bool], published: tuple[float, float]) -> None:
    """That an interval ends within 0.05 of what is published."""
    low, high = published
    assert [inside(one) for one in (low - CLOSE, low + CLOSE, high - CLOSE, high + CLOSE)] == [False, True, True, False]


def test_observed_interval_is_the_published_one() -> None:
    require_ends(lambda kappa: Asymptotics.of(strength(kappa), MU).cls(np.ones(1))[0, 0] > 0.05, OBSERVED)


def test_interval_of_the_likelihood_is_close_to_it() -> None:
    model = Model.of(analysis()[0], KAPPA)
    best = fit_many(model, model.data)
    level = best.deviance[0] + chi2.isf(0.05, 1)
    require_ends(lambda kappa: fit_many(model, model.data, {KAPPA: kappa}).deviance[0] < level, OBSERVED)


def test_expected_interval_with_a_background_from_beside_the_window_is_the_published_one() -> None:
    data = without(strength(0.0), {"passggf": (5, 10), "passvbf": (5, 10)}, {MU: 0.0})
    require_ends(lambda kappa: Asymptotics.of(strength(kappa), MU, data).cls(np.ones(1))[3, 0] > 0.05, EXPECTED)


def test_f_test_wants_no_more_than_the_published_orders() -> None:
    found = {step.polynomial: (step.lower, step.taken) for step in analysis()[1].transfer}
    assert found == {"ggf": ([0], False), "vbf": ([0], False)}
