"""What harken reads back from a folder of results: the summary, and the files whose digests the summary holds.

People open the CSV tables and the reports, and a spreadsheet may save them in another form, so nothing is read from
those. What is read back must be what harken wrote: a table with other rows would give hours that nobody spent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from json import dumps, loads
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import numpy as np
import polars as pl

from harken.annotations.folders import SUMMARY
from harken.labelling.settings import LabelSettings, file_sha256
from harken.outcomes.recording_quality import RecordingQuality, parse_quality
from harken.outcomes.taught import Taught
from harken.support.errors import HarkenError
from harken.support.files import Json, regular, write_text
from harken.support.options import options_of
from harken.support.tables import nanoseconds, zone_of
from harken.timelines import UNSURE
from harken.timelines.timeline import HANDS, PROBABILITY

LAYOUT = 8
"""The number of the layout of a folder of results. A change of the files that are read back, of the summary or of the
names of rules has a new number."""
TIMELINE, MOVEMENT, QUALITY_FILE = "timeline.parquet", "movement.parquet", "quality.json"
DAYS, NIGHTS, RHYTHM = "days_all.parquet", "nights.parquet", "rhythm.parquet"
READ_BACK = (TIMELINE, MOVEMENT, QUALITY_FILE, DAYS, NIGHTS, RHYTHM)
"""The files that are read back; the last two and movement exist only for recordings with acceleration."""
DIGESTS, OWN_DIGEST = "sha256_of_files", "sha256"
"""Fields of ``summary.json`` alone: the digest of each file that is read back, and that of all other fields."""
MOST_PROBABLE = 1.0001
"""The largest probability: rounding may give a little more than 1."""
MOST_AMOUNT = 1e9
"""More than any amount of movement can be."""
TIMELINE_COLUMNS = {"label": pl.String(), "recorded": pl.Boolean(), "wear": pl.Boolean(), "activity_mg": pl.Float32()}
"""The columns of a timeline after ``start`` and ``end``, before the probabilities."""
MOVEMENT_COLUMNS = {
    "enmo_mg": pl.Float32(),
    "mad_mg": pl.Float32(),
    "angle_z_degrees": pl.Float32(),
    "valid_s": pl.Float32(),
    "wear": pl.Boolean(),
    "second_mads_mg": pl.Array(pl.Float32(), 5),
    "walking_cadence": pl.Float32(),
    "running_cadence": pl.Float32(),
}
"""The columns of movement after ``start``, before the steps."""
IN_WORDS = {
    "harken_version": "by another version of harken",
    "taught": "with other labels of the wearer, or without them",
    "model_sha256": "by another model",
}
"""Descriptions of earlier results, for values that people cannot interpret."""


class Summary(TypedDict):
    """What harken reads of ``summary.json``."""

    file: str
    labelled_by: dict[str, Any]
    summarised_by: dict[str, Any]
    model: dict[str, Any]
    taught: dict[str, Any] | None
    subject: str
    excluded: str | None
    exclusions: dict[str, Any]
    diary: dict[str, list[int]]
    start: str
    end: str
    seconds_by_label: dict[str, float]
    busy_hands_s: dict[str, float]
    unlabelled_s: float
    gaps_s: float
    non_wear_hours: float | None
    warnings: list[str]
    notes: list[str]


@dataclass(frozen=True)
class StoredResults:
    """A folder of results, as harken wrote it.

    Attributes:
        folder: the folder.
        summary: the content of ``summary.json``, without its digests.
        digests: the SHA-256 of each file that is read back, by its name.
    """

    folder: Path
    summary: Json
    digests: Mapping[str, str]

    @classmethod
    def open(cls, folder: Path) -> "StoredResults":
        """Read the summary in a folder of results.

        Raises:
            HarkenError: when it cannot be read, was changed, or another version of harken wrote it.
        """
        path = folder / SUMMARY
        advice = f"move {folder} to another place, and label the recording again"
        content = _decode_object(_read_bytes(path, advice), path, advice)
        if content.get("layout") != LAYOUT:
            raise HarkenError(
                "was written by another version of harken; use that version, or label the recording again "
                "into another --out",
                path=path,
                colon=False,
            )
        own, digests = content.pop(OWN_DIGEST, None), content.get(DIGESTS)
        if own != _digest_of(content) or not isinstance(digests, dict):
            raise HarkenError(f"was changed after harken wrote it; {advice}", path=path, colon=False)
        del content[DIGESTS]
        try:
            msgspec.convert(content, Summary)
        except msgspec.ValidationError as error:
            raise HarkenError(f"was not written by harken ({error}); {advice}", path=path, colon=False) from error
        return cls(folder, content, digests)

    @property
    def advice(self) -> str:
        """What to do when a file of these results cannot be used."""
        return f"label {self.summary['file']} again with --again, and with the options that it was labelled with"

    @property
    def sha256(self) -> str:
        """The digest of the summary, and with it of all files that are read back."""
        return _digest_of({**self.summary, DIGESTS: dict(self.digests)})

    def is_unchanged(self) -> bool:
        """Whether all files that are read back are still what harken wrote."""
        try:
            for name in self.digests:
                self.read(name)
        except HarkenError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            HarkenError: when it cannot be read, or is not what harken wrote.
        """
        path = self.folder / name
        content = _read_bytes(path, self.advice)
        if sha256(content).hexdigest() != self.digests.get(name):
            raise HarkenError(f"was changed after harken wrote it; {self.advice}", path=path, colon=False)
        return content

    def read_table(
        self, name: str, columns: Sequence[str] | None = None, *, optional: Sequence[str] = ()
    ) -> pl.DataFrame:
        """Return a table, or some of its columns, and those of the optional ones that it has.

        Raises:
            HarkenError: as ``read``, and when a column is missing.
        """
        content = self.read(name)
        try:
            names = pl.read_parquet_schema(BytesIO(content))
            if columns is None:
                return pl.read_parquet(content)
            missing = [column for column in columns if column not in names]
            if missing:
                raise self.refuse(name, f"it has no column {missing[0]}")
            return pl.read_parquet(content, columns=[*columns, *(column for column in optional if column in names)])
        except pl.exceptions.PolarsError as error:
            raise self.refuse(name, f"it is damaged: {error}") from error

    def read_quality(self) -> RecordingQuality:
        """Return the content of ``quality.json``.

        Raises:
            HarkenError: as ``read``.
        """
        return parse_quality(self.read(QUALITY_FILE), path=self.folder / QUALITY_FILE)

    def read_taught(self) -> Taught | None:
        """Return what the wearer taught; None if the study was not taught, or the wearer has no labels.

        Raises:
            HarkenError: when it is not what harken wrote.
        """
        try:
            return msgspec.convert(self.summary["taught"], Taught | None)
        except msgspec.ValidationError as error:
            raise self.refuse(SUMMARY, str(error)) from error

    def read_timeline(self, labels: Sequence[str]) -> pl.DataFrame:
        """Return the rows of the timeline with the probabilities of these labels, and of busy hands if the model knows
        those.

        Raises:
            HarkenError: as ``read``, and when columns, order or values are not those of a timeline.
        """
        refuse = partial(self.refuse, TIMELINE)
        probabilities = [PROBABILITY + label for label in labels]
        columns = TIMELINE_COLUMNS | dict.fromkeys(probabilities, pl.Float32())
        rows = self.read_table(TIMELINE, ["start", "end", *columns], optional=[HANDS])
        if HANDS in rows.columns:
            probabilities.append(HANDS)
            columns[HANDS] = pl.Float32()
        self._check_kinds(rows, TIMELINE, times=("start", "end"), columns=columns)
        start_ns, end_ns = nanoseconds(rows, "start"), nanoseconds(rows, "end")
        if (end_ns <= start_ns).any() or (start_ns[1:] != end_ns[:-1]).any():
            raise refuse("a row does not end where the next one begins")
        unknown = set(rows["label"].drop_nulls().unique()) - {*labels, UNSURE}
        if unknown:
            raise refuse(f"the model has no label {min(unknown)}")
        _check_range(rows, probabilities, 0.0, MOST_PROBABLE, refuse)
        _check_range(rows, ["activity_mg"], 0.0, MOST_AMOUNT, refuse)
        return rows

    def read_movement(self) -> pl.DataFrame:
        """Return the rows of movement, without the steps, which follow from the labels.

        Raises:
            HarkenError: as ``read``, and when columns, order or values are not those of movement.
        """
        refuse = partial(self.refuse, MOVEMENT)
        rows = self.read_table(MOVEMENT, ["start", *MOVEMENT_COLUMNS])
        self._check_kinds(rows, MOVEMENT, times=("start",), columns=MOVEMENT_COLUMNS)
        if (np.diff(nanoseconds(rows, "start")) <= 0).any():
            raise refuse("its rows are not in the order of their times")
        _check_range(rows, ["angle_z_degrees"], -90.0, 90.0, refuse)
        amounts = ["enmo_mg", "mad_mg", "valid_s", "walking_cadence", "running_cadence"]
        _check_range(rows, amounts, 0.0, MOST_AMOUNT, refuse)
        return rows

    def _check_kinds(
        self, rows: pl.DataFrame, name: str, *, times: Sequence[str], columns: Mapping[str, pl.DataType]
    ) -> None:
        """Raise the error if columns of times, which must be complete, or others have values of another kind."""
        for column in times:
            kind = rows[column].dtype
            if not isinstance(kind, pl.Datetime) or kind.time_unit != "ns" or kind.time_zone != zone_of(rows[times[0]]):
                raise self.refuse(name, f"{column} has values of another kind, {kind}")
            if rows[column].null_count():
                raise self.refuse(name, f"{column} lacks a time")
        for column, expected in columns.items():
            if rows[column].dtype != expected:
                raise self.refuse(name, f"{column} has values of another kind, {rows[column].dtype}")

    def refuse(self, name: str, fault: str) -> HarkenError:
        """The error for a file that harken did not write so."""
        return HarkenError(f"was not written by harken ({fault}); {self.advice}", path=self.folder / name, colon=False)


def results_in(out: Path) -> list[Path]:
    """The folders of finished results in a folder, sorted."""
    return sorted(path.parent for path in out.glob(f"*/{SUMMARY}") if not path.parent.name.startswith("."))


def read_summary(folder: Path) -> Json:
    """Return the summary in a folder of results. See ``StoredResults.open``."""
    return StoredResults.open(folder).summary


def write_summary(folder: Path, summary: Json) -> None:
    """Write ``summary.json`` into a folder in which all other results are written, with their digests."""
    written = [name for name in READ_BACK if (folder / name).exists()]
    content = {**summary, DIGESTS: {name: file_sha256(folder / name) for name in written}}
    content[OWN_DIGEST] = _digest_of(content)
    write_text(folder / SUMMARY, dumps(content, indent=2, allow_nan=False) + "\n")


def find_earlier(folder: Path, path: Path, key: Mapping[str, Any], *, again: bool, other_name: str) -> Json | None:
    """Return the summary of a file that is already labelled, whose rules may be others; None if it must be labelled.

    Args:
        folder: the folder of its results.
        path: the file.
        key: its ``label_key``.
        again: whether to replace results of the same file that were made in another way, or were changed.
        other_name: a value for ``--name`` that gives the results another folder.

    Raises:
        HarkenError: when the results are those of another file, or, unless they are replaced, when they were made with
            other settings or another model.
    """
    if not (folder / SUMMARY).exists():
        return None
    stored = StoredResults.open(folder)
    summary, before = stored.summary, stored.summary["labelled_by"]
    if before["sha256"] != key["sha256"]:
        raise HarkenError(
            f"{folder} holds the results of a file with other content ({summary['file']}, worn by "
            f"{summary['subject']}); to keep both, add --name {other_name}",
            path=path,
        )
    way = _describe_way(before, key)
    if again:
        return summary if way is None and stored.is_unchanged() else None
    if way is not None:
        raise HarkenError(
            f"the results in {folder} were made {way}; add --again to replace them, or choose "
            "another --out to keep both",
            path=path,
        )
    return summary


def _describe_way(before: Mapping[str, Any], key: Mapping[str, Any]) -> str | None:
    """Describe the first setting that differs from earlier results; None if none does."""
    earlier, now = ({**settings, **settings["reading"]} for settings in (before, key))
    for name in dict.fromkeys([*now, *earlier]):
        if name != "reading" and earlier.get(name) != now.get(name):
            if name in IN_WORDS:
                return IN_WORDS[name]
            return f"{_as_typed(name, earlier.get(name))}, and this run is {_as_typed(name, now.get(name))}"
    return None


def results_digest(summary: Mapping[str, Any], *, rules: bool) -> str:
    """Some letters that are others when a file was labelled in another way; with ``rules``, also when it was
    summarised."""
    keys = [summary["labelled_by"], summary["summarised_by"] if rules else None]
    return sha256(dumps(keys, sort_keys=True).encode()).hexdigest()[:12]


def _as_typed(name: str, value: Any) -> str:
    """A setting as a person types it: ``with --timezone Europe/Athens``, ``without --no-non-wear``."""
    options = {option.name: option for option in options_of(LabelSettings)}
    if name not in options:  # an earlier harken had such a setting
        return f"with {name} {value}"
    option = options[name]
    if value in (None, option.default):
        return f"without {option.flag}"
    return f"with {option.flag}" if isinstance(value, bool) else f"with {option.flag} {value}"


def _digest_of(content: Json) -> str:
    return sha256(dumps(content, sort_keys=True).encode()).hexdigest()


def _read_bytes(path: Path, advice: str) -> bytes:
    try:
        return regular(path).read_bytes()
    except FileNotFoundError as error:
        raise HarkenError(f"is missing; {advice}", path=path, colon=False) from error
    except OSError as error:
        raise HarkenError(f"cannot be read ({error.strerror or error}); {advice}", path=path) from error


def _decode_object(text: bytes, path: Path, advice: str) -> Json:
    try:
        content = loads(text)
    except (ValueError, RecursionError) as error:
        raise HarkenError(
            f"is damaged, or not written by harken ({error}); {advice}", path=path, colon=False
        ) from error
    if not isinstance(content, dict):
        raise HarkenError(f"was not written by harken (it holds no object); {advice}", path=path, colon=False)
    return content


def _check_range(
    rows: pl.DataFrame, columns: Sequence[str], least: float, most: float, refuse: Callable[[str], HarkenError]
) -> None:
    """Raise the error if a value is not between two bounds. NaN is not; null is unknown, and allowed."""
    for column in columns:
        inside = rows[column].is_between(least, most) & ~rows[column].is_nan()
        if not inside.all():
            raise refuse(f"{column} has a value that is not from {least:g} to {most:g}")
