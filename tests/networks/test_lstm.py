"""Our own LSTM kernels against the equations in float64, at every instruction set."""

import ctypes
from functools import partial
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from harken.networks.native import library, modules
from kernels import HERE, LIBRARY, compiled, instructions, threads
from lstm_reference import by_equations

pytestmark = compiled


def weights_of(module: nn.LSTM) -> list[Tensor]:
    """Four of each layer and direction."""
    return list(cast(list[Tensor], module._flat_weights))


def everything(module: nn.LSTM, x: Tensor, pulls: tuple[Tensor, ...]) -> list[Tensor]:
    """Results and gradients by our kernels: y, h, c, dx, and the weights'."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    units, layers, directions = module.hidden_size, module.num_layers, 1 + module.bidirectional
    made = modules.lstm(x, weights_of(module), units=units, layers=layers, directions=directions)
    torch.autograd.backward(pulled(made, pulls))
    return [*made, *(leaf.grad for leaf in (x, *module.parameters()) if leaf.grad is not None)]


def pulled(made: tuple[Tensor, ...], pulls: tuple[Tensor, ...]) -> Tensor:
    """The sum of results times ``pulls``."""
    return sum(((given * pull).sum() for given, pull in zip(made, pulls, strict=True)), start=torch.zeros(()))


shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 60),
        "length": st.integers(1, 40),
        "inputs": st.integers(1, 40),
        "units": st.integers(8, 70),
        "layers": st.integers(1, 3),
        "directions": st.integers(1, 2),
    }
)


def problem(seed: int, shape: dict[str, int]) -> tuple[nn.LSTM, Tensor, tuple[Tensor, ...]]:
    torch.manual_seed(seed)
    directions, sizes = shape["directions"], (shape["inputs"], shape["units"], shape["layers"])
    module = nn.LSTM(*sizes, batch_first=True, bidirectional=directions == 2)
    x = torch.randn(shape["batch"], shape["length"], shape["inputs"]) * 2
    states = (shape["layers"] * directions, shape["batch"], shape["units"])
    pulls = (torch.randn(*x.shape[:2], directions * shape["units"]), torch.randn(states), torch.randn(states))
    return module, x, pulls


@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    level=st.sampled_from(HERE),
    count=st.integers(1, 3),
    own=st.booleans(),
)
@settings(max_examples=40)
def test_results_and_all_gradients_are_those_of_the_equations(
    seed: int, shape: dict[str, int], level: library.Level, count: int, own: bool
) -> None:
    module, x, pulls = problem(seed, shape)
    with threads(count, own=own), instructions(level):
        found = everything(module, x, pulls)
    doubles = [tensor.detach().double().requires_grad_() for tensor in (x, *weights_of(module))]
    cells = [(doubles[i], doubles[i + 1], doubles[i + 2] + doubles[i + 3]) for i in range(1, len(doubles), 4)]
    directions = shape["directions"]
    expected = by_equations(doubles[0], [cells[i : i + directions] for i in range(0, len(cells), directions)])
    gradients = torch.autograd.grad(pulled(expected, pulls), doubles)
    for ours, theirs in zip(found[:3], expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-5)
    for ours, theirs in zip(found[3:], gradients, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-4 * max(float(theirs.abs().max()), 1e-6))


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("directions", [1, 2])
def test_the_same_bits_whatever_the_number_of_threads(level: library.Level, directions: int) -> None:
    shape = {"batch": 101, "length": 30, "inputs": 9, "units": 24, "layers": 2}
    given = problem(3, {**shape, "directions": directions})
    with threads(1), instructions(level):
        alone = everything(*given)
    for count, own in ((2, False), (3, False), (5, True)):
        with threads(count, own=own), instructions(level):
            together = everything(*given)
        assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("level", HERE)
def test_a_window_gets_the_same_bits_in_any_company(level: library.Level) -> None:
    shape = {"batch": 61, "length": 40, "inputs": 5, "units": 20, "layers": 2}
    module, x, _ = problem(4, {**shape, "directions": 2})
    with torch.inference_mode(), instructions(level):
        answer = partial(modules.lstm, units=20, layers=2, directions=2)
        whole, _, _ = answer(x, weights_of(module))
        for rows in (slice(0, 1), slice(7, 12), slice(30, 61)):
            part, _, _ = answer(x[rows], weights_of(module))
            assert torch.equal(part, whole[rows])


@pytest.mark.parametrize("level", HERE)
def test_gradients_are_the_same_bits_when_forward_kept_nothing(
    monkeypatch: pytest.MonkeyPatch, level: library.Level
) -> None:
    shape = {"batch": 9, "length": 70, "inputs": 5, "units": 17, "layers": 2}
    for directions in (1, 2):
        given = problem(5, {**shape, "directions": directions})
        with instructions(level):
            kept = everything(*given)
            with monkeypatch.context() as patch:
                patch.setattr(modules, "MOST_KEPT", 0)
                made_again = everything(*given)
        assert all(torch.equal(a, b) for a, b in zip(kept, made_again, strict=True))


def test_only_the_required_gradients_are_computed() -> None:
    shape = {"batch": 5, "length": 12, "inputs": 6, "units": 16, "layers": 2, "directions": 1}
    module, x, pulls = problem(6, shape)
    expected = everything(module, x, pulls)
    weights = weights_of(module)
    for last_only in (False, True):
        module.zero_grad()
        weights[1] = module.get_parameter("weight_hh_l0").detach()
        y, h, _ = modules.lstm(x, weights, units=16, layers=2, steps=not last_only)
        assert (y.shape[1] == 0) == last_only
        torch.autograd.backward((0 if last_only else (y * pulls[0]).sum()) + (h * pulls[1]).sum())
        assert module.weight_hh_l0.grad is None
        assert module.weight_ih_l1.grad is not None
    _, h, c = modules.lstm(x, weights_of(module), units=16, layers=2, steps=False)
    torch.autograd.backward((h * pulls[1]).sum() + (c * pulls[2]).sum() + (expected[0].detach() * 0).sum())


def test_a_graph_that_is_kept_gives_its_gradients_twice() -> None:
    module, x, _ = problem(7, {"batch": 5, "length": 9, "inputs": 3, "units": 8, "layers": 1, "directions": 1})
    x.requires_grad_()
    y, _, _ = modules.lstm(x, weights_of(module), units=8)
    (first,) = torch.autograd.grad(y.square().sum(), x, retain_graph=True)
    (second,) = torch.autograd.grad(y.square().sum(), x)
    assert torch.equal(first, second)


@pytest.mark.parametrize("level", HERE)
def test_activations_are_as_exact_as_stated(level: library.Level) -> None:
    assert LIBRARY is not None
    ends = np.array([0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, np.inf, -np.inf, np.nan])
    x = np.concatenate([np.linspace(-30, 30, 400_001), np.geomspace(1e-12, 1, 100_001), ends]).astype(np.float32)
    sigmoid, tanh = np.empty_like(x), np.empty_like(x)
    addresses = [ctypes.c_void_p(a.ctypes.data) for a in (x, sigmoid, tanh)]
    LIBRARY.harken_lstm_activations(library.LEVELS.index(level), *addresses, len(x))
    exact = x.astype(np.float64)
    with np.errstate(over="ignore"):
        for found, expected, relative in ((sigmoid, 1 / (1 + np.exp(-exact)), 1e-6), (tanh, np.tanh(exact), 1e-5)):
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            np.testing.assert_allclose(found[:-1], expected[:-1], rtol=0, atol=2.5e-7)
            near = np.abs(x) <= 30
            np.testing.assert_allclose(found[near], expected[near], rtol=relative, atol=0)


def test_numbers_that_are_none_spread_as_in_pytorch() -> None:
    module, x, _ = problem(8, {"batch": 20, "length": 9, "inputs": 3, "units": 9, "layers": 2, "directions": 1})
    x[3, 4, 1] = float("nan")
    with torch.no_grad():
        ours, _, _ = modules.lstm(x, weights_of(module), units=9, layers=2)
        theirs, _ = module(x)
    assert torch.equal(ours.isnan(), theirs.isnan())
