"""The training loop: seeded, evaluated on a schedule, checkpointed, and resumed to the bit.

On one machine, the same settings, windows and number of threads give the same weights, bit for bit. This also holds if
the loop was killed and resumed any number of times.

Beside it are its parts: optimisers by name, including the Adam of TensorFlow 1, with the one-cycle learning rate; and
training on windows whose label is a set, such as sitting or standing for a person who eats. The loss of such a window
is minus the logarithm of the sum of the probabilities that the network gives to the allowed labels. That is the
likelihood of a partial label (Jin, Ghahramani: Learning with multiple labels, NIPS 15, 2002). With one allowed label it
is the cross-entropy.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from harken.networks.augmentation import Augmentation
from harken.networks.checkpoint import History, load_checkpoint, restore, save_checkpoint
from harken.networks.inference import WINDOWS_AT_ONCE
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads, keep_freed_memory

STEPS_BEFORE_A_FORECAST = 20
RISING_SHARE = 0.3
FIRST_DIVISOR, LAST_DIVISOR = 25.0, 25e4
MOST_SETS = 0.2
"""The largest share of windows with several allowed labels in a batch."""

THREADS = 2
"""Threads of a training on a CPU, unless a number is given. More were not measured (``docs/results/threads.json``)."""

OptimiserName = Literal["notebook_adam", "adamw", "rmsprop"]
NOTHING_CHANGED = Augmentation()
AVERAGED_EVERY = 20
"""Iterations from one set of weights that is averaged to the next."""
STATISTICS_BATCHES = 100
"""Batches from which the statistics of batch normalisation are computed for averaged weights."""
HANDS_WEIGHT = 0.5
"""The weight of the loss of the hands; that of the label has 1."""


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
        optimiser, weight_decay: see ``harken.networks.training_loop.optimiser``.
        one_cycle: the learning rate rises to ``learning_rate`` and then falls to 0 (Smith and Topin, 2018).
        label_smoothing: the share of the truth that is spread over all labels in training.
        shuffle: take the windows in a new order in each epoch; otherwise in their own order, again and again.
        min_iterations: train beyond ``epochs`` until this number of iterations: an epoch of a few minutes of recording
            has few windows.
        averaged_share: the share of the iterations, the last ones, over which the weights are averaged (Izmailov et
            al., 2018). With None, the weights of the last iteration are the result.
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
    averaged_share: float | None = None
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


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """What to train.

    Attributes:
        build: makes the network with new random weights.
        examples: the training windows; at least one batch.
        settings: how to train.
        label_sets: sets of allowed labels, bool ``[sets, labels]``, for training windows whose code is no label. In
            ``examples``, the code ``labels + k`` is the set ``k``. See ``set_loss``.
        hands: whether the hands are busy in windows of each code, float32 ``[labels + sets]``: 1, 0, or NaN if it is
            not known. The last output of the network is then the logit of their probability. None: labels only.
        tests: evaluated on the schedule and written to the history. They affect neither the number of iterations nor
            the weights.
        vectors: the vectors among the channels, for the augmentation (see ``Augmentation.__call__``).
        device: the device that computes.

    Raises:
        ValueError: when windows that are taken in their own order are fewer than a batch, or have sets of labels.
    """

    build: Callable[[], nn.Module]
    examples: LabelledSignals
    settings: TrainingSettings
    label_sets: Tensor | None = None
    hands: Tensor | None = None
    tests: Mapping[str, LabelledSignals] = field(default_factory=dict)
    vectors: Sequence[tuple[int, bool]] = ()
    device: str = "cpu"

    def __post_init__(self) -> None:
        windows, batch = len(self.examples.codes), self.settings.batch_windows
        if not self.settings.shuffle and windows < batch:
            raise ValueError(f"{windows} windows are fewer than one batch of {batch}")
        if not self.settings.shuffle and self.label_sets is not None:
            raise ValueError("sets of labels need shuffled windows")


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
    """Raised when the caller stopped a training."""

    def __init__(self, iteration: int, iterations: int) -> None:
        super().__init__(f"stopped after iteration {iteration} of {iterations}")
        self.iteration, self.iterations = iteration, iterations


def train(
    task: TrainingTask,
    *,
    threads: int | None = None,
    checkpoint: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[nn.Module, History]:
    """Train a network, and return it as it is after the last iteration.

    Random numbers are from PyTorch's global generators. They are seeded here and restored afterwards.

    On a CPU, the number of threads affects the order of some sums and therefore the result. It is chosen once, before
    the first iteration, and kept in the history and the checkpoint.

    Args:
        task: what to train.
        threads: the number of threads on a CPU. None: that of the checkpoint; without a checkpoint ``THREADS``, or
            fewer if PyTorch has fewer.
        checkpoint: a file. It is written at every evaluation; if it exists already, training continues from it.
        on_progress, should_stop: called after every iteration. If ``should_stop`` returns True, a checkpoint is written
            and the training ends; the history then has fewer losses than ``iterations``.

    Raises:
        HarkenError: when the checkpoint is damaged, of another network, or was computed with other threads.
    """
    cuda = [torch.device(task.device)] if task.device.startswith("cuda") else []
    keep_freed_memory()
    saved = load_checkpoint(checkpoint) if checkpoint is not None and checkpoint.exists() else None
    with _flushed_denormals(), torch.random.fork_rng(devices=cuda), computing_threads(None) as most:
        threads = _choose_threads(task, threads, None if saved is None else saved[1].threads, most)
        if threads:
            torch.set_num_threads(threads)
        loop = _Loop(task)
        loop.history.threads = threads
        if saved is not None:
            loop.restore(*saved)
        loop.run(checkpoint, on_progress, should_stop)
    return loop.network.eval(), loop.history


def _choose_threads(task: TrainingTask, threads: int | None, began_with: int | None, most: int) -> int:
    """Choose the number of threads: that of the checkpoint, ``threads``, or ``THREADS`` but at most ``most``; 0 if the
    device is not a CPU."""
    if began_with is not None:
        if threads is not None and threads != began_with:
            raise HarkenError(
                f"this training began with {began_with} threads, not {threads}, and another number gives other "
                f"weights; go on with --threads {began_with} or without the option, or choose another --out"
            )
        return began_with
    if task.device != "cpu":
        return 0
    return min(THREADS, most) if threads is None else threads


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Set denormal numbers (below 1e-38) to 0 on the CPU, where they take up to a hundred times as long to compute.

    The gradients of the notebook's network vanish over 512 time steps and become denormal. In the first iterations,
    setting them to 0 makes training three to four times faster (``benchmarks/speed/training_step.py`` at commit
    51da616). Threads that PyTorch starts inside the block have the same setting.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class _Loop:
    """The state that changes with each iteration, and the computation of an iteration."""

    def __init__(self, task: TrainingTask) -> None:
        torch.manual_seed(task.settings.seed)
        self.task, self.settings, sets = task, task.settings, task.label_sets
        self.network = task.build().to(task.device)
        self.parameters = list(self.network.parameters())
        self.optimiser = optimiser(self.settings, self.parameters)
        self.several = self.allowed = None
        self.hands = None if task.hands is None else task.hands.to(task.device)
        if sets is not None:
            # The labels that each code allows, bool [labels + sets, labels].
            allowed = torch.cat([torch.eye(sets.shape[1], dtype=torch.bool), sets])
            self.several = allowed.sum(dim=1)[task.examples.codes] > 1
            self.allowed = allowed.to(task.device)
        self.examples = LabelledSignals(*(tensor.to(task.device) for tensor in task.examples))
        self.epoch_windows = len(self.new_order(0))
        self.order = (-1, torch.empty(0, dtype=torch.long))
        self.iteration = 0
        self.mean: dict[str, Tensor] = {}
        self.history = History(tuple(task.tests), iterations=self.settings.iterations(self.epoch_windows))

    def run(
        self,
        checkpoint: Path | None,
        on_progress: Callable[[Progress], None] | None,
        should_stop: Callable[[], bool],
    ) -> None:
        history, iterations, stopping = self.history, self.history.iterations, False
        started, first = time.monotonic(), self.iteration
        while self.iteration < iterations and not stopping:
            self.iteration += 1
            loss, hits = self.iterate()
            history.add_iteration(loss, hits / self.settings.batch_windows)
            self.average()
            evaluated = self.settings.evaluates(self.iteration, iterations)
            if evaluated:
                results = {
                    name: loss_and_accuracy(
                        self.network,
                        examples,
                        self.settings.l2,
                        self.task.device,
                        hands=self.hands is not None,
                    )
                    for name, examples in self.task.tests.items()
                }
                history.add_evaluation(self.iteration, results)
            stopping = should_stop() and self.iteration < iterations
            if checkpoint is not None and (evaluated or stopping):
                save_checkpoint(checkpoint, self.network, self.optimiser, history, self.task.device, self.mean)
            if on_progress is not None:
                done = self.iteration - first
                step_s = (time.monotonic() - started) / done if done >= STEPS_BEFORE_A_FORECAST else None
                tests = {name: (history.test_loss[name][-1], history.test_accuracy[name][-1]) for name in history.tests}
                on_progress(
                    Progress(
                        self.iteration,
                        iterations,
                        loss,
                        hits / self.settings.batch_windows,
                        tests=tests,
                        tested_at=history.evaluated_iterations[-1],
                        seconds_left=None if step_s is None else step_s * (iterations - self.iteration),
                        threads=history.threads,
                    )
                )

    def iterate(self) -> tuple[float, float]:
        """One iteration. Returns the loss before it, and the number of right windows in the batch."""
        if not self.network.training:  # after an evaluation; setting the mode of all layers takes half a millisecond
            self.network.train()
        signals, codes = self.batch(self.iteration)
        loss, right = self.compute_loss(self.settings.augmentation(signals, self.task.vectors), codes)
        if self.settings.l2:
            loss = loss + self.settings.l2 * _half_sum_of_squares(self.parameters)
        if self.settings.one_cycle:
            one_cycle(self.optimiser, self.iteration, self.history.iterations, largest=self.settings.learning_rate)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(loss.detach()), float(right.sum())

    def compute_loss(self, signals: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of a batch, without the L2 term, and which of its windows are right, bool ``[n]``."""
        outputs = self.network(signals)
        logits = outputs if self.hands is None else outputs[:, :-1]
        predicted, smoothing = logits.detach().argmax(1), self.settings.label_smoothing
        if self.allowed is None:
            loss = F.cross_entropy(logits, codes, label_smoothing=smoothing)
            right = predicted == codes
        else:
            loss = set_loss(logits, self.allowed[codes], label_smoothing=smoothing)
            right = self.allowed[codes, predicted]
        if self.hands is not None:
            loss = loss + HANDS_WEIGHT * hands_loss(outputs[:, -1], self.hands[codes], label_smoothing=smoothing)
        return loss, right

    def average(self) -> None:
        """Add the weights to their mean if this iteration is one of those that are averaged. After the last iteration,
        the network gets the mean, and the statistics of batch normalisation that belong to it."""
        last = self.history.iterations
        first = last - int((self.settings.averaged_share or 0) * last) // AVERAGED_EVERY * AVERAGED_EVERY
        number, between = divmod(self.iteration - first, AVERAGED_EVERY)
        if first == last or self.iteration < first or between:
            return
        for name, parameter in self.network.named_parameters():
            value = parameter.detach()
            mean = self.mean.setdefault(name, value.clone())
            mean += (value - mean) / (number + 1)
        if self.iteration == last:
            self.network.load_state_dict(self.mean, strict=False)
            batches = map(self.batch, range(1, min(STATISTICS_BATCHES, last) + 1))
            update_bn((self.settings.augmentation(signals, self.task.vectors) for signals, _ in batches), self.network)

    def batch(self, iteration: int) -> LabelledSignals:
        """The windows of an iteration: the next ones; after the last window follows the first of the next epoch."""
        size = self.settings.batch_windows
        number, first = divmod((iteration - 1) * size, self.epoch_windows)
        parts = [self.order_of(number)[first : first + size]]
        while (taken := sum(map(len, parts))) < size:
            number += 1
            parts.append(self.order_of(number)[: size - taken])
        rows = torch.cat(parts)
        return LabelledSignals(self.examples.signals[rows], self.examples.codes[rows])

    def order_of(self, number: int) -> Tensor:
        """The order of an epoch. It depends only on the epoch's number and the seed, so a resumed loop has the same."""
        if self.order[0] != number:
            self.order = (number, self.new_order(number).to(self.task.device))
        return self.order[1]

    def new_order(self, number: int) -> Tensor:
        if not self.settings.shuffle:
            return torch.arange(len(self.examples.codes))
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + number)
        rows = torch.randperm(len(self.examples.codes), generator=generator)
        if self.several is None:
            return rows
        several = self.several[rows]
        return with_spread_sets(rows[~several], rows[several], places=places_between_sets(self.settings.batch_windows))

    def restore(self, tensors: Mapping[str, Tensor], history: History) -> None:
        self.mean = restore(tensors, self.network, self.optimiser, self.task.device)
        self.iteration = len(history.train_loss)
        self.history = replace(history, tests=self.history.tests, iterations=self.history.iterations)


def loss_and_accuracy(
    network: nn.Module, examples: LabelledSignals, l2: float, device: str = "cpu", *, hands: bool = False
) -> tuple[float, float]:
    """The reported loss (cross-entropy and the L2 term, as in training but without dropout) and the accuracy, both
    without the last output if it is that of ``hands``."""
    network.eval()
    total, hits = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(examples.codes), WINDOWS_AT_ONCE):
            codes = examples.codes[start : start + WINDOWS_AT_ONCE].to(device)
            logits = network(examples.signals[start : start + WINDOWS_AT_ONCE].to(device))
            logits = logits[:, :-1] if hands else logits
            total += float(F.cross_entropy(logits, codes, reduction="sum"))
            hits += int((logits.argmax(1) == codes).sum())
        penalty = float(l2 * _half_sum_of_squares(list(network.parameters())))
    return total / len(examples.codes) + penalty, hits / len(examples.codes)


def _half_sum_of_squares(parameters: list[nn.Parameter]) -> Tensor:
    """TensorFlow's ``l2_loss`` summed over variables."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum() / 2


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with "epsilon hat": epsilon is added to the root of the *uncorrected* second moment.

    The update of Kingma and Ba (2015, end of section 2) and of ``tf.train.AdamOptimizer`` is
    ``rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)``. PyTorch divides by
    ``sqrt(v) / sqrt(1 - b2^t) + epsilon`` instead. If PyTorch's epsilon is divided by ``sqrt(1 - b2^t)`` before each
    update, both are the same.
    """

    def __init__(self, params: Any, *, lr: float, epsilon_hat: float = 1e-8) -> None:
        params = list(params)
        super().__init__(params, lr=lr, eps=epsilon_hat, fused=_fused(params))
        self.epsilon_hat = epsilon_hat

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the parameters. All parameters must have taken part in every earlier update."""
        for group in self.param_groups:
            state = self.state.get(group["params"][0], {})
            next_step = int(state["step"]) + 1 if state else 1
            _, second = group["betas"]
            group["eps"] = self.epsilon_hat / (1 - second**next_step) ** 0.5
        loss: float | None = super().step(closure)
        return loss


def optimiser(settings: TrainingSettings, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of the settings over these parameters.

    ``notebook_adam`` is ``EpsilonHatAdam``, which has no weight decay; ``adamw`` and ``rmsprop`` are PyTorch's
    (Loshchilov and Hutter, 2019; Tieleman and Hinton, 2012, with its factor of 0.9).

    Raises:
        ValueError: when no optimiser has this name.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "notebook_adam":
        return EpsilonHatAdam(parameters, lr=rate)
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=_fused(parameters))
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=0.9, weight_decay=decay)
    raise ValueError(f"there is no optimiser {settings.optimiser!r}")


def _fused(parameters: list[nn.Parameter]) -> bool:
    """Whether the update of all parameters is fused, which takes a quarter of the time on a CPU. (On a GPU PyTorch
    chooses well by default, and a fused update would need the checkpoint's count of steps on the GPU.)"""
    return all(parameter.device.type == "cpu" for parameter in parameters)


def one_cycle(optimiser: torch.optim.Optimizer, iteration: int, iterations: int, *, largest: float) -> None:
    """Set the learning rate of the (1-based) iteration: it rises along half a cosine, then falls along another to 0.

    The shape and its defaults are those of PyTorch's ``OneCycleLR`` (Smith and Topin, 2018); the momentum is not
    changed. The rate is a function of the iteration, so that a checkpoint does not need the state of a scheduler.
    """
    top = RISING_SHARE * iterations - 1
    done = iteration - 1
    if done <= top:
        low, share = largest / FIRST_DIVISOR, done / top
    else:
        low = largest / LAST_DIVISOR
        share = 1 - (done - top) / max(iterations - 1 - top, 1e-9)
    rate = low + (largest - low) * (1 - math.cos(math.pi * share)) / 2
    for group in optimiser.param_groups:
        group["lr"] = rate


def places_between_sets(batch_windows: int) -> int:
    """The least distance of two windows with several allowed labels, so that no batch has more than ``MOST_SETS``.

    >>> places_between_sets(64)
    6
    """
    return max(2, math.ceil(batch_windows / max(1, int(MOST_SETS * batch_windows))))


def with_spread_sets(single: Tensor, several: Tensor, *, places: int) -> Tensor:
    """One order of both kinds of rows, in which rows of ``several`` are at least ``places`` apart.

    Args:
        single: rows of windows with one allowed label, int64 ``[n]``.
        several: rows of windows with several allowed labels, int64 ``[m]``. Those at the end are left out if there are
            too many.
        places: the least distance, 2 or more.

    >>> import torch
    >>> with_spread_sets(torch.arange(5), torch.tensor([10, 11, 12]), places=3).tolist()
    [0, 10, 1, 2, 3, 11, 4]
    """
    kept = several[: len(single) // (places - 1)]
    n = len(single) + len(kept)
    order = torch.empty(n, dtype=torch.long)
    if len(kept) == 0:
        return single
    at = ((torch.arange(len(kept)) + 0.5) * n / len(kept)).long()
    between = torch.ones(n, dtype=torch.bool)
    between[at] = False
    order[at], order[between] = kept, single
    return order


def set_loss(logits: Tensor, allowed: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """The mean loss over windows, a scalar.

    Args:
        logits: float32 ``[n, labels]``.
        allowed: which labels each window allows, bool ``[n, labels]``; at least one each.
        label_smoothing: as in ``torch.nn.functional.cross_entropy``, for windows with one allowed label. A set already
            expresses that the label is uncertain.

    Raises:
        ValueError: when a window allows no label.

    >>> import torch
    >>> logits = torch.tensor([[0.0, 0.0, 0.0]])
    >>> round(float(set_loss(logits, torch.tensor([[True, True, False]])).exp()), 4)  # 1 / (1/3 + 1/3)
    1.5
    """
    if not bool(allowed.any(dim=1).all()):
        raise ValueError("every window must allow at least one label")
    log_probabilities = torch.log_softmax(logits, dim=1)
    loss = -torch.logsumexp(log_probabilities.masked_fill(~allowed, -torch.inf), dim=1)
    if label_smoothing:
        single = allowed.sum(dim=1) == 1
        smoothed = (1 - label_smoothing) * loss - label_smoothing * log_probabilities.mean(dim=1)
        loss = torch.where(single, smoothed, loss)
    return loss.mean()


def hands_loss(logits: Tensor, busy: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """The binary cross-entropy of busy hands, summed over the windows where it is known and divided by all windows.

    Args:
        logits: float32 ``[n]``.
        busy: 1, 0, or NaN where it is not known, float32 ``[n]``.
        label_smoothing: half of it is the probability of the other answer.

    >>> import torch
    >>> round(float(hands_loss(torch.zeros(2), torch.tensor([1.0, torch.nan])).exp()), 4)  # half of log 2
    1.4142
    """
    known = ~busy.isnan()
    truth = busy[known] * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[known], truth, reduction="sum") / len(busy)
