"""``harken serve``: the label now, in a browser, from a watch or a phone that sends its samples."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import FLAG, ModelOrPackaged

__all__ = ["serve"]


def serve(
    *,
    model: ModelOrPackaged = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 for a watch or phone.", metavar="H")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", metavar="N", min=0, max=65535)] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            help="What others must show. [default: none on this machine, else a new one, printed]",
            metavar="T",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Write samples here before they are acknowledged.", metavar="DIR", show_default=False),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Stream people whom the demo's model never met.", metavar=FLAG)
    ] = False,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.", show_default=True)
    ] = True,
) -> None:
    """Label live samples, and show them on a page.

    Watches and phones send through a WebSocket, or with the app Sensor Logger by HTTP push; a recording that is dropped
    on the page is labelled whole. docs/live.md leads from a watch to its labels in ten minutes. Ctrl+C stops.
    """
    from harken.models.recogniser import Recogniser
    from harken.server.guard import check_token
    from harken.server.server import address, is_loopback, listening, new_token, server_for
    from harken.support.errors import HarkenError

    if demo and model is not None:
        raise HarkenError("--demo has a model of its own; leave out --model")
    check_token(token)
    if not is_loopback(host) and token is None:
        token = new_token()
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    listening_at = port

    def started() -> None:
        url = address(shown, listening_at, token)
        typer.echo(f"harken listens: {url}")
        if not is_loopback(host):
            typer.echo(f"Sensor Logger pushes to: http://THIS-MACHINE:{listening_at}/push?token={token}")
        typer.echo("Ctrl+C stops.")
        if open_page:
            import webbrowser

            webbrowser.open(url)

    if demo:
        model = import_module("harken.server.demo").MODEL
    server = server_for(
        Recogniser.load(model, device="cpu"),
        host=host,
        port=port,
        token=token,
        keep=keep,
        demo=demo,
        on_started=started,
    )
    with listening(host, port) as found:
        listening_at = found.getsockname()[1]  # with --port 0 the system chooses one
        server.run(sockets=[found])
