"""CWoLa on toy events: no signal makes no excess, a signal is found; and how much a verdict on sculpting can see."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.select import method as methods
from resonaut.select.methods.cwola import CwolaSettings
from resonaut.select.regions import LOWER, SIGNAL, UPPER, Regions
from resonaut.select.sculpting import Sculpted
from resonaut.select.selector import Selector
from resonaut.select.settings import Sculpting, Settings, Window, of
from resonaut.select.training_data import TrainingData

WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4250)))


def settings(seed: int, parts: int, efficiency: float, **changes) -> Settings:
    trees = {"learning_rate": 0.05, "max_iterations": 60, "patience": 10, "validation_parts": parts}
    section = {"classifier": {"folds": 4, "trees": trees}}
    section |= {"background_efficiency": efficiency, "jet_features": ["m", "tau21"]}
    built = build(section, of("cwola"), "test")
    return replace(built, classifier=replace(built.classifier, seed=seed), **changes)


def events(background: int, signal: int, seed: int) -> ak.Array:
    """Background with features that do not depend on m_jj, and X(3500) -> Y(500) Y'(100)."""
    rng = np.random.default_rng(seed)
    n = background + signal
    is_signal = np.arange(n) >= background
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": is_signal.astype(np.int64)}
    columns["event"] = np.arange(n, dtype=np.int64)
    m_jj = np.where(is_signal, rng.normal(3500, 100, n), 2900 + rng.exponential(600, n))
    masses = np.sort(rng.exponential(90, (n, 2)) + 20)[:, ::-1]
    masses[is_signal] = rng.normal([500, 100], [25, 8], (signal, 2))
    tau21 = np.where(is_signal[:, None], rng.beta(3, 7, (n, 2)), rng.beta(5, 4, (n, 2)))
    columns["m_jj"] = m_jj.astype(np.float32)
    pt = m_jj / 2 / np.cosh(rng.uniform(0, 1.3, n) / 2)
    for i, jet in enumerate(("j1", "j2")):
        columns[f"{jet}_pt"] = (pt * rng.normal(1, 0.05, n)).astype(np.float32)
        columns[f"{jet}_softdrop_mass"] = masses[:, i].astype(np.float32)
        columns[f"{jet}_tau1"] = np.ones(n, np.float32)
        columns[f"{jet}_tau2"] = tau21[:, i].astype(np.float32)
    return ak.Array(columns)


def run(
    sample: ak.Array, seed: int, parts: int = 3, efficiency: float = 0.02, **changes
) -> tuple[np.ndarray, np.ndarray]:
    """Region and decision of each event."""
    regions = Regions.of(ak.to_numpy(sample.m_jj), WINDOW)
    method = methods.make("cwola", settings(seed, parts, efficiency, **changes), "w")
    selector = Selector.train("cwola", method, TrainingData(sample, regions, WINDOW, "toy", [], [], None))
    return regions.code, selector.selected(selector.score(sample, "toy", is_data=True))


@pytest.mark.parametrize(
    "changes", [{}, {"cwola": CwolaSettings(inputs="jets", combination="maximum")}], ids=["event", "jets"]
)
def test_without_a_signal_the_signal_region_passes_as_often_as_the_sidebands(changes):
    counts = np.zeros((2, 4))
    for seed in range(1, 7):
        region, selected = run(events(12_000, 0, seed), seed, parts=2, efficiency=0.05, **changes)
        counts += [np.bincount(region, minlength=4), np.bincount(region[selected], minlength=4)]
    total, passed = counts
    efficiency = passed / total
    expected = (efficiency[LOWER] + efficiency[UPPER]) / 2
    error = np.hypot(np.sqrt(expected / total[SIGNAL]), np.sqrt(expected / 4 * (1 / total[LOWER] + 1 / total[UPPER])))
    assert expected == pytest.approx(0.05, rel=0.1)
    assert error < 0.05 * expected
    assert abs(efficiency[SIGNAL] - expected) < 3 * error


def test_a_signal_is_enriched():
    sample = events(12_000, 120, 11)
    region, selected = run(sample, 1)
    is_signal = ak.to_numpy(sample.luminosityBlock) == 1
    inside = region == SIGNAL
    before = np.sum(inside & is_signal) / np.sqrt(np.sum(inside & ~is_signal))
    after = np.sum(inside & is_signal & selected) / np.sqrt(np.sum(inside & ~is_signal & selected))
    assert before < 2.5
    assert after > 2 * before
    assert np.sum(inside & is_signal & selected) > 0.3 * np.sum(inside & is_signal)


def test_a_signal_moves_the_background_efficiency_only_where_it_is():
    sample = events(12_000, 120, 12)
    region, selected = run(sample, 1)
    background = ak.to_numpy(sample.luminosityBlock) == 0
    efficiency = [np.mean(selected[background & (region == r)]) for r in range(4)]
    assert np.all(np.abs(np.array(efficiency) - 0.02) < 0.012)


FLAT = Sculpting(
    bins=[3000, 3250, 3500, 3750, 4000, 4500, 5000], random_cuts=100, min_p_value=0.001, max_spurious_excess=2.0
)
# Selected background events of the demo's data in this signal region.
EXPECTED = 52.0


def verdicts(simulated: int, inside: float, experiments: int, slope: float = 0.0) -> list[dict]:
    """Selections of 1 %, ``inside`` times as many in the signal region, and a power ``slope`` of m_jj."""
    found = []
    for seed in range(experiments):
        rng = np.random.default_rng((seed, simulated, round(100 * inside)))
        m_jj = 2900 + rng.exponential(600, simulated)
        efficiency = 0.01 * (m_jj / 3500) ** slope
        efficiency[(m_jj >= 3250) & (m_jj < 3750)] *= inside
        sculpted = Sculpted("toy")
        sculpted.add(m_jj, np.ones(simulated), rng.random(simulated) < efficiency)
        found.append(sculpted.summary(FLAT, WINDOW, EXPECTED))
    return found


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_a_smooth_efficiency_is_not_called_sculpted(slope):
    # As many events as in the demo: too few to exclude that two standard deviations are faked.
    assert {one.verdict for one in verdicts(6000, 1, 100, slope)} == {"not excluded"}


def test_a_flat_efficiency_is_flat_with_enough_simulation():
    # One in 100 exceeds the two standard deviations.
    many = verdicts(300_000, 1, 10)
    assert [one.verdict for one in many].count("flat") >= 9


@pytest.mark.parametrize("ratio", [1.5, 2.0])
def test_an_efficiency_that_fakes_an_excess_is_never_called_flat(ratio):
    fake = (ratio - 1) * np.sqrt(EXPECTED)
    few = verdicts(6000, ratio, 150)
    assert "flat" not in {one.verdict for one in few}
    # The fake excess is below the limit in 95 % of cases or more; less than 120 of 150 have a chance of 1e-11.
    assert sum(one.spurious_excess > fake for one in few) > 130
    many = verdicts(200_000, ratio, 6)
    assert {one.verdict for one in many} == {"sculpted"}
