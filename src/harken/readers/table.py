"""Tables of samples from any kind of file: their columns, read in pieces or as a whole."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl

from harken.readers.layout import Columns, channel_roles
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.units import (
    AXES_REVERSED,
    G_PER_UNIT,
    NS_PER_UNIT,
    STEPS_LOOKED_AT,
    UNITS_PER_G,
    AtRest,
    TimeColumn,
    Where,
    acceleration_unit,
    nanoseconds,
    numbered_ns,
    plausible_step,
)
from harken.readers.unpacking import stem
from harken.recordings.recording import UNLABELLED, Quality
from harken.recordings.source import Samples, Source, SourceChangedError
from harken.support.arrays import Float32Array, Int16Array, Int64Array
from harken.support.errors import HarkenError

Piece = TypeVar("Piece", bound=tuple[Any, ...])

NO_NAME = ("", "null", "nan")
"""Texts that mean a missing name, in lower case."""
WITH_BROKEN_AXIS_G = (1.25, 3.0)
"""Gravity and an axis that stays at the end of a range of 2 g have a length between these."""
MOST_NAMES = 1_000
POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
ANOTHER_SUBJECT = "another subject"
"""The reason in ``Quality.dropped`` for rows of another person."""


class TableRows(NamedTuple):
    """Some rows of a table.

    ``time`` is the column of times; ``signals`` float32 ``[rows, channels]``, acceleration first; ``labels`` and
    ``subjects`` int16 ``[rows]``, -1 for none. Fields are None if the table has no such column.
    """

    time: pl.Series | None
    signals: Float32Array
    labels: Int16Array | None = None
    subjects: Int16Array | None = None

    def chosen(self, rows: Int64Array) -> "TableRows":
        """Copies of the rows with these numbers."""
        columns: Iterable[Any] = self
        chosen: list[Any] = [None if column is None else column[rows] for column in columns]
        return TableRows(*chosen)


class Table(ABC):
    """The columns of a file, read in pieces, or kept in memory after they were read.

    Args:
        path: the file.
        columns: the roles of its columns.
        unit: the unit of acceleration, if the format defines it; None: it is recognised from gravity.
        tidy: the names of columns that distinguish several recordings in one table.

    Attributes:
        channels: the names of the signals; the first three are acceleration.
        label_words: the labels for which codes in the column of labels stand.
    """

    def __init__(
        self, path: Path, columns: Columns, unit: AccelerationUnit | None = None, tidy: tuple[str, ...] = ()
    ) -> None:
        self.path, self.columns, self.tidy, self.unit = path, columns, tidy, unit
        self.channels = tuple("P" if role == "accuracy" else role for role in channel_roles(columns))
        roles = [role for role in ("label", "subject") if role in columns]
        self._codes: dict[str, dict[str, int]] = {role: {} for role in roles}
        self.label_words: Mapping[str, str] = {}
        self._kept: TableRows | None = None

    @property
    def streamed(self) -> bool:
        """Whether the rows are read in pieces."""
        return self._kept is None

    @abstractmethod
    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """The rows of these columns, named by their roles, in pieces.

        Raises:
            SourceChangedError: when the rows must be read again from the beginning, in another way.
            HarkenError: for the first invalid row; the message names it.
        """

    @abstractmethod
    def where(self, row: int) -> str:
        """The position of a row (from 0) in the file, for error messages."""

    def expected_rows(self) -> int:
        """The approximate number of rows; 0 if nothing is known before they are read."""
        return 0

    def rows(self, without: Collection[str] = ()) -> Iterator[TableRows]:
        """All rows, in pieces.

        Args:
            without: the roles whose columns are not read, ``label`` or ``subject``.

        Raises:
            SourceChangedError, HarkenError: as ``frames``.
        """
        if self._kept is not None:
            yield self._kept
            return
        columns = {role: position for role, position in self.columns.items() if role not in without}
        done = 0
        for frame in self.frames(columns):
            codes = {role: self._codes_of(role, frame[role], done) for role in self._codes if role in frame.columns}
            signals = np.empty((frame.height, len(self.channels)), np.float32)
            for channel, role in enumerate(channel_roles(columns)):
                signals[:, channel] = frame[role].cast(pl.Float32).fill_null(math.nan).to_numpy()
            yield TableRows(
                frame["time"] if "time" in frame.columns else None,
                signals,
                codes.get("label"),
                codes.get("subject"),
            )
            done += frame.height

    def names(self, role: str) -> tuple[str, ...]:
        """The names for the codes of a role, ``label`` or ``subject``, in the rows that were read."""
        return tuple(self._codes.get(role, ()))

    def _codes_of(self, role: str, column: pl.Series, first_row: int) -> Int16Array:
        """The codes of a piece of the column (text, categories or numbers), int16 ``[rows]``; -1 for a missing name.
        Spaces around a name are ignored.

        Args:
            role: ``label`` or ``subject``.
            column: the piece.
            first_row: the number of rows before it in the table.

        Raises:
            HarkenError: when there are too many names, or a name spans several lines.
        """
        # One look-up by the category's number: no text is processed for each row.
        coded = isinstance(column.dtype, pl.Categorical | pl.Enum)
        categories = column if coded else column.cast(pl.String).cast(pl.Categorical)
        distinct = categories.unique().drop_nulls()
        names = [name.strip() for name in distinct.cast(pl.String).to_list()]
        self._check_names(role, names, categories, first_row)
        known = self._codes[role]
        words = self.label_words if role == "label" else {}
        numbers = distinct.to_physical().to_numpy().astype(np.int64)
        lookup = np.full(int(numbers.max(initial=-1)) + 2, UNLABELLED, np.int16)
        lookup[numbers] = [
            UNLABELLED if name.lower() in NO_NAME else known.setdefault(words.get(name, name), len(known))
            for name in names
        ]
        rows = categories.to_physical().cast(pl.Int64).fill_null(len(lookup) - 1).to_numpy()
        return np.asarray(lookup[rows])

    def _check_names(self, role: str, names: list[str], column: pl.Series, first_row: int) -> None:
        if len(self._codes[role].keys() | set(names)) > MOST_NAMES:
            raise HarkenError(
                f"{self.path}: the column of {role}s contains more than {MOST_NAMES} names, such as "
                f"{min(names)!r}; choose the right column with --{role}-column"
            )
        if any("\n" in name for name in names):
            text = column.cast(pl.String)
            row = int(text.str.strip_chars().str.contains("\n", literal=True).arg_true()[0])
            begin = text[row].strip().split("\n")[0]
            raise HarkenError(
                f"{self.path}, {self.where(first_row + row)}: the {role} {begin!r} continues on the "
                "next line; is a quotation mark missing?"
            )

    def whole(self) -> TableRows:
        """All rows, which are then kept in memory.

        Raises:
            HarkenError: as ``frames``, and when there are no rows.
        """
        while self._kept is None:
            with suppress(SourceChangedError):
                self._kept = joined_rows(self.path, list(self.rows()))
        return self._kept

    def clock(self, source: Source, read: Callable[[], TimeColumn], form: tuple[str, str] | None) -> TimeColumn:
        """The next times, if they have the unit and the format ``form`` (None: these are the first).

        Raises:
            SourceChangedError, HarkenError: as ``pieces_alike``, when they have not, cannot be read, or depend on rows
                before or after.
        """
        with self.pieces_alike(source):
            clock = read()
            if self.streamed and (clock.cut or form not in (None, (clock.unit, clock.form))):
                raise SourceChangedError
        return clock

    @contextmanager
    def pieces_alike(self, source: Source) -> Iterator[None]:
        """Within the block, an error about rows that are read in pieces, or a SourceChangedError because they differ
        from the first ones, makes the ``source`` be read again, with all rows in memory.

        Raises:
            SourceChangedError: while the rows are read in pieces.
            HarkenError: when all rows are in memory; as ``whole``.
        """
        try:
            yield
        except (HarkenError, SourceChangedError) as error:
            if not self.streamed:
                raise
            self.whole()
            source.streamed = False
            raise SourceChangedError from error

    def keep(self, rows: TableRows, channels: tuple[str, ...] | None = None) -> None:
        """Replace all rows, and the channels if they are given."""
        self._kept, self.channels = rows, channels or self.channels


def joined_rows(path: Path, pieces: Sequence[TableRows]) -> TableRows:
    """Concatenate consecutive rows.

    Raises:
        HarkenError: when there are none.
    """
    if not any(len(piece.signals) for piece in pieces):
        raise HarkenError(f"{path}: it contains no rows of data")
    if len(pieces) == 1:
        return pieces[0]
    columns: Iterable[tuple[Any, ...]] = zip(*pieces, strict=True)
    return TableRows(*map(_joined, columns))


def _joined(pieces: Sequence[Any]) -> Any:
    """The pieces of a column of a table, concatenated; None if the table has no such column."""
    if pieces[0] is None:
        return None
    return pl.concat(pieces) if isinstance(pieces[0], pl.Series) else np.concatenate(pieces)


def first_line(error: BaseException) -> str:
    """The first line of an error message of polars, without the long text that may follow."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class SeveralRecordingsError(HarkenError):
    """Raised when a table contains more than one recording.

    Attributes:
        people: the names in its subject column.
        tidy: the names of its columns that distinguish recordings of one person.
    """

    def __init__(self, message: str, *, people: tuple[str, ...] = (), tidy: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.people, self.tidy = people, tidy


MOST_SUBJECTS_SHOWN = 10
MOST_JITTER_NS = 10**9
"""The largest step back in time of rows out of order; the start of a new session steps back by more."""


class TableSource(Source):
    """One wearer's samples in a table.

    Facts about all rows (units, format of times, subject) are taken from the first 100,000 rows, and checked while the
    others are read. If the others differ, or local times include a repeated hour, all rows are read together, in
    memory.

    Args:
        table: the table. If it is in memory, its signals are modified.
        options: the user's options.
        path: the file; None: that of the table, which may be in an archive.
        notes: the notes of its reader.
    """

    def __init__(
        self,
        table: Table,
        options: TableOptions,
        *,
        path: Path | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(
            channels=table.channels,
            subject=options.subject or stem(path or table.path),
            source=str(path or table.path),
            timezone=options.timezone or "UTC",
        )
        self.streamed = table.streamed
        self._table, self._options, self._path, self._notes = table, options, path, notes
        self._read_once = False
        self._in_memory: Samples | None = None
        self._forget()

    @property
    def expected_samples(self) -> int:
        """See ``Source``; not known of one person in a table of several."""
        return 0 if not self._table.streamed or self._options.subject else self._table.expected_rows()

    def of_person(self, name: str) -> "TableSource":
        """One person's samples in the same table. The file is not read again if the table is in memory, as it is after
        a ``SeveralRecordingsError``."""
        return TableSource(self._table, replace(self._options, subject=name), path=self._path, notes=self._notes)

    def samples(self) -> Iterator[Samples]:
        """The samples in UTC and in g. See ``Source.samples``.

        Raises:
            HarkenError: for several people in one file, an unknown unit, or a time that cannot be read.
        """
        return self._pieces()

    def samples_without_labels(self) -> Iterator[Samples]:
        """See ``Source``. The first time, labels are also read, to find errors in them."""
        return self._pieces("label") if self._read_once else self._pieces()

    def _forget(self) -> None:
        """Reset all facts about the rows."""
        self._time_options = self._options
        self._clock_form: tuple[str, str] | None = None  # the unit of times, and the format of text
        self._start_ns = 0
        self._unit: AccelerationUnit | None = None

    def _pieces(self, *without: str) -> Iterator[Samples]:
        if self._in_memory is not None:
            yield self._in_memory
            return
        if self._read_once and self._options.subject is None:
            without = (*without, "subject")
        rows, tally = self._table.rows(without), _Tally()
        if not self._read_once:
            self._forget()
            rows = chain([joined_rows(self._table.path, first_pieces(rows, STEPS_LOOKED_AT))], rows)
        for some in rows:
            with self._table.pieces_alike(self):
                samples = self._samples_of(some, tally)
            if not self._table.streamed:
                self._conclude(tally)
                self._in_memory = samples
            yield samples
        if not self._read_once:
            with self._table.pieces_alike(self):
                self._conclude(tally)

    def _samples_of(self, rows: TableRows, tally: "_Tally") -> Samples:
        first_row, count = tally.rows, len(rows.signals)
        tally.rows += count
        kept = self._rows_of_wearer(rows)
        if kept is not None:
            rows = rows.chosen(kept)
            tally.dropped[ANOTHER_SUBJECT] += count - len(kept)
        if not len(rows.signals):
            return Samples.empty(0, len(self.channels))
        clock = self._clock(
            rows, tally, lambda row: self._table.where(first_row + (row if kept is None else int(kept[row])))
        )
        tally.note(clock.notes)
        time_ns = clock.time_ns
        if not clock.timed.all():
            tally.dropped["no time"] += int(np.count_nonzero(~clock.timed))
            rows = rows._replace(time=None).chosen(np.flatnonzero(clock.timed))
            time_ns = time_ns[clock.timed]
        tally.samples += len(time_ns)
        if self._table.tidy and len(time_ns):
            steps = np.diff(time_ns, prepend=time_ns[:1] if tally.last_ns is None else tally.last_ns)
            tally.back_ns = max(tally.back_ns, -int(steps.min()))
            tally.last_ns = int(time_ns[-1])
        if not self._read_once:
            tally.at_rest.push(rows.signals[:, :3])
        if self._unit is None:
            if not self._table.streamed:
                self._refuse_sessions(tally)
            self._unit, _ = self._unit_and_notes(tally)
        sign = -1 if self._options.gravity_sign == "negative" else 1
        factor = np.float32(sign * G_PER_UNIT[self._unit])
        if factor != 1:
            with np.errstate(invalid="ignore", over="ignore"):  # damaged bytes may be any number
                rows.signals[:, :3] *= factor
        codes = rows.labels if rows.labels is not None else np.full(len(time_ns), UNLABELLED, np.int16)
        return Samples(time_ns, rows.signals, codes, np.ones(len(time_ns), bool))

    def _rows_of_wearer(self, rows: TableRows) -> Int64Array | None:
        """The rows of the wearer (None: all), by the names in the column of subjects so far."""
        if rows.subjects is None:
            return None
        subject, people = self._options.subject, self._table.names("subject")
        if subject in people:
            of_wearer = rows.subjects == people.index(subject)
            return None if of_wearer.all() else np.flatnonzero(of_wearer)
        if subject is not None and self._table.streamed:  # so far all rows are those of other people
            return np.empty(0, np.int64)
        if len(people) > 1 or (subject is not None and people):
            self._refuse_people(subject, sorted(people))
        self.subject = subject or (people[0] if people else stem(self._path or self._table.path))
        return None

    def _refuse_people(self, subject: str | None, people: list[str]) -> None:
        path = self._table.path
        if len(people) > 1:
            shown = ", ".join(people[:MOST_SUBJECTS_SHOWN]) + (", ..." if len(people) > MOST_SUBJECTS_SHOWN else "")
            advice = f". {self._tidy_advice()}" if self._table.tidy else ""
            raise self._several(f"contains {len(people)} people ({shown}); choose one with --subject NAME{advice}")
        raise HarkenError(f"{path}: has no subject {subject!r}; its subject is {people[0]!r}")

    def _clock(self, rows: TableRows, tally: "_Tally", where: Where) -> TimeColumn:
        """The times of rows, read from the table or, if the user gave a rate, computed from it."""
        if self._options.sample_rate_hz is not None:
            return self._numbered(rows, tally, self._options.sample_rate_hz, where)
        if rows.time is None:
            raise HarkenError(
                f"{self._table.path}: found no column for time; choose it with --time-column, or number the "
                "rows with --rate HZ"
            )
        path, time, options = self._table.path, rows.time, self._time_options
        clock = self._table.clock(self, lambda: nanoseconds(path, time, options, where), self._clock_form)
        if self._clock_form is None:
            if self._table.streamed:
                self._check_time_unit(clock)
            self._clock_form = clock.unit, clock.form
        return clock

    def _check_time_unit(self, clock: TimeColumn) -> None:
        """Check that the steps between the first numeric times confirm their unit."""
        if clock.unit in NS_PER_UNIT and self._options.time_unit is None:
            steps = np.diff(clock.time_ns[clock.timed][:STEPS_LOOKED_AT])
            rising = steps[steps > 0]
            if (steps < 0).any() or not len(rising) or not plausible_step(float(np.median(rising))):
                raise SourceChangedError
            self._time_options = replace(self._options, time_unit=clock.unit)

    def _numbered(self, rows: TableRows, tally: "_Tally", rate_hz: float, where: Where) -> TimeColumn:
        notes = [f"The rows were numbered at {rate_hz:g} Hz, as requested."]
        if self._clock_form is None:
            self._clock_form = "rows", ""
            if rows.time is not None and rows.time.null_count() < len(rows.time):
                try:
                    clock = nanoseconds(self._table.path, rows.time.drop_nulls().head(1), self._options, where)
                    self._start_ns = int(clock.time_ns[0])
                    self._clock_form = (clock.unit, "")
                    notes = [f"The rows were numbered at {rate_hz:g} Hz from the first time, as requested."]
                except HarkenError:
                    notes.append(
                        "The first time could not be read; the recording is shown as if it started at the beginning "
                        "of 1970."
                    )
            elif rows.time is not None and self._table.streamed:
                raise SourceChangedError
        time_ns = self._start_ns + numbered_ns(tally.samples, len(rows.signals), rate_hz)
        notes = notes if tally.notes is None else tally.notes
        return TimeColumn(time_ns, np.ones(len(time_ns), bool), self._clock_form[0], notes)

    def _unit_and_notes(self, tally: "_Tally") -> tuple[AccelerationUnit, list[str]]:
        """The unit of acceleration, and notes on it. It is the user's option, else the unit of the format, else it is
        recognised from the magnitude of gravity.

        Raises:
            HarkenError: when no row is complete, or the unit cannot be recognised.
        """
        at_rest, requested = tally.at_rest.magnitude(), self._options.acceleration_unit
        detected = tally.at_rest.unit()
        unit = requested or self._table.unit or detected
        if math.isnan(at_rest):
            raise HarkenError(f"{self._table.path}: no row has all three of x, y and z")
        if unit is None:
            advice = "A value near 0 means that gravity was removed; postures cannot be recognised without it"
            for perhaps, one_g in UNITS_PER_G.items():
                if WITH_BROKEN_AXIS_G[0] < at_rest / one_g < WITH_BROKEN_AXIS_G[1]:
                    advice = f"In {perhaps}, an axis is perhaps broken: harken inspect --unit {perhaps} tells which"
            raise HarkenError(
                f"{self._table.path}: in its stillest half the acceleration is {at_rest:.3g}, which is not gravity in "
                f"any known unit (1 g, 9.81 m/s2, 64 g/64, 1000 mg). Give the unit with --unit. {advice}"
            )
        in_g = at_rest * G_PER_UNIT[unit]
        if detected != unit:
            by = "as requested" if requested else "as this format defines"
            removed = " (gravity seems to have been removed)." if in_g < 0.5 else "."
            return unit, [f"Acceleration was read in {unit}, {by}, but this gives {in_g:.3g} g at rest{removed}"]
        if requested is None and acceleration_unit(at_rest) is None:
            return unit, [
                f"The wearer never rests, so the unit of acceleration is uncertain: it was read in {unit}, which gives "
                f"{in_g:.3g} g in the stillest half. If that is wrong, give the unit with --unit."
            ]
        converted = f"Acceleration is in {unit} (at rest {at_rest:.4g}), converted to g."
        return unit, [] if requested or unit == "g" else [converted]

    def _refuse_sessions(self, tally: "_Tally") -> None:
        """Raise a HarkenError if times of a table with sessions step back: the sessions would be mixed."""
        if self._table.tidy and tally.back_ns > MOST_JITTER_NS:
            raise self._several(f"its times go back by up to {tally.back_ns / 1e9:g} s. {self._tidy_advice()}")

    def _several(self, reason: str) -> "SeveralRecordingsError":
        people = tuple(sorted(self._table.names("subject")))
        return SeveralRecordingsError(f"{self._table.path}: {reason}", people=people, tidy=self._table.tidy)

    def _tidy_advice(self) -> str:
        columns = "columns" if len(self._table.tidy) > 1 else "column"
        return (
            f"It contains several recordings, distinguished by the {columns} "
            f"{' and '.join(self._table.tidy)}; harken.datasets.tidy.read_tidy(PATH) reads all of them"
        )

    def _conclude(self, tally: "_Tally") -> None:
        """Set the facts that are known after all rows were read."""
        self._refuse_sessions(tally)
        by_subject = self._table.streamed and "subject" in self._table.columns
        if by_subject and self._options.subject not in (None, *self._table.names("subject")):
            raise SourceChangedError
        unit, notes = self._unit_and_notes(tally)
        if unit != self._unit:
            raise SourceChangedError
        if self._options.gravity_sign == "negative":
            notes.append(AXES_REVERSED)
        self.label_names = self._table.names("label")
        self.quality = Quality(
            acceleration_unit=unit,
            time_unit=self._clock_form[0] if self._clock_form else "",
            dropped=dict(+tally.dropped),
            notes=(*(tally.notes or ()), *notes),
        ).noting(*self._notes)
        self._read_once = True


class _Tally:
    """Counts over all rows, updated while they are read.

    Attributes:
        rows: the number of rows of the table so far.
        samples: the number of rows that became samples.
        dropped: a reason -> the number of rows that did not.
        notes: notes on all times so far; None before the first.
        back_ns: the largest step back in time, in ns.
        last_ns: the last time so far.
        at_rest: the magnitude at rest of acceleration in the unit of the table.
    """

    def __init__(self) -> None:
        self.rows = self.samples = self.back_ns = 0
        self.dropped = Counter[str]()
        self.notes: list[str] | None = None
        self.at_rest = AtRest()
        self.last_ns: int | None = None

    def note(self, notes: list[str]) -> None:
        """Add the notes on the next times."""
        self.notes = [note for note in notes if self.notes is None or note in self.notes]


def first_pieces(pieces: Iterator[Piece], rows: int) -> list[Piece]:
    """The first pieces of a table, with more than ``rows`` rows, or all if there are fewer. The second element of a
    piece are its signals."""
    first, count = list[Piece](), 0
    for piece in pieces:
        first.append(piece)
        count += len(piece[1])
        if count > rows:
            break
    return first
