"""Recordings are read, in a process of their own, into the cache folder, and shown meanwhile."""

import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from harken.readers.options import TableOptions
from harken.support.aside import make_temporary_folder
from harken.support.errors import HarkenError
from harken.web.annotate.reading import cache_folder, entry_name, read_facts, read_recording
from harken.web.annotate.recording import OpenRecording
from harken.web.jobs import JobError, Message, run_job

LOG = logging.getLogger("uvicorn.error")


class Opener:
    """Opens recordings.

    Args:
        on_failed: called with a sentence when a recording cannot be read.

    Attributes:
        cache: the folder of what was read; a temporary one if the user's cannot be written.
    """

    def __init__(self, on_failed: Callable[[str], None] = lambda _: None) -> None:
        self._on_failed = on_failed
        self.cache, self._temporary = cache_folder(), None
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.cache).close()
        except OSError:  # it cannot be written
            self._temporary = make_temporary_folder()
            self.cache = self._temporary.path

    async def read(self, recording: OpenRecording, reading: TableOptions) -> None:
        """Read a recording, unless the cache has it. What is wrong becomes its ``error``."""
        recording.state = "reading"

        def show(message: Message) -> None:
            if message.pop("type") == "begin":
                with suppress(OSError):  # the job has begun again
                    recording.begin(Path(message["folder"]), start_ns=message["start_ns"], slot_ns=message["slot_ns"])
            else:
                recording.more(message["blocks"], read_to_ns=message["read_to_ns"], share=message["share"])

        path = str(recording.path)
        try:
            entry = self.cache / entry_name(recording.path, reading)
            if (facts := read_facts(entry)) is None:
                await run_job(read_recording, path, asdict(reading), str(entry), on_message=show)
                facts = read_facts(entry)
            if facts is None:
                self.fail(recording, f"{path}: {entry} cannot be read")
            else:
                recording.complete(entry, facts)
        except (JobError, OSError) as error:
            self.fail(recording, explain(error, recording.path))

    def fail(self, recording: OpenRecording, sentence: str) -> None:
        """Say that a recording cannot be shown."""
        recording.fail(sentence)
        self._on_failed(sentence)

    def fault(self, recording: OpenRecording, error: Exception) -> None:
        """Take an error that nobody expected: only this recording is not shown any more."""
        LOG.error("%s is not shown any more", recording.path, exc_info=error)
        self.fail(recording, f"{recording.path}: a fault in harken: {type(error).__name__}: {error}")

    def close(self) -> None:
        """Remove the temporary folder, if there is one."""
        if self._temporary is not None:
            self._temporary.cleanup()


def explain(error: JobError | OSError, path: Path) -> str:
    """Say why a recording cannot be read or labelled, in a sentence that names it."""
    explanation: HarkenError
    if isinstance(error, OSError):
        explanation = HarkenError(f"cannot be read ({error.strerror or error})", path=error.filename or path)
    else:
        explanation = error
    return str(explanation) if explanation.is_about(path) else f"{path}: {explanation}"
