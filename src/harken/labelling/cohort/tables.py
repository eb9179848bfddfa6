"""The tables over all files of a cohort: days of people, quality of files, and failures."""

from collections.abc import Sequence
from json import loads
from pathlib import Path
from typing import Any

import polars as pl

from harken.labelling.cohort.workers import FileOutcome
from harken.labelling.settings import SUMMARY
from harken.reports.wearer.quality import RecordingQuality, read_quality
from harken.support.errors import HarkenError
from harken.support.files import replacing
from harken.support.printable import printable
from harken.timelines import write_csv

__all__ = ["without_path", "write_failures", "write_tables"]

COHORT, QUALITY = "cohort.parquet", "quality.parquet"
TEXT = ("first_walking", "last_walking")


def write_tables(out: Path) -> None:
    """Write ``cohort.parquet``, one row for each day of each file, and ``quality.parquet``, one row for each file.

    The tables cover all finished folders in ``out``, also those of other processes. Times are text with their offset,
    because time zones may differ. Several processes may call this function at the same time: each repeats it until no
    folder was finished meanwhile.
    """
    before: list[Path] = []
    while (folders := _finished(out)) != before:
        before = folders
        days, qualities = [], []
        for folder in folders:
            try:
                quality = read_quality(folder / "quality.json")
                summary = loads((folder / SUMMARY).read_text(encoding="utf-8"))
            except (OSError, ValueError, HarkenError):  # another process writes there, or harken did not
                continue
            qualities.append(_row(printable(folder.name), quality, summary))
            days.append(_days(folder, quality))
        for name, frames in ((COHORT, days), (QUALITY, [pl.DataFrame([row]) for row in qualities])):
            if frames:
                table = pl.concat(frames, how="diagonal_relaxed")
                with replacing(out / name) as aside, aside.open("wb") as file:
                    table.write_parquet(file)


def write_failures(path: Path, outcomes: Sequence[FileOutcome]) -> None:
    """Write the files that failed, with the reasons. Without failures, the table of an earlier call is removed."""
    failed = [outcome for outcome in outcomes if outcome.reason is not None]
    if failed:
        rows = {
            "file": [printable(one.task.path) for one in failed],
            "reason": [without_path(one.reason or "", one.task.path) for one in failed],
        }
        write_csv(pl.DataFrame(rows), path)
    else:
        path.unlink(missing_ok=True)


def without_path(reason: str, path: Path) -> str:
    """The reason for a failure, without the name of the file at its beginning."""
    for name in map(printable, (path, path.absolute())):  # workers of a cluster receive absolute paths
        if reason.startswith(name):
            return reason.removeprefix(name).lstrip(":, ")
    return reason


def _finished(out: Path) -> list[Path]:
    return sorted(path.parent for path in out.glob(f"*/{SUMMARY}") if not path.parent.name.startswith("."))


def _days(folder: Path, quality: RecordingQuality) -> pl.DataFrame:
    days = pl.read_csv((folder / "days.csv").read_bytes(), infer_schema=False)
    kept = [name for name in days.columns if name not in ("date", *TEXT)]
    return days.select(
        pl.lit(printable(folder.name)).alias("name"),
        pl.lit(quality.file).alias("file"),
        pl.lit(quality.subject).alias("subject"),
        pl.lit(quality.timezone).alias("timezone"),
        pl.col("date").str.to_date(),
        *(pl.col(name).cast(pl.Float64) for name in kept),
        *(pl.col(name) for name in TEXT if name in days.columns),
    )


def _row(name: str, quality: RecordingQuality, summary: dict[str, Any]) -> dict[str, Any]:
    content = quality.as_dict()
    gaps, calibration = quality.gaps, content["calibration"] or {}
    plain = {key: value for key, value in content.items() if not isinstance(value, dict | list)}
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
