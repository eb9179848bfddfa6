"""All recordings of one server, and the processes that read them."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harken.annotating.background import Background
from harken.annotating.cache import cache_folder, entry_name, read_facts
from harken.annotating.reading import read_recording
from harken.annotating.recording import OpenRecording
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["Desk"]

READERS = 2
"""Recordings that are read at once: one after the other, and one that a window waits for."""
NICENESS = 5
CHECKED_S = 1.0
"""How often it is checked whether another program changed the labels, and whether a writer is silent."""
STATUS_S = 0.25


class Desk:
    """The recordings that the user named.

    Args:
        files: the recordings and their names.
        reading: how tables are read.
        model: the model's file; None for none.
    """

    def __init__(
        self, files: Sequence[tuple[Path, str]], reading: TableOptions, *, model: Path | None, model_name: str | None
    ) -> None:
        self.recordings = [
            OpenRecording(number, path, name, model_name=model_name) for number, (path, name) in enumerate(files)
        ]
        self._reading, self._model = reading, model
        self._cache = cache_folder()
        self._temporary: Path | None = None
        self._processes: dict[OpenRecording, Background] = {}
        self._status_due: set[OpenRecording] = set()

    async def run(self) -> None:
        """Read the recordings, until cancelled."""
        self.schedule()
        try:
            while True:
                for _ in range(round(CHECKED_S / STATUS_S)):
                    await asyncio.sleep(STATUS_S)
                    for recording in self._status_due:
                        recording.send_status()
                    self._status_due.clear()
                await self._check()
        finally:
            self.close()

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.end()
        self._processes.clear()
        for recording in self.recordings:
            recording.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def want(self, recording: OpenRecording) -> None:
        """A window shows this recording: it is read next."""
        if not recording.wanted:
            recording.wanted = True
            self.schedule()

    def schedule(self) -> None:
        """Start what can be started."""
        waiting = [each for each in self.recordings if each.state == "waiting"]
        waiting.sort(key=lambda each: not each.wanted)
        for recording in waiting:
            if len(self._processes) >= (READERS if recording.wanted else 1):
                break
            self._read(recording)

    def _read(self, recording: OpenRecording) -> None:
        recording.state = "reading"
        try:
            entry = self._cache / entry_name(recording.path, self._reading)
            if (facts := read_facts(entry)) is not None:
                recording.complete(entry, facts)
                return
        except FileNotFoundError:
            recording.fail(f"{recording.path}: there is no such file")
            return
        except OSError as error:
            recording.fail(f"{recording.path}: cannot be read ({error.strerror or error})")
            return
        arguments = (str(recording.path), asdict(self._reading), str(self._place_of(entry)))

        def on_message(message: dict[str, Any]) -> None:
            self._on_reading(recording, self._place_of(entry), message)

        self._processes[recording] = Background(read_recording, arguments, on_message, niceness=NICENESS)

    def _place_of(self, entry: Path) -> Path:
        """The entry, in a temporary folder if the cache folder cannot be written."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._cache):
                return entry
        except OSError:
            if self._temporary is None:
                self._temporary = Path(tempfile.mkdtemp(prefix="harken-annotate-"))
            return self._temporary / entry.name

    def _on_reading(self, recording: OpenRecording, entry: Path, message: dict[str, Any]) -> None:
        """A message of the process that reads."""
        match message.pop("type"):
            case "begin":
                with suppress(OSError):  # the process has begun again
                    recording.begin(Path(message["folder"]), start_ns=message["start_ns"], slot_ns=message["slot_ns"])
            case "more":
                recording.more(message["blocks"], read_to_ns=message["read_to_ns"], share=message["share"])
            case "facts":
                try:
                    recording.complete(entry, message)
                except OSError as error:
                    recording.fail(f"{recording.path}: {entry} cannot be read ({error.strerror or error})")
            case "failed":
                recording.fail(message["error"])
        if recording.state != "reading":
            self._processes.pop(recording, None)
            self.schedule()
        self._status_due.add(recording)

    async def _check(self) -> None:
        """Notice changes by other programs, and silent writers."""
        for recording in self.recordings:
            if len(recording.windows) and recording.labels is not None:
                if not recording.saving.locked() and recording.labels.changed_outside():
                    async with recording.saving:
                        with suppress(HarkenError):
                            recording.labels.load()
                        recording.send_labels()
                recording.windows.tell()
