"""The server of ``harken annotate``, ready to run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harken.readers.options import TableOptions
from harken.server.server import extra_serve, uvicorn_server

if TYPE_CHECKING:
    import uvicorn

PAGE = Path(__file__).parent / "page"


def annotation_server(
    files: Sequence[tuple[Path, str]],
    *,
    reading: TableOptions,
    model: Path | None,
    on_started: Callable[[], None] = lambda: None,
    on_failed: Callable[[str], None] = lambda _: None,
) -> "uvicorn.Server":
    """A server that is ready to ``run(sockets=...)``. Only this machine reaches it.

    Args:
        files: the recordings, and a name for each.
        reading: how tables are read.
        model: the model that makes suggestions, a file or a run directory; None for none.
        on_started: called when the server answers requests.
        on_failed: called with a sentence when a recording cannot be read.

    Raises:
        HarkenError: when a package is missing, or the model cannot be read.
    """
    with extra_serve():
        from fastapi import FastAPI

        from harken.annotating.desk import Desk
        from harken.annotating.learning import learner_on_demand
        from harken.annotating.routes import LIMITS, annotating_routes
        from harken.server.answers import add_error_answers
        from harken.server.guard import Guard
        from harken.server.learn_routes import learn_routes
        from harken.server.metrics import Metrics
        from harken.server.page_files import SERVER_PAGE, page_routes

    desk = Desk(files, reading, model=model, on_failed=on_failed)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: "FastAPI") -> AsyncIterator[None]:
        running = asyncio.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    add_error_answers(app, metrics)
    app.include_router(annotating_routes(desk))
    app.include_router(page_routes(PAGE, SERVER_PAGE))
    app.include_router(learn_routes(learner_on_demand(desk, longest_s=LIMITS.learn_s), LIMITS))
    guard = Guard(app, token=None, on_refused=lambda reason: metrics.add("harken_refused_total", reason=reason))
    return uvicorn_server(guard, LIMITS, host="127.0.0.1", port=0, on_started=on_started)
