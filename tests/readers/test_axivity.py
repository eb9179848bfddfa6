"""Axivity's ``.cwa``, made-up files: units, clocks, sessions, lost blocks, gzip and what the user says."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import axivity
from harken.readers.axivity import Blocks, find_blocks
from harken.readers.options import TableOptions
from reader_checks import collected, mended, refusals
from research_watches import (
    AX6,
    AX6_CHANNELS,
    BLOCK_SAMPLES,
    COUNTS_PER_G,
    CWA_BLOCK_BYTES,
    DEGREES_PER_COUNT,
    SUMMER,
    checked,
    cwa_blocks,
    cwa_header,
    ns,
    turning,
    write_parts,
)

read = mended(collected(axivity))
refusal = refusals(read)
written = partial(write_parts, name="watch.cwa")


@pytest.mark.parametrize("axes", [3, 6])
def test_units_channels_and_header(axes: int, tmp_path: Path) -> None:
    recording = read(written(tmp_path, cwa_header(model=AX6 * (axes == 6)), *cwa_blocks(50, axes=axes)))
    counts = turning(50 * BLOCK_SAMPLES[axes], axes)
    np.testing.assert_array_equal(recording.signals[:, :3], counts[:, -3:] / np.float32(COUNTS_PER_G[axes]))
    if axes == 6:
        np.testing.assert_allclose(recording.signals[:, 3:6], np.deg2rad(counts[:, :3] * DEGREES_PER_COUNT), rtol=1e-5)
    assert recording.channels == (AX6_CHANNELS if axes == 6 else ("x", "y", "z", "temperature"))
    np.testing.assert_allclose(recording.signals[:, -1], 25, atol=0.15)
    np.testing.assert_allclose(recording.time_ns, ns(SUMMER) + 10**7 * np.arange(len(recording)), atol=2000, rtol=0)
    assert recording.subject == "P/17"
    assert recording.quality.sensor_range_g == 8
    model = "AX6" if axes == 6 else "AX3"
    assert recording.quality.notes == (
        f"Axivity {model} 4711, firmware 44, session 9, range ±8 g.",
        "The watch was set to 100 Hz; according to its clock, it recorded at 100 Hz.",
        "Times have no time zone and were read as UTC; give the wearer's time zone with --timezone.",
    )


@pytest.mark.parametrize(("rate", "hz"), [(7, 12.5), (8, 25), (11, 200)])
def test_rates(rate: int, hz: float, tmp_path: Path) -> None:
    recording = read(written(tmp_path, cwa_header(rate=rate), *cwa_blocks(20, rate=rate)))
    assert recording.sample_rate_hz == pytest.approx(hz, rel=1e-3)
    assert recording.quality.notes[1].startswith(
        f"The watch was set to {hz:g} Hz; according to its clock, it recorded at "
    )


@settings(max_examples=25)
@given(axes=st.sampled_from([3, 6]), lost=st.sets(st.integers(0, 29), min_size=1, max_size=12), absent=st.booleans())
def test_lost_blocks_leave_gaps_and_move_nothing(
    axes: int, lost: set[int], absent: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blocks = cwa_blocks(30, axes=axes)
    header = cwa_header(model=AX6 * (axes == 6))
    folder = tmp_path_factory.getbasetemp()
    intact = axivity.open_source(written(folder, header, *blocks), TableOptions()).collect()
    damaged = [b"\0" * CWA_BLOCK_BYTES if i in lost and not absent else b for i, b in enumerate(blocks)]
    if absent:
        damaged = [block for i, block in enumerate(blocks) if i not in lost]
    recording = axivity.open_source(written(folder, header, *damaged), TableOptions()).collect()
    kept = ~np.isin(np.arange(30), list(lost)).repeat(BLOCK_SAMPLES[axes])
    np.testing.assert_array_equal(recording.signals, intact.signals[kept])
    np.testing.assert_allclose(recording.time_ns, intact.time_ns[kept], atol=10**7, rtol=0)
    noted = any(f"{len(lost)} of 30 blocks of the file are damaged" in note for note in recording.quality.notes)
    assert noted != absent
    between = {i for i in lost if any(j not in lost for j in range(i)) and any(j not in lost for j in range(i, 30))}
    assert any("The block numbers jump" in note for note in recording.quality.notes) == (absent and bool(between))


def interchanged(blocks: list[bytes]) -> list[bytes]:
    """The same blocks with the sensors in one another's places."""
    samples = [np.frombuffer(block[30:510], "<i2").reshape(40, 2, 3)[:, ::-1].tobytes() for block in blocks]
    return [checked(block[:30] + content + block[510:]) for block, content in zip(blocks, samples, strict=True)]


@pytest.mark.parametrize("wrong", [0, 5])
def test_sensors_in_one_anothers_places_are_marked(wrong: int, tmp_path: Path) -> None:
    blocks = cwa_blocks(50, axes=6)
    recording = read(written(tmp_path, cwa_header(model=AX6), *interchanged(blocks[:wrong]), *blocks[wrong:]))
    np.testing.assert_array_equal(recording.valid, np.arange(2000) >= 40 * wrong)
    about = [note for note in recording.quality.notes if "acceleration and rotation are exchanged" in note]
    assert [note.startswith("In the first 2 s,") for note in about] == [True] * (wrong > 0)


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
        "Clocks in Europe/London changed during the recording, but the watch's clock did not: all times have the "
        "offset of the first sample, +0 h from UTC." in recording.quality.notes
    )
    path = written(tmp_path, cwa_header(), *cwa_blocks(2, start=spring + timedelta(hours=1)))
    assert "does not exist in Europe/London" in refusal(path, timezone="Europe/London")
    assert "there is no time zone 'London'" in refusal(path, timezone="London")


def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = cwa_blocks(30)
    blocks[11] = blocks[11][:40] + b"\0" + blocks[11][41:]
    path = written(tmp_path, cwa_header(), *blocks)
    whole = read(path)
    monkeypatch.setattr(axivity, "BLOCKS_READ_AT_ONCE", 7)
    monkeypatch.setattr(axivity, "BLOCKS_IN_CACHE", 3)
    assert read(path).fingerprint == whole.fingerprint


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, cwa_header(), *cwa_blocks(10))

    def shrinking(*arguments: Path) -> Blocks:
        found = find_blocks(*arguments)
        path.write_bytes(path.read_bytes()[:-CWA_BLOCK_BYTES])
        return found

    monkeypatch.setattr(axivity, "find_blocks", shrinking)
    assert refusal(path) == "FILE: the file became shorter while it was read"
