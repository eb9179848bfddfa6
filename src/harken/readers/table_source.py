"""One wearer's samples in a table. One pass over the table settles what it holds; then its samples are read."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.table import KeptRows, RowCopy, Table, TableRows, join_rows
from harken.readers.time_columns import StatedTimes, TimeSurvey, Where, nanoseconds, numbered_ns
from harken.readers.units import AXES_REVERSED, G_PER_UNIT, STEPS_LOOKED_AT, UNITS_PER_G, AtRest, acceleration_unit
from harken.readers.unpacking import stem
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.source import Samples, Source
from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError

WITH_BROKEN_AXIS_G = (1.25, 3.0)
"""Gravity and an axis that stays at the end of a range of 2 g have a length between these."""
ANOTHER_SUBJECT = "another subject"
"""The reason in ``Quality.dropped`` for rows of another person."""
NO_TIME = "no time"
"""The reason in ``Quality.dropped`` for rows without a time."""
MOST_SUBJECTS_SHOWN = 10
MOST_JITTER_NS = 10**9
"""The largest step back in time of rows out of order; the start of a new session steps back by more."""
NOBODY = -2
"""The code of a person whose name is not in the table."""


class SeveralRecordingsError(HarkenError):
    """Raised when one recording is read from a table that contains more than one."""


class TableSource(Source):
    """One wearer's samples in a table.

    The first reading is preceded by a survey, a pass over the table in which all facts about its rows are settled:
    wearer, unit and form of times, unit of acceleration. The survey copies the rows aside (``RowCopy``), so that they
    are parsed once. If the copy would be too long, the table is read again.

    Args:
        table: the table. If it is in memory, its signals are modified.
        options: the user's options.
        path: the file; None: that of the table, which may be in an archive.
        notes: the notes of its reader.

    Attributes:
        table: the table.
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
        self.streamed = not table.in_memory
        self.table, self._options, self._path, self._notes = table, options, path, notes
        self._times = TimeSurvey(table.path, options)
        self._start_ns = 0
        self._all_rows = options.subject is None or "subject" not in table.columns
        self._factor = np.float32(1)
        self._stops_at_second_person = False
        self._collecting = self._is_surveyed = self._is_part = False
        self._copy: RowCopy | None = None
        self._samples: list[Samples] | None = None

    @property
    def expected_samples(self) -> int:
        """See ``Source``; not known of one person in a table of several."""
        return 0 if self.table.in_memory or self._options.subject else self.table.expected_rows()

    def of_part(
        self,
        part: Table,
        *,
        subject: str | None = None,
        unit: AccelerationUnit | None = None,
        time_unit: TimeUnit | None = None,
    ) -> "TableSource":
        """Make a source of a part of the table, which is read once. What is not None replaces the user's options."""
        facts = {"subject": subject, "acceleration_unit": unit, "time_unit": time_unit}
        known = {name: value for name, value in facts.items() if value is not None}
        options = replace(self._options, **known)  # type: ignore[arg-type]
        source = TableSource(part, options, path=self._path, notes=self._notes)
        source._is_part = True
        return source

    def samples(self) -> Iterator[Samples]:
        """The samples in UTC and in g. See ``Source.samples``.

        Raises:
            HarkenError: for several people in one file, an unknown unit, or a time that cannot be read.
        """
        if not self._is_surveyed:
            self._survey()
            self._is_surveyed = True
        if self._samples is not None:
            yield from self._samples
            return
        done = 0
        for rows in self._take_rows() if self._is_read_once else self._kept_rows():
            yield self._convert(rows, done)
            done += len(rows.signals)
            del rows

    def collect(self) -> Recording:
        """See ``Source.collect``. The rows are in memory from the beginning."""
        self._collecting = True
        try:
            return super().collect()
        finally:
            self._collecting = False

    def collect_one_person(self) -> Recording:
        """Collect all samples, if they are of one person.

        Raises:
            SeveralRecordingsError: at the first row of a second person.
            HarkenError: as ``collect``.
        """
        self._stops_at_second_person = True
        try:
            return self.collect()
        finally:
            self._stops_at_second_person = False

    @property
    def _is_read_once(self) -> bool:
        """Whether the rows are not needed again, so that they are given away while they are read."""
        return self._collecting and (self._is_part or not self.table.in_memory)

    def samples_without_labels(self) -> Iterator[Samples]:
        """See ``Source``."""
        for samples in self.samples():
            yield samples._replace(label_codes=np.full(len(samples.time_ns), UNLABELLED, np.int16))

    def _survey(self) -> None:
        """Settle all facts about the table in one pass, and copy its rows.

        Errors of a single row come first. Then come those of people, times, sessions, placements and unit, in this
        order.
        """
        survey = _Survey(RowCopy(may_be_file=not (self.table.in_memory or self._collecting)))
        for rows in self._read(survey):
            survey.at_rest.push(rows.signals[:, :3])
            survey.copy.add(rows)
            if self._collecting:
                self.check_collected(survey.rows)
            del rows
        if not survey.rows:
            raise HarkenError("it contains no rows of data", path=self.table.path)
        people = self.table.names("subject")
        if not people and not self._all_rows:  # the column is empty, so all rows are of the person that was named
            self._all_rows = True
            self._survey()
            return
        self._settle_wearer(people)
        self._copy = survey.copy
        time_unit, time_notes = self._settle_times(survey)
        self._refuse_sessions()
        self._refuse_placements(survey.placements)
        unit, unit_notes = self._settle_unit(survey.at_rest)
        sign = -1 if self._options.gravity_sign == "negative" else 1
        self._factor = np.float32(sign * G_PER_UNIT[unit])
        if sign < 0:
            unit_notes.append(AXES_REVERSED)
        self.label_names = self.table.names("label")
        self.quality = Quality(
            acceleration_unit=unit,
            time_unit=time_unit,
            dropped=dict(+survey.dropped),
            notes=(*time_notes, *unit_notes),
        ).noting(*self._notes)
        if self._is_part:
            self.table.release()
        if survey.copy.in_memory is not None and not self._is_read_once:
            self._convert_in_memory(survey.copy.in_memory)

    def _convert_in_memory(self, pieces: list[KeptRows]) -> None:
        self._samples = []
        done = 0
        for rows in pieces:
            self._samples.append(self._convert(rows, done))
            done += len(rows.signals)

    def _kept_rows(self) -> Iterator[KeptRows]:
        """The wearer's rows, from the copy of the survey, or from the table again."""
        assert self._copy is not None
        if not self._copy.is_complete:
            return self._read(_Survey(self._copy))
        return self._copy.rows() if self._copy.in_memory is None else iter(self._copy.in_memory)

    def _take_rows(self) -> Iterator[KeptRows]:
        """The wearer's rows for the last time: those that were taken are no longer kept."""
        rows = self._kept_rows()
        in_memory = self._copy.in_memory if self._copy is not None else None
        self._is_surveyed, self._copy = False, None
        if in_memory is None:
            yield from rows
            return
        in_memory.reverse()
        while in_memory:
            yield in_memory.pop()

    def _read(self, survey: "_Survey") -> Iterator[KeptRows]:
        """Read the wearer's rows in the table, and count them.

        An error about times is noted and raised later, because it may be that of another person. A piece that ends in
        a repeated hour is joined with the next one.
        """
        held: TableRows | None = None
        before_ns: int | None = None
        for piece in self._first_together(self._choose_rows(survey)):
            if self._has_several_people and self._stops_at_second_person:
                raise self._several("contains several people")
            if survey.error is not None or self._has_several_people:
                continue  # the rest is read only for names, and for errors of single rows
            rows = piece if held is None else join_rows([held, piece])
            assert rows is not None
            try:
                stated = self._state_times(rows, survey, before_ns)
            except HarkenError as error:
                survey.error = error
                continue
            held = rows if stated is not None and stated.ends_in_repeated_hour else None
            if held is None:
                before_ns = None if stated is None else stated.last_local_ns
                yield self._keep(rows, stated, survey)
            del piece, rows, stated  # there is room for the next one
        if held is not None and survey.error is None:
            yield self._keep(held, self._state_times(held, survey, before_ns), survey)

    def _choose_rows(self, survey: "_Survey") -> Iterator[TableRows]:
        """The wearer's rows in the table. Those of others are counted."""
        subject = self._options.subject
        for rows in self.table.rows():
            count = len(rows.signals)
            survey.rows += count
            if rows.subjects is not None and not self._all_rows:
                people = self.table.names("subject")
                code = people.index(subject) if subject in people else NOBODY
                chosen = np.flatnonzero(rows.subjects == code)
                if len(chosen) < count:
                    survey.dropped[ANOTHER_SUBJECT] += count - len(chosen)
                    rows = rows.choose(chosen)
            if rows.placements is not None:
                survey.placements.update(np.unique(rows.placements).tolist())
            if len(rows.signals):
                yield rows
            del rows

    @staticmethod
    def _first_together(pieces: Iterator[TableRows]) -> Iterator[TableRows]:
        """Join the first pieces, so that there are enough rows to settle what times are."""
        first: list[TableRows] = []
        while sum(len(rows.signals) for rows in first) <= STEPS_LOOKED_AT:
            piece = next(pieces, None)
            if piece is None:
                break
            first.append(piece)
            del piece  # it is not kept longer than needed
        if first:
            together = join_rows(first)
            del first
            assert together is not None
            yield together
            del together
        yield from pieces

    @property
    def _has_several_people(self) -> bool:
        return self._all_rows and len(self.table.names("subject")) > 1

    def _state_times(self, rows: TableRows, survey: "_Survey", before_ns: int | None) -> StatedTimes | None:
        """Read the times of rows; None if the rows are numbered, or have no times."""
        if rows.time is None:
            return None
        survey.has_times = True
        if self._options.sample_rate_hz is None:
            return self._times.read(rows.time, self._where(rows), before_ns)
        if survey.first_time is None and rows.time.null_count() < len(rows.time):
            survey.first_time = rows.time.drop_nulls().head(1)
        return None

    def _keep(self, rows: TableRows, stated: StatedTimes | None, survey: "_Survey") -> KeptRows:
        """Leave out rows without a time, and count them."""
        if stated is None:
            return KeptRows(None, rows.signals, rows.labels)
        if stated.timed.all():
            times = stated.values.copy()  # so that Polars can use its memory for the next piece
            return KeptRows(times, rows.signals, rows.labels)
        timed = np.flatnonzero(stated.timed)
        survey.dropped[NO_TIME] += len(stated.timed) - len(timed)
        rows = rows._replace(time=None).choose(timed)
        return KeptRows(stated.values[timed], rows.signals, rows.labels)

    def _where(self, rows: TableRows) -> Where:
        return lambda row: self.table.where(int(rows.numbers[row]))

    def _convert(self, rows: KeptRows, done: int) -> Samples:
        """Convert rows, ``done`` after the first, to samples in UTC and in g. Their signals are modified."""
        if self._factor != 1:
            with np.errstate(invalid="ignore", over="ignore"):  # damaged bytes may be any number
                rows.signals[:, :3] *= self._factor
        count = len(rows.signals)
        codes = np.full(count, UNLABELLED, np.int16) if rows.labels is None else rows.labels
        return Samples(self._times_ns(rows, done), rows.signals, codes, np.ones(count, bool))

    def _times_ns(self, rows: KeptRows, done: int) -> Int64Array:
        if rows.times is not None:
            return self._times.nanoseconds(rows.times)
        rate_hz = self._options.sample_rate_hz
        assert rate_hz is not None
        return self._start_ns + numbered_ns(done, len(rows.signals), rate_hz)

    def _settle_wearer(self, people: tuple[str, ...]) -> None:
        """Settle whose samples these are.

        Raises:
            HarkenError: when the chosen person is not in the table.
            SeveralRecordingsError: when nobody was chosen of several.
        """
        subject = self._options.subject
        if len(people) > 1 and subject not in people:
            shown = ", ".join(sorted(people)[:MOST_SUBJECTS_SHOWN])
            more = ", ..." if len(people) > MOST_SUBJECTS_SHOWN else ""
            advice = f". {self._tidy_advice()}" if self.table.tidy else ""
            raise self._several(
                f"contains {len(people)} people ({shown}{more}); choose one with --subject NAME{advice}"
            )
        if subject is not None and people and subject not in people:
            raise HarkenError(f"has no subject {subject!r}; its subject is {people[0]!r}", path=self.table.path)
        self.subject = subject or (people[0] if people else stem(self._path or self.table.path))

    def _settle_times(self, survey: "_Survey") -> tuple[str, list[str]]:
        """Settle how times are written. Return their unit, and notes.

        Raises:
            HarkenError: when there are none, a time cannot be read, or the unit cannot be recognised.
        """
        if self._options.sample_rate_hz is not None:
            return self._settle_numbering(survey.first_time, self._options.sample_rate_hz)
        if not survey.has_times:
            raise HarkenError(
                "found no column for time; choose it with --time-column, or number the rows with --rate HZ",
                path=self.table.path,
            )
        if survey.error is not None:
            raise survey.error
        self._times.settle(self._all_times)
        if not self._times.are_in_range:
            again = _Survey(RowCopy())
            for _ in self._read(again):  # finds the first time that is not
                pass
            if again.error is not None:
                raise again.error
        return self._times.unit, self._times.notes

    def _all_times(self) -> Int64Array | Float64Array:
        """All times in the unit of the table."""
        return np.concatenate([rows.times for rows in self._kept_rows() if rows.times is not None])

    def _settle_numbering(self, first_time: pl.Series | None, rate_hz: float) -> tuple[str, list[str]]:
        """Settle the time of the first row. Return the unit of the time in the file, and notes."""
        numbered = f"The rows were numbered at {rate_hz:g} Hz, as requested."
        if first_time is None:
            return "rows", [numbered]
        try:
            clock = nanoseconds(self.table.path, first_time, self._options, self.table.where)
        except HarkenError:
            unread = (
                "The first time could not be read; the recording is shown as if it started at the beginning of 1970."
            )
            return "rows", [numbered, unread]
        self._start_ns = int(clock.time_ns[0])
        return clock.unit, [f"The rows were numbered at {rate_hz:g} Hz from the first time, as requested."]

    def _settle_unit(self, survey: AtRest) -> tuple[AccelerationUnit, list[str]]:
        """Settle the unit of acceleration: the user's option, else that of the format, else the one in which gravity is
        recognised. Return it, and notes.

        Raises:
            HarkenError: when no row is complete, or the unit cannot be recognised.
        """
        at_rest, requested = survey.magnitude(), self._options.acceleration_unit
        detected = survey.unit()
        unit = requested or self.table.unit or detected
        if math.isnan(at_rest):
            raise HarkenError("no row has all three of x, y and z", path=self.table.path)
        if unit is None:
            advice = "A value near 0 means that gravity was removed; postures cannot be recognised without it"
            for perhaps, one_g in UNITS_PER_G.items():
                if WITH_BROKEN_AXIS_G[0] < at_rest / one_g < WITH_BROKEN_AXIS_G[1]:
                    advice = f"In {perhaps}, an axis is perhaps broken: harken inspect --unit {perhaps} tells which"
            raise HarkenError(
                f"in its stillest half the acceleration is {at_rest:.3g}, which is not gravity in "
                f"any known unit (1 g, 9.81 m/s2, 64 g/64, 1000 mg). Give the unit with --unit. {advice}",
                path=self.table.path,
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

    def _refuse_sessions(self) -> None:
        """Raise a SeveralRecordingsError if times of a table with sessions step back: the sessions would be mixed."""
        if not self.table.tidy:
            return
        done = back_ns = 0
        last_ns: int | None = None
        for rows in self._kept_rows():
            time_ns = self._times_ns(rows, done)
            done += len(time_ns)
            if len(time_ns):
                steps = np.diff(time_ns, prepend=time_ns[0] if last_ns is None else last_ns)
                back_ns = max(back_ns, -int(steps.min()))
                last_ns = int(time_ns[-1])
        if back_ns > MOST_JITTER_NS:
            raise self._several(f"its times go back by up to {back_ns / 1e9:g} s. {self._tidy_advice()}")

    def _refuse_placements(self, codes: set[int]) -> None:
        """Raise a SeveralRecordingsError if the wearer's rows are of several placements: the samples of two sensors
        would be mixed, even if their times never step back."""
        if len(codes) < 2:
            return
        names = ("without a name", *self.table.names("placement"))
        placements = sorted(names[code + 1] for code in codes)
        raise self._several(
            f"contains {len(placements)} placements ({', '.join(placements)}) of {self.subject}; leave only the rows "
            f"of one in the file. {self._tidy_advice()}"
        )

    def _several(self, reason: str) -> "SeveralRecordingsError":
        return SeveralRecordingsError(f"{reason}", path=self.table.path)

    def _tidy_advice(self) -> str:
        columns = "columns" if len(self.table.tidy) > 1 else "column"
        return (
            f"It contains several recordings, distinguished by the {columns} "
            f"{' and '.join(self.table.tidy)}; harken.datasets.tidy.read_tidy(PATH) reads all of them"
        )


class _Survey:
    """What is collected in a pass over a table.

    Attributes:
        copy: the wearer's rows.
        rows: the number of rows of the table.
        dropped: a reason -> the number of rows that did not become samples.
        at_rest: the magnitude of acceleration at rest, in the unit of the table.
        placements: the codes of placements of the wearer's rows; -1 for rows without one.
        has_times: whether the table has a column of times.
        first_time: the first time in the table, if rows are numbered.
        error: the first error about times.
    """

    def __init__(self, copy: RowCopy) -> None:
        self.copy = copy
        self.rows = 0
        self.dropped = Counter[str]()
        self.at_rest = AtRest()
        self.placements = set[int]()
        self.has_times = False
        self.first_time: pl.Series | None = None
        self.error: HarkenError | None = None
