"""Networks side by side: numbers that are known, errors that are right, and the file that comes out."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.core.results import read
from resonaut.tag import comparison
from resonaut.tag.comparison import against_background, bootstrap, curves, gaps
from resonaut.tag.operations import of_module
from resonaut.tag.results import Comparison
from resonaut.tag.settings import NetworkConfig, TagConfig
from resonaut.tag.training import make_model

SMALL = {"max_constituents": 8, "outputs": ["qcd", "2prong", "3prong"]}
SECTION = {
    "training": {"max_jets": 60, "held_out_jets": 50, "pt_bins": 2, "epochs": 1, "batch_size": 32},
    "comparison": {"replicas": 20, "timed_jets": 30},
    "networks": {
        "trees": SMALL | {"architecture": "boosted_trees", "boosted_trees": {"max_iterations": 3}},
        "pfn": SMALL | {"architecture": "deep_sets", "deep_sets": {"constituent": [4], "dense": []}},
    },
}


def scores(n: int, separation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of n jets of each of two classes, normal numbers of width one."""
    rng, signal = np.random.default_rng(seed), np.arange(2 * n) % 2 == 1
    return rng.normal(separation * signal), signal


def test_areas_are_those_of_scikit_learn_with_ties_and_weights() -> None:
    score, signal = scores(500, 1.0, 1)
    score, weights = score.round(1), bootstrap(1000, 5, seed=3)
    area, _ = curves(score, signal, weights)
    expected = [roc_auc_score(signal, score, sample_weight=sample) for sample in weights]
    np.testing.assert_allclose(area.values, expected, rtol=1e-12)
    assert area.nominal == pytest.approx(roc_auc_score(signal, score))


def test_rejections_of_a_score_without_overlap_and_of_a_constant_one() -> None:
    signal = np.arange(400) % 2 == 1
    # Of the signal a tenth lies below all QCD jets: rejections are infinite up to 90 %.
    place = np.where(signal, np.where(np.arange(400) % 20 == 1, -1.0, 1.0), 0.0)
    _, passed = curves(place, signal, bootstrap(400, 10, seed=1))
    assert passed.nominal[:3].tolist() == [0, 0, 0]
    assert passed.nominal[3] > 0
    area, passed = curves(np.zeros(400), signal, bootstrap(400, 10, seed=1))
    assert area.nominal == 0.5
    np.testing.assert_allclose(passed.nominal, comparison.EFFICIENCIES)


def test_errors_are_the_spread_of_independent_samples() -> None:
    found = [curves(*scores(300, 1.0, seed), bootstrap(600, 100, seed)) for seed in range(60)]
    areas = np.array([area.nominal for area, _ in found])
    errors = np.array([area.error for area, _ in found])
    assert errors.mean() == pytest.approx(areas.std(), rel=0.4)  # 4 standard deviations of the spread of 60
    # And that of labels at random, 1 / sqrt(12 n n / (2 n + 1)).
    area, _ = curves(*scores(300, 0.0, 7), bootstrap(600, 400, seed=1))
    assert area.error == pytest.approx(np.sqrt(601 / (12 * 300 * 300)), rel=0.2)
    assert abs(area.nominal - 0.5) < 4 * area.error


def probabilities(separation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    score, signal = scores(400, separation, seed)
    likely = 1 / (1 + np.exp(-score))
    return np.stack([1 - likely, likely], axis=1), signal.astype(int)


def test_steps_between_networks_have_the_errors_of_differences() -> None:
    weights, classes = bootstrap(800, 100, seed=1), ["qcd", "2prong"]
    good, labels = probabilities(2.0, 1)
    poor, _ = probabilities(1.0, 2)
    areas = {"poor": against_background(poor, labels, classes, "qcd", weights)[1]}
    areas |= {name: against_background(good, labels, classes, "qcd", weights)[1] for name in ("good", "same")}
    first, second = gaps(areas)
    assert {first.better, first.worse} == {"good", "same"}
    assert (first.difference, first.error) == (0, 0)
    assert second.worse == "poor"
    assert second.difference > 4 * second.error > 0


def test_operations_are_twice_the_products() -> None:
    def count(architecture: str, sizes: dict) -> float:
        given = SMALL | {"architecture": architecture, architecture: sizes}
        return of_module(build(given, NetworkConfig, "x"), 6)

    assert count("deep_sets", {"constituent": [5, 4], "dense": [3]}) == 2 * (6 * (7 * 5 + 5 * 4) + 4 * 3 + 3 * 3)
    assert count("recurrent", {"hidden": 5, "dense": []}) == 2 * (6 * 4 * 5 * (7 + 5) + 5 * 3)
    image = 2 * 2 * 8 * 6 * 8 + 2 * 64 * 9 * 2 * 3 + 2 * 3 * 16 * 3
    assert count("jet_image", {"pixels": 8, "channels": [3], "dense": []}) == image


@pytest.mark.parametrize("name", ["part", "particlenet"])
def test_operations_of_weavers_networks_grow_with_the_jet(name, settings) -> None:
    network = settings.networks[name]
    short, long = (of_module(network, places) for places in (5, 10))
    assert 0 < 1.5 * short < long


@pytest.fixture
def compared(labelled, tmp_path):
    """A function: train the networks, compare them with changes to the section, and read the file."""
    settings = build(SECTION, TagConfig, "tag")

    def run(times: bool = True, **changes):
        for name in settings.networks:
            make_model(settings, name, labelled, tmp_path / f"{name}.npz", tmp_path / f"{name}.json")
        record = tmp_path / "train_pfn.tsv"
        record.write_text("s\th:m:s\n12.5\t0:00:12\n" if times else "h:m:s\n0:00:12\n")
        models = [tmp_path / f"{name}.npz" for name in settings.networks]
        output = tmp_path / "comparison.json"
        comparison.compare(dataclasses.replace(settings, **changes), models, labelled, {"pfn": record}, output)
        return read(output, Comparison)

    return run


def test_trained_networks_side_by_side(compared) -> None:
    found = compared()
    assert set(found.networks) == {"trees", "pfn"}
    assert set(found.held_out_jets) == {"qcd", "2prong", "3prong"}
    trees, pfn = found.networks["trees"], found.networks["pfn"]
    assert (pfn.train_seconds, trees.train_seconds) == (12.5, None)
    assert pfn.operations == 2 * (found.constituents * 7 * 4 + 4 * 3)
    assert 3 <= trees.operations <= 9 * 15
    assert (trees.title, pfn.year) == ("observables, trees", 2018)
    for one in (trees, pfn):
        assert one.jets_per_second > 0
        assert sum(one.train_jets.values()) > 100
        for against in one.against_background.values():
            # Jets whose labels are random.
            assert abs(against.auc - 0.5) < 4.5 * against.auc_error
            assert [at.signal_efficiency for at in against.rejections] == [0.3, 0.5, 0.7, 0.99]
    assert [gap.signal for gap in found.gaps] == ["2prong", "3prong"]


def test_what_cannot_be_compared_is_named(compared, settings) -> None:
    with pytest.raises(ConfigError, match=r"tag\.comparison is null"):
        compared(comparison=None)
    others = build(SECTION, TagConfig, "tag").networks
    others["part"] = settings.networks["part"]
    with pytest.raises(ConfigError, match=r"tag\.networks\.part tells other classes apart than trees"):
        compared(networks=others)
    with pytest.raises(ConfigError, match=r"'pfn' is in --model or in tag\.networks alone"):
        compared(networks={"trees": others["trees"]})
    with pytest.raises(InputFileError, match=r"train_pfn\.tsv: no record of a job's time by Snakemake"):
        compared(times=False)
