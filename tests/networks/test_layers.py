"""Layers that networks share: the fused LSTM beside PyTorch's, and dropout that keeps the mean."""

import copy
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harken.networks.layers import Dropout, FusedLSTM
from harken.networks.native import autograd, elementwise, library
from harken.networks.notebook_lstm import NotebookLSTM
from harken.networks.sizes import NotebookSizes


def twins(*arguments: int, **options: object) -> tuple[nn.LSTM, FusedLSTM]:
    """The same weights twice."""
    torch.manual_seed(0)
    theirs = nn.LSTM(*arguments, **options)
    ours = FusedLSTM(*arguments, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_takes_the_place_of_pytorchs(batch_first: bool, bidirectional: bool, bias: bool) -> None:
    options = {"batch_first": batch_first, "bidirectional": bidirectional, "bias": bias}
    theirs, ours = twins(5, 12, 2, **options)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    x = torch.randn(7, 9, 5)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)
    states = (4 if bidirectional else 2, 7 if batch_first else 9, 12)
    state = (torch.randn(states), torch.randn(states))
    torch.testing.assert_close(ours(x, state), theirs(x, state), rtol=0, atol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x.mT.contiguous().mT), theirs(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_between_layers_draws_what_pytorchs_draws(bidirectional: bool) -> None:
    theirs, ours = twins(5, 12, 3, batch_first=True, dropout=0.5, bidirectional=bidirectional)
    x = torch.randn(7, 9, 5)
    made = []
    for module in (theirs, ours):
        torch.manual_seed(4)
        y, (h, c) = module(x)
        y.square().sum().backward()
        made.append((y, h, c, *(parameter.grad for parameter in module.parameters())))
    torch.testing.assert_close(made[1], made[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("units", [4, 300])
def test_what_the_kernels_are_not_for_is_pytorchs(units: int) -> None:
    theirs, ours = twins(3, units, batch_first=True)
    x = torch.randn(2, 6, 3)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x[0]), theirs(x[0]))  # without a batch
    torch.testing.assert_close(ours.double()(x.double()), theirs.double()(x.double()))
    packed = nn.utils.rnn.pack_padded_sequence(x.double(), [6, 4], batch_first=True)
    torch.testing.assert_close(ours(packed)[0].data, theirs(packed)[0].data)


def test_what_does_not_fit_is_refused_as_pytorch_refuses_it() -> None:
    _, ours = twins(3, 8, batch_first=True)
    with pytest.raises(RuntimeError, match=r"input\.size\(-1\) must be equal to input_size"):
        ours(torch.randn(2, 6, 4))
    with pytest.raises(RuntimeError, match="Expected hidden"):
        ours(torch.randn(2, 6, 3), (torch.zeros(1, 3, 8), torch.zeros(1, 3, 8)))


def test_copies_and_changed_weights_are_seen() -> None:
    _, ours = twins(3, 8, batch_first=True)
    x = torch.randn(2, 6, 3)
    copied = copy.deepcopy(ours)
    torch.testing.assert_close(copied(x), ours(x), rtol=0, atol=0)
    with torch.no_grad():
        copied.get_parameter("weight_hh_l0").data.mul_(2)
    assert not torch.equal(copied(x)[0], ours(x)[0])


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # of PyTorch's own LSTM
def test_a_traced_or_exported_network_holds_pytorchs_operations() -> None:
    theirs, ours = twins(3, 8, batch_first=True)
    x = torch.randn(2, 6, 3)
    try:
        exported = torch.export.export(ours.eval(), (x,), strict=False)  # as newer versions of PyTorch do by default
    except ValueError:
        with pytest.raises(ValueError, match="assigned during export"):
            torch.export.export(theirs.eval(), (x,), strict=False)
        pytest.skip("this version of PyTorch does not export its own LSTM either")
    assert any("lstm" in str(node.target) or "mm" in str(node.target) for node in exported.graph.nodes)
    torch.testing.assert_close(exported.module()(x)[0], ours(x)[0], rtol=0, atol=1e-5)


def test_the_notebooks_network_gives_the_same_on_both() -> None:
    torch.manual_seed(0)
    network = NotebookLSTM(NotebookSizes(4, 4)).eval()
    signals = torch.randn(9, 80, 4)
    with_ours = network(signals)
    with_theirs = network.double()(signals.double())
    torch.testing.assert_close(with_ours.double(), with_theirs, rtol=0, atol=2e-5)


PROGRAM = """
import torch
from harken.networks.layers import FusedLSTM
from harken.networks.native import autograd, library
lstm = FusedLSTM(3, 8)
print(lstm(torch.zeros(2, 2, 3))[0].shape, autograd.load() is not None and library.instructions())
"""


def told(monkeypatch: pytest.MonkeyPatch, value: str) -> subprocess.CompletedProcess[str]:
    monkeypatch.setenv("HARKEN_NATIVE", value)
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = told(monkeypatch, "0")
    assert (ran.stdout.split()[-1], ran.stderr) == ("False", "")


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "HARKEN_NATIVE must be 0, 1, portable, avx2, avx512, got 'fast'" in told(monkeypatch, "fast").stderr


@pytest.mark.skipif(autograd.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_an_instruction_set_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, "portable").stdout.split()[-1] == "portable"


def test_without_the_library_there_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: object
) -> None:
    monkeypatch.delenv("HARKEN_NATIVE", raising=False)
    monkeypatch.setattr(library, "LIBRARY", f"{tmp_path}/none.so")
    caches = (library.load, autograd.load)
    for cache in caches:
        cache.cache_clear()
    try:
        theirs, ours = twins(3, 8)
        for _ in range(2):
            torch.testing.assert_close(ours(torch.ones(2, 2, 3)), theirs(torch.ones(2, 2, 3)))
        assert [record.message for record in caplog.records if "kernels" in record.message] == [
            "harken runs without its compiled kernels, which are faster: they were not built when it was installed "
            "(that takes a C++ compiler)"
        ]
    finally:
        for cache in caches:
            cache.cache_clear()


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


@pytest.mark.skipif(autograd.load() is None, reason="our own kernels were not built here, or HARKEN_NATIVE is 0")
@given(shape=st.lists(st.integers(1, 40), min_size=1, max_size=3), seed=st.integers(0, 99), share=st.floats(0.1, 0.9))
def test_the_library_drops_the_same_values(shape: list[int], seed: int, share: float) -> None:
    torch.manual_seed(seed)
    dropout, values = Dropout(share), torch.randn(shape).mT if len(shape) > 1 else torch.randn(shape)
    random = dropout.draw(values.shape, values.device)
    expected = values * (random >= dropout.dropped) * (256 / (256 - dropout.dropped))
    for level in library.LEVELS[: library.LEVELS.index(library.instructions()) + 1]:
        inputs = values.clone().requires_grad_()
        found = elementwise.drop(inputs, random, dropped=dropout.dropped, level=level)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
        (gradient,) = torch.autograd.grad(found.square().sum(), inputs, create_graph=True)
        (second,) = torch.autograd.grad(gradient.sum(), inputs)
        kept = (random >= dropout.dropped) * (256 / (256 - dropout.dropped))
        torch.testing.assert_close(gradient, 2 * values * kept**2, rtol=1e-5, atol=0)
        torch.testing.assert_close(second, 2 * kept**2, rtol=1e-5, atol=0, check_dtype=False)


def test_nothing_is_dropped_outside_training() -> None:
    values = torch.randn(5, 5)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share must be at least 0 and below 1"):
        Dropout(share)


def test_other_numbers_of_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="8 or 16"):
        Dropout(0.5, bits=12)
