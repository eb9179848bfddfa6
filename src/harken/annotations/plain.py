"""The plain table of labels: CSV or tab-separated, with a header or in the order start, end, label."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path

from harken.annotations.columns import NAMES, Columns, Rows, named_columns
from harken.annotations.entries import ENDS, LONGEST_NOTE, Annotations, Entry, plain_note
from harken.annotations.intervals import Intervals
from harken.annotations.moments import EXAMPLES, read_date, text_moment
from harken.recordings.recording import local_time
from harken.support.errors import HarkenError
from harken.support.files import write_text
from harken.support.printable import printable

FORMAT = "plain table"
HEADER = ("start", "end", "label")
ORDERS = {2: ("start", "label"), 3: HEADER, 4: ("name", *HEADER)}
"""The columns of a table without a header, by their number. ``name`` is the recording's file, or its wearer, or the
date."""
REMARKS = "contains remarks (#), which would be lost"


def read(table: Rows) -> Annotations:
    """Read a plain table.

    Columns are found by their names in the header (``start``, ``end`` or ``duration``, ``label``, and if needed
    ``subject``, ``file``, ``date`` and ``note``; ``NAMES`` in ``harken.annotations.columns`` has all of them), other
    columns are not read. Without a header, the order counts: ``ORDERS``. A table without ends has points.

    Raises:
        HarkenError: when a column is missing, or for a broken row; the message has the line.
    """
    line, first = table.rows[0]
    if any(text_moment(field) is not None for field in first[:3]):
        return _by_order(table)
    positions = named_columns(first)
    if missing := [role for role in ("start", "label") if role not in positions]:
        advice = " and ".join(f"one for {role} ({', '.join(NAMES[role][:3])} or similar)" for role in missing)
        raise HarkenError(
            f"{table.path}, line {line}: this is no table of labels. Its columns are "
            f"{printable(', '.join(first))[:200]}; it needs {advice}. Without a header, the columns are start, end, "
            f"label, with times such as {EXAMPLES}"
        )
    width = max(position for role, position in positions.items() if role != "note") + 1  # it may be left out
    columns = Columns(table.path, positions, width)
    names = tuple(name for name in ("file", "subject") if name in positions)
    entries = columns.entries(table.rows[1:])
    points = "end" not in positions and "duration" not in positions
    unread = tuple(name for position, name in enumerate(first) if position not in positions.values())
    lost = _lost(table.rows[1:], entries, len(first), positions.get("note"), points=points)
    return Annotations(table.path, FORMAT, entries, points, names, unread, REMARKS if table.remarks else lost)


def _by_order(table: Rows) -> Annotations:
    line, first = table.rows[0]
    order = ORDERS.get(len(first))
    if order is None:
        raise HarkenError(
            f"{table.path}, line {line}: it has no header and {len(first)} columns; without a header, the columns are "
            "start, end, label; or the recording's file or the date, start, end, label; or start, label"
        )
    name = "file" if read_date(first[0]) is None else "date"
    positions = {role.replace("name", name): position for position, role in enumerate(order)}
    columns = Columns(table.path, positions, len(order))
    entries = columns.entries(table.rows)
    points = "end" not in positions
    lost = REMARKS if table.remarks else _lost(table.rows, entries, len(order), None, points=points)
    return Annotations(table.path, FORMAT, entries, points, ("file",) if "file" in positions else (), lost=lost)


def _lost(
    rows: Sequence[tuple[int, list[str]]], entries: Sequence[Entry], width: int, note: int | None, *, points: bool
) -> str | None:
    """What the rows of a table have that ``write_intervals`` cannot write; None if nothing.

    Args:
        rows: the rows without the header.
        entries: the same, read.
        width: the number of columns.
        note: the position of the notes; None without notes.
        points: whether the rows are points.
    """
    later = {entry.start: entry.line for entry in entries}
    for (line, fields), entry in zip(rows, entries, strict=True):
        text = fields[note] if note is not None and note < len(fields) else ""
        if any(fields[width:]):
            return f"has a field beyond the last column in line {line}, which would be lost"
        if len(" ".join(text.split())) > LONGEST_NOTE:
            return f"has a note of more than {LONGEST_NOTE:,} characters in line {line}, which would be cut"
        if len(text.splitlines()) > 1 or plain_note(text) != " ".join(text.split()):
            return f"has a note with line ends or control characters in line {line}, which would be lost"
        no_label = not entry.label or (points and entry.label.lower() in ENDS)
        if no_label and entry.note:
            return f"has a note without a label in line {line}, which would be lost"
        if points and not no_label and later[entry.start] != line:
            return f"has a label without a length in line {line}, which would be lost"
    return None


def write_intervals(path: str | Path, intervals: Intervals, *, timezone: str | None = "UTC") -> None:
    """Write intervals as a plain table, whole or not at all: ``start,end,label``, ISO 8601 times with their offset; and
    a column ``note`` if there are notes.

    Args:
        path: the file, such as ``alice.labels.csv`` for the recording ``alice.csv``.
        intervals: the intervals.
        timezone: the zone of the times, an IANA name; None for times without a zone, if those of the recording have
            none and were read as UTC. The labels then move with the recording when its zone is given.

    Raises:
        NotWrittenError: when the file cannot be written.
    """
    write_text(Path(path), table_of(intervals, timezone=timezone))


def table_of(intervals: Intervals, *, timezone: str | None) -> str:
    """The text that ``write_intervals`` writes."""
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow((*HEADER, "note") if intervals.notes else HEADER)
    columns = (intervals.start_ns.tolist(), intervals.end_ns.tolist(), intervals.labels, intervals.lines.tolist())
    for start_ns, end_ns, label, line in zip(*columns, strict=True):
        note = (intervals.notes.get(line, ""),) if intervals.notes else ()
        table.writerow((_iso(start_ns, timezone), _iso(end_ns, timezone), label, *note))
    return text.getvalue()


def what_is_lost(found: Annotations) -> str | None:
    """What would be lost if ``write_intervals`` replaced this file, such as "contains remarks"; None if nothing."""
    if found.format != FORMAT:
        return f"has another format ({found.format})"
    if found.names:
        return f"has a column for the {' and the '.join(found.names)}, so it may be for other recordings, too"
    if found.unread:
        return f"has a column {found.unread[0]!r}, which would be lost"
    return found.lost


def _iso(time_ns: int, timezone: str | None) -> str:
    """An instant to the nanosecond. A zone whose offset has seconds, as before standard time, is written as UTC."""
    fraction = f".{time_ns % 10**9:09}".rstrip("0").rstrip(".")
    if timezone is None:
        return f"{local_time(time_ns, 'UTC'):%Y-%m-%dT%H:%M:%S}{fraction}"
    offset = local_time(time_ns, timezone).utcoffset() or timedelta()
    shown = local_time(time_ns, timezone if offset % timedelta(minutes=1) == timedelta() else "UTC")
    zone = f"{shown:%z}"
    return f"{shown:%Y-%m-%dT%H:%M:%S}{fraction}{zone[:3]}:{zone[3:5]}"
