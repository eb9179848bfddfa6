"""Fingerprints of training recordings, which are recognised under another name, in another unit, or when cut.

A fingerprint is the hash of a short run of samples. The hash depends only on the signs of the differences between
neighbouring samples: rising, falling or equal, in x, y and z. A change of unit, an offset and a new name do not change
the signs. Runs whose hash is divisible by a fixed number are kept. This choice depends on content alone, so a part of a
recording keeps its fingerprints. (The choice is that of U. Manber, "Finding similar files in a large file system",
USENIX Winter 1994; signs of differences as a robust fingerprint are those of J. Haitsma and T. Kalker, "A highly robust
audio fingerprinting system", ISMIR 2002.)

Rounding may make two samples equal, but it never exchanges rising and falling. So a run of a rounded copy without equal
neighbours is exactly a run of the original. Runs without equal neighbours are therefore also judged separately. Runs in
which more than half of the neighbours are equal, or which rarely change direction, are not distinctive and are left
out. A watch that lies still therefore has no fingerprints.

Recordings that were resampled, filtered, turned, or mixed with noise are not recognised. ``docs/training.md`` gives
the measurements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import ACCELERATION, Recording, gap_edges_ns
from harken.recordings.source import Samples
from harken.support.arrays import BoolArray, Float32Array, Int64Array, UInt8Array
from harken.support.printable import percent_number

RUN = 16
"""Differences between neighbouring samples in a run; a power of two."""
MOST_EQUAL = 3 * RUN // 2
"""At most this many of a run's 48 differences may be zero."""
FEWEST_CHANGES = RUN // 2
"""The direction of an axis must change at this many of a run's 15 inner samples, or more."""
ONE_IN = 128
"""One run in this many is kept; a power of two. At 25 Hz this gives a fingerprint about every five seconds."""
MOST_FINGERPRINTS = 50_000
"""The most that a model keeps (200 kB). If there are more, half of them are dropped, by value, as often as needed."""
NEIGHBOURS, MOST_OF_THEM = 9, 5
"""A fingerprint lies in a training part when at least five of its nine neighbours, itself included, are in the
model."""
SAME_RECORDING = 0.01
"""If more than this share of a recording was used for training, its score is not a score on an unseen recording."""
SAMPLES_AT_ONCE = 1 << 16
"""Longer arrays do not fit in the processor's cache, and take twice the time."""
MOST_STRETCHES = 16
"""The most stretches of so many samples that ``TrainingShare`` keeps."""


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """The fingerprints of a model's training recordings.

    Attributes:
        hashes: uint32 ``[n]``, sorted and distinct.
        one_in: one run in this many is kept: ``ONE_IN`` times a power of two.
    """

    hashes: NDArray[np.uint32]
    one_in: int = ONE_IN

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> "Fingerprints":
        """The fingerprints of mended recordings. A recording without x, y or z has none."""
        return reduce(cls.joined, (cls(np.unique(_runs(one).hashes)) for one in recordings), cls.none())

    @classmethod
    def none(cls) -> "Fingerprints":
        """Empty fingerprints."""
        return cls(np.empty(0, np.uint32))

    def joined(self, other: "Fingerprints") -> "Fingerprints":
        """The fingerprints of both, at most ``MOST_FINGERPRINTS``."""
        one_in = max(self.one_in, other.one_in)
        hashes = np.union1d(self.hashes, other.hashes)
        hashes = hashes[_kept(hashes, one_in)]
        while len(hashes) > MOST_FINGERPRINTS:
            one_in *= 2
            hashes = hashes[_kept(hashes, one_in)]
        return Fingerprints(hashes, one_in)

    def may_share(self, other: "Fingerprints") -> bool:
        """Whether recordings with these fingerprints may have movement in common; if not, ``known`` is False for all.

        It is much cheaper than ``known``, which computes the runs of a recording. Sets that keep one run in different
        numbers are not compared.
        """
        return self.one_in != other.one_in or bool(np.isin(self.hashes, other.hashes).any())

    def known(self, recording: Recording) -> BoolArray:
        """Whether each sample of a mended recording was used for training, bool ``[n]``.

        A sample is judged by its nearest fingerprint. At least five fingerprints are needed, so a part of less than
        about half a minute at 25 Hz is not recognised.
        """
        if not len(self.hashes):
            return np.zeros(len(recording), bool)
        return self._known(_runs(recording), len(recording))

    def _known(self, runs: "_Runs", samples: int) -> BoolArray:
        """``known`` for the runs of so many samples."""
        known = np.zeros(samples, bool)
        kept = _kept(runs.hashes, self.one_in)
        rows, without_equal = runs.rows[kept], runs.equal[kept] == 0
        is_known = np.isin(runs.hashes[kept], self.hashes)
        for group in (without_equal, np.ones(len(rows), bool)):
            if np.count_nonzero(is_known[group]) >= MOST_OF_THEM:
                middles = (rows[group][1:] + rows[group][:-1] + RUN) // 2
                lengths = np.diff(middles, prepend=0, append=samples)
                known |= np.repeat(_most_of_neighbours(is_known[group]), lengths)
        return known


class _Runs(NamedTuple):
    """The kept runs of samples: the row and the time of each run's first sample, the time of its last, its hash, and
    the number of its equal neighbours."""

    rows: Int64Array
    first_ns: Int64Array
    last_ns: Int64Array
    hashes: NDArray[np.uint32]
    equal: UInt8Array

    def without(self, gaps_ns: Int64Array) -> "_Runs":
        """The runs with no gap in them, given the samples before and after each gap, int64 ``[gaps, 2]``."""
        before = gaps_ns[:, 0]
        whole = np.searchsorted(before, self.first_ns) == np.searchsorted(before, self.last_ns)
        return _Runs(*(array[whole] for array in self))


class TrainingShare:
    """The share of a stream's samples that were used for training, found while the stream is read.

    Up to a million samples it is the mean of ``Fingerprints.known``. Of a longer stream, every second stretch of
    65,536 samples is used, or every fourth, and so on: a week at 100 Hz takes less than 0.1 s. The result does not
    depend on how the stream is cut.

    Args:
        trained: the fingerprints of the training recordings.
    """

    def __init__(self, trained: Fingerprints) -> None:
        self._trained = trained
        self._stretches: list[tuple[_Runs, int]] = []
        self._every, self._rows = 1, 0
        self._times: list[Int64Array] = []  # of the open stretch, after the last samples of the one before
        self._signals: list[Float32Array] = []
        self._before = 0

    def push(self, samples: Samples) -> None:
        """Add mended samples, later than all before. Acceleration is the first three channels."""
        first = 0
        while first < len(samples.time_ns):
            number, filled = divmod(self._rows, SAMPLES_AT_ONCE)
            part = samples.part(first, first + SAMPLES_AT_ONCE - filled)
            if number % self._every == 0:
                self._times.append(part.time_ns.copy())
                self._signals.append(part.signals[:, :3].copy())
            first += len(part.time_ns)
            self._rows += len(part.time_ns)
            if self._rows % SAMPLES_AT_ONCE == 0:
                self._end_stretch()

    def _end_stretch(self) -> None:
        if not self._times:
            return
        time_ns = np.concatenate(self._times)
        signals = np.concatenate(self._signals)
        runs = _runs_of(time_ns, signals)
        self._stretches.append((runs._replace(rows=runs.rows - self._before), len(time_ns) - self._before))
        self._times, self._signals, self._before = [], [], 0
        if len(self._stretches) == MOST_STRETCHES:
            self._stretches = self._stretches[::2]
            self._every *= 2
        if self._every == 1:  # a run may begin in this stretch and end in the next one
            self._times = [time_ns[-RUN:]]
            self._signals = [signals[-RUN:]]
            self._before = min(RUN, len(time_ns))

    def finish(self, gaps_ns: Int64Array) -> float | None:
        """The share; None if there are no fingerprints to compare with.

        Args:
            gaps_ns: the samples before and after each gap, int64 ``[gaps, 2]``.
        """
        self._end_stretch()
        if not len(self._trained.hashes) or not self._stretches:
            return None
        runs, begin = [], 0
        for stretch, samples in self._stretches:
            runs.append(stretch._replace(rows=begin + stretch.rows))
            begin += samples
        return float(self._trained._known(_joined(runs).without(gaps_ns), begin).mean())


def training_warning(share: float | None) -> str | None:
    """A sentence for those who read labels of a training recording; None for any other recording.

    Args:
        share: the share of the recording that was used for training; None if it is not known.
    """
    if share is None or share <= SAME_RECORDING:
        return None
    return (
        f"The model was trained on {percent_number(share, decimals=0)} % of this recording, so its labels are better "
        "here than on recordings that it was not trained on."
    )


def _kept(hashes: NDArray[np.uint32], one_in: int) -> BoolArray:
    """Which hashes are kept when one run in ``one_in`` is kept, bool ``[n]``."""
    return np.asarray(hashes & np.uint32(one_in // ONE_IN - 1) == 0)


def _most_of_neighbours(known: BoolArray) -> BoolArray:
    """Whether most of the nearest nine (or of all, if there are fewer) were known: bool ``[n]``."""
    n = len(known)
    width = min(NEIGHBOURS, n)
    first = np.clip(np.arange(n) - NEIGHBOURS // 2, 0, n - width)
    sums = np.concatenate([[0], np.cumsum(known)])
    return np.asarray(sums[first + width] - sums[first] >= MOST_OF_THEM)


def _runs(recording: Recording) -> _Runs:
    """The kept runs of a mended recording."""
    if not set(ACCELERATION) <= set(recording.channels):
        return _runs_of(recording.time_ns[:0], recording.signals[:0])
    columns = [recording.channels.index(axis) for axis in ACCELERATION]
    parts = []
    for start in range(0, len(recording), SAMPLES_AT_ONCE):
        some = slice(start, start + SAMPLES_AT_ONCE + RUN)
        runs = _runs_of(recording.time_ns[some], recording.signals[some, columns])
        parts.append(runs._replace(rows=runs.rows + start))
    return _joined(parts).without(gap_edges_ns(recording))


def _joined(parts: list[_Runs]) -> _Runs:
    return _Runs(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _runs_of(time_ns: Int64Array, signals: Float32Array) -> _Runs:
    """The kept runs of samples ``[n, 3]``, ignoring gaps."""
    if len(signals) <= RUN:
        nothing = np.empty(0, np.int64)
        return _Runs(nothing, nothing, nothing, np.empty(0, np.uint32), np.empty(0, np.uint8))
    rising = signals[1:] > signals[:-1]
    falling = signals[1:] < signals[:-1]
    x, y, z = (rising.view(np.uint8) + 2 * falling.view(np.uint8)).T
    signs = 9 * x + 3 * y + z
    equal = (x == 0).astype(np.uint8) + (y == 0) + (z == 0)
    changes = np.zeros(len(signs), np.uint8)
    changes[1:] = signs[1:] != signs[:-1]
    hashes, step = NUMBERS[signs], 1
    while step < RUN:  # the sum of a run of twice the length is the sum of two adjacent runs
        hashes = hashes[:-step] * np.uint64(pow(FACTOR, step, 1 << 64)) + hashes[step:]
        equal = equal[:-step] + equal[step:]
        changes = changes[:-step] + changes[step:]
        step *= 2
    hashes = _mixed(hashes)
    chosen = (hashes >> np.uint64(32)) % np.uint64(ONE_IN) == 0
    rows = np.flatnonzero(chosen & (equal <= MOST_EQUAL) & (changes >= FEWEST_CHANGES))
    return _Runs(rows, time_ns[rows], time_ns[rows + RUN], hashes[rows].astype(np.uint32), equal[rows])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits, so that each depends on all: the last steps of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))


FACTOR = 0x9E3779B97F4A7C15
NUMBERS = _mixed(np.arange(1, 28, dtype=np.uint64) * np.uint64(FACTOR))
"""A number for each of the 27 combinations of three axes that rise, fall or stay equal."""
