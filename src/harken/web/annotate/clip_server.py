"""The server of ``harken annotate OUT/check``, ready to run, and its routes: clips, their signals and their names."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter

from harken.labelling.check.clips import CANNOT_TELL, Clip
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.web.annotate.clip_desk import ClipDesk, describe_clip
from harken.web.annotate.recording import OpenRecording
from harken.web.annotate.server import (
    LIMITS,
    PAGE,
    Milliseconds,
    Pixels,
    answer,
    make_server,
    read_signal,
)
from harken.web.limits import RefusedError
from harken.web.page_files import SERVER_PAGE, page_routes
from harken.web.requests import decode_body, read_body
from harken.web.server import Server

CLIP_PAGE = Path(__file__).parent / "clips"
MOST_BODY_BYTES = 4096
Number = Annotated[int, PathParameter(ge=1, le=1 << 31)]


class ClipName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that names a clip: a label, ``cannot tell``, or None for no name any more."""

    label: str | None


def clip_server(
    folder: Path, *, on_started: Callable[[], None] = lambda: None, on_failed: Callable[[str], None] = lambda _: None
) -> Server:
    """Return a server that is ready to ``run(sockets=...)``. Only this machine reaches it.

    Args:
        folder: the folder of the check, ``OUT/check``.
        on_started: called when the server answers requests.
        on_failed: called with a sentence when a recording cannot be read.

    Raises:
        HarkenError: when the clips cannot be read.
    """
    desk = ClipDesk(folder, on_failed)
    routes = APIRouter()
    clip_routes(routes, desk)
    page_routes(routes, CLIP_PAGE, PAGE, SERVER_PAGE)
    return make_server(routes, desk.run, on_started)


def clip_routes(routes: APIRouter, desk: ClipDesk) -> None:
    """``/api/clips`` and what is under it."""

    async def numbered(number: Number) -> Clip:
        clip = desk.find(number)
        if clip is None:
            raise RefusedError(404, f"there is no clip {number}; there are 1 to {len(desk.design.clips)}")
        return clip

    Numbered = Annotated[Clip, Depends(numbered)]

    @routes.get("/api/clips")
    async def clips() -> Response:
        try:
            names = await desk.read_names()
        except HarkenError as error:
            raise RefusedError(409, str(error), reason="table") from error
        content = {
            "labels": desk.labels,
            "cannot_tell": CANNOT_TELL,
            "command": printable(shlex.join(["harken", "check", str(desk.out)])),
            "clips": [{"number": clip.number, "label": names.get(clip.number)} for clip in desk.design.clips],
        }
        return answer(content, etag=f'"{desk.mark}"')

    @routes.get("/api/clips/{number}")
    async def about(
        clip: Numbered, following: Annotated[int | None, Query(ge=1, le=1 << 31)] = None, again: bool = False
    ) -> Response:
        """Describe a clip, and read its recording, then that of the ``following`` clip."""
        following_clip = None if following is None else desk.find(following)
        if following_clip is not None:
            _want(desk, following_clip)
        recording, error = _want(desk, clip, again=again)
        return answer(describe_clip(clip, recording, error))

    @routes.get("/api/clips/{number}/signal")
    async def signal(clip: Numbered, start_ms: Milliseconds, end_ms: Milliseconds, pixels: Pixels) -> Response:
        recording, error = _want(desk, clip)
        if recording is None:
            raise RefusedError(404, error or "")
        return await read_signal(recording, start_ms, end_ms, pixels)

    @routes.put("/api/clips/{number}")
    async def name(clip: Numbered, request: Request) -> Response:
        body = await read_body(request, MOST_BODY_BYTES, seconds=LIMITS.body_s)
        return await name_clip(desk, clip, body, request.headers.get("if-match"))


def _want(desk: ClipDesk, clip: Clip, *, again: bool = False) -> tuple[OpenRecording | None, str | None]:
    """Return the recording of a clip, or why there is none."""
    try:
        return desk.want(clip, again=again), None
    except HarkenError as error:
        return None, str(error)


async def name_clip(desk: ClipDesk, clip: Clip, body: bytes, if_match: str | None) -> Response:
    """Name a clip as the body of a request says, if the page shows this check (``if_match``).

    Raises:
        RefusedError: when the name is not saved.
    """
    message = decode_body(body, ClipName, what="the name", form="{label}")
    if if_match is None:
        sentence = "a request that names a clip needs the header If-Match, with the ETag of /api/clips"
        raise RefusedError(428, sentence, reason="unconditional")
    if if_match.strip('"') != desk.mark:
        sentence = "this page shows other clips than those with which harken annotate was started again"
        raise RefusedError(409, f"{sentence}; load the page again", reason="clips")
    try:
        label = await desk.name(clip, message.label)
    except HarkenError as error:
        raise RefusedError(422, str(error)) from error
    except OSError as error:
        raise RefusedError(507, f"the name could not be written ({error.strerror or error})") from error
    return answer({"number": clip.number, "label": label})
