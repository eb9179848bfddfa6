"""The training loop: seeded, evaluated on a schedule, checkpointed, and resumed to the bit.

On one machine, the same settings, windows and number of threads give the same weights, bit for bit. This also holds if
the loop was killed and resumed any number of times.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.inference import WINDOWS_AT_ONCE
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads, fastest_threads, keep_freed_memory
from harken.training.augmentation import Augmentation
from harken.training.checkpoint import Checkpoint, History, load_checkpoint, save_checkpoint
from harken.training.label_sets import places_between_sets, set_loss, with_spread_sets
from harken.training.optimiser import OptimiserName, one_cycle, optimiser

STEPS_BEFORE_A_FORECAST = 20

NOTHING_CHANGED = Augmentation()


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    The defaults are the notebook's.

    Attributes:
        epochs: how often every training window is used.
        batch_windows: windows in an iteration.
        learning_rate: the optimiser's learning rate; with ``one_cycle``, the largest one.
        l2: the factor of the L2 term of the loss: half the sum of squares of all trainable variables.
        evaluate_every_windows: training windows between two evaluations (and checkpoints).
        seed: the seed of the initial weights, dropout, order and augmentation.
        optimiser, weight_decay: see ``harken.training.optimiser.optimiser``.
        one_cycle: the learning rate rises to ``learning_rate`` and then falls to 0 (Smith and Topin, 2018).
        label_smoothing: the share of the truth that is spread over all labels in training.
        shuffle: take the windows in a new order in each epoch; otherwise in their own order, again and again.
        min_iterations: train beyond ``epochs`` until this number of iterations: an epoch of a few minutes of recording
            has few windows.
        augmentation: the random changes of every batch.
    """

    epochs: int = 100
    batch_windows: int = 100
    learning_rate: float = 0.0025
    l2: float = 0.0015
    evaluate_every_windows: int = 10_000
    seed: int = 0
    optimiser: OptimiserName = "notebook_adam"
    weight_decay: float = 0.0
    one_cycle: bool = False
    label_smoothing: float = 0.0
    shuffle: bool = False
    min_iterations: int = 0
    augmentation: Augmentation = NOTHING_CHANGED

    def iterations(self, windows: int) -> int:
        """Iterations that training on this many windows takes."""
        return max(self.epochs * windows // self.batch_windows, self.min_iterations, 1)

    def evaluates(self, iteration: int, last_iteration: int) -> bool:
        """Whether an evaluation follows the (1-based) iteration: the first, the scheduled ones, and the last."""
        return iteration in (1, last_iteration) or iteration * self.batch_windows % self.evaluate_every_windows == 0


class LabelledSignals(NamedTuple):
    """The network's input, signals float32 ``[n, time, channels]``, and label codes int64 ``[n]``."""

    signals: Tensor
    codes: Tensor


@dataclass(frozen=True)
class Progress:
    """The progress of the loop, to be displayed."""

    iteration: int
    iterations: int
    loss: float
    accuracy: float
    tests: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Loss and accuracy at the last evaluation, by the test's name."""
    tested_at: int = 0
    """The iteration of the last evaluation."""
    seconds_left: float | None = None
    """None for the first iterations, whose times are not representative."""
    threads: int = 0
    """CPU threads that compute; 0 if the device is not a CPU."""


class Interrupted(Exception):  # noqa: N818 - not a failure: the caller requested it
    """Raised when the caller stopped the loop. It holds the current network and the history so far."""

    def __init__(self, iteration: int, iterations: int, network: nn.Module, history: History) -> None:
        super().__init__(f"stopped after iteration {iteration} of {iterations}")
        self.iteration, self.iterations, self.network, self.history = iteration, iterations, network, history


def train(
    build: Callable[[], nn.Module],
    examples: LabelledSignals,
    settings: TrainingSettings,
    *,
    label_sets: Tensor | None = None,
    tests: Mapping[str, LabelledSignals] | None = None,
    vectors: Sequence[tuple[int, bool]] = (),
    device: str = "cpu",
    threads: int | None = None,
    checkpoint: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[nn.Module, History]:
    """Train the network that ``build`` makes, and return it as it is after the last iteration.

    Random numbers are from PyTorch's global generators. They are seeded here and restored afterwards.

    On a CPU, the number of threads affects the order of some sums and therefore the result. It is chosen once, before
    the first iteration, and kept in the history and the checkpoint.

    Args:
        build: makes the network with new random weights.
        examples: the training windows; at least one batch.
        settings: how to train.
        label_sets: sets of allowed labels, bool ``[sets, labels]``, for training windows without a single label. In
            ``examples``, the code ``labels + k`` is the set ``k``. See ``harken.training.label_sets``.
        tests: evaluated on the schedule and written to the history. They affect neither the number of iterations nor
            the weights.
        vectors: the vectors among the channels, for the augmentation (see ``Augmentation.__call__``).
        device: the device that computes.
        threads: the number of threads on a CPU. None: that of the checkpoint; without a checkpoint, the fastest number
            among those that PyTorch may use now, measured on some iterations of a copy (see ``fastest_threads``).
        checkpoint: a file. It is written at every evaluation; if it exists already, training continues from it.
        on_progress, should_stop: called after every iteration. If ``should_stop`` returns True, a checkpoint is written
            and ``Interrupted`` is raised.

    Raises:
        HarkenError: when the checkpoint is damaged, of another network, or was computed with other threads.
        Interrupted: when ``should_stop`` returns True.
    """
    _check_order(examples, settings, label_sets)
    cuda = [torch.device(device)] if device.startswith("cuda") else []
    keep_freed_memory()
    saved = load_checkpoint(checkpoint) if checkpoint is not None and checkpoint.exists() else None

    def fresh_loop() -> _Loop:
        torch.manual_seed(settings.seed)
        return _Loop(build().to(device), settings, examples, tests or {}, vectors, device, label_sets)

    with _flushed_denormals(), torch.random.fork_rng(devices=cuda), computing_threads(None) as most:
        threads = _threads(threads, saved, device, most, fresh_loop)
        if threads:
            torch.set_num_threads(threads)
        loop = fresh_loop()
        loop.history.threads = threads
        if saved is not None:
            loop.restore(saved)
        loop.run(checkpoint, on_progress, should_stop)
    return loop.network.eval(), loop.history


def _check_order(examples: LabelledSignals, settings: TrainingSettings, label_sets: Tensor | None) -> None:
    """Raise a ValueError for windows that cannot be taken in their own order."""
    if settings.shuffle:
        return
    if len(examples.codes) < settings.batch_windows:
        raise ValueError(f"{len(examples.codes)} windows are fewer than one batch of {settings.batch_windows}")
    if label_sets is not None:
        raise ValueError("sets of labels need shuffled windows")


def _threads(
    threads: int | None, saved: Checkpoint | None, device: str, most: int, fresh_loop: "Callable[[], _Loop]"
) -> int:
    """The number of threads: that of the checkpoint, ``threads``, or the fastest number up to ``most``; 0 if the device
    is not a CPU."""
    if saved is not None:
        began_with = saved.history.threads
        if threads is not None and threads != began_with:
            raise HarkenError(
                f"this training began with {began_with} threads, not {threads}, and another number gives other "
                f"weights; go on with --threads {began_with} or without the option, or choose another --out"
            )
        return began_with
    if device != "cpu":
        return 0
    if threads is not None:
        return threads
    trial = fresh_loop()
    trial.iteration = 1
    return fastest_threads(trial.iterate, most, trial.iterations)


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Set denormal numbers (below 1e-38) to 0 on the CPU, where they take up to a hundred times as long to compute.

    The gradients of the notebook's network vanish over 512 time steps and become denormal. In the first iterations,
    setting them to 0 makes training three to four times faster (``benchmarks/speed/training_step.py`` at the tag
    ``before-lighter``). Threads that PyTorch starts inside the block have the same setting.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class _Loop:
    """The state that changes with each iteration, and the computation of an iteration."""

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        examples: LabelledSignals,
        tests: Mapping[str, LabelledSignals],
        vectors: Sequence[tuple[int, bool]],
        device: str,
        label_sets: Tensor | None = None,
    ) -> None:
        self.network, self.settings, self.vectors, self.device = network, settings, vectors, device
        self.parameters = list(network.parameters())
        self.optimiser = optimiser(
            settings.optimiser,
            self.parameters,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.examples = LabelledSignals(*(tensor.to(device) for tensor in examples))
        self.allowed = _allowed(label_sets, device)
        self.several = None if label_sets is None else examples.codes >= label_sets.shape[1]
        self.tests = tests
        self.epoch_windows = len(self.new_order(0))
        self.iterations = settings.iterations(self.epoch_windows)
        self.iteration = 0
        self.history = History(tests=tuple(tests))
        self.order = (-1, torch.empty(0, dtype=torch.long))

    def run(
        self,
        checkpoint: Path | None,
        on_progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool],
    ) -> None:
        started, first = time.monotonic(), self.iteration
        while self.iteration < self.iterations:
            self.iteration += 1
            loss, hits = self.iterate()
            self.history.add_iteration(loss, hits / self.settings.batch_windows)
            evaluated = self.settings.evaluates(self.iteration, self.iterations)
            if evaluated:
                results = {
                    name: loss_and_accuracy(self.network, examples, self.settings.l2, self.device)
                    for name, examples in self.tests.items()
                }
                self.history.add_evaluation(self.iteration, results)
            stopping = should_stop() and self.iteration < self.iterations
            if checkpoint is not None and (evaluated or stopping):
                save_checkpoint(checkpoint, self.state())
            if on_progress is not None:
                done = self.iteration - first
                each = (time.monotonic() - started) / done if done >= STEPS_BEFORE_A_FORECAST else None
                on_progress(
                    Progress(
                        self.iteration,
                        self.iterations,
                        *self.history.last_iteration,
                        tests=self.history.last_evaluation,
                        tested_at=self.history.last_evaluated_iteration,
                        seconds_left=None if each is None else each * (self.iterations - self.iteration),
                        threads=self.history.threads,
                    )
                )
            if stopping:
                raise Interrupted(self.iteration, self.iterations, self.network.eval(), self.history)

    def iterate(self) -> tuple[float, float]:
        """One iteration. Returns the loss before it, and the number of right windows in the batch."""
        settings = self.settings
        if not self.network.training:  # after an evaluation; setting the mode of all layers takes half a millisecond
            self.network.train()
        signals, codes = self.batch()
        logits = self.network(settings.augmentation(signals, self.vectors))
        loss = self.loss(logits, codes)
        if settings.l2:
            loss = loss + settings.l2 * _half_sum_of_squares(self.parameters)
        if settings.one_cycle:
            one_cycle(self.optimiser, self.iteration, self.iterations, largest=settings.learning_rate)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(loss.detach()), float(self.right(logits.detach().argmax(1), codes).sum())

    def loss(self, logits: Tensor, codes: Tensor) -> Tensor:
        smoothing = self.settings.label_smoothing
        if self.allowed is None:
            return F.cross_entropy(logits, codes, label_smoothing=smoothing)
        return set_loss(logits, self.allowed[codes], label_smoothing=smoothing)

    def right(self, predicted: Tensor, codes: Tensor) -> Tensor:
        return predicted == codes if self.allowed is None else self.allowed[codes, predicted]

    def batch(self) -> LabelledSignals:
        """The windows of this iteration: the next ones; after the last window follows the first."""
        n, size = self.epoch_windows, self.settings.batch_windows
        number, first = divmod((self.iteration - 1) * size, n)
        if self.settings.shuffle:
            parts = [self.shuffled(number)[first : first + size]]
            while (found := sum(map(len, parts))) < size:
                number += 1
                parts.append(self.shuffled(number)[: size - found])
            rows = torch.cat(parts)
        elif first + size <= n:
            return LabelledSignals(
                self.examples.signals[first : first + size], self.examples.codes[first : first + size]
            )
        else:
            rows = torch.arange(first, first + size, device=self.device) % n
        return LabelledSignals(self.examples.signals[rows], self.examples.codes[rows])

    def shuffled(self, number: int) -> Tensor:
        """The order of an epoch. It depends only on the epoch's number and the seed, so a resumed loop has the same."""
        if self.order[0] != number:
            self.order = (number, self.new_order(number).to(self.device))
        return self.order[1]

    def new_order(self, number: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + number)
        rows = torch.randperm(len(self.examples.codes), generator=generator)
        if self.several is None:
            return rows
        several = self.several[rows]
        return with_spread_sets(rows[~several], rows[several], places=places_between_sets(self.settings.batch_windows))

    def state(self) -> Checkpoint:
        return Checkpoint.of(self.network, self.optimiser, self.iteration, self.history, self.device)

    def restore(self, saved: Checkpoint) -> None:
        saved.restore(self.network, self.optimiser, self.device)
        self.iteration, self.history = saved.iteration, replace(saved.history, tests=tuple(self.tests))


def _allowed(sets: Tensor | None, device: str) -> Tensor | None:
    """The labels that each code allows, bool ``[labels + sets, labels]``; None if every code is a label."""
    if sets is None:
        return None
    return torch.cat([torch.eye(sets.shape[1], dtype=torch.bool), sets]).to(device)


def loss_and_accuracy(
    network: nn.Module, examples: LabelledSignals, l2: float, device: str = "cpu"
) -> tuple[float, float]:
    """The reported loss (cross-entropy and the L2 term, as in training but without dropout) and the accuracy."""
    network.eval()
    total, hits = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(examples.codes), WINDOWS_AT_ONCE):
            codes = examples.codes[start : start + WINDOWS_AT_ONCE].to(device)
            logits = network(examples.signals[start : start + WINDOWS_AT_ONCE].to(device))
            total += float(F.cross_entropy(logits, codes, reduction="sum"))
            hits += int((logits.argmax(1) == codes).sum())
        penalty = float(l2 * _half_sum_of_squares(list(network.parameters())))
    return total / len(examples.codes) + penalty, hits / len(examples.codes)


def _half_sum_of_squares(parameters: list[nn.Parameter]) -> Tensor:
    """TensorFlow's ``l2_loss`` summed over variables."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum() / 2
