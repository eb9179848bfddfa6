"""Our own LSTM kernels against the equations in NumPy float64 and against PyTorch, at every instruction set."""

import ctypes
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from harken.networks.native import library, modules
from kernels import HERE, LIBRARY, compiled, instructions, threads
from lstm_reference import Cell, Stack

pytestmark = compiled


def weights_of(module: nn.LSTM) -> list[Tensor | None]:
    """Four of each layer and direction."""
    flat: list[Tensor | None] = list(module._flat_weights)
    return flat if module.bias else [w for i in range(0, len(flat), 2) for w in (*flat[i : i + 2], None, None)]


def stack_of(module: nn.LSTM) -> Stack:
    """The same weights for NumPy."""
    numbers = [None if w is None else w.detach().double().numpy() for w in weights_of(module)]
    cells = []
    for i in range(0, len(numbers), 4):
        inputs, recurrent, *biases = numbers[i : i + 4]
        assert inputs is not None
        assert recurrent is not None
        bias = sum((b for b in biases if b is not None), np.zeros(len(inputs)))
        cells.append(Cell(inputs, recurrent, bias))
    directions = 1 + module.bidirectional
    return Stack([cells[i : i + directions] for i in range(0, len(cells), directions)])


def close(found: Tensor | np.ndarray, expected: Tensor | np.ndarray, relative: float) -> None:
    """Within ``relative`` of the largest value."""
    found, expected = (np.asarray(t.detach() if isinstance(t, Tensor) else t) for t in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * max(np.abs(expected).max(initial=0), 1e-6))


def everything(
    module: nn.LSTM, x: Tensor, state: tuple[Tensor, Tensor] | None, pulls: tuple[Tensor, ...]
) -> list[Tensor]:
    """Results and gradients by our kernels: y, h, c, dx, dh0, dc0, and the weights'."""
    x = x.clone().requires_grad_()
    state = None if state is None else (state[0].clone().requires_grad_(), state[1].clone().requires_grad_())
    module.zero_grad()
    y, h, c = modules.lstm(
        x,
        weights_of(module),
        state,
        units=module.hidden_size,
        layers=module.num_layers,
        directions=1 + module.bidirectional,
    )
    loss = sum(((given * pull).sum() for given, pull in zip((y, h, c), pulls, strict=True)), start=torch.zeros(()))
    torch.autograd.backward(loss)
    grads = [x.grad, *((state[0].grad, state[1].grad) if state else ())]
    return [y, h, c, *(g for g in grads if g is not None), *(p.grad for p in module.parameters() if p.grad is not None)]


shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 60),
        "length": st.integers(1, 40),
        "inputs": st.integers(1, 40),
        "units": st.integers(8, 70),
        "layers": st.integers(1, 3),
        "directions": st.integers(1, 2),
        "bias": st.booleans(),
        "state": st.booleans(),
    }
)


def problem(
    seed: int, shape: dict[str, int]
) -> tuple[nn.LSTM, Tensor, tuple[Tensor, Tensor] | None, tuple[Tensor, ...]]:
    torch.manual_seed(seed)
    directions = shape["directions"]
    module = nn.LSTM(
        shape["inputs"],
        shape["units"],
        shape["layers"],
        bias=bool(shape["bias"]),
        batch_first=True,
        bidirectional=directions == 2,
    )
    x = torch.randn(shape["batch"], shape["length"], shape["inputs"]) * 2
    states = (shape["layers"] * directions, shape["batch"], shape["units"])
    state = (torch.randn(states) / 2, torch.randn(states)) if shape["state"] else None
    pulls = (torch.randn(*x.shape[:2], directions * shape["units"]), torch.randn(states), torch.randn(states))
    return module, x, state, pulls


@given(
    seed=st.integers(0, 2**31 - 1),
    shape=shapes,
    level=st.sampled_from(HERE),
    count=st.integers(1, 3),
    own=st.booleans(),
)
@settings(max_examples=40)
def test_results_and_all_gradients_are_those_of_the_equations_and_of_pytorch(
    seed: int, shape: dict[str, int], level: library.Level, count: int, own: bool
) -> None:
    module, x, state, pulls = problem(seed, shape)
    with threads(count, own=own), instructions(level):
        found = everything(module, x, state, pulls)
    zeros = torch.zeros(pulls[1].shape)
    h0, c0 = ((part if state is not None else zeros).double().numpy() for part in state or (zeros, zeros))
    stack = stack_of(module)
    expected = list(stack.run(x.double().numpy(), h0, c0))
    dx, dh0, dc0, cells = stack.back(*(pull.double().numpy() for pull in pulls))
    gradients = [dx, *((dh0, dc0) if state is not None else ())]
    for layer in cells:
        for cell in layer:
            gradients += [cell.inputs, cell.recurrent, *([cell.bias] * 2 if module.bias else [])]
    assert len(found) == 3 + len(gradients)
    for ours, theirs in zip(found[:3], expected, strict=True):
        np.testing.assert_allclose(ours.detach(), theirs, rtol=0, atol=1e-5)
    for ours, theirs in zip(found[3:], gradients, strict=True):
        close(ours, theirs, 1e-4)

    y, (h, c) = module(x, state)
    module.zero_grad()
    loss = sum(((given * pull).sum() for given, pull in zip((y, h, c), pulls, strict=True)), start=torch.zeros(()))
    torch.autograd.backward(loss)
    torch.testing.assert_close(tuple(found[:3]), (y, h, c), rtol=0, atol=1e-5)
    for ours, parameter in zip(found[4 + 2 * bool(state) :], module.parameters(), strict=True):
        assert parameter.grad is not None
        close(ours, parameter.grad, 1e-4)


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("directions", [1, 2])
def test_the_same_bits_whatever_the_number_of_threads(level: library.Level, directions: int) -> None:
    shape = {"batch": 101, "length": 30, "inputs": 9, "units": 24, "layers": 2, "bias": 1, "state": 1}
    given = problem(3, {**shape, "directions": directions})
    with threads(1), instructions(level):
        alone = everything(*given)
    for count, own in ((2, False), (3, False), (5, True)):
        with threads(count, own=own), instructions(level):
            together = everything(*given)
        assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("level", HERE)
def test_a_window_gets_the_same_bits_in_any_company(level: library.Level) -> None:
    shape = {"batch": 61, "length": 40, "inputs": 5, "units": 20, "layers": 2, "bias": 1, "state": 0}
    module, x, _, _ = problem(4, {**shape, "directions": 2})
    with torch.inference_mode(), instructions(level):
        answer = partial(modules.lstm, units=20, layers=2, directions=2)
        whole, _, _ = answer(x, weights_of(module), None)
        for rows in (slice(0, 1), slice(7, 12), slice(30, 61)):
            part, _, _ = answer(x[rows], weights_of(module), None)
            assert torch.equal(part, whole[rows])


@pytest.mark.parametrize("level", HERE)
def test_gradients_are_the_same_bits_when_forward_kept_nothing(
    monkeypatch: pytest.MonkeyPatch, level: library.Level
) -> None:
    shape = {"batch": 9, "length": 70, "inputs": 5, "units": 17, "layers": 2, "bias": 1, "state": 1}
    for directions in (1, 2):
        given = problem(5, {**shape, "directions": directions})
        with instructions(level):
            kept = everything(*given)
            with monkeypatch.context() as patch:
                patch.setattr(modules, "MOST_KEPT", 0)
                made_again = everything(*given)
        assert all(torch.equal(a, b) for a, b in zip(kept, made_again, strict=True))


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
    module, x, _, _ = problem(
        8, {"batch": 20, "length": 9, "inputs": 3, "units": 9, "layers": 2, "bias": 1, "state": 0, "directions": 1}
    )
    x[3, 4, 1] = float("nan")
    with torch.no_grad():
        ours, _, _ = modules.lstm(x, weights_of(module), None, units=9, layers=2)
        theirs, _ = module(x)
    assert torch.equal(ours.isnan(), theirs.isnan())
