"""The figures of a trigger, of made-up measurements."""

import numpy as np
import pytest

from resonaut.core.results import write
from resonaut.report.trigger import trigger_rates, trigger_scores
from resonaut.trigger import measure
from resonaut.trigger.measure import Scored
from resonaut.trigger.results import Measured, Measurement, MenuUse


def measurement(name: str, scale: float, menu: bool) -> Measurement:
    rng = np.random.default_rng(1)

    def scored(mean: float, n: int) -> Scored:
        missed = (rng.random(n) < 0.5).astype(float) if menu else np.ones(n)
        pileup = rng.poisson(50, n).astype(float)
        return Scored(rng.exponential(mean, n) + pileup / 50, None, missed, pileup, rng.poisson(3, n).astype(float))

    zero_bias, signals = scored(1, 20_000), {"tt": scored(3 * scale, 500), "vbf": scored(2 * scale, 500)}
    use = MenuUse(rate=Measured(value=100, error=1), seeds=3, evaluated=2, unknown=["L1_AXO"])
    return Measurement(
        name=name,
        crossings=20_000,
        saturated=0,
        total_rate=28609,
        menu=use if menu else None,
        areas={"tt": 0.8, "vbf": 0.7},
        points=[measure.working_point(zero_bias, signals, target, 28609) for target in (1, 10, 100)],
        curve=measure.curve(zero_bias, 28609),
        dependences=[measure.dependence("pileup", zero_bias.pileup, zero_bias.score, 6, 5)],
        distributions=measure.distributions({"zero bias": zero_bias} | signals, "zero bias", 12),
    )


@pytest.fixture
def files(tmp_path):
    paths = []
    for name, scale, menu in (("plain", 1, True), ("wide", 2, False)):
        paths.append(tmp_path / f"{name}.json")
        write(paths[-1], measurement(name, scale, menu))
    return paths


def test_all_figures_are_drawn(files, tmp_path):
    for module in (trigger_rates, trigger_scores):
        module.draw(tmp_path / "report", files)
        for output in module.FIGURE.writes.values():
            assert (tmp_path / "report" / output.name).stat().st_size > 5000
