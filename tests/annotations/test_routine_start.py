"""The start of a routine that a table says wrongly by up to a minute."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.annotations.labelled_files import with_labels
from harken.annotations.routine import Step, find_routine
from harken.annotations.routine_start import Seconds, SoughtStep, compare_starts, find_start
from harken.datasets.dsads import read_dsads
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from made_recordings import recording_of

SECOND = 10**9
START_NS = 1_709_978_400 * SECOND
RATE_HZ = 20
BEFORE_S = 150
FIVE_MINUTES = find_routine("five-minutes").steps
POSTURES = [(0, 0, 1), (0, 1, 0), (0.6, 0, 0.8), (0.7, 0.1, 0.7), (0.3, 0.2, 0.93), (-1, 0, 0), (-0.3, 0, 0.95)]
"""The direction of gravity in the steps in which nobody walks."""
DSADS = [
    *("lying_on_back", "lying_on_right_side", "sitting", "sitting", "sitting", "standing"),
    *("moving_around_in_elevator", "walking_parking_lot", "ascending_stairs"),
]
"""What the wearers of DSADS did in each of the five minutes' steps."""


def walk(seconds: float, random: np.random.Generator) -> NDArray[np.float64]:
    """The samples of somebody who walks with two steps a second."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swing = 0.4 * np.sin(2 * np.pi * time_s + random.uniform(0, 6))
    bounce = 0.35 * np.sin(4 * np.pi * time_s)
    return np.stack([-0.9 + bounce, swing, 0.2 + swing], axis=1) + random.normal(0, 0.08, (len(time_s), 3))


def rest(seconds: float, gravity: Sequence[float], random: np.random.Generator) -> NDArray[np.float64]:
    return np.array(gravity, float) + random.normal(0, 0.01, (round(seconds * RATE_HZ), 3))


def record_routine(seed: int) -> Recording:
    """A recording whose wearer begins the five minutes after ``BEFORE_S``, up to 3 s late at each step."""
    random = np.random.default_rng(seed)
    late_s = random.uniform(0, 3, len(FIVE_MINUTES) + 1)
    parts = [rest(BEFORE_S + late_s[0], (0.2, 0.4, 0.9), random)]
    for number, step in enumerate(FIVE_MINUTES):
        changing_s = random.uniform(2, 6)
        parts.append(random.normal(0, 0.3, (round(changing_s * RATE_HZ), 3)) + 0.5)
        length_s = step.seconds + late_s[number + 1] - late_s[number] - changing_s
        is_walk = number >= len(POSTURES)
        parts.append(walk(length_s, random) if is_walk else rest(length_s, POSTURES[number], random))
    parts.append(rest(BEFORE_S, (0.1, 0.6, 0.8), random))
    return recording_at(np.concatenate(parts))


def recording_at(signals: NDArray[np.floating], rate_hz: float = RATE_HZ) -> Recording:
    time_ns = START_NS + np.rint(np.arange(len(signals)) / rate_hz * SECOND).astype(np.int64)
    return recording_of(time_ns, signals, timezone="UTC", subject="anna")


def write_start(folder: Path, start_s: float, *, exact: str = "", routine: str = "five-minutes") -> Path:
    path = folder / "starts.csv"
    path.write_text(f"person,routine,start,exact\nanna,{routine},{START_NS // SECOND + start_s:.0f},{exact}\n")
    return path


def first_label_s(recording: Recording) -> float:
    """When the first label begins, in seconds after the first sample."""
    return int(np.flatnonzero(recording.label_codes >= 0)[0]) / RATE_HZ


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), wrong_s=st.integers(-60, 60))
def test_a_start_that_is_wrong_by_up_to_a_minute_is_found(seed: int, wrong_s: int) -> None:
    recording = record_routine(seed)
    steps = [SoughtStep(int(step.start_s), int(step.start_s + step.seconds), step.label) for step in FIVE_MINUTES]
    start = find_start(recording, START_NS + (BEFORE_S + wrong_s) * SECOND, steps)
    assert start is not None
    assert start.is_clear
    assert abs(start.shift_s + wrong_s) <= 3


def test_labels_begin_at_the_start_that_was_found_and_a_note_says_so(tmp_path: Path) -> None:
    labelled = with_labels(record_routine(1), write_start(tmp_path, BEFORE_S - 23))
    assert abs(first_label_s(labelled) - BEFORE_S - 5) <= 3
    assert set(labelled.label_names) == {"lying", "sitting", "standing", "walking", "stairs"}
    (note,) = labelled.quality.notes
    assert note.startswith("The routine of anna began 2")
    assert (
        "s later than written: no other start within 60 s fits nearly as well, and the signal changes at 10 of the"
        in note
    )
    assert note.endswith("(starts.csv, line 2).")


def test_an_exact_start_is_not_searched(tmp_path: Path) -> None:
    labelled = with_labels(record_routine(1), write_start(tmp_path, BEFORE_S - 23, exact="Yes"))
    assert first_label_s(labelled) == BEFORE_S - 23 + 5
    assert not labelled.quality.notes


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (
            recording_at(rest(700, (0, 0, 1), np.random.default_rng(0))),
            r"fit about equally well, |no start within 60 s fits its steps",
        ),
        (
            recording_at(walk(700, np.random.default_rng(0))),
            r"fit about equally well, |no start within 60 s fits its steps",
        ),
        (recording_at(np.full((700 * RATE_HZ, 3), np.nan)), "there are no samples within 60 s of its steps"),
    ],
)
def test_a_start_that_is_not_clear_is_refused_with_its_line(recording: Recording, words: str, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=words) as caught:
        with_labels(recording, write_start(tmp_path, BEFORE_S))
    assert caught.value.place == "line 2"
    assert "the samples do not show clearly when the routine of anna began" in str(caught.value)
    assert "Find the start with harken annotate, correct it, and write yes in a column exact" in str(caught.value)


@pytest.mark.parametrize("recorded_s", [20, 60, 100, 150, 200, 250, 290])
def test_a_routine_that_is_recorded_in_part_is_refused(recorded_s: int, tmp_path: Path) -> None:
    recording = recording_at(record_routine(1).signals[: (BEFORE_S + recorded_s) * RATE_HZ])
    with pytest.raises(HarkenError, match=r"% of its steps is recorded|outside") as caught:
        with_labels(recording, write_start(tmp_path, BEFORE_S, exact="no"))
    assert caught.value.place == "line 2"


@pytest.mark.parametrize("wrong_s", [-97, 97])
def test_a_start_that_is_wrong_by_more_than_a_minute_is_refused(wrong_s: int, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="do not show clearly when the routine of anna began") as caught:
        with_labels(record_routine(1), write_start(tmp_path, BEFORE_S + wrong_s))
    assert caught.value.place == "line 2"


def test_a_start_outside_the_recording_is_refused_as_other_labels(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="outside"):
        with_labels(record_routine(1), write_start(tmp_path, 5000))


def test_steps_of_unknown_labels_are_found_by_their_changes(tmp_path: Path) -> None:
    text = 'title = "Mine"\ncut_s = 5\n'
    for number, step in enumerate(FIVE_MINUTES):
        text += f'[[step]]\ndo = "It."\nlabel = "thing {number}"\nkind = "usual"\nseconds = {step.seconds}\n'
    (tmp_path / "mine.toml").write_text(text)
    labelled = with_labels(record_routine(2), write_start(tmp_path, BEFORE_S + 31, routine="mine.toml"))
    assert abs(first_label_s(labelled) - BEFORE_S - 5) <= 3


def join_dsads(recording: Recording, steps: Sequence[Step]) -> NDArray[np.float32]:
    """The samples of somebody who sat, walked for 5 s before each step, and then sat."""
    pieces = {
        name: recording.signals[recording.label_codes == code, :3] for code, name in enumerate(recording.label_names)
    }
    parts = [pieces["sitting"][-BEFORE_S * 25 :]]
    for number, step in enumerate(steps):
        samples = round((step.seconds - 5) * 25)
        first = number * 500
        parts += [pieces["walking_parking_lot"][first : first + 5 * 25], pieces[DSADS[number]][first:][:samples]]
    return np.concatenate([*parts, pieces["cycling_exercise_bike_horizontal"][: BEFORE_S * 25]])


@pytest.mark.parametrize("wrong_s", [-60, -41, -17, 0, 36, 58])
def test_starts_of_real_people_are_found(data_dir: Path, wrong_s: int) -> None:
    steps = [SoughtStep(int(step.start_s), int(step.start_s + step.seconds), step.label) for step in FIVE_MINUTES]
    seconds = steps[-1].end_s + 120
    for recording in read_dsads(data_dir / "dsads")[:4]:
        signals = join_dsads(recording, FIVE_MINUTES).astype(np.float64)
        time_s = np.arange(len(signals)) / 25 - (BEFORE_S + wrong_s - 60)
        near = (time_s >= 0) & (time_s < seconds)
        start = compare_starts(Seconds.of(time_s[near], signals[near], seconds), steps)
        assert start.is_clear
        assert abs(start.shift_s + wrong_s) <= 3
