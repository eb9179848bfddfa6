"""An uploaded recording -> its timeline."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from harken.errors import HarkenError
from harken.recogniser import Recogniser
from harken.server.limits import Limits, RefusedError

__all__ = ["Uploads", "suffixes_of"]

STEM = "recording"
SUFFIXES = (
    *(".csv.gz", ".txt.gz", ".tsv.gz", ".parquet", ".gt3x", ".avro", ".cwa", ".bin"),
    *(".csv", ".tsv", ".txt", ".zip", ".gz"),
)
BUSY_S = 20


def suffixes_of(name: str) -> str:
    """The ending of a file's name by which its reader is found, one of a few; ``.csv`` where it has none of them."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), ".csv")


class Uploads:
    """Labels recordings that are posted, a few at a time."""

    def __init__(self, recogniser: Recogniser, limits: Limits) -> None:
        self._recogniser, self._limits = recogniser, limits
        self._running = 0

    async def label(self, name: str, body: AsyncIterator[bytes]) -> dict[str, Any]:
        """What ``POST /api/recordings`` answers.

        Nothing of the name but a known ending reaches the disk. The file is gone when the answer is made.

        Raises:
            RefusedError: when there is too much of it or of others, or it cannot be labelled.
        """
        async with self._room():
            with tempfile.TemporaryDirectory(prefix="harken-") as folder:
                path = Path(folder) / f"{STEM}{suffixes_of(name)}"
                await self._write(path, body)
                try:
                    return await asyncio.to_thread(_labelled, self._recogniser, path, name)
                except HarkenError as error:
                    said = str(error).replace(str(path), _shown(name)).replace(path.name, _shown(name))
                    raise RefusedError(422, 1007, said, reason="recording") from error

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        if self._running >= self._limits.uploads:
            raise RefusedError(
                503,
                1013,
                "other recordings are being labelled; try again in a moment",
                reason="uploads",
                retry_s=BUSY_S,
            )
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _write(self, path: Path, body: AsyncIterator[bytes]) -> None:
        written = 0
        try:
            async with asyncio.timeout(10 * self._limits.body_s):
                with path.open("wb") as file:
                    async for piece in body:
                        written += len(piece)
                        if written > self._limits.upload_bytes:
                            raise RefusedError(
                                413,
                                1009,
                                f"a recording may have {self._limits.upload_bytes:,} bytes; use harken label",
                                reason="upload",
                            )
                        await asyncio.to_thread(file.write, piece)
        except TimeoutError as error:
            raise RefusedError(408, 1013, "the recording came too slowly", reason="slow") from error
        if written == 0:
            raise RefusedError(422, 1007, "the recording is empty", reason="recording")


def _shown(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name or STEM


def _labelled(recogniser: Recogniser, path: Path, name: str) -> dict[str, Any]:
    """Labelled as ``harken label`` does it: calibrated, turned, with non-wear, smoothed."""
    from harken.labelled import LabelSettings, timeline_of_file

    found = timeline_of_file(path, recogniser, LabelSettings())
    timeline = found.timeline
    if timeline.subject == STEM:
        timeline = replace(timeline, subject=PurePosixPath(_shown(name)).stem)
    frame, labels = timeline.frame, timeline.labels
    start, end = (frame[column].to_physical().to_numpy() // 10**6 for column in ("start", "end"))
    told = np.asarray(~np.isnan(timeline.probabilities).any(axis=1))
    shares = np.where(told[:, None], timeline.probabilities, 0).astype(np.float64).round(4).tolist()
    wear, activity = frame["wear"].to_list(), frame["activity_mg"].to_list()
    rows = zip(
        start.tolist(), end.tolist(), frame["label"].to_list(), wear, activity, told.tolist(), shares, strict=True
    )
    return {
        "subject": timeline.subject,
        "timezone": found.parts.timezone,
        "labels": list(labels),
        "rows": [
            {
                "start_ms": first,
                "end_ms": last,
                "label": label,
                "wear": worn,
                "activity_mg": None if moved is None else round(moved, 2),
                "probabilities": share if known else [],
            }
            for first, last, label, worn, moved, known, share in rows
        ],
        "hours": {label: seconds / 3600 for label, seconds in timeline.seconds_by_label().items()},
        "notes": [note.replace(str(path), _shown(name)) for note in (*found.warnings, *found.notes)],
    }
