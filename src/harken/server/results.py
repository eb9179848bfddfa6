"""The progress and the results of posted recordings, which their senders find by a key of their own."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harken.server.limits import Limits, RefusedError
from harken.support.files import temporary_folder

REPORT, TABLES = "report.html", "tables.zip"


@dataclass
class Entry:
    """A posted recording.

    Attributes:
        stage: ``send``, then the stages of ``harken.labelling.file.Stage``; ``done`` at the end.
        share: the share of the stage that is done, 0 to 1; None if it is not known.
        folder: the folder with the results; None until they are there.
        name: the beginning of the name under which the tables are saved.
        since_s: when it began, or when its results came.
    """

    since_s: float
    stage: str = "send"
    share: float | None = None
    folder: "TemporaryDirectory[str] | None" = None
    name: str = "recording"

    def advance(self, stage: str, share: float | None) -> None:
        """Take a step of the labelling process."""
        self.stage, self.share = stage, share

    def as_dict(self) -> dict[str, Any]:
        """The answer of ``GET /api/recordings/KEY``."""
        return {"stage": self.stage, "share": self.share}


@dataclass
class Results:
    """The latest recordings with a key, at most ``limits.results``, each for ``limits.results_s``.

    Attributes:
        limits: the limits of the server.
        clock_s: tells the time.
    """

    limits: Limits
    clock_s: Callable[[], float] = time.monotonic
    _entries: dict[str, Entry] = field(default_factory=dict)

    def begin(self, key: str) -> Entry:
        """A new entry.

        Raises:
            RefusedError: when the key is in use.
        """
        self.forget()
        if key in self._entries:
            raise RefusedError(409, 1008, "this key is in use; choose another at random", reason="recording")
        entry = self._entries[key] = Entry(self.clock_s())
        return entry

    def keep(self, key: str, folder: Path, name: str) -> None:
        """Move a folder with results here, if there is one, and note that the recording is labelled."""
        entry = self._entries.get(key)
        if entry is None:
            return
        entry.advance("done", 1.0)
        entry.since_s, entry.name = self.clock_s(), name
        if folder.is_dir():
            entry.folder = temporary_folder()
            for file in folder.iterdir():
                shutil.move(file, entry.folder.name)
        for other in sorted(self._done(), key=lambda one: self._entries[one].since_s)[: -self.limits.results]:
            self.remove(other)

    def entry(self, key: str) -> Entry:
        """The entry with this key.

        Raises:
            RefusedError: when there is none, or it was forgotten.
        """
        self.forget()
        if key not in self._entries:
            minutes = self.limits.results_s / 60
            sentence = f"there is no such recording; results are kept for {minutes:g} minutes"
            raise RefusedError(404, 1008, sentence, reason="unknown")
        return self._entries[key]

    def file(self, key: str, name: str) -> Path:
        """A file of the results.

        Raises:
            RefusedError: when there is none.
        """
        folder = self.entry(key).folder
        if folder is None or not (path := Path(folder.name, name)).is_file():
            raise RefusedError(404, 1008, "this recording has no such result", reason="unknown")
        return path

    def forget(self) -> None:
        """Remove what is too old. Entries whose recording is being labelled stay."""
        before_s = self.clock_s() - self.limits.results_s
        for key in self._done():
            if self._entries[key].since_s < before_s:
                self.remove(key)

    def remove(self, key: str) -> None:
        """Forget a recording."""
        entry = self._entries.pop(key, None)
        if entry is not None and entry.folder is not None:
            entry.folder.cleanup()

    def _done(self) -> list[str]:
        return [key for key, one in self._entries.items() if one.stage == "done"]

    def close(self) -> None:
        """Remove everything."""
        for key in list(self._entries):
            self.remove(key)
