"""A watch on a table is not worn; one on a sleeper's wrist is."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.datasets.simulated import Simulation
from harken.recordings.recording import Recording
from harken.signals import mark_non_wear, movement_of, non_wear, worn
from still_recordings import SPHERE, resting
from synthetic_signals import START_NS

FINE = 1 / 1024
LABELLING = Path(__file__).parents[2] / "docs" / "labelling.md"


def minutes(intervals: np.ndarray) -> list[tuple[float, float]]:
    return [((a - START_NS) / 6e10, (b - START_NS) / 6e10) for a, b in intervals.tolist()]


def followed_by(*parts: Recording) -> Recording:
    """One after the other without a gap."""
    times, offset = [], 0
    for part in parts:
        times.append(part.time_ns + offset)
        offset += part.time_ns[-1] - part.time_ns[0] + part.time_ns[1] - part.time_ns[0]
    return replace(
        parts[0],
        time_ns=np.concatenate(times),
        signals=np.concatenate([part.signals for part in parts]),
        label_codes=np.concatenate([part.label_codes for part in parts]),
        valid=np.concatenate([part.valid for part in parts]),
    )


def test_a_watch_on_a_table_and_a_sleeper() -> None:
    table = resting(SPHERE[:1], minutes=40, step_g=FINE)
    sleeper = resting(SPHERE[1:2], minutes=180, step_g=FINE, breath_g=0.002, seed=1)
    recording = followed_by(sleeper, table, sleeper)
    ((begin, end),) = minutes(non_wear(movement_of(recording)))
    assert begin == pytest.approx(180, abs=0.35)
    assert end == pytest.approx(220, abs=0.35)
    marked = mark_non_wear(recording)
    assert (~marked.valid).sum() == pytest.approx(40 * 60 * 25, rel=0.02)
    np.testing.assert_array_equal(marked.signals, recording.signals)
    assert marked.quality.notes[-1] == "the watch was not worn once, for 0.66 h in all"


@pytest.mark.parametrize(("longer_minutes", "expected"), [(-0.5, 0), (0.5, 1)])
def test_the_least_quiet_time_is_what_the_docs_say(longer_minutes: float, expected: int) -> None:
    page = " ".join(LABELLING.read_text(encoding="utf-8").split())
    (said,) = re.findall(r"shows no breathing for (\d+) minutes or longer", page)
    table = resting(SPHERE[:1], minutes=int(said) + longer_minutes, step_g=FINE)
    turning = resting(np.tile(SPHERE[1:], (3, 1)), minutes=2, step_g=FINE)
    assert len(non_wear(movement_of(followed_by(turning, table, turning)))) == expected


def test_a_quarter_of_an_hour_among_breaths_is_worn() -> None:
    sleeper = resting(SPHERE[1:2], minutes=60, step_g=FINE, breath_g=0.002, seed=1)
    short = resting(SPHERE[:1], minutes=13, step_g=FINE)
    recording = followed_by(sleeper, short, sleeper)
    assert len(non_wear(movement_of(recording))) == 0
    assert mark_non_wear(recording).quality.notes[-1].startswith("no time without the watch on the wrist")


def moving(minutes: float, step_g: float) -> Recording:
    """A wrist that is busy."""
    recording = resting(SPHERE[2:3], minutes=minutes, noise_g=0.002, step_g=step_g)
    phase = 2 * np.pi * 1.3 * np.arange(len(recording)) / 25
    swing = np.stack([0.2 * np.sin(phase), 0.3 * np.cos(phase), 0.25 * np.sin(phase + 1)], axis=1)
    return replace(recording, signals=(recording.signals + swing).astype(np.float32))


@pytest.mark.parametrize("step_g", [FINE, 1 / 64])
@pytest.mark.parametrize("off_minutes", [5, 10, 19])
@pytest.mark.parametrize("direction", [2, 0])
def test_a_watch_that_was_taken_off_among_movement_is_not_worn(
    step_g: float, off_minutes: float, direction: int
) -> None:
    table = resting(SPHERE[direction : direction + 1], minutes=off_minutes, step_g=step_g, noise_g=0.004)
    recording = followed_by(moving(12, step_g), table, moving(12, step_g))
    ((begin, end),) = minutes(non_wear(movement_of(recording)))
    assert begin == pytest.approx(12, abs=0.35)
    assert end == pytest.approx(12 + off_minutes, abs=0.35)


@pytest.mark.parametrize("off_minutes", [3, 4])
def test_less_than_five_minutes_are_worn(off_minutes: float) -> None:
    table = resting(SPHERE[2:3], minutes=off_minutes, step_g=FINE)
    assert len(non_wear(movement_of(followed_by(moving(12, FINE), table, moving(12, FINE))))) == 0


def test_an_arm_that_rests_and_breathes_among_movement_is_worn() -> None:
    arm = resting(SPHERE[6:7], minutes=10, step_g=FINE, breath_g=0.002)
    assert len(non_wear(movement_of(followed_by(moving(12, FINE), arm, moving(12, FINE))))) == 0


@pytest.mark.parametrize("step_g", [FINE, 1 / 64])
def test_a_sleeper_who_turns_every_quarter_of_an_hour_is_worn(step_g: float) -> None:
    """Also if the arm lies flat."""
    breath_g = 0.002
    parts = [moving(12, step_g)]
    for number, direction in enumerate((2, 6, 2, 0, 2, 7)):
        arm = SPHERE[direction : direction + 1]
        parts += [
            resting(arm, minutes=15, step_g=step_g, breath_g=breath_g, seed=number),
            moving(0.5, step_g),
        ]
    assert len(non_wear(movement_of(followed_by(*parts, parts[1], moving(12, step_g))))) == 0


@pytest.mark.parametrize(("rest_minutes", "expected"), [(45, 0), (80, 1)])
def test_a_sensor_too_coarse_to_hear_a_breath_needs_an_hour(rest_minutes: float, expected: int) -> None:
    still = resting(SPHERE[:1] * 0.99, minutes=rest_minutes, step_g=1 / 64)
    turning = resting(np.tile(SPHERE, (3, 1)), minutes=2, step_g=1 / 64)
    assert len(non_wear(movement_of(followed_by(turning, still, turning)))) == expected


def test_gaps_neither_begin_nor_end_non_wear() -> None:
    table = resting(SPHERE[:1], minutes=120, step_g=FINE)
    minute = (table.time_ns - START_NS) / 6e10
    recorded = (minute < 30) | (minute > 35)
    cut = replace(
        table,
        **{name: getattr(table, name)[recorded] for name in ("time_ns", "signals", "label_codes", "valid")},
    )
    ((begin, end),) = minutes(non_wear(movement_of(cut)))
    assert begin == pytest.approx(0, abs=0.2)
    assert end == pytest.approx(120, abs=0.2)
    years = followed_by(table, table)
    later = replace(years, time_ns=years.time_ns + (np.arange(len(years)) >= len(table)) * 10**17)
    assert len(non_wear(movement_of(later))) == 2


@settings(max_examples=60)
@given(edges=st.lists(st.integers(0, 100), max_size=8, unique=True).map(sorted))
def test_worn_is_all_that_lies_outside(edges: list[int]) -> None:
    intervals = np.array(edges[: len(edges) // 2 * 2], dtype=np.int64).reshape(-1, 2)
    times = np.arange(-5, 110)
    inside = ((times[:, None] >= intervals[:, 0]) & (times[:, None] < intervals[:, 1])).any(axis=1)
    np.testing.assert_array_equal(worn(times, intervals), ~inside)


def test_a_simulated_day() -> None:
    simulation = Simulation(days=1, sample_rate_hz=20, seed=4)
    recording = simulation.recording()
    intervals = non_wear(movement_of(recording))
    assert (intervals % 10**10 == 0).all()
    assert (np.diff(intervals.reshape(-1)) > 0).all()
    truth = simulation.truth().filter(~simulation.truth()["wear"])
    table = np.stack([truth["start"].cast(int).to_numpy(), truth["end"].cast(int).to_numpy()], axis=1)
    wrong = worn(recording.time_ns, intervals) != worn(recording.time_ns, table)
    assert wrong.mean() * 24 * 60 < 15
