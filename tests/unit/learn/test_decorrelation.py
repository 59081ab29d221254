"""Scores that do not follow a mass: the measures against known answers, and trainings that sculpt without them."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

torch = pytest.importorskip("torch")

from resonaut.learn import training  # noqa: E402
from resonaut.learn.decorrelation import Adversary, distance_correlation, moment_decomposition  # noqa: E402
from resonaut.learn.sculpting import jensen_shannon, sculpting  # noqa: E402


def pairs(n, seed):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(2, n)))


def test_distance_correlation_is_1_of_a_linear_dependence_and_falls_as_1_over_n_of_none():
    x = pairs(1000, 1)[0]
    assert distance_correlation(x, 3 - 2 * x).item() == pytest.approx(1, abs=1e-12)
    # n dCov² of independent ones is a sum of chi² of mean <|X - X'|> <|Y - Y'|>; over √(dCov²(X, X) dCov²(Y, Y)):
    # for Gaussians 4/π over 4 (1/3 - (√3 - 1)/π), 3.16.
    found = [1000 * distance_correlation(*pairs(1000, seed)).item() for seed in range(10)]
    expected = (4 / np.pi) / (4 * (1 / 3 - (np.sqrt(3) - 1) / np.pi))
    assert np.mean(found) == pytest.approx(expected, rel=0.15)
    assert distance_correlation(x, torch.ones_like(x)).item() == 0
    assert distance_correlation(x, x.square()).item() > 0.2  # no linear correlation


def test_distance_correlation_is_the_sum_over_all_triples():
    x, y = pairs(30, 2)
    y = y + x.square()

    def covariance(one, other):
        a, b = ((v[:, None] - v).abs() for v in (one, other))
        triples = torch.einsum("ij,ik->", a, b) / 30**3
        return (a * b).mean() + a.mean() * b.mean() - 2 * triples

    expected = covariance(x, y) / (covariance(x, x) * covariance(y, y)).sqrt()
    torch.testing.assert_close(distance_correlation(x, y), expected)


def test_distance_correlation_of_bivariate_gaussians():
    # Székely, Rizzo, Bakirov, arXiv:0803.4101, Theorem 7.
    rho = 0.6
    x, y = pairs(2000, 3)
    y = rho * x + np.sqrt(1 - rho**2) * y
    found = rho * np.arcsin(rho) + np.sqrt(1 - rho**2) - rho * np.arcsin(rho / 2) - np.sqrt(4 - rho**2) + 1
    expected = found / (1 + np.pi / 3 - np.sqrt(3))
    assert distance_correlation(x, y).item() == pytest.approx(expected, abs=0.05)


BINS = 8


def response(shape):
    """Scores of 100 jets in each bin of mass, of which a share of ``shape`` has the score 0 and the rest 1."""
    centres = (np.arange(BINS) + 0.5) * 2 / BINS - 1
    low = np.round(100 * shape(centres)).astype(int)
    scores = np.concatenate([np.repeat([0.0, 1.0], [n, 100 - n]) for n in low])
    return torch.from_numpy(scores), torch.arange(100 * BINS, dtype=torch.float64)


def test_moment_decomposition_leaves_the_moments_that_it_may():
    flat, linear, quadratic = (
        response(shape) for shape in (lambda m: 0.5 + 0 * m, lambda m: 0.5 + 0.32 * m, lambda m: 0.2 + 0.64 * m**2)
    )
    assert [moment_decomposition(*flat, order, BINS).item() for order in (0, 1, 2)] == pytest.approx([0, 0, 0])
    centres = (np.arange(BINS) + 0.5) * 2 / BINS - 1
    found = [moment_decomposition(*linear, order, BINS).item() for order in (0, 1, 2)]
    assert found == pytest.approx([np.mean((0.32 * centres) ** 2), 0, 0], abs=1e-12)
    found = [moment_decomposition(*quadratic, order, BINS).item() for order in (0, 1, 2)]
    variance = np.var(0.64 * centres**2)
    assert found == pytest.approx([variance, variance, 0], abs=1e-12)


def test_moment_decomposition_has_the_right_gradient_and_order_of_the_jets_does_not_matter():
    scores, mass = torch.rand(2, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(lambda s: moment_decomposition(s, mass, 1, 5), scores.clone().requires_grad_())
    shuffled = torch.randperm(60, generator=torch.Generator().manual_seed(2))
    expected = moment_decomposition(scores, mass, 1, 5)
    torch.testing.assert_close(moment_decomposition(scores[shuffled], mass[shuffled], 1, 5), expected)


def test_the_adversary_is_a_density_and_its_gradient_is_reversed():
    adversary = training.untrained(lambda: Adversary(1), seed=1)
    z = torch.linspace(-30, 30, 6001)
    density = torch.exp(-adversary(torch.full((6001, 1), 0.3), z))
    assert torch.trapezoid(density, z).item() == pytest.approx(1, abs=1e-3)
    scores = torch.rand(10, 1, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (forward,) = torch.autograd.grad(adversary(scores, z[3000:3010]).mean(), scores)
    (found,) = torch.autograd.grad(adversary.loss(scores, z[3000:3010], 7.0), scores)
    torch.testing.assert_close(found, -7 * forward)


def test_divergence_of_known_shares():
    place, passed = np.repeat([0, 1, 0, 1], [10, 30, 60, 20]), np.repeat([True, True, False, False], [10, 30, 60, 20])
    expected = jensenshannon([0.25, 0.75], [0.75, 0.25]) ** 2
    assert jensen_shannon(place, passed, 2) == pytest.approx(expected)


def test_sculpting_of_a_score_that_is_the_mass_and_of_one_that_is_not():
    rng = np.random.default_rng(1)
    mass, signal = rng.uniform(0, 100, 20000), rng.uniform(0.75, 1, 5000)
    # The cut at the signal's median, 7/8: what passes and what fails shares no mass, and JSD is ln 2.
    same = sculpting(signal, mass / 100, mass)
    assert same.rejection == pytest.approx(8, abs=5 * same.rejection_error)
    assert 1 / same.inverse_jsd == pytest.approx(np.log(2), abs=0.02)
    other = sculpting(signal, rng.uniform(size=20000), mass)
    # (bins - 1) / 8 (1/n + 1/m) of samples of one distribution
    independent = 49 / 8 * (1 / 2500 + 1 / 17500)
    assert 1 / other.inverse_jsd_independent == pytest.approx(independent, rel=0.05)
    assert abs(other.inverse_jsd - 1 / independent) < 5 * other.inverse_jsd_error
    nothing = sculpting(np.ones(10), np.zeros(10), np.arange(10.0))
    assert set(vars(nothing).values()) == {None}


def events(n, seed):
    """Features (2n, 2), label, mass: the first feature tells signal from background, the other is the mass.

    Background masses fall exponentially, those of the signal peak: who looks at the mass gains, and sculpts.
    """
    rng = np.random.default_rng(seed)
    label = np.repeat([0, 1], n)
    mass = np.where(label == 0, rng.exponential(0.5, 2 * n), rng.normal(0.8, 0.15, 2 * n))
    features = np.stack([rng.normal(1.5 * label, 1), mass], axis=1)
    return (torch.from_numpy(array) for array in (features.astype("f4"), label, mass.astype("f4")))


def trained(penalty, helper=None):
    """R50 and 1/JSD of a network with a penalty of scores and masses of background events."""
    x, label, mass = events(4000, 1)
    network = training.untrained(
        lambda: torch.nn.Sequential(
            torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
        ),
        seed=1,
    )

    def loss(rows):
        logits = network(x[rows])[:, 0]
        of = torch.nn.functional.binary_cross_entropy_with_logits(logits, label[rows].float())
        background = label[rows] == 0
        return of + penalty(logits[background].sigmoid(), mass[rows][background])

    parameters = [*network.parameters(), *(helper.parameters() if helper else ())]
    optimizer = torch.optim.Adam(parameters, 0.005)
    passes = training.shuffled(len(x), 500, torch.Generator().manual_seed(1))
    rate = training.one_cycle(optimizer, 0.005, 30 * 16)
    training.fit(network, loss, passes, optimizer, 30, rate=rate, what="a toy", key="lr")
    x, label, mass = events(20000, 2)
    with torch.no_grad():
        scores = network(x)[:, 0].numpy()
    background = label.numpy() == 0
    return sculpting(scores[~background], scores[background], mass.numpy()[background], replicas=20)


@pytest.fixture(scope="module")
def unconstrained():
    return trained(lambda scores, mass: 0 * scores.sum())


def adversarial():
    adversary = training.untrained(lambda: Adversary(1), seed=2)
    return lambda scores, mass: adversary.loss(scores[:, None], 2 * mass - 1, 30), adversary


# A cut on the first feature alone rejects 1 / Φ(-1.5) = 15 of the background.
PENALTIES = {
    "disco": (lambda: (lambda s, m: 10 * distance_correlation(s, m), None), 12),
    "mode0": (lambda: (lambda s, m: 300 * moment_decomposition(s, m, 0, 16), None), 5),
    "adversary": (adversarial, 12),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_trades_rejection_for_a_spectrum_that_is_not_sculpted(name, unconstrained):
    made, rejection = PENALTIES[name]
    found = trained(*made())
    assert unconstrained.inverse_jsd < 3
    assert unconstrained.rejection > 40
    assert found.inverse_jsd > 30
    assert found.rejection > rejection
