"""``harken annotate``: label recordings by hand, on a page in a browser."""

import socket
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from harken.cli.files import distinct_names, recordings
from harken.cli.options import FilesOrFolders, ModelOrPackaged, OpenPage
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import StatedAxis
from harken.support.errors import HarkenError
from harken.support.options import Option
from harken.support.printable import printable
from harken.web import extra_serve
from harken.web.address import address, listening

HOST = "127.0.0.1"

USUAL_PORT = 8100
"""A browser stores by the address of a page, so the page finds the order of labels again at the same port."""

Port = Annotated[
    int | None,
    Option(
        f"The port to listen at; 0: the system chooses one. [default: {USUAL_PORT}, or another if it is in use]",
        metavar="N",
        least=0,
        most=65535,
    ),
]
At = Annotated[
    str | None,
    Option(
        "Show the recording at this time: 2024-03-09T10:05:00, 10:05, or 12.5 (seconds from its start).",
        metavar="TIME",
    ),
]


def annotate(
    files: FilesOrFolders,
    *,
    model: ModelOrPackaged = None,
    no_model: Annotated[bool, Option("Make no suggestions.")] = False,
    forearm_axis: StatedAxis = None,
    at: At = None,
    port: Port = None,
    open_page: OpenPage = True,
    reading: TableOptions,
) -> None:
    """Each change is saved at once, beside the recording as NAME.labels.csv, which harken train and the other commands
    find by themselves. A pale band shows what a model says. Models that are learned from the labels on the page are
    saved in the folder models beside the first recording. With the folder of clips that harken check has drawn,
    OUT/check, the page shows one clip after the other to be named, without a model. docs/annotate.md describes both
    pages. Only this machine can open them. Ctrl+C stops.
    """
    from harken.annotations.folders import is_check, is_side_file
    from harken.models.model_file import PACKAGED_MODEL

    if no_model and model is not None:
        raise HarkenError("--no-model and --model contradict one another; leave one of them out")
    if len(files) == 1 and is_check(Path(files[0])):
        given = {
            f"--model {model}": model is not None,
            f"--forearm-axis {forearm_axis}": forearm_axis is not None,
            f"--at {at}": at is not None,
            "an option of reading": reading != TableOptions(),
        }
        _refuse_for_clips([option for option, is_given in given.items() if is_given])
        _name_clips(Path(files[0]), port, open_page=open_page)
        return
    with extra_serve():
        from harken.web.annotate.server import annotation_server

    paths = list(dict.fromkeys(map(Path, files)))
    if not all(path.is_file() and not is_side_file(path) for path in paths):
        paths = recordings(files)  # it imports more than the page needs, which takes a second
    for path in map(Path, files):
        if not path.exists():
            raise HarkenError("there is no such file", path=path)
    if at is not None:
        _check_time(at, recordings=len(paths))

    server = annotation_server(
        list(zip(paths, distinct_names(paths), strict=True)),
        reading=reading,
        model=None if no_model else model or PACKAGED_MODEL,
        forearm_axis=forearm_axis,
        on_started=lambda: _announce(opened, open_page=open_page, at=at),
        on_failed=_print_failure,
    )
    with _listening(port) as opened:
        server.run(sockets=[opened])


def _refuse_for_clips(options: list[str]) -> None:
    if options:
        raise HarkenError(
            f"{options[0]}: clips are shown without a model, and read as harken label read their recordings; leave it "
            "out"
        )


def _name_clips(folder: Path, port: int | None, *, open_page: bool) -> None:
    """Open the page on which a person names the clips of a check."""
    with extra_serve():
        from harken.web.annotate.clip_server import clip_server

    server = clip_server(
        folder, on_started=lambda: _announce(opened, open_page=open_page, at=None), on_failed=_print_failure
    )
    with _listening(port) as opened:
        server.run(sockets=[opened])


def _announce(opened: socket.socket, *, open_page: bool, at: str | None) -> None:
    url = address(HOST, opened.getsockname()[1], None)
    if at is not None:
        url += f"?{urlencode({'at': at})}"
    typer.echo(f"harken annotate: {url}")
    typer.echo("Ctrl+C stops.")
    if open_page:
        webbrowser.open(url)


def _print_failure(sentence: str) -> None:
    typer.echo(printable(sentence), err=True)


def _check_time(text: str, *, recordings: int) -> None:
    """Check that ``--at`` has a time, and is for one recording."""
    from harken.annotations.times import EXAMPLES, text_moment

    if text_moment(text) is None:
        raise HarkenError(f"--at {text}: this is not a time; write it like {EXAMPLES}")
    if recordings != 1:
        raise HarkenError(f"--at is a time in one recording, but {recordings} are given; give the one that it is in")


def _listening(port: int | None) -> socket.socket:
    """A socket at the port, or at the usual port or any other if none is given."""
    if port is None:
        with suppress(HarkenError):  # it is in use, maybe by another page
            return listening(HOST, USUAL_PORT)
    return listening(HOST, port or 0)
