"""The formats of files of labels, which are recognised by their content.

Sources: the documentation of Sensor Logger (github.com/tszheichoi/awesome-sensor-logger, UNITS.md); Audacity's manual,
"Importing and Exporting Labels"; the Brain Imaging Data Structure specification, "Task events"; ELAN's manual
(mpi.nl/tools/elan/docs/manual, "Tab-delimited text file") and its class ``Transcription2TabDelimitedText``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from harken.annotations.bouts import PLAIN, Annotations
from harken.annotations.folders import SIDE
from harken.annotations.notes import EXAMPLE as NOTE_EXAMPLE
from harken.annotations.notes import describe_no_note, find_notes, looks_like_note, split_notes, split_ranges
from harken.annotations.routine import ENDING, routine_starts
from harken.annotations.table import (
    MISSING,
    NAMES,
    Columns,
    Entry,
    Rows,
    check_label,
    count_fields,
    named_columns,
    says_seconds,
)
from harken.annotations.times import EXAMPLES, SECOND_NS, Kind, Moment, number_moment, read_date, text_moment
from harken.readers.unpacking import folder_files, is_zip, member_paths, opened
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.text_rows import CSV_IN_UTF8, content_of, decode_text, text_rows

HEADER = ("start", "end", "label")
ORDERS = {2: ("start", "label"), 3: HEADER, 4: ("name", *HEADER)}
"""The columns of a plain table without a header, by their number. ``name`` is the recording's file, or its wearer, or
the date."""
SENSOR_LOGGER_MEMBER = "Annotation.csv"
"""The name of the file in an export of Sensor Logger."""
NUMBER = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
ROUTINE_ENDING = ENDING.encode()
FREQUENCIES = "\\"
"""The first field of a line of Audacity with the frequencies of the label above it."""
HEADED = re.compile(r".+ - (hh:mm:ss\.ms|ss\.msec|msec)")
"""The name of a column of ELAN's times. The words before the form are in ELAN's language."""
SMPTE = re.compile(r".+ - (PAL|NTSC|SMPTE).*")
"""The name of a column of SMPTE time codes, which count frames and are not read."""
FORMS = {
    "hh:mm:ss.ms": re.compile(r"(\d{1,4}):(\d\d):(\d\d\.\d{1,3})", re.ASCII),
    "SMPTE": re.compile(r"\d{1,4}:\d\d:\d\d[:;]\d\d", re.ASCII),
    "ss.msec": re.compile(r"\d{1,9}\.\d{1,3}", re.ASCII),
    "msec": re.compile(r"\d{1,12}", re.ASCII),
}
"""The forms of ELAN's times."""


def read_annotations(path: str | Path) -> Annotations:
    """Read a file of labels: a plain table, starts of routines, annotations of Sensor Logger, a label track of
    Audacity, a tab-delimited export of ELAN, or events of BIDS. ``docs/labels.md`` describes them.

    >>> from pathlib import Path
    >>> from harken.annotations.formats import read_annotations
    >>> _ = Path("notes.csv").write_text("start,end,label\\n0,60,lying\\n60,120,walking\\n")
    >>> notes = read_annotations("notes.csv")
    >>> notes.format, [entry.label for entry in notes.entries]
    ('plain table', ['lying', 'walking'])

    Args:
        path: the file, or an export of Sensor Logger (a folder or a zip archive) that contains one.

    Raises:
        HarkenError: when the file cannot be read, is larger than 16 MiB, has more than 100,000 rows, or has a broken
            line; the message has the line and what to do.
    """
    path = Path(path)
    try:
        path = annotations_in(path) or path
        with opened(path) as file:
            content = content_of(path, file, what="file of labels")
    except FileNotFoundError as error:
        raise HarkenError("there is no such file of labels", path=path) from error
    except OSError as error:
        raise HarkenError(f"the labels cannot be read ({error.strerror or error})", path=path) from error
    return _parsed(path, content, _state_of_routines(path.parent) if ROUTINE_ENDING in content else ())


def annotations_in(path: Path) -> Path | None:
    """The file of labels in a folder or a zip archive: ``*.labels.csv``, or the annotations of Sensor Logger.

    Raises:
        HarkenError: when there are several such files.
    """
    if path.is_dir():
        files = folder_files(path)
    elif not path.is_file() or not is_zip(_head(path)):
        return None
    else:
        try:
            files = member_paths(path)
        except HarkenError:  # the reader of the recording has the error, unless it can read the archive nevertheless
            return None
    for ending in (SIDE, SENSOR_LOGGER_MEMBER):
        found = [file for file in files if file.name.endswith(ending)]
        if len(found) > 1:
            names = " and ".join(file.relative_to(path).as_posix() for file in found[:2])
            raise HarkenError(f"contains several files of labels, {names}; name one with --labels", path=path)
        if found:
            return found[0]
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _state_of_routines(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The names, times and sizes of the routines in a folder, of which a table is read again when they change."""
    if not folder.is_dir():
        return ()
    states = [(file.name, file.stat()) for file in sorted(folder.glob(f"*{ENDING}")) if file.is_file()]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


@lru_cache(maxsize=4)  # the same file may serve many recordings
def _parsed(path: Path, content: bytes, _routines: tuple[tuple[str, int, int], ...]) -> Annotations:
    text = decode_text(path, content, what="file of labels")
    if "\0" in text:
        raise HarkenError(f"this is not a text table (it contains zero bytes); save it as {CSV_IN_UTF8}", path=path)
    rows = [row for row in text_rows(path, content, what="file of labels") if not row[1][0].startswith("#")]
    if not rows:
        raise HarkenError("the file of labels is empty", path=path)
    first_line = text.encode().splitlines()[rows[0][0] - 1]
    table = Rows(path, rows, tabs=b"\t" in first_line)
    return next(found for read in READERS if (found := read(table)) is not None)


def sensor_logger(table: Rows) -> Annotations | None:
    """Annotations of Sensor Logger, which are points; None if the file has another format.

    ``time`` is in nanoseconds since 1970, ``seconds_elapsed`` in seconds since the start of the recording, ``text``
    what the user entered, and ``millisecond_press_duration`` how long the button was pressed.

    Raises:
        HarkenError: for a broken line.
    """
    names = table.rows[0][1]
    if not set(names) >= {"time", "seconds_elapsed", "text"}:
        return None
    positions = {"start": names.index("time"), "label": names.index("text")}
    columns = Columns(table, positions, max(positions.values()) + 1)
    entries = tuple(columns.entry(*row) for row in table.rows[1:])
    return Annotations(table.path, "annotations of Sensor Logger", entries, points=True)


def audacity(table: Rows) -> Annotations | None:
    """A label track of Audacity; None if the file has another format.

    Start, end and text are separated by tabs, in seconds, without a header. The start and the end of a point label are
    the same. Lines that begin with a backslash have the frequencies of a spectral selection, and are not read.

    Raises:
        HarkenError: for a broken line, and for a point label among labels of regions.
    """
    first = table.rows[0][1]
    timed = all(NUMBER.fullmatch(field) for field in first[:2])
    if not (table.tabs and len(first) in (2, 3) and timed):
        return None
    columns = Columns(table, {"start": 0, "end": 1, "label": 2}, 3)
    rows = [
        (line, fields if len(fields) > 2 else [*fields, ""]) for line, fields in table.rows if fields[0] != FREQUENCIES
    ]
    entries = list(columns.entries(rows))
    is_point = [entry.start == entry.end for entry in entries]
    return _of_one_kind(table, "label track of Audacity", entries, is_point)


def bids(table: Rows) -> Annotations | None:
    """Events of BIDS; None if the file has another format.

    They are tab-separated, with a header; ``onset``, the first column, in seconds from the first stored sample;
    ``duration``, the second one, in seconds, zero for an impulse or ``n/a``; ``trial_type`` is optional, and is the
    label here. Events without one have no label.

    Raises:
        HarkenError: without a column ``trial_type``, for a broken line, and for an event without a duration among
            others.
    """
    line, names = table.rows[0]
    if not table.tabs or [name.lower() for name in names[:2]] != ["onset", "duration"]:
        return None
    if "trial_type" not in names:
        raise table.error(line, "these events of BIDS have no column trial_type, which is the label")
    positions = {"start": 0, "duration": 1, "label": names.index("trial_type")}
    columns = Columns(table, positions, len(names))
    entries = []
    for line, fields in table.rows[1:]:
        without = len(fields) > 1 and fields[1].lower() in MISSING
        timed = [fields[0], "0", *fields[2:]] if without else fields
        entries.append(columns.entry(line, timed))
    return _of_one_kind(table, "events of BIDS", entries, [not entry.duration_ns for entry in entries])


def _of_one_kind(table: Rows, name: str, entries: list[Entry], is_point: list[bool]) -> Annotations:
    """Entries that are all points, or all regions.

    Raises:
        HarkenError: when they are mixed; the message has the line of the first point.
    """
    if not entries:
        raise HarkenError("it contains no label", path=table.path)
    points = all(is_point)
    if any(is_point) and not points:
        line = entries[is_point.index(True)].line
        raise table.error(line, "this is a point among labels with a length; give it an end, or remove it")
    if points:
        entries = [replace(entry, end=None, duration_ns=None) for entry in entries]
    return Annotations(table.path, name, tuple(entries), points)


def elan(table: Rows) -> Annotations | None:
    """A tab-delimited export of ELAN; None if the file has another format.

    A line has the tier and the participant, unless they are left out; begin, end and duration, each in one or several
    forms (``FORMS``); and the annotation. With a column for each tier, there is a header, whose time columns end in the
    form. Lines with the media files may come first. Times are from the start of the media file. An export without a
    header is recognised by its durations, which must be in it.

    Raises:
        HarkenError: for a broken line, without begin and end, or when several tiers have annotations.
    """
    names = table.rows[0][1]
    headed = [HEADED.fullmatch(name) for name in names]
    return _elan_with_header(table, headed) if any(headed) else _elan_without_header(table)


def _elan_with_header(table: Rows, headed: list[re.Match[str] | None]) -> Annotations:
    line, names = table.rows[0]
    form = next(found[1] for found in headed if found)
    times = [position for position, found in enumerate(headed) if found and found[1] == form]
    if len(times) < 2 or (len(times) == 2 and names[times[1]].startswith("Duration")):
        raise table.error(line, "export the begin time and the end time from ELAN, in the same form")
    tiers = [position for position, name in enumerate(names) if not headed[position] and not SMPTE.fullmatch(name)]
    found = []
    for line, fields in table.rows[1:]:
        if len(fields) < len(names):
            raise table.error(line, f"{len(fields)} fields instead of {len(names)}")
        start, end = (_elan_moment(table, line, fields[position]) for position in times[:2])
        written = " to ".join(fields[position] for position in times[:2])
        found += [
            (names[tier], Entry(start, end, fields[tier], line, written=written)) for tier in tiers if fields[tier]
        ]
    return _of_one_tier(table, found)


def _elan_without_header(table: Rows) -> Annotations | None:
    first = table.rows[0][1]
    forms = [_form(field) for field in first]
    for before in (0, 1, 2):  # the tier and the participant
        times = 0
        while before + times < len(first) - 1 and forms[before + times]:
            times += 1
        if (table.tabs or before) and times >= 3 and times % 3 == 0 and _adds_up(first, before, times // 3):
            break
    else:
        return None
    found = []
    for line, fields in table.rows:
        if len(fields) < before + times:
            raise table.error(line, f"{len(fields)} fields instead of {before + times + 1}")
        ends = [fields[before + position] for position in (0, times // 3)]
        start, end = (_elan_moment(table, line, field) for field in ends)
        label = fields[before + times] if len(fields) > before + times else ""
        tier = fields[0] if before else ""
        found.append((tier, Entry(start, end, label, line, written=" to ".join(ends))))
    return _of_one_tier(table, found)


def _of_one_tier(table: Rows, found: list[tuple[str, Entry]]) -> Annotations:
    """Entries with their tiers, which must be one."""
    for tier, entry in found:
        check_label(table, entry.line, entry.label)
        if tier != found[0][0]:
            several = f"the export has several tiers, {found[0][0]!r} and {tier!r}"
            raise table.error(entry.line, f"{several}; export only the tier of the labels from ELAN")
    if not found:
        raise HarkenError("the export contains no annotation", path=table.path)
    return Annotations(table.path, "tab-delimited export of ELAN", tuple(entry for _, entry in found))


def _adds_up(fields: Sequence[str], first: int, forms: int) -> bool:
    """Whether begin, end and duration, in ``forms`` forms each, have the same form, and the duration is their
    difference."""
    begin, end, duration = (fields[first + group * forms] for group in range(3))
    if not _form(begin) == _form(end) == _form(duration) != "SMPTE":
        return False
    return _elapsed_ns(end) - _elapsed_ns(begin) == _elapsed_ns(duration)


def _form(field: str) -> str | None:
    return next((name for name, pattern in FORMS.items() if pattern.fullmatch(field)), None)


def _elan_moment(table: Rows, line: int, field: str) -> Moment:
    if _form(field) in (None, "SMPTE"):
        raise table.error(line, f"{printable(field[:60])!r} is not a time of ELAN such as 00:01:02.345")
    return Moment(Kind.ELAPSED, _elapsed_ns(field))


def _elapsed_ns(field: str) -> int:
    if found := FORMS["hh:mm:ss.ms"].fullmatch(field):
        minutes = 60 * int(found[1]) + int(found[2])
        number = 60 * minutes + Decimal(found[3])
    else:
        number = Decimal(field)
    moment = number_moment(number, unit_ns=10**6 if _form(field) == "msec" else SECOND_NS)
    return 0 if moment is None else moment.ns


def plain(table: Rows) -> Annotations:
    """A plain table: CSV or tab-separated, with a header or in the order start, end, label.

    Columns are found by their names in the header (``start``, ``end`` or ``duration``, ``label``, and if needed
    ``subject``, ``file``, ``date``, ``note`` and ``offset_s``; ``NAMES`` in ``harken.annotations.table`` has all of
    them), other columns are not read. Without a header, the order counts: ``ORDERS``. A line may also be a note, such
    as ``09:30-09:32 sitting``. A table without ends has points.

    Raises:
        HarkenError: when a column is missing, or for a broken row; the message has the line.
    """
    line, first = table.rows[0]
    notes_at = find_notes(first)
    in_seconds = False
    if any(text_moment(field) is not None for field in first[:3]):
        positions, rows = _by_order(table), table.rows
    elif notes_at is not None:
        positions, rows = split_notes(table, notes_at)
    else:
        positions, rows = named_columns(first), table.rows[1:]
        in_seconds = "start" in positions and says_seconds(first, positions["start"])
        _refuse_decimal_commas(table, positions, rows)
        positions, rows = split_ranges(table, positions, rows)
    if missing := [role for role in ("start", "label") if role not in positions]:
        text = ", ".join(first)
        notes_follow = any(find_notes(fields) is not None for _, fields in table.rows[1:2])
        if notes_follow or looks_like_note(text):
            raise table.error(line, describe_no_note(text))
        advice = " and ".join(f"one for {role} ({', '.join(NAMES[role][:3])} or similar)" for role in missing)
        raise table.error(
            line,
            f"this is no table of labels. Its columns are {printable(text)[:200]}; it needs {advice}. "
            f"Without a header, the columns are start, end, label, with times such as {EXAMPLES}; or a line is a note "
            f"such as {NOTE_EXAMPLE}",
        )
    width = count_fields(positions)
    points = "end" not in positions and "duration" not in positions
    names = tuple(name for name in ("file", "subject") if name in positions)
    return Annotations(table.path, PLAIN, Columns(table, positions, width, in_seconds).entries(rows), points, names)


def _refuse_decimal_commas(table: Rows, positions: Mapping[str, int], rows: Sequence[tuple[int, list[str]]]) -> None:
    """Raise a HarkenError for 9,30,9,32,sitting below start,end,label: 9 is hardly the label."""
    columns = len(table.rows[0][1])
    place = positions.get("label", columns)
    for line, fields in rows:
        if any(fields[columns:]) and place < columns and NUMBER.fullmatch(fields[place]):
            advice = "write times as 9:30 and numbers as 9.5, because commas separate the columns"
            raise table.error(line, f"{len(fields)} fields instead of {columns}; {advice}")


def _by_order(table: Rows) -> dict[str, int]:
    line, first = table.rows[0]
    if len(first) not in ORDERS:
        known = "start, end, label; or the recording's file or the date, start, end, label; or start, label"
        raise table.error(line, f"it has no header and {len(first)} columns; without a header, the columns are {known}")
    name = "file" if read_date(first[0]) is None else "date"
    roles = ORDERS[len(first)]
    return {role.replace("name", name): position for position, role in enumerate(roles)}


READERS: tuple[Callable[[Rows], Annotations | None], ...] = (
    sensor_logger,
    bids,
    elan,
    audacity,
    routine_starts,
    plain,
)
"""In the order of recognition. The last one reads every table."""
