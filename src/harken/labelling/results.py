"""The results of one file in its folder, read for the tables and the page over all files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl

from harken.labelling.quality import RecordingQuality, read_quality
from harken.labelling.settings import read_summary
from harken.readers.folders import SUMMARY
from harken.reports.caveats import Caveat, caveats_of
from harken.reports.study.page import STRIP_COLUMNS, DayStrip, day_strips
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.tables import nanoseconds
from harken.timelines import UNSURE

TEXT = ("first_walking", "last_walking", "l5_start", "m10_start")
"""Columns of days and of rhythm with times as text."""
TRUTH_VALUES = ("valid_day", "complete")
"""Columns of days and nights with ``true`` or ``false``."""
CLOCK = ("onset", "wake", "midpoint")
"""Columns of nights with times."""
SOURCE = "source"
NOT_PLAIN = ("wrist_check", "dropped", "gaps", "calibration", "orientation", "limits", "notes")
"""Entries of ``quality.json`` that hold several values, or nothing; ``_row`` sums up some of them."""
LOCAL_TIME_LENGTH = len("2024-03-31T23:12:05.000")


@dataclass(frozen=True)
class FileEntry:
    """What the page over all files needs to know of one file, besides the tables.

    Attributes:
        folder: the folder of its results.
        file: the file.
        subject: the wearer.
        labels: the labels of the model.
        valid_day_h: the hours of wear of a valid day.
        doubts: reasons to doubt the labels.
        made_up: whether the recording is simulated.
        written_s: when the results were finished, in seconds since 1970.
    """

    folder: Path
    file: str
    subject: str
    labels: tuple[str, ...]
    valid_day_h: float
    doubts: tuple[Caveat, ...]
    made_up: bool
    written_s: float

    @property
    def name(self) -> str:
        """The name of the folder, as text."""
        return printable(self.folder.name)

    @property
    def report(self) -> str:
        """The address of the report, relative to the page beside the folder."""
        return f"{quote(os.fsencode(self.folder.name), safe='')}/report.html"


@dataclass(frozen=True, eq=False)
class FileResults:
    """The results of one file.

    Attributes:
        about: the file.
        row: its row of ``quality.parquet``.
        days: its rows of ``cohort.parquet``.
        nights: the columns of ``nights.csv`` with ``subject``; times by the wearer's clock, without zone. None without
            acceleration.
        rhythm: the columns of ``rhythm.csv`` with ``subject``; None likewise.
    """

    about: FileEntry
    row: dict[str, Any]
    days: pl.DataFrame
    nights: pl.DataFrame | None
    rhythm: pl.DataFrame | None


def results_in(out: Path) -> list[Path]:
    """The folders of finished results in a folder, sorted."""
    return sorted(path.parent for path in out.glob(f"*/{SUMMARY}") if not path.parent.name.startswith("."))


def read_results(folder: Path) -> FileResults | None:
    """The results in a folder; None if another process writes there, or harken did not write it."""
    try:
        quality = read_quality(folder / "quality.json")
        summary = read_summary(folder)
        about = FileEntry(
            folder=folder,
            file=quality.file,
            subject=quality.subject,
            labels=tuple(name for name in summary["seconds_by_label"] if name != UNSURE),
            valid_day_h=float(summary["valid_day_h"]),
            doubts=caveats_of(quality),
            made_up=quality.made_up,
            written_s=(folder / SUMMARY).stat().st_mtime,
        )
        days, nights, rhythm = (_table(folder / f"{name}.csv") for name in ("days", "nights", "rhythm"))
    except (OSError, ValueError, KeyError, HarkenError, pl.exceptions.PolarsError):
        return None
    if days is None:
        return None
    first = {"name": about.name, "file": about.file, "subject": about.subject, "timezone": quality.timezone}
    subject = pl.lit(about.subject).alias("subject")
    return FileResults(
        about=about,
        row=_row(about.name, quality, summary),
        days=days.select(*(pl.lit(value).alias(key) for key, value in first.items()), pl.all()),
        nights=None if nights is None else nights.with_columns(subject, *map(_by_the_clock, CLOCK)),
        rhythm=None if rhythm is None else rhythm.with_columns(subject),
    )


def read_strips(folder: Path, valid: dict[date, bool], labels: Sequence[str]) -> list[DayStrip]:
    """The strips of some days of a file, from its timeline and nights; none if they cannot be read.

    Args:
        folder: the folder of its results.
        valid: the days, with whether each is valid.
        labels: the labels in the order of their letters.
    """
    try:
        rows = pl.read_parquet((folder / "timeline.parquet").read_bytes(), columns=STRIP_COLUMNS)
        nights = _table(folder / "nights.csv")
    except (OSError, pl.exceptions.PolarsError):
        return []
    nights_ns = np.zeros((0, 2), dtype=np.int64)
    if nights is not None:
        found = nights.filter(pl.col("onset").is_not_null()).select(
            pl.col("onset", "wake").str.to_datetime(time_unit="ns", time_zone="UTC")
        )
        nights_ns = np.stack([nanoseconds(found, name) for name in found.columns], axis=1)
    return day_strips(rows, labels, valid=valid, nights_ns=nights_ns)


def read_movement(folder: Path, dates: Sequence[date]) -> pl.DataFrame | None:
    """The movement on some days of a file, with times by the wearer's clock, without zone; None without acceleration.

    Args:
        folder: the folder of its results.
        dates: the days.
    """
    path = folder / "movement.parquet"
    if not path.exists():
        return None
    rows = pl.read_parquet(path.read_bytes(), columns=["start", "enmo_mg", "valid_s", "wear"])
    rows = rows.with_columns(pl.col("start").dt.replace_time_zone(None))
    return rows.filter(pl.col("start").dt.date().is_in(list(dates)))


def _table(path: Path) -> pl.DataFrame | None:
    """A table as it was written, with times as text; None if there is none."""
    try:
        table = pl.read_csv(path.read_bytes(), infer_schema=False)
    except FileNotFoundError:
        return None

    def typed(name: str) -> pl.Expr:
        column = pl.col(name)
        if name == "date":
            return column.str.to_date()
        if name in (*TEXT, *CLOCK, SOURCE):
            return column
        return column == "true" if name in TRUTH_VALUES else column.cast(pl.Float64)

    first = [name for name in ("date", *TRUTH_VALUES) if name in table.columns]
    last = [name for name in TEXT if name in table.columns]
    others = [name for name in table.columns if name not in (*first, *last)]
    return table.select(map(typed, (*first, *others, *last)))


def _by_the_clock(name: str) -> pl.Expr:
    """A column of times as text as datetimes by the wearer's clock."""
    return pl.col(name).str.head(LOCAL_TIME_LENGTH).str.to_datetime(time_unit="ns")


def _row(name: str, quality: RecordingQuality, summary: dict[str, Any]) -> dict[str, Any]:
    content = quality.as_dict()
    gaps, calibration = quality.gaps, content["calibration"] or {}
    plain = {key: value for key, value in content.items() if key not in NOT_PLAIN}
    return {
        "name": name,
        **plain,
        "dropped": sum(quality.dropped.values()),
        "gaps": gaps.count,
        "gaps_s": gaps.total_s,
        "calibrated": calibration.get("applied"),
        "calibration_error_before_mg": calibration.get("error_before_mg"),
        "calibration_error_after_mg": calibration.get("error_after_mg"),
        "labelled_hours": sum(summary["seconds_by_label"].values()) / 3600,
        "notes": "\n".join(quality.notes),
    }
