"""Axivity's ``.cwa`` cut anywhere and with flipped bytes: refused, or the untouched is there and the rest is said."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import axivity
from harken.readers.options import TableOptions
from reader_checks import collected, mended, refusals
from research_watches import (
    AX6,
    BLOCK_SAMPLES,
    COUNTS_PER_G,
    CWA_BLOCK_BYTES,
    CWA_HEADER_BYTES,
    SUMMER,
    cwa_blocks,
    cwa_header,
    ns,
    turning,
)

refusal = refusals(mended(collected(axivity)))

CONTENT = {
    axes: cwa_header(model=AX6 * (axes == 6)) + b"".join(cwa_blocks(12, axes=axes, start=SUMMER)) for axes in (3, 6)
}


def trustworthy(path: Path, content: bytes, axes: int, untouched: list[int]) -> None:
    """A file that was tampered with is refused; or its untouched blocks are there, at their times, and all is said."""
    path.write_bytes(content)
    if content[:4] != CONTENT[axes][:4] or not untouched:
        assert len(refusal(path)) < 300
        return
    recording = axivity.open_source(path, TableOptions()).collect()
    size = BLOCK_SAMPLES[axes]
    rows = np.isin(np.arange(12), untouched).repeat(size)
    assert len(recording) == rows.sum()
    np.testing.assert_array_equal(
        recording.signals[:, :3], (turning(12 * size, axes)[:, -3:] / np.float32(COUNTS_PER_G[axes]))[rows]
    )
    times = ns(SUMMER) + 10**7 * np.arange(12 * size)
    np.testing.assert_allclose(recording.time_ns, times[rows], atol=10**7, rtol=0)
    if len(untouched) < -(-(len(content) - CWA_HEADER_BYTES) // CWA_BLOCK_BYTES):
        assert any("damaged" in note or "incomplete" in note for note in recording.quality.notes)


@pytest.mark.parametrize("axes", [3, 6])
def test_cut_anywhere(axes: int, tmp_path: Path) -> None:
    content = CONTENT[axes]
    ends = [*range(0, 1100, 31), *range(1024, len(content), 137), *range(1024, len(content), CWA_BLOCK_BYTES)]
    for end in ends:
        whole = max(0, (end - CWA_HEADER_BYTES) // CWA_BLOCK_BYTES)
        trustworthy(tmp_path / "cut.cwa", content[:end], axes, list(range(whole)))


@settings(max_examples=120, derandomize=True)
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
