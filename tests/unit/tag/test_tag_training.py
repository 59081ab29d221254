import dataclasses
import itertools
import json

import numpy as np
import pytest

from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.learn import store
from resonaut.tag import networks, roc, training


@pytest.mark.parametrize("name", ["part", "particlenet"])
def test_the_same_configuration_gives_the_same_bytes(name, settings, labelled, tmp_path):
    for run in ("a", "b"):
        training.make_model(settings, name, labelled, tmp_path / f"{run}.npz", tmp_path / f"{run}.json")
    for suffix in ("npz", "json"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    other = dataclasses.replace(settings, seed=2)
    training.make_model(other, name, labelled, tmp_path / "c.npz", tmp_path / "c.json")
    assert (tmp_path / "a.npz").read_bytes() != (tmp_path / "c.npz").read_bytes()


def test_the_summary_holds_losses_counts_and_curves(settings, labelled, tmp_path):
    training.make_model(settings, "particlenet", labelled, tmp_path / "m.npz", tmp_path / "m.json")
    summary = json.loads((tmp_path / "m.json").read_text())
    module = networks.build(settings.networks["particlenet"])
    assert summary["network"] == "particlenet"
    assert summary["parameters"] == sum(p.numel() for p in module.parameters())
    assert len(summary["loss"]["train"]) == len(summary["loss"]["held_out"]) == 2
    assert summary["train_jets"].keys() == summary["held_out_jets"].keys() == set(summary["classes"])
    assert set(summary["roc"]) == {"2prong", "3prong", "4prong"}
    curve = summary["roc"]["3prong"]
    assert len(curve["signal_efficiency"]) == len(curve["qcd_efficiency"]) <= 200
    assert 0 < summary["auc"]["3prong"] < 1


def test_published_weights_are_adopted_not_trained(settings, labelled, tmp_path):
    network = settings.networks["part"]
    training.make_model(settings, "part", labelled, tmp_path / "trained.npz", tmp_path / "trained.json")
    weights = tmp_path / "weights.pt"
    import torch

    state = store.load(tmp_path / "trained.npz", networks.KIND, "").state
    torch.save({name: torch.from_numpy(values) for name, values in state.items()}, weights)
    adopted = dataclasses.replace(network, weights=str(weights))
    settings = dataclasses.replace(settings, networks={**settings.networks, "part": adopted})
    training.make_model(settings, "part", labelled, tmp_path / "adopted.npz", tmp_path / "adopted.json")
    trained, summary = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("trained", "adopted"))
    assert summary["roc"] == trained["roc"]
    assert summary["parameters"] == trained["parameters"]
    assert summary["loss"] == {"train": [], "held_out": []}


def test_published_weights_that_cannot_be_used_are_named_before_any_jet_is_read(settings, tmp_path):
    weights = tmp_path / "weights.pt"
    weights.write_text("no weights")
    adopted = dataclasses.replace(settings.networks["part"], weights=str(weights))
    settings = dataclasses.replace(settings, networks={"part": adopted})
    with pytest.raises(InputFileError, match=r"weights\.pt: not a file of torch weights"):
        training.make_model(settings, "part", [tmp_path / "absent.json"], tmp_path / "m.npz", tmp_path / "m.json")


@pytest.mark.parametrize("outputs", [["qcd", "2prong", "2prong"], ["qcd"], ["2prong", "3prong"]])
def test_outputs_that_cannot_be_trained_are_refused(outputs, settings, labelled, tmp_path):
    network = dataclasses.replace(settings.networks["part"], outputs=outputs)
    settings = dataclasses.replace(settings, networks={"part": network})
    with pytest.raises(ConfigError, match=r"tag\.networks\.part\.outputs: .* must hold qcd"):
        training.make_model(settings, "part", labelled, tmp_path / "m.npz", tmp_path / "m.json")


def test_a_diverging_training_stops(settings, labelled, tmp_path):
    plan = dataclasses.replace(settings.training, learning_rate=1e30)
    with pytest.raises(NotFiniteError, match=r"diverged in epoch 1; lower tag\.training\.learning_rate"):
        training.make_model(
            dataclasses.replace(settings, training=plan), "part", labelled, tmp_path / "m.npz", tmp_path / "m.json"
        )
    assert not (tmp_path / "m.npz").exists()


def test_weights_balance_the_classes_in_every_pt_bin():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], [3000, 1000])
    pt = np.concatenate([500 + rng.exponential(200, 3000), 500 + rng.exponential(400, 1000)])
    weights = training.balancing_weights(labels, pt, bins=4)
    edges = np.quantile(pt, [0, 0.25, 0.5, 0.75, 1])
    sums = [np.histogram(pt[labels == i], edges, weights=weights[labels == i])[0] for i in (0, 1)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=0.05)
    assert weights.mean() == pytest.approx(1)
    # One jet alone does not stand for its class: it weighs as one of 25, a tenth of its class's fair share.
    lonely = training.balancing_weights(np.array([0] * 500 + [1]), np.ones(501), bins=1)
    assert lonely[-1] / lonely[:-1].sum() == pytest.approx(1 / 25.05)


def test_weights_balance_the_classes_in_every_cell_of_pt_and_mass():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], [4000, 2000])
    pt = 500 + rng.exponential(np.where(labels == 0, 200, 300))
    mass = 0.1 * pt + rng.exponential(np.where(labels == 0, 60, 90))
    weights = training.balancing_weights(labels, pt, 2, mass, 3)
    edges = np.quantile(pt, [0, 0.5, 1])
    for low, high in itertools.pairwise(edges):
        inside = (pt >= low) & (pt <= high)
        of = [(inside & (labels == i)) for i in (0, 1)]
        bins = np.quantile(mass[inside], [0, 1 / 3, 2 / 3, 1])
        sums = [np.histogram(mass[one], bins, weights=weights[one])[0] for one in of]
        np.testing.assert_allclose(sums, 6000 / 12, rtol=0.03)
    np.testing.assert_array_equal(
        training.balancing_weights(labels, pt, 2, mass, 1), training.balancing_weights(labels, pt, 2)
    )


def test_the_area_under_a_known_curve():
    # Scores of QCD uniform in [0, 1], of the signal linear (density 2x): P(signal > QCD) = 2/3.
    n = 2000
    x = (np.arange(n) + 0.5) / n
    score = np.concatenate([x, np.sqrt(x)])
    result = roc.measure(np.stack([1 - score, score], axis=1), np.repeat([0, 1], n), ["light", "2prong"], "light")
    curve = result.roc["2prong"]
    assert result.auc["2prong"] == pytest.approx(2 / 3, abs=1e-3)
    # signal efficiency 1 - c^2 at the cut c, background efficiency 1 - c
    cut = 1 - np.array(curve.qcd_efficiency)
    np.testing.assert_allclose(curve.signal_efficiency, 1 - cut**2, atol=2e-3)
    assert result.accuracy == pytest.approx((0.5 + 0.75) / 2, abs=1e-3)
