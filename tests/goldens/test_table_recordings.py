"""The recordings in tables of several people are what they were, value for value, with what is said of each."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import people
from benchmarks.studies.data_sets import find_study
from harken.annotations.labelled_files import read_people
from harken.datasets.tidy import read_selfback, read_tidy
from harken.readers.options import TableOptions
from harken.recordings.recording import Placement, Recording

STORED = Path(__file__).with_name("results")
pytestmark = pytest.mark.second_stage

STUDIES = ("dsads", "selfback", "stress_predict", "hawthorne", "wearable_exercise", "exam_stress", "lmu_harlab")
OWN_LABELS = TableOptions(label_column="label_orig")


def test_recordings_of_real_tables_are_what_they_were(data_dir: Path) -> None:
    notebook = data_dir / "notebook_format"
    watches = data_dir / "wisdm" / "raw" / "watch" / "accel"
    tables = [*sorted(notebook.iterdir()), *sorted(watches.glob("data_162*"))]
    lines = [line for path in tables for line in describe_all(read_people(path, TableOptions()), data_dir)]
    for name in ("dsads/dsads_arms", "hawthorne/hawthorne", "exam_stress/exam_stress"):
        path = data_dir / f"{name}.parquet"
        lines += describe_all(read_people(path, OWN_LABELS), data_dir)
    lines += describe_all(read_people(path, TableOptions(label_column="label_orig", subject="S07")), data_dir)
    lines += describe_all(read_people(path, OWN_LABELS, as_found=True), data_dir)
    for name in (*STUDIES, "pebble_steps"):
        lines += describe_all(find_study(name).read(data_dir / name), data_dir)
    lines += describe_all(read_selfback(data_dir / "selfback", placement=Placement.THIGH), data_dir)
    lines += describe_all(read_selfback(data_dir / "selfback" / "raw_published"), data_dir)
    check_or_write("real_tables", lines)


def test_recordings_of_made_up_tables_are_what_they_were(tmp_path: Path) -> None:
    study = people.write_study(tmp_path / "study.csv")
    lines = describe_all(read_people(study, TableOptions()), tmp_path)
    lines += describe_all(read_people(study, TableOptions(), as_found=True), tmp_path)
    folder = tmp_path / "study"
    folder.mkdir()
    for seed, (name, subject, placement) in enumerate(
        [("1.csv", "bo", "left_wrist"), ("2.parquet", "al", None), ("3.csv", "bo", "right_wrist"), ("4.csv", "bo", "")]
    ):
        table = sessions_of(subject, placement, seed)
        path = folder / name
        table.write_parquet(path) if path.suffix == ".parquet" else table.write_csv(path)
    lines += describe_all(read_tidy(folder), tmp_path)
    lines += describe_all(read_tidy(folder / "1.csv", unit="m/s2", timezone="Europe/Athens"), tmp_path)
    lines += describe_all(read_people(folder / "3.csv", TableOptions(gravity_sign="negative")), tmp_path)
    check_or_write("made_up_tables", lines)


def sessions_of(subject: str, placement: str | None, seed: int) -> pl.DataFrame:
    """Three sessions of a person, each with times from its own start."""
    rows = [
        (subject, session, at_ms / 1000, *axes, label, placement)
        for session in ("b", "a", "c")
        for at_ms, *axes, _, label in from_own_start(people.person_rows(seed, seconds=5 + seed))
    ]
    columns = ["subject", "session", "t", "x", "y", "z", "label", "placement"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.drop("placement") if placement is None else frame


def from_own_start(rows: list[tuple[int, float, float, float, int, str]]) -> list[tuple[int, ...]]:
    """The same rows with milliseconds from the first."""
    return [(row[0] - rows[0][0], *row[1:]) for row in rows]  # type: ignore[misc]


def describe_all(recordings: Iterable[Recording], folder: Path) -> list[str]:
    """A line for each recording: what the first one holds, and of the others a digest."""
    first, *others = (describe(recording, folder) for recording in recordings)
    return [first, *(f"{line.partition(' | ')[0]} | {digest(line.encode())}" for line in others)]


def describe(recording: Recording, folder: Path) -> str:
    """What a recording holds, its arrays as digests."""
    arrays = (recording.time_ns, recording.signals, recording.valid, recording.label_codes)
    facts = (
        recording.source.removeprefix(f"{folder}/"),
        recording.subject,
        recording.timezone,
        recording.channels,
        len(recording),
        recording.as_found,
        recording.label_names,
        *(digest(array) for array in arrays),
        {name: value for name, value in asdict(recording.quality).items() if value},
    )
    return " | ".join(map(str, facts))


def digest(content: bytes | NDArray[np.generic]) -> str:
    """A short digest of bytes, or of an array."""
    data = content if isinstance(content, bytes) else np.ascontiguousarray(content).data
    return hashlib.sha256(data).hexdigest()[:16]


def check_or_write(name: str, lines: list[str]) -> None:
    """Compare lines with the stored ones, or store them."""
    path = STORED / f"{name}.txt"
    if os.environ.get("HARKEN_WRITE_GOLDENS"):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return
    assert lines == path.read_text(encoding="utf-8").splitlines()
