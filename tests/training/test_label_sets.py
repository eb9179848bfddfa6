"""The loss for sets of labels, and its gradient, beside NumPy in double precision and PyTorch's cross-entropy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.training.label_sets import places_between_sets, set_loss, with_spread_sets


def reference(
    logits: NDArray[np.float64], allowed: NDArray[np.bool_], smoothing: float
) -> tuple[float, NDArray[np.float64]]:
    """The loss and its gradient by the logits: window by window, from the definitions."""
    n, labels = logits.shape
    loss, gradient = 0.0, np.zeros_like(logits)
    for row in range(n):
        odds = np.exp(logits[row] - logits[row].max())
        probability = odds / odds.sum()
        inside = probability[allowed[row]].sum()
        own = -np.log(inside)
        slope = probability - np.where(allowed[row], probability / inside, 0.0)
        if allowed[row].sum() == 1:
            own = (1 - smoothing) * own - smoothing * np.log(probability).mean()
            slope = (1 - smoothing) * slope + smoothing * (probability - 1 / labels)
        loss += own / n
        gradient[row] = slope / n
    return loss, gradient


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 9), st.sampled_from([0.0, 0.1]))
def test_loss_and_gradient_are_those_of_the_definition(seed: int, n: int, labels: int, smoothing: float) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(0, 3, (n, labels))
    allowed = random.random((n, labels)) < 0.4
    allowed[np.arange(n), random.integers(0, labels, n)] = True
    expected, slope = reference(values, allowed, smoothing)
    logits = torch.from_numpy(values).requires_grad_()
    loss = set_loss(logits, torch.from_numpy(allowed), label_smoothing=smoothing)
    (gradient,) = torch.autograd.grad(loss, logits)
    np.testing.assert_allclose(float(loss.detach()), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient.numpy(), slope, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_one_label_each_it_is_the_cross_entropy(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(50, 8, generator=generator)
    codes = torch.randint(0, 8, (50,), generator=generator)
    allowed = torch.nn.functional.one_hot(codes, 8).bool()
    expected = torch.nn.functional.cross_entropy(logits, codes, label_smoothing=smoothing)
    torch.testing.assert_close(set_loss(logits, allowed, label_smoothing=smoothing), expected)


def test_every_label_allowed_is_no_loss_and_none_is_an_error() -> None:
    logits = torch.tensor([[1.0, -40.0, 3.0]])
    assert float(set_loss(logits, torch.ones(1, 3, dtype=torch.bool))) == pytest.approx(0, abs=1e-6)
    far = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = set_loss(far, torch.tensor([[False, True]]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(400)
    assert far.grad is not None
    assert torch.isfinite(far.grad).all()
    with pytest.raises(ValueError, match="at least one label"):
        set_loss(logits, torch.zeros(1, 3, dtype=torch.bool))


@given(st.integers(1, 200), st.integers(0, 200), st.sampled_from([5, 10, 64, 100]))
def test_no_batch_has_more_than_a_fifth_of_windows_with_several_labels(single: int, several: int, batch: int) -> None:
    places = places_between_sets(batch)
    order = with_spread_sets(torch.arange(single), 1000 + torch.arange(several), places=places)
    assert sorted(order[order < 1000].tolist()) == list(range(single))
    kept = order[order >= 1000].tolist()
    assert kept == list(range(1000, 1000 + min(several, single // (places - 1))))
    for start in range(max(1, len(order) - batch + 1)):
        assert int((order[start : start + batch] >= 1000).sum()) <= batch // 5


def test_few_sets_are_all_used_and_spread() -> None:
    order = with_spread_sets(torch.arange(90), torch.arange(1000, 1010), places=6)
    at = torch.nonzero(order >= 1000).flatten()
    assert len(at) == 10
    assert set(at.diff().tolist()) == {10}
