"""Recordings or windows of one person -> training and test, each way with what it measures."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

__all__ = [
    "TRAINING_SHARE",
    "Split",
    "blocked_same_person",
    "blocked_windows",
    "overlapping_same_person",
    "overlapping_windows",
    "share_in_training",
]

TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class Split:
    """Windows to learn from and windows to be tested on."""

    training: Windows
    test: Windows


def overlapping_same_person(windows: Windows, *, training: int) -> Split:
    """The notebook's split: the first ``training`` random windows train, the others test.

    **Flattering.** The windows were drawn from the same rows, so nearly every test window shares most of its
    samples with training windows. It measures how well the network remembers, on the same person, bout,
    strap and day.
    """
    return Split(windows[:training], windows[training:])


def blocked_same_person(recording: Recording, *, window_length: int) -> tuple[Recording, Recording]:
    """Cut every bout in time: its first 80 % to learn from, the rest, less one window's length, to test on.

    A bout ends at a label change or a gap. The two recordings that come back are the whole one with other
    samples marked invalid, so that windows drawn from one share no sample with windows drawn from the other.
    It measures the same person honestly in that one respect; bout, strap and day are still shared, so it
    says little about tomorrow and nothing about a stranger.

    Args:
        recording: a mended recording.
        window_length: samples in a window; so many are dropped between the two parts of a bout.

    Raises:
        HarkenError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise HarkenError(f"{recording.source}: a blocked split needs a mended recording; read it without as_found")
    edges = recording.bout_edges
    starts, ends = edges[:-1], edges[1:]
    cuts = starts + (TRAINING_SHARE * (ends - starts)).astype(np.int64)
    rows = np.arange(len(recording))
    bout = np.repeat(np.arange(len(starts)), ends - starts)
    training = recording.valid & (rows < cuts[bout])
    test = recording.valid & (rows >= cuts[bout] + window_length)
    return replace(recording, valid=training), replace(recording, valid=test)


def overlapping_windows(windows: Windows, *, seed: int) -> Split:
    """Divide windows at random: four fifths of the moments train, the others test.

    **Flattering**, as ``overlapping_same_person`` is, for windows that overlap: one that begins half a window's
    length after the last shares either half of its samples with a neighbour, which four times in five is a training
    window (``share_in_training`` says how much of each). No window is on both sides.

    A moment is a person and a time at which windows begin: what several sensors recorded of one person at one time
    stays on one side.

    Args:
        windows: those of everybody, labelled.
        seed: of the division.
    """
    each, moments = np.unique(np.stack([_people(windows), windows.starts_ns]), axis=1, return_inverse=True)
    order = np.random.default_rng(seed).permutation(each.shape[1])
    learned = np.isin(moments.reshape(-1), order[: round(TRAINING_SHARE * len(order))])
    return Split(windows[learned], windows[~learned])


def blocked_windows(windows: Windows) -> Split:
    """Cut every bout in time: the windows in its first 80 % train, those after it test, a window's length away.

    A bout is what windows of one person and label cover without a break, whichever of the person's sensors they are
    of. Training windows end before the cut. Test windows begin after it and keep a window's length from every training
    window of the same person, of whichever sensor: they share no sample, and no filter that resampled the signals
    reaches from one into the other. Windows in between are in neither part, and a bout of a few windows may have
    none to test.

    It measures the same person a moment later: bout, strap and day are still shared, so it says little about tomorrow
    and nothing about a stranger.

    Args:
        windows: those of everybody, labelled.
    """
    length_ns = _length_ns(windows)
    training, test = np.zeros(len(windows), dtype=bool), np.zeros(len(windows), dtype=bool)
    people = _people(windows)
    for person, label in np.unique(np.stack([people, windows.label_codes]), axis=1).T:
        rows = np.flatnonzero((people == person) & (windows.label_codes == label))
        starts = windows.starts_ns[rows]
        for first, end in _covered(starts, length_ns):
            cut = first + int(TRAINING_SHARE * (end - first))
            inside = (starts >= first) & (starts < end)
            training[rows] |= inside & (starts + length_ns <= cut)
            test[rows] |= inside & (starts >= cut)
    for person in np.unique(people):
        rows = np.flatnonzero(people == person)
        near = _overlap_ns(windows.starts_ns[rows] - length_ns, 3 * length_ns, windows[rows[training[rows]]])
        test[rows[near >= _sample_ns(windows) / 2]] = False
    return Split(windows[training], windows[test])


def share_in_training(split: Split) -> NDArray[np.float64]:
    """How much of each test window was learned from: the share of its time, ``[test windows]``, 0 to 1.

    Counted is time in which a training window of the same person lies, of whichever sensor; less than half a sample
    is none, for times are whole nanoseconds.
    """
    training, test = split.training, split.test
    found = np.zeros(len(test))
    for person in np.unique(test.subjects):
        theirs = test.subjects == person
        learned = training[training.subjects == person]
        found[theirs] = _overlap_ns(test.starts_ns[theirs], _length_ns(test), learned)
    found[found < _sample_ns(test) / 2] = 0
    return found / _length_ns(test)


def _people(windows: Windows) -> NDArray[np.int64]:
    """A number for each window's wearer, ``[n]``."""
    return np.unique(windows.subjects, return_inverse=True)[1].astype(np.int64)


def _sample_ns(windows: Windows) -> float:
    return 1e9 / windows.sample_rate_hz


def _length_ns(windows: Windows) -> int:
    return round(windows.length * _sample_ns(windows))


def _covered(starts_ns: NDArray[np.int64], length_ns: int) -> list[tuple[int, int]]:
    """The stretches of time, begin and end, that windows of this length cover without a break."""
    starts = np.unique(starts_ns)
    # Times are rounded to nanoseconds, so that windows which touch may miss one another by two of them.
    first = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 2 * length_ns) > length_ns + 2)
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    return list(zip(starts[first].tolist(), (starts[last] + length_ns).tolist(), strict=True))


def _overlap_ns(starts_ns: NDArray[np.int64], length_ns: int, windows: Windows) -> NDArray[np.float64]:
    """For how long each stretch of ``length_ns`` from ``starts_ns`` on lies in any of the windows, ``[n]``."""
    if len(windows) == 0 or len(starts_ns) == 0:
        return np.zeros(len(starts_ns))
    edges = np.array(_covered(windows.starts_ns, _length_ns(windows))).ravel()
    origin = edges[0]  # a float has no room for nanoseconds since 1970
    passed = np.cumsum(np.diff(edges, prepend=origin) * (np.arange(len(edges)) % 2))
    before, after = (np.interp(at - origin, edges - origin, passed) for at in (starts_ns, starts_ns + length_ns))
    return np.asarray(after - before)
