"""Reader of GENEActiv ``.bin`` files; the library actfast reads the values in the pages."""

import importlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import DeviceFacts, DeviceSource, LocalSamples, entered_for, plain_file, plain_head
from harken.readers.geneactiv.pages import LATE, BinHeader, Pages, find_pages, looks_like_header, read_header
from harken.readers.options import TableOptions
from harken.recordings.recording import Make
from harken.recordings.source import Room
from harken.support.errors import HarkenError
from harken.support.files import temporary_folder
from harken.support.plugins import install_command

CHANNELS = ("x", "y", "z", "temperature")
PAGES_AT_ONCE = 500
HEADER_LINES = 59
PAGE = (
    b"Recorded Data\nDevice Unique Serial Code:0\nSequence Number:0\nPage Time:2000-01-01 00:00:00:000\nUnassigned:\n"
    b"Temperature:0\nBattery voltage:0\nDevice Status:Recording\nMeasurement Frequency:1\n%b\n"
)
EARLIEST = 0.8
"""If a page begins at least this share of the previous page's length after its start, the previous page is compressed
in time, so that the two do not overlap."""


@dataclass(frozen=True)
class PageTimes:
    """The times of the samples in pages, by the watch's clock. Each page begins at its own time.

    Attributes:
        pages: the pages.
        step_ns: the sampling interval in each page, float64 ``[pages]``.
        rate_hz: samples per second, by the clock.
    """

    pages: Pages
    step_ns: NDArray[np.float64]
    rate_hz: float

    def of(self, first: int, last: int) -> NDArray[np.int64]:
        """The times in ns of the samples of the pages ``first`` to ``last`` (exclusive)."""
        pages, counts = self.pages, self.pages.samples
        whole = min(last, len(counts) - 1)  # all pages except the last have the same length
        local_ns = np.empty(int(counts[first:last].sum()), dtype=np.int64)
        before_last = int(counts[first:whole].sum())
        grid = local_ns[:before_last].reshape(max(0, whole - first), int(counts[0]) if whole > first else 0)
        steps = self.step_ns[first:whole, np.newaxis]
        np.multiply(steps, np.arange(grid.shape[1]), out=grid, casting="unsafe")  # in place
        grid += pages.time_ns[first:whole, np.newaxis]
        if last == len(counts):
            end = np.rint(self.step_ns[-1] * np.arange(counts[-1])).astype(np.int64)
            local_ns[before_last:] = pages.time_ns[-1] + end
        return local_ns


def read_samples(
    source: Path, content: mmap.mmap, header: BinHeader, times: PageTimes, room: Room
) -> Iterator[LocalSamples]:
    """Read the samples of intact pages, ``PAGES_AT_ONCE`` pages at a time: acceleration in g, temperature in °C.

    actfast reads a temporary file with a new header and some intact pages, for three reasons. It cannot read a header
    with a letter such as é. It ends the process if the number of pages in the header is damaged. It needs three times a
    file's size in memory.

    Raises:
        HarkenError: when actfast is missing or cannot read a page; the message names ``source``.
    """
    reader = _actfast(source)
    pages = times.pages
    counts = pages.samples
    with temporary_folder() as folder:
        some = Path(folder) / "pages.bin"
        for first in range(0, len(counts), PAGES_AT_ONCE):
            rows = slice(first, min(first + PAGES_AT_ONCE, len(counts)))
            digits = [content[start:end] for start, end in pages.where[rows].tolist()]
            some.write_bytes(_header(header, len(digits)) + b"".join(PAGE % line for line in digits))
            _, signals = room.next(int(counts[rows].sum()))
            signals[:, :3] = _acceleration(reader, source, some, len(signals))
            signals[:, 3] = np.repeat(pages.temperature[rows], counts[rows])
            if hasattr(mmap, "MADV_DONTNEED"):
                content.madvise(mmap.MADV_DONTNEED)  # else the whole file stays in memory beside its samples
            yield times.of(rows.start, rows.stop), signals


def _actfast(source: Path) -> Any:
    try:
        return importlib.import_module("actfast")
    except ImportError as error:
        raise HarkenError(
            f"{source}: reading this file needs the package actfast ({error.name or error} is missing), "
            f"which is part of the extra devices: {install_command('harken[devices]')}"
        ) from error


def _acceleration(reader: Any, source: Path, path: Path, count: int) -> NDArray[np.float32]:
    """The acceleration in a file of ``count`` samples, ``[count, 3]``."""
    try:
        found = reader.read(str(path))["timeseries"]["high_frequency"]["acceleration"]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic in Rust is not an Exception
        reason = str(error) or type(error).__name__
        raise HarkenError(f"{source}: actfast cannot read the samples ({reason})") from error
    if found.shape != (count, 3):
        raise HarkenError(f"{source}: actfast cannot read the samples (it returned {len(found):,} of {count:,})")
    return np.asarray(found, dtype=np.float32)


def _header(header: BinHeader, pages: int) -> bytes:
    lines = ["Device Identity", "Device Type:GENEActiv", "Calibration Data"]
    for axis, gain, offset in zip("xyz", header.gains, header.offsets, strict=True):
        lines += [f"{axis} gain:{gain}", f"{axis} offset:{offset}"]
    lines += ["Volts:1", "Lux:1", "Memory Status", f"Number of Pages:{pages}"]
    return "\n".join([*lines, *[""] * (HEADER_LINES - len(lines)), ""]).encode()


def page_times(pages: Pages) -> PageTimes:
    """The times of all pages. A page's samples are spread up to the next page, unless data are missing in between."""
    counts = pages.samples
    length = counts[:-1] * (1e9 / pages.rate_hz[:-1])
    to_next = np.diff(pages.time_ns)
    lasting = (to_next >= EARLIEST * length) & (to_next <= (1 + LATE) * length) & (np.diff(pages.number) == 1)
    rate_hz = float(pages.rate_hz[0])
    if lasting.any():
        rate_hz = float(counts[:-1][lasting].sum()) / float(to_next[lasting].sum() / 1e9)
    step = np.full(len(counts), 1e9 / rate_hz)
    step[:-1][lasting] = to_next[lasting] / counts[:-1][lasting]
    return PageTimes(pages, step, rate_hz)


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001 - the ending .bin is not specific
    """Whether a file is a GENEActiv ``.bin``, by its first bytes ``head`` (gzipped or not)."""
    return looks_like_header(plain_head(head))


def open_source(path: Path, options: TableOptions) -> "GeneactivSource":
    """Open a GENEActiv's ``.bin``, gzipped or not.

    Channels are ``x, y, z`` in g, with the calibration in the file's header, and ``temperature`` in °C, one value for
    each page (300 samples). Light and button are not read. The subject is the header's subject code.

    Samples are spread between the times of their page and of the next; missing data leave a gap. Invalid pages are left
    out and counted in a note. Pages have no checksum, so a wrong hexadecimal digit cannot be distinguished from a
    movement.

    Raises:
        HarkenError: when the file is not a GENEActiv ``.bin``, the calibration in its header is damaged, no page is
            intact, or actfast is missing.
    """
    return GeneactivSource(path, options)


class GeneactivSource(DeviceSource):
    """The samples of a file's intact pages. An unpacked copy of a gzipped file is kept while the source is in use."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        self._plain = entered_for(self, plain_file(path, looks_like_header, "a GENEActiv .bin file"))
        with _mapped(self._plain) as content:
            end_of_header, pages = find_pages(path, content)
            self._header = read_header(path, content[:end_of_header])
        self._times = page_times(pages)
        self._stated_rate_hz = self._header.rate_hz or float(pages.rate_hz[0])
        facts = DeviceFacts(
            channels=CHANNELS,
            make=Make.GENEACTIV,
            range_g=self._header.range_g,
            subject=self._header.subject,
            stated_rate_hz=self._stated_rate_hz,
            worn_on=self._header.location,
        )
        super().__init__(path, options, facts)
        self.capacity = int(pages.samples.sum())

    def local_samples(self, room: Room) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        with _mapped(self._plain) as content:
            yield from read_samples(self._path, content, self._header, self._times, room)

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        header, pages = self._header, self._times.pages
        in_file = pages.damaged + len(pages.number)
        notes = [
            header.description,
            f"The watch was set to {self._stated_rate_hz:g} Hz; according to its clock, it recorded at "
            f"{self._times.rate_hz:.5g} Hz.",
        ]
        if pages.damaged:
            notes.append(
                f"About {pages.damaged:,} of {in_file:,} pages of the file are damaged and were left out; "
                "there are gaps in their place."
            )
        if pages.cut_short:
            notes.append(
                "The file is incomplete: it ends in the middle of its last page, whose complete samples were kept."
            )
        if header.pages is not None and header.pages > in_file:
            notes.append(f"The header states {header.pages:,} pages, but the file contains fewer.")
        if header.zone:
            notes.append(
                f"The header states the time zone {header.zone}, which the manufacturer writes with or "
                "without summer time; it was not used."
            )
        if header.drift_s is not None:
            notes.append(
                f"The watch's clock was wrong by {header.drift_s:+g} s when it was read out; times were not corrected."
            )
        return notes


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
