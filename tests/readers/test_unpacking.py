"""Files that are made to fill a memory or a disk: endless lines, blank lines, quotations, and what unpacks too well."""

import gzip
import re
import shutil
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harken
from harken.readers import csv as csv_reader
from harken.readers import open_stream
from harken.readers.csv import BLOCK_BYTES, LONGEST_LINE, blocks, layout_of
from harken.readers.unpacking import UnpackingLimits, member_paths, opened, unpacking_limits
from harken.support.errors import HarkenError
from reader_checks import refusals
from research_watches import SUMMER, cwa_block, cwa_blocks, cwa_header, turning
from tables import HEADER, notebook_lines

MIB = 1 << 20
ROWS = "".join(f"{line}\n" for line in [HEADER, *notebook_lines(200)]).encode()
POSTED = UnpackingLimits(unpacked_bytes=64 * MIB, most_packed=200)
refusal = refusals(harken.read)


def packed(path: Path, *pieces: bytes) -> Path:
    with gzip.open(path, "wb", 6) as file:
        file.writelines(pieces)
    return path


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("character", [b"1", b"1,", b" "])
def test_a_line_has_at_most_a_mebibyte(character: bytes, tmp_path: Path, traced: None) -> None:
    line = character * (40 * MIB // len(character))
    path = packed(tmp_path / "a.csv.gz", ROWS, line, b"\n", ROWS)
    del line
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    row = ROWS.count(b"\n") + 1
    assert refusal(path).startswith(f"FILE, line {row}: the line has more than 1,048,576 bytes")
    assert tracemalloc.get_traced_memory()[1] - before < 100 * MIB
    with pytest.raises(HarkenError, match=f"line {row}: the line has more than"):
        open_stream(path)


def test_lines_that_are_skipped_have_at_most_a_mebibyte(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.csv.gz", b"made by\n", b"x" * 2 * MIB, b"\n", ROWS)
    assert refusal(path, skip_rows=2).startswith("FILE, line 2: the line has more than")


def test_a_line_of_a_mebibyte_is_read(tmp_path: Path) -> None:
    note = b"1700000000000,0,0,9.81,0," + b"n" * LONGEST_LINE
    path = packed(tmp_path / "a.csv.gz", ROWS, note[: LONGEST_LINE - 1], b"\n")
    assert len(harken.read(path, as_found=True)) == ROWS.count(b"\n")


def test_a_quotation_that_never_ends_is_not_read_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(ROWS + b'"' + b"a\n" * (12 * MIB))
    longest = max(len(block.text) for block in blocks(path, layout_of(path)))
    assert longest <= BLOCK_BYTES + 3 * LONGEST_LINE
    row = ROWS.count(b"\n") + 1
    assert refusal(path) == (
        f"FILE, line {row}: a field is longer than any number, label or time; is a quotation mark misplaced?"
    )


def test_a_block_of_blank_lines_takes_little_memory(traced: None) -> None:
    text = ROWS + b"\n" * BLOCK_BYTES + ROWS
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    assert csv_reader._without_blank_lines(text) == ROWS + ROWS
    assert tracemalloc.get_traced_memory()[1] - before < 64 * MIB


def test_rows_between_blank_lines_are_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.csv.gz", ROWS, *[b" \n" * MIB] * 3, b"\r\n" * MIB, ROWS.split(b"\n", 1)[1])
    assert len(harken.read(path, as_found=True)) == 2 * (ROWS.count(b"\n") - 1)


@given(st.text("1, \t\r\n", max_size=60))
def test_blank_lines_go_and_nothing_else(text: str) -> None:
    content = text.encode()
    expected = re.sub(rb"^[ \t\r]*(\n|\Z)", b"", content, flags=re.MULTILINE)
    assert csv_reader._without_blank_lines(content) == expected


@given(st.text("1;\r\n", max_size=30))
def test_what_ends_every_line_goes_and_nothing_else(text: str) -> None:
    content = text.encode()
    expected = re.sub(rb";(?=\r?(\n|\Z))", b"", content)
    assert csv_reader._without_line_ends(content, b";") == expected


def test_what_is_sent_unpacks_to_no_more_than_a_multiple_of_its_size(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.csv.gz", ROWS, *[b"\n" * MIB] * 24)
    assert path.stat().st_size < 40_000
    assert len(harken.read(path, as_found=True)) == ROWS.count(b"\n") - 1  # one's own
    with unpacking_limits(POSTED):
        assert refusal(path).startswith("FILE: unpacks to more than ")
        with pytest.raises(HarkenError, match="the limit for a file of this size that is sent"):
            open_stream(path)  # which reads in another thread
        few = packed(tmp_path / "few.csv.gz", ROWS, *[b"\n" * MIB] * 12)  # so much may come out of anything
        assert len(harken.read(few, as_found=True)) == ROWS.count(b"\n") - 1
    with unpacking_limits(UnpackingLimits(unpacked_bytes=20 * MIB)):
        assert refusal(path).startswith("FILE: unpacks to more than 20,971,520 bytes")


def test_a_watch_file_that_is_sent_unpacks_to_no_more_either(tmp_path: Path, temporary: Path) -> None:
    content = cwa_header() + b"".join(cwa_blocks(100))
    path = packed(tmp_path / "a.cwa.gz", content, *[bytes(MIB)] * 40)
    with unpacking_limits(POSTED):
        assert refusal(path).startswith("FILE: unpacks to more than ")
    assert not list(temporary.iterdir())


def test_repeated_blocks_of_a_watch_are_refused_before_they_fill_the_memory(tmp_path: Path, traced: None) -> None:
    (path := tmp_path / "a.cwa").write_bytes(cwa_header() + b"".join(cwa_blocks(100)) * 400)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    assert refusal(path) == (
        "FILE: the watch's clock was set back during the recording, so 120 s occur twice. "
        "--rate HZ numbers the samples instead of reading their times"
    )
    assert tracemalloc.get_traced_memory()[1] - before < 100 * MIB  # all samples in memory are 220 MiB


def test_a_watch_whose_clock_is_set_back_again_and_again_is_refused(tmp_path: Path) -> None:
    earlier = [cwa_block(turning(120, 3), SUMMER - row * timedelta(seconds=10), number=row) for row in range(1_100)]
    (path := tmp_path / "a.cwa").write_bytes(cwa_header() + b"".join(earlier))
    assert refusal(path).startswith("FILE: the watch's clock was set back more than 1,000 times, so the times are ")


def test_a_watch_file_is_not_unpacked_onto_a_full_disk(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.cwa.gz", cwa_header() + b"".join(cwa_blocks(100)))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(1 << 30) - 1))
    message = refusal(path)
    assert message == (
        f"FILE: there is not enough disk space to unpack it: {temporary} has 1,073,741,823 bytes left, and "
        "1,073,741,824 must remain free. Free disk space, or set TMPDIR to a folder on a larger disk"
    )
    with unpacking_limits(UnpackingLimits(place="the server")):
        assert refusal(path) == message.replace(str(temporary), "the server")
    assert not list(temporary.iterdir())


def test_a_table_of_contents_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(150):
            member = zipfile.ZipInfo(f"{number}.csv")
            member.comment = b"c" * 0xFFFF
            archive.writestr(member, b"")
    with pytest.raises(HarkenError, match="its table of contents is too long"):
        member_paths(path)
    with pytest.raises(HarkenError, match="its table of contents is too long"), opened(path / "1.csv"):
        pass


def test_an_archive_of_very_many_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.csv", b"")
    with pytest.raises(HarkenError, match=r"a.zip: this zip archive contains 10,001 files; at most 10,000 are allowed"):
        harken.read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_can_only_be_unpacked_at_once_is_refused(method: int, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.csv", ROWS)
    with pytest.raises(HarkenError, match="compressed with a method that no app uses"), opened(path / "a.csv"):
        pass
