"""All recordings of one server, and the processes that read them."""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path
from typing import Any

from harken.annotating.cache import cache_folder, entry_name, read_facts
from harken.annotating.model_process import suggest
from harken.annotating.reading import read_recording
from harken.annotating.recording import OpenRecording
from harken.annotating.suggestions import Suggestions
from harken.annotations.store import NO_FILE
from harken.models.model_file import model_path, read_model
from harken.readers.options import TableOptions
from harken.server.background import Background
from harken.support.files import temporary_folder

LOG = logging.getLogger("uvicorn.error")
READERS = 2
"""Recordings that are read at once: one after the other, and one that a window waits for."""
DIGITS_OF_A_DIGEST = 16
NICENESS, LABELLING_NICENESS = 0, 10  # a person waits for a recording that is read
CHECKED_S = 1.0
"""How often it is checked whether another program changed the labels."""
STATUS_S = 0.25


class Desk:
    """The recordings that the user named.

    Args:
        files: the recordings and their names.
        reading: how tables are read.
        model: the model that labels the recordings; None for none.
        on_failed: called with a sentence when a recording cannot be read.

    Attributes:
        reading, model: as given; another model after ``use_model``.
        recordings: the recordings.

    Raises:
        HarkenError: when the model cannot be read.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, str]],
        reading: TableOptions,
        *,
        model: Path | None,
        on_failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.reading, self._on_failed = reading, on_failed
        self.model: Path | None = None
        name, labels = self._set_model(model)
        self.recordings = [
            OpenRecording(number, path, each, model_name=name, model_labels=labels)
            for number, (path, each) in enumerate(files)
        ]
        self._cache = cache_folder()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._processes: dict[OpenRecording, Background] = {}
        self._labelling: Background | None = None
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
        if self._labelling is not None:
            self._labelling.end()
        for recording in self.recordings:
            recording.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def want(self, recording: OpenRecording) -> None:
        """A window shows this recording: it is read next."""
        if not recording.wanted:
            recording.wanted = True
            self.schedule()

    def labelled(self) -> list[OpenRecording]:
        """The recordings with labels, or with a file of labels that cannot be read."""
        return [
            each
            for each in self.recordings
            if each.labels is not None and (len(each.labels.bouts) or each.labels.digest != NO_FILE)
        ]

    def use_model(self, model: Path | None) -> None:
        """Label the recordings with another model from now on; None: with no model.

        Raises:
            HarkenError: when the model cannot be read.
        """
        name, labels = self._set_model(model)
        if self._labelling is not None:
            self._labelling.end()
            self._labelling = None
        for recording in self.recordings:
            recording.use_model(name, labels)
        self.schedule()

    def _set_model(self, model: Path | None) -> tuple[str | None, tuple[str, ...]]:
        """The name and the labels of the model that is used from now on."""
        self.model = None if model is None else model_path(model)
        if model is None or self.model is None:
            return None, ()
        return model.name if model.is_dir() else self.model.stem, read_model(model).specification.labels

    def schedule(self) -> None:
        """Start what can be started."""
        waiting = [each for each in self.recordings if each.state == "waiting"]
        waiting.sort(key=lambda each: not each.wanted)
        for recording in waiting:
            if len(self._processes) >= (READERS if recording.wanted else 1):
                break
            self._read(recording)
        if self._labelling is None and self.model is not None:
            for recording in self.recordings:
                due = recording.wanted and recording.state == "ready" and recording.model_state == "waiting"
                if due and self._suggest(recording, self.model):
                    break

    def _suggest(self, recording: OpenRecording, model: Path) -> bool:
        """Label a recording with the model. Returns whether a process does it, so that others have to wait."""
        try:
            file = self._place_of(self._entry_of(recording)) / f"{digest_of(model)}.npz"
        except OSError as error:
            sentence = f"{error.filename or recording.path} cannot be read ({error.strerror or error})"
            recording.model_state, recording.model_error = "failed", sentence
            self._status_due.add(recording)
            return False
        if (found := Suggestions.read(file)) is not None:
            recording.suggest(found)
            self._status_due.add(recording)
            return False
        recording.model_state = "labelling"
        arguments = (str(recording.path), asdict(self.reading), str(model), str(file))

        def on_message(message: dict[str, Any]) -> None:
            self._on_labelling(recording, file, message)

        self._labelling = Background(suggest, arguments, on_message, niceness=LABELLING_NICENESS)
        return True

    def _on_labelling(self, recording: OpenRecording, file: Path, message: dict[str, Any]) -> None:
        """A message of the process that labels."""
        match message["type"]:
            case "share":
                recording.model_share = message["share"]
            case "failed":
                recording.model_state, recording.model_error = "failed", message["error"]
            case "done":
                if (found := Suggestions.read(file)) is None:
                    recording.model_state, recording.model_error = "failed", f"{file} cannot be read"
                else:
                    recording.suggest(found)
        self._status_due.add(recording)
        if recording.model_state != "labelling":
            self._labelling = None
            self.schedule()

    def _entry_of(self, recording: OpenRecording) -> Path:
        return self._cache / entry_name(recording.path, self.reading)

    def _read(self, recording: OpenRecording) -> None:
        recording.state = "reading"
        try:
            entry = self._entry_of(recording)
            if (facts := read_facts(entry)) is not None:
                recording.complete(entry, facts)
                return
        except FileNotFoundError:
            self._fail(recording, f"{recording.path}: there is no such file")
            return
        except OSError as error:
            self._fail(recording, f"{recording.path}: cannot be read ({error.strerror or error})")
            return
        except Exception as error:
            self._fault(recording, error)
            return
        arguments = (str(recording.path), asdict(self.reading), str(self._place_of(entry)))

        def on_message(message: dict[str, Any]) -> None:
            self._on_reading(recording, self._place_of(entry), message)

        self._processes[recording] = Background(read_recording, arguments, on_message, niceness=NICENESS)

    def _fail(self, recording: OpenRecording, sentence: str) -> None:
        recording.fail(sentence)
        self._on_failed(sentence)

    def _fault(self, recording: OpenRecording, error: Exception) -> None:
        """An error that nobody expected: only this recording is not shown any more."""
        LOG.error("%s is not shown any more", recording.path, exc_info=error)
        self._fail(recording, f"{recording.path}: a fault in harken: {type(error).__name__}: {error}")

    def _place_of(self, entry: Path) -> Path:
        """The entry, in a temporary folder if the cache folder cannot be written."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._cache):
                return entry
        except OSError:
            return self._temporary_folder() / entry.name

    def _temporary_folder(self) -> Path:
        """A folder that is removed at the end."""
        if self._temporary is None:
            self._temporary = temporary_folder()
        return Path(self._temporary.name)

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
                    self._fail(recording, f"{recording.path}: {entry} cannot be read ({error.strerror or error})")
                except Exception as error:
                    self._fault(recording, error)
            case "failed":
                sentence, path = message["error"], str(recording.path)
                self._fail(recording, sentence if path in sentence else f"{path}: {sentence}")
        if recording.state != "reading":
            self._processes.pop(recording, None)
            self.schedule()
        self._status_due.add(recording)

    async def _check(self) -> None:
        """Notice changes by other programs."""
        for recording in self.recordings:
            if recording.state != "failed" and len(recording.windows):
                try:
                    with suppress(OSError):  # as of a drive that was unplugged: saving says it, and it may come back
                        await recording.follow()
                except Exception as error:
                    self._fault(recording, error)


def digest_of(model: Path) -> str:
    """What a model's suggestions are known by."""
    with model.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:DIGITS_OF_A_DIGEST]
