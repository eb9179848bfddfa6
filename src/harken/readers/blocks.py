"""Reading of text files, plain or gzipped, in blocks of whole lines. Only one block is in memory at a time.

A line, or a row with quotation marks that spans several lines, may have at most one mebibyte.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from harken.readers.layout import UTF8_MARK, Layout
from harken.readers.unpacking import file_on_disk, measured, opened_file
from harken.support.errors import HarkenError
from harken.support.printable import printable

BLOCK_BYTES = 1 << 24
LONGEST_LINE = 1 << 20
PIECE_BYTES = 1 << 20
"""NumPy arrays with eight bytes for each of these bytes are still small."""
GZIPPED = b"\x1f\x8b"
"""The first bytes of a gzipped file."""
NEWLINE, QUOTE = b"\n"[0], b'"'[0]
BLANK = np.isin(np.arange(256), list(b" \t\r\n"))
"""For each byte value, whether blank lines may contain it."""


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file. ``first_line`` is the number of the first one (from 1)."""

    first_line: int
    text: bytes

    def without_blank_lines(self, layout: Layout) -> bytes:
        """The text without blank lines."""
        pieces = list(_pieces(self.text))
        # The search for blank lines is slow, so it is done only if a line is shorter than any possible row.
        if not any(_has_short_line(piece, 2 * layout.width) for piece in pieces):
            return self.text
        return b"".join(map(_without_blank_lines, pieces))


def blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Divide the data, without the header, into blocks that end at the end of a line and outside quotation marks.

    Raises:
        HarkenError: for a line that is longer than ``LONGEST_LINE``.
    """
    line = layout.data_line + 1
    with opened(path) as file:
        skip_lines(path, file, layout.data_line)
        while text := file.read(BLOCK_BYTES):
            text += file.readline(LONGEST_LINE + 1)
            _refuse_long_lines(path, text, line)
            if text.count(QUOTE) % 2:
                text += _rest_of_quotation(path, file, line + text.count(NEWLINE))
            block = Block(line, text.removeprefix(UTF8_MARK) if line == 1 else text)
            line += text.count(NEWLINE)
            yield Block(block.first_line, _without_line_ends(block.text, layout.line_end.encode()))


def skip_lines(path: Path, file: IO[bytes], count: int) -> None:
    """Skip the first lines of a file.

    Raises:
        HarkenError: for a line that is longer than ``LONGEST_LINE``.
    """
    for number in range(count):
        line = file.readline(LONGEST_LINE + 1)
        _refuse_long_lines(path, line, number + 1)
        if not line:
            return


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked if it is gzipped or in a zip archive (``export.zip/Accelerometer.csv``).

    Raises:
        HarkenError: when the gzip file or the archive is damaged; reading may also raise it.
    """
    with opened_file(path) as file:
        gzipped = file.read(len(GZIPPED)) == GZIPPED
        file.seek(0)
        if not gzipped:
            yield file
            return
        try:
            with gzip.open(file) as unpacked:
                packed_bytes = (file_on_disk(path) or path).stat().st_size
                yield measured(path, cast(IO[bytes], unpacked), packed_bytes)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise HarkenError(f"{path}: the gzip file is damaged or cut short ({error})") from error


def stem(path: Path) -> str:
    """A file's name without its endings, including ``.gz``. It is the default name of the subject."""
    return printable(Path(path.name.removesuffix(".gz")).stem or path.name)


def ends_in_newline(path: Path) -> bool:
    """Whether a file that is not empty ends in a newline, so that its last line is complete."""
    last = b""
    with opened(path) as file:
        while piece := file.read(BLOCK_BYTES):
            last = piece[-1:]
    return last == b"\n"


def count_separators(text: bytes, separator: str) -> int:
    """The number of separators outside quotation marks; -1 if a quotation does not end."""
    data = np.frombuffer(text, dtype=np.uint8)
    cuts: NDArray[np.bool_] = data == ord(separator)
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return -1
    if (np.diff(quotes)[::2] > 1).any():  # some quotation is not empty
        cuts &= ~np.bitwise_xor.accumulate(data == QUOTE)
    return int(np.count_nonzero(cuts))


def _rest_of_quotation(path: Path, file: IO[bytes], first_line: int) -> bytes:
    """The lines up to the end of a quotation. If it does not end soon, the reader of the rows raises the error."""
    lines: list[bytes] = []
    length = 0
    while length <= LONGEST_LINE and (following := file.readline(LONGEST_LINE + 1)):
        _refuse_long_lines(path, following, first_line + len(lines))
        lines.append(following)
        length += len(following)
        if following.count(QUOTE) % 2:
            break
    return b"".join(lines)


def _refuse_long_lines(path: Path, text: bytes, first_line: int) -> None:
    """Raise a HarkenError for the first of the lines, numbered from ``first_line``, that is too long."""
    begin = 0
    while len(text) - begin > LONGEST_LINE:
        end = text.rfind(b"\n", begin, begin + LONGEST_LINE)
        if end < 0:
            line = first_line + text.count(b"\n", 0, begin)
            raise HarkenError(
                f"{path}, line {line}: the line has more than {LONGEST_LINE:,} bytes, far more than a row of "
                "a table. Is the file damaged, or not a table?"
            )
        begin = end + 1


def _pieces(text: bytes) -> Iterator[memoryview]:
    """The text in pieces of whole lines, each of them about ``PIECE_BYTES`` long."""
    view, begin = memoryview(text), 0
    while begin < len(text):
        end = text.find(b"\n", begin + PIECE_BYTES) + 1 or len(text)
        yield view[begin:end]
        begin = end


def _line_ends(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The end (exclusive) of each line."""
    ends = np.flatnonzero(data == NEWLINE) + 1
    return ends if len(ends) and ends[-1] == len(data) else np.append(ends, len(data))


def _has_short_line(piece: memoryview, length: int) -> bool:
    return bool((np.diff(_line_ends(np.frombuffer(piece, np.uint8)), prepend=0) <= length).any())


def _without_blank_lines(piece: memoryview) -> bytes:
    data = np.frombuffer(piece, np.uint8)
    seen = np.cumsum(~BLANK[data], dtype=np.int32)  # cumulative number of characters that are not blank
    if seen[-1] == 0:
        return b""
    ends = _line_ends(data)
    filled = np.diff(seen[ends - 1], prepend=0) > 0
    return data[np.repeat(filled, np.diff(ends, prepend=0))].tobytes()


def _without_line_ends(text: bytes, line_end: bytes) -> bytes:
    """The text without ``line_end`` before each newline and at its end."""
    if not line_end:
        return text
    for newline in (b"\r\n", b"\n"):
        text = text.replace(line_end + newline, newline)
    last = text.removesuffix(b"\r")
    return last.removesuffix(line_end) + text[len(last) :]
