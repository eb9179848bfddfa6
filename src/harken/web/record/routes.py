"""The routes of recording with labels: ``/api/record`` and under it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel

from harken.web.hub import Hub
from harken.web.limits import RefusedError
from harken.web.record.recorder import Recorder
from harken.web.record.session import MS_NS, Bout, OpenBout, RecordedSession
from harken.web.requests import described_body, fields_of
from harken.web.schemas import BeginRecording, Ended, EndRecording, Recorded, RecordedWatch, refusals
from harken.web.session import Session

SILENT_S = 15.0
"""A watch that has sent nothing for this time cannot begin a bout."""
LABELS, SESSIONS = 30, 10
WITHOUT_KEEP = "To record labels or teach the model, start harken serve --keep DIR, with a folder for the recordings."
WITH_DEMO = "The people of the demo are not recorded; start harken serve --keep DIR without --demo."
NOTHING = {"possible": False, "labels": [], "open": None, "others": [], "sessions": []}
Step = Callable[[Request], Awaitable[dict[str, Any]]]
Name = Annotated[str, PathParameter(max_length=100, description="The name of the session.")]
StartMs = Annotated[int, PathParameter(ge=0, lt=4 * 10**12, description="When the bout began.")]
WatchName = Annotated[str, Query(min_length=1, max_length=128, description="The watch's name.")]


def post_route(
    routes: APIRouter, path: str, body: type[BaseModel], answer: type[BaseModel], *statuses: int
) -> Callable[[Step], Step]:
    """Return what makes a function the route of a step. It may also answer with other ``statuses`` than the usual."""
    return routes.post(
        path,
        response_model=answer,
        responses=refusals(*sorted((408, 409, 413, 422, 507, *statuses))),
        openapi_extra=described_body("application/json", body.model_json_schema()),
    )


def record_routes(routes: APIRouter, hub: Hub) -> None:
    """The routes for the watches of a hub."""

    async def after(watch: str) -> dict[str, Any]:
        hub.viewers.send_recording(watch)
        return await asyncio.to_thread(_recorded, hub, find_recorder(hub), watch)

    @routes.get("/api/record", response_model=Recorded, responses=refusals(422))
    async def recorded(watch: WatchName) -> dict[str, Any]:
        """What is recorded with a watch."""
        if hub.recorder is None:
            return NOTHING | {"why_not": say_why_not(hub)}
        return await asyncio.to_thread(_recorded, hub, hub.recorder, watch)

    @post_route(routes, "/api/record/begin", BeginRecording, Recorded, 404)
    async def begin(request: Request) -> dict[str, Any]:
        """Begin a bout of a watch. The answer is sent when it is on the disk."""
        asked = await fields_of(request, BeginRecording, hub.limits)
        recorder, start_ns = find_recorder(hub), find_start_ns(hub, asked.watch)
        await asyncio.to_thread(recorder.begin, asked.watch, asked.label, start_ns)
        return await after(asked.watch)

    @post_route(routes, "/api/record/end", EndRecording, Ended)
    async def end(request: Request) -> dict[str, Any]:
        """End the bout of a watch. The answer is sent when it is on the disk."""
        asked = await fields_of(request, EndRecording, hub.limits)
        recorder = find_recorder(hub)
        pressed = (time.monotonic(), time.time_ns())
        ended = await asyncio.to_thread(_end, hub, recorder, asked, pressed)
        hub.viewers.send_recording(asked.watch)
        return ended

    @post_route(routes, "/api/record/close", RecordedWatch, Recorded)
    async def close(request: Request) -> dict[str, Any]:
        """Finish the session of a watch: its recording is made, and the next bout begins a new session."""
        asked = await fields_of(request, RecordedWatch, hub.limits)
        await asyncio.to_thread(find_recorder(hub).close, asked.watch)
        return await after(asked.watch)

    @routes.delete("/api/record/{name}/{start_ms}", status_code=204, responses=refusals(404, 409, 422, 507))
    async def delete(name: Name, start_ms: StartMs) -> None:
        """Delete a bout of a session that is not finished. Its samples stay in the log."""
        hub.viewers.send_recording(await asyncio.to_thread(find_recorder(hub).delete, name, start_ms))


def say_why_not(hub: Hub) -> str:
    """Return why nothing can be recorded in this server, a sentence."""
    return WITH_DEMO if hub.model()["demo"] else WITHOUT_KEEP


def find_recorder(hub: Hub) -> Recorder:
    """Return the recorder of a hub. Raises ``RefusedError`` when nothing can be recorded."""
    if hub.recorder is None:
        raise RefusedError(409, say_why_not(hub), reason="recording")
    return hub.recorder


def find_start_ns(hub: Hub, watch: str) -> int:
    """What the clock of a watch shows now. Raises ``RefusedError`` when it does not send."""
    session = hub.sessions.get(watch)
    if session is None or not session.clock.known:
        raise RefusedError(404, "there is no such watch; it may have stopped sending")
    now_s = time.monotonic()
    if (silent_s := now_s - session.last_message_s) > SILENT_S:
        sentence = f"the watch has sent nothing for {silent_s:.0f} s; nothing would be recorded"
        raise RefusedError(409, sentence, reason="silent")
    return _in_ms(session.clock.now_ns(now_s))


def _end(hub: Hub, recorder: Recorder, asked: EndRecording, pressed: tuple[float, int]) -> dict[str, Any]:
    """End a bout when it was ``pressed``, by ``time.monotonic`` and ``time.time_ns``; the answer."""
    session = hub.sessions.get(asked.watch)
    opened = next((one.open for one in recorder.open_sessions() if one.watch == asked.watch), None)
    now_ns = find_now_ns(session, 0 if opened is None else opened.ahead_ns, *pressed)
    ended = recorder.end(asked.watch, _in_ms(now_ns - round(asked.discard_s * 1e9)))
    if ended is None:
        return {"bout": None, "missing_s": 0.0}
    bout = _bout(ended, session)
    return {"bout": bout, "missing_s": round((ended.end_ns - ended.start_ns) / 1e9 - bout["seconds"], 3)}


def _recorded(hub: Hub, recorder: Recorder, watch: str) -> dict[str, Any]:
    """The answer of ``/api/record``."""
    session = hub.sessions.get(watch)
    opened = {one.watch: one.open for one in recorder.open_sessions() if one.open is not None}
    shown = {name: _open(name, one, hub.sessions.get(name)) for name, one in opened.items()}
    return {
        "possible": True,
        "why_not": None,
        "labels": recorder.labels()[:LABELS],
        "open": shown.pop(watch, None),
        "others": list(shown.values()),
        "sessions": [_session(recorder, one, session) for one in recorder.sessions(watch, SESSIONS)],
    }


def _session(recorder: Recorder, recorded: RecordedSession, session: Session | None) -> dict[str, Any]:
    path = recorder.files.recording(recorded.name)
    return {
        "name": recorded.name,
        "closed": recorded.closed_s is not None,
        "made": recorded.made,
        "left_out": recorded.left_out,
        "bouts": [_bout(bout, session) for bout in recorded.bouts],
        "recording": f"{path.parent.name}/{path.name}",
        "trouble": recorder.trouble(recorded.name),
    }


def _open(watch: str, opened: OpenBout, session: Session | None) -> dict[str, Any]:
    seconds = max(
        0.0, (find_now_ns(session, opened.ahead_ns, time.monotonic(), time.time_ns()) - opened.start_ns) / 1e9
    )
    return {"watch": watch, "label": opened.label, "start_ms": opened.start_ns // MS_NS, "seconds": round(seconds, 3)}


def _bout(bout: Bout, session: Session | None) -> dict[str, Any]:
    end_ns = bout.end_ns if session is None or not session.last_ns else min(bout.end_ns, session.last_ns)
    return {
        "start_ms": bout.start_ns // MS_NS,
        "end_ms": bout.end_ns // MS_NS,
        "label": bout.label,
        "seconds": round(max(0, end_ns - bout.start_ns) / 1e9, 3),
    }


def find_now_ns(session: Session | None, ahead_ns: int, now_s: float, server_ns: int) -> int:
    """Return what the clock of a watch shows; for one that has not sent, by how far it was ahead of the server's."""
    if session is not None and session.clock.known:
        return session.clock.now_ns(now_s)
    return server_ns + ahead_ns


def _in_ms(time_ns: int) -> int:
    """A time in whole milliseconds, as labels have them."""
    return time_ns // MS_NS * MS_NS
