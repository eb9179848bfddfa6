"""Axivity's ``.cwa``: real files against expected arrays and two other readers, and made-up ones."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import axivity
from harken.readers.axivity import Blocks, find_blocks
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from reader_checks import collected, mended, refusals
from research_watches import (
    AX6,
    BLOCK_SAMPLES,
    CWA_BLOCK_BYTES,
    SUMMER,
    checked,
    cwa_block,
    cwa_blocks,
    cwa_header,
    turning,
    write_parts,
)

read = mended(collected(axivity))
refusal = refusals(read)
written = partial(write_parts, name="watch.cwa")


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


@pytest.mark.parametrize("model", ["ax3", "ax6"])
def test_the_expected_arrays_of_scikit_digital_health(model: str, data_dir: Path) -> None:
    recording = read(data_dir / "devices" / f"skdh_{model}_sample.cwa")
    with np.load(data_dir / "devices" / f"{model}_data.npz") as expected:
        np.testing.assert_allclose(recording.signals[:, :3], expected["accel"], atol=1e-6)
        np.testing.assert_allclose(recording.time_ns / 1e9, expected["time"], atol=1e-4)
        if model == "ax6":
            np.testing.assert_allclose(recording.signals[:, 3:6], np.deg2rad(expected["gyro"]), atol=1e-6)


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
