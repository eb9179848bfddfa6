"""What dropout with cheap masks promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harken.networks.dropout import Dropout

BITS = pytest.mark.parametrize("bits", [8, 16])


@BITS
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
def test_drops_its_share_and_keeps_the_mean(share: float, bits: int) -> None:
    torch.manual_seed(0)
    dropped = Dropout(share, bits=bits)(torch.ones(400, 500))
    assert float((dropped == 0).float().mean()) == pytest.approx(round(share * 2**bits) / 2**bits, abs=0.005)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def test_sixteen_bits_tell_a_fifth_from_fifty_one_256ths() -> None:
    torch.manual_seed(0)
    values = torch.ones(4000, 5000)
    shares = {bits: float((Dropout(0.2, bits=bits)(values) == 0).float().mean()) for bits in (8, 16)}
    assert shares[8] == pytest.approx(51 / 256, abs=0.0003)
    assert shares[16] == pytest.approx(0.2, abs=0.0003)


@BITS
def test_neighbours_are_dropped_independently(bits: int) -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5, bits=bits)(torch.ones(100_000, 8)) != 0).float() - 0.5
    together = kept.T @ kept / len(kept)
    torch.testing.assert_close(together, torch.eye(8) / 4, atol=0.01, rtol=0)


@given(
    shape=st.lists(st.integers(0, 9), min_size=1, max_size=4), seed=st.integers(0, 99), bits=st.sampled_from([8, 16])
)
def test_any_shape_and_the_same_seed_the_same_mask(shape: list[int], seed: int, bits: int) -> None:
    dropout, values = Dropout(0.3, bits=bits), torch.ones(shape)
    torch.manual_seed(seed)
    first = dropout(values)
    torch.manual_seed(seed)
    torch.testing.assert_close(dropout(values), first, rtol=0, atol=0)
    assert first.shape == values.shape


def test_gradients_flow_where_values_were_kept() -> None:
    torch.manual_seed(0)
    values = torch.randn(50, 50, requires_grad=True)
    dropped = Dropout(0.5)(values)
    dropped.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(values.grad * values, dropped)


def test_nothing_is_dropped_when_nothing_is_learned() -> None:
    values = torch.randn(5, 5)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="cannot be dropped"):
        Dropout(share)


def test_other_numbers_of_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="8 or 16"):
        Dropout(0.5, bits=12)
