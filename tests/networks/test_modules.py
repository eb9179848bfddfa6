"""Modules on harken's kernels in PyTorch compute what PyTorch's compute, with the same gradients."""

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.native import library, modules
from harken.networks.native.modules import FastDropout, FusedConvolution, FusedLSTM, convolution_layer
from kernels import HERE, compiled, instructions, shapes, threads


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


PROGRAM = """
import torch
from harken.networks.native import library
from harken.networks.native.modules import FusedLSTM, load
lstm = FusedLSTM(3, 8)
print(lstm(torch.zeros(2, 2, 3))[0].shape, load() is not None and library.instructions())
"""


@compiled
@pytest.mark.parametrize(
    ("value", "output", "error"),
    [
        ("0", "False", ""),
        ("portable", "portable", ""),
        ("fast", "", "HARKEN_NATIVE must be 0, 1, portable, avx2, avx512, got 'fast'"),
    ],
)
def test_the_kernels_can_be_chosen_or_switched_off(
    monkeypatch: pytest.MonkeyPatch, value: str, output: str, error: str
) -> None:
    monkeypatch.setenv("HARKEN_NATIVE", value)
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert ran.stdout.rpartition(" ")[2].strip() == output
    assert error in ran.stderr


def test_without_the_library_there_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: object
) -> None:
    monkeypatch.delenv("HARKEN_NATIVE", raising=False)
    monkeypatch.setattr(library, "LIBRARY", f"{tmp_path}/none.so")
    caches = (library.load, modules.load)
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
@pytest.mark.parametrize("share", [0.1, 0.2, 0.9])
def test_drops_its_share_and_keeps_the_mean(share: float, bits: int) -> None:
    torch.manual_seed(0)
    dropped = FastDropout(share, bits=bits)(torch.ones(2000, 1000))
    assert float((dropped == 0).float().mean()) == pytest.approx(round(share * 2**bits) / 2**bits, abs=0.0008)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def definition(
    x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, random: Tensor | None, sizes: dict[str, Any]
) -> Tensor:
    """The layer by PyTorch's operations, in the precision of its arguments."""
    z = F.conv1d(x.transpose(1, 2), weight, None, sizes["stride"], sizes["padding"], 1, sizes["groups"])
    y = F.batch_norm(z, None, None, scale, shift, training=True, eps=sizes["epsilon"]).relu().transpose(1, 2)
    if random is not None:
        y = y * (random >= sizes["dropped"]) * (256 / (256 - sizes["dropped"]))
    return y + x if sizes["residual"] else y


def results(computed: Callable[..., Tensor], pull: Tensor, tensors: list[Tensor]) -> list[np.ndarray]:
    """What a layer computes, and the gradients of the sum of its values times ``pull``."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    y = computed(*leaves)
    torch.autograd.backward((y * pull).sum())
    gradients = [leaf.grad for leaf in leaves]
    return [y.detach().numpy(), *(gradient.numpy() for gradient in gradients if gradient is not None)]


@compiled
@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    batch=st.integers(1, 20),
    dropped=st.integers(0, 200),
    residual=st.booleans(),
    level=st.sampled_from(HERE),
    count=st.integers(1, 3),
)
@settings(max_examples=120)
def test_results_and_all_gradients_are_those_of_the_definition(
    seed: int, shape: dict[str, int], batch: int, dropped: int, residual: bool, level: library.Level, count: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    if residual:  # the result has the shape of the input
        shape = shape | {"filters": shape["channels"], "stride": 1, "kernel": 2 * shape["padding"] + 1}
    sizes: dict[str, Any] = {name: shape[name] for name in ("stride", "padding", "groups")}
    sizes |= {"epsilon": 1e-5, "dropped": dropped, "residual": residual}
    outputs = (shape["time"] + 2 * sizes["padding"] - shape["kernel"]) // sizes["stride"] + 1
    of_result = (batch, outputs, shape["filters"])
    x = torch.randn(batch, shape["time"], shape["channels"], generator=draw) + 1
    weight = torch.randn(shape["filters"], shape["channels"] // sizes["groups"], shape["kernel"], generator=draw)
    scale, shift = torch.randn(2, shape["filters"], generator=draw)
    random = torch.randint(0, 256, of_result, generator=draw, dtype=torch.uint8) if dropped else None
    pull = torch.randn(of_result, generator=draw)
    if batch * outputs < 3:  # with so few values, the gradients are zeros and rounding errors
        return
    arguments = [x, weight, scale, shift]
    doubles = [tensor.double() for tensor in arguments]
    # Where the ReLU begins, the gradient has a step: rounding must not decide on which side a value lies.
    z = F.conv1d(doubles[0].transpose(1, 2), doubles[1], None, sizes["stride"], sizes["padding"], 1, sizes["groups"])
    normalised = F.batch_norm(z, None, None, doubles[2], doubles[3], training=True).transpose(1, 2)
    pull = pull * (normalised.abs() > 1e-4)
    with threads(count), instructions(level):
        found = results(lambda a, b, c, d: convolution_layer(a, b, c, d, random, **sizes)[0], pull, arguments)
    expected = results(lambda a, b, c, d: definition(a, b, c, d, random, sizes), pull.double(), doubles)
    # Batch normalisation removes most of a gradient that is along the weights. What is left has the error of the whole.
    gain = scale.abs() / (z.var((0, 2), correction=0) + sizes["epsilon"]).sqrt()
    whole = float(pull.norm() * gain.max().clamp_min(1) * x.abs().max() * weight.abs().max().clamp_min(1))
    for name, ours, theirs in zip(("y", "dx", "dweight", "dscale", "dshift"), found, expected, strict=True):
        most = 1e-4 * np.abs(theirs).max() + 1e-6 * whole
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=most, err_msg=name)


def network(seed: int = 0) -> nn.Sequential:
    """A stem and a residual block, as in the everyday network."""
    torch.manual_seed(seed)
    return nn.Sequential(
        FusedConvolution(7, 24, 9, stride=2, padding=4),
        FusedConvolution(24, 32, 5, stride=2, padding=2, dropout=0.2),
        FusedConvolution(32, 32, 3, padding=1, groups=4, dropout=0.1, residual=True),
    )


def trained(net: nn.Sequential, *, iterations: int = 3) -> dict[str, Tensor]:
    """The state after some iterations, and the result of the last one in evaluation."""
    net = copy.deepcopy(net)
    torch.manual_seed(1)
    x = torch.randn(12, 50, 7)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(iterations):
        optimiser.zero_grad()
        torch.autograd.backward(net(x).square().mean())
        optimiser.step()
    with torch.no_grad():
        return net.state_dict() | {"result": net.eval()(x)}


@compiled
def test_training_gives_the_same_bits_each_time_and_on_any_number_of_threads() -> None:
    net, states = network(), []
    for count in (1, 1, 2, 3):
        with threads(count):
            states.append(trained(net))
    for other in states[1:]:
        assert all(torch.equal(value, other[name]) for name, value in states[0].items())


@compiled
def test_too_little_memory_is_an_error() -> None:
    x, weight, ones = torch.zeros(2, 1, 1), torch.zeros(1, 1, 1), torch.ones(1)
    with pytest.raises(MemoryError):
        convolution_layer(x, weight, ones, ones, None, stride=1 << 60, padding=1 << 58, groups=1, epsilon=1e-5)
