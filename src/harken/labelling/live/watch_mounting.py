"""How the watch of a stream sits on the arm: as stated, or as its walking shows, and since when its windows are turned.

A stream collects what a file gives at once: the ten-second moments that look like walking, and statistics of all
ten-second blocks. It has the latest of both only, so its memory does not grow. ``harken.mounting.estimate`` decides.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from harken.models.label_recording import Probabilities
from harken.models.recogniser import Recogniser
from harken.mounting.estimate import estimate_mounting, trained_axis, trained_with_x_to_elbow, why_unaskable
from harken.mounting.forearm import CalmMoments
from harken.mounting.turns import TURNS, Mounting
from harken.networks.specification import Specification
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import UNLABELLED
from harken.recordings.source import Samples, joined
from harken.signals.movement import BLOCK_NS, MovementBlocks, MovementStatistics, Walks, like_walking
from harken.signals.non_wear import non_wear
from harken.support.arrays import Float32Array, Int64Array

NEVER_NS = -(1 << 62)
MOST_WALKS = 24
"""The latest moments that look like walking, four minutes together, are kept."""
FIRST_WALKS = 3
"""The model is asked for the first time about so many moments."""
MOST_BLOCKS = 180
"""The blocks of the latest half hour are kept: non-wear is found in twenty minutes."""
NEW_SHARE, MOST_NEW = 4, 60
"""The model is asked again when the moments of walking have grown by a quarter, at the latest after ten minutes of
them. So a stream of any length costs little."""
MOST_TURNS = 4
"""The latest turns are kept, because late samples change windows of the last seconds."""
LEAST_FILLED = 0.95
"""The share of its samples that a block of walking has at least."""


class TrainedMounting(NamedTuple):
    """How the watches of a model's training data sat on the arm; see ``estimate_mounting``."""

    axis: ForearmAxis | None = None
    x_to_elbow: bool = False

    @classmethod
    def of(cls, recogniser: Recogniser) -> "TrainedMounting":
        """Return what is known of a model's training data."""
        return cls(trained_axis(recogniser), trained_with_x_to_elbow(recogniser))


UNKNOWN_TRAINED = TrainedMounting()


class MountingSince(NamedTuple):
    """Since when the windows of a stream are turned, and why.

    Attributes:
        since_ns: the windows that end later are turned; ``NEVER_NS``: all windows.
        mounting: how the watch sits.
    """

    since_ns: int
    mounting: Mounting


class Walk(NamedTuple):
    """A moment that looks like walking: the times of its first and last sample, and float16 ``[n, 3]`` in g."""

    first_ns: int
    last_ns: int
    signals: "np.ndarray[tuple[int, ...], np.dtype[np.float16]]"

    def samples(self) -> Samples:
        """The samples, evenly spread over its time."""
        n = len(self.signals)
        time_ns = np.linspace(0, self.last_ns - self.first_ns, n).astype(np.int64) + self.first_ns
        return Samples(time_ns, self.signals.astype(np.float32), np.full(n, UNLABELLED, np.int16), np.ones(n, bool))


_EMPTY_BLOCKS = MovementStatistics().finish()
BLOCK = np.dtype(
    [
        (name, np.int64 if column.dtype == np.int64 else np.float32, column.shape[1:])
        for name, column in vars(_EMPTY_BLOCKS).items()
    ]
)
"""The statistics of a block, as a stream keeps them."""


class WatchMounting:
    """How the watch of one stream sits on the arm.

    The axis that is stated holds for all windows after the statement. Without it, walking decides, as in a file. What
    walking has shown stays until later walking shows another way as clearly.

    Args:
        model: the specification of the model that labels.
        trained: how the watches of its training data sat.
        forearm_axis: the axis along the forearm, if the user states it; it holds from the first window on.

    Attributes:
        can_be_found: whether the model can be asked how the watch sits.
        next_ns: the blocks before this time have been collected.
    """

    __slots__ = (
        "_blocks",
        "_blocks_seen",
        "_model",
        "_next_walks",
        "_stated",
        "_trained",
        "_turns",
        "_walks",
        "_walks_seen",
        "can_be_found",
        "next_ns",
    )

    def __init__(
        self,
        model: Specification,
        trained: TrainedMounting = UNKNOWN_TRAINED,
        forearm_axis: ForearmAxis | None = None,
    ) -> None:
        self._model, self._trained = model, trained
        self.can_be_found = (
            trained.axis is not None and why_unaskable(model) is None and model.window_length_s * 1e9 <= BLOCK_NS
        )
        self._stated: ForearmAxis | None = None
        self.forget()
        if forearm_axis is not None:
            self.state(forearm_axis, NEVER_NS)

    def forget(self) -> None:
        """Forget the samples, and what they have shown. A stated axis holds for all windows to come."""
        self._turns: tuple[MountingSince, ...] = ()
        self._walks: list[Walk] = []
        self._walks_seen, self._next_walks = 0, FIRST_WALKS
        self._blocks = np.empty(0, BLOCK)
        self._blocks_seen = 0
        self.next_ns = NEVER_NS
        if self._stated is not None:
            self.state(self._stated, NEVER_NS)

    def take_evidence(self, other: "WatchMounting") -> None:
        """Continue with the samples that another model's stream of the same watch has collected, and its statement."""
        self._walks, self._blocks = other._walks, other._blocks
        self._walks_seen, self._blocks_seen, self.next_ns = other._walks_seen, other._blocks_seen, other.next_ns
        if other._stated is not None:
            self.state(other._stated, NEVER_NS)

    @property
    def turn(self) -> MountingSince | None:
        """The present turn; None if it is not known how the watch sits."""
        return self._turns[-1] if self._turns else None

    @property
    def stated(self) -> ForearmAxis | None:
        """The axis that was stated."""
        return self._stated

    @property
    def is_searching(self) -> bool:
        """Whether samples are collected."""
        return self.can_be_found and self._stated is None

    @property
    def is_due(self) -> bool:
        """Whether enough has been collected to ask the model (again)."""
        return self.is_searching and self._walks_seen >= self._next_walks

    def state(self, forearm_axis: ForearmAxis, since_ns: int) -> None:
        """Turn the windows that end after ``since_ns`` so that this axis lies where the model expects it."""
        self._stated = forearm_axis
        self._walks = []
        stated = estimate_mounting(
            self._model,
            Walks(),
            _refuse_to_answer,
            forearm_axis=forearm_axis,
            trained_axis=self._trained.axis,
            x_to_elbow=self._trained.x_to_elbow,
        )
        self._begin(MountingSince(since_ns, stated))

    def find(self, probabilities: Probabilities) -> Mounting:
        """Ask the model how the watch sits, by what has been collected. This takes a tenth of a second."""
        seen = self._walks_seen
        self._next_walks = seen + min(max(seen // NEW_SHARE, 1), MOST_NEW)
        walks = Walks()
        statistics = MovementStatistics(listeners=(walks,))
        for walk in self._walks:
            statistics.push(walk.samples())
        statistics.finish()
        blocks = self._list_blocks()
        return estimate_mounting(
            self._model,
            walks,
            probabilities,
            calm=CalmMoments.of(blocks, non_wear(blocks)),
            trained_axis=self._trained.axis,
            x_to_elbow=self._trained.x_to_elbow,
        )

    def apply(self, found: Mounting, since_ns: int) -> bool:
        """Turn the windows that end after ``since_ns`` if walking has shown how the watch sits, or shows another way
        than before. Return whether this is news."""
        if not found.known or not self.is_searching:
            return False
        if self.turn is not None and self.turn.mounting.turn == found.turn:
            return False
        self._begin(MountingSince(since_ns, found))
        return True

    def turns_at(self, ends_ns: Int64Array) -> Int64Array:
        """The turns of windows with these ends, as places in ``TURNS``, int64 ``[windows]``."""
        places = np.zeros(len(ends_ns), np.int64)
        for turn in self._turns:
            places[ends_ns > turn.since_ns] = TURNS.index(turn.mounting.turn)
        return places

    def add(self, blocks: MovementBlocks, walks: Sequence[Walk], until_ns: int) -> None:
        """Add the blocks that have become final before ``until_ns``, and those of them that look like walking."""
        self.next_ns = until_ns
        self._walks = [*self._walks, *walks][-MOST_WALKS:]
        self._walks_seen += len(walks)
        if len(self._blocks) == 0:
            self._blocks = np.zeros(MOST_BLOCKS, BLOCK)
        kept = slice(max(0, len(blocks) - MOST_BLOCKS), None)
        places = (self._blocks_seen + np.arange(len(blocks))[kept]) % MOST_BLOCKS
        for name, column in vars(blocks).items():
            self._blocks[name][places] = column[kept]
        self._blocks_seen += len(blocks)

    def _begin(self, turn: MountingSince) -> None:
        earlier = () if turn.since_ns == NEVER_NS else self._turns[1 - MOST_TURNS :]
        self._turns = (*earlier, turn)

    def _list_blocks(self) -> MovementBlocks:
        if self._blocks_seen < MOST_BLOCKS:
            ordered = self._blocks[: self._blocks_seen]
        else:
            ordered = np.roll(self._blocks, -(self._blocks_seen % MOST_BLOCKS))
        columns: list[Any] = []
        for name, empty in vars(_EMPTY_BLOCKS).items():
            columns.append(ordered[name].astype(empty.dtype))
        return MovementBlocks(*columns)


def collect(mountings: Sequence[WatchMounting], even: Samples, counts: Int64Array, final_ns: Int64Array) -> None:
    """Collect the ten-second blocks that have become final.

    Args:
        mountings: those of some watches.
        even: the latest samples of these watches at the model's rate, one watch after the other.
        counts: the numbers of samples of each watch, int64 ``[watches]``.
        final_ns: the time before which the samples of each watch do not change any more, int64 ``[watches]``.
    """
    until_ns = final_ns // BLOCK_NS * BLOCK_NS
    ends = np.cumsum(counts)
    chosen: list[WatchMounting] = []
    pieces: list[Samples] = []
    for watch, until, begin, end in zip(
        mountings, until_ns.tolist(), (ends - counts).tolist(), ends.tolist(), strict=True
    ):
        if watch.is_searching and until > watch.next_ns:
            times = even.time_ns[begin:end]
            first, last = np.searchsorted(times, [watch.next_ns, until])
            piece = even.part(begin + int(first), begin + int(last))
            watch.next_ns = until
            if piece.valid.any():
                chosen.append(watch)
                pieces.append(piece.chosen(piece.valid))
    if chosen:
        _add_blocks(chosen, pieces)


def _add_blocks(mountings: Sequence[WatchMounting], pieces: Sequence[Samples]) -> None:
    """Compute the blocks of each watch's samples, all in one call, and add them."""
    samples = joined(pieces)
    owner = np.repeat(np.arange(len(pieces)), [len(piece.time_ns) for piece in pieces])
    number = samples.time_ns // BLOCK_NS
    firsts = np.flatnonzero((np.diff(owner, prepend=-1) > 0) | (np.diff(number, prepend=-1) != 0))
    lasts = np.append(firsts[1:], len(owner))
    # The blocks of different watches must not coincide, so each gets a number of its own.
    block = np.repeat(np.arange(len(firsts)), lasts - firsts)
    unlabelled = np.full(len(owner), UNLABELLED, np.int16)
    statistics = MovementStatistics()
    statistics.push(
        Samples(samples.time_ns % BLOCK_NS + block * BLOCK_NS, samples.signals[:, :3], unlabelled, samples.valid)
    )
    blocks = replace(statistics.finish(), start_ns=number[firsts] * BLOCK_NS)
    walking = like_walking(blocks)
    edges = np.searchsorted(owner[firsts], np.arange(len(pieces) + 1)).tolist()
    for watch, begin, end in zip(mountings, edges[:-1], edges[1:], strict=True):
        rows = slice(begin, end)
        walks = [
            Walk(
                int(samples.time_ns[firsts[place]]),
                int(samples.time_ns[lasts[place] - 1]),
                samples.signals[firsts[place] : lasts[place], :3].astype(np.float16),
            )
            for place in (begin + np.flatnonzero(walking[rows])).tolist()
            if _is_whole(samples.time_ns[firsts[place] : lasts[place]])
        ]
        columns = (column[rows] for column in vars(blocks).values())
        watch.add(MovementBlocks(*columns), walks, watch.next_ns)


def _is_whole(time_ns: Int64Array) -> bool:
    """Whether these samples fill a block, without a gap."""
    steps = np.diff(time_ns)
    if len(steps) == 0:
        return False
    usual = float(np.median(steps))
    return bool(steps.max() < 2 * usual and len(steps) * usual >= LEAST_FILLED * BLOCK_NS)


def turn_windows(signals: Float32Array, channels: tuple[str, ...], places: Int64Array) -> Float32Array:
    """Turn windows ``[windows, length, channels]``, each by its own of ``TURNS``."""
    for place in np.unique(places[places > 0]).tolist():
        rows = np.flatnonzero(places == place)
        signals[rows] = TURNS[place].apply(signals[rows], channels)
    return signals


def _refuse_to_answer(_: object) -> Float32Array:
    raise AssertionError("there are no moments to ask about")
