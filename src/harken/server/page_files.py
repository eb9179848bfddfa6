"""The files of a page, with the headers that keep other sites and other files out."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, JSONResponse

SERVER_PAGE = Path(__file__).parent / "page"
ASSETS = Path(__file__).parents[1] / "reports" / "assets"
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_routes(*folders: Path) -> APIRouter:
    """``/`` and ``/assets/NAME``.

    Args:
        folders: where the files are. If several have a file of one name, the first counts.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        return _page_file("index.html", folders)

    @routes.get("/assets/{name}")
    async def asset(name: str) -> Response:
        return _page_file(name, folders)

    return routes


def _page_file(name: str, folders: tuple[Path, ...]) -> Response:
    """One of the page's files. Names are looked up among these, so a request cannot reach any other file."""
    files = {path.name: path for path in (ASSETS / "uplot").glob("*") if path.suffix in (".js", ".css")}
    for folder in reversed(folders):
        files |= {path.name: path for path in folder.glob("*") if path.is_file()}
    path = files.get(name)
    if path is None:
        return JSONResponse({"error": "there is no such file"}, 404)
    return FileResponse(path, headers=SECURITY_HEADERS)
