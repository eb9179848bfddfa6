"""Annotations of Sensor Logger, label tracks of Audacity, and events of BIDS."""

import re
from dataclasses import replace

from harken.annotations.columns import MISSING, Columns, Rows
from harken.annotations.entries import Annotations, Entry
from harken.support.errors import HarkenError
from harken.support.text_rows import line_error

SENSOR_LOGGER = "annotations of Sensor Logger"
SENSOR_LOGGER_MEMBER = "Annotation.csv"
"""The name of the file in an export."""
SENSOR_LOGGER_COLUMNS = {"time", "seconds_elapsed", "text"}
AUDACITY = "label track of Audacity"
BIDS = "events of BIDS"
NUMBER = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
FREQUENCIES = "\\"
"""The first field of a line with the frequencies of the label above it."""


def read_sensor_logger(table: Rows) -> Annotations | None:
    """Read annotations of Sensor Logger, which are points; None if the file has another format.

    Source: the app's documentation (github.com/tszheichoi/awesome-sensor-logger, UNITS.md): ``time`` is in nanoseconds
    since 1970, ``seconds_elapsed`` in seconds since the start of the recording, ``text`` what the user entered, and
    ``millisecond_press_duration`` how long the button was pressed.

    Raises:
        HarkenError: for a broken line.
    """
    names = table.rows[0][1]
    if not set(names) >= SENSOR_LOGGER_COLUMNS:
        return None
    positions = {"start": names.index("time"), "label": names.index("text")}
    columns = Columns(table.path, positions, max(positions.values()) + 1)
    return Annotations(table.path, SENSOR_LOGGER, tuple(columns.entry(*row) for row in table.rows[1:]), points=True)


def read_audacity(table: Rows) -> Annotations | None:
    """Read a label track of Audacity; None if the file has another format.

    Source: Audacity's manual, "Importing and Exporting Labels": start, end and text, separated by tabs, in seconds,
    without a header. The start and the end of a point label are the same. Lines that begin with a backslash have the
    frequencies of a spectral selection, and are not read.

    Raises:
        HarkenError: for a broken line, and for a point label among labels of regions.
    """
    first = table.rows[0][1]
    if not (table.tabs and len(first) in (2, 3) and all(NUMBER.fullmatch(field) for field in first[:2])):
        return None
    columns = Columns(table.path, {"start": 0, "end": 1, "label": 2}, 3)
    entries = [
        columns.entry(line, fields if len(fields) > 2 else [*fields, ""])
        for line, fields in table.rows
        if fields[0] != FREQUENCIES
    ]
    return _of_one_kind(table, AUDACITY, entries, [entry.start == entry.end for entry in entries])


def read_bids(table: Rows) -> Annotations | None:
    """Read events of BIDS; None if the file has another format.

    Source: the Brain Imaging Data Structure specification, "Task events": tab-separated, with a header; ``onset``, the
    first column, in seconds from the first stored sample; ``duration``, the second one, in seconds, zero for an
    impulse or ``n/a``; ``trial_type`` is optional, and is the label here. Events without one have no label.

    Raises:
        HarkenError: without a column ``trial_type``, for a broken line, and for an event without a duration among
            others.
    """
    line, names = table.rows[0]
    if not table.tabs or [name.lower() for name in names[:2]] != ["onset", "duration"]:
        return None
    if "trial_type" not in names:
        raise line_error(table.path, line, "these events of BIDS have no column trial_type, which is the label")
    columns = Columns(table.path, {"start": 0, "duration": 1, "label": names.index("trial_type")}, len(names))
    entries = []
    for line, fields in table.rows[1:]:
        without = len(fields) > 1 and fields[1].lower() in MISSING
        entries.append(columns.entry(line, [fields[0], "0", *fields[2:]] if without else fields))
    return _of_one_kind(table, BIDS, entries, [not entry.duration_ns for entry in entries])


def _of_one_kind(table: Rows, name: str, entries: list[Entry], is_point: list[bool]) -> Annotations:
    """Entries that are all points, or all regions.

    Raises:
        HarkenError: when they are mixed; the message has the line of the first point.
    """
    if any(is_point) and not all(is_point):
        line = entries[is_point.index(True)].line
        raise line_error(table.path, line, "this is a point among labels with a length; give it an end, or remove it")
    points = bool(entries) and all(is_point)
    if points:
        entries = [replace(entry, end=None, duration_ns=None) for entry in entries]
    if not entries:
        raise HarkenError(f"{table.path}: it contains no label")
    return Annotations(table.path, name, tuple(entries), points)
