"""``harken serve``: live labels in a browser, from a watch or a phone that sends its samples."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import ModelOrPackaged, OpenPage
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError
from harken.support.options import Option
from harken.support.printable import printable
from harken.web import extra_serve
from harken.web.address import (
    NEW_TOKEN,
    address,
    check_token,
    check_token_length,
    is_loopback,
    kept_token,
    listening,
    network_address,
)

Host = Annotated[str, Option("The address to listen at; 0.0.0.0 for a watch or phone.", metavar="H")]
Port = Annotated[int, Option("The port to listen at.", metavar="N", least=0, most=65535)]
Token = Annotated[
    str | None,
    Option("A secret that clients must send. [default: none on this machine, else one kept in --keep]", metavar="T"),
]
Keep = Annotated[
    Path | None,
    Option("Write samples here before they are acknowledged, and recordings with labels.", metavar="DIR"),
]
RoutineName = Annotated[
    str,
    Option("What wearers do to teach the model: five-minutes, or a file NAME.toml of your own.", metavar="ROUTINE"),
]
WatchesAxis = Annotated[
    ForearmAxis | None,
    Option(
        "The axis of all watches that points along the forearm towards the elbow, so that it measures about +1 g when "
        "the arm hangs. A watch can state another one (docs/live_protocol.md). [default: found by walking]",
    ),
]


def serve(
    *,
    model: ModelOrPackaged = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    keep: Keep = None,
    demo: Annotated[bool, Option("Stream recordings of people on whom the model was not trained.")] = False,
    forearm_axis: WatchesAxis = None,
    routine: RoutineName = "five-minutes",
    open_page: OpenPage = True,
) -> None:
    """Watches and phones send samples through a WebSocket, or with the app Sensor Logger by HTTP push. A recording that
    is dropped on the page is labelled whole. docs/live.md explains how to connect a watch. Ctrl+C stops.
    """
    from harken.annotations.routine import find_routine
    from harken.models.recogniser import Recogniser

    with extra_serve():
        from harken.web.app import server_for

    if demo and model is not None:
        raise HarkenError("--demo has a model of its own; leave out --model")
    if demo and forearm_axis is not None:
        raise HarkenError("--demo has recordings of its own; leave out --forearm-axis")
    steps = find_routine(routine)
    check_token(token)
    if token is not None:
        check_token_length(token, "--token", NEW_TOKEN)
    if not is_loopback(host) and token is None:
        token = kept_token(None if demo else keep)
    if demo:
        from harken.web.demo import MODEL

        model = MODEL
    listening_at = port

    def started() -> None:
        _print_addresses(host, listening_at, token, open_page=open_page)

    recogniser = Recogniser.load(model, device="cpu")
    server = server_for(
        recogniser,
        host=host,
        port=port,
        token=token,
        keep=keep,
        demo=demo,
        forearm_axis=forearm_axis,
        routine=steps,
        on_started=started,
    )
    if keep is not None and not demo:
        from harken.web.learn import chosen_model, models_folder

        if (chosen := chosen_model(models_folder(keep), recogniser)) is not None:
            typer.echo(f"Labelling with the model that was chosen on the page: {printable(chosen)}")
    with listening(host, port) as found:
        listening_at = found.getsockname()[1]  # with --port 0 the system chooses one
        server.run(sockets=[found])


def _print_addresses(host: str, port: int, token: str | None, *, open_page: bool) -> None:
    url = address("127.0.0.1" if host in ("0.0.0.0", "::") else host, port, token)
    typer.echo(f"harken listens: {url}")
    if not is_loopback(host):
        outside = address(network_address(host), port, token)
        typer.echo(f"On the phone, open: {outside}")
        typer.echo(f"Sensor Logger pushes to: {outside.replace('/?', '/push?')}")
    typer.echo("Ctrl+C stops.")
    if open_page:
        webbrowser.open(url)
