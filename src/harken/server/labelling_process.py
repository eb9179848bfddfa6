"""A process that labels posted recordings, one after the other.

A file from an unknown sender may need more memory and time than any other request. In a separate process it does not
block the interpreter that answers the watches, its memory is returned to the system at the end, and it can be ended at
any time. Requests and answers are JSON, not pickles, so that nothing from a compromised process is executed.
"""

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from harken.server.limits import Limits, RefusedError
from harken.support.errors import HarkenError
from harken.support.processes import end_with, one_thread_each

if TYPE_CHECKING:
    from harken.models.recogniser import Recogniser
    from harken.timelines import Timeline

__all__ = ["STEM", "LabellingProcess"]

STEM = "recording"
"""The name of every posted recording on disk."""
GROWN_BYTES = 200 << 20
"""A process whose memory has grown by more than this is not used again. The libraries that are loaded with the first
recording take half of it."""
ROWS_AT_ONCE = 10_000
ENDS_WITHIN_S = 5.0
POLL_S = 0.5
"""How often a thread that waits for an answer checks whether the process was ended."""
NICENESS = 5
"""Labels of watches have priority."""
NO_MEMORY = "labelling this recording takes more memory than the server allows; use harken label"
NO_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")
"""Messages of PyTorch, which does not raise MemoryError."""
_starting = threading.Lock()


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
        with _starting, one_thread_each():  # it changes the environment of this process for a moment
            self._process.start()
        theirs.close()
        lifeline.close()
        self.reusable = False
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether the process runs. The system ends processes when memory runs out."""
        return self._process.is_alive()

    def label(self, path: Path, name: str) -> bytes:
        """The answer to ``POST /api/recordings``, JSON. Waits for it, or until ``end`` is called.

        Args:
            path: the recording, in a folder of its own, into which it is also unpacked.
            name: the sender's name for it.

        Raises:
            RefusedError: when the recording cannot be labelled, takes too long, or the process ended.
        """
        try:
            self._connection.send_bytes(orjson.dumps({"path": str(path), "name": name}))
            self._wait_for_answer()
            about = orjson.loads(self._connection.recv_bytes())
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

    def _wait_for_answer(self) -> None:
        until = time.monotonic() + self._limits.upload_s
        while not self._connection.poll(min(POLL_S, self._limits.upload_s)):
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
    import torch

    from harken.models.recogniser import Recogniser
    from harken.readers.unpacking import UnpackingLimits, unpacking_limits
    from harken.support.resources import hand_back, resident_bytes

    torch.set_num_threads(1)
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
            outcome, body = _outcome(recogniser, Path(request["path"]), request["name"])
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


def _outcome(recogniser: "Recogniser", path: Path, name: str) -> tuple[str, bytes]:
    """``labelled`` with the answer, ``refused`` with a sentence, or ``fault`` with a traceback."""
    tempfile.tempdir = str(path.parent)  # the server removes this folder, even if it kills this process
    try:
        return "labelled", _labelled(recogniser, path, name)
    except HarkenError as error:
        shown = _shown(name)
        sentence = str(error).replace(str(path), shown).replace(path.name, shown)
        return "refused", sentence.replace(str(path.parent), "the server").encode()
    except MemoryError:
        return "refused", NO_MEMORY.encode()
    except Exception as error:
        if isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY_SIGNS):
            return "refused", NO_MEMORY.encode()
        return "fault", traceback.format_exc().encode()


def _shown(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name or STEM


def _labelled(recogniser: "Recogniser", path: Path, name: str) -> bytes:
    """The timeline as ``harken label`` computes it: calibrated, turned, with non-wear, smoothed."""
    from harken.labelling import label_file
    from harken.readers.blocks import stem

    labelled = label_file(path, model=recogniser, cores=1)
    timeline = labelled.timeline
    if timeline.subject == STEM:
        timeline = replace(timeline, subject=stem(Path(_shown(name))))
    about = {
        "subject": timeline.subject,
        "timezone": labelled.recording.timezone,
        "labels": list(timeline.labels),
        "hours": {label: seconds / 3600 for label, seconds in timeline.seconds_by_label().items()},
        "notes": [note.replace(str(path), _shown(name)) for note in (*labelled.warnings, *labelled.notes)],
    }
    rows = b",".join(_rows(timeline))
    return b'%b,"rows":[%b]}' % (orjson.dumps(about).removesuffix(b"}"), rows)


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
