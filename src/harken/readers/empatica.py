"""Reader of an Empatica E4's ``ACC.csv``.

Source: the manufacturer's description (support.empatica.com, "Data export and formatting from E4 connect" and "Session
start time"). There is no header. The first row is the start in seconds since 1970 in UTC, and the second row is the
rate, both written three times. Integers follow, in units of 1/64 g, from a sensor of +-2 g. There are no times, so gaps
cannot be detected.
"""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl

from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import cut_short_note, first_look, owner
from harken.readers.layout import Layout, is_integer, is_number
from harken.readers.options import FASTEST_HZ, TableOptions
from harken.readers.table_source import TableSource
from harken.readers.time_columns import numbered_ns
from harken.recordings.recording import Make
from harken.recordings.source import RecordingSource, Source
from harken.support.errors import HarkenError

HEADER_ROWS = 2
SENSOR_RANGE_G = 2.0
STARTS_S = (10**9, 10**10)
"""The accepted starts, years 2001 to 2286. The E4 was released in 2015."""


class Header(NamedTuple):
    """The start in ns since 1970, and the rate, of a file's first two rows."""

    start_ns: int
    rate_hz: float


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is an ``ACC.csv``."""
    layout = first_look(path, head)
    return layout is not None and _find_header(layout) is not None


def open_source(path: Path, options: TableOptions) -> Source:
    """Open an ``ACC.csv``. See ``harken.readers.read``.

    Raises:
        HarkenError: when it is another table, or a row is broken.
    """
    layout = layout_of(path)
    header = _find_header(layout)
    if header is None:
        raise HarkenError(
            "this is not an Empatica ACC.csv: its first row must be a start, and its second row a rate", path=path
        )
    samples = replace(layout_of(path, HEADER_ROWS), width=layout.width)
    table = CsvTable(path, samples, {"x": 0, "y": 1, "z": 2}, "g/64")
    rows = table.whole()
    table.keep(rows._replace(time=pl.Series(header.start_ns + numbered_ns(0, len(rows.signals), header.rate_hz))))
    notes = [
        f"Times were computed from the start and the rate in the header, {header.rate_hz:g} Hz, because this "
        "format has no times. Gaps and errors of the clock cannot be detected.",
        *cut_short_note(path),
    ]
    subject = options.subject or owner(path, ("ACC",))
    recording = TableSource(table, replace(options, time_unit="ns", subject=subject), notes=notes).collect()
    quality = replace(
        recording.quality,
        sensor_range_g=SENSOR_RANGE_G,
        stated_rate_hz=header.rate_hz,
        make=Make.EMPATICA,
        time_unit="rows" if options.sample_rate_hz else "s",
    )
    return RecordingSource(replace(recording, quality=quality))


def _find_header(layout: Layout) -> Header | None:
    """Find the header; None if the first rows are not those of an ``ACC.csv``."""
    if layout.header or layout.width != 3 or len(layout.rows) < HEADER_ROWS:
        return None
    starts, rates, *samples = ([field.strip() for field in row] for row in layout.rows)
    if len({*starts}) > 1 or len({*rates}) > 1:
        return None
    if not (is_number(starts[0]) and is_number(rates[0])):
        return None
    if not all(is_integer(field) for row in samples for field in row):
        return None
    start, rate = Decimal(starts[0]), float(rates[0])
    if not (STARTS_S[0] <= start < STARTS_S[1] and 1 <= rate <= FASTEST_HZ):
        return None
    return Header(int(start * 10**9), rate)
