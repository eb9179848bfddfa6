"""``harken annotate``: label recordings by hand, on a page in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import FLAG, FilesOrFolders, ModelOrPackaged, with_reading_options
from harken.readers.options import TableOptions

__all__ = ["annotate"]

NoModel = Annotated[bool, typer.Option("--no-model", help="Make no suggestions.", metavar=FLAG)]
Port = Annotated[
    int, typer.Option(help="The port to listen at; 0: the system chooses one.", metavar="N", min=0, max=65535)
]
OpenPage = Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.", metavar=FLAG)]


@with_reading_options
def annotate(
    files: FilesOrFolders,
    *,
    model: ModelOrPackaged = None,
    no_model: NoModel = False,
    port: Port = 0,
    open_page: OpenPage = True,
    reading: TableOptions,
) -> None:
    """Label recordings by hand, on a page that shows them at any zoom.

    Each change is saved at once, beside the recording as NAME.labels.csv, which harken train and the other commands
    find by themselves. A pale band shows what a model says. Models that are learned from the labels on the page are
    saved in the folder models beside the first recording. docs/annotate.md describes the page. Only this machine can
    open it. Ctrl+C stops.
    """
    from harken.annotating.server import annotation_server
    from harken.annotations.labelling import is_side_file
    from harken.cli.files import distinct_names, recordings
    from harken.models.model_file import PACKAGED_MODEL
    from harken.server.server import address, listening
    from harken.support.errors import HarkenError
    from harken.support.printable import printable

    if no_model and model is not None:
        raise HarkenError("--no-model and --model contradict one another; leave one of them out")
    found = list(dict.fromkeys(map(Path, files)))
    if not all(path.is_file() and not is_side_file(path) for path in found):
        found = recordings(files)  # it imports more than the page needs, which takes a second
    for path in found:
        if not path.exists():
            raise HarkenError(f"{path}: there is no such file")
    listening_at = port

    def started() -> None:
        url = address("127.0.0.1", listening_at, None)
        typer.echo(f"harken annotate: {url}")
        typer.echo("Ctrl+C stops.")
        if open_page:
            import webbrowser

            webbrowser.open(url)

    server = annotation_server(
        list(zip(found, distinct_names(found), strict=True)),
        reading=reading,
        model=None if no_model else model or PACKAGED_MODEL,
        port=port,
        on_started=started,
        on_failed=lambda sentence: typer.echo(printable(sentence), err=True),
    )
    with listening("127.0.0.1", port) as socket:
        listening_at = socket.getsockname()[1]
        server.run(sockets=[socket])
