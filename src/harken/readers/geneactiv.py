"""The header and the pages of a GENEActiv ``.bin``. The header has many lines of text; a few of them are used.

A page has nine lines of text and a line of samples in hexadecimal digits, without a checksum. A page is intact if all
of its lines are present and valid, its length is that of the other pages, and its time fits those of its neighbours.
"""

import importlib
import math
import mmap
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import DeviceFacts, DeviceSource, LocalSamples, entered_for
from harken.readers.options import TableOptions
from harken.readers.unpacking import plain_file, plain_head
from harken.recordings.recording import Make
from harken.recordings.source import Room
from harken.support.errors import HarkenError
from harken.support.files import temporary_folder
from harken.support.plugins import install_command

HEADER_MARK = b"Device Identity"
MAKE = b"GENEActiv"
FILLER = "\0 \t"
COUNTS_PER_G = 25_600
"""The nominal gain in hundredths: 2,048 counts are 8 g. The gains of watches differ by a few per cent."""
MOST_GAIN_ERROR = 0.2
MOST_OFFSET = 12_800
"""The largest offset, 0.5 g, in hundredths of a count."""
ZONE = re.compile(r"GMT [+-]\d\d:\d\d")
DRIFT = re.compile(r"clock drift (-?\d+(?:\.\d+)?) ?s")
PAGE_MARK = b"Recorded Data"
PAGE = re.compile(
    rb"Recorded Data\r?\n"
    rb"Device Unique Serial Code:[^\r\n]{0,40}\r?\n"
    rb"Sequence Number:(\d{1,9})\r?\n"
    rb"Page Time:(\d{4}-\d\d?-\d\d? \d\d?:\d\d:\d\d):(\d{3})\r?\n"
    rb"Unassigned:[^\r\n]{0,80}\r?\n"
    rb"Temperature:(-?\d{1,3}(?:\.\d{1,4})?)\r?\n"
    rb"Battery voltage:\d{1,2}(?:\.\d{1,6})?\r?\n"
    rb"Device Status:[^\r\n]{0,80}\r?\n"
    rb"Measurement Frequency:(\d{1,4}(?:\.\d{1,4})?)\r?\n"
    rb"([0-9A-Fa-f]++)(\r?\n|\r?\Z)"
)
DIGITS_PER_SAMPLE = 12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATE = 0.02
"""The tolerance of a page's time, as a share of its length. Beyond it, data are missing or the time is damaged."""
EDGE_LATE = 0.5
"""The tolerance at the ends of a recording, where a page has only one neighbour."""
PIECE_BYTES = 1 << 20
RATES_HZ = (1.0, 1000.0)
YEARS = (2000, 2099)
HEADING_BYTES = 230
"""The approximate length of the lines before a page's samples."""


Page = tuple[int, int, int, int, float, float]
"""First byte of its digits, byte after the last whole sample, time in ns, number, temperature, rate."""


@dataclass(frozen=True)
class BinHeader:
    """The header. ``gains`` and ``offsets`` are for x, y and z. Missing fields are empty or None."""

    serial: str
    model: str
    firmware: str
    subject: str
    location: str
    rate_hz: float | None
    range_g: float | None
    pages: int | None
    zone: str
    drift_s: float | None
    gains: tuple[int, int, int]
    offsets: tuple[int, int, int]

    @property
    def description(self) -> str:
        """A sentence on the watch."""
        parts = [f"GENEActiv {self.model} {self.serial}".replace("  ", " ").strip()]
        parts += [f"firmware {self.firmware}"] if self.firmware else []
        parts += [f"range ±{self.range_g:g} g"] if self.range_g else []
        return ", ".join(parts) + "."


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a GENEActiv ``.bin``."""
    return head.startswith(HEADER_MARK) and MAKE in head


def read_header(source: Path, header: bytes) -> BinHeader:
    """Parse the header, which ends at the first page.

    Raises:
        HarkenError: when the calibration, which is needed for acceleration, is missing or impossible.
    """
    lines = (line.partition(":") for line in header.decode("latin-1").splitlines())
    # The first line with a name is used, because pages contain the device again.
    fields: dict[str, str] = {}
    for name, _, value in lines:
        fields.setdefault(name.strip(FILLER), "".join(c for c in value if c.isprintable()).strip(FILLER))
    gains, offsets = [], []
    for axis in "xyz":
        gain, offset = _whole_number(fields.get(f"{axis} gain", "")), _whole_number(fields.get(f"{axis} offset", ""))
        if gain is None or offset is None:
            raise HarkenError(f"{source}: the header has no gain and offset of the {axis} axis; the file is damaged")
        if abs(gain / COUNTS_PER_G - 1) > MOST_GAIN_ERROR or abs(offset) > MOST_OFFSET:
            raise HarkenError(
                f"{source}: the header states a gain of {gain} and an offset of {offset} for the {axis} axis, "
                f"but those of a GENEActiv are about {COUNTS_PER_G} and 0; the file is damaged"
            )
        gains.append(gain)
        offsets.append(offset)
    drift = DRIFT.search(fields.get("Extract Notes", ""))
    zone = ZONE.fullmatch(fields.get("Time Zone", ""))
    return BinHeader(
        serial=fields.get("Device Unique Serial Code", ""),
        model=fields.get("Device Model", ""),
        firmware=fields.get("Device Firmware Version", ""),
        subject=fields.get("Subject Code", ""),
        location=fields.get("Device Location Code", ""),
        rate_hz=_number(fields.get("Measurement Frequency", "")),
        range_g=_number(fields.get("Accelerometer Range", "").rpartition(" ")[2]),
        pages=_whole_number(fields.get("Number of Pages", "")),
        zone=zone.group() if zone else "",
        drift_s=float(drift.group(1)) if drift else None,
        gains=(gains[0], gains[1], gains[2]),
        offsets=(offsets[0], offsets[1], offsets[2]),
    )


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) else None


def _number(text: str) -> float | None:
    found = re.match(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII)
    return float(found.group()) if found and float(found.group()) > 0 else None


@dataclass(frozen=True)
class Pages:
    """The intact pages of a file, in its order. Arrays are ``[pages]``.

    Attributes:
        where: int64 ``[pages, 2]``, first byte of each page's digits and the byte after its last whole sample.
        time_ns: int64, the watch's clock at each page's first sample.
        number: int64, the watch's number of each page.
        temperature: float32, in °C.
        rate_hz: float64, the rate stated in each page.
        damaged: the approximate number of pages that were left out.
        cut_short: whether the file ends inside its last page, whose complete samples are kept.
    """

    where: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    number: NDArray[np.int64]
    temperature: NDArray[np.float32]
    rate_hz: NDArray[np.float64]
    damaged: int
    cut_short: bool

    @property
    def samples(self) -> NDArray[np.int64]:
        """The number of samples in each page."""
        return np.asarray((self.where[:, 1] - self.where[:, 0]) // DIGITS_PER_SAMPLE)


def find_pages(source: Path, content: mmap.mmap) -> tuple[int, Pages]:
    """Find the first page, where the header ends, and all intact pages; errors name ``source``.

    Raises:
        HarkenError: when there is no intact page.
    """
    begin = content.find(PAGE_MARK)
    if begin < 0:
        raise HarkenError(f"{source}: it contains no pages of data: it was cut short, or nothing was recorded")
    found: list[Page] = []
    left_out, done, cut_short = 0, begin, False
    for page in PAGE.finditer(content, begin):
        number, date, thousandths, temperature, rate, _, end = page.groups()
        first, last = page.span(6)
        left_out += _bytes_of_damage(content, done, page.start())
        done = page.end()
        cut_short = done == len(content) and b"\n" not in end
        time_ns = _nanoseconds(date, thousandths)
        spare = (last - first) % DIGITS_PER_SAMPLE
        if time_ns is None or (spare and not cut_short) or last - first < DIGITS_PER_SAMPLE:
            left_out += done - page.start()
        else:
            found.append((first, last - spare, time_ns, int(number), float(temperature), float(rate)))
    left_out += _bytes_of_damage(content, done, len(content))
    if not found:
        raise HarkenError(
            f"{source}: it contains no complete page: the file is damaged, or cut short in its first page"
        )
    usual = Counter(page[1] - page[0] for page in found).most_common(1)[0][0]
    usual_rate = Counter(page[5] for page in found).most_common(1)[0][0]
    if not RATES_HZ[0] <= usual_rate <= RATES_HZ[1]:
        raise HarkenError(f"{source}: its pages state a rate of {usual_rate:g} Hz; the file is damaged")
    kept = [page for page in found if page[5] == usual_rate and (page[1] - page[0] == usual or page is found[-1])]
    pages = _pages(kept, cut_short, 0)
    fits = _time_fits(pages)
    cut_short &= found[-1][1] - found[-1][0] < usual
    damaged = math.ceil(left_out / (usual + HEADING_BYTES) - 0.5) if left_out else 0
    damaged = max(damaged, int(left_out > 0)) + len(found) - int(fits.sum())
    return begin, _pages([page for page, fitting in zip(kept, fits, strict=True) if fitting], cut_short, damaged)


def _pages(found: list[Page], cut_short: bool, damaged: int) -> Pages:
    first, last, time_ns, number, temperature, rate_hz = zip(*found, strict=True)
    return Pages(
        where=np.stack([np.array(first, np.int64), np.array(last, np.int64)], axis=1),
        time_ns=np.array(time_ns, np.int64),
        number=np.array(number, np.int64),
        temperature=np.array(temperature, np.float32),
        rate_hz=np.array(rate_hz, np.float64),
        damaged=damaged,
        cut_short=cut_short,
    )


def _nanoseconds(date: bytes, thousandths: bytes) -> int | None:
    """A page's time in ns since 1970; None if the date does not exist."""
    try:
        text = date.decode()
        if len(text) == len("2019-05-21 16:16:43"):
            time = datetime.fromisoformat(text).replace(tzinfo=UTC)
        else:  # some programs write 2019-5-21
            time = datetime(*map(int, re.split("[- :]", text)), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    if not YEARS[0] <= time.year <= YEARS[1]:
        return None
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + int(thousandths) * 10**6


def _bytes_of_damage(content: mmap.mmap, first: int, last: int) -> int:
    """How many bytes between two pages are not blank. They are read in pieces, because they may be most of the file."""
    while first < last and not (begin := content[first : min(last, first + PIECE_BYTES)].lstrip()):
        first = min(last, first + PIECE_BYTES)
    if first >= last:
        return 0
    first = min(last, first + PIECE_BYTES) - len(begin)
    while not (end := content[max(first, last - PIECE_BYTES) : last].rstrip()):
        last -= PIECE_BYTES
    return max(first, last - PIECE_BYTES) + len(end) - first


def _time_fits(pages: Pages) -> NDArray[np.bool_]:
    """Which pages have times that agree with those of their neighbours, bool ``[pages]``.

    A page's time is damaged if the pages before and after it agree with each other but not with it. At the ends, it is
    damaged if the time is far from that of the page with the adjacent number.
    """
    time_s = (pages.time_ns - pages.time_ns[0]) / 1e9
    length_s = pages.samples / pages.rate_hz
    off = np.abs(np.diff(time_s) - length_s[:-1])
    fits = np.ones(len(time_s), dtype=bool)
    if len(time_s) >= 3:
        over_one = time_s[2:] - time_s[:-2]
        agree = np.abs(over_one - length_s[:-2] - length_s[1:-1]) <= LATE * length_s[1:-1]
        fits[1:-1] = ~agree | (off[:-1] <= 2 * LATE * length_s[1:-1])
        beside = np.diff(pages.number) == 1
        fits[0] = not (beside[0] and off[0] > EDGE_LATE * length_s[0] and off[1] <= LATE * length_s[1])
        fits[-1] = not (beside[-1] and off[-1] > EDGE_LATE * length_s[-2] and off[-2] <= LATE * length_s[-2])
    return fits


CHANNELS = ("x", "y", "z", "temperature")
PAGES_AT_ONCE = 500
LINES_WRITTEN = 59
PAGE_WRITTEN = (
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
            some.write_bytes(_header(header, len(digits)) + b"".join(PAGE_WRITTEN % line for line in digits))
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
    return "\n".join([*lines, *[""] * (LINES_WRITTEN - len(lines)), ""]).encode()


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
