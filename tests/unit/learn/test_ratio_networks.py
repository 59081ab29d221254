"""Batched networks: against plain torch, against exact likelihood ratios, and for what may not influence them."""

import itertools
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import BCEWithLogitsLoss, Linear, ReLU, Sequential

from resonaut.core.errors import ConfigError, EmptySelectionError, ResonautError
from resonaut.learn.ratio import NetworkSettings as Settings
from resonaut.learn.ratio import SetSettings, auc, networks
from resonaut.learn.ratio.architectures import Perceptron, Sets, split
from resonaut.learn.ratio.networks import Networks

SETTINGS = Settings(
    hidden=[16, 16],
    epochs=8,
    batch_size=64,
    learning_rate=3e-3,
    weight_decay=0.0,
    patience=4,
    restarts=1,
    validation_parts=2,
    device="cpu",
)


def gaussians(n=2000, distance=1.0, seed=0):
    """Features (n, 2), labels and weights of two Gaussians, ``distance`` apart in the first feature."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.float32)
    x = rng.normal(size=(n, 2)).astype(np.float32)
    x[:, 0] += distance * labels
    return x, labels, rng.uniform(0.5, 1.5, n)


def parts(n, count, fraction=0.25):
    """Training and validation rows of ``count`` networks."""
    rng = np.random.default_rng(n)
    orders = [rng.permutation(n) for _ in range(count)]
    cut = round(n * fraction)
    return [o[cut:] for o in orders], [o[:cut] for o in orders]


@pytest.fixture(scope="module")
def trained():
    data, rows = gaussians(), parts(2000, 3)
    return data, rows, Networks.train(*data, *rows, [1, 2, 3], SETTINGS)


def assert_same(one, other, tolerance=0.0):
    for field in ("parameters", "centre", "scale", "loss", "epochs"):
        np.testing.assert_allclose(getattr(one, field), getattr(other, field), rtol=0, atol=tolerance)


def only(nets, m):
    fields = {f: getattr(nets, f)[m : m + 1] for f in ("parameters", "centre", "scale", "loss", "epochs")}
    return Networks(nets.settings, **fields)


def assert_gradient_is_that_of_autograd(architecture, x, plain):
    """``plain`` maps x and the layers to logits (G, B)."""
    parameters = torch.randn(2, sum((a + 1) * b for a, b in architecture.sizes), dtype=torch.float64)
    y, w = torch.randint(2, (2, 7, 1)).double(), torch.rand(2, 7, 1).double()
    expected = plain(x, split(parameters.requires_grad_(), architecture.sizes))
    (exact,) = torch.autograd.grad(
        torch.nn.functional.binary_cross_entropy_with_logits(expected, y, w, reduction="sum"), parameters
    )
    parameters, found = parameters.detach(), torch.empty_like(exact)
    layers = split(parameters, architecture.sizes)
    values = architecture.forward(x.clone(), layers)
    torch.testing.assert_close(values[-1], expected)
    architecture.gradient(values, (torch.sigmoid(values[-1]) - y) * w, layers, found)
    torch.testing.assert_close(found, exact, rtol=1e-10, atol=1e-12)


def test_gradient_is_that_of_autograd():
    torch.manual_seed(0)

    def plain(x, layers):
        *hidden, (weight, bias) = layers
        for a, b in hidden:
            x = torch.relu(x @ a + b)
        return x @ weight + bias

    assert_gradient_is_that_of_autograd(Perceptron(3, [5, 4]), torch.randn(2, 7, 3).double(), plain)


def test_gradient_of_sets_is_that_of_autograd():
    torch.manual_seed(0)
    x = torch.randn(2, 7, 4, 3).double()
    x[:, ::2, 2:] = np.nan
    x[0, 3] = np.nan

    def plain(x, layers):
        """Event by event and particle by particle, the real ones alone."""
        rows = []
        for network, event in itertools.product(range(2), range(7)):
            total = torch.zeros(4, dtype=torch.float64)
            for particle in x.view(2, 7, 4, 3)[network, event]:
                if not particle.isnan().any():
                    for a, b in layers[:2]:
                        particle = torch.relu(particle @ a[network] + b[network, 0])
                    total = total + particle
            (a, b), (weight, bias) = layers[2:]
            rows.append(torch.relu(total @ a[network] + b[network, 0]) @ weight[network] + bias[network, 0])
        return torch.stack(rows).view(2, 7, 1)

    assert_gradient_is_that_of_autograd(Sets(4, 3, [5, 4], [6]), x.flatten(1, 2), plain)


def sets(n, seed=0):
    """Sets of 1 to 4 particles of 2 features, labels, weights: label 1 has larger sums of the first feature."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.float32)
    x = rng.normal(size=(n, 4, 2)).astype(np.float32)
    x[:, :, 0] += 0.7 * labels[:, None]
    x[np.arange(4) >= rng.integers(1, 5, n)[:, None]] = np.nan
    return x, labels, np.ones(n)


def test_sets_know_neither_the_order_nor_the_padding_of_particles():
    settings = SetSettings(particle=[16, 16], hidden=[16], epochs=6, batch_size=64, learning_rate=3e-3)
    x, labels, weights = sets(2000)
    nets = Networks.train(x, labels, weights, *parts(2000, 2), [1, 2], settings)
    x, labels, _ = sets(4000, seed=1)
    f = nets.probability(x)
    for changed in (x[:, ::-1].copy(), np.concatenate([x, np.full((4000, 3, 2), np.nan, np.float32)], axis=1)):
        np.testing.assert_allclose(nets.probability(changed), f, atol=1e-5)
    # log ratio: 0.7 times the sum of the first feature - 0.7 / 2 for each particle.
    exact = 1 / (1 + np.exp(-np.nansum(0.7 * x[:, :, 0] - 0.245, axis=1)))
    assert np.abs(f.mean(axis=0) - exact).mean() < 0.05
    assert np.abs(exact - 0.5).mean() > 0.2


def test_a_penalty_draws_extreme_ratios_in_and_leaves_others():
    x, labels, weights = gaussians(4000, 4.0)
    found = {}
    for penalty in (0.0, 1.0):
        settings = replace(SETTINGS, epochs=10, penalty=penalty, extreme_ratio=3)
        f = Networks.train(x, labels, weights, *parts(4000, 1), [1], settings).probability(x)[0]
        found[penalty] = np.log(f / (1 - f))
    assert np.abs(found[0.0]).max() > 2 * np.log(3) > 1.5 * np.abs(found[1.0]).max()
    # Where ratios are moderate, around the middle of the two, the penalty changes little.
    middle = np.abs(x[:, 0] - 2) < 0.1
    assert np.abs(found[1.0][middle]).mean() < np.log(3)


def plain_torch(x, labels, weights, rows, held_out, seed, settings):
    """One network as torch's own layers, AdamW and loss train it: best parameters, their loss and epoch."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [x.shape[1], *settings.hidden, 1]
    linear = [Linear(a, b) for a, b in pairwise(sizes)]
    model = Sequential(*[part for layer in linear[:-1] for part in (layer, ReLU())], linear[-1])
    drawn = 2 * torch.rand(sum(p.numel() for p in model.parameters()), generator=generator) - 1
    with torch.no_grad():
        for layer in linear:
            bound = layer.in_features**-0.5
            weight, bias, drawn = drawn.split(
                [layer.weight.numel(), len(layer.bias), len(drawn) - layer.weight.numel() - len(layer.bias)]
            )
            layer.weight.copy_(weight.view(layer.in_features, -1).T * bound)
            layer.bias.copy_(bias * bound)
    x = (x - x[rows].mean(axis=0, dtype=float)) / x[rows].std(axis=0, dtype=float)

    def tensors(part):
        w, y = weights[part], labels[part]
        balanced = np.where(y == 1, w / w[y == 1].sum(), w / w[y == 0].sum()) * len(part) / 2
        return tuple(torch.tensor(a, dtype=torch.float32) for a in (x[part], y, balanced))

    features, y, w = tensors(rows)
    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    best = (np.inf, 0, None)
    for epoch in range(1, settings.epochs + 1):
        for batch in torch.randperm(len(rows), generator=generator).split(settings.batch_size):
            optimiser.zero_grad()
            BCEWithLogitsLoss(w[batch])(model(features[batch])[:, 0], y[batch]).backward()
            optimiser.step()
        a, b, c = tensors(held_out)
        with torch.no_grad():
            loss = BCEWithLogitsLoss(c)(model(a)[:, 0], b).item()
            if loss < best[0]:
                flat = torch.cat([part.flatten() for layer in linear for part in (layer.weight.T, layer.bias)])
                best = (loss, epoch, flat.numpy().copy())
    return best


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_every_network_is_that_of_plain_torch_whatever_its_number_of_rows(weight_decay):
    settings = replace(SETTINGS, epochs=3, patience=3, weight_decay=weight_decay)
    x, labels, weights = gaussians(700)
    training, validation = parts(700, 4)
    # Two more batches than the next, a last batch of one row, and less than one batch.
    training = [training[0], training[1][:321], training[2][:257], training[3][:40]]
    nets = Networks.train(x, labels, weights, training, validation, [5, 6, 7, 8], settings)
    for m in range(4):
        loss, epoch, parameters = plain_torch(x, labels, weights, training[m], validation[m], 5 + m, settings)
        np.testing.assert_allclose(nets.parameters[m], parameters, atol=1e-4)
        assert nets.loss[m] == pytest.approx(loss, abs=1e-5)
        assert nets.epochs[m] == epoch


def test_finds_the_exact_ratio_of_two_gaussians():
    distance = 1.5
    data = gaussians(12_000, distance)
    nets = Networks.train(*data, *parts(12_000, 4), range(4), replace(SETTINGS, epochs=15))
    x, labels, _ = gaussians(20_000, distance, seed=1)
    f = nets.probability(x).mean(axis=0)
    ones = np.ones(10_000)
    area, error = auc(f[labels == 1], f[labels == 0], ones, ones)
    # Phi(d / sqrt 2) for unit Gaussians at distance d.
    assert area == pytest.approx(0.5 * (1 + torch.erf(torch.tensor(distance / 2)).item()), abs=3 * error)
    exact = np.exp(distance * x[:, 0] - distance**2 / 2)
    well_known = (exact > 0.1) & (exact < 10)
    assert np.abs(np.log(f / (1 - f) / exact))[well_known].mean() < 0.1
    # Calibration: of the events with output f, a share f has label 1.
    for low in np.arange(0.1, 0.9, 0.1):
        inside = (f >= low) & (f < low + 0.1)
        assert labels[inside].mean() == pytest.approx(f[inside].mean(), abs=0.04)


def test_weights_count_as_events():
    """One Gaussian, weighted to another one, is told from itself with the ratio of the weights."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12_000, 1)).astype(np.float32)
    labels = np.arange(12_000) % 2
    weights = np.where(labels == 1, np.exp(0.8 * x[:, 0] - 0.32), 1.0) * np.where(labels == 1, 1e-3, 50)
    nets = Networks.train(x, labels, weights, *parts(12_000, 4), range(4), SETTINGS)
    grid = np.linspace(-1.5, 2, 8, dtype=np.float32)[:, None]
    f = nets.probability(grid).mean(axis=0)
    np.testing.assert_allclose(np.log(f / (1 - f)), 0.8 * grid[:, 0] - 0.32, atol=0.2)


def test_two_samples_of_one_distribution_are_not_told_apart():
    nets = Networks.train(*gaussians(4000, 0), *parts(4000, 4), range(4), SETTINGS)
    x, labels, _ = gaussians(10_000, 0, seed=3)
    for f in nets.probability(x):
        area, error = auc(f[labels == 1], f[labels == 0], np.ones(5000), np.ones(5000))
        assert abs(area - 0.5) < 4 * error
    assert np.all(nets.loss > np.log(2) - 0.02)


def test_neighbours_change_nothing(trained):
    data, (training, validation), nets = trained
    # Larger and smaller neighbours, enough of them for other groups, and one that gives up at another time.
    others = [np.arange(0, 1900), *(np.arange(m, 300) for m in range(24))]
    crowd = Networks.train(
        *data, [*others, *training], [*others[::-1], *validation], [*range(9, 34), 1, 2, 3], SETTINGS
    )
    for m in range(3):
        assert_same(only(nets, m), only(crowd, 25 + m), 1e-5)
        alone = Networks.train(*data, training[m : m + 1], validation[m : m + 1], [m + 1], SETTINGS)
        assert_same(only(nets, m), alone, 1e-5)
        np.testing.assert_allclose(nets.probability(data[0], [m]), alone.probability(data[0]), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seeds_give_same_bits_with_any_number_of_threads(trained, threads):
    data, rows, nets = trained
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        torch.manual_seed(threads)
        again = Networks.train(*data, *rows, [1, 2, 3], SETTINGS)
        assert torch.get_num_threads() == threads
        assert_same(nets, again)
        np.testing.assert_array_equal(nets.probability(data[0]), again.probability(data[0]))
    finally:
        torch.set_num_threads(before)


def test_other_rows_influence_nothing(trained):
    (x, labels, weights), (training, validation), _ = trained
    training, validation = [rows[rows < 1500] for rows in training], [rows[rows < 1500] for rows in validation]
    first = Networks.train(x, labels, weights, training, validation, [1, 2, 3], SETTINGS)
    x, labels, weights = x.copy(), labels.copy(), weights.copy()
    x[1500:], labels[1500:], weights[1500:] = np.nan, 1, 1e9
    assert_same(first, Networks.train(x, labels, weights, training, validation, [1, 2, 3], SETTINGS))


def test_scale_of_weights_and_units_of_features_do_not_matter(trained):
    (x, labels, weights), rows, nets = trained
    moved = Networks.train(x * 1000 + 3000, labels, weights * 1e-6, *rows, [1, 2, 3], SETTINGS)
    np.testing.assert_allclose(moved.probability(x * 1000 + 3000), nets.probability(x), atol=0.02)


def test_a_constant_feature_is_harmless(trained):
    (x, labels, weights), rows, _ = trained
    constant = np.c_[x, np.full(len(x), 0.1, np.float32)]
    assert np.isfinite(
        Networks.train(constant, labels, weights, *rows, [1, 2, 3], SETTINGS).probability(constant)
    ).all()


def test_other_seeds_give_other_networks(trained):
    data, (training, validation), nets = trained
    other = Networks.train(*data, training[:1] * 2, validation[:1] * 2, [1, 4], SETTINGS)
    np.testing.assert_allclose(other.parameters[0], nets.parameters[0], atol=1e-5)
    assert np.abs(other.parameters[1] - nets.parameters[0]).max() > 0.1


def test_patience_ends_a_network_at_its_best_epoch():
    """Networks that learn by heart: each ends after its patience, and more epochs change nothing."""
    data, rows = gaussians(300, 0), parts(300, 3)
    settings = replace(SETTINGS, hidden=[64], learning_rate=0.02, epochs=60, patience=5)
    nets = Networks.train(*data, *rows, [1, 2, 3], settings)
    assert len(set(nets.epochs)) > 1
    assert nets.epochs.max() < 55
    longer = Networks.train(*data, *rows, [1, 2, 3], replace(settings, epochs=70))
    assert_same(nets, longer, 1e-5)
    shorter = Networks.train(*data, *rows, [1, 2, 3], replace(settings, epochs=int(nets.epochs.max())))
    assert_same(nets, shorter, 1e-5)
    x, labels, weights = data
    for m, f in enumerate(nets.probability(x)):
        y, w = labels[rows[1][m]], weights[rows[1][m]]
        w = w / np.where(y == 1, w[y == 1].sum(), w[y == 0].sum()) / 2
        f = np.where(y == 1, f[rows[1][m]], 1 - f[rows[1][m]])
        assert nets.loss[m] == pytest.approx(-(w * np.log(f)).sum(), abs=1e-5)


def test_probability_in_pieces_is_that_of_the_whole(trained, monkeypatch):
    (x, _, _), _, nets = trained
    whole = nets.probability(x)
    monkeypatch.setitem(networks.CHUNK, "cpu", 7)
    np.testing.assert_allclose(nets.probability(x), whole, atol=1e-6)
    np.testing.assert_allclose(nets.probability(x[:5], [2, 0, 2]), whole[[2, 0, 2], :5], atol=1e-6)
    assert nets.probability(x[:0]).shape == (3, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error(trained, value):
    (x, labels, weights), rows, _ = trained
    x = x.copy()
    x[rows[0][1][0], 1] = value
    with pytest.raises(
        ResonautError, match=r"diverged in epoch 1; lower classifier\.network\.learning_rate, or look for NaN"
    ):
        Networks.train(x, labels, weights, *rows, [1, 2, 3], SETTINGS)


def test_one_sample_alone_is_an_error(trained):
    (x, labels, weights), rows, _ = trained
    with pytest.raises(EmptySelectionError, match="only one of the two samples"):
        Networks.train(x, np.ones_like(labels), weights, *rows, [1, 2, 3], SETTINGS)
    with pytest.raises(EmptySelectionError, match="only one of the two samples"):
        Networks.train(x, labels, weights * labels, *rows, [1, 2, 3], SETTINGS)


def test_cuda_without_a_gpu_names_the_key(trained, monkeypatch):
    data, rows, nets = trained
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"classifier\.network\.device"):
        Networks.train(*data, *rows, [1, 2, 3], replace(SETTINGS, device="cuda"))
    with pytest.raises(ConfigError, match=r"classifier\.network\.device"):
        replace(nets, settings=replace(SETTINGS, device="cuda")).probability(data[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_the_gpu_gives_the_same_networks(trained):
    data, rows, nets = trained
    other = Networks.train(*data, *rows, [1, 2, 3], replace(SETTINGS, device="cuda"))
    np.testing.assert_allclose(other.probability(data[0]), nets.probability(data[0]), atol=0.02)
