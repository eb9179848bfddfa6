"""The fields of requests and answers, for the OpenAPI description."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from harken.annotations.routine import MOST_STEPS
from harken.annotations.table import LONGEST_LABEL
from harken.web.learned import How, Learned
from harken.web.record.teaching import Doubt, Reason

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]


class NamedParameter(BaseModel):
    """A part of a sentence: a parameter of the query."""

    parameter: str


class Refusal(BaseModel):
    """Why a request was not served, in a sentence. If it names parameters that would help, ``parts`` are the words of
    the sentence and these parameters, in order, for a page that has other names for them."""

    error: str
    parts: list[str | NamedParameter] | None = None


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


class WatchOrientation(BaseModel):
    """How a watch sits on the arm. The windows that end after ``since_ms`` are turned about the face by
    ``turned_degrees``; null: all windows. Before that, all axes are reversed if ``gravity_reversed``."""

    known: bool
    source: Literal["stated", "walking", "none"]
    turned_degrees: int
    gravity_reversed: bool
    since_ms: float | None
    reason: str


class WatchSummary(BaseModel):
    """A watch that sends, or sent until a while ago."""

    watch: str
    since_ms: int
    last_ms: int
    label: str | None
    silent_since_ms: int | None
    sample_rate_hz: float | None
    orientation: WatchOrientation | None


class WatchRow(BaseModel):
    """A final row of a watch's timeline. Times are milliseconds since 1970, with fractions."""

    start_ms: float
    end_ms: float
    label: str
    probabilities: list[Share]
    hands: Share | None = None


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
    hands: Share | None = None


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

    stage: Literal["send", "read", "movement", "label", "smooth", "outcomes", "write", "done"]
    share: Share | None


class Pushed(BaseModel):
    """How many samples of acceleration were completed by a message; others wait for gravity."""

    samples: int


class RecordedWatch(BaseModel):
    """A watch with which something is recorded."""

    watch: Name


class BeginRecording(RecordedWatch):
    """The beginning of a bout."""

    # What a label may be is checked where the rules of all labels are, and refused in their words.
    label: str = Field(min_length=1, json_schema_extra={"maxLength": LONGEST_LABEL})


class EndRecording(RecordedWatch):
    """The end of a bout; the last ``discard_s`` seconds are left out."""

    discard_s: float = Field(default=0.0, ge=0, le=60)


class RecordedBout(BaseModel):
    """A bout. Times are milliseconds since 1970 by the clock of the watch. ``seconds``: as far as there are samples."""

    start_ms: int
    end_ms: int
    label: str
    seconds: float


class OpenBout(BaseModel):
    """A bout that is being recorded; ``seconds``: how long it has lasted."""

    watch: str
    label: str
    start_ms: int
    seconds: float


class RecordedSession(BaseModel):
    """The bouts of a session, and its recording in the folder of ``--keep``, which is made when the session is closed.
    ``trouble`` says why it could not be made; ``left_out`` is the number of bouts of which no sample came."""

    name: str
    closed: bool
    made: bool
    left_out: int
    bouts: list[RecordedBout]
    recording: str
    trouble: str | None


class Recorded(BaseModel):
    """What is recorded with a watch, and whether it can be; ``why_not`` is a sentence. The latest session is first."""

    possible: bool
    why_not: str | None
    labels: list[str]
    open: OpenBout | None
    others: list[OpenBout]
    sessions: list[RecordedSession]


class Ended(BaseModel):
    """What a bout has become; null if nothing of it is left. For the last ``missing_s`` of it, no samples have come."""

    bout: RecordedBout | None
    missing_s: float


class RoutineStep(BaseModel):
    """A step of a routine: what the wearer does, its label, in which way, and for how long."""

    instruction: str
    label: str
    kind: str
    seconds: float


class RoutineDescription(BaseModel):
    """A routine; ``cut_s`` at both ends of each step get no label."""

    name: str
    title: str
    cut_s: float
    seconds: float
    steps: list[RoutineStep]


class Taught(BaseModel):
    """The routine of this server, and how far a watch is in it. ``number`` is the step, from 1, that runs since
    ``elapsed_s``, is asked about, or is next. ``broken`` says why it was broken off, and ``doubt`` how its movement
    contradicts its label. ``session`` is that of the steps; its recording is ``made`` after it was closed."""

    possible: bool
    why_not: str | None
    routine: RoutineDescription
    state: Literal["idle", "running", "asking", "waiting", "finished", "closed"]
    number: int | None
    elapsed_s: float
    broken: Reason | None
    doubt: Doubt | None
    steps: list[Literal["open", "kept", "skipped"]]
    session: str | None
    made: bool
    trouble: str | None


class TeachStep(RecordedWatch):
    """What to do with a step: begin it (also again), pause it, skip it, or keep it although it was asked about."""

    number: int = Field(ge=1, le=MOST_STEPS)
    do: Literal["begin", "pause", "skip", "keep"]


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
    a learned one. ``wearer`` is the only one from whose recordings the job learns; null: from all."""

    enabled: bool
    state: Literal["idle", "running", "done", "failed", "cancelled"]
    how: How | None
    wearer: str | None
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
    """How to learn: adapt the starting model, or train a new one; from the recordings of one wearer, or of all."""

    how: How
    wearer: Name | None = None


class ChoiceBody(BaseModel):
    """Which model to serve: ``new``, ``before``, or the name of one of ``models``."""

    serve: Annotated[str, Field(min_length=1, max_length=255)]


REFUSALS = {
    400: "The message cannot be read, and none of its samples were accepted.",
    401: "A token is needed.",
    403: "A page of another site, or a name that is not this machine's.",
    404: "There is no watch of this name, no recording or result with this key, or no such bout or step.",
    408: "The body came too slowly.",
    409: "The key of a recording is in use; nothing can be recorded now, or is being recorded; a job of learning runs "
    "already, or there is no such model.",
    413: "The body is too large.",
    422: "The request is not valid, the recording cannot be read, or there is nothing to learn from in this way.",
    429: "The watch sends too many samples; Retry-After gives the seconds to wait.",
    503: "The server has reached its limit of watches or recordings; Retry-After gives the seconds to wait.",
    507: "The samples, or a bout, could not be written to the disk; send the request again.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The descriptions of answers with these statuses."""
    return {status: {"model": Refusal, "description": REFUSALS[status]} for status in statuses}
