"""A process that labels posted recordings, one after the other.

A file from an unknown sender may need more memory and time than any other request. In a separate process it does not
block the interpreter that answers the watches, its memory is returned to the system at the end, and it can be ended at
any time. Requests and answers are JSON, not pickles, so that nothing from a compromised process is executed.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile

import orjson

from harken.server.limits import Limits, RefusedError
from harken.server.results import REPORT, TABLES
from harken.support.errors import HarkenError
from harken.support.processes import end_with, start_with_one_thread

if TYPE_CHECKING:
    from harken.labelling.file import LabelledFile
    from harken.models.recogniser import Recogniser
    from harken.timelines import Timeline

STEM = "recording"
"""The name of every posted recording on disk."""
RESULTS = "results"
"""The folder beside it with the report and the tables."""
GROWN_BYTES = 200 << 20
"""A process whose memory has grown by more than this is not used again. The libraries that are loaded with the first
recording take half of it."""
ROWS_AT_ONCE = 10_000
ENDS_WITHIN_S = 5.0
PROGRESS_S = 0.25
POLL_S = 0.5
"""How often a thread that waits for an answer checks whether the process was ended."""
NICENESS = 5
"""Labels of watches have priority."""
NO_MEMORY = "labelling this recording takes more memory than the server allows; use harken label"
NO_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "error return without exception set")
"""Messages of PyTorch and, in the middle of an import, of Python, where they do not raise MemoryError."""


OnProgress: TypeAlias = Callable[[str, float | None], None]
"""Takes the stage, and the share of it that is done; None: not known."""


@dataclass(frozen=True)
class LabelRequest:
    """A posted recording.

    Attributes:
        path: the recording, in a folder of its own, into which it is also unpacked, and its results are written.
        name: the sender's name for it.
        timezone: the wearer's time zone; None: as the file says.
        key: the sender's key for the report and the tables; None: they are not written.
    """

    path: str
    name: str
    timezone: str | None = None
    key: str | None = None


class _Progress:
    """Sends the progress, at most every ``PROGRESS_S`` within a stage."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._stage, self._sent_s = connection, "read", 0.0

    def stage(self, stage: str) -> None:
        if stage != "done":  # the answer says so, after the report
            self._stage = stage
            self._send(None)

    def share(self, share: float) -> None:
        if time.monotonic() >= self._sent_s + PROGRESS_S:
            self._send(share)

    def _send(self, share: float | None) -> None:
        self._sent_s = time.monotonic()
        self._connection.send_bytes(orjson.dumps({"stage": self._stage, "share": share}))


@dataclass(frozen=True)
class _Settings:
    """The arguments of a process.

    Attributes:
        model: the model file, read at the start.
        limits: the limits of the server.
    """

    model: str
    limits: Limits


class LabellingProcess:
    """The server's side of a process. The process ends when the server ends, even if the server is killed.

    Attributes:
        reusable: whether it has answered and may label another recording; the caller of ``label`` sets it to False.

    Args:
        model: the model file, read before the first recording.
        limits: ``upload_s``, ``upload_memory_bytes``, ``unpacked_bytes`` and ``most_packed`` apply to each recording.
    """

    def __init__(self, model: Path, limits: Limits) -> None:
        context = get_context("spawn")
        self._limits = limits
        self._connection, theirs = context.Pipe()
        lifeline, self._held = context.Pipe(duplex=False)
        settings = _Settings(str(model), limits)
        self._process = context.Process(target=_serve, args=(theirs, lifeline, settings), daemon=True)
        start_with_one_thread(self._process)
        theirs.close()
        lifeline.close()
        self.reusable = False
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether the process runs. The system ends processes when memory runs out."""
        return self._process.is_alive()

    def label(self, request: "LabelRequest", on_progress: OnProgress) -> bytes:
        """The answer to ``POST /api/recordings``, JSON. Waits for it, or until ``end`` is called.

        Args:
            request: what to label.
            on_progress: called with each stage, and the share of it that is done.

        Raises:
            RefusedError: when the recording cannot be labelled, takes too long, or the process ended.
        """
        try:
            self._connection.send_bytes(orjson.dumps(request))
            about = self._wait_for_answer(on_progress)
            body = self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            sentence = "the process that labelled it ended, probably because memory ran out; use harken label"
            raise RefusedError(422, 1007, sentence, reason="recording") from error
        self.reusable = not about["grown"]
        if about["outcome"] == "refused":
            raise RefusedError(422, 1007, body.decode(), reason="recording")
        if about["outcome"] == "fault":
            raise RuntimeError(f"a fault in harken while a posted recording was labelled:\n{body.decode()}")
        return body

    def end(self) -> None:
        """Kill the process and wait until it has ended."""
        if self._ended:
            return
        self._ended = True
        self._process.kill()
        self._process.join(ENDS_WITHIN_S)
        self._held.close()
        self._connection.close()

    def _wait_for_answer(self, on_progress: OnProgress) -> dict[str, Any]:
        until = time.monotonic() + self._limits.upload_s
        while True:
            if self._connection.poll(min(POLL_S, self._limits.upload_s)):
                about: dict[str, Any] = orjson.loads(self._connection.recv_bytes())
                if "stage" not in about:
                    return about
                on_progress(about["stage"], about["share"])
            if self._ended:
                raise EOFError
            if time.monotonic() > until:
                sentence = f"labelling this recording takes longer than {self._limits.upload_s:g} s; use harken label"
                raise RefusedError(422, 1007, sentence, reason="recording")


def _serve(connection: Connection, lifeline: Connection, settings: _Settings) -> None:
    """The main function of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl+C the server ends this process
    os.environ["POLARS_MAX_THREADS"] = "1"  # read when polars is imported
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    end_with(lifeline)
    import harken.labelling.file  # noqa: F401  # without a limit: an import without memory ends in any error
    from harken.models.recogniser import Recogniser
    from harken.readers.unpacking import UnpackingLimits, unpacking_limits
    from harken.support.resources import hand_back, resident_bytes

    recogniser = Recogniser.load(settings.model, device="cpu")
    limits = settings.limits
    _limit_memory(limits.upload_memory_bytes)
    began_with = resident_bytes()
    with unpacking_limits(UnpackingLimits(limits.unpacked_bytes, limits.most_packed)):
        while True:
            try:
                request = orjson.loads(connection.recv_bytes())
            except EOFError:
                return
            asked = LabelRequest(**request)
            outcome, body = _outcome(recogniser, asked, limits, _Progress(connection))
            hand_back()
            grown = resident_bytes() > began_with + GROWN_BYTES
            connection.send_bytes(orjson.dumps({"outcome": outcome, "grown": grown}))
            connection.send_bytes(body)
            del body


def _limit_memory(more_bytes: int) -> None:
    """Limit the additional memory that this process can allocate, on Linux."""
    if sys.platform != "linux":
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    has = next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:")), None)
    if has is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (has + more_bytes, has + more_bytes))


def _outcome(recogniser: "Recogniser", request: LabelRequest, limits: Limits, progress: _Progress) -> tuple[str, bytes]:
    """``labelled`` with the answer, ``refused`` with a sentence, or ``fault`` with a traceback."""
    path, name = Path(request.path), request.name
    tempfile.tempdir = str(path.parent)  # the server removes this folder, even if it kills this process
    try:
        return "labelled", _labelled(recogniser, request, limits, progress)
    except HarkenError as error:
        shown = _shown(name)
        sentence = str(error).replace(str(path), shown).replace(path.name, shown)
        return "refused", sentence.replace(str(path.parent), "the server").encode()
    except MemoryError:
        return "refused", NO_MEMORY.encode()
    except Exception as error:
        if isinstance(error, (RuntimeError, SystemError)) and any(sign in str(error) for sign in NO_MEMORY_SIGNS):
            return "refused", NO_MEMORY.encode()
        return "fault", traceback.format_exc().encode()


def _shown(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name or STEM


def _labelled(recogniser: "Recogniser", request: LabelRequest, limits: Limits, progress: _Progress) -> bytes:
    """The timeline as ``harken label`` computes it: calibrated, turned, with non-wear, smoothed."""
    from harken.labelling.file import label_file
    from harken.labelling.settings import LabelSettings
    from harken.readers import TableOptions

    path = Path(request.path)
    settings = LabelSettings(reading=TableOptions(timezone=request.timezone))
    labelled = label_file(
        path, model=recogniser, settings=settings, cores=1, on_stage=progress.stage, on_share=progress.share
    )
    labelled = _named(labelled, path, _shown(request.name))
    addresses = dict.fromkeys(("report", "tables"))
    if request.key is not None:
        progress.stage("write")
        folder = f"/api/recordings/{request.key}"
        addresses = {
            name.partition(".")[0]: f"{folder}/{name}" if written else None
            for name, written in _write(labelled, path.parent / RESULTS, limits.tables_bytes).items()
        }
    timeline = labelled.timeline
    about = {
        "subject": timeline.subject,
        "timezone": labelled.recording.timezone,
        "labels": list(timeline.labels),
        "hours": {label: seconds / 3600 for label, seconds in timeline.seconds_by_label().items()},
        "notes": [*labelled.warnings, *labelled.notes],
        **addresses,
    }
    rows = b",".join(_rows(timeline))
    return b'%b,"rows":[%b]}' % (orjson.dumps(about).removesuffix(b"}"), rows)


def _named(labelled: "LabelledFile", path: Path, shown: str) -> "LabelledFile":
    """The same with the sender's name for the recording in place of that on the disk."""
    from harken.readers.unpacking import stem

    subject = stem(Path(shown)) if labelled.timeline.subject == STEM else labelled.timeline.subject
    quality = labelled.recording.quality
    quality = replace(quality, notes=tuple(note.replace(str(path), shown) for note in quality.notes))
    timeline = replace(labelled.timeline, subject=subject, source=shown)
    return replace(
        labelled,
        timeline=timeline,
        recording=replace(labelled.recording, subject=subject, source=shown, quality=quality),
        outcomes=replace(labelled.outcomes, timeline=timeline),
        key=labelled.key | {"file": shown},
    )


def _write(labelled: "LabelledFile", folder: Path, most_bytes: int) -> dict[str, bool]:
    """Write the report and the packed tables to a folder; tables of more than ``most_bytes`` are left out. Which of the
    two files were written."""
    unpacked = folder.with_name("tables")
    labelled.write(unpacked)
    folder.mkdir()
    files = sorted(unpacked.iterdir())
    small = sum(file.stat().st_size for file in files) <= most_bytes
    if small:
        with ZipFile(folder / TABLES, "w", ZIP_DEFLATED) as packed:
            for file in files:
                packed.write(file, file.name)
    (unpacked / REPORT).rename(folder / REPORT)
    shutil.rmtree(unpacked)
    return {REPORT: True, TABLES: small}


def _rows(timeline: "Timeline") -> Iterator[bytes]:
    """The rows as JSON, thousands at a time, because a month of rows as Python objects takes half a gigabyte."""
    import numpy as np

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
        )
        rows = [
            {
                "start_ms": begins,
                "end_ms": ends,
                "label": label,
                "wear": worn,
                "activity_mg": None if moved is None else round(moved, 2),
                "probabilities": share if is_known else [],
            }
            for begins, ends, label, worn, moved, is_known, share in zip(*columns, strict=True)
        ]
        yield orjson.dumps(rows)[1:-1]
