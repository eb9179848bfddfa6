"""Steps: of labelled rows, of bouts, and of the busiest minutes."""

import math
from statistics import median

import numpy as np
import polars as pl
import pytest

from example_timelines import timeline
from harken.datasets.simulated import Simulation
from harken.outcomes.intensity import day_cadence, with_bout_steps, with_steps
from harken.outcomes.movement_rows import MovementMeter, movement_table
from harken.recordings.source import Samples
from harken.support.tables import times
from movement_frames import movement_frame
from synthetic_signals import clock, made

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


@pytest.mark.parametrize("seed", range(4))
def test_steps_are_those_of_a_loop_over_the_seconds(seed: int) -> None:
    random = np.random.default_rng(seed)
    mads, cadence = random.uniform(0, 200, (40, 5)), random.uniform(70, 150, 40)
    mads[random.random(40) < 0.2] = np.nan
    cadence[random.random(40) < 0.2] = np.nan
    mad = random.uniform(0, 20, 40)
    start_ns = int(START_S) * 10**9 + 5 * 10**9 * np.arange(40)
    frame = movement_frame(start_ns, mad, second_mads_mg=mads, walking_cadence=cadence)
    lengths = [2.5 * int(random.integers(2, 12)) for _ in range(8)]
    labelled = timeline(START_S, lengths, ["sitting", "walking", "stairs", "walking"] * 2, known=KNOWN)

    begins = range(0, 200, 5)

    def seconds_of(label: str) -> list[list[float]]:
        spans = labelled.frame.filter(pl.col("label") == label).select("start", "end").rows()
        inside = [(a.timestamp() - START_S, b.timestamp() - START_S) for a, b in spans]
        return [[sum(max(0, min(b, s + 1) - max(a, s)) for a, b in inside) for s in range(k, k + 5)] for k in begins]

    walking, stairs = seconds_of("walking"), [sum(each) for each in seconds_of("stairs")]
    movement = [[mad[k]] * 5 if math.isnan(mads[k, 0]) else sorted(mads[k]) for k in range(40)]
    on_foot, expected = [], []
    for k in range(40):
        around = [movement[j][2] for j in range(max(k - 4, 0), min(k + 5, 40)) if sum(walking[j]) > 0]
        least = 0.4 * median(around) if around else 0.0
        each = [mad[k]] * 5 if math.isnan(mads[k, 0]) else mads[k]
        on_foot.append(stairs[k] + sum(t for t, mg in zip(walking[k], each, strict=True) if mg >= least))
        near = [cadence[j] for j in range(max(k - 4, 0), min(k + 5, 40)) if sum(walking[j]) + stairs[j] > 0]
        known = [each for each in near if not math.isnan(each)]
        expected.append(on_foot[k] / 60 * median(known) if known and on_foot[k] > 0 else 0.0)
    steps = with_steps(frame, labelled.frame, KNOWN)["steps"].to_list()
    assert steps == pytest.approx(expected, rel=1e-4)
    assert sum(on_foot) < 0.9 * (sum(map(sum, walking)) + sum(stairs))


@pytest.mark.parametrize("size_g", [0.3, 0.08], ids=["a swinging arm", "a hand in a pocket"])
def test_standing_at_the_ends_of_a_walk_and_on_the_way_has_no_steps(size_g: float) -> None:
    time_ns = clock(25, 100)
    second = (time_ns - time_ns[0]) / 1e9
    walks = ((second > 7) & (second < 48)) | ((second > 57) & (second < 92))
    phase = 2 * np.pi * 0.9 * second  # 108 steps a minute
    swing = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase)], axis=1)
    signals = np.array([0.8, 0.5, 0.3]) + size_g * swing * np.where(walks, 1.0, 0.1)[:, None]
    meter = MovementMeter(sample_rate_hz=25)
    meter.push(Samples.of(made(time_ns, signals)))
    edges = times(time_ns[[0, -1]], "UTC")
    everything = pl.DataFrame({"start": edges[:1], "end": edges[1:], "label": ["walking"]})
    steps = with_steps(movement_table(meter.finish(), timezone="UTC"), everything, KNOWN)["steps"].sum()
    assert steps == pytest.approx(108 / 60 * (41 + 35), rel=0.03)


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
    rows_of_five_seconds = movement_table(meter.finish(), timezone="UTC")
    for label, bouts in simulation.footsteps().group_by("label"):
        found = with_steps(rows_of_five_seconds, bouts, KNOWN)["steps"].sum()
        assert found == pytest.approx(bouts["steps"].sum(), rel=0.01), label
