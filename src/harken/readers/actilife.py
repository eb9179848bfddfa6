"""Reader of ActiLife's CSV export of raw acceleration.

The header has ten lines between two rows of dashes. The first line contains device, firmware, date format and rate; the
others contain serial number, start and download. An optional line of column names follows, then ``x,y,z`` in g with
three decimals, after a time if the user exported times. An export of the Link's second sensor (IMU) has more columns.

Two kinds of samples were not measured. For periods in idle sleep mode, ActiLife repeats the last value. For seconds
without data, such as those in the dock, it writes zeros. A ``.gt3x`` of the same recording has no samples for either.
Here both are kept and marked as not ``valid``.

Exports of *counts* begin with the same header. Counts are sums over seconds and not acceleration, so they cause an
error.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.csv import CsvTable, layout_of
from harken.readers.device import DeviceTableSource, LocalSamples, RepeatedValues, said
from harken.readers.exports import cut_short_note, never_run
from harken.readers.gt3x_log import range_of
from harken.readers.layout import Columns, Layout
from harken.readers.options import TableOptions
from harken.readers.time_columns import StatedTimes, TimeSurvey, Where, numbered_ns
from harken.readers.unpacking import opened, plain_head
from harken.recordings.recording import Make, Quality
from harken.support.errors import HarkenError
from harken.support.printable import duration_text

FIRST_LINE = re.compile(
    rb"(\xef\xbb\xbf)?\"?-+ ?Data (Table )?File Created By ActiGraph\b.*\bActiLife\b", re.IGNORECASE
)
LAST_LINE = re.compile(r"-{20,}[\",;\t]*")
MOST_LINES = 30
LONGEST_LINE = 4096
DIGITS = re.compile(r"\d+")
RATE = re.compile(r"\bat (\d+(?:[.,]\d+)?) ?Hz\b")
CREATED = re.compile(r"Created By (ActiGraph.*?) +(ActiLife \S+)(?: +Firmware (\S+))?", re.IGNORECASE)
LIMB = re.compile(r"\bLimb: ([A-Za-z ]+?) *(?:-|$)")
DATE_FORMAT = re.compile(r"\bdate format (\S+)")
ORDERS = tuple("".join(order) for order in permutations("dMy") if order[1] != "y")
RAW_PERIOD = "00:00:00"
FASTEST_HZ = 1000
YEARS = (1990, 2170)
AXES = ("accelerometer x", "accelerometer y", "accelerometer z")
ROLES = {
    "timestamp": "time",
    **dict(zip(AXES, "xyz", strict=True)),
    "temperature": "temperature",
    "gyroscope x": "gyro_x",
    "gyroscope y": "gyro_y",
    "gyroscope z": "gyro_z",
}
"""The columns that are read; those of an IMU export after acceleration. Rotation is in degrees per second."""
CLOCKS = ("%H:%M:%S%.f", "%I:%M:%S%.f %p")


def _read_header(path: Path) -> list[str]:
    """The lines of the header of an export.

    Raises:
        HarkenError: when there is no header, or it is incomplete.
    """
    with opened(path) as file:
        lines = [file.readline(LONGEST_LINE) for _ in range(MOST_LINES)]
    if not recognises(path, lines[0]):
        raise HarkenError("this is not an export of ActiLife: it does not begin with ActiLife's header", path=path)
    texts = [line.decode("utf-8", errors="replace").strip().strip('"') for line in lines]
    end = next((number for number, text in enumerate(texts) if number and LAST_LINE.fullmatch(text)), None)
    if end is None:
        raise HarkenError("ActiLife's header is incomplete: the row of dashes at its end is missing", path=path)
    return texts[: end + 1]


def _value(texts: list[str], key: str) -> str:
    """The value after a key of the header, without the separators that fill the line."""
    found = next((text[len(key) :] for text in texts if text.lower().startswith(key.lower())), "")
    return re.split(r"[,;\t]|  ", found.strip(), maxsplit=1)[0].strip()


def _start(path: Path, texts: list[str]) -> tuple[int, str, list[str]]:
    """The start in ns since 1970 by the watch's clock, the order of day, month and year, and notes on the start.

    The order is that of the format in the header, unless a date of the header is impossible in it.
    """
    dates = [(_value(texts, f"{which} Date"), _value(texts, f"{which} Time")) for which in ("Start", "Download")]
    if not all(dates[0]):
        raise HarkenError(
            "ActiLife's header has no start time; read the file as a plain table with --rate HZ and --skip-rows N",
            path=path,
        )
    stated = DATE_FORMAT.search(texts[0])
    # The first letters of dd/MM/yyyy, in the same order.
    stated_order = "".join(dict.fromkeys(letter for letter in stated[1] if letter in "dMy")) if stated else "Mdy"
    for order in (stated_order, *ORDERS):
        start, download = (_date(*date, order) for date in dates)
        fits = start is not None and (not dates[1][0] or (download is not None and download >= start))
        if fits and start is not None:
            note = (
                f"The header states the date format {stated[1] if stated else 'M/d/yyyy'}, which does not fit "
                f"its dates: {dates[0][0]} was read as {start:%d %B %Y}."
            )
            start_ns = int((start - datetime(1970, 1, 1)).total_seconds()) * 10**9
            return start_ns, order, [] if order == stated_order else [note]
    raise HarkenError(f"the start in ActiLife's header, {' '.join(dates[0])!r}, is not a date and time", path=path)


def _date(date: str, time: str, order: str) -> datetime | None:
    numbers = [int(digits) for digits in DIGITS.findall(date)]
    clock = [int(digits) for digits in DIGITS.findall(time)]
    if len(numbers) != 3 or len(clock) < 3 or sorted(order) != ["M", "d", "y"]:
        return None
    parts = dict(zip(order, numbers, strict=True))
    hour = clock[0] % 12 + 12 * ("pm" in time.lower()) if time.lower().endswith("m") else clock[0]
    year = parts["y"] + 2000 if parts["y"] < 100 else parts["y"]
    try:
        start = datetime(year, parts["M"], parts["d"], hour, clock[1], clock[2])
    except (ValueError, OverflowError):
        return None
    return start if YEARS[0] <= year < YEARS[1] else None


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001 - as every reader
    """Whether a file that begins with ``head`` (gzipped or not) has ActiLife's header, of acceleration or of counts."""
    return FIRST_LINE.match(plain_head(head)[:LONGEST_LINE].split(b"\n", 1)[0]) is not None


def open_source(path: Path, options: TableOptions) -> "ActilifeSource":
    """Open ActiLife's CSV export of raw acceleration, also gzipped.

    Channels are ``x, y, z`` in g; from an IMU's export also ``temperature`` in degrees Celsius and
    ``gyro_x, gyro_y, gyro_z`` in rad/s. The subject is ``options.subject``, else the file's stem.

    If the file has no times, they are computed from the header's start and rate. The dates of the header are read in
    the format that the header names. If that is impossible, as in some files, another order is used and a note is
    added. Times are those of the watch's clock, which ignores daylight saving. ``options.timezone`` is the time zone in
    which it was set; without it, the times are taken as UTC.

    Raises:
        HarkenError: for an export of counts, an incomplete header, or a row that differs in form from the others.
    """
    return ActilifeSource(path, options)


class ActilifeSource(DeviceTableSource):
    """The samples of an export. Repeated values are known after all samples were read."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        texts = _read_header(path)
        rate, limb, created = (form.search(texts[0]) for form in (RATE, LIMB, CREATED))
        hertz = float(rate[1].replace(",", ".")) if rate else None
        rate_hz = hertz if hertz and 1 <= hertz <= FASTEST_HZ else None
        self._start_ns, self._date_order, notes = _start(path, texts)
        device, software, firmware = created.groups() if created else ("ActiGraph", "ActiLife", None)
        serial = _value(texts, "Serial Number:")
        device_text = f"{device} {serial}".strip() + (f", firmware {firmware}" if firmware else "")
        about = f"Exported by {software} from {device_text}" + (f"; {hertz:g} Hz." if hertz else ".")
        self._header_notes = [about, *notes]
        layout = layout_of(path, len(texts))
        table = CsvTable(path, layout, _columns_of(path, _value(texts, "Epoch Period (hh:mm:ss)"), hertz, layout))
        super().__init__(
            table,
            options,
            quality=Quality(make=Make.ACTIGRAPH, sensor_range_g=range_of(serial), stated_rate_hz=rate_hz),
            worn_on=limb[1] if limb else "",
        )
        self._timed = "time" in table.columns
        self._rate_hz = options.sample_rate_hz or rate_hz
        self._first_ns = 0
        if self._rate_hz is None and not self._timed:
            raise HarkenError(
                "the file has no times, and its header has no rate; give the rate with --rate HZ", path=path
            )

    def local_samples(self) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        rate_hz, done = self._known_rate_hz(), 0
        repeats = RepeatedValues(rate_hz)
        for local_ns, signals in self.local_rows():
            if local_ns is None:
                local_ns = self._start_ns + numbered_ns(done, len(signals), rate_hz)
            if not done:
                self._first_ns = int(local_ns[0])
            done += len(signals)
            repeats.push(signals[:, :3])
            yield local_ns, signals
        self.unusable = repeats.finish()

    def _known_rate_hz(self) -> float:
        """The rate that the user or the header states, else that of the times, which are read for it."""
        if self._rate_hz is None:
            times = [local_ns for local_ns, _ in self.local_rows() if local_ns is not None]
            steps = np.diff(np.concatenate([np.empty(0, np.int64), *times]))
            self._rate_hz = 1e9 / max(1.0, float(np.median(steps))) if len(steps) else 1.0
        return self._rate_hz

    def begin_times(self, first: pl.Series) -> TimeSurvey:
        """See ``DeviceTableSource``."""
        written = _time_text(first).drop_nulls().head(1)
        form = None if written.str.contains(r"^\d{4}-\d\d-\d\dT").any() else _form(written, self._date_order)
        # Some exports have a Z after the time, although it is the watch's clock.
        local = replace(self._options, timezone=None, sample_rate_hz=None, time_unit=None, time_format=form)
        return TimeSurvey(self._path, local)

    def read_times(self, survey: TimeSurvey, time: pl.Series, where: Where) -> StatedTimes:
        """The times in the file, all of which must be present. See ``DeviceTableSource``."""
        stated = survey.read(_time_text(time), where)
        if not stated.timed.all():
            raise HarkenError("the time is missing", path=self._path, place=where(int(np.argmin(stated.timed))))
        return stated

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        away = abs(self._first_ns - self._start_ns) // 10**9
        seconds = sum(end - begin for begin, end in self.unusable) / (self._rate_hz or 1.0)
        of_imu = len(self.channels) > 3
        notes = {
            f"The first time differs from the header's start by {duration_text(away)}; the times were used.": (
                self._timed and away > 1
            ),
            f"{duration_text(seconds)} contain only repeated values or zeros, which ActiLife writes while the "
            "watch is in idle sleep mode or in its dock. They are marked.": self.unusable,
            never_run("ActiLife's exports of the IMU"): of_imu,
            never_run("ActiLife's exports of acceleration with times"): self._timed and not of_imu,
        }
        return [*self._header_notes, *said(notes), *cut_short_note(self._path)]


def _columns_of(path: Path, period: str, hertz: float | None, layout: Layout) -> Columns:
    """The columns of time and acceleration.

    Raises:
        HarkenError: when the columns contain other data, such as counts.
    """
    names = [name.lower() for name in layout.header or ()]
    # Exports of counts may also have a rate: that of the underlying acceleration.
    raw = period == RAW_PERIOD or (not period and hertz is not None)
    if not names and layout.width in (3, 4) and raw:
        return dict(zip(("time", "x", "y", "z")[-layout.width :], range(layout.width), strict=True))
    if not raw or not set(AXES) <= set(names):
        there = f"its columns are {', '.join(layout.header)}" if layout.header else f"it has {layout.width} columns"
        raise HarkenError(
            f"this export of ActiLife contains counts over {period or 'some time'} "
            f"({there}), which cannot be converted to acceleration; export the raw data, or read the "
            ".gt3x file",
            path=path,
        )
    return {role: names.index(name) for name, role in ROLES.items() if name in names}


def _time_text(time: pl.Series) -> pl.Series:
    """Times as text, with a decimal point."""
    return time.cast(pl.String).str.strip_chars().str.replace(r",(\d+)$", ".$1")


def _form(first: pl.Series, order: str) -> str | None:
    """The pattern of a time that begins with a date in this order, such as 9/17/2019 18:40:00.000; None if unknown."""
    date = first.str.extract(r"^(\d+\D\d+\D\d+) ", 1).to_list()
    if not date or date[0] is None:
        return None
    order = "yMd" if re.match(r"\d{4}", date[0]) else order
    letters = {"d": "%d", "M": "%m", "y": "%Y" if re.search(r"\d{4}", date[0]) else "%y"}
    separators = [*re.findall(r"\D", date[0]), ""]
    pattern = "".join(letters[letter] + separator for letter, separator in zip(order, separators, strict=True))
    clock = CLOCKS[bool(first.str.contains(r"(?i)[ap]m$").any())]
    return f"{pattern} {clock}"
