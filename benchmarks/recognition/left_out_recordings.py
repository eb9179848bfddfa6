"""The people of a left-out study as ``compare_recipes`` shows them to a model: with a known end of x, in clips whose
ends hold other movement, and as slow watches would have sampled them."""

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.label_schemes import SCHEMES, TRUTH
from benchmarks.studies.protocols import capped, in_scheme, mounted_recordings, study_recordings
from benchmarks.studies.scoring import OTHER
from harken.evaluation.protocols.protocol import SAMPLE_RATE_HZ, WINDOW_LENGTH_S, cut_windows
from harken.recordings.recording import ACCELERATION, UNLABELLED, Recording
from harken.signals.orientation import turned_about_face, turned_signals
from harken.signals.resampling import resample
from harken.support.errors import HarkenError
from harken.windows.known_labels import walking_axis
from harken.windows.windows import Windows, concatenate, sliding_windows

CLIP_S, SHORTEST_END_S, LONGEST_END_S = 15.0, 2.0, 3.0
"""A clip, and how long the other movement at each of its ends lasts."""
MOST_CLIPS = 8
"""Clips of a person and activity."""
HALF_TURN = 4
"""In eighths of a turn."""
SLOWER = 0.98
"""A rate below this share of a recording's own rate is a slower one."""


@dataclass(frozen=True)
class LeftOutStudy:
    """The recordings of a study with x along the forearm and, as far as it is known, towards the elbow.

    Attributes:
        name: the study.
        recordings: the recordings.
        shown: the number of recordings in which gravity in walking shows which end of x points to the elbow. The end
            of others is the one that the study states.
        turned: the number of these that were turned, because walking shows the other end than the study states.
    """

    name: str
    recordings: list[Recording]
    shown: int
    turned: int

    @property
    def people(self) -> list[str]:
        """The people, sorted."""
        return sorted({recording.subject for recording in self.recordings})

    @property
    def sample_rate_hz(self) -> float:
        """The median rate of the recordings."""
        return float(np.median([recording.sample_rate_hz for recording in self.recordings]))


class Clips(NamedTuple):
    """Clips of 15 s of one activity: as recorded (``whole``), and with other movement at both ends (``mixed``)."""

    whole: Windows
    mixed: Windows


def read_left_out(study: str, data: Path, people: int | None) -> LeftOutStudy:
    """Read a study and turn each watch so that x points to the elbow.

    Args:
        study: the name of the study.
        data: the folder that holds the studies.
        people: only so many people, the first by name; None for all.
    """
    worn = [recording.select_channels(ACCELERATION) for recording in study_recordings(study, data / study)]
    chosen = sorted({recording.subject for recording in worn})[:people]
    recordings = []
    shown = turned = 0
    for recording in mounted_recordings(study, [one for one in worn if one.subject in chosen]):
        axis = walking_axis(in_scheme(cut_windows([recording]), SCHEMES[TRUTH]))
        shown += axis in ("x", "-x")
        turned += axis == "-x"
        recordings.append(turned_about_face(recording) if axis == "-x" else recording)
    return LeftOutStudy(study, recordings, shown, turned)


def draw_scored_windows(recordings: Sequence[Recording]) -> Windows:
    """The windows of 10 s that are scored, with activities as labels: at most 40 of each person and activity, and none
    whose true label is ``other`` or unknown."""
    windows = capped(cut_windows(recordings))
    truth = in_scheme(windows, SCHEMES[TRUTH])
    return windows[(truth.label_codes != UNLABELLED) & (truth.labels != OTHER)]


def turn_half(windows: Windows) -> Windows:
    """The windows as the same watch would measure them with the other end of x towards the elbow."""
    return replace(windows, signals=turned_signals(windows.signals, HALF_TURN))


def sample_slowly(recording: Recording, sample_rate_hz: float) -> Recording:
    """The recording as a watch of a lower rate would have sampled it; as it is if its own rate is not higher.

    A simple logger takes a value at each tick and filters nothing before. So each new sample lies on the straight line
    between the two old samples around it, and frequencies above half the new rate are aliased.
    """
    if sample_rate_hz > SLOWER * recording.sample_rate_hz:
        return recording
    old_ns = recording.time_ns
    ticks = np.arange(int((old_ns[-1] - old_ns[0]) * sample_rate_hz / 1e9))
    new_ns = old_ns[0] + np.rint(ticks * (1e9 / sample_rate_hz)).astype(np.int64)
    before = np.searchsorted(old_ns, new_ns, side="right") - 1
    step_ns = old_ns[before + 1] - old_ns[before]
    in_a_stretch = step_ns <= recording.gap_limit_ns
    before, new_ns, step_ns = before[in_a_stretch], new_ns[in_a_stretch], step_ns[in_a_stretch]
    share = ((new_ns - old_ns[before]) / step_ns).astype(np.float32)
    nearest = before + (share > 0.5)
    return replace(
        recording,
        time_ns=new_ns,
        signals=_between(recording.signals, before, share),
        label_codes=recording.label_codes[nearest],
        valid=recording.valid[before] & recording.valid[before + 1],
    )


def _between(
    signals: NDArray[np.float32], before: NDArray[np.int64], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    first, second = signals[before], signals[before + 1]
    return first + share[:, None] * (second - first)


def cut_clips(recordings: Sequence[Recording]) -> Clips | None:
    """Clips of 15 s of each activity with a single true label, at most 8 of each person and activity.

    The first and the last 2 to 3 s of a mixed clip are real samples of other activities of the same recording: the end
    and the beginning of two other clips, drawn at random. Nothing is blended, so there is a step at each joint.

    Returns:
        None without a recording that holds two activities of different labels.
    """
    each = [clips for number, recording in enumerate(recordings) if (clips := _clips_of(recording, number)) is not None]
    if not each:
        return None
    return Clips(concatenate([clips.whole for clips in each]), concatenate([clips.mixed for clips in each]))


def _clips_of(recording: Recording, number: int) -> Clips | None:
    """The clips of one recording, which is the one of this number in its study."""
    clips = _pieces_of(recording)
    if clips is None:
        return None
    allowed = _allowed_labels(clips)
    single = (allowed.sum(axis=1) == 1) & ~allowed[:, SCHEMES[TRUTH].labels.index(OTHER)]
    random = np.random.default_rng([zlib.crc32(recording.subject.encode()), number])
    signals = clips.signals.copy()
    rows = []
    for row in np.flatnonzero(single).tolist():
        others = np.flatnonzero(allowed.any(axis=1) & ~(allowed & allowed[row]).any(axis=1))
        if len(others) == 0:
            continue
        first, last = random.choice(others, 2)
        before, after = random.integers(round(SHORTEST_END_S * SAMPLE_RATE_HZ), _longest_end(), 2, endpoint=True)
        signals[row, :before] = clips.signals[first, -before:]
        signals[row, -after:] = clips.signals[last, :after]
        rows.append(row)
    if not rows:
        return None
    chosen = np.array(rows)
    return Clips(clips[chosen], replace(clips, signals=signals)[chosen])


def _longest_end() -> int:
    return round(LONGEST_END_S * SAMPLE_RATE_HZ)


def _pieces_of(recording: Recording) -> Windows | None:
    """Pieces of 15 s of one activity, which do not overlap; None without any."""
    even = resample(recording, sample_rate_hz=SAMPLE_RATE_HZ)
    pieces = None
    with suppress(HarkenError):  # no bout is long enough
        pieces = capped(sliding_windows(even, length_s=CLIP_S, hop_s=CLIP_S), MOST_CLIPS)
    return None if pieces is None else replace(pieces, sample_rate_hz=SAMPLE_RATE_HZ)


def _allowed_labels(windows: Windows) -> NDArray[np.bool_]:
    """Which labels are true of each window, ``[n, labels]``; none of an activity that the scheme leaves out."""
    truth = in_scheme(windows, SCHEMES[TRUTH])
    allowed = SCHEMES[TRUTH].matrix(truth.label_names)[truth.label_codes]
    allowed[truth.label_codes == UNLABELLED] = False
    return allowed


def windows_in_clips(clips: Windows) -> list[Windows]:
    """The two windows of 10 s that ``harken label`` lays over a clip of 15 s: at its beginning and at its end."""
    length = round(WINDOW_LENGTH_S * SAMPLE_RATE_HZ)
    return [replace(clips, signals=clips.signals[:, part]) for part in (slice(length), slice(-length, None))]


def middle_of_clips(clips: Windows) -> Windows:
    """The window of 10 s in the middle of each clip."""
    return clips.middle(round(WINDOW_LENGTH_S * SAMPLE_RATE_HZ))
