"""Windows of recordings: the notebook's random windows, and sliding windows."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harken.recordings.recording import UNLABELLED, Recording, recoded
from harken.support.arrays import BoolArray, Float32Array, Int16Array, Int64Array, StrArray, finite_rows, numbered
from harken.support.errors import HarkenError
from harken.support.printable import plural

DRAWS_AT_ONCE = 1 << 16
MOST_DRAWS = 10**9
"""About 10 s of drawing. In a recording that needs more draws, windows with one label are very rare."""
OF_EACH = ("signals", "label_codes", "subjects", "starts_ns", "start_rows", "studies")
"""The fields of ``Windows`` with an element for each window."""


@dataclass(frozen=True)
class RandomDraws:
    """The notebook's windows: drawn at random over the rows as they are in the files.

    Attributes:
        windows: the number of windows drawn from the training files; the same number is drawn from the cross files.
        training_windows: the number of them that is used for training; the others are the same-person test.
        training_seed, cross_seed: the seeds of the draws.
    """

    windows: int
    training_windows: int
    training_seed: int
    cross_seed: int


@dataclass(frozen=True)
class SlidingHops:
    """All windows with a single label in the mended, resampled recordings.

    Attributes:
        hop_s: seconds from one window's start to the next one's.
        test_share: the share of windows that is the same-person test, taken at random.
    """

    hop_s: float
    test_share: float = 0.1


@dataclass(frozen=True, eq=False, repr=False)
class Windows:
    """Equally long pieces of recordings, each with at most one label.

    >>> import harken
    >>> windows = harken.sliding_windows(harken.read("alice.csv"), length_s=10, hop_s=5)
    >>> windows.signals.shape, windows.label_names
    ((66, 250, 4), ('lying', 'sitting', 'walking'))
    >>> len(windows[windows.labels == "walking"])
    22

    Attributes:
        signals: float32 ``[n, length, channels]`` in the recording's units. A view of the recording's signals if the
            windows are evenly spaced.
        label_codes: int16 ``[n]``, an index into ``label_names`` or -1 (unlabelled).
        label_names: the labels.
        subjects: the wearer of each window, ``[n]`` of str.
        starts_ns: the time of each window's first sample, int64 ``[n]``.
        start_rows: the row of each window's first sample in its source, int64 ``[n]``.
        channels: the names of the channels.
        sample_rate_hz: samples per second, the median over the recordings.
        studies: the study of each window's recording, ``[n]`` of str, such as ``wisdm``; empty strings by default.
    """

    signals: Float32Array
    label_codes: Int16Array
    label_names: tuple[str, ...]
    subjects: StrArray
    starts_ns: Int64Array
    start_rows: Int64Array
    channels: tuple[str, ...]
    sample_rate_hz: float
    studies: StrArray = field(default_factory=lambda: np.empty(0, dtype=np.str_))

    def __post_init__(self) -> None:
        if self.studies.size == 0:
            object.__setattr__(self, "studies", np.full(len(self.label_codes), "", dtype=np.str_))

    @classmethod
    def unlabelled(
        cls,
        signals: Float32Array,
        *,
        channels: tuple[str, ...],
        sample_rate_hz: float,
        subject: str = "",
        starts_ns: Int64Array | None = None,
        start_rows: Int64Array | None = None,
    ) -> "Windows":
        """Windows of one wearer without labels.

        Args:
            signals: float32 ``[n, length, channels]``.
            channels, sample_rate_hz: as above.
            subject: the wearer, if it is needed.
            starts_ns, start_rows: as above, if they are needed; else 0.
        """
        n = len(signals)
        zeros = np.zeros(n, dtype=np.int64)
        return cls(
            signals=signals,
            label_codes=np.full(n, UNLABELLED, dtype=np.int16),
            label_names=(),
            subjects=np.full(n, subject),
            starts_ns=zeros if starts_ns is None else starts_ns,
            start_rows=zeros if start_rows is None else start_rows,
            channels=channels,
            sample_rate_hz=sample_rate_hz,
        )

    def __len__(self) -> int:
        return len(self.signals)

    def __repr__(self) -> str:
        people = len(set(self.subjects.tolist()))
        return (
            f"<Windows: {len(self):,} of {self.length} samples of {', '.join(self.channels)} at "
            f"{self.sample_rate_hz:.4g} Hz, of {plural(people, 'person', 'people')}; "
            f"{', '.join(self.label_names) or 'no labels'}>"
        )

    def __getitem__(self, index: "slice | BoolArray | Int64Array") -> "Windows":
        """Some of the windows, by a slice, a mask or positions."""
        return replace(self, **{name: getattr(self, name)[index] for name in OF_EACH})

    @property
    def length(self) -> int:
        """Samples in a window."""
        return int(self.signals.shape[1])

    @property
    def labels(self) -> StrArray:
        """The label of each window by name, ``[n]``; the empty string where there is none."""
        return np.array([*self.label_names, ""], dtype=np.str_)[self.label_codes]

    @property
    def labels_present(self) -> set[str]:
        """The labels that at least one window has."""
        return set(self.labels[self.label_codes != UNLABELLED].tolist())

    def middle(self, length: int) -> "Windows":
        """The middle ``length`` samples of each window."""
        first = (self.length - length) // 2
        return replace(
            self,
            signals=self.signals[:, first : first + length],
            starts_ns=self.starts_ns + round(first / self.sample_rate_hz * 1e9),
            start_rows=self.start_rows + first,
        )

    def with_label_names(self, label_names: tuple[str, ...]) -> "Windows":
        """The same windows with codes pointing into ``label_names``; a label not in it becomes unlabelled."""
        codes = recoded(self.label_codes, self.label_names, label_names)
        return replace(self, label_codes=codes, label_names=label_names)


def random_windows(recordings: Recording | Sequence[Recording], *, length: int, count: int, seed: int) -> Windows:
    """The notebook's windows: they begin at random rows, and those whose rows all have the same label are kept.

    The first rows are ``int(random() * (rows - length + 1))`` from Python's Mersenne Twister seeded with ``seed``, as
    ``random.randint`` computed them in the notebook's Python 2.7. Several recordings are first concatenated, as the
    notebook concatenated its files. The windows overlap. If all are drawn from one wearer, test windows overlap
    training windows: **a score on them is far too good.**

    The notebook used all rows in the order of the file. To get the notebook's windows, pass recordings read with
    ``as_found=True``. These windows may contain gaps and outliers. A row with a missing value counts as unlabelled,
    because networks cannot process missing values. In a mended recording, windows contain neither gaps nor marked
    samples.

    >>> import harken
    >>> recording = harken.read("alice.csv", as_found=True)
    >>> harken.random_windows(recording, length=512, count=100, seed=1337).signals.shape
    (100, 512, 4)

    Args:
        recordings: one recording or several.
        length: samples in a window.
        count: how many windows to keep; the same window may be drawn twice.
        seed: the seed of the random numbers.

    Raises:
        HarkenError: when there is no window with a single label, or when such windows are so rare that drawing would
            take minutes; when recordings have different channels; when ``length`` or ``count`` is less than 1.
    """
    if length < 1 or count < 1:
        raise HarkenError(f"{count} windows of {length} samples cannot be drawn; both numbers must be 1 or more")
    joined = [recordings] if isinstance(recordings, Recording) else list(recordings)
    _check_alike(joined)
    label_names = _all_labels(joined)
    codes = np.concatenate([r.with_label_names(label_names).label_codes for r in joined])
    if all(r.as_found for r in joined):
        finite = np.concatenate([finite_rows(r.signals) for r in joined])
        ends = run_ends(np.where(finite, codes, np.int16(UNLABELLED)))
        usable = (codes != UNLABELLED) & finite
    else:
        ends = run_ends(np.concatenate([_run_ids(r, offset) for offset, r in enumerate(joined)]))
        usable = (codes != UNLABELLED) & np.concatenate([r.valid for r in joined])
    fits = _fits(ends, usable, length)
    if not fits.any():
        raise _no_window(joined, length, ends, usable)
    starts = draw_starts(fits, count=count, seed=seed)
    return _windows_at(starts, joined, length=length, label_codes=codes, label_names=label_names)


def sliding_windows(recording: Recording, *, length_s: float, hop_s: float, labelled_only: bool = True) -> Windows:
    """Windows of ``length_s`` every ``hop_s`` seconds, never across a gap, a label change or a marked sample.

    In each run of samples with one label, the first window begins at the first sample. Lengths are rounded to whole
    samples at the recording's measured rate.

    >>> import harken
    >>> len(harken.sliding_windows(harken.read("alice.csv"), length_s=10, hop_s=5))
    66

    Args:
        recording: a mended recording.
        length_s: a window's length in seconds.
        hop_s: seconds from the start of one window to the start of the next.
        labelled_only: leave out windows without a label.

    Raises:
        HarkenError: when the recording is ``as_found``, a length is not positive, or there is no such window.
    """
    if recording.as_found:
        raise HarkenError(
            "sliding windows need a mended recording; read it without as_found",
            path=recording.source or recording.subject,
        )
    rate = recording.sample_rate_hz
    if not (0.5 < length_s * rate < math.inf and 0.5 < hop_s * rate < math.inf):
        raise HarkenError(
            f"the length and the hop of windows must be at least one sample at {rate:g} Hz, got {length_s:g} s and "
            f"{hop_s:g} s"
        )
    length, hop = round(length_s * rate), round(hop_s * rate)
    usable = recording.valid & (recording.label_codes != UNLABELLED) if labelled_only else recording.valid
    ids = _run_ids(recording, 0)
    first = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    last = np.concatenate([first[1:], [len(ids)]])
    room = np.where(usable[first], last - first, 0)
    counts = np.where(room >= length, (room - length) // hop + 1, 0)
    if not counts.any():
        raise _no_window([recording], length, run_ends(ids), usable)
    run, number = numbered(counts)
    starts = first[run] + hop * number
    codes, names = recording.label_codes, recording.label_names
    return _windows_at(starts, [recording], length=length, label_codes=codes, label_names=names)


def concatenate(parts: Sequence[Windows]) -> Windows:
    """Concatenate the windows of several recordings. Labels are matched by name.

    >>> import harken
    >>> people = [harken.sliding_windows(harken.read(f"{name}.csv"), length_s=10, hop_s=5)
    ...           for name in ("alice", "bob")]
    >>> sorted(set(harken.concatenate(people).subjects.tolist()))
    ['alice', 'bob']

    Raises:
        HarkenError: when ``parts`` is empty, or lengths or channels differ.
    """
    if not parts:
        raise HarkenError("there are no windows to join")
    if len({(part.length, part.channels) for part in parts}) > 1:
        raise HarkenError("windows of different lengths or channels cannot be joined")
    names = _all_labels(parts)
    alike = [part.with_label_names(names) for part in parts]
    arrays = {name: np.concatenate([getattr(part, name) for part in alike]) for name in OF_EACH}
    rate_hz = float(np.median([part.sample_rate_hz for part in parts]))
    return replace(alike[0], sample_rate_hz=rate_hz, **arrays)


def draw_starts(fits: BoolArray, *, count: int, seed: int) -> Int64Array:
    """Draw rows until ``count`` of them are True in ``fits`` (bool ``[rows - length + 1]``, not all False).

    Raises:
        HarkenError: when rows that fit are so rare that drawing would take minutes.
    """
    share = np.count_nonzero(fits) / len(fits)
    if count > MOST_DRAWS * share:
        raise HarkenError(
            f"only {np.count_nonzero(fits)} of {len(fits)} rows can begin a window of one label: "
            f"too few to draw {count} windows. Use shorter windows, or label longer bouts"
        )
    twister = _python_twister(seed)
    kept: list[Int64Array] = []
    drawn = 0
    while drawn < count:
        starts = (twister.random_sample(DRAWS_AT_ONCE) * len(fits)).astype(np.int64)
        kept.append(starts[fits[starts]])
        drawn += len(kept[-1])
    return np.concatenate(kept)[:count]


def run_ends(ids: Int64Array | Int16Array) -> Int64Array:
    """For each row, the end (exclusive) of its run of equal ``ids``, int64 ``[n]``."""
    edges = np.concatenate([np.flatnonzero(ids[1:] != ids[:-1]) + 1, [len(ids)]])
    return np.repeat(edges, np.diff(np.concatenate([[0], edges])))


def _python_twister(seed: int) -> np.random.RandomState:
    """NumPy's Mersenne Twister in the state of Python's ``random.Random(seed)``, so that both give the same numbers."""
    _, state, _ = random.Random(seed).getstate()
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(state[:-1], dtype=np.uint32), state[-1], 0, 0.0))
    return twister


def _run_ids(recording: Recording, offset: int) -> Int64Array:
    """Run numbers, int64 ``[n]``: a new run begins at each gap, at each label change, where marked samples begin or
    end, and at each recording."""
    n = len(recording)
    cut = np.zeros(n, dtype=bool)
    cut[0] = True
    cut[1:] = recording.label_codes[1:] != recording.label_codes[:-1]
    cut[1:] |= recording.valid[1:] != recording.valid[:-1]
    cut[recording.gap_rows] = True
    return np.cumsum(cut) + (offset << 40)


def _fits(ends: Int64Array, usable: BoolArray, length: int) -> BoolArray:
    """Which rows can begin a window of ``length`` rows, bool ``[rows - length + 1]`` (or empty)."""
    places = max(0, len(ends) - length + 1)
    rows = np.arange(places)
    return usable[:places] & (ends[:places] - rows >= length)


def _windows_at(
    starts: Int64Array,
    recordings: list[Recording],
    *,
    length: int,
    label_codes: Int16Array,
    label_names: tuple[str, ...],
) -> Windows:
    """Windows that begin at the rows ``starts`` of the concatenated recordings, which have these label codes."""
    sizes = np.cumsum([0, *(len(r) for r in recordings)])
    owner = np.searchsorted(sizes, starts, side="right") - 1
    signals, time_ns = recordings[0].signals, recordings[0].time_ns
    if len(recordings) > 1:
        signals = np.concatenate([r.signals for r in recordings])
        time_ns = np.concatenate([r.time_ns for r in recordings])
    every = np.lib.stride_tricks.sliding_window_view(signals, length, axis=0).swapaxes(1, 2)
    steps = np.diff(starts)
    even = len(starts) > 1 and steps[0] > 0 and (steps == steps[0]).all()
    return Windows(
        signals=every[starts[0] : starts[-1] + 1 : steps[0]] if even else every[starts],
        label_codes=label_codes[starts],
        label_names=label_names,
        subjects=np.array([r.subject for r in recordings], dtype=np.str_)[owner],
        starts_ns=time_ns[starts],
        start_rows=starts,
        channels=recordings[0].channels,
        sample_rate_hz=float(np.median([r.sample_rate_hz for r in recordings])),
        studies=np.array([r.study for r in recordings], dtype=np.str_)[owner],
    )


def covered_s(starts_ns: Int64Array, duration_ns: int) -> float:
    """Seconds that windows of this duration cover, which begin at times ``[n]``. Seconds in two windows count once."""
    steps_ns = np.diff(np.sort(starts_ns))
    covered_ns = np.minimum(steps_ns, duration_ns).sum() + duration_ns
    return round(float(covered_ns) / 1e9, 3)


def _all_labels(parts: Sequence[Recording] | Sequence[Windows]) -> tuple[str, ...]:
    return tuple(sorted({name for part in parts for name in part.label_names}))


def _check_alike(recordings: list[Recording]) -> None:
    if not recordings:
        raise HarkenError("there is no recording to draw windows from")
    if len({r.channels for r in recordings}) > 1:
        found = "; ".join(f"{r.source or r.subject}: {', '.join(r.channels)}" for r in recordings)
        raise HarkenError(f"recordings with different channels cannot be joined ({found})")
    if len({r.as_found for r in recordings}) > 1:
        raise HarkenError("recordings as found and mended ones cannot be joined")


def _no_window(recordings: list[Recording], length: int, ends: Int64Array, usable: BoolArray) -> HarkenError:
    names = ", ".join(recording.source or recording.subject for recording in recordings)
    if not usable.any():
        labelled = any((recording.label_codes != UNLABELLED).any() for recording in recordings)
        if labelled:
            return HarkenError(
                "no labelled row can be used; each has a value that is missing, out of the sensor's range, "
                "stuck or of a broken axis. harken inspect says which, and when",
                path=names,
            )
        return HarkenError(
            "no row has a label; name the column of labels with label_column (--label-column), or add a file of "
            "labels with with_labels (--labels)",
            path=names,
        )
    longest = int(((ends - np.arange(len(ends))) * usable).max())
    return HarkenError(
        f"no window of {length} samples with one label can be found; the longest bout of one label "
        f"has {longest} samples. Label longer bouts, or use shorter windows",
        path=names,
    )
