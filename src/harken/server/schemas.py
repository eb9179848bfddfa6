"""The fields of requests and answers, for the OpenAPI description."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

__all__ = [
    "REFUSALS",
    "Health",
    "ModelDescription",
    "PushMessage",
    "Pushed",
    "RecordingProgress",
    "RecordingTimeline",
    "Refusal",
    "WatchSummary",
    "WatchTimeline",
]

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class Refusal(BaseModel):
    """Why a request was not served, in a sentence."""

    error: str


class Health(BaseModel):
    """The state of the server; ``kept`` says whether samples are kept."""

    status: Literal["ok"]
    version: str
    watches: int
    kept: bool


class ModelDescription(BaseModel):
    """The model that labels."""

    labels: list[str]
    window_length_s: float
    hop_s: float
    sample_rate_hz: float
    name: str
    card: list[str]
    demo: bool


class WatchSummary(BaseModel):
    """A watch that sends, or sent until a while ago."""

    watch: str
    since_ms: int
    last_ms: int
    label: str | None
    sample_rate_hz: float | None


class WatchRow(BaseModel):
    """A final row of a watch's timeline. Times are milliseconds since 1970, with fractions."""

    start_ms: float
    end_ms: float
    label: str
    probabilities: list[Share]


class WatchTimeline(BaseModel):
    """The latest rows of a watch that are final, as an offline run labels the same samples."""

    watch: str
    labels: list[str]
    hop_s: float
    rows: list[WatchRow]


class RecordingRow(BaseModel):
    """A row of a recording's timeline."""

    start_ms: int
    end_ms: int
    label: str | None
    wear: bool | None
    activity_mg: float | None
    probabilities: list[Share]


class RecordingTimeline(BaseModel):
    """The timeline of a recording, with hours by label, and the addresses of its report and its tables. These are null
    without a key, and the tables if they are too large."""

    subject: str
    timezone: str
    labels: list[str]
    rows: list[RecordingRow]
    hours: dict[str, float]
    notes: list[str]
    report: str | None
    tables: str | None


class RecordingProgress(BaseModel):
    """How far the labelling of a recording is; ``share`` of the stage, null if it is not known."""

    stage: Literal["send", "read", "movement", "label", "smooth", "write", "done"]
    share: Share | None


class SensorValues(BaseModel):
    """The values of a sensor at one time. Their names depend on the sensor."""

    name: str = Field(examples=["accelerometer", "gravity", "wrist motion"])
    time: int = Field(ge=0, lt=4 * 10**18, description="Nanoseconds since 1970.")
    values: dict[str, Any]


class PushMessage(BaseModel):
    """A message of Sensor Logger. ``messageId`` and ``sessionId`` are not used, because samples have times."""

    deviceId: Name  # noqa: N815
    payload: list[SensorValues]


class Pushed(BaseModel):
    """How many samples of acceleration were completed by a message; others wait for gravity."""

    samples: int


def _refusal(about: str) -> dict[str, Any]:
    return {"model": Refusal, "description": about}


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: _refusal("The message cannot be read, and none of its samples were accepted."),
    401: _refusal("A token is needed."),
    403: _refusal("A page of another site, or a name that is not this machine's."),
    404: _refusal("There is no watch of this name, or no recording or result with this key."),
    408: _refusal("The body came too slowly."),
    409: _refusal("The key of a recording is in use."),
    413: _refusal("The body is too large."),
    422: _refusal("The query is not valid, or the recording cannot be read."),
    429: _refusal("The watch sends too many samples; Retry-After gives the seconds to wait."),
    503: _refusal("The server has reached its limit of watches or recordings; Retry-After gives the seconds to wait."),
    507: _refusal("The samples could not be written to the disk; send them again."),
}
