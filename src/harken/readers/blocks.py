"""A text file, plain or gzipped, in blocks of whole lines: memory holds one block, whatever the file's size."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.printable import printable
from harken.readers.archive import opened_file
from harken.readers.layout import UTF8_MARK, Layout

__all__ = ["GZIPPED", "Block", "blocks", "count_separators", "ends_in_newline", "opened", "stem"]

BLOCK_BYTES = 1 << 24
GZIPPED = b"\x1f\x8b"
"""How a gzipped file begins."""
NEWLINE, QUOTE = b"\n"[0], b'"'[0]
BLANK_LINE = re.compile(rb"^[ \t\r]*(\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file, the first of which is number ``first_line`` (from 1)."""

    first_line: int
    text: bytes

    def without_blank_lines(self, layout: Layout) -> bytes:
        """The text without lines that hold nothing but spaces."""
        ends = np.flatnonzero(np.frombuffer(self.text, dtype=np.uint8) == NEWLINE)
        if not self.text.endswith(b"\n"):
            ends = np.append(ends, len(self.text))
        # Looking for blank lines takes time, and lines that are shorter than any sensible row are rare.
        seldom_short = (np.diff(ends, prepend=-1) > 2 * layout.width).all()
        return self.text if seldom_short else BLANK_LINE.sub(b"", self.text)


def blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Cut the data, header left out, into blocks that end at the end of a line and outside quotation marks."""
    line = layout.data_line + 1
    trailing = re.compile(re.escape(layout.line_end.encode()) + rb"(?=\r?(\n|\Z))")
    with opened(path) as file:
        for _ in range(layout.data_line):
            file.readline()
        while text := file.read(BLOCK_BYTES):
            text += file.readline()
            if text.count(QUOTE) % 2:
                text += _rest_of_quotation(file)
            block = Block(line, text.removeprefix(UTF8_MARK) if line == 1 else text)
            line += text.count(NEWLINE)
            yield Block(block.first_line, trailing.sub(b"", block.text)) if layout.line_end else block


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked when it is gzipped or lies in a zip archive (``export.zip/Accelerometer.csv``).

    Raises:
        HarkenError: when the gzip file or the archive is damaged; so does reading from it.
    """
    with opened_file(path) as file:
        gzipped = file.read(len(GZIPPED)) == GZIPPED
        file.seek(0)
        if not gzipped:
            yield file
            return
        try:
            with gzip.open(file) as unpacked:
                yield cast(IO[bytes], unpacked)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise HarkenError(f"{path}: the gzip file is damaged or cut short ({error})") from error


def stem(path: Path) -> str:
    """A file's name without its endings, gzip's among them: whose recording it is, where nothing else says."""
    return printable(Path(path.name.removesuffix(".gz")).stem or path.name)


def ends_in_newline(path: Path) -> bool:
    """Whether the last line of a file, not empty, is complete."""
    last = b""
    with opened(path) as file:
        while piece := file.read(BLOCK_BYTES):
            last = piece[-1:]
    return last == b"\n"


def count_separators(text: bytes, separator: str) -> int:
    """How many separators there are outside quotation marks; -1 when a quotation never ends."""
    data = np.frombuffer(text, dtype=np.uint8)
    cuts: NDArray[np.bool_] = data == ord(separator)
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return -1
    if (np.diff(quotes)[::2] > 1).any():  # something stands inside, unlike in ""
        cuts &= ~np.bitwise_xor.accumulate(data == QUOTE)
    return int(np.count_nonzero(cuts))


def _rest_of_quotation(file: IO[bytes]) -> bytes:
    lines: list[bytes] = []
    while following := file.readline():
        lines.append(following)
        if following.count(QUOTE) % 2:
            break
    return b"".join(lines)
