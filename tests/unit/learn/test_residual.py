from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from resonaut.core import identifier
from resonaut.learn.density import Settings
from resonaut.learn.density.flow import MARGIN, Density, Preprocessing
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


class Exact(Density):
    """The background as it is."""

    def inner(self, z, condition=None):
        made = self.preprocessing
        u = 1 / (1 + np.exp(-(z * made.std + made.mean)))
        x = made.low + made.width * (u - MARGIN) / (1 - 2 * MARGIN)
        return BACKGROUND.logpdf(x[:, 0] - condition) - made.log_jacobian(u)


@pytest.fixture(scope="module")
def known() -> Known:
    flow = Exact(None, Preprocessing.fit(background(10_000, 1)[0]), 0.0, 1.0, 0.0)
    return Known(flow, lambda c: np.zeros(len(c)), 0.0, 1.0)


def test_the_odds_of_a_signal_are_the_true_ones_where_it_is(known):
    x, c, keys = data(8000, round(8000 * SHARE), 2)
    settings = replace(SETTINGS, steps=800, batch_size=512)
    found = Residual.fit(x, c, known, 0.02, keys, settings, 3)
    points, places = np.meshgrid(np.linspace(2.2, 2.8, 5), np.linspace(0.4, 0.6, 4))
    x, c = points.ravel(), places.ravel()
    truth = np.log(SHARE / (1 - SHARE)) + SIGNAL.logpdf(x) + AMONG.logpdf(c) - BACKGROUND.logpdf(x - c)
    assert truth.min() > 0
    odds = found.log_odds(x[:, np.newaxis].astype(np.float32), c)
    assert np.mean(odds - truth) == pytest.approx(0, abs=0.3)
    assert np.mean(np.abs(odds - truth)) < 0.4
    beside = found.log_odds(np.linspace(-2, 1, 20)[:, np.newaxis].astype(np.float32), np.full(20, 0.5))
    assert np.all(beside < -2)
    assert found.share > 0.8 * SHARE


def test_without_a_signal_no_event_is_likelier_signal(known):
    x, c, keys = data(8000, 0, 4)
    assert np.quantile(Residual.fit(x, c, known, 0.02, keys, SETTINGS, 3).log_odds(x, c), 0.99) < -1


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
