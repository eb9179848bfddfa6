"""A sleep diary: when people wrote that they fell asleep and woke up, from a CSV file."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import polars as pl

from harken.support.arrays import Int64Array
from harken.support.text_rows import calendar_date, clock_time, file_content, line_error, named_rows
from harken.timelines.calendar import moments_ns

COLUMNS = ("subject", "date", "onset", "wake")
NOON = time(12)
LONGEST = timedelta(hours=16)
"""A longer night has probably its onset and its wake in the wrong columns."""


@dataclass(frozen=True)
class DiaryNight:
    """A night in a diary, by the clock of the wearer.

    Attributes:
        subject: who slept.
        date: the day on whose evening the night began: its onset lies between this noon and the next one.
        onset, wake: local times without a zone.
        line: the line of the file.
    """

    subject: str
    date: date
    onset: datetime
    wake: datetime
    line: int


@dataclass(frozen=True)
class Diary:
    """The nights of a diary.

    Attributes:
        path: the file.
        nights: by subject, each in the order of their dates.
    """

    path: Path
    nights: dict[str, tuple[DiaryNight, ...]]

    def nights_ns(self, subject: str, timezone: str) -> dict[date, Int64Array]:
        """Onset and wake of each night of a subject, in ns since 1970 (UTC), int64 ``[2]``, by date.

        An hour that clocks repeat is taken the first time. Without nights of this subject the result is empty.

        Raises:
            HarkenError: when clocks skip a time in this zone.
        """
        times_ns = {}
        for night in self.nights.get(subject, ()):
            moments = moments_ns(pl.Series([night.onset, night.wake]), timezone)
            for skipped, written in zip(moments.is_null(), (night.onset, night.wake), strict=True):
                if skipped:
                    reason = (
                        f"{written:%H:%M} on {written:%Y-%m-%d} does not exist in {timezone}: clocks went forward then"
                    )
                    raise line_error(self.path, night.line, reason)
            times_ns[night.date] = moments.to_numpy()
        return times_ns


def read_diary(path: Path) -> Diary:
    """Read a diary: a CSV file with the columns ``subject``, ``date``, ``onset`` and ``wake``, and others as you like.

    ``date`` is the day on whose evening the night begins, such as 2024-03-30; ``onset`` and ``wake`` are clock times
    such as 23:40. An onset from noon to midnight is on that date, an earlier one on the next; the wake is the first
    time by that clock after the onset. A night without onset or wake is a missing night. The columns may be separated
    by commas, semicolons or tabs.

    >>> from pathlib import Path
    >>> from harken.outcomes.diary import read_diary
    >>> path = Path("diary.csv")
    >>> _ = path.write_text("subject,date,onset,wake\\nalice,2024-03-30,23:40,07:10\\nalice,2024-03-31,,\\n")
    >>> [(night.onset.isoformat(), night.wake.isoformat()) for night in read_diary(path).nights["alice"]]
    [('2024-03-30T23:40:00', '2024-03-31T07:10:00')]

    Raises:
        HarkenError: when the file cannot be read, a column is missing, or a line is broken: a date or a time that is
            none, a night that is there twice, that lasts 16 hours or longer, or that begins before the last one ended.
    """
    return _diary(path, file_content(path, what="diary"))


@lru_cache(maxsize=1)  # the same diary serves all files of a study
def _diary(path: Path, content: bytes) -> Diary:
    nights: dict[str, list[DiaryNight]] = {}
    for line, row in named_rows(path, content, what="diary", needs=COLUMNS):
        if (night := _night(path, line, row)) is not None:
            nights.setdefault(night.subject, []).append(night)
    for of_wearer in nights.values():
        of_wearer.sort(key=lambda night: (night.date, night.line))
        for before, after in pairwise(of_wearer):
            if after.date == before.date:
                raise line_error(
                    path, after.line, f"the night of {after.date} of {after.subject} is also in line {before.line}"
                )
            if after.onset < before.wake:
                raise line_error(path, after.line, f"the night begins before that of line {before.line} has ended")
    return Diary(path, {subject: tuple(of_wearer) for subject, of_wearer in nights.items()})


def _night(path: Path, line: int, row: dict[str, str]) -> DiaryNight | None:
    """The night of one line; None if its onset or its wake is missing.

    Raises:
        HarkenError: when the line is broken.
    """
    if not row["subject"]:
        raise line_error(path, line, "the subject is missing")
    day = calendar_date(path, line, row["date"])
    clocks = {name: clock_time(row[name]) for name in ("onset", "wake")}
    for name, clock in clocks.items():
        if row[name] and clock is None:
            raise line_error(path, line, f"the {name} {row[name]!r} is not a time such as 23:40")
    falls_asleep, wakes_up = clocks["onset"], clocks["wake"]
    if falls_asleep is None or wakes_up is None:
        return None
    onset = datetime.combine(day if falls_asleep >= NOON else day + timedelta(days=1), falls_asleep)
    wake = datetime.combine(onset.date(), wakes_up)
    if wake <= onset:
        wake += timedelta(days=1)
    if wake - onset >= LONGEST:
        hours = (wake - onset).total_seconds() / 3600
        raise line_error(
            path,
            line,
            f"from {row['onset']} to {row['wake']} are {hours:.1f} hours; are onset and wake in the wrong columns?",
        )
    return DiaryNight(row["subject"], day, onset, wake, line)
