"""Steps: of labelled rows, of bouts, and of the busiest minutes."""

import numpy as np
import polars as pl
import pytest

from example_timelines import timeline
from harken.datasets.simulated import Simulation
from harken.outcomes.movement_rows import MovementMeter
from harken.outcomes.steps import day_cadence, with_bout_steps, with_steps
from harken.recordings.source import Samples
from movement_frames import movement_frame

START_S = 1_704_067_200.0
KNOWN = ("sitting", "walking", "stairs", "running")


def rows(count: int, walking: float = 100.0, running: float = 160.0) -> pl.DataFrame:
    start_ns = int(START_S) * 10**9 + 5 * 10**9 * np.arange(count)
    return movement_frame(
        start_ns,
        np.full(count, 100.0),
        walking_cadence=np.full(count, walking),
        running_cadence=np.full(count, running),
    )


def test_only_time_on_foot_has_steps_and_each_way_of_moving_its_own_cadence() -> None:
    labelled = timeline(
        START_S, [60, 62.5, 60, 30, 27.5], ["sitting", "walking", "running", "stairs", "gap"], known=KNOWN
    )
    found = with_steps(rows(48), labelled.frame, KNOWN)
    steps = found["steps"].to_numpy()
    assert found.columns[-3:] == ["walking_cadence", "running_cadence", "steps"]  # a summary needs the cadences again
    assert (steps[:12] == 0).all()
    assert steps[12:24] == pytest.approx([100 / 12] * 12)
    assert steps[24] == pytest.approx(2.5 / 60 * (100 + 160))
    assert steps.sum() == pytest.approx(100 * 92.5 / 60 + 160)
    bouts = with_bout_steps(labelled.bouts(), found)
    assert bouts["steps"].to_list() == [None, *(pytest.approx(n, rel=0.02) for n in (104.2, 160.0, 50.0))]
    assert bouts["cadence"].to_list() == [None, *(pytest.approx(n, rel=0.02) for n in (100, 160, 100))]


def test_a_wrong_cadence_among_right_ones_does_not_count_and_an_unknown_one_is_filled() -> None:
    frame = rows(24)
    cadence = np.full(24, 100.0)
    cadence[[3, 10, 11]] = 155.0
    cadence[[5, 17]] = np.nan
    frame = frame.with_columns(walking_cadence=pl.Series(cadence, dtype=pl.Float32).fill_nan(None))
    labelled = timeline(START_S, [120], ["walking"], known=KNOWN)
    assert with_steps(frame, labelled.frame, KNOWN)["steps"].to_list() == pytest.approx([100 / 12] * 24)
    nothing = frame.with_columns(walking_cadence=pl.lit(None, dtype=pl.Float32))
    assert with_steps(nothing, labelled.frame, KNOWN)["steps"].to_list() == [0.0] * 24


def test_a_model_without_labels_on_foot_knows_no_steps() -> None:
    labelled = timeline(START_S, [120], ["sitting"], known=("sitting", "other"))
    found = with_steps(rows(24), labelled.frame, ("sitting", "other"))
    assert found["steps"].null_count() == 24
    assert with_bout_steps(labelled.bouts(), found)["steps"].to_list() == [None]
    assert day_cadence(found).select("peak_cadence_1", "peak_cadence_30").row(0) == (None, None)
    assert with_bout_steps(labelled.bouts(), None)["cadence"].to_list() == [None]


def test_the_busiest_minutes_need_not_follow_one_another() -> None:
    start_ns = int(START_S) * 10**9 + 5 * 10**9 * np.arange(2 * 17_280)
    random = np.random.default_rng(0)
    steps = np.where(random.random(len(start_ns)) < 0.1, random.uniform(5, 12, len(start_ns)), 0).astype(np.float32)
    frame = movement_frame(start_ns, steps).drop("walking_cadence", "running_cadence")
    found = day_cadence(frame.with_columns(steps=pl.Series(steps)))
    minutes = np.sort(steps.astype(np.float64).reshape(2, 1440, 12).sum(axis=2), axis=1)
    assert found["peak_cadence_1"].to_list() == pytest.approx(minutes[:, -1].tolist())
    assert found["peak_cadence_30"].to_list() == pytest.approx(minutes[:, -30:].mean(axis=1).tolist())
    short = day_cadence(frame.with_columns(steps=pl.Series(steps))[: 12 * 29])
    assert (short["peak_cadence_1"][0] > 0, short["peak_cadence_30"][0]) == (True, None)


@pytest.mark.parametrize("seed", [6, 7])
def test_the_steps_of_a_simulated_wearer_are_counted(seed: int) -> None:
    simulation = Simulation(days=1, sample_rate_hz=50, seed=seed)
    recording = simulation.recording()
    meter = MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    meter.push(Samples.of(recording))
    rows_of_five_seconds = meter.finish().frame(timezone="UTC")
    for label, bouts in simulation.footsteps().group_by("label"):
        found = with_steps(rows_of_five_seconds, bouts, KNOWN)["steps"].sum()
        assert found == pytest.approx(bouts["steps"].sum(), rel=0.01), label
