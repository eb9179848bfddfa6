"""A CSV file in pieces."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.blocks import stem
from harken.readers.clock import Clock, nanoseconds
from harken.readers.coded import CodedColumn
from harken.readers.columns import Columns, find_columns
from harken.readers.csv import check_last_label, layout_of, line_of_row
from harken.readers.layout import Layout
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.parts.found import CannotStreamError, Found
from harken.readers.parts.parquet import unit_or_whole
from harken.readers.parts.text import text_frames
from harken.readers.table import channels_of, signals_of
from harken.readers.units import G_PER_UNIT, NS_PER_UNIT, STEPS_LOOKED_AT, AtRest, magnitude_at_rest, plausible_step
from harken.recordings.recording import UNLABELLED, Quality
from harken.recordings.samples import Samples
from harken.support.errors import HarkenError

__all__ = ["found_csv"]

Kind = TypeVar("Kind", np.int64, np.float32)


def found_csv(path: Path, options: TableOptions) -> Found:
    """Look at the beginning of a CSV file.

    Raises:
        CannotStreamError: when there are no times, or their unit cannot be told by the rate; or the file holds several
            recordings, or several people.
        HarkenError: as ``harken.readers.csv.read_csv``.
    """
    layout = layout_of(path, options.skip_rows)
    columns = find_columns(path, layout.header, layout.rows[0], options)
    if columns.time is None or columns.tidy:
        raise CannotStreamError("it has no column of times, or holds several recordings")
    return _Reading(path, options, layout, columns, typed=True).found()


class _Reading:
    """A file, and what became known of it when it was first read from beginning to end."""

    def __init__(self, path: Path, options: TableOptions, layout: Layout, columns: Columns, *, typed: bool) -> None:
        self._path, self._options, self._layout, self._columns, self._typed = path, options, layout, columns, typed
        self._time_options = options
        self._where = partial(line_of_row, path, layout)
        self._clock = Clock(np.empty(0, np.int64), None, "", [])  # of the first rows; its notes are those of all
        self._unit: AccelerationUnit = "g"
        self._at_rest: AtRest | None = None
        self._people = CodedColumn(path, "subject", self._where)
        self._untimed = 0

    def found(self) -> Found:
        path, options = self._path, self._options
        head = self._head()
        self._clock = self._read_clock(pl.concat([frame["time"] for frame in head]))
        if self._clock.unit in NS_PER_UNIT and options.time_unit is None:
            steps = np.diff(_timed(self._clock.time_ns, self._clock)[:STEPS_LOOKED_AT])
            steps = steps[steps > 0]
            if not len(steps) or not plausible_step(float(np.median(steps))):
                raise CannotStreamError("the unit of its times must be looked for in all of them")
            self._time_options = replace(options, time_unit=self._clock.unit)
        signals = np.concatenate([self._signals(frame) for frame in head])
        self._unit, _ = unit_or_whole(path, magnitude_at_rest(_timed(signals[:, :3], self._clock)), options)
        if "subject" in head[0].columns:
            for frame in head:
                self._people.coded(frame["subject"])
        subject = self._subject(self._people.names)
        return Found(
            pieces=self.pieces,
            channels=channels_of(self._columns.numeric()),
            subject=subject,
            source=str(path),
            timezone=options.timezone or "UTC",
            quality=Quality(acceleration_unit=self._unit, time_unit=self._clock.unit),
            concluded=partial(self._concluded, subject),
        )

    def pieces(self) -> Iterator[Samples]:
        """The samples in UTC. The first time, names and gravity are looked at too."""
        first = self._at_rest is None
        at_rest = AtRest()
        people = CodedColumn(self._path, "subject", self._where)
        labels = _Labels(self._path, self._layout, self._columns, self._where)
        notes, untimed = list(self._clock.notes), 0
        for frame in self._frames(names=first):
            clock = self._read_clock(frame["time"])
            if clock.form != self._clock.form or clock.cut:
                raise CannotStreamError("its times must be looked at together")
            signals = _timed(self._signals(frame), clock)
            if first:
                at_rest.push(signals[:, :3])
                notes = [note for note in notes if note in clock.notes]
                untimed += frame.height - len(signals)
                labels.look_at(frame)
                self._look_at_people(frame, people)
            if self._unit != "g":
                with np.errstate(invalid="ignore", over="ignore"):  # bytes that were flipped may be any number
                    signals[:, :3] *= np.float32(G_PER_UNIT[self._unit])
            count = len(signals)
            yield Samples(
                _timed(clock.time_ns, clock), signals, np.full(count, UNLABELLED, np.int16), np.ones(count, bool)
            )
        if first:
            labels.check_last()
            self._at_rest, self._people, self._untimed = at_rest, people, untimed
            self._clock = replace(self._clock, notes=notes)

    def _concluded(self, subject: str) -> Quality:
        """What to say, once all was read."""
        if self._subject(self._people.names) != subject:
            raise CannotStreamError("it may hold several people")
        unit, notes = unit_or_whole(self._path, (self._at_rest or AtRest()).magnitude(), self._options)
        if unit != self._unit:
            raise CannotStreamError("its beginning seems to be in another unit than the rest")
        return Quality(
            acceleration_unit=unit,
            time_unit=self._clock.unit,
            dropped={"no time": self._untimed} if self._untimed else {},
            notes=(*self._clock.notes, *notes),
        )

    def _head(self) -> list[pl.DataFrame]:
        """The first rows: as many as the unit of times is looked for in, or all there are."""
        head: list[pl.DataFrame] = []
        for frame in self._frames(names=True):
            head.append(frame)
            if sum(each.height for each in head) > STEPS_LOOKED_AT:
                break
        if not head:
            raise CannotStreamError("it is empty")
        return head

    def _frames(self, *, names: bool) -> Iterator[pl.DataFrame]:
        columns = self._columns if names else replace(self._columns, label=None, subject=None)
        again = _Reading(self._path, self._options, self._layout, self._columns, typed=False)
        return text_frames(self._path, self._layout, columns, typed=self._typed, otherwise=again.found)

    def _signals(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        return signals_of(frame, self._columns.numeric())

    def _read_clock(self, time: pl.Series) -> Clock:
        try:
            return nanoseconds(self._path, time, self._time_options, self._where)
        except HarkenError as error:
            raise CannotStreamError("its times must be looked at together") from error

    def _look_at_people(self, frame: pl.DataFrame, people: CodedColumn) -> None:
        if "subject" in frame.columns:
            of_nobody = (people.coded(frame["subject"]) == UNLABELLED).any()
            if of_nobody and self._options.subject is not None:
                raise CannotStreamError("some rows are of nobody")

    def _subject(self, people: tuple[str, ...]) -> str:
        said = self._options.subject
        if len(people) > 1 or (people and said not in (None, *people)):
            raise CannotStreamError("it may hold several people")
        return said or next(chain(people, [stem(self._path)]))


def _timed(values: NDArray[Kind], clock: Clock) -> NDArray[Kind]:
    """The rows that have a time."""
    return values if clock.present is None else values[clock.present]


class _Labels:
    """Looks at labels that nobody asks for, for what is wrong with them."""

    def __init__(self, path: Path, layout: Layout, columns: Columns, where: partial[str]) -> None:
        self._path, self._layout, self._columns, self._where = path, layout, columns, where
        self._coded = CodedColumn(path, "label", where)
        self._counts = np.zeros(0, dtype=np.int64)
        self._last = UNLABELLED
        self._rows = 0

    def look_at(self, frame: pl.DataFrame) -> None:
        """Take in the next rows.

        Raises:
            HarkenError: as ``CodedColumn``.
        """
        if "label" not in frame.columns or not frame.height:
            return
        codes = self._coded.coded(frame["label"])
        counts = np.bincount(codes[codes != UNLABELLED], minlength=len(self._coded.names))
        counts[: len(self._counts)] += self._counts
        self._counts, self._last, self._rows = counts, int(codes[-1]), self._rows + len(codes)

    def check_last(self) -> None:
        """See ``check_last_label``."""
        if self._last != UNLABELLED:
            names = self._coded.names
            times = int(self._counts[self._last])
            check_last_label(
                self._path,
                self._layout,
                self._columns,
                names[self._last],
                times,
                sorted(names),
                lambda: self._where(self._rows - 1),
            )
