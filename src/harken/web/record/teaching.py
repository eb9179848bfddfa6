"""Teaching: the wearer follows the steps of a routine, and each finished step leaves a bout in the session.

The server keeps in the log of the session which step runs since when, so that a page can be loaded again and the server
can be killed at any moment. A step that ran then is broken off, and offered again. Times are ns since 1970 by the clock
of the watch, but ``at_s`` is by the clock of the server. Steps have numbers from 1.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from harken.annotations.routine import Routine
from harken.annotations.spelling import spelling
from harken.annotations.times import SECOND_NS
from harken.recordings.recording import POSTURES
from harken.support.arrays import Float32Array, Float64Array, Int64Array
from harken.windows.known_labels import ON_FOOT

LONGEST_GAP_S = 2.0
"""A step with a longer time without samples, also at an end, leaves no label."""
STILL_G = 0.05
"""Whoever walks moves more than this: in 1,800 half minutes of walking, running and stairs of 42 people (selfBACK,
DSADS) the median over seconds of ``measure_movement`` is at least 0.09 g."""
VIGOROUS_G = 0.25
"""Whoever lies, sits or stands moves less than this for a quarter of the seconds: in 1,300 half minutes of the same
people the lower quartile is at most 0.11 g, and while walking usually more than 0.2 g."""
MOVING_LABELS = frozenset(map(spelling, (*ON_FOOT, "stairs_up", "stairs_down")))
CALM_LABELS = frozenset(map(spelling, ("lying", *POSTURES)))
Doubt = Literal["still", "vigorous"]
"""How movement contradicts a label: hardly any while the wearer was to walk, or much throughout while to keep calm."""
Reason = Literal["paused", "missing", "restarted"]
"""Why a step was broken off: the wearer paused, samples are missing, or the server was started again."""


class RoutineBegan(msgspec.Struct, frozen=True, tag="routine", tag_field="step"):
    """The session follows a routine: its name, the number of its steps, and what tells it from others."""

    at_s: float
    routine: str
    steps: int
    digest: str


class StepBegan(msgspec.Struct, frozen=True, tag="step", tag_field="step"):
    """A step begins, for the first time or again. The watch's clock is ``ahead_ns`` ahead of the server's."""

    at_s: float
    number: int
    start_ns: int
    ahead_ns: int


class StepBroken(msgspec.Struct, frozen=True, tag="break", tag_field="step"):
    """The step that runs is broken off, and is offered again."""

    at_s: float
    reason: Reason


class StepDoubted(msgspec.Struct, frozen=True, tag="doubt", tag_field="step"):
    """The step that runs has ended, but its movement contradicts its label: the wearer is asked.

    From ``start_ns`` to ``end_ns`` is the bout that it leaves if the wearer keeps it.
    """

    at_s: float
    start_ns: int
    end_ns: int
    label: str
    doubt: Doubt


class StepKept(msgspec.Struct, frozen=True, tag="keep", tag_field="step"):
    """The step that runs or is asked about leaves this bout."""

    at_s: float
    start_ns: int
    end_ns: int
    label: str


class StepSkipped(msgspec.Struct, frozen=True, tag="skip", tag_field="step"):
    """The next step is left out."""

    at_s: float


TeachingStep = StepBegan | StepBroken | StepDoubted | StepKept | StepSkipped


class Running(NamedTuple):
    """A step that runs since ``start_ns``, when the watch's clock was ``ahead_ns`` ahead of the server's."""

    number: int
    start_ns: int
    ahead_ns: int


@dataclass(frozen=True)
class Teaching:
    """How far a session is in its routine.

    Attributes:
        routine: the name of the routine.
        steps: the number of its steps.
        digest: what tells the routine from others.
        kept: the start of the bout that each finished step has left, by the number of the step.
        skipped: the numbers of the steps that were left out.
        running: the step that runs.
        broken: why the next step was broken off; None if it has not begun, or runs.
        broken_number: the step that was broken off.
        doubted: the bout that the wearer is asked about.
        doubted_number: its step.
    """

    routine: str
    steps: int
    digest: str
    kept: Mapping[int, int] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    running: Running | None = None
    broken: Reason | None = None
    broken_number: int = 0
    doubted: StepDoubted | None = None
    doubted_number: int = 0

    @property
    def number(self) -> int | None:
        """The step that runs, is asked about, was broken off, or is next; None after the last one."""
        if self.running is not None:
            return self.running.number
        if self.doubted is not None:
            return self.doubted_number
        if self.broken is not None:
            return self.broken_number
        for number in range(1, self.steps + 1):
            if number not in self.kept and number not in self.skipped:
                return number
        return None

    def after(self, step: TeachingStep) -> "Teaching":
        """Return the teaching after a step of the log."""
        number = self.number or 0
        settled = replace(self, running=None, broken=None, doubted=None)
        match step:
            case StepBegan(_, number, start_ns, ahead_ns):
                kept = {other: start for other, start in self.kept.items() if other != number}
                running = Running(number, start_ns, ahead_ns)
                return replace(settled, kept=kept, skipped=self.skipped - {number}, running=running)
            case StepBroken(_, reason):
                return replace(settled, broken=reason, broken_number=number)
            case StepDoubted():
                return replace(settled, doubted=step, doubted_number=number)
            case StepKept(_, start_ns):
                return replace(settled, kept={**self.kept, number: start_ns})
            case StepSkipped():
                return replace(settled, skipped=self.skipped | {number})

    def without_bout(self, start_ns: int) -> "Teaching":
        """Return the teaching after the bout that began at ``start_ns`` was deleted: its step counts as left out."""
        gone = {number for number, start in self.kept.items() if start == start_ns}
        kept = {number: start for number, start in self.kept.items() if number not in gone}
        return replace(self, kept=kept, skipped=self.skipped | gone)

    def interrupted(self) -> "Teaching":
        """Return the teaching after a start of the server: the step that ran is broken off."""
        return self if self.running is None else self.after(StepBroken(0.0, "restarted"))


def digest_routine(routine: Routine) -> str:
    """Return what tells a routine from others: a new text, label or length of a step changes it."""
    return hashlib.sha256(repr(routine).encode()).hexdigest()[:16]


def find_longest_gap_s(time_ns: Int64Array, start_ns: int, end_ns: int) -> float:
    """Return the longest time without samples, in seconds, from ``start_ns`` to ``end_ns``.

    Args:
        time_ns: times of samples in this time, in order, int64 ``[n]``.
        start_ns, end_ns: the time.
    """
    times_ns = np.concatenate([[start_ns], time_ns, [end_ns]])
    return float(np.diff(times_ns).max() / SECOND_NS)


def find_doubt(label: str, signals: Float32Array, time_ns: Int64Array) -> Doubt | None:
    """Return how the movement of a step contradicts its label; None if it does not, or the label has no rule.

    Args:
        label: the label of the step.
        signals: its samples, float32 ``[n, 3]`` in g.
        time_ns: their times, int64 ``[n]``.
    """
    kind = spelling(label)
    if kind not in MOVING_LABELS and kind not in CALM_LABELS:
        return None
    movement_g = measure_movement(signals, time_ns)
    if len(movement_g) == 0:
        return None
    if kind in MOVING_LABELS and np.median(movement_g) < STILL_G:
        return "still"
    if kind in CALM_LABELS and np.quantile(movement_g, 0.25) > VIGOROUS_G:
        return "vigorous"
    return None


def measure_movement(signals: Float32Array, time_ns: Int64Array) -> Float64Array:
    """Measure the movement in each second: the root of the summed variances of the three axes, float64 ``[s]`` in g.

    Seconds with fewer than two samples are left out.
    """
    seconds = (time_ns - time_ns[:1]) // SECOND_NS
    movement_g = []
    for second in np.unique(seconds):
        samples = signals[seconds == second].astype(np.float64)
        if len(samples) > 1:
            movement_g.append(float(np.sqrt(samples.var(axis=0).sum())))
    return np.array(movement_g, dtype=np.float64)
