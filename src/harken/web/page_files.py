"""The files of a page, with the headers that keep other sites and other files out, and the colours of its labels."""

import asyncio
from pathlib import Path

import msgspec
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from harken.annotations.table import CONTROL_CHARACTERS, LONGEST_LABEL, LONGEST_NOTE, MISSING
from harken.reports.colours import colours_of
from harken.web.limits import RefusedError
from harken.web.requests import read_body

SERVER_PAGE = Path(__file__).parent / "page"
ASSETS = Path(__file__).parents[1] / "reports" / "assets"
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
MOST_BYTES, LONGEST_S = 1 << 18, 10.0
"""Limits of a list of labels, and of the time in which it is sent."""
LABEL_RULES = "label_rules.js"
"""The name of the module with the rules of labels, which no folder holds."""


def render_label_rules() -> str:
    """Return a JavaScript module that exports the rules of labels, so that a page can check a label itself."""
    rules = {
        "longest_label": LONGEST_LABEL,
        "longest_note": LONGEST_NOTE,
        "missing": MISSING,
        "control_characters": CONTROL_CHARACTERS,
    }
    return f"export default {orjson.dumps(rules).decode()};\n"


def page_routes(routes: APIRouter, *folders: Path) -> None:
    """``/``, ``/assets/NAME`` and ``/api/colours``.

    Args:
        folders: where the files are. If several have a file of one name, the first counts.
    """

    # Names are looked up among these, so a request cannot reach any other file.
    files = {path.name: path for path in ASSETS.glob("*/*") if path.suffix in (".js", ".css")}
    for folder in reversed(folders):
        files |= {path.name: path for path in folder.glob("*") if path.is_file()}

    @routes.get(f"/assets/{LABEL_RULES}", include_in_schema=False)
    async def label_rules() -> Response:
        return Response(render_label_rules(), media_type="text/javascript", headers=SECURITY_HEADERS)

    @routes.get("/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in files:
            raise RefusedError(404, "there is no such file")
        return FileResponse(files[name], headers=SECURITY_HEADERS)

    @routes.get("/", include_in_schema=False)
    async def page() -> Response:
        return await asset("index.html")

    @routes.post("/api/colours", include_in_schema=False)
    async def colours(request: Request) -> Response:
        """The colours of a list of labels, for light and dark pages, and of text on them."""
        body = await read_body(request, MOST_BYTES, seconds=LONGEST_S)
        try:
            labels = msgspec.json.decode(body, type=list[str])
        except (ValueError, RecursionError) as error:
            raise RefusedError(400, "the body must be a list of labels as JSON") from error
        found = await asyncio.to_thread(colours_of, labels)
        patches = {name: {"light": one.light, "dark": one.dark, "ink": one.ink} for name, one in found.items()}
        return Response(orjson.dumps(patches), media_type="application/json")
