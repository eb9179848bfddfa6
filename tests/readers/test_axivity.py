"""Axivity's ``.cwa``: real files against expected arrays and one another, made-up ones for everything else."""

import gzip
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers.axivity import looks_like_axivity, read_axivity, reading, samples
from harken.readers.axivity.blocks import Blocks, find_blocks
from harken.readers.options import TableOptions
from harken.recording import Recording
from reading import mended, refusals
from research_watches import (
    BLOCK_SAMPLES,
    COUNTS_PER_G,
    CWA_BLOCK_BYTES,
    CWA_HEADER_BYTES,
    DEGREES_PER_COUNT,
    SUMMER,
    checked,
    cwa_block,
    cwa_blocks,
    cwa_header,
    ns,
    turning,
    write_parts,
)

AX6 = 0x64
ROTATING = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z", "temperature")


read = mended(read_axivity)
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
    assert recording.channels == (ROTATING if "ax6" in name else ("x", "y", "z", "temperature"))
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
    recording = read_axivity(path, TableOptions())
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


@settings(max_examples=40, deadline=None)
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
    agrees_with_cwa_reader_rs(read_axivity(path, TableOptions()), path)


def test_damaged_blocks_of_a_real_file_are_gaps(data_dir: Path) -> None:
    damaged = read(data_dir / "devices" / "GGIRread_ax3_corrupt_blocks.cwa")
    intact = read(data_dir / "devices" / "GGIRread_ax3_testfile.cwa")
    kept = ~np.isin(np.arange(145), [0, 13, 14, 142, 143, 144]).repeat(120)
    np.testing.assert_array_equal(damaged.signals, intact.signals[kept])
    np.testing.assert_allclose(damaged.time_ns, intact.time_ns[kept], atol=11e6, rtol=0)  # a sample
    assert np.diff(damaged.time_ns).max() / 1e9 == pytest.approx(2 * 120 / 98.87, abs=0.03)
    assert any("6 of 145 blocks of the file are damaged" in note for note in damaged.quality.notes)


@pytest.mark.parametrize("axes", [3, 6])
def test_units_channels_and_header(axes: int, tmp_path: Path) -> None:
    recording = read(written(tmp_path, cwa_header(model=AX6 * (axes == 6)), *cwa_blocks(50, axes=axes)))
    counts = turning(50 * BLOCK_SAMPLES[axes], axes)
    np.testing.assert_array_equal(recording.signals[:, :3], counts[:, -3:] / np.float32(COUNTS_PER_G[axes]))
    if axes == 6:
        np.testing.assert_allclose(recording.signals[:, 3:6], np.deg2rad(counts[:, :3] * DEGREES_PER_COUNT), rtol=1e-5)
    assert recording.channels == (ROTATING if axes == 6 else ("x", "y", "z", "temperature"))
    np.testing.assert_allclose(recording.signals[:, -1], 25, atol=0.15)
    np.testing.assert_allclose(recording.time_ns, ns(SUMMER) + 10**7 * np.arange(len(recording)), atol=2000, rtol=0)
    assert recording.subject == "P/17"
    assert recording.quality.sensor_range_g == 8
    model = "AX6" if axes == 6 else "AX3"
    assert recording.quality.notes == (
        f"Axivity {model} 4711, firmware 44, session 9, range ±8 g.",
        "The watch was set to 100 Hz; by its clock it recorded at 100 Hz.",
        "Times carry no zone and are taken as UTC; --timezone says where the wearer lived.",
    )


@pytest.mark.parametrize(("rate", "hz"), [(7, 12.5), (8, 25), (11, 200)])
def test_rates(rate: int, hz: float, tmp_path: Path) -> None:
    recording = read(written(tmp_path, cwa_header(rate=rate), *cwa_blocks(20, rate=rate)))
    assert recording.sample_rate_hz == pytest.approx(hz, rel=1e-3)
    assert recording.quality.notes[1].startswith(f"The watch was set to {hz:g} Hz; by its clock it recorded at ")


def test_the_rate_is_the_clocks(tmp_path: Path) -> None:
    blocks = cwa_blocks(40)  # of 100 Hz, a 50th further apart
    slow = [cwa_blocks(1, start=SUMMER + timedelta(seconds=1.224 * i))[0] for i in range(40)]
    numbered = [checked(b[:10] + i.to_bytes(4, "little") + b[14:]) for i, b in enumerate(slow)]
    assert read(written(tmp_path, cwa_header(), *blocks)).sample_rate_hz == pytest.approx(100, rel=1e-4)
    recording = read(written(tmp_path, cwa_header(), *numbered))
    assert recording.sample_rate_hz == pytest.approx(100 / 1.02, rel=2e-3)
    assert len(recording.gap_rows) == 0
    assert recording.quality.notes[1].startswith("The watch was set to 100 Hz; by its clock it recorded at 98.")


@settings(max_examples=25, deadline=None)
@given(axes=st.sampled_from([3, 6]), lost=st.sets(st.integers(0, 29), min_size=1, max_size=12), absent=st.booleans())
def test_lost_blocks_leave_gaps_and_move_nothing(
    axes: int, lost: set[int], absent: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blocks = cwa_blocks(30, axes=axes)
    header = cwa_header(model=AX6 * (axes == 6))
    folder = tmp_path_factory.getbasetemp()
    intact = read_axivity(written(folder, header, *blocks), TableOptions())
    damaged = [b"\0" * CWA_BLOCK_BYTES if i in lost and not absent else b for i, b in enumerate(blocks)]
    if absent:
        damaged = [block for i, block in enumerate(blocks) if i not in lost]
    recording = read_axivity(written(folder, header, *damaged), TableOptions())
    kept = ~np.isin(np.arange(30), list(lost)).repeat(BLOCK_SAMPLES[axes])
    np.testing.assert_array_equal(recording.signals, intact.signals[kept])
    np.testing.assert_allclose(recording.time_ns, intact.time_ns[kept], atol=10**7, rtol=0)
    noted = any(f"{len(lost)} of 30 blocks of the file are damaged" in note for note in recording.quality.notes)
    assert noted != absent
    between = {i for i in lost if any(j not in lost for j in range(i)) and any(j not in lost for j in range(i, 30))}
    assert any("the blocks' numbers jump" in note for note in recording.quality.notes) == (absent and bool(between))


def test_two_sessions(tmp_path: Path) -> None:
    later = cwa_blocks(10, start=SUMMER + timedelta(hours=3), session=10, seed=1)
    recording = read(written(tmp_path, cwa_header(), *cwa_blocks(10), *later))
    assert len(recording) == 2400
    assert len(recording.gap_rows) == 1
    assert recording.time_ns[1200] == ns(SUMMER + timedelta(hours=3))
    assert "The file holds 2 sessions, one after the other; between them is a gap." in recording.quality.notes


def test_a_session_whose_clock_was_set_back_before_the_first(tmp_path: Path) -> None:
    earlier = cwa_blocks(10, start=SUMMER - timedelta(days=2), session=10, seed=1)
    recording = read(written(tmp_path, cwa_header(), *cwa_blocks(10), *earlier))
    assert recording.time_ns[0] == ns(SUMMER - timedelta(days=2))
    assert recording.quality.backward_times == 1
    np.testing.assert_array_equal(recording.signals[1200:, :3], turning(1200) / np.float32(256))


def test_sessions_that_overlap_are_not_mixed(tmp_path: Path) -> None:
    again = cwa_blocks(10, start=SUMMER + timedelta(seconds=4), session=10, seed=1)
    path = written(tmp_path, cwa_header(), *cwa_blocks(10), *again)
    assert refusal(path).startswith(
        "FILE: the watch's clock was set back while it recorded, so that 8 s are there twice"
    )
    assert len(read(path, sample_rate_hz=100)) == 2400


def test_a_second_sensor_setup_without_rotation(tmp_path: Path) -> None:
    later = cwa_blocks(10, start=SUMMER + timedelta(hours=3), session=10)
    recording = read(written(tmp_path, cwa_header(model=AX6), *cwa_blocks(10, axes=6), *later))
    assert recording.channels == ("x", "y", "z", "temperature")
    assert len(recording) == 10 * 40 + 10 * 120
    assert recording.valid.all()
    assert "Only some of the blocks hold rotation, so it was left out." in recording.quality.notes


def interchanged(blocks: list[bytes]) -> list[bytes]:
    """The same blocks with the sensors in one another's places."""
    samples = [np.frombuffer(block[30:510], "<i2").reshape(40, 2, 3)[:, ::-1].tobytes() for block in blocks]
    return [checked(block[:30] + content + block[510:]) for block, content in zip(blocks, samples, strict=True)]


@pytest.mark.parametrize("wrong", [0, 5])
def test_sensors_in_one_anothers_places_are_marked(wrong: int, tmp_path: Path) -> None:
    blocks = cwa_blocks(50, axes=6)
    recording = read(written(tmp_path, cwa_header(model=AX6), *interchanged(blocks[:wrong]), *blocks[wrong:]))
    np.testing.assert_array_equal(recording.valid, np.arange(2000) >= 40 * wrong)
    about = [note for note in recording.quality.notes if "stands in the gyroscope's place" in note]
    assert [note.startswith("For 2 s at the beginning") for note in about] == [True] * (wrong > 0)


def test_gzipped_reads_the_same(tmp_path: Path) -> None:
    content = cwa_header() + b"".join(cwa_blocks(10))
    plain = read(written(tmp_path, content))
    packed = read(written(tmp_path, gzip.compress(content), name="other.cwa.gz"))
    assert packed.fingerprint == plain.fingerprint
    assert packed.source.endswith("other.cwa.gz")
    nameless = gzip.compress(cwa_header(annotation=b"") + content[CWA_HEADER_BYTES:])
    assert read(written(tmp_path, nameless, name="other.cwa.gz")).subject == "other"


def test_gzip_that_is_damaged_or_of_something_else(tmp_path: Path) -> None:
    packed = gzip.compress(cwa_header() + b"".join(cwa_blocks(10)))
    cut = refusal(written(tmp_path, packed[:-20], name="cut.cwa.gz"))
    assert cut.startswith("FILE: the gzip file is damaged or cut short")
    table = refusal(written(tmp_path, gzip.compress(b"time,x,y,z\n" * 10_000), name="table.cwa.gz"))
    assert table == "FILE: this is no Axivity .cwa file: it does not begin like one, or its beginning is damaged"


def test_the_clock_is_the_wearers_and_keeps_its_offset(tmp_path: Path) -> None:
    path = written(tmp_path, cwa_header(), *cwa_blocks(10))
    assert read(path, timezone="Europe/London").time_ns[0] == ns(SUMMER) - 3600 * 10**9
    assert read(path, timezone="Europe/London").timezone == "Europe/London"

    spring = datetime(2021, 3, 28, 0, 59, 55, tzinfo=UTC)  # clocks went from 1:00 to 2:00
    path = written(tmp_path, cwa_header(), *cwa_blocks(10, start=spring))
    recording = read(path, timezone="Europe/London")
    np.testing.assert_allclose(np.diff(recording.time_ns), 10**7, atol=2000, rtol=0)
    assert recording.time_ns[0] == ns(spring)
    assert (
        "The clocks of Europe/London were changed while the watch was worn. Its own was not: times are +0 h from UTC "
        "throughout, as at its first sample." in recording.quality.notes
    )
    path = written(tmp_path, cwa_header(), *cwa_blocks(2, start=spring + timedelta(hours=1)))
    assert "does not exist in Europe/London" in refusal(path, timezone="Europe/London")
    assert "there is no time zone 'London'" in refusal(path, timezone="London")


def test_what_the_user_says(tmp_path: Path) -> None:
    path = written(tmp_path, cwa_header(), *cwa_blocks(10))
    recording = read(path, subject="ann", sensor_range_g=1.1, sample_rate_hz=50, acceleration_unit="g", skip_rows=2)
    assert recording.subject == "ann"
    assert recording.quality.sensor_range_g == 1.1
    np.testing.assert_array_equal(np.diff(recording.time_ns), 20_000_000)
    assert recording.time_ns[0] == ns(SUMMER)
    assert "A watch's own file is no table: --acceleration-unit, --skip-rows was not needed." in recording.quality.notes


def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = cwa_blocks(30)
    blocks[11] = blocks[11][:40] + b"\0" + blocks[11][41:]
    path = written(tmp_path, cwa_header(), *blocks)
    whole = read(path)
    monkeypatch.setattr(samples, "BLOCKS_AT_ONCE", 7)
    monkeypatch.setattr(samples, "BLOCKS_IN_CACHE", 3)
    assert read(path).fingerprint == whole.fingerprint


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, cwa_header(), *cwa_blocks(10))

    def shrinking(*arguments: Path) -> Blocks:
        found = find_blocks(*arguments)
        path.write_bytes(path.read_bytes()[:-CWA_BLOCK_BYTES])
        return found

    monkeypatch.setattr(reading, "find_blocks", shrinking)
    assert refusal(path) == "FILE: the file became shorter while it was read"


def test_a_very_old_firmware(tmp_path: Path) -> None:
    old = [checked(block[:24] + b"\0" + block[25:]) for block in cwa_blocks(5)]
    assert "very old firmware" in refusal(written(tmp_path, cwa_header(), *old))


def test_what_is_recognised(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        with path.open("rb") as file:
            head = file.read(1 << 16)
        assert looks_like_axivity(path, head) == (path.suffix == ".cwa"), path.name
        assert looks_like_axivity(Path("renamed"), head) == (path.suffix == ".cwa"), path.name
        assert looks_like_axivity(Path("renamed"), gzip.compress(head)[:2000]) == (path.suffix == ".cwa"), path.name
    assert looks_like_axivity(Path("damaged.CWA"), b"")
    assert not looks_like_axivity(Path("watch.csv"), b"\x1f\x8b but no gzip")


def test_other_files_are_refused(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        if path.suffix != ".cwa":
            assert "this is no Axivity .cwa file" in refusal(path)


CONTENT = {
    axes: cwa_header(model=AX6 * (axes == 6)) + b"".join(cwa_blocks(12, axes=axes, start=SUMMER)) for axes in (3, 6)
}


def trustworthy(path: Path, content: bytes, axes: int, untouched: list[int]) -> None:
    """A file that was tampered with is refused; or its untouched blocks are there, at their times, and all is said."""
    path.write_bytes(content)
    if content[:4] != CONTENT[axes][:4] or not untouched:
        assert len(refusal(path)) < 300
        return
    recording = read_axivity(path, TableOptions())
    size = BLOCK_SAMPLES[axes]
    rows = np.isin(np.arange(12), untouched).repeat(size)
    assert len(recording) == rows.sum()
    np.testing.assert_array_equal(
        recording.signals[:, :3], (turning(12 * size, axes)[:, -3:] / np.float32(COUNTS_PER_G[axes]))[rows]
    )
    times = ns(SUMMER) + 10**7 * np.arange(12 * size)
    np.testing.assert_allclose(recording.time_ns, times[rows], atol=10**7, rtol=0)
    if len(untouched) < -(-(len(content) - CWA_HEADER_BYTES) // CWA_BLOCK_BYTES):
        assert any("damaged" in note or "cut short" in note for note in recording.quality.notes)


@pytest.mark.parametrize("axes", [3, 6])
def test_cut_anywhere(axes: int, tmp_path: Path) -> None:
    content = CONTENT[axes]
    ends = [*range(0, 1100, 31), *range(1024, len(content), 137), *range(1024, len(content), CWA_BLOCK_BYTES)]
    for end in ends:
        whole = max(0, (end - CWA_HEADER_BYTES) // CWA_BLOCK_BYTES)
        trustworthy(tmp_path / "cut.cwa", content[:end], axes, list(range(whole)))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    axes=st.sampled_from([3, 6]),
    edits=st.lists(st.tuples(st.integers(0, len(CONTENT[3]) - 1), st.integers(1, 255)), min_size=1, max_size=5),
    near_the_beginning=st.booleans(),
)
def test_flipped_bytes(
    axes: int, edits: list[tuple[int, int]], near_the_beginning: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(CONTENT[axes])
    if near_the_beginning:  # of a block: its time, number, rate and form
        edits = [(place - place % CWA_BLOCK_BYTES + place % 30, change) for place, change in edits]
    for place, change in edits:
        content[place] ^= change
    changed = [i for i in range(len(content)) if content[i] != CONTENT[axes][i]]
    hit = {(place - CWA_HEADER_BYTES) // CWA_BLOCK_BYTES for place in changed}
    # A checksum of 16 bits is blind to two changes that make up for one another; the seed meets none.
    trustworthy(
        tmp_path_factory.getbasetemp() / "flipped.cwa", bytes(content), axes, [i for i in range(12) if i not in hit]
    )
