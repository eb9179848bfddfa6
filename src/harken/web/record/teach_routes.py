"""The routes of teaching, ``/api/teach`` and under it, and what ends the steps of routines while the server runs."""

import asyncio
import logging
import time
from typing import Any

from fastapi import APIRouter, Request

from harken.annotations.routine import Routine
from harken.web.hub import Hub
from harken.web.limits import RefusedError
from harken.web.record.routes import WatchName, find_now_ns, find_recorder, find_start_ns, post_route, say_why_not
from harken.web.record.session import RecordedSession
from harken.web.record.teacher import Teacher, WatchTime
from harken.web.record.teaching import Teaching
from harken.web.requests import fields_of
from harken.web.schemas import RecordedWatch, Taught, TeachStep, refusals

LOG = logging.getLogger("uvicorn.error")
LOOK_S = 0.25
"""How often it is checked whether a step has ended."""
RETRY_S = 5.0
"""After an error, such as a full disk."""
IDLE: dict[str, Any] = {
    "state": "idle",
    "number": None,
    "elapsed_s": 0.0,
    "broken": None,
    "doubt": None,
    "steps": [],
    "session": None,
    "made": False,
    "trouble": None,
}
"""How far a watch is that follows no routine."""


def teach_routes(routes: APIRouter, hub: Hub, teacher: Teacher | None, routine: Routine) -> None:
    """The routes for the watches of a hub; without a ``teacher`` nothing can be recorded in this server."""
    about_routine = describe_routine(routine)

    def find_teacher() -> Teacher:
        if teacher is None:
            raise RefusedError(409, say_why_not(hub), reason="recording")
        return teacher

    async def after(watch: str) -> dict[str, Any]:
        hub.viewers.send_recording(watch)
        return await taught(watch)

    @routes.get("/api/teach", response_model=Taught, responses=refusals(422))
    async def taught(watch: WatchName) -> dict[str, Any]:
        """The routine of this server, and how far a watch is in it."""
        if teacher is None:
            return IDLE | {"possible": False, "why_not": say_why_not(hub), "routine": about_routine}
        session = await asyncio.to_thread(teacher.find_session, watch)
        return _describe(hub, session) | {"possible": True, "why_not": None, "routine": about_routine}

    @post_route(routes, "/api/teach/begin", RecordedWatch, Taught, 404)
    async def begin(request: Request) -> dict[str, Any]:
        """Begin the routine with its first step, in a session of its own."""
        asked = await fields_of(request, RecordedWatch, hub.limits)
        start_ns = find_start_ns(hub, asked.watch)
        await asyncio.to_thread(find_teacher().begin, asked.watch, start_ns)
        return await after(asked.watch)

    @post_route(routes, "/api/teach/step", TeachStep, Taught, 404)
    async def step(request: Request) -> dict[str, Any]:
        """Begin a step (also again), pause it, skip it, or keep it although its movement contradicts its label."""
        asked = await fields_of(request, TeachStep, hub.limits)
        found = find_teacher()
        if asked.do == "pause":
            await asyncio.to_thread(found.pause, asked.watch, asked.number)
            return await after(asked.watch)
        start_ns = find_start_ns(hub, asked.watch)
        act = {"begin": found.begin_step, "skip": found.skip, "keep": found.keep}[asked.do]
        await asyncio.to_thread(act, asked.watch, asked.number, start_ns)
        return await after(asked.watch)


async def run_routines(hub: Hub, teacher: Teacher) -> None:
    """End the steps of routines when their time is over, until cancelled."""

    def find_time(watch: str) -> WatchTime | None:
        session = hub.sessions.get(watch)
        if session is None or not session.clock.known:
            return None
        now_s = time.monotonic()
        return WatchTime(session.clock.now_ns(now_s), session.last_ns, now_s - session.last_message_s)

    while True:
        await asyncio.sleep(LOOK_S)
        try:
            changed = await asyncio.to_thread(teacher.advance, find_time)
        except (RefusedError, OSError) as error:
            LOG.warning("a step of a routine could not be ended (%s)", error)
            await asyncio.sleep(RETRY_S)
            continue
        for watch in changed:
            hub.viewers.send_recording(watch)


def describe_routine(routine: Routine) -> dict[str, Any]:
    """Return the ``routine`` of ``/api/teach``."""
    steps = [
        {"instruction": step.instruction, "label": step.label, "kind": step.kind, "seconds": step.seconds}
        for step in routine.steps
    ]
    return {
        "name": routine.name,
        "title": routine.title,
        "cut_s": routine.cut_s,
        "seconds": routine.seconds,
        "steps": steps,
    }


def _describe(hub: Hub, session: RecordedSession | None) -> dict[str, Any]:
    """How far a watch is in its routine, without the routine."""
    if session is None or session.teaching is None:
        return IDLE
    teaching = session.teaching
    elapsed_s = 0.0
    if teaching.running is not None:
        watch = hub.sessions.get(session.watch)
        now_ns = find_now_ns(watch, teaching.running.ahead_ns, time.monotonic(), time.time_ns())
        elapsed_s = max(0.0, (now_ns - teaching.running.start_ns) / 1e9)
    return {
        "state": _name_state(session, teaching),
        "number": teaching.number,
        "elapsed_s": round(elapsed_s, 3),
        "broken": teaching.broken,
        "doubt": None if teaching.doubted is None else teaching.doubted.doubt,
        "steps": [_name_step(teaching, number) for number in range(1, teaching.steps + 1)],
        "session": session.name,
        "made": session.made,
        "trouble": find_recorder(hub).trouble(session.name),
    }


def _name_state(session: RecordedSession, teaching: Teaching) -> str:
    if session.closed_s is not None:
        return "closed"
    if teaching.running is not None:
        return "running"
    if teaching.doubted is not None:
        return "asking"
    return "finished" if teaching.number is None else "waiting"


def _name_step(teaching: Teaching, number: int) -> str:
    if number in teaching.kept:
        return "kept"
    return "skipped" if number in teaching.skipped else "open"
