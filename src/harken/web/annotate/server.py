"""The server of ``harken annotate``, ready to run."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from harken.readers.options import TableOptions
from harken.web.annotate.desk import Desk
from harken.web.annotate.routes import LIMITS, annotating_routes, suggestion_routes
from harken.web.learn_routes import learn_routes
from harken.web.metrics import Metrics
from harken.web.page_files import SERVER_PAGE, page_routes
from harken.web.requests import application
from harken.web.server import Server

if TYPE_CHECKING:
    from harken.web.learn import Learner

PAGE = Path(__file__).parent / "page"


def annotation_server(
    files: Sequence[tuple[Path, str]],
    *,
    reading: TableOptions,
    model: Path | None,
    on_started: Callable[[], None] = lambda: None,
    on_failed: Callable[[str], None] = lambda _: None,
) -> Server:
    """A server that is ready to ``run(sockets=...)``. Only this machine reaches it.

    Args:
        files: the recordings, and a name for each.
        reading: how tables are read.
        model: the model that makes suggestions, a file or a run directory; None for none.
        on_started: called when the server answers requests.
        on_failed: called with a sentence when a recording cannot be read.

    Raises:
        HarkenError: when the model cannot be read.
    """
    desk = Desk(files, reading, model=model, on_failed=on_failed)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    routes = APIRouter()
    annotating_routes(routes, desk, metrics)
    suggestion_routes(routes, desk)
    page_routes(routes, PAGE, SERVER_PAGE)
    learn_routes(routes, _learner_on_demand(desk, longest_s=LIMITS.learn_s), LIMITS)
    app = application(routes, metrics, token=None, lifespan=lifespan, openapi_url=None)
    return Server(app, LIMITS, host="127.0.0.1", port=0, on_started=on_started)


def _learner_on_demand(desk: Desk, *, longest_s: float) -> "Callable[[], Learner]":
    """A function that returns the learner of a desk, which its first call makes: what *Learn* imports takes longer than
    everything else that the server needs to show a recording.

    A chosen model labels the recordings from then on. New models are saved in a folder ``models`` beside the first
    recording.
    """
    loading = threading.Lock()

    @cache
    def made() -> "Learner":
        from harken.annotations.store import NO_FILE
        from harken.models.recogniser import Recogniser
        from harken.web.learn import Labelled, Learner

        def labelled() -> list[Labelled]:
            return [
                Labelled.of(each.path, each.subject or each.name, each.labels.bouts)
                for each in desk.recordings
                if each.labels is not None and (len(each.labels.bouts) or each.labels.digest != NO_FILE)
            ]

        async def serve(_: Recogniser, path: Path | None) -> None:
            desk.use_model(path or before)

        before = desk.model
        return Learner(
            labelled=labelled,
            before=None if before is None else Recogniser.load(before, device="cpu"),
            folder=desk.recordings[0].path.absolute().parent / "models",
            serve=serve,
            orientation=True,
            longest_s=longest_s,
            reading=desk.reading,
        )

    def learner() -> "Learner":
        with loading:
            return made()

    return learner
