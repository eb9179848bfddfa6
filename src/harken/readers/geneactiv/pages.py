"""The header and the pages of a GENEActiv ``.bin``. The header has many lines of text; a few of them are used.

A page has nine lines of text and a line of samples in hexadecimal digits, without a checksum. A page is intact if all
of its lines are present and valid, its length is that of the other pages, and its time fits those of its neighbours.
"""

import math
import mmap
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError

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
