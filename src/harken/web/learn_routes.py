"""The routes of *Learn*: ``/api/learn``, ``/api/learn/choice`` and ``/api/learn/report``."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from harken.web.limits import Limits
from harken.web.page_files import SECURITY_HEADERS
from harken.web.requests import described_body, fields_of
from harken.web.schemas import ChoiceBody, LearningState, LearnRequestBody, refusals

if TYPE_CHECKING:
    from harken.web.learn import Learner

JSON = "application/json"
REFUSED = refusals(408, 409, 413, 422, 507)


def learn_routes(routes: APIRouter, learner: Callable[[], "Learner"], limits: Limits) -> None:
    """The routes; ``learner`` is called in a thread with each request, and ``limits`` are those of requests."""
    Learning = Annotated[Any, Depends(learner)]  # a type

    @routes.get("/api/learn", response_model=LearningState)
    async def state(learning: Learning) -> dict[str, Any]:
        """What there is to learn from, the progress of a job, and its result."""
        return dict(await learning.state())

    @routes.post(
        "/api/learn",
        status_code=202,
        response_model=LearningState,
        responses=REFUSED,
        openapi_extra=described_body(JSON, LearnRequestBody.model_json_schema()),
    )
    async def begin(request: Request, learning: Learning) -> dict[str, Any]:
        """Begin to learn."""
        asked = await fields_of(request, LearnRequestBody, limits)
        await learning.begin(asked.how, asked.wearer)
        return dict(await learning.state())

    @routes.delete("/api/learn", response_model=LearningState)
    async def cancel(learning: Learning) -> dict[str, Any]:
        """End the job, if one runs."""
        await learning.cancel()
        return dict(await learning.state())

    @routes.post(
        "/api/learn/choice",
        response_model=LearningState,
        responses=REFUSED,
        openapi_extra=described_body(JSON, ChoiceBody.model_json_schema()),
    )
    async def choose(request: Request, learning: Learning) -> dict[str, Any]:
        """Serve the new model, the one before, or one that was learned earlier."""
        await learning.choose((await fields_of(request, ChoiceBody, limits)).serve)
        return dict(await learning.state())

    @routes.get("/api/learn/report", response_class=FileResponse, responses=refusals(404))
    async def report(learning: Learning, model: str) -> Response:
        """The report of the training of a saved model, a page."""
        path = await asyncio.to_thread(learning.find_report, model)
        return FileResponse(path, media_type="text/html", headers=SECURITY_HEADERS)
