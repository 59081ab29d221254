"""Two domains that differ in a nuisance: what tells them apart is unlearnt, and what tells the classes apart stays."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from resonaut.core.errors import ConfigError  # noqa: E402
from resonaut.learn import training  # noqa: E402
from resonaut.learn.domain import DomainClassifier, Representation, reverse, schedule, separation  # noqa: E402


def test_the_gradient_is_reversed_and_the_values_stay():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse(x, 0.3)
    torch.testing.assert_close(y, x)
    (y * torch.tensor([2.0, 5.0])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([-0.6, -1.5]))


def test_the_strength_grows_from_0_to_1():
    assert schedule(0) == 0
    assert schedule(0.1) == pytest.approx(np.tanh(0.5))
    assert schedule(1) == pytest.approx(1, abs=1e-4)


def test_the_domains_loss_is_that_of_its_logits_and_its_weights_make_the_mixtures_equal():
    classifier = training.untrained(lambda: DomainClassifier(2), seed=1)
    here, there = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([3.0, 0.0]).repeat(20)
    found = classifier.loss(here, there, weights, 1.0)
    first, second = classifier(here[::2]).sigmoid(), classifier(there).sigmoid()
    torch.testing.assert_close(found, -((1 - first).log().mean() + second.log().mean()) / 2)


def test_what_the_last_layer_sees_is_kept_and_a_network_without_one_is_named():
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    features = Representation(network, 2)
    x = torch.ones(4, 3)
    logits = network(x)
    assert features.width == 5
    torch.testing.assert_close(network[2](features.values), logits)
    with pytest.raises(ConfigError, match="Sequential: has no linear layer of 7 outputs"):
        Representation(network, 7)


def test_separation_of_gaussians_is_the_analytic_one_and_of_none_a_half():
    rng = np.random.default_rng(1)
    here, there = rng.normal(size=(8000, 2)), rng.normal([1, 0], size=(8000, 2))
    area, error = separation(here, there, np.ones(8000), seed=1)
    # Φ(d / √2) with d = 1
    assert area == pytest.approx(0.760, abs=4 * error + 0.01)
    area, error = separation(here, there - np.array([1, 0]), np.ones(8000), seed=1)
    assert error == pytest.approx(np.sqrt(2 / 4000 / 12))
    assert abs(area - 0.5) < 4 * error
    # One that differs in its mixture alone, and weights that know it.
    classes = rng.random((2, 8000)) < np.array([[0.2], [0.6]])
    mixed = [rng.normal(size=(8000, 1)) + 3 * labels[:, None] for labels in classes]
    assert separation(*mixed, np.ones(8000), seed=1)[0] > 0.65
    area, error = separation(*mixed, np.where(classes[0], 0.6 / 0.2, 0.4 / 0.8), seed=1)
    assert abs(area - 0.5) < 4 * error


def events(n, seed, nuisance):
    """Three features (n, 3) and labels: the first two tell the classes apart, the second is shifted by the domain.

    The first alone is right in Φ(1.5) = 0.933 of the events, both in Φ(√(9 + 2.25) / 2) = 0.953.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    features = np.stack([rng.normal(3 * label), rng.normal(1.5 * label) + nuisance, rng.normal(size=n)], axis=1)
    return torch.from_numpy(features.astype("f4")), torch.from_numpy(label)


def perceptron(*widths):
    layers = [(torch.nn.Linear(n, m), torch.nn.ReLU()) for n, m in itertools.pairwise(widths)]
    return torch.nn.Sequential(*(part for layer in layers for part in layer))[:-1]


SHIFT, EPOCHS = 3.0, 40


def trained(strength):
    """Accuracy in both domains, and the separation of their features, after a training on the labels of one."""
    (x, label), (other, _) = events(4000, 1, 0.0), events(4000, 2, SHIFT)
    network = training.untrained(lambda: perceptron(3, 32, 4, 2), seed=1)
    features, steps = Representation(network, 2), EPOCHS * 16
    classifier = training.untrained(lambda: DomainClassifier(features.width), seed=2)
    generator, step = torch.Generator().manual_seed(3), 0

    def loss(rows):
        nonlocal step
        step += 1
        n, drawn = len(rows), torch.randint(len(other), (len(rows),), generator=generator)
        logits = network(torch.cat([x[rows], other[drawn]]))
        here, there = features.values[:n], features.values[n:]
        told = classifier.loss(here, there, torch.ones(n), strength * schedule(step / steps))
        return torch.nn.functional.cross_entropy(logits[:n], label[rows]) + told

    optimizer = torch.optim.Adam([*network.parameters(), *classifier.parameters()], 0.003)
    passes = training.shuffled(len(x), 250, torch.Generator().manual_seed(1))
    training.fit(network, loss, passes, optimizer, EPOCHS, what="a toy", key="lr")
    accuracy, seen = [], []
    with torch.no_grad():
        for sample in (events(4000, 4, 0.0), events(4000, 5, SHIFT)):
            accuracy.append((network(sample[0]).argmax(dim=1) == sample[1]).float().mean().item())
            seen.append(features.values.numpy())
    return *accuracy, separation(*seen, np.ones(4000), seed=1)[0]


def test_adaptation_raises_the_accuracy_in_a_shifted_domain():
    (here, there, told), (adapted_here, adapted_there, adapted_told) = (trained(strength) for strength in (0.0, 3.0))
    assert here > 0.94
    assert there < 0.82
    assert told > 0.8
    assert adapted_there > 0.9
    assert adapted_here > here - 0.02
    assert adapted_told - 0.5 < (told - 0.5) / 2
