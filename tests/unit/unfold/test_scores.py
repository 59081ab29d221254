import numpy as np

from resonaut.unfold.scores import REACH, Scores


def test_a_normal_distribution_stays_and_others_become_one():
    rng = np.random.default_rng(1)
    x = np.stack([rng.normal(size=50_000), rng.exponential(30, 50_000)], axis=1).astype(np.float32)
    scores = Scores.of(x)(x)
    inner = np.abs(x[:, 0]) < 2
    np.testing.assert_allclose(scores[inner, 0], x[inner, 0], atol=0.05)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=0.01)


def test_the_order_stays_and_nothing_is_beyond_the_outermost():
    x = np.random.default_rng(2).exponential(1, (1000, 1)).astype(np.float32)
    scores = Scores.of(x)
    rising = scores(np.sort(x, axis=0))[:, 0]
    assert np.all(np.diff(rising) >= 0)
    np.testing.assert_allclose(scores(np.array([[-1e9], [1e9]], np.float32))[:, 0], [-REACH, REACH], rtol=0.2)


def test_equal_values_stay_equal():
    x = np.where(np.arange(1000) < 600, 0, np.linspace(1, 2, 1000))[:, None].astype(np.float32)
    scores = Scores.of(x)(x)[:, 0]
    assert len(np.unique(scores[:600])) == 1
    assert scores[600:].min() > scores[0]
