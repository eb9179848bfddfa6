"""Divisions of the recordings or windows of one person into training and test data."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

TRAINING_SHARE = 0.8


class NoHonestTest(Enum):
    """Why there is no honest same-person split."""

    SHORT_BOUTS = "no bout is long enough to be cut in two"
    ONE_LABEL = "only one label has bouts long enough to be cut in two"
    NO_TEST_WINDOW = "no label with training windows has windows left to test on"


@dataclass(frozen=True)
class Split:
    """Training windows and test windows."""

    training: Windows
    test: Windows


def overlapping_same_person(windows: Windows, *, training: int) -> Split:
    """The notebook's split: the first ``training`` random windows train, the others test.

    **The score is too high.** The windows were drawn from the same rows, so nearly every test window shares most of its
    samples with training windows. It measures how well the network memorises samples of the same person, bout, strap
    position and day.
    """
    return Split(windows[:training], windows[training:])


def blocked_same_person(
    recording: Recording, *, window_length: int, least_test: int = 0
) -> tuple[Recording, Recording]:
    """Divide each bout in time: the first 80 % is for training, and the rest, minus one window length, is for testing.

    A bout ends at a label change or a gap. Both returned recordings have all samples; each marks the samples that do
    not belong to its part as invalid. So training windows and test windows share no sample. It measures recognition of
    the same person without shared samples. Bout, strap position and day are still shared, so the score does not hold
    for other days or unseen people.

    Args:
        recording: a mended recording.
        window_length: samples in a window. This number of samples is dropped between the two parts of a bout.
        least_test: samples in the test part of a bout that is so short that 20 % of it, minus one window length, are
            fewer. A bout in which this would leave less than a window for training has the usual parts.

    Raises:
        HarkenError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise HarkenError(f"{recording.source}: a blocked split needs a mended recording; read it without as_found")
    edges = recording.bout_edges
    starts, ends = edges[:-1], edges[1:]
    cuts = starts + (TRAINING_SHARE * (ends - starts)).astype(np.int64)
    sooner = ends - window_length - least_test
    if least_test:
        cuts = np.where(sooner - starts >= window_length, np.minimum(cuts, sooner), cuts)
    rows = np.arange(len(recording))
    bout = np.repeat(np.arange(len(starts)), ends - starts)
    training = recording.valid & (rows < cuts[bout])
    test = recording.valid & (rows >= cuts[bout] + window_length)
    return replace(recording, valid=training), replace(recording, valid=test)


def overlapping_windows(windows: Windows, *, seed: int) -> Split:
    """Divide windows at random: four fifths of the start times are for training, the others for testing.

    **The score is too high** if windows overlap, as for ``overlapping_same_person``. With a hop of half a window, each
    half of a test window is shared with a neighbour, which is a training window in four of five cases
    (``share_in_training`` gives the share for each). No window is in both parts.

    Windows of one person that begin at the same time, from several sensors, stay in the same part.

    Args:
        windows: the labelled windows of all people.
        seed: the seed of the random division.
    """
    each, moments = np.unique(np.stack([_people(windows), windows.starts_ns]), axis=1, return_inverse=True)
    order = np.random.default_rng(seed).permutation(each.shape[1])
    in_training = np.isin(moments.reshape(-1), order[: round(TRAINING_SHARE * len(order))])
    return Split(windows[in_training], windows[~in_training])


def blocked_windows(windows: Windows) -> Split:
    """Divide each bout in time: windows in the first 80 % are for training. Windows after it, at a distance of one
    window length, are for testing.

    A bout is a period that windows of one person and label, of any sensor, cover without a break. Training windows end
    before the cut. Test windows begin after it, at least one window length from every training window of the same
    person, of any sensor. So they share no sample, and the filter of a resampling does not mix them. Windows in between
    are in neither part. A bout of a few windows may have no test window.

    It measures recognition of the same person a short time later. Bout, strap position and day are still shared, so the
    score does not hold for other days or unseen people.

    Args:
        windows: the labelled windows of all people.
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
    """The share of each test window's time that is also in training windows, ``[test windows]``, 0 to 1.

    Training windows of the same person count, of any sensor. Overlaps shorter than half a sample count as 0, because
    times are rounded to nanoseconds.
    """
    training, test = split.training, split.test
    found = np.zeros(len(test))
    for person in np.unique(test.subjects):
        theirs = test.subjects == person
        trained = training[training.subjects == person]
        found[theirs] = _overlap_ns(test.starts_ns[theirs], _length_ns(test), trained)
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
    """The periods, as (begin, end), that windows of this length cover without a break."""
    starts = np.unique(starts_ns)
    # Times are rounded to nanoseconds, so between adjacent windows there may be two nanoseconds.
    first = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 2 * length_ns) > length_ns + 2)
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    return list(zip(starts[first].tolist(), (starts[last] + length_ns).tolist(), strict=True))


def _overlap_ns(starts_ns: NDArray[np.int64], length_ns: int, windows: Windows) -> NDArray[np.float64]:
    """For each period of ``length_ns`` that begins at ``starts_ns``, how long windows cover it, ``[n]``."""
    if len(windows) == 0 or len(starts_ns) == 0:
        return np.zeros(len(starts_ns))
    edges = np.array(_covered(windows.starts_ns, _length_ns(windows))).ravel()
    origin = edges[0]  # a float64 cannot represent nanoseconds since 1970 exactly
    passed = np.cumsum(np.diff(edges, prepend=origin) * (np.arange(len(edges)) % 2))
    before, after = (np.interp(at - origin, edges - origin, passed) for at in (starts_ns, starts_ns + length_ns))
    return np.asarray(after - before)
