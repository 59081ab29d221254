import numpy as np
import pytest
from scipy import stats

from resonaut.core import identifier
from resonaut.learn.density import Settings
from resonaut.learn.density.flow import Density
from resonaut.learn.density.residual import Known, Residual

SETTINGS = Settings(
    transforms=1, hidden=[32], bins=8, steps=300, batch_size=256, learning_rate=0.01, validation_fraction=0.2
)
SHARE = 0.06
BACKGROUND, SIGNAL = stats.norm(0, 1), stats.norm(2.5, 0.3)
AMONG = stats.norm(0.5, 0.1)


def background(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x ~ N(c, 1), with c uniform in (0, 1)."""
    rng = np.random.default_rng(seed)
    c = rng.uniform(0, 1, n)
    return (c + BACKGROUND.rvs(n, random_state=rng))[:, np.newaxis].astype(np.float32), c


def data(n: int, signal: int, seed: int) -> tuple[np.ndarray, np.ndarray, identifier.Keys]:
    """Background and signal: x ~ N(2.5, 0.3), c ~ N(0.5, 0.1)."""
    x, c = background(n - signal, seed)
    rng = np.random.default_rng(seed + 100)
    x = np.concatenate([x, SIGNAL.rvs((signal, 1), random_state=rng).astype(np.float32)])
    c = np.concatenate([c, AMONG.rvs(signal, random_state=rng)])
    return x, c, identifier.mix(np.arange(n, dtype=np.uint64))


@pytest.fixture(scope="module")
def known() -> Known:
    flow = Density.fit(*background(10_000, 1), settings=SETTINGS)
    return Known(flow, lambda c: np.zeros(len(c)), 0.0, 1.0)


def test_share_and_odds_of_a_signal_are_the_true_ones(known):
    x, c, keys = data(8000, round(8000 * SHARE), 2)
    found = Residual.fit(x, c, known, 0.02, keys, SETTINGS, 3)
    assert found.share == pytest.approx(SHARE, abs=0.015)
    points, places = np.meshgrid(np.linspace(2, 3, 5), np.linspace(0.35, 0.65, 4))
    x, c = points.ravel(), places.ravel()
    truth = np.log(SHARE / (1 - SHARE)) + SIGNAL.logpdf(x) + AMONG.logpdf(c) - BACKGROUND.logpdf(x - c)
    odds = found.log_odds(x[:, np.newaxis].astype(np.float32), c)
    assert np.mean(np.abs(odds - truth)) < 0.35
    assert np.corrcoef(odds, truth)[0, 1] > 0.95
    beside = found.log_odds(np.linspace(-2, 1, 20)[:, np.newaxis].astype(np.float32), np.full(20, 0.5))
    assert np.all(beside < -3)


def test_without_a_signal_there_is_no_share(known):
    x, c, keys = data(8000, 0, 4)
    assert Residual.fit(x, c, known, 0.02, keys, SETTINGS, 3).share < 0.015


def test_a_residual_depends_on_events_and_seed_alone(known):
    x, c, keys = data(500, 20, 5)
    short = Settings(hidden=[8], steps=20)
    order = np.random.default_rng(0).permutation(500)
    found = [
        Residual.fit(x[rows], c[rows], known, 0.02, keys[rows], short, seed).log_odds(x, c)
        for rows, seed in ((slice(None), 1), (order, 1), (slice(None), 2))
    ]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
