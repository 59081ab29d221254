"""Shifts of inputs against a network: their length, their direction, and what must not move."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from resonaut.core.errors import NotFiniteError  # noqa: E402
from resonaut.learn.adversarial import divergence_from, shift, shifted, spread  # noqa: E402


def test_the_spread_of_a_gaussian_is_that_of_its_middle_and_knows_no_outliers():
    values = torch.randn(20000, generator=torch.Generator().manual_seed(1))
    # Of a Gaussian cut at ±0.8416: variance 1 - 2 z φ(z) / 0.6.
    expected = np.sqrt(1 - 2 * 0.8416 * np.exp(-(0.8416**2) / 2) / np.sqrt(2 * np.pi) / 0.6)
    assert spread(values).item() == pytest.approx(expected, rel=0.02)
    outlying = torch.where(torch.arange(20000) % 10 == 0, 1e6 * values, values)
    assert spread(outlying).item() == pytest.approx(expected, rel=0.2)
    assert spread(torch.ones(10)).item() == 0


@pytest.fixture
def gradient():
    return torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(2))


def test_every_jet_moves_by_the_same_length_in_units_of_the_spreads(gradient):
    spreads = torch.tensor([0.5, 2.0, 10.0])
    keep = torch.arange(4) < torch.tensor([4, 3, 2, 1, 4])[:, None, None]
    delta = shift(gradient, spreads, 0.1, keep)
    np.testing.assert_allclose((delta / spreads[:, None]).flatten(1).norm(dim=1), 0.1, rtol=1e-5)
    assert (delta.masked_select(~keep.expand_as(delta)) == 0).all()
    inside = keep.expand_as(delta)
    assert (delta.sign() == gradient.sign())[inside].all()
    # 100 times the loss is no other attack.
    torch.testing.assert_close(shift(100 * gradient, spreads, 0.1, keep), delta)


def test_integers_and_jets_without_a_gradient_stay(gradient):
    gradient[2] = 0
    delta = shift(gradient, torch.tensor([1.0, 0.0, 1.0]), 0.1, torch.ones(5, 1, 4, dtype=torch.bool))
    assert (delta[:, 1] == 0).all()
    assert (delta[2] == 0).all()
    assert delta.isfinite().all()


def test_the_groups_have_shifts_of_their_own_up_the_loss():
    first, second, third = (torch.ones(2, features, 1, requires_grad=True) for features in (2, 1, 1))
    slopes = torch.tensor([3.0, -4.0])
    loss = (slopes[:, None] * first).sum() + 1e-6 * second.sum()
    keep = torch.ones(2, 1, 1, dtype=torch.bool)
    found = shifted(loss, [first, second, third], [torch.ones(2), torch.ones(1), torch.ones(1)], 0.1, keep)
    torch.testing.assert_close(found[0][0, :, 0], torch.tensor([1.06, 0.92]))
    torch.testing.assert_close(found[1][0, :, 0], torch.tensor([1.1]))
    torch.testing.assert_close(found[2], torch.ones(2, 1, 1))
    assert not any(group.requires_grad for group in found)


def test_the_divergence_is_that_of_the_probabilities_and_reaches_the_shifted_output_alone():
    p, q = torch.tensor([[0.2, 0.8]]), torch.tensor([[0.5, 0.5]])
    nominal, logits = p.log().requires_grad_(), (q.log() + 3).requires_grad_()
    found = divergence_from(nominal, logits)
    assert found.item() == pytest.approx(0.2 * np.log(0.4) + 0.8 * np.log(1.6), rel=1e-5)
    found.sum().backward()
    assert nominal.grad is None
    # d KL / d logits = q - p
    torch.testing.assert_close(logits.grad, q - p)


def test_a_distance_of_zero_has_no_slope_and_other_infinities_are_named():
    group = torch.zeros(2, 1, 2, requires_grad=True)
    keep = torch.ones(2, 1, 2, dtype=torch.bool)
    loss = (group[:, 0, 0] - group[:, 0, 0]).square().sqrt().sum() + group.sum()
    (moved,) = shifted(loss, [group], [torch.ones(1)], 1.0, keep)
    torch.testing.assert_close(moved, torch.full((2, 1, 2), 0.5**0.5))
    with pytest.raises(NotFiniteError, match="no finite gradient in the inputs"):
        shifted(group.log().sum(), [group], [torch.ones(1)], 1.0, keep)
