"""A GENEActiv ``.bin`` in pieces."""

import mmap
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import plain_file
from harken.readers.geneactiv.header import looks_like_header, read_header
from harken.readers.geneactiv.pages import find_pages
from harken.readers.geneactiv.reading import CHANNELS, pages_recording
from harken.readers.geneactiv.samples import PAGES_AT_ONCE, read_pieces
from harken.readers.geneactiv.times import page_times
from harken.readers.options import TableOptions
from harken.readers.parts.device import found_device
from harken.readers.parts.found import Found
from harken.recordings.recording import Recording

__all__ = ["found_geneactiv"]


def found_geneactiv(path: Path, options: TableOptions) -> Found:
    """Look at the pages of a ``.bin``, gzipped or not. What had to be unpacked lies aside for as long as it is used.

    Raises:
        HarkenError: as ``harken.readers.geneactiv.read_geneactiv``.
    """
    with ExitStack() as stack:
        plain = stack.enter_context(plain_file(path, looks_like_header, "GENEActiv .bin file"))
        reading = _Reading(plain, path, options)
        weakref.finalize(reading, stack.pop_all().close)
        return found_device(reading.pieces, reading.recording)
    raise AssertionError  # for the type checker: an ExitStack may swallow exceptions, and this one swallows none


class _Reading:
    """A file, and where its pages are."""

    def __init__(self, plain: Path, path: Path, options: TableOptions) -> None:
        self._plain, self._path, self._options = plain, path, options
        with plain.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            end_of_header, self._pages = find_pages(path, content)
            self._header = read_header(path, content[:end_of_header])
        self._times = page_times(self._pages)

    def pieces(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The samples by the watch's clock."""
        count = len(self._pages.number)
        with self._plain.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            signals = read_pieces(self._path, content, self._header, self._pages)
            for first, some in zip(range(0, count, PAGES_AT_ONCE), signals, strict=True):
                yield self._times.of(first, min(first + PAGES_AT_ONCE, count)), some

    def recording(self, local_ns: NDArray[np.int64]) -> Recording:
        """A recording of a few samples at these times, whose zone and notes are those of the whole."""
        signals = np.zeros((len(local_ns), len(CHANNELS)), dtype=np.float32)
        return pages_recording(self._path, self._options, self._header, self._times, local_ns, signals)
