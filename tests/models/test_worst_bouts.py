"""The worst bouts, beside the same computed bout by bout in plain Python."""

import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.models.worst_bouts import MOST_BOUTS, LabelledBouts, find_wrong_bouts, rank_bouts
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.windows.windows import Windows, sliding_windows

START_NS = 1_717_400_000 * 10**9
RATE_HZ, LENGTH_S, HOP_S = 10, 4, 2
LABELS = ("lying", "sitting", "walking")


def recording_of(seconds_by_label: list[tuple[int, int]], *, subject: str = "anna", source: str = "") -> Recording:
    """Stretches of a label (-1: none), one after the other."""
    codes = np.concatenate([np.full(seconds * RATE_HZ, code, np.int16) for code, seconds in seconds_by_label])
    time_ns = START_NS + np.arange(len(codes)) * 10**9 // RATE_HZ
    return Recording(
        time_ns=time_ns,
        signals=np.zeros((len(codes), 3), np.float32),
        channels=("x", "y", "z"),
        label_codes=codes,
        label_names=LABELS,
        subject=subject,
        source=source or f"{subject}.csv",
        timezone="Europe/Athens",
    )


def windows_of(recording: Recording) -> Windows:
    return sliding_windows(recording, length_s=LENGTH_S, hop_s=HOP_S)


@settings(max_examples=40)
@given(
    stretches=st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 40)), min_size=1, max_size=25).filter(
        lambda all_: any(code >= 0 and seconds >= LENGTH_S for code, seconds in all_)
    ),
    seed=st.integers(0, 999),
    missing=st.booleans(),
)
def test_they_are_those_of_each_bout_alone(stretches: list[tuple[int, int]], seed: int, missing: bool) -> None:
    recording = recording_of(stretches)
    made = np.random.default_rng(seed)
    windows = windows_of(recording)
    if missing:  # as of windows that another test took
        windows = windows[made.random(len(windows)) < 0.7]
    probabilities = made.dirichlet(np.full(3, 0.5), len(windows)).astype(np.float32)
    found = find_wrong_bouts(LabelledBouts.of(recording), windows, probabilities, LABELS, test="unseen people")
    expected = []
    for first, last in zip(recording.bout_edges[:-1], recording.bout_edges[1:], strict=True):
        code = int(recording.label_codes[first])
        if code < 0:
            continue
        begin_s, end_s = first / RATE_HZ, last / RATE_HZ
        starts_s = (windows.starts_ns - START_NS) / 1e9
        own = [number for number, start_s in enumerate(starts_s) if begin_s <= start_s < end_s]
        given_ = [LABELS[probabilities[number].argmax()] for number in own]
        wrong = [number for number, label in zip(own, given_, strict=True) if label != LABELS[code]]
        if not wrong:
            continue
        covered = {
            step
            for number in own
            for step in range(round(10 * starts_s[number]), round(10 * (starts_s[number] + LENGTH_S)))
        }
        share, sure = len(wrong) / len(own), float(np.mean([probabilities[number].max() for number in wrong]))
        commonest = Counter(label for label in given_ if label != LABELS[code])
        expected.append((share * share * len(covered) / 10 * sure, begin_s, len(own), len(wrong), commonest))
    expected.sort(key=lambda each: (-each[0], each[1]))
    assert len(found) == min(len(expected), MOST_BOUTS)
    for bout, (badness, begin_s, count, wrong_count, commonest) in zip(found, expected, strict=False):
        assert bout.badness == pytest.approx(badness, rel=1e-4)
        assert (bout.start_ns - START_NS) / 1e9 == pytest.approx(begin_s)
        assert (bout.windows, bout.wrong) == (count, wrong_count)
        assert commonest[bout.predicted] == max(commonest.values())


def test_windows_of_other_people_and_recordings_do_not_count() -> None:
    anna, bert = (recording_of([(0, 30), (2, 60)], subject=name) for name in ("anna", "bert"))
    windows = windows_of(anna)
    always_lying = np.tile(np.array([0.8, 0.1, 0.1], np.float32), (len(windows), 1))
    (bout,) = find_wrong_bouts(LabelledBouts.of(anna), windows, always_lying, LABELS, test="unseen people")
    assert (bout.label, bout.predicted, bout.windows, bout.wrong, bout.tested_s) == ("walking", "lying", 29, 29, 60)
    assert bout.badness == pytest.approx(60 * 0.8)
    assert bout.when == "2024-06-03 10:33:50 to 10:34:49"
    assert find_wrong_bouts(LabelledBouts.of(bert), windows, always_lying, LABELS, test="unseen people") == []
    later = replace(anna, time_ns=anna.time_ns + 10**12)
    assert find_wrong_bouts(LabelledBouts.of(later), windows, always_lying, LABELS, test="unseen people") == []
    assert rank_bouts([bout, bout]) == [bout]


def test_the_command_opens_the_bout_or_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "anna's week.csv"
    path.touch()
    recording = recording_of([(0, 30), (2, 60)], source=str(path))
    windows = windows_of(recording)
    always_lying = np.tile(np.array([0.8, 0.1, 0.1], np.float32), (len(windows), 1))
    reading = TableOptions(timezone="Europe/Athens", sample_rate_hz=50)

    def command_of(recording: Recording) -> list[str] | None:
        (bout,) = find_wrong_bouts(LabelledBouts.of(recording), windows, always_lying, LABELS, test="unseen people")
        command = bout.with_command(reading, ["--model", "first-run"], forearm_axis="-x").command
        return None if command is None else shlex.split(command)

    at = ["--model", "first-run", "--at", "2024-06-03T10:33:50+03:00", "--forearm-axis", "-x"]
    options = ["--timezone", "Europe/Athens", "--rate", "50"]
    assert command_of(recording) == ["harken", "annotate", str(path), *at, *options]
    of_table = replace(recording, source=f"{path}, anna", file=str(path), within_file="anna")
    assert command_of(of_table) == [
        "harken",
        "annotate",
        str(path),
        *at,
        *options[:2],
        "--subject",
        "anna",
        *options[2:],
    ]
    assert command_of(replace(of_table, within_file="anna, left wrist")) is None
    assert command_of(replace(recording, study="wisdm")) is None
    path.unlink()
    assert command_of(recording) is None
