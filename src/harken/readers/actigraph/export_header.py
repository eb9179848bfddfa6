"""The header of ActiLife's CSV exports: device, rate, what kind of export, and when it began."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from pathlib import Path

from harken.readers.blocks import opened
from harken.support.errors import HarkenError

__all__ = ["ExportHeader", "begins_like_an_export", "read_export_header"]

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


@dataclass(frozen=True)
class ExportHeader:
    """What the header says.

    Attributes:
        lines: how long it is.
        start: when the recording began, by the watch's clock.
        date_order: ``d``, ``M`` and ``y`` in the order in which dates are written.
        rate_hz: samples a second; None where it is not there.
        raw: whether the export is of acceleration, not of counts.
        period: what counts were summed over, as it is written.
        serial_number: of the device.
        limb: where it was worn; empty where it is not there.
        notes: sentences for a person.
    """

    lines: int
    start: datetime
    date_order: str
    rate_hz: float | None
    raw: bool
    period: str
    serial_number: str
    limb: str
    notes: list[str]


def begins_like_an_export(head: bytes) -> bool:
    """Whether a text begins with the first line of ActiLife's header."""
    return FIRST_LINE.match(head[:LONGEST_LINE].split(b"\n", 1)[0]) is not None


def read_export_header(path: Path) -> ExportHeader:
    """Read the header of an export.

    Raises:
        HarkenError: when there is none, it is cut short, or it gives no start.
    """
    with opened(path) as file:
        lines = [file.readline(LONGEST_LINE) for _ in range(MOST_LINES)]
    if not begins_like_an_export(lines[0]):
        raise HarkenError(f"{path}: this is no export of ActiLife's: it does not begin with its header")
    texts = [line.decode("utf-8", errors="replace").strip().strip('"') for line in lines]
    end = next((number for number, text in enumerate(texts) if number and LAST_LINE.fullmatch(text)), None)
    if end is None:
        raise HarkenError(f"{path}: ActiLife's header is not whole: the row of dashes at its end is missing")
    texts = texts[: end + 1]
    rate = RATE.search(texts[0])
    period = _value(texts, "Epoch Period (hh:mm:ss)")
    start, order, notes = _start(path, texts)
    limb = LIMB.search(texts[0])
    created = CREATED.search(texts[0])
    device, software, firmware = created.groups() if created else ("ActiGraph", "ActiLife", None)
    serial = _value(texts, "Serial Number:")
    told = f"{device} {serial}".strip() + (f", firmware {firmware}" if firmware else "")
    hertz = float(rate[1].replace(",", ".")) if rate else None
    return ExportHeader(
        lines=end + 1,
        start=start,
        date_order=order,
        rate_hz=hertz if hertz and 1 <= hertz <= FASTEST_HZ else None,
        # Exports of counts may give a rate as well: that of the acceleration they were made from.
        raw=period == RAW_PERIOD or (not period and hertz is not None),
        period=period,
        serial_number=serial,
        limb=limb[1] if limb else "",
        notes=[f"Exported by {software} from {told}" + (f"; {hertz:g} Hz." if hertz else "."), *notes],
    )


def _value(texts: list[str], key: str) -> str:
    """What stands behind a key of the header, up to the separators that fill the line."""
    found = next((text[len(key) :] for text in texts if text.lower().startswith(key.lower())), "")
    return re.split(r"[,;\t]|  ", found.strip(), maxsplit=1)[0].strip()


def _start(path: Path, texts: list[str]) -> tuple[datetime, str, list[str]]:
    """When the recording began, the order of day, month and year, and what to say about it.

    The order is the one of the format that the header names, unless a date of the header cannot be in it.
    """
    dates = [(_value(texts, f"{which} Date"), _value(texts, f"{which} Time")) for which in ("Start", "Download")]
    if not all(dates[0]):
        raise HarkenError(f"{path}: ActiLife's header gives no start; --rate HZ and --skip-rows N read it as any table")
    found = DATE_FORMAT.search(texts[0])
    # The first letters of dd/MM/yyyy, in its order.
    said = "".join(dict.fromkeys(letter for letter in found[1] if letter in "dMy")) if found else "Mdy"
    for order in (said, *ORDERS):
        start, download = (_date(*date, order) for date in dates)
        fits = start is not None and (not dates[1][0] or (download is not None and download >= start))
        if fits and start is not None:
            note = (
                f"The header says that its dates are written {found[1] if found else 'M/d/yyyy'}, but they cannot be: "
                f"{dates[0][0]} was taken as {start:%d %B %Y}."
            )
            return start, order, [] if order == said else [note]
    raise HarkenError(f"{path}: the start in ActiLife's header, {' '.join(dates[0])!r}, is no date and time")


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
