"""The job of a posted recording: its timeline as JSON, and its report and tables in files.

A file from an unknown sender may need more memory and time than any other request, so both are limited.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson

from harken.web.jobs import Progress, Send, limit_memory

if TYPE_CHECKING:
    from harken.labelling.summary import LabelledFile
    from harken.timelines import Timeline

STEM = "recording"
"""The name of every posted recording on disk."""
MODEL, ANSWER = "model.safetensors", "answer.json"
REPORT, TABLES = "report.html", "tables.zip"
ROWS_AT_ONCE = 10_000


def label_upload(
    send: Send,
    path: str,
    name: str,
    timezone: str | None,
    key: str | None,
    results: str | None,
    limits: dict[str, Any],
) -> None:
    """Label a posted recording as ``harken label`` does: calibrated, turned, with non-wear, smoothed.

    Args:
        send: see ``harken.web.jobs``; sends the stage and the share of it that is done.
        path: the recording, beside which is the file ``MODEL``. The answer of ``POST /api/recordings`` is written to
            the file ``ANSWER`` there, and the recording is unpacked into the same folder.
        name: the sender's name for it.
        timezone: the wearer's time zone; None: as the file says.
        key: the sender's key.
        results: the folder to write the report and the tables to; None: they are not written.
        limits: the fields of ``Limits``.

    Raises:
        HarkenError: when the recording cannot be labelled.
    """
    from harken.labelling.file import label_file
    from harken.labelling.settings import LabelSettings
    from harken.models.recogniser import Recogniser
    from harken.readers import TableOptions
    from harken.readers.unpacking import UnpackingLimits, unpacking_limits

    progress, folder = Progress(send), Path(path).parent
    tempfile.tempdir = str(folder)  # the server removes this folder, even if it kills this process
    recogniser = Recogniser.load(folder / MODEL, device="cpu")
    limit_memory(limits["upload_memory_bytes"])  # not before: an import without memory ends in any error
    with unpacking_limits(UnpackingLimits(limits["unpacked_bytes"], limits["most_packed"])):
        labelled = label_file(
            path,
            model=recogniser,
            settings=LabelSettings(csv=True, reading=TableOptions(timezone=timezone)),
            cores=1,
            on_stage=lambda stage: None if stage == "done" else progress(stage, None),  # the report follows
            on_share=lambda share: progress(progress.stage, share),
        )
    labelled = _named(labelled, path, name)
    addresses: dict[str, str | None] = {"report": None, "tables": None}
    if results is not None:
        progress("write", None)
        addresses["report"] = f"/api/recordings/{key}/{REPORT}"
        if _write(labelled, Path(results), limits["tables_bytes"]):
            addresses["tables"] = f"/api/recordings/{key}/{TABLES}"
    _write_answer(labelled, addresses, folder / ANSWER)


def _named(labelled: "LabelledFile", path: str, shown: str) -> "LabelledFile":
    """The same with the sender's name for the recording in place of that on the disk."""
    from harken.readers.unpacking import stem
    from harken.recordings.recording import is_made_up

    subject = stem(Path(shown)) if labelled.timeline.subject == STEM else labelled.timeline.subject
    notes = tuple(note.replace(path, shown) for note in labelled.quality.notes)
    quality = replace(labelled.measured.quality, file=shown, subject=subject, made_up=is_made_up(subject), notes=notes)
    timeline = replace(labelled.timeline, subject=subject, source=shown)
    return replace(labelled, measured=replace(labelled.measured, quality=quality), timeline=timeline)


def _write(labelled: "LabelledFile", folder: Path, most_bytes: int) -> bool:
    """Write the report and the packed tables to a folder. Returns whether the tables were written: not if they have
    more than ``most_bytes``."""
    with tempfile.TemporaryDirectory() as name:
        labelled.write(unpacked := Path(name, "tables"))
        files = sorted(unpacked.iterdir())
        small = sum(file.stat().st_size for file in files) <= most_bytes
        if small:
            with ZipFile(folder / TABLES, "w", ZIP_DEFLATED) as packed:
                for file in files:
                    packed.write(file, file.name)
        shutil.move(unpacked / REPORT, folder / REPORT)
    return small


def _write_answer(labelled: "LabelledFile", addresses: dict[str, str | None], path: Path) -> None:
    timeline = labelled.timeline
    about = {
        "subject": timeline.subject,
        "timezone": labelled.quality.timezone,
        "labels": list(timeline.labels),
        "hours": {label: seconds / 3600 for label, seconds in timeline.seconds_by_label().items()},
        "notes": [*labelled.warnings, *labelled.notes],
        **addresses,
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(about).removesuffix(b"}") + b',"rows":[')
        for number, rows in enumerate(_rows(timeline)):
            file.write(rows if number == 0 else b"," + rows)
        file.write(b"]}")


def _rows(timeline: "Timeline") -> Iterator[bytes]:
    """The rows as JSON, thousands at a time, because a month of rows as Python objects takes half a gigabyte."""
    import numpy as np

    from harken.timelines.timeline import HANDS

    for first in range(0, timeline.frame.height, ROWS_AT_ONCE):
        frame = timeline.frame.slice(first, ROWS_AT_ONCE)
        probabilities = timeline.probabilities[first : first + ROWS_AT_ONCE]
        start, end = (frame[column].to_physical().to_numpy() // 10**6 for column in ("start", "end"))
        known = np.asarray(~np.isnan(probabilities).any(axis=1))
        shares = np.where(known[:, None], probabilities, 0).astype(np.float64).round(4)
        columns: tuple[list[Any], ...] = (
            start.tolist(),
            end.tolist(),
            frame["label"].to_list(),
            frame["wear"].to_list(),
            frame["activity_mg"].to_list(),
            known.tolist(),
            shares.tolist(),
            frame[HANDS].to_list() if HANDS in frame.columns else [None] * len(known),
        )
        rows = [
            {
                "start_ms": begins,
                "end_ms": ends,
                "label": label,
                "wear": worn,
                "activity_mg": None if moved is None else round(moved, 2),
                "probabilities": share if is_known else [],
                **({} if hands is None else {"hands": round(hands, 4)}),
            }
            for begins, ends, label, worn, moved, is_known, share, hands in zip(*columns, strict=True)
        ]
        yield orjson.dumps(rows)[1:-1]
