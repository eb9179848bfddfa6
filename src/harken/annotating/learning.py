"""*Learn* on the recordings that are labelled on the page, loaded when the page first asks for it.

What it imports takes longer than everything else that the server needs to show a recording.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.annotating.desk import Desk
from harken.server.limits import Limits

if TYPE_CHECKING:
    from fastapi import FastAPI

    from harken.server.learning.learner import Learner

PREFIX = "/api/learn"


class LearningOnDemand:
    """ASGI middleware: adds the routes of *Learn* to the application with the first request for one of them.

    Args:
        app: the application.
        desk: the recordings. A chosen model labels them from then on. New models are saved in a folder ``models``
            beside the first recording.
        limits: the limits of clients.
    """

    def __init__(self, app: "FastAPI", desk: Desk, limits: Limits) -> None:
        self._app, self._desk, self._limits = app, desk, limits
        self._loading = asyncio.Lock()
        self._learner: Learner | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if self._learner is None and scope["type"] == "http" and scope["path"].startswith(PREFIX):
            async with self._loading:
                if self._learner is None:
                    await self._load()
        await self._app(scope, receive, send)

    def close(self) -> None:
        """End a job."""
        if self._learner is not None:
            self._learner.close()

    async def _load(self) -> None:
        def made() -> "Learner":
            from harken.models.recogniser import Recogniser
            from harken.server.learning.labels import LabelsOfFile
            from harken.server.learning.learner import Learner
            from harken.training.learn.files import LabelledFile

            recordings = {one.path: one for one in self._desk.recordings}

            def labels_of(file: LabelledFile) -> LabelsOfFile:
                recording = recordings[file.path]
                if recording.labels is None:
                    return LabelsOfFile(recording.name, {}, {})
                return LabelsOfFile.of(recording.subject or recording.name, recording.labels.bouts)

            async def serve(_: Recogniser, path: Path | None) -> None:
                self._desk.use_model(path or before)

            before = self._desk.model
            return Learner(
                labelled=lambda: [LabelledFile(one.path, self._desk.reading) for one in self._desk.labelled()],
                before=None if before is None else Recogniser.load(before, device="cpu"),
                folder=self._desk.recordings[0].path.absolute().parent / "models",
                serve=serve,
                orientation=True,
                longest_s=self._limits.learn_s,
                labels_of=labels_of,
            )

        learner = await asyncio.to_thread(made)
        from harken.server.learning.routes import learning_routes

        self._app.include_router(learning_routes(learner, self._limits))
        self._learner = learner
