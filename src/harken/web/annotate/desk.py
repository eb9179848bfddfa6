"""All recordings of one server: reading them, and labelling them with a model."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path

from harken.models.model_file import model_path, read_model
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.web.annotate.opening import Opener, explain
from harken.web.annotate.reading import entry_name
from harken.web.annotate.recording import OpenRecording
from harken.web.annotate.suggestions import Suggestions, suggest
from harken.web.jobs import JobError, Message, run_job

DIGITS_OF_A_DIGEST = 16
LABELLING_NICENESS = 10
"""A person waits for a recording that is read, and less for what a model says."""


class Desk:
    """The recordings that the user named.

    Args:
        files: the recordings and their names.
        reading: how tables are read.
        model: the model that labels the recordings; None for none.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it for each recording.
        on_failed: called with a sentence when a recording cannot be read.

    Attributes:
        reading, model, forearm_axis: as given; another model after ``use_model``.
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
        forearm_axis: ForearmAxis | None = None,
        on_failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.reading, self.forearm_axis = reading, forearm_axis
        self.recordings = [OpenRecording(number, path, name) for number, (path, name) in enumerate(files)]
        self._set_model(model)
        self._opener = Opener(on_failed)
        self._changed = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._labelling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Read and label the recordings, until cancelled."""
        try:
            async with self._tasks:
                self._tasks.create_task(self._work(lambda each: each.state == "waiting", self._read))
                # At the same time, read a recording that a page is waiting for.
                self._tasks.create_task(self._work(lambda each: each.state == "waiting" and each.wanted, self._read))
                self._label()
        finally:
            for recording in self.recordings:
                recording.close()
            self._opener.close()

    def want(self, recording: OpenRecording) -> None:
        """A page shows this recording: it is read next."""
        recording.wanted = True
        self._changed.set()

    def use_model(self, model: Path | None) -> None:
        """Label the recordings with another model from now on; None: with no model.

        Raises:
            HarkenError: when the model cannot be read.
        """
        self._set_model(model)
        self._label()

    def _set_model(self, model: Path | None) -> None:
        path: Path | None = None
        name: str | None = None
        labels: tuple[str, ...] = ()
        if model is not None:
            path, labels = model_path(model), read_model(model).specification.labels
            name = model.name if model.is_dir() else path.stem
        self.model = path
        for recording in self.recordings:
            recording.use_model(name, labels)

    def _label(self) -> None:
        """Begin to label, again after the model has changed."""

        def is_due(recording: OpenRecording) -> bool:
            return recording.wanted and recording.state == "ready" and recording.model.state == "waiting"

        if self._labelling is not None:
            self._labelling.cancel()
        self._labelling = self._tasks.create_task(self._work(is_due, self._suggest))

    async def _work(
        self, is_due: Callable[[OpenRecording], bool], work: Callable[[OpenRecording], Awaitable[None]]
    ) -> None:
        """Do a work for one recording after the other, for those first that a page shows."""
        while True:
            due = sorted(filter(is_due, self.recordings), key=lambda each: not each.wanted)
            if not due:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await work(due[0])
            except Exception as error:
                self._opener.fault(due[0], error)
            self._changed.set()

    async def _read(self, recording: OpenRecording) -> None:
        await self._opener.read(recording, self.reading)

    async def _suggest(self, recording: OpenRecording) -> None:
        assert self.model is not None, "without a model, no recording waits for it"

        def advance(message: Message) -> None:
            recording.model.share = message["share"]

        try:
            with self.model.open("rb") as model:
                digest = file_digest(model, "sha256").hexdigest()[:DIGITS_OF_A_DIGEST]
            axis = self.forearm_axis or ""
            file = self._opener.cache / entry_name(recording.path, self.reading) / f"{digest}{axis}.npz"
            if (found := Suggestions.read(file)) is None:
                recording.model.state = "labelling"
                request = str(recording.path), asdict(self.reading), self.forearm_axis, str(self.model), str(file)
                await run_job(suggest, *request, on_message=advance, niceness=LABELLING_NICENESS)
                found = Suggestions.read(file)
            if found is not None:
                recording.suggest(found)
                return
            sentence = f"{file} cannot be read"
        except (JobError, OSError) as error:
            sentence = explain(error, recording.path)
        recording.model.state, recording.model.error = "failed", sentence
