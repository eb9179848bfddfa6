"""Movement in rows of five seconds: the same as computed one by one in double precision, however the stream is cut."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import harken.outcomes.movement_rows as module
from harken.outcomes import MovementMeter, MovementRows
from harken.readers import read
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from synthetic_signals import ROUGH, START_NS, clock, made

ROW_NS = 5 * 10**9


def measured(recording: Recording) -> MovementRows:
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
@given(drawn=ROUGH, pushes=st.integers(0, 40))
def test_a_stream_gives_the_rows_of_the_whole_to_the_bit(
    drawn: tuple[Recording, np.random.Generator], pushes: int
) -> None:
    recording, random = drawn
    whole, meter = measured(recording), MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    cuts = np.sort(random.integers(0, len(recording) + 1, pushes))
    for first, last in zip([0, *cuts], [*cuts, len(recording)], strict=True):
        meter.push(Samples.of(recording).part(first, last))
    rows = meter.finish()
    for name, expected in reference(recording).items():
        np.testing.assert_array_equal(getattr(rows, name), getattr(whole, name), err_msg=name)
        np.testing.assert_allclose(getattr(rows, name), expected, rtol=1e-5, atol=1e-3, err_msg=name)


@pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")
@pytest.mark.parametrize("name", ["labda_ax3_49h.cwa", "labda_actigraph_13h.gt3x"])
def test_real_watches_against_double_precision(name: str) -> None:
    recording = read(Path(os.environ["HARKEN_DATA"]) / "devices" / name)
    arrays = {name: getattr(recording, name)[:50_000] for name in ("time_ns", "signals", "label_codes", "valid")}
    recording = replace(recording, **arrays)
    rows, expected = measured(recording), reference(recording)
    assert len(rows) > 10
    for column in ("enmo_mg", "mad_mg", "angle_z_degrees", "valid_s"):
        np.testing.assert_allclose(getattr(rows, column), expected[column], rtol=1e-5, atol=2e-3, err_msg=column)


def test_gaps_and_non_wear_are_rows_and_longer_gaps_are_none() -> None:
    time_ns = clock(50, 600, gaps_s=[(101, 204)])
    later = time_ns + 3 * 86400 * 10**9
    recording = made(np.concatenate([time_ns, later]))
    off = np.array([[START_NS // ROW_NS * ROW_NS + 30 * 10**9, START_NS // ROW_NS * ROW_NS + 60 * 10**9]])
    frame = measured(recording).frame(timezone="Europe/Athens", non_wear_ns=off)
    starts = frame["start"].dt.epoch("ns").to_numpy()
    assert (starts % ROW_NS == 0).all()
    steps = np.diff(starts) // ROW_NS
    assert (np.flatnonzero(steps != 1) == [len(frame) // 2 - 1]).all()
    one = frame[: len(frame) // 2]
    missing = one.filter(pl.col("valid_s") == 0)
    assert len(missing) == 19  # 105 s to 200 s; the rows at the two ends of the gap have some samples
    assert missing.drop("start", "valid_s").null_count().row(0) == (19,) * 6
    assert one.filter(~pl.col("wear"))["start"].dt.epoch("ns").to_list() == list(range(off[0, 0], off[0, 1], ROW_NS))
    assert frame["valid_s"].sum() == pytest.approx(len(recording) / 50, abs=0.2)
    assert frame.schema["start"] == pl.Datetime("ns", "Europe/Athens")


def test_samples_that_are_hours_apart_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(made(START_NS + np.arange(40) * 3600 * 10**9))
    assert len(rows.frame(timezone="UTC")) == 39 * 720 + 1
    monkeypatch.setattr(module, "MOST_MISSING_ROWS", 39 * 719 - 1)
    assert len(rows.frame(timezone="UTC")) == 40


def test_no_samples_give_no_rows() -> None:
    meter = MovementMeter(sample_rate_hz=50)
    assert len(meter.finish()) == 0
    meter = MovementMeter(sample_rate_hz=50)
    meter.push(Samples.of(made(clock(50, 20), valid=np.zeros(1000, bool))))
    frame = meter.finish().frame(timezone="UTC")
    assert len(frame) == 0
    assert frame.dtypes == [pl.Datetime("ns", "UTC"), *[pl.Float32] * 4, pl.Boolean, *[pl.Float32] * 2]
