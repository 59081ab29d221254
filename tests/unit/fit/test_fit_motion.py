"""The compiled signal: its derivatives against finite differences, and log-normals with two sides."""

import numpy as np
import pytest

from resonaut.fit.motion import LEAST, lognormal, room, second_derivatives, signal_at, stretch
from resonaut.fit.shapes import CrystalBalls, Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import Source

EDGES = np.arange(2500.0, 6001.0, 20.0)
BINS = len(EDGES) - 1
# The first two move and widen the peak, and change its rate.
EFFECTS = {
    "scale": Source((0.1, -0.3), 0.01, 0.02),
    "resolution": Source((-0.03, 0.05), 0.0, 0.035),
    "normalisation": Source((0.05, -0.4)),
}
BALL = (0.985, np.log(0.018), 0.4, np.log(3.0), 1.4, np.log(4.0))
SHAPES = {
    "gaussian": Gaussian(0.04),
    "threshold": CrystalBalls(np.array([4000.0]), np.array([BALL]), 3500.0, "given"),
}


def derived(made, eta, pull):
    """Shares (N,), first (M, N) and, weighted by ``pull``, second derivatives (M, M)."""
    scratch, share, moved = room(BINS, len(eta)), np.zeros(BINS), np.zeros((len(eta), BINS))
    first, last, amplitude = signal_at(made.signal, eta, scratch, share, moved)
    bends = np.zeros((len(eta), len(eta)))
    second_derivatives(scratch, amplitude, pull, share, moved, first, last, bends)
    return share, moved, np.tril(bends) + np.tril(bends, -1).T


@pytest.mark.parametrize("eta", [(0.01, 0.02, 0.0), (1.3, -0.7, 0.2), (-2.2, -1.5, 1.3), (0.4, 2.0, -0.3)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_derivatives(shape, order, eta):
    names = [list(EFFECTS)[k] for k in order]
    made = template(shape, 4000.0, EDGES, {name: EFFECTS[name] for name in names})
    at, step = np.array(eta)[list(order)], 1e-5
    pull = np.sin(np.arange(BINS))
    _, moved, bends = derived(made, at, pull)
    for m, way in enumerate(step * np.eye(3)):
        above, below = derived(made, at + way, pull), derived(made, at - way, pull)
        assert moved[m] == pytest.approx((above[0] - below[0]) / (2 * step), rel=1e-5, abs=1e-7)
        assert bends[m] == pytest.approx((above[1] - below[1]) @ pull / (2 * step), rel=1e-3, abs=1e-4)


def test_stretch_is_never_zero_and_smooth():
    assert stretch(0.3) == (1.3, 1, 0)
    for x in (LEAST - 1 - 1e-9, -0.8, -3.0):
        value, slope, _ = stretch(x)
        assert value > 0
        assert slope == pytest.approx((stretch(x + 1e-6)[0] - stretch(x - 1e-6)[0]) / 2e-6, rel=1e-4)
        assert stretch(x)[2] == pytest.approx((stretch(x + 1e-6)[1] - stretch(x - 1e-6)[1]) / 2e-6, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("sides", [(0.2, 0.2), (0.0, 0.7), (0.1, 0.5)])
def test_lognormal_has_its_sides_and_is_smooth(sides):
    up, down = sides
    for eta in (0.5, 1.0, 2.5):
        assert lognormal(up, down, eta)[0] == pytest.approx(up * eta)
        assert lognormal(up, down, -eta)[0] == pytest.approx(-down * eta)
    for eta in (-0.5, -0.49, -0.2, 0.0, 0.3, 0.5):
        above, below = lognormal(up, down, eta + 1e-5), lognormal(up, down, eta - 1e-5)
        assert lognormal(up, down, eta)[1] == pytest.approx((above[0] - below[0]) / 2e-5, abs=1e-6)
        assert lognormal(up, down, eta)[2] == pytest.approx((above[1] - below[1]) / 2e-5, abs=1e-3)
