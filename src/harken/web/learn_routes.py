"""The routes of *Learn*: ``/api/learn`` and ``/api/learn/choice``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from harken.training.learn.outcome import How, Learned
from harken.web.limits import Limits
from harken.web.requests import described_body, fields_of
from harken.web.schemas import Refusal, Share, refusals

if TYPE_CHECKING:
    from harken.web.learn import Learner


class Labelled(BaseModel):
    """A wearer, and the labelled seconds by label."""

    subject: str
    seconds_by_label: dict[str, float]


class Refused(BaseModel):
    """Why a way to learn is not possible now; null if it is."""

    adapt: str | None
    train: str | None


class Available(BaseModel):
    """What there is to learn from. ``too_short`` are labels without a bout of ``least_bout_s``, of which no part can be
    held out for a test; null without a starting model."""

    people: list[Labelled]
    labels: list[str]
    least_bout_s: float | None
    too_short: list[str]
    refused: Refused


class Known(BaseModel):
    """The starting model."""

    name: str
    labels: list[str]


class Saved(Known):
    """A model that was learned earlier: the name of its file, its labels, and when it was made (ISO 8601, UTC)."""

    made: str


class LearningState(BaseModel):
    """The state of learning. ``enabled`` says whether this server can learn at all, ``share`` is the share of the whole
    job, ``models`` are the newest learned ones, ``serves`` says which model labels, and ``served_path`` is the file of
    a learned one."""

    enabled: bool
    state: Literal["idle", "running", "done", "failed", "cancelled"]
    how: How | None
    stage: Literal["read", "test", "people", "model"] | None
    share: Share | None
    seconds_left: float | None
    error: str | None
    available: Available
    before: Known | None
    models: list[Saved]
    outcome: Learned | None
    serves: Literal["new", "before"]
    served_path: str | None


class LearnRequestBody(BaseModel):
    """How to learn: adapt the starting model, or train a new one."""

    how: How


class ChoiceBody(BaseModel):
    """Which model to serve: ``new``, ``before``, or the name of one of ``models``."""

    serve: Annotated[str, Field(min_length=1, max_length=255)]


JSON = "application/json"
REFUSED: dict[int | str, dict[str, Any]] = {
    **refusals(408, 413, 507),
    409: {"model": Refusal, "description": "A job runs already, or there is no such model."},
    422: {"model": Refusal, "description": "The body is not valid, or there is nothing to learn from in this way."},
}


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
        await learning.begin((await fields_of(request, LearnRequestBody, limits)).how)
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
