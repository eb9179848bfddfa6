"""The live server: its routes, and the tasks beside them.

The routes give information about watches and model, label recordings, take Sensor Logger's pushes, and serve the page.
Through ``/ws/samples`` come samples and go labels; ``/ws/view`` is for the page.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.websockets import WebSocket

from harken import __version__
from harken.annotations.routine import Routine, find_routine
from harken.models.recogniser import Recogniser
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.web.address import check_token, is_loopback
from harken.web.clients import Client, Sender, frame_of, messages_of, serve
from harken.web.demo import DemoWatch, about_demo, demo_watches, stream
from harken.web.hub import Hub
from harken.web.learn import Labelled, Learner, chosen_model, labelled_in, models_folder, remember_choice
from harken.web.learn_routes import learn_routes
from harken.web.limits import Limits, RefusedError
from harken.web.page_files import SERVER_PAGE, page_routes
from harken.web.record.recorder import Recorder
from harken.web.record.routes import record_routes
from harken.web.record.teach_routes import run_routines, teach_routes
from harken.web.record.teacher import Teacher
from harken.web.requests import FileAnswer, Guard, application, check_length, described_body, read_body
from harken.web.sample_log import SampleLog
from harken.web.sample_messages import HOW_PUSHED, Push, UnitCheck
from harken.web.schemas import (
    Health,
    ModelDescription,
    Pushed,
    RecordingProgress,
    RecordingTimeline,
    WatchSummary,
    WatchTimeline,
    refusals,
)
from harken.web.server import Server, allow_files
from harken.web.uploads import REPORT, TABLES, ReadingParameters, ReadingValues, Uploads

REPORT_HEADERS = {
    # A report is made of a stranger's file: its scripts run, but as those of another site, without this one's data.
    "content-security-policy": "sandbox allow-scripts allow-modals; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
WITHOUT_KEEP = "To learn from labels, start the server with harken serve --keep DIR, without --demo."
USUAL_ROUTINE = "five-minutes"
HTML, ZIP = "text/html", "application/zip"
KEY = "^[A-Za-z0-9_-]{22,64}$"
"""Long enough that nobody guesses a random one."""
LARGEST_VIEW_MESSAGE = 4096
SHOWN = 40
"""Characters of a wrong value in its refusal."""
YES = ("1", "true", "yes", "on")
Key = Annotated[str, PathParameter(pattern=KEY, description="The key with which the recording was posted.")]


def server_for(
    recogniser: Recogniser,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    keep: Path | None = None,
    demo: bool = False,
    forearm_axis: ForearmAxis | None = None,
    routine: Routine | None = None,
    limits: Limits | None = None,
    training: Mapping[str, Any] | None = None,
    on_started: Callable[[], None] = lambda: None,
) -> Server:
    """A server that is ready to ``run()``.

    Args:
        recogniser: labels the samples, unless a learned model was chosen in ``keep``
            (``web.learn``); with ``demo`` it must be the demo's model (``web.demo.MODEL``).
        host, port: the address.
        token: the token that clients must send; None only for loopback addresses.
        keep: the folder to which samples are written before they are acknowledged; if None, they are not kept.
        demo: stream the demo's people. Posted recordings are labelled by the packaged model.
        forearm_axis: the axis along the forearm of all watches that state no other; None to find it by walking.
        routine: what wearers do to teach the model; None: the routine ``five-minutes``.
        limits: the limits of clients; the defaults if None.
        training: arguments of ``harken.train`` for *Learn*, in place of the usual ones.
        on_started: called when the server answers requests.

    Raises:
        HarkenError: when the token is empty or cannot be sent, the address needs one, samples cannot be kept, or the
            demo's data is not installed.
    """
    check_token(token)
    if not is_loopback(host) and token is None:
        raise HarkenError(f"{host} can be reached from other machines: give a token")
    allow_files()
    limits = limits or Limits()
    # Loaded here, so that missing data of the demo is an error before the server listens.
    watches = demo_watches() if demo else []
    served = None if keep is None or demo else chosen_model(models_folder(keep), recogniser)
    labelling = recogniser if served is None else Recogniser.load(served, device="cpu")
    hub = Hub(
        labelling,
        limits=limits,
        log=None if keep is None else SampleLog(keep),
        recorder=None if keep is None or demo else Recorder(keep, limits),
        about_model=about_demo(recogniser) if demo else None,
        forearm_axis=forearm_axis,
    )
    uploads = Uploads(Recogniser.load(device="cpu") if demo else labelling, limits)
    learner = _learner(hub, uploads, recogniser, served, training, forearm_axis)
    if routine is None:
        routine = find_routine(USUAL_ROUTINE)
    app = _application(hub, uploads, learner, watches, token, routine)
    return Server(app, limits, host=host, port=port, on_started=on_started)


def _application(
    hub: Hub,
    uploads: Uploads,
    learner: Learner,
    watches: Sequence[DemoWatch],
    token: str | None,
    routine: Routine,
) -> Guard:
    routes = APIRouter()
    teacher = None if hub.recorder is None else Teacher(hub.recorder, routine)
    information_routes(routes, hub)
    recording_routes(routes, hub, uploads)
    record_routes(routes, hub)
    teach_routes(routes, hub, teacher, routine)
    learn_routes(routes, lambda: learner, hub.limits)
    push_routes(routes, hub)
    socket_routes(routes, hub)
    page_routes(routes, SERVER_PAGE)
    return application(
        routes,
        hub.metrics,
        token=token,
        lifespan=_lifespan(hub, uploads, learner, watches, teacher),
        title="harken",
        version=__version__,
        summary="Activity recognition from a wrist accelerometer, live.",
    )


def _learner(
    hub: Hub,
    uploads: Uploads,
    before: Recogniser,
    served: Path | None,
    training: Mapping[str, Any] | None,
    forearm_axis: ForearmAxis | None,
) -> Learner:
    """*Learn* on the recordings with labels in the folder of ``--keep``."""
    recorder, log = hub.recorder, hub.log
    folder = Path() if log is None else models_folder(log.folder)

    async def serve(recogniser: Recogniser, path: Path | None) -> None:
        await hub.serve(recogniser)
        uploads.recogniser = recogniser
        await asyncio.to_thread(remember_choice, folder, before, path)

    def labelled() -> list[Labelled]:
        if recorder is None or log is None:
            return []
        return labelled_in(log.folder / "recordings")

    return Learner(
        labelled=labelled,
        before=before,
        folder=folder,
        serve=serve,
        longest_s=hub.limits.learn_s,
        served=served,
        forearm_axis=forearm_axis,
        refused=WITHOUT_KEEP if recorder is None else None,
        training=training,
    )


def _lifespan(
    hub: Hub, uploads: Uploads, learner: Learner, watches: Sequence[DemoWatch], teacher: Teacher | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The tasks that run while the server does."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hub.replay()
        running = [asyncio.create_task(hub.run())]
        if hub.log is not None:
            running.append(asyncio.create_task(hub.log.run()))
        if hub.recorder is not None:
            running.append(asyncio.create_task(hub.recorder.run(hub.viewers.send_recording)))
        if teacher is not None:
            running.append(asyncio.create_task(run_routines(hub, teacher)))
        if watches:
            running.append(asyncio.create_task(stream(hub.receive_own, watches)))
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await learner.cancel()
            uploads.close()
            hub.close()

    return lifespan


def information_routes(routes: APIRouter, hub: Hub) -> None:
    """``/health``, ``/metrics``, ``/api/model``, ``/api/watches`` and ``/api/timeline``."""

    @routes.get("/health", response_model=Health)
    async def health() -> dict[str, Any]:
        """Whether the server works. Needs no token."""
        return {
            "status": "ok",
            "version": __version__,
            "watches": len(hub.sessions),
            "kept": hub.log is not None,
        }

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """Counts for Prometheus."""
        return hub.metrics_text()

    @routes.get("/api/model", response_model=ModelDescription)
    async def model() -> dict[str, Any]:
        """The model that labels."""
        return hub.model()

    @routes.get("/api/watches", response_model=list[WatchSummary])
    async def watches() -> list[dict[str, Any]]:
        """The watches that send."""
        return hub.watches()

    @routes.get("/api/timeline", response_model=WatchTimeline, responses=refusals(404, 422))
    async def timeline(
        watch: Annotated[str, Query(min_length=1, max_length=128, description="The watch's name.")],
    ) -> dict[str, Any]:
        """A watch's latest 600 rows (ten minutes) that are final, as an offline run labels the same samples."""
        session = hub.sessions.get(watch)
        if session is None:
            raise RefusedError(404, "there is no such watch")
        return session.timeline()


def _file(kind: str) -> dict[int | str, dict[str, Any]]:
    """The description of answers that are files of a media type, or refusals."""
    return {200: {"description": "The file.", "content": {kind: {}}}, **refusals(404, 422)}


def recording_routes(routes: APIRouter, hub: Hub, uploads: Uploads) -> None:
    """``/api/recordings``, and the progress, report and tables under it."""

    @routes.post(
        "/api/recordings",
        response_model=RecordingTimeline,
        responses=refusals(408, 409, 413, 422, 503, 507),
        openapi_extra=described_body("application/octet-stream", {"type": "string", "format": "binary"}),
    )
    async def recordings(
        request: Request,
        name: Annotated[
            str, Query(min_length=1, max_length=255, description="The file's name; its ending selects the reader.")
        ],
        reading: Annotated[ReadingValues, Depends(ReadingParameters())],
        key: Annotated[
            str | None,
            Query(pattern=KEY, description="A random key for the addresses of the progress, report and tables."),
        ] = None,
    ) -> Response:
        """Label a recording."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            sentence = "send the recording itself as the body, not as a form: curl --data-binary @FILE"
            raise RefusedError(422, sentence, reason="recording")
        check_length(request, hub.limits.upload_bytes)
        gone = partial(_disconnected, request)
        answer = await uploads.label(name, request.stream(), gone, reading=reading, key=key)
        # Not validated again, and sent in pieces: the rows of a month would block the event loop.
        return FileAnswer(io.BytesIO(answer), "application/json")

    @routes.get("/api/recordings/{key}", response_model=RecordingProgress, responses=refusals(404, 422))
    async def progress(key: Key) -> dict[str, Any]:
        """How far the labelling of a recording with this key is."""
        upload = uploads.of(key)
        return {"stage": upload.stage, "share": upload.share}

    @routes.get(f"/api/recordings/{{key}}/{REPORT}", response_class=StreamingResponse, responses=_file(HTML))
    async def report(key: Key) -> FileAnswer:
        """The report of a recording."""
        return FileAnswer(uploads.of(key).open(REPORT), HTML, REPORT_HEADERS)

    @routes.get(f"/api/recordings/{{key}}/{TABLES}", response_class=StreamingResponse, responses=_file(ZIP))
    async def tables(key: Key) -> FileAnswer:
        """The tables of a recording, packed."""
        upload = uploads.of(key)
        name = quote(f"{upload.name}_{TABLES}")
        headers = {"content-disposition": f"attachment; filename=\"{name}\"; filename*=utf-8''{name}"}
        return FileAnswer(upload.open(TABLES), ZIP, {"cache-control": "no-store", **headers})


def push_routes(routes: APIRouter, hub: Hub) -> None:
    """``/push``."""

    @routes.post(
        "/push",
        response_model=Pushed,
        responses=refusals(400, 408, 413, 422, 429, 503, 507),
        openapi_extra=described_body("application/json", msgspec.json.schema(Push)),
    )
    async def push(
        request: Request,
        forearm_axis: Annotated[
            ForearmAxis | None, Query(description="The axis of the watch that points along the forearm.")
        ] = None,
    ) -> dict[str, Any]:
        """Take a message of Sensor Logger. The answer is sent when its samples are taken, with --keep on the disk."""
        body = await read_body(request, hub.limits.message_bytes, seconds=hub.limits.body_s)
        try:
            message = msgspec.json.decode(body, type=Push)
        except (ValueError, RecursionError) as error:
            raise RefusedError(400, f"the message cannot be read ({error}); {HOW_PUSHED}") from error
        session = hub.session(message.device_id)
        hub.state_axis(session, forearm_axis)
        signals, time_ns = session.sensors.take(message.payload)
        written = hub.receive(message.device_id, signals, time_ns)
        if written is not None:
            try:
                await asyncio.shield(written)
            except HarkenError as error:
                raise RefusedError(507, str(error)) from error
        return {"samples": len(time_ns)}


class Choice(msgspec.Struct):
    """A message of ``/ws/view``."""

    type: Literal["choose"]
    watch: str


def socket_routes(routes: APIRouter, hub: Hub) -> None:
    """``/ws/samples`` and ``/ws/view``."""

    async def samples(socket: WebSocket) -> None:
        """Receive samples of one watch and send its labels, until one side closes the socket."""
        acknowledging = hub.log is not None or socket.query_params.get("ack", "").lower() in YES
        watch = socket.query_params.get("watch", "")
        unit = UnitCheck()
        sender = Sender(socket, hub.limits, hub.metrics, watch=watch, acknowledging=acknowledging, unit=unit)
        await serve(sender, _take_samples(hub, sender), hub.limits.socket_s)

    async def view(socket: WebSocket) -> None:
        """Send samples and labels of the chosen or first watch, until one side closes the socket."""
        viewer = Client(socket, hub.limits, hub.metrics)
        await serve(viewer, _take_choices(hub, viewer), hub.limits.socket_s)

    routes.add_websocket_route("/ws/samples", samples)
    routes.add_websocket_route("/ws/view", view)


async def _take_samples(hub: Hub, sender: Sender) -> None:
    forearm_axis = _stated_axis(sender.socket)
    session = hub.session(sender.watch)
    hub.state_axis(session, forearm_axis)
    senders = session.senders
    senders.add(sender)
    if session.stream.mounting.turn is not None:
        sender.put(frame_of(session.orientation_message()))
    try:
        async for message in messages_of(sender):
            hub.put(sender, message)
            await sender.wait(message)
    finally:
        senders.discard(sender)


def _stated_axis(socket: WebSocket) -> ForearmAxis | None:
    text = socket.query_params.get("forearm_axis")
    if text is None:
        return None
    for axis in get_args(ForearmAxis):
        if text == axis:
            return cast(ForearmAxis, axis)
    raise RefusedError(400, f"forearm_axis must be x, y, -x or -y, not {printable(text[:SHOWN])!r}")


async def _take_choices(hub: Hub, viewer: Client) -> None:
    hub.viewers.add(viewer, hub.model())
    hub.viewers.choose(viewer, viewer.socket.query_params.get("watch"))
    try:
        async for message in messages_of(viewer):
            name = _chosen_watch(message)
            if name in hub.sessions:
                hub.viewers.choose(viewer, name)
            else:
                viewer.put(frame_of({"type": "error", "message": f"there is no watch {name!r} any more"}))
    finally:
        hub.viewers.remove(viewer)


def _chosen_watch(text: str | bytes) -> str:
    if len(text) > LARGEST_VIEW_MESSAGE:
        raise RefusedError(413, "the message is too large", reason="message")
    try:
        return msgspec.json.decode(text, type=Choice).watch
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, 'a message must be {"type": "choose", "watch": NAME}') from error


async def _disconnected(request: Request) -> None:
    """Returns when the client of a request, whose body has been read, disconnects."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
