"""Movement in rows of five seconds: the same as computed one by one in double precision, however the stream is cut; and
the cadence of strides that were made, at any rate."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

import harken.outcomes.movement_rows as module
from harken.outcomes.movement_rows import LEAST_MAD_MG, MovementMeter, movement_table
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from synthetic_signals import ROUGH, START_NS, clock, made

ROW_NS = 5 * 10**9
SECONDS = pl.Array(pl.Float32, 5)


def strides(time_ns: NDArray[np.int64], cadence: float, *, seed: int = 0, size_g: float = 0.3) -> Recording:
    """An arm that swings once a stride, with a jolt at every step and noise."""
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * (cadence / 120) * (time_ns - START_NS) / 1e9
    swing = size_g * np.stack([np.sin(phase), 0.5 * np.cos(phase), 0.3 * np.sin(phase + 1)], axis=1)
    jolt = 0.6 * size_g * np.cos(2 * phase)[:, None] * np.array([0.2, 0.9, 0.3])
    return made(time_ns, swing + jolt + np.array([0.5, 0.6, 0.6]) + random.normal(0, 0.02, (len(time_ns), 3)))


def measured(recording: Recording) -> pl.DataFrame:
    meter = MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    meter.push(Samples.of(recording))
    return meter.finish()


def reference(recording: Recording) -> dict[str, NDArray[np.float64]]:
    """Each row by itself, in double precision."""
    found = []
    good = np.flatnonzero(recording.valid)
    for number in np.unique(recording.time_ns[good] // ROW_NS):
        rows = good[recording.time_ns[good] // ROW_NS == number]
        values = recording.signals[rows, :3].astype(np.float64)
        length = np.linalg.norm(values, axis=1)
        angle = np.degrees(np.arctan2(values[:, 2], np.hypot(values[:, 0], values[:, 1])))
        expected = 5 * recording.sample_rate_hz
        found.append(
            {
                "start_ns": number * ROW_NS,
                "enmo_mg": 1000 * np.maximum(length - 1, 0).mean(),
                "mad_mg": 1000 * np.abs(length - length.mean()).mean(),
                "angle_z_degrees": angle.mean(),
                "valid_s": 5.0 if len(rows) >= expected - 1 else 5 * len(rows) / expected,
            }
        )
    return {name: np.array([row[name] for row in found]) for name in found[0]} if found else {}


@settings(max_examples=60)
@given(drawn=ROUGH, pushes=st.integers(0, 40), walks=st.booleans())
def test_a_stream_gives_the_rows_of_the_whole_to_the_bit(
    drawn: tuple[Recording, np.random.Generator], pushes: int, walks: bool
) -> None:
    recording, random = drawn
    if walks:
        recording = strides(clock(50, 60, jitter=0.2), 110)
    whole, meter = measured(recording), MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    cuts = np.sort(random.integers(0, len(recording) + 1, pushes))
    for first, last in zip([0, *cuts], [*cuts, len(recording)], strict=True):
        meter.push(Samples.of(recording).part(first, last))
    rows = meter.finish()
    assert_frame_equal(rows, whole, check_exact=True)
    for name, expected in reference(recording).items():
        np.testing.assert_allclose(rows[name], expected, rtol=1e-5, atol=1e-3, err_msg=name)


def test_gaps_and_non_wear_are_rows_and_longer_gaps_are_none() -> None:
    time_ns = clock(50, 600, gaps_s=[(101, 204)])
    later = time_ns + 3 * 86400 * 10**9
    recording = made(np.concatenate([time_ns, later]))
    off = np.array([[START_NS // ROW_NS * ROW_NS + 30 * 10**9, START_NS // ROW_NS * ROW_NS + 60 * 10**9]])
    frame = movement_table(measured(recording), timezone="Europe/Athens", non_wear_ns=off)
    starts = frame["start"].dt.epoch("ns").to_numpy()
    assert (starts % ROW_NS == 0).all()
    steps = np.diff(starts) // ROW_NS
    assert (np.flatnonzero(steps != 1) == [len(frame) // 2 - 1]).all()
    one = frame[: len(frame) // 2]
    missing = one.filter(pl.col("valid_s") == 0)
    assert len(missing) == 19  # 105 s to 200 s; the rows at the two ends of the gap have some samples
    assert missing.drop("start", "valid_s").null_count().row(0) == (19,) * 7
    assert one.filter(~pl.col("wear"))["start"].dt.epoch("ns").to_list() == list(range(off[0, 0], off[0, 1], ROW_NS))
    assert frame["valid_s"].sum() == pytest.approx(len(recording) / 50, abs=0.2)
    assert frame.schema["start"] == pl.Datetime("ns", "Europe/Athens")


def test_samples_that_are_hours_apart_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(made(START_NS + np.arange(40) * 3600 * 10**9))
    assert len(movement_table(rows, timezone="UTC")) == 39 * 720 + 1
    monkeypatch.setattr(module, "MOST_MISSING_ROWS", 39 * 719 - 1)
    assert len(movement_table(rows, timezone="UTC")) == 40


def test_no_samples_give_no_rows() -> None:
    meter = MovementMeter(sample_rate_hz=50)
    assert len(meter.finish()) == 0
    meter = MovementMeter(sample_rate_hz=50)
    meter.push(Samples.of(made(clock(50, 20), valid=np.zeros(1000, bool))))
    frame = movement_table(meter.finish(), timezone="UTC")
    assert len(frame) == 0
    assert frame.dtypes == [pl.Datetime("ns", "UTC"), *[pl.Float32] * 4, pl.Boolean, SECONDS, *[pl.Float32] * 2]


@pytest.mark.parametrize("rate_hz", [12.5, 25, 31.25, 50, 87.5, 100])
@pytest.mark.parametrize(
    ("cadence", "runs", "error"),
    # A stride of 1.8 s occurs less than three times in a row, and its frequency is at the edge of those that count.
    [
        (66, False, 0.08),
        (90, False, 0.02),
        (118, False, 0.02),
        (150, False, 0.02),
        (160, True, 0.02),
        (190, True, 0.02),
    ],
)
def test_a_made_stride_is_found_at_any_rate(rate_hz: float, cadence: float, runs: bool, error: float) -> None:
    rows = measured(strides(clock(rate_hz, 60, jitter=0.05), cadence))
    whole = rows.filter(pl.col("valid_s") == 5)["running_cadence" if runs else "walking_cadence"]
    assert len(whole) >= 10
    np.testing.assert_allclose(whole, cadence, rtol=error)


@pytest.mark.parametrize("rate_hz", [25, 50, 100])
def test_each_second_has_the_mad_of_its_own_samples(rate_hz: float) -> None:
    recording = strides(clock(rate_hz, 60), 100)
    rows = measured(recording)
    length = np.linalg.norm(recording.signals.astype(np.float64), axis=1)
    for start_ns, found in rows[1:-1].select("start_ns", "second_mads_mg").iter_rows():
        for k, mad in enumerate(found):
            own = length[(recording.time_ns - start_ns) // 10**9 == k]
            assert mad == pytest.approx(1000 * np.abs(own - own.mean()).mean(), rel=0.1, abs=3)


def test_a_still_arm_and_an_incomplete_row_have_no_cadence() -> None:
    time_ns = clock(50, 60, gaps_s=[(31, 33)])
    rows = measured(strides(time_ns, 110))
    short = rows.filter(pl.col("valid_s") < 5)
    assert short["walking_cadence"].is_nan().all()
    assert len(short) == 3  # the first, the last, and the one with the gap
    quiet = measured(strides(time_ns, 110, size_g=0.0))
    assert (quiet["mad_mg"] < LEAST_MAD_MG).all()
    assert quiet["walking_cadence"].is_nan().all()
