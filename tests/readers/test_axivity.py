"""Axivity's ``.cwa``, made-up files: lost blocks, pieces, and a file that shrinks."""

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
from research_watches import AX6, BLOCK_SAMPLES, CWA_BLOCK_BYTES, cwa_blocks, cwa_header, write_parts

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
