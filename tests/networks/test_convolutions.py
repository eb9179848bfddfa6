"""Convolutions with batch normalisation, ReLU, dropout and residual in training, beside PyTorch in float64."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.layers import Dropout, FusedConvolutions
from harken.networks.native import autograd, library
from harken.networks.native.convolution_layer import Sizes, convolution_layer

LIBRARY = autograd.load()
BEST = 0 if LIBRARY is None else LIBRARY.harken_lstm_level()
HERE = library.LEVELS[: BEST + 1]
"""What this machine can run."""

compiled = pytest.mark.skipif(LIBRARY is None, reason="our own kernels were not built here, or HARKEN_NATIVE is 0")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of PyTorch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def definition(x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, random: Tensor | None, sizes: Sizes) -> Tensor:
    """The layer by PyTorch's operations, in the precision of its arguments."""
    z = F.conv1d(x.transpose(1, 2), weight, None, sizes.stride, sizes.padding, 1, sizes.groups)
    y = F.batch_norm(z, None, None, scale, shift, training=True, eps=sizes.epsilon).relu().transpose(1, 2)
    if random is not None:
        y = y * (random >= sizes.dropped) * (256 / (256 - sizes.dropped))
    return y + x if sizes.residual else y


def results(computed: Callable[..., Tensor], pull: Tensor, tensors: list[Tensor]) -> list[np.ndarray]:
    """What a layer computes, and the gradients of the sum of its values times ``pull``."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    y = computed(*leaves)
    torch.autograd.backward((y * pull).sum())
    gradients = [leaf.grad for leaf in leaves]
    return [y.detach().numpy(), *(gradient.numpy() for gradient in gradients if gradient is not None)]


shapes = st.integers(1, 4).flatmap(
    lambda groups: st.fixed_dictionaries(
        {
            "channels": st.integers(1, 20).map(lambda n: n * groups),
            "filters": st.integers(1, 40).map(lambda n: n * groups),
            "kernel": st.integers(1, 9),
            "stride": st.integers(1, 4),
            "padding": st.integers(0, 5),
            "groups": st.just(groups),
            "time": st.integers(10, 60),
            "batch": st.integers(1, 20),
        }
    )
)


@compiled
@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    dropped=st.integers(0, 200),
    residual=st.booleans(),
    level=st.sampled_from(HERE),
    count=st.integers(1, 3),
)
@settings(max_examples=120)
def test_results_and_all_gradients_are_those_of_the_definition(
    seed: int, shape: dict[str, int], dropped: int, residual: bool, level: library.Level, count: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    if residual:  # the result has the shape of the input
        shape = shape | {"filters": shape["channels"], "stride": 1, "kernel": 2 * shape["padding"] + 1}
    sizes = Sizes(shape["stride"], shape["padding"], shape["groups"], 1e-5, dropped, residual, level)
    outputs = (shape["time"] + 2 * sizes.padding - shape["kernel"]) // sizes.stride + 1
    of_result = (shape["batch"], outputs, shape["filters"])
    x = torch.randn(shape["batch"], shape["time"], shape["channels"], generator=draw) + 1
    weight = torch.randn(shape["filters"], shape["channels"] // sizes.groups, shape["kernel"], generator=draw)
    scale, shift = torch.randn(2, shape["filters"], generator=draw)
    random = torch.randint(0, 256, of_result, generator=draw, dtype=torch.uint8) if dropped else None
    pull = torch.randn(of_result, generator=draw)
    if shape["batch"] * outputs < 3:  # with so few values, the gradients are zeros and rounding errors
        return
    arguments = [x, weight, scale, shift]
    doubles = [tensor.double() for tensor in arguments]
    # Where the ReLU begins, the gradient has a step: rounding must not decide on which side a value lies.
    z = F.conv1d(doubles[0].transpose(1, 2), doubles[1], None, sizes.stride, sizes.padding, 1, sizes.groups)
    normalised = F.batch_norm(z, None, None, doubles[2], doubles[3], training=True).transpose(1, 2)
    pull = pull * (normalised.abs() > 1e-4)
    with threads(count):
        found = results(lambda a, b, c, d: convolution_layer(a, b, c, d, random, sizes)[0], pull, arguments)
    expected = results(lambda a, b, c, d: definition(a, b, c, d, random, sizes), pull.double(), doubles)
    # Batch normalisation removes most of a gradient that is along the weights. What is left has the error of the whole.
    gain = scale.abs() / (z.var((0, 2), correction=0) + sizes.epsilon).sqrt()
    whole = float(pull.norm() * gain.max().clamp_min(1) * x.abs().max() * weight.abs().max().clamp_min(1))
    for name, ours, theirs in zip(("y", "dx", "dweight", "dscale", "dshift"), found, expected, strict=True):
        most = 1e-4 * np.abs(theirs).max() + 1e-6 * whole
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=most, err_msg=name)


def network(seed: int = 0) -> nn.Sequential:
    """A stem and two residual blocks, as in the everyday network."""
    torch.manual_seed(seed)
    stem = FusedConvolutions(
        nn.Conv1d(7, 24, 9, stride=2, padding=4, bias=False),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        nn.Conv1d(24, 32, 5, stride=2, padding=2, bias=False),
        nn.BatchNorm1d(32, momentum=None),
        nn.ReLU(),
        Dropout(0.2),
    )
    blocks = [
        FusedConvolutions(
            nn.Conv1d(32, 32, 3, padding=1, groups=4, bias=False),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            Dropout(0.1),
            residual=True,
        )
        for _ in range(2)
    ]
    return nn.Sequential(stem, *blocks)


def trained(
    net: nn.Sequential, monkeypatch: pytest.MonkeyPatch, *, by_library: bool, iterations: int = 3
) -> dict[str, Tensor]:
    """The state after some iterations, and the result of the last one in evaluation."""
    if not by_library:
        monkeypatch.setattr(autograd, "computable", lambda *_: False)
    net = copy.deepcopy(net)
    torch.manual_seed(1)
    x = torch.randn(12, 50, 7)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(iterations):
        optimiser.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimiser.step()
    monkeypatch.undo()
    with torch.no_grad():
        return net.state_dict() | {"result": net.eval()(x)}


@compiled
def test_training_is_that_of_pytorchs_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    found, expected = (trained(net, monkeypatch, by_library=by_library) for by_library in (True, False))
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)


@compiled
def test_training_gives_the_same_bits_each_time_and_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    net, states = network(), []
    for count in (1, 1, 2, 3):
        with threads(count):
            states.append(trained(net, monkeypatch, by_library=True))
    for other in states[1:]:
        assert all(torch.equal(value, other[name]) for name, value in states[0].items())


def test_the_state_is_that_of_a_plain_sequence() -> None:
    fused = network()[0]
    assert isinstance(fused, FusedConvolutions)
    plain = nn.Sequential(*fused)
    assert list(fused.state_dict()) == list(plain.state_dict())
    assert fused.state_dict().keys() >= {"0.weight", "1.running_mean", "1.num_batches_tracked", "3.weight"}


def test_in_evaluation_the_results_are_pytorchs() -> None:
    fused = network()[0].eval()
    assert isinstance(fused, FusedConvolutions)
    x = torch.randn(3, 40, 7)
    expected = nn.Sequential(*fused)(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(fused(x), expected)


@pytest.mark.parametrize(
    "other",
    [
        nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, padding="same", bias=False), nn.BatchNorm1d(4), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, dilation=2, bias=False), nn.BatchNorm1d(4), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4, affine=False), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4, track_running_stats=False), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, bias=False), nn.ReLU(), nn.BatchNorm1d(4)),
        nn.Sequential(nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4).eval(), nn.ReLU()),
        nn.Sequential(nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4), nn.ReLU(), Dropout(0.1, bits=16)),
    ],
    ids=["bias", "same", "dilated", "not affine", "not tracked", "other order", "frozen", "dropout of 16 bits"],
)
def test_other_layers_are_left_to_pytorch(other: nn.Sequential) -> None:
    x = torch.randn(4, 20, 3)
    expected, fused = copy.deepcopy(other), FusedConvolutions(*other)
    torch.manual_seed(0)
    found = fused(x)
    torch.manual_seed(0)
    before_dropout = expected[:3](x.transpose(1, 2)).transpose(1, 2)
    assert torch.equal(found, expected[3](before_dropout) if len(expected) > 3 else before_dropout)


@compiled
def test_doubles_and_hooks_and_second_derivatives_are_left_to_pytorch() -> None:
    net = network()
    x = torch.randn(4, 50, 7)
    assert net.double()(x.double()).dtype == torch.float64
    net = network()
    stem = net[0]
    assert isinstance(stem, FusedConvolutions)
    seen: list[Tensor] = []
    handle = stem[1].register_forward_hook(lambda _, __, made: seen.append(made))
    net(x)
    assert seen[0].shape == (4, 24, 25)
    handle.remove()
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.autograd.backward(gradient.sum())


def test_errors_for_shapes_are_pytorchs() -> None:
    net = network()[0]
    with pytest.raises(RuntimeError, match="to have 7 channels"):
        net(torch.randn(4, 50, 6))
    one = FusedConvolutions(nn.Conv1d(7, 4, 50, bias=False), nn.BatchNorm1d(4), nn.ReLU())
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        one(torch.randn(1, 50, 7))


@compiled
def test_too_little_memory_is_an_error() -> None:
    x, weight, ones = torch.zeros(2, 1, 1), torch.zeros(1, 1, 1), torch.ones(1)
    sizes = Sizes(stride=1 << 60, padding=1 << 58, groups=1, epsilon=1e-5)
    with pytest.raises(MemoryError):
        convolution_layer(x, weight, ones, ones, None, sizes)
