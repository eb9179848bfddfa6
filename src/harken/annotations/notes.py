"""Notes as people type them: a line or a field such as ``09:30-09:32 sitting`` as the fields of a table."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harken.annotations.table import Rows
from harken.annotations.times import NUMBER, clock_instead, read_date
from harken.support.printable import printable

EXAMPLE = "09:30-09:32 sitting"
SHORT = 60
"""Characters of a note in a message."""
DATE = r"(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}[T ] ?)?"
CLOCK = r"\d{1,2}(?:[:.,h]\d{1,2}){0,2}(?:[.,]\d+)?(?: ?[ap]\.?m\.?(?![a-z])| ?(?:h|Uhr)(?![a-z]))?"
TIME = DATE + CLOCK
TO = r"(?: ?(?:-|–|—|−|\bto\b|\buntil\b|\btill\b) ?| )"
LABEL = r"(?:[^\d\s]|\d+-?[a-z]{2})"
"""The beginning of a label: no number, but 6MWT and 2-minute walk are labels."""
NOTE = re.compile(
    rf"(?P<start>{TIME})(?:{TO}(?P<end>{TIME}))?(?:[ :,;–—−-]+(?P<label>{LABEL}.*))?",
    re.IGNORECASE,
)
HOUR_AND_MINUTE = re.compile(r"\b(\d{1,2})[:h](\d\d)", re.IGNORECASE)
ROLES = ("start", "end", "label", "note", "name")
"""The fields of a row that is made of a note without a header."""


class Note(NamedTuple):
    """The parts of a note as they were typed; empty if they are not there."""

    start: str
    end: str
    label: str


def parse_note(text: str) -> Note | None:
    """Return the parts of text that begins with a time and goes on with another time or a label; None for other text.

    >>> from harken.annotations.notes import parse_note
    >>> parse_note("9:30 - 9:32 am sitting")
    Note(start='9:30', end='9:32 am', label='sitting')
    """
    words = text.replace("\t", ", ").split()
    found = NOTE.fullmatch(" ".join(words))
    if found is None or not (found["end"] or found["label"]):
        return None
    return Note(found["start"], found["end"] or "", found["label"] or "")


def find_notes(first: Sequence[str]) -> int | None:
    """Return the field of the first row that is a note: the first one, or the second one after a file, a wearer or a
    date; None without one."""
    for place, field in enumerate(first[:2]):
        if parse_note(field) is not None:
            return place
    return None


def describe_no_note(text: str) -> str:
    """Return what is wrong with a line that is neither a note nor a remark, and what to do."""
    return (
        f"{printable(text[:SHORT])!r} is not a note such as {EXAMPLE} or 2024-03-09 {EXAMPLE}; begin a line that is no "
        "note with #"
    )


def looks_like_note(text: str) -> bool:
    """Whether text contains a time of the clock, as a note does and a header does not."""
    return HOUR_AND_MINUTE.search(text) is not None


def split_notes(table: Rows, place: int) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Return the columns and rows of a table without a header in which field ``place`` of each row is a note.

    Raises:
        HarkenError: for a row that is none, has no label or has two notes, and as ``split_ranges``; the message has the
            line.
    """
    rows = []
    for line, fields in table.rows:
        if len(fields) <= place:
            raise table.error(line, f"{len(fields)} fields instead of {place + 1}")
        note = parse_note(fields[place])
        if note is None:
            raise table.error(line, describe_no_note(fields[place]))
        _refuse_numbers(table, line, note)
        others = fields[place + 1 :]
        label, remark = note.label, ""
        if label:
            label, _, remark = (part.strip() for part in label.partition(","))
        elif others:
            label = others.pop(0)
        if not label:
            raise table.error(line, f"{printable(fields[place][:SHORT])!r} has no label; write it as in {EXAMPLE}")
        _refuse_second_note(table, line, note, label, (remark, *others))
        rows.append((line, [note.start, note.end, label, ", ".join(filter(None, (remark, *others))), fields[0]]))
    positions = {role: position for position, role in enumerate(ROLES)}
    name = positions.pop("name")
    if place:
        positions["file" if read_date(table.rows[0][1][0]) is None else "date"] = name
    return _without_empty_ends(table, positions, rows)


def split_ranges(
    table: Rows, positions: Mapping[str, int], rows: Sequence[tuple[int, list[str]]]
) -> tuple[dict[str, int], Sequence[tuple[int, list[str]]]]:
    """Return the columns and rows of a table with a header, whose starts may be written with their ends, as in
    ``09:30-09:32``.

    Raises:
        HarkenError: for a row with a start alone among others, and for a time without minutes; the message has the
            line.
    """
    if "start" not in positions or not {"end", "duration"}.isdisjoint(positions) or not rows:
        return dict(positions), rows
    place = positions["start"]
    notes = [parse_note(fields[place]) if place < len(fields) else None for _, fields in rows]
    if not any(note is not None and note.end and not note.label for note in notes):
        return dict(positions), rows
    spread = []
    for line, fields in rows:
        text = fields[place] if place < len(fields) else ""
        note = parse_note(text) or Note(text, "", "")
        _refuse_numbers(table, line, note)
        spread.append((line, [note.start, note.end, *fields]))
    moved = {role: position + 2 for role, position in positions.items()}
    return _without_empty_ends(table, moved | {"start": 0, "end": 1}, spread)


def _refuse_second_note(table: Rows, line: int, note: Note, label: str, remarks: Sequence[str]) -> None:
    """Raise a HarkenError for a line such as 10:00-10:05 lying; 10:05-10:10 sitting, of which half would be lost."""
    if looks_like_note(label):
        raise table.error(
            line,
            f"the label {printable(label[:SHORT])!r} contains a time; write both times before the label, as in "
            f"{EXAMPLE}, and each note on a line of its own",
        )
    for remark in remarks:
        second = parse_note(remark)
        if second is None or not second.label or NUMBER.fullmatch(second.start):
            continue
        if bool(second.end) == bool(note.end):
            raise table.error(line, f"{printable(remark[:SHORT])!r} is a second note; write it on a line of its own")


def _refuse_numbers(table: Rows, line: int, note: Note) -> None:
    for time in filter(None, (note.start, note.end)):
        if NUMBER.fullmatch(time):
            clock = clock_instead(time if "." in time or "," in time else f"{time}.00")
            minutes = _read_as_minutes(note) if time == note.end else None
            choice = f"{clock}, or {minutes} if {time!r} means minutes" if minutes else clock
            raise table.error(line, f"a note needs times of the clock, and {time!r} is a number; write {choice}")


def _read_as_minutes(note: Note) -> str | None:
    """Return 10:05 for the note 10:00-05; None if its end is not a later minute of the same hour."""
    start = HOUR_AND_MINUTE.search(note.start)
    if start is None or re.fullmatch(r"[0-5]\d", note.end) is None or note.end <= start[2]:
        return None
    return f"{start[1]}:{note.end}"


def _without_empty_ends(
    table: Rows, positions: dict[str, int], rows: list[tuple[int, list[str]]]
) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Return columns and rows without the column of ends if no row has one."""
    place = positions["end"]
    lines = [line for line, fields in rows if not fields[place]]
    if len(lines) == len(rows):
        del positions["end"]
    elif lines:
        raise table.error(lines[0], f"this note has no end, but others have one; write both times, as in {EXAMPLE}")
    return positions, rows
