"""Reader of GENEActiv ``.bin`` files: a header and pages. The header has many lines of text; a few of them are used.

A page has nine lines of text and a line of samples in hexadecimal digits, without a checksum. A page is intact if all
of its lines are present and valid, its length is that of the other pages, and its time fits those of its neighbours.
"""

import math
import mmap
import re
from binascii import unhexlify
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import DeviceSource, LocalSamples, said, values_of_12_bits
from harken.readers.options import TableOptions
from harken.readers.unpacking import plain_file, plain_head
from harken.recordings.recording import Make, Quality
from harken.support.arrays import BoolArray, Float64Array, Int64Array, numbered
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
RATES_HZ = (1.0, 1000.0)
YEARS = (2000, 2099)
HEADING_BYTES = 230
"""The approximate length of the lines before a page's samples."""


PAGES = np.dtype(
    [
        ("first", np.int64),
        ("last", np.int64),
        ("time_ns", np.int64),
        ("number", np.int64),
        ("temperature", np.float32),
        ("rate_hz", np.float64),
    ]
)
"""First byte of a page's digits, byte after its last whole sample, its time by the watch's clock, the watch's number of
it, temperature in °C, rate stated in it."""


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a GENEActiv ``.bin``."""
    return head.startswith(HEADER_MARK) and MAKE in head


def read_header(header: bytes) -> dict[str, str]:
    """The values in the header, which ends at the first page, by their names; empty for other names."""
    lines = (line.partition(":") for line in header.decode("latin-1").splitlines())
    fields = defaultdict[str, str](str)
    for name, _, value in lines:  # the first line with a name is used, because pages contain the device again
        fields.setdefault(name.strip(FILLER), "".join(c for c in value if c.isprintable()).strip(FILLER))
    return fields


def calibration(source: Path, header: dict[str, str]) -> tuple[list[int], list[int]]:
    """The gains and the offsets for x, y and z, which are needed for acceleration.

    Raises:
        HarkenError: when one is missing or impossible.
    """
    gains, offsets = [], []
    for axis in "xyz":
        gain, offset = (_whole_number(header[f"{axis} {name}"]) for name in ("gain", "offset"))
        if gain is None or offset is None:
            raise HarkenError(f"the header has no gain and offset of the {axis} axis; the file is damaged", path=source)
        if abs(gain / COUNTS_PER_G - 1) > MOST_GAIN_ERROR or abs(offset) > MOST_OFFSET:
            raise HarkenError(
                f"the header states a gain of {gain} and an offset of {offset} for the {axis} axis, "
                f"but those of a GENEActiv are about {COUNTS_PER_G} and 0; the file is damaged",
                path=source,
            )
        gains.append(gain)
        offsets.append(offset)
    return gains, offsets


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) else None


def _number(text: str) -> float | None:
    found = re.match(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII)
    return float(found.group()) if found and float(found.group()) > 0 else None


class FoundPages(NamedTuple):
    """The intact pages of a file, in its order.

    ``header_bytes`` is where the first page begins; ``pages`` structured ``[pages]``, with the fields ``PAGES``;
    ``damaged`` the approximate number of pages that were left out; ``cut_short`` whether the file ends inside its last
    page, whose complete samples are kept.
    """

    header_bytes: int
    pages: NDArray[np.void]
    damaged: int
    cut_short: bool


def _samples_in(pages: NDArray[np.void]) -> Int64Array:
    """The number of samples in each page."""
    return np.asarray((pages["last"] - pages["first"]) // DIGITS_PER_SAMPLE)


def find_pages(source: Path, content: mmap.mmap) -> FoundPages:
    """Find the intact pages of a file; errors name ``source``.

    Raises:
        HarkenError: when there is no intact page.
    """
    begin = content.find(PAGE_MARK)
    if begin < 0:
        raise HarkenError("it contains no pages of data: it was cut short, or nothing was recorded", path=source)
    headers: list[tuple[int, int, int, int, float, float]] = []
    left_out, done, cut_short = 0, begin, False
    for page in PAGE.finditer(content, begin):
        number, date, thousandths, temperature, rate, _, end = page.groups()
        first, last = page.span(6)
        left_out += len(content[done : page.start()].strip())
        done = page.end()
        cut_short = done == len(content) and b"\n" not in end
        time_ns = _nanoseconds(date, thousandths)
        spare = (last - first) % DIGITS_PER_SAMPLE
        if time_ns is None or (spare and not cut_short) or last - first < DIGITS_PER_SAMPLE:
            left_out += done - page.start()
        else:
            headers.append((first, last - spare, time_ns, int(number), float(temperature), float(rate)))
    left_out += len(content[done:].strip())
    if not headers:
        raise HarkenError(
            "it contains no complete page: the file is damaged, or cut short in its first page", path=source
        )
    pages = np.array(headers, PAGES)
    sizes = pages["last"] - pages["first"]
    usual = Counter(sizes.tolist()).most_common(1)[0][0]
    usual_rate = Counter(pages["rate_hz"].tolist()).most_common(1)[0][0]
    if not RATES_HZ[0] <= usual_rate <= RATES_HZ[1]:
        raise HarkenError(f"its pages state a rate of {usual_rate:g} Hz; the file is damaged", path=source)
    of_usual_size = sizes == usual
    of_usual_size[-1] = True
    pages = pages[of_usual_size & (pages["rate_hz"] == usual_rate)]
    pages = pages[_time_fits(pages)]
    damaged = math.ceil(left_out / (usual + HEADING_BYTES) - 0.5) if left_out else 0
    damaged = max(damaged, int(left_out > 0)) + len(headers) - len(pages)
    return FoundPages(begin, pages, damaged, cut_short and sizes[-1] < usual)


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


def _time_fits(pages: NDArray[np.void]) -> BoolArray:
    """Which pages have times that agree with those of their neighbours, bool ``[pages]``.

    A page's time is damaged if the pages before and after it agree with each other but not with it. At the ends, it is
    damaged if the time is far from that of the page with the adjacent number.
    """
    time_s = (pages["time_ns"] - pages["time_ns"][0]) / 1e9
    length_s = _samples_in(pages) / pages["rate_hz"]
    off = np.abs(np.diff(time_s) - length_s[:-1])
    fits = np.ones(len(time_s), bool)
    if len(time_s) >= 3:
        over_one = time_s[2:] - time_s[:-2]
        agree = np.abs(over_one - length_s[:-2] - length_s[1:-1]) <= LATE * length_s[1:-1]
        fits[1:-1] = ~agree | (off[:-1] <= 2 * LATE * length_s[1:-1])
        beside = np.diff(pages["number"]) == 1
        late_first = off[0] > EDGE_LATE * length_s[0] and off[1] <= LATE * length_s[1]
        late_last = off[-1] > EDGE_LATE * length_s[-2] and off[-2] <= LATE * length_s[-2]
        fits[0] = not (beside[0] and late_first)
        fits[-1] = not (beside[-1] and late_last)
    return fits


CHANNELS = ("x", "y", "z", "temperature")
PAGES_AT_ONCE = 500
EARLIEST = 0.8
"""If a page begins at least this share of the previous page's length after its start, the previous page is compressed
in time, so that the two do not overlap."""


def steps_of(pages: NDArray[np.void], counts: Int64Array) -> tuple[Float64Array, float]:
    """The sampling interval in each page in ns, by the watch's clock, float64 ``[pages]``, and the rate in Hz.

    Each page begins at its own time. Its samples are spread up to the next page, unless data are missing in between.

    Args:
        pages: structured ``[pages]``, see ``PAGES``.
        counts: the number of samples in each page.
    """
    length = counts[:-1] * (1e9 / pages["rate_hz"][:-1])
    to_next = np.diff(pages["time_ns"])
    lasting = (to_next >= EARLIEST * length) & (to_next <= (1 + LATE) * length) & (np.diff(pages["number"]) == 1)
    rate_hz = float(pages["rate_hz"][0])
    if lasting.any():
        rate_hz = float(counts[:-1][lasting].sum()) / float(to_next[lasting].sum() / 1e9)
    step_ns = np.full(len(counts), 1e9 / rate_hz)
    step_ns[:-1][lasting] = to_next[lasting] / counts[:-1][lasting]
    return step_ns, rate_hz


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
        HarkenError: when the file is not a GENEActiv ``.bin``, the calibration in its header is damaged, or no page
            is intact.
    """
    return GeneactivSource(path, options)


class GeneactivSource(DeviceSource):
    """The samples of a file's intact pages. An unpacked copy of a gzipped file is kept while the source is in use."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        self._plain = plain_file(self, path, looks_like_header, "a GENEActiv .bin file")
        with _mapped(self._plain) as content:
            self._found = find_pages(path, content)
            header = self._header = read_header(content[: self._found.header_bytes])
        self._gains, self._offsets = np.array(calibration(path, header), np.float32)
        self._counts = _samples_in(self._found.pages)
        self._step_ns, self._rate_hz = steps_of(self._found.pages, self._counts)
        self._stated_rate_hz = _number(header["Measurement Frequency"]) or float(self._found.pages["rate_hz"][0])
        self._range_g = _number(header["Accelerometer Range"].rpartition(" ")[2])
        super().__init__(
            path,
            options,
            channels=CHANNELS,
            quality=Quality(make=Make.GENEACTIV, sensor_range_g=self._range_g, stated_rate_hz=self._stated_rate_hz),
            subject=header["Subject Code"],
            worn_on=header["Device Location Code"],
        )
        self.capacity = int(self._counts.sum())

    def local_samples(self) -> Iterator[LocalSamples]:
        """See ``DeviceSource``. The samples of ``PAGES_AT_ONCE`` pages at a time: acceleration in g, temperature in °C.

        A sample has 12 hexadecimal digits: three for each of x, y and z, in two's complement, then light and button.
        The calibration is the manufacturer's: (100 counts - offset) / gain.

        Raises:
            HarkenError: when the file changed after its pages were found.
        """
        pages, counts = self._found.pages, self._counts
        with _mapped(self._plain) as content:
            for first in range(0, len(counts), PAGES_AT_ONCE):
                rows = slice(first, min(first + PAGES_AT_ONCE, len(counts)))
                digits = b"".join(content[start:end] for start, end in pages[["first", "last"]][rows].tolist())
                samples = int(counts[rows].sum())
                try:
                    packed = np.frombuffer(unhexlify(digits), np.uint8)
                    axes = values_of_12_bits(packed[np.newaxis]).reshape(samples, 4)[:, :3]
                except ValueError as error:  # too few digits, or other characters
                    raise HarkenError("the file changed while it was read", path=self._path) from error
                signals = np.empty((samples, len(CHANNELS)), np.float32)
                signals[:, :3] = (axes * np.float32(100) - self._offsets) / self._gains
                signals[:, 3] = np.repeat(pages["temperature"][rows], counts[rows])
                if hasattr(mmap, "MADV_DONTNEED"):
                    content.madvise(mmap.MADV_DONTNEED)  # else the whole file stays in memory beside its samples
                page, place = numbered(counts[rows])
                late_ns = self._step_ns[rows][page] * place
                if rows.stop == len(counts):
                    late_ns[-counts[-1] :] = np.rint(late_ns[-counts[-1] :])
                yield late_ns.astype(np.int64) + pages["time_ns"][rows][page], signals

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        header, pages = self._header, self._found
        in_file = pages.damaged + len(pages.pages)
        watch = f"GENEActiv {header['Device Model']} {header['Device Unique Serial Code']}"
        parts = [watch.replace("  ", " ").strip()]
        parts += [f"firmware {header['Device Firmware Version']}"] if header["Device Firmware Version"] else []
        parts += [f"range ±{self._range_g:g} g"] if self._range_g else []
        stated_pages = _whole_number(header["Number of Pages"]) or 0
        drift = DRIFT.search(header["Extract Notes"])
        drift_s = float(drift[1]) if drift else 0.0
        notes = {
            ", ".join(parts) + ".": True,
            f"The watch was set to {self._stated_rate_hz:g} Hz; according to its clock, it recorded at "
            f"{self._rate_hz:.5g} Hz.": True,
            f"About {pages.damaged:,} of {in_file:,} pages of the file are damaged and were left out; "
            "there are gaps in their place.": pages.damaged,
            "The file is incomplete: it ends in the middle of its last page, whose complete samples were kept.": (
                pages.cut_short
            ),
            f"The header states {stated_pages:,} pages, but the file contains fewer.": stated_pages > in_file,
            f"The header states the time zone {header['Time Zone']}, which the manufacturer writes with or "
            "without summer time; it was not used.": ZONE.fullmatch(header["Time Zone"]),
            f"The watch's clock was wrong by {drift_s:+g} s when it was read out; times were not corrected.": drift,
        }
        return said(notes)


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
