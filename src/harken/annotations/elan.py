"""Tab-delimited exports of ELAN.

Source: ELAN's manual (mpi.nl/tools/elan/docs/manual, "Tab-delimited text file") and its class
``Transcription2TabDelimitedText``, which writes them. A line has the tier and the participant, unless they are left
out; begin, end and duration, each in one or several forms (``hh:mm:ss.ms``, ``ss.msec``, ``msec``, and one of SMPTE);
and the annotation. With a column for each tier, there is a header, whose time columns end in the form. Lines with the
media files may come first. Times are from the start of the media file.
"""

import re
from decimal import Decimal

from harken.annotations.columns import Rows
from harken.annotations.entries import Annotations, Entry, check_label
from harken.annotations.moments import SECOND_NS, Kind, Moment, number_moment
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.text_rows import line_error

FORMAT = "tab-delimited export of ELAN"
HEADED = re.compile(r".+ - (hh:mm:ss\.ms|ss\.msec|msec)")
"""The name of a column of times. The words before the form are in ELAN's language."""
SMPTE = re.compile(r".+ - (PAL|NTSC|SMPTE).*")
"""The name of a column of SMPTE time codes, which count frames and are not read."""
FORMS = {
    "hh:mm:ss.ms": re.compile(r"(\d{1,4}):(\d\d):(\d\d\.\d{1,3})", re.ASCII),
    "SMPTE": re.compile(r"\d{1,4}:\d\d:\d\d[:;]\d\d", re.ASCII),
    "ss.msec": re.compile(r"\d{1,9}\.\d{1,3}", re.ASCII),
    "msec": re.compile(r"\d{1,12}", re.ASCII),
}


def read(table: Rows) -> Annotations | None:
    """Read such an export; None if the file has another format.

    An export without a header is recognised by its durations, which must be in it.

    Raises:
        HarkenError: for a broken line, without begin and end, or when several tiers have annotations.
    """
    names = table.rows[0][1]
    headed = [HEADED.fullmatch(name) for name in names]
    return _with_header(table, headed) if any(headed) else _without_header(table)


def _with_header(table: Rows, headed: list[re.Match[str] | None]) -> Annotations:
    line, names = table.rows[0]
    form = next(found[1] for found in headed if found)
    times = [position for position, found in enumerate(headed) if found and found[1] == form]
    if len(times) < 2 or (len(times) == 2 and names[times[1]].startswith("Duration")):
        raise line_error(table.path, line, "export the begin time and the end time from ELAN, in the same form")
    tiers = [position for position, name in enumerate(names) if not headed[position] and not SMPTE.fullmatch(name)]
    entries: list[Entry] = []
    used: dict[str, int] = {}
    for line, fields in table.rows[1:]:
        if len(fields) < len(names):
            raise line_error(table.path, line, f"{len(fields)} fields instead of {len(names)}")
        start, end = (_moment(table, line, fields[position]) for position in times[:2])
        for position in tiers:
            if label := fields[position]:
                used.setdefault(names[position], line)
                entries.append(Entry(start, end, check_label(table.path, line, label), line))
    return _of_one_tier(table, entries, used)


def _without_header(table: Rows) -> Annotations | None:
    line, first = table.rows[0]
    forms = [_form(field) for field in first]
    for before in (0, 1, 2):  # the tier and the participant
        times = 0
        while before + times < len(first) - 1 and forms[before + times]:
            times += 1
        if (table.tabs or before) and times >= 3 and times % 3 == 0 and _adds_up(first, before, times // 3):
            break
    else:
        return None
    entries: list[Entry] = []
    used: dict[str, int] = {}
    for line, fields in table.rows:
        if len(fields) < before + times:
            raise line_error(table.path, line, f"{len(fields)} fields instead of {before + times + 1}")
        start, end = (_moment(table, line, fields[before + position]) for position in (0, times // 3))
        label = check_label(table.path, line, fields[before + times] if len(fields) > before + times else "")
        used.setdefault(fields[0] if before else "", line)
        entries.append(Entry(start, end, label, line))
    return _of_one_tier(table, entries, used)


def _of_one_tier(table: Rows, entries: list[Entry], tiers: dict[str, int]) -> Annotations:
    if len(tiers) > 1:
        first, second = list(tiers)[:2]
        raise line_error(
            table.path,
            tiers[second],
            f"the export has several tiers, {first!r} and {second!r}; export only the tier of the labels from ELAN",
        )
    if not entries:
        raise HarkenError(f"{table.path}: the export contains no annotation")
    return Annotations(table.path, FORMAT, tuple(entries))


def _adds_up(fields: list[str], first: int, forms: int) -> bool:
    """Whether begin, end and duration, in ``forms`` forms each, have the same form, and the duration is their
    difference."""
    begin, end, duration = (fields[first + group * forms] for group in range(3))
    if not _form(begin) == _form(end) == _form(duration) != "SMPTE":
        return False
    return _elapsed_ns(end) - _elapsed_ns(begin) == _elapsed_ns(duration)


def _form(field: str) -> str | None:
    return next((name for name, pattern in FORMS.items() if pattern.fullmatch(field)), None)


def _moment(table: Rows, line: int, field: str) -> Moment:
    if _form(field) in (None, "SMPTE"):
        raise line_error(table.path, line, f"{printable(field[:60])!r} is not a time of ELAN such as 00:01:02.345")
    return Moment(Kind.ELAPSED, _elapsed_ns(field))


def _elapsed_ns(field: str) -> int:
    if found := FORMS["hh:mm:ss.ms"].fullmatch(field):
        number = 3600 * int(found[1]) + 60 * int(found[2]) + Decimal(found[3])
    else:
        number = Decimal(field)
    moment = number_moment(number, unit_ns=10**6 if _form(field) == "msec" else SECOND_NS)
    return 0 if moment is None else moment.ns
