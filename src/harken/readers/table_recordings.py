"""The recordings in a table of several people, sessions or placements: one for each person and placement.

The table is read in one pass, which divides its rows. Each recording is then read from its own rows, in memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.readers.app_columns import plain_name
from harken.readers.layout import SECONDS_OF_SESSION
from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.table import Table, TableRows, join_rows
from harken.readers.table_source import SeveralRecordingsError, TableSource
from harken.readers.time_columns import EARLIEST_DATE_NS, find_missing
from harken.readers.units import AXES_REVERSED, AtRest, time_unit
from harken.recordings.mending import check_clock, mend
from harken.recordings.recording import UNLABELLED, Quality, Recording, recoded
from harken.recordings.sessions import offsets_in_turn
from harken.support.arrays import Int16Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import listed

NO_SUBJECT = "the subject has no name"
NO_SESSION = "the session has no name"
UNTIMED = "has no time"
IN_TURN = "Sessions count their times from their own starts: they stand one after another, a minute apart, from 1970."


class Wearing(NamedTuple):
    """What distinguishes a recording from the others in a table: a person, and a placement, which may be empty."""

    subject: str
    placement: str

    def name_recording(self, recording: Recording, path: Path) -> Recording:
        """Return the recording with the names that distinguish it from others in the table at ``path``."""
        within_file = self.subject
        if self.placement:
            within_file = f"{self.subject}, {self.placement.replace('_', ' ')}"
        return replace(recording, source=f"{path}, {within_file}", file=str(path), within_file=within_file)


class SessionRows(NamedTuple):
    """The samples of one person and placement in one table, as found, with the session of each.

    ``sessions`` are codes of ``names``, int16 ``[n]``. ``dated`` is whether the times have dates.
    """

    recording: Recording
    sessions: Int16Array
    names: tuple[str, ...]
    dated: bool


def holds_several(source: TableSource, options: TableOptions) -> bool:
    """Whether a table may contain several recordings, by its columns."""
    return bool(source.table.tidy) or ("subject" in source.table.columns and options.subject is None)


def read_several(source: TableSource, options: TableOptions, *, as_found: bool = False) -> list[Recording]:
    """Read all recordings in a table, sorted by person and placement.

    A table of one person whose times do not go back is one recording, as ``harken.read`` gives it. Otherwise the
    sessions of a person, if the table has a column for them, are laid out as by ``read_sessions``.

    Raises:
        HarkenError: as ``harken.read``, and as ``read_sessions``.
    """
    table = source.table
    at_rest = AtRest()
    if not table.tidy:
        with suppress(SeveralRecordingsError):
            return [_finish(source.collect_one_person(), options, as_found=as_found)]
    divided = _Division(source, at_rest)
    if table.tidy and options.subject is None and divided.may_be_one:
        with suppress(SeveralRecordingsError):
            return [_finish(source.of_part(divided.whole()).collect(), options, as_found=as_found)]
    if table.tidy:
        return _lay_out([divided], at_rest, table.path, options, as_found=as_found)
    recordings = []
    for wearing, part in divided.take_parts(len(source.channels)):
        recording = source.of_part(part, subject=wearing.subject).collect()
        recording = wearing.name_recording(_with_own_labels(recording), table.path)
        recordings.append(_finish(recording, options, as_found=as_found))
    return recordings


def read_sessions(
    sources: Sequence[TableSource], path: Path, options: TableOptions, *, as_found: bool = False
) -> list[Recording]:
    """Read the recordings in tables with sessions, one for each person and placement, sorted by both.

    Sessions with seconds from their start (the column ``t``), or with numeric times without a date, are put one after
    another, a minute apart, in the order of the tables. Sessions with dates keep their times.

    Args:
        sources: the tables of one study.
        path: its file or folder.
        options: how to read them; ``subject`` chooses a person.
        as_found: give recordings with all rows in the order of the file, not mended.

    Raises:
        HarkenError: when a person or session has no name, a row has no time, or two sessions of one sensor overlap.
    """
    at_rest = AtRest()
    divided = [_Division(source, at_rest) for source in sources]
    return _lay_out(divided, at_rest, path, options, as_found=as_found)


def _lay_out(
    divided: Sequence["_Division"], at_rest: AtRest, path: Path, options: TableOptions, *, as_found: bool
) -> list[Recording]:
    """Read the recordings of divided tables with sessions. See ``read_sessions``."""
    unit = options.acceleration_unit or _unit_of_all(divided, at_rest, path)
    samples: dict[Wearing, list[SessionRows]] = {}
    for table in divided:
        table.check_complete()
        time_unit = options.time_unit or table.find_time_unit()
        for wearing, part in table.take_parts(3):
            if options.subject in (None, wearing.subject):
                source = table.source.of_part(part, subject=wearing.subject, unit=unit, time_unit=time_unit)
                samples.setdefault(wearing, []).append(_read_part(source))
    if not samples:
        people = sorted({person for table in divided for person in table.people})
        raise HarkenError(f"has no subject {options.subject!r}; its subjects are {listed(people)}", path=path)
    recordings = []
    for wearing in sorted(samples):
        recording = _join_sessions(samples.pop(wearing), wearing, path)
        recordings.append(recording if as_found else mend(recording, sensor_range=options.sensor_range_g))
    return recordings


def _finish(recording: Recording, options: TableOptions, *, as_found: bool) -> Recording:
    if not as_found:
        return mend(recording, sensor_range=options.sensor_range_g)
    check_clock(recording)
    return recording


def _with_own_labels(recording: Recording) -> Recording:
    """Without the labels that only other people in the table have."""
    codes = np.unique(recording.label_codes)
    return recording.with_label_names(tuple(recording.label_names[code] for code in codes if code != UNLABELLED))


def _unit_of_all(divided: Sequence["_Division"], at_rest: AtRest, path: Path) -> AccelerationUnit:
    """Recognise the unit of acceleration of all tables together, because a short session may have no rest."""
    stated = {table.source.table.unit for table in divided}
    unit = at_rest.unit() if stated == {None} or len(stated) > 1 else stated.pop()
    if unit is None:
        raise HarkenError("gravity is in an unknown unit; state the unit of x, y and z with unit=", path=path)
    return unit


def _read_part(source: TableSource) -> SessionRows:
    """Read the samples of one person and placement in one table."""
    table = source.table
    sessions = [rows.sessions for rows in table.rows() if rows.sessions is not None]
    recording = _with_own_labels(source.collect())
    dated = not _counts_seconds(table) and bool(np.abs(recording.time_ns).max() >= EARLIEST_DATE_NS)
    if not sessions:
        return SessionRows(recording, np.zeros(len(recording), np.int16), ("",), dated)
    return SessionRows(recording, np.concatenate(sessions), table.names("session"), dated)


def _counts_seconds(table: Table) -> bool:
    """Whether the times of a table are seconds from the start of each session, by the name of their column."""
    if table.header is None or "time" not in table.columns:
        return False
    return plain_name(table.header[table.columns["time"]]) == SECONDS_OF_SESSION


def _join_sessions(parts: list[SessionRows], wearing: Wearing, path: Path) -> Recording:
    """Join the samples of one person and placement in all tables to one recording, as found."""
    first = parts[0].recording
    labels = tuple(sorted({name for part in parts for name in part.recording.label_names}))
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    sessions = np.concatenate([recoded(part.sessions, part.names, names) for part in parts])
    time_ns = np.concatenate([part.recording.time_ns for part in parts])
    dated = {part.dated for part in parts}
    if len(dated) > 1:
        raise HarkenError(
            f"of {wearing.subject}, some sessions have dates and others count from their start", path=path
        )
    notes = tuple(note for note in first.quality.notes if note == AXES_REVERSED)
    spans = _find_spans(time_ns, sessions)
    if dated.pop():
        _refuse_overlap(spans, names, f"{path}, {wearing.subject} {wearing.placement}".rstrip())
    else:
        time_ns = time_ns + _find_offsets(spans, len(names))[sessions]
        notes = (IN_TURN, *notes)
    codes = [recoded(part.recording.label_codes, part.recording.label_names, labels) for part in parts]
    recording = replace(
        first,
        time_ns=time_ns,
        signals=np.concatenate([part.recording.signals for part in parts]),
        label_codes=np.concatenate(codes),
        label_names=labels,
        valid=np.concatenate([part.recording.valid for part in parts]),
        quality=Quality(rows=len(time_ns), acceleration_unit=first.quality.acceleration_unit, notes=notes),
    )
    return wearing.name_recording(recording, path)


def _find_spans(time_ns: Int64Array, sessions: Int16Array) -> pl.DataFrame:
    """The ``start`` and ``end`` of each ``session``, in the order of their first rows."""
    frame = pl.DataFrame({"session": sessions, "time": time_ns})
    time = pl.col("time")
    return frame.group_by("session", maintain_order=True).agg(start=time.min(), end=time.max())


def _find_offsets(spans: pl.DataFrame, count: int) -> Int64Array:
    """What to add to the times of each of ``count`` sessions, by its code, so that they follow one another."""
    starts = np.minimum(spans["start"].to_numpy(), 0)
    offsets = np.zeros(count, np.int64)
    offsets[spans["session"].to_numpy()] = offsets_in_turn((spans["end"].to_numpy() - starts).tolist()) - starts
    return offsets


def _refuse_overlap(spans: pl.DataFrame, names: Sequence[str], where: str) -> None:
    """Raise a HarkenError when two sessions overlap in time, because their samples would be mixed."""
    sessions = sorted((start, end, names[code]) for code, start, end in spans.iter_rows())
    for (_, end, earlier), (start, _, later) in pairwise(sessions):
        if start <= end:
            raise HarkenError(
                f"the sessions {earlier} and {later} overlap in time; if they are of two sensors, a column "
                "named placement distinguishes them",
                path=where,
            )


class _Division:
    """The rows of a table in memory, divided by person and placement.

    Args:
        source: the table.
        at_rest: gets the acceleration of a table with sessions or placements.

    Attributes:
        source: as above.
        people: the names in the column of subjects.
    """

    def __init__(self, source: TableSource, at_rest: AtRest) -> None:
        self.source = source
        self._parts: dict[tuple[int, int], list[TableRows]] = {}
        table = source.table
        count = 0
        for rows in table.rows(with_sessions=True):
            count += len(rows.signals)
            source.check_collected(count)
            if table.tidy:
                at_rest.push(rows.signals[:, :3])
            for codes, part in _split_rows(rows):
                self._parts.setdefault(codes, []).append(part)
        if not self._parts:
            raise HarkenError("it contains no rows of data", path=table.path)
        self.people = table.names("subject")
        self._has_people = "subject" in table.columns

    @property
    def may_be_one(self) -> bool:
        """Whether all rows may be one recording."""
        return len(self.people) < 2 and len({placement for _, placement in self._parts}) < 2

    def whole(self) -> Table:
        """All rows, in the order of the file. They are still divided if times go back in them."""
        table = self.source.table
        pieces, *others = self._parts.values()
        if others:  # some rows are of nobody
            joined = join_rows([*pieces, *chain.from_iterable(others)])
            assert joined is not None
            pieces = [joined.choose(np.argsort(joined.numbers))]
        return table.select(pieces, len(table.channels), tidy=table.tidy)

    def take_parts(self, channels: int) -> Iterator[tuple[Wearing, Table]]:
        """The rows of each person and placement, with so many channels; rows of nobody are left out."""
        table = self.source.table
        people, placements = self.people or (self.source.subject,), ("", *table.names("placement"))
        wearings = {
            codes: Wearing(people[codes[0]], placements[codes[1] + 1])
            for codes in self._parts
            if codes[0] >= 0 or not self.people
        }
        for codes, wearing in sorted(wearings.items(), key=lambda item: item[1]):
            yield wearing, table.select(self._parts.pop(codes), channels)

    def check_complete(self) -> None:
        """Raise a HarkenError for the first row without a person, a session, or a time."""
        table = self.source.table
        missing: dict[str, list[int]] = {}
        for (person, _), part in self._parts.items():
            for rows in part:
                numbers = np.asarray(rows.numbers)
                if person < 0 and self._has_people:
                    missing.setdefault(NO_SUBJECT, []).append(int(numbers[0]))
                if rows.sessions is not None and (rows.sessions < 0).any():
                    missing.setdefault(NO_SESSION, []).append(int(numbers[np.argmin(rows.sessions)]))
                if rows.time is not None and len(untimed := find_missing(rows.time)):
                    missing.setdefault(UNTIMED, []).append(int(numbers[untimed[0]]))
        for reason in (NO_SUBJECT, NO_SESSION, UNTIMED):
            if reason in missing:
                raise HarkenError(reason, path=table.path, place=table.where(min(missing[reason])))

    def find_time_unit(self) -> TimeUnit | None:
        """Find the unit of times that are numbers; None for dates. Only one session is looked at, because times from
        the start of several sessions overlap."""
        table = self.source.table
        if "time" not in table.columns:
            return None
        if _counts_seconds(table):
            return "s"
        part = next(iter(self._parts.values()))
        times = []
        for rows in part:
            assert rows.time is not None
            if not rows.time.dtype.is_numeric():
                return None
            of_first = rows.time if rows.sessions is None else rows.time.filter(rows.sessions == _first_session(part))
            times.append(of_first.drop_nulls().to_numpy())
        return time_unit(np.concatenate(times))


def _first_session(part: Sequence[TableRows]) -> int:
    sessions = part[0].sessions
    assert sessions is not None
    return int(sessions[0])


def _split_rows(rows: TableRows) -> Iterator[tuple[tuple[int, int], TableRows]]:
    """Divide rows by the codes of person and placement, which are then left out."""
    if not len(rows.signals):
        return
    nobody = np.full(len(rows.signals), -1, np.int16)
    people = nobody if rows.subjects is None else rows.subjects
    placements = nobody if rows.placements is None else rows.placements
    keys = people.astype(np.int64) << 16 | placements.astype(np.int64) + 1
    rows = rows._replace(subjects=None, placements=None)
    for key in np.unique(keys).tolist():
        chosen = np.flatnonzero(keys == key)
        codes = key >> 16, (key & 0xFFFF) - 1
        yield codes, rows if len(chosen) == len(keys) else rows.choose(chosen)
