"""Axivity's real files: against expected arrays, one another, the maker's exports and two other readers."""

import gzip
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import axivity
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from reader_checks import collected, mended, refusals
from research_watches import (
    AX6,
    AX6_CHANNELS,
    SUMMER,
    checked,
    cwa_block,
    cwa_header,
    turning,
    write_parts,
)

read = mended(collected(axivity))
refusal = refusals(read)
written = partial(write_parts, name="watch.cwa")

REAL = {
    "GGIRread_ax3_testfile.cwa": ("26", 17_400, 98.869, 175.98, 0, 0),
    "GGIRread_ax3_corrupt_blocks.cwa": ("26", 16_680, 98.874, 171.13, 1, 0),
    "GGIRread_ax6_testfile.cwa": ("993", 11_320, 99.038, 114.29, 0, 1040),
    "actfast_ax3.cwa": ("26", 3_600, 98.901, 36.39, 0, 0),
    "actfast_ax6.cwa": ("993", 1_200, 99.093, 12.10, 0, 1040),
    "labda_ax3_49h.cwa": ("labda_ax3_49h", 4_307_160, 24.4176, 176_395.96, 0, 0),
    "skdh_ax3_sample.cwa": ("skdh_ax3_sample", 58_800, 197.243, 298.10, 0, 0),
    "skdh_ax6_sample.cwa": ("skdh_ax6_sample", 10_360, 98.413, 105.26, 0, 120),
}
"""Subject, samples, true rate, span, gaps, and samples marked as interchanged."""


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, data_dir: Path) -> None:
    subject, rows, rate_hz, span_s, gaps, marked = REAL[name]
    recording = read(data_dir / "devices" / name)
    assert (recording.subject, len(recording), len(recording.gap_rows)) == (subject, rows, gaps)
    assert recording.sample_rate_hz == pytest.approx(rate_hz, abs=0.001)
    assert recording.span_s == pytest.approx(span_s, abs=0.01)
    assert int((~recording.valid).sum()) == marked
    assert recording.channels == (AX6_CHANNELS if "ax6" in name else ("x", "y", "z", "temperature"))
    assert recording.quality.dropped == {}
    still = np.linalg.norm(recording.signals[recording.valid, :3], axis=1)
    assert np.median(still) == pytest.approx(1, abs=0.06)  # g


@pytest.mark.parametrize("model", ["ax3", "ax6"])
def test_the_expected_arrays_of_scikit_digital_health(model: str, data_dir: Path) -> None:
    recording = read(data_dir / "devices" / f"skdh_{model}_sample.cwa")
    with np.load(data_dir / "devices" / f"{model}_data.npz") as expected:
        np.testing.assert_allclose(recording.signals[:, :3], expected["accel"], atol=1e-6)
        np.testing.assert_allclose(recording.time_ns / 1e9, expected["time"], atol=1e-4)
        if model == "ax6":
            np.testing.assert_allclose(recording.signals[:, 3:6], np.deg2rad(expected["gyro"]), atol=1e-6)


def test_the_makers_export_of_the_same_ax6_recording(data_dir: Path) -> None:
    recording = read(data_dir / "devices" / "GGIRread_ax6_testfile.cwa")
    path = data_dir / "devices" / "ggir_ax6_testfile_formatted_timestamps.csv"
    table = pl.read_csv(path, has_header=False)
    times = table.to_series(0).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns").to_physical().to_numpy()
    rows = len(table)
    assert rows > 200
    np.testing.assert_allclose(recording.time_ns[:rows], times, atol=1.01e6, rtol=0)
    columns = table.select(pl.nth(range(1, 7))).to_numpy()
    np.testing.assert_allclose(recording.signals[:rows, :3], columns[:, :3], atol=1e-6)
    np.testing.assert_allclose(recording.signals[:rows, 3:6], np.deg2rad(columns[:, 3:]), atol=1e-6)


def test_the_makers_resampled_export_of_the_same_ax3_recording(data_dir: Path) -> None:
    recording = read(data_dir / "devices" / "GGIRread_ax3_testfile.cwa")
    path = data_dir / "devices" / "ggir_ax3_testfile_unix_timestamps.csv"
    table = pl.read_csv(path, has_header=False).to_numpy()
    assert len(table) > 200
    nearest = np.searchsorted(recording.time_ns, np.rint(table[:, 0] * 1e9).astype(np.int64))
    near = recording.signals[np.clip(nearest[:, np.newaxis] + [-1, 0, 1], 0, len(recording) - 1), :3]
    off = np.abs(near - table[:, np.newaxis, 1:4]).max(axis=2).min(axis=1)
    assert (off < 1e-6).mean() > 0.99  # it takes the sample before or after the even clock's


@pytest.mark.parametrize("model", ["ax3", "ax6"])
def test_the_beginning_of_a_file_reads_as_in_the_whole_file(model: str, data_dir: Path) -> None:
    part = read(data_dir / "devices" / f"actfast_{model}.cwa")
    whole = read(data_dir / "devices" / f"GGIRread_{model}_testfile.cwa")
    np.testing.assert_array_equal(part.signals, whole.signals[: len(part)])
    np.testing.assert_array_equal(part.time_ns, whole.time_ns[: len(part)])


def test_two_other_readers_give_the_same_accelerations_and_the_better_one_the_same_times(data_dir: Path) -> None:
    actfast = pytest.importorskip("actfast", reason="the devices extra is not installed")
    path = data_dir / "devices" / "labda_ax3_49h.cwa"
    recording = axivity.open_source(path, TableOptions()).collect()
    table = actfast.read(str(path))["timeseries"]["high_frequency"]
    np.testing.assert_array_equal(recording.signals[:, :3], table["acceleration"])
    late_ms = (table["datetime"] - recording.time_ns) / 1e6
    assert 0 <= late_ms.min() <= late_ms.max() < 5 * 41  # it takes a block to have begun when it was written
    agrees_with_cwa_reader_rs(recording, path)


def agrees_with_cwa_reader_rs(recording: Recording, path: Path) -> None:
    """Values to the last bit, but for rotation (in degrees there); times to its microsecond, which floats blur."""
    library = pytest.importorskip("cwa_reader_rs", reason="the dev extra is not installed")
    table = library.read_cwa_file(str(path))
    times = table.index.to_numpy().astype("datetime64[ns]").view(np.int64)
    np.testing.assert_allclose(recording.time_ns, times, atol=1500, rtol=0)
    for axis, name in enumerate(recording.channels[:-1]):
        if name in "xyz":
            np.testing.assert_array_equal(recording.signals[:, axis], table[f"acc_{name}"])
        else:
            np.testing.assert_allclose(recording.signals[:, axis], np.deg2rad(table[name]), atol=1e-6, rtol=1e-6)


def with_form(block: bytes, counts: np.ndarray) -> bytes:
    """A block whose samples are these, two bytes an axis."""
    samples, axes = counts.shape
    content = counts.astype("<i2").tobytes()
    fields = bytes([axes << 4 | 2]) + block[26:28] + samples.to_bytes(2, "little")
    return checked(block[:25] + fields + content.ljust(480, b"\0") + block[510:])


@settings(max_examples=40)
@given(
    form=st.sampled_from(["packed", "3 axes", "6 axes", "9 axes"]),
    rate=st.sampled_from([7, 8, 10, 11]),
    blocks=st.lists(
        st.tuples(st.integers(20, 26), st.sampled_from([0, 10, -10, 300, 900, 1500, 90_000])),
        min_size=1,
        max_size=12,
    ),
    seed=st.integers(0, 9),
)
def test_every_form_reads_as_cwa_reader_rs_reads_it(
    form: str, rate: int, blocks: list[tuple[int, int]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    start, made = SUMMER, []
    for number, (count, later_ms) in enumerate(blocks):
        start += timedelta(milliseconds=later_ms) if number else timedelta()
        counts = random.integers(-2048, 2048, (count, 3))
        block = cwa_block(counts, start, number=number, rate=rate)
        if form != "packed":
            axes = int(form[0])
            six = cwa_block(turning(1, 6), start, number=number, rate=rate)
            block = with_form(six if axes > 3 else block, random.integers(-(2**15), 2**15, (count, axes)))
        made.append(block)
        start += timedelta(seconds=count * 2 ** (15 - rate) / 3200)
    path = written(tmp_path_factory.getbasetemp(), cwa_header(model=AX6 * (form > "5")), *made)
    agrees_with_cwa_reader_rs(axivity.open_source(path, TableOptions()).collect(), path)


def test_damaged_blocks_of_a_real_file_are_gaps(data_dir: Path) -> None:
    damaged = read(data_dir / "devices" / "GGIRread_ax3_corrupt_blocks.cwa")
    intact = read(data_dir / "devices" / "GGIRread_ax3_testfile.cwa")
    kept = ~np.isin(np.arange(145), [0, 13, 14, 142, 143, 144]).repeat(120)
    np.testing.assert_array_equal(damaged.signals, intact.signals[kept])
    np.testing.assert_allclose(damaged.time_ns, intact.time_ns[kept], atol=11e6, rtol=0)  # a sample
    assert np.diff(damaged.time_ns).max() / 1e9 == pytest.approx(2 * 120 / 98.87, abs=0.03)
    assert any("6 of 145 blocks of the file are damaged" in note for note in damaged.quality.notes)


def test_what_is_recognised(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        with path.open("rb") as file:
            head = file.read(1 << 16)
        assert axivity.recognises(path, head) == (path.suffix == ".cwa"), path.name
        assert axivity.recognises(Path("renamed"), head) == (path.suffix == ".cwa"), path.name
        assert axivity.recognises(Path("renamed"), gzip.compress(head)[:2000]) == (path.suffix == ".cwa"), path.name
    assert axivity.recognises(Path("damaged.CWA"), b"")
    assert not axivity.recognises(Path("watch.csv"), b"\x1f\x8b but no gzip")


def test_other_files_are_refused(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        if path.suffix != ".cwa":
            assert "this is not an Axivity .cwa file" in refusal(path)
