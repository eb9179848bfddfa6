"""The server with its uvicorn configuration, and its address."""

import ipaddress
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.server.guard import LOOPBACK, check_token
from harken.support.errors import HarkenError
from harken.support.files import regular, remove_left_behind, write_text
from harken.support.plugins import install_command

if TYPE_CHECKING:
    import uvicorn

    from harken.models.recogniser import Recogniser
    from harken.server.limits import Limits
    from harken.server.metrics import Metrics

EVERYWHERE = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
"""The names of all addresses of a machine, and an address for documentation (RFC 5737, RFC 3849) of the same family."""
TOKEN = "token"
"""The file in the folder of ``--keep`` that holds the token."""
LONGEST_TOKEN = 1000
BACKLOG = 4096
"""Connections that may wait to be accepted: after a restart all clients connect at once."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in LOOPBACK


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at this address.

    Raises:
        HarkenError: when the system refuses it.
    """
    name = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        return socket.create_server((name, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)  # Python's own text repeats the address
        reason = os.strerror(number) if number else error
        raise HarkenError(
            f"cannot listen at {host}, port {port} ({reason}); if another server uses this port, choose "
            "another with --port N"
        ) from error


def kept_token(folder: Path | None) -> str:
    """The token that is kept in the folder of ``--keep``, so that phones go on after a restart.

    Without a folder, or if there is none in it yet, it is a new one, which only this user may read in the folder.

    Raises:
        HarkenError: when it cannot be read or written, or is no token.
    """
    token = secrets.token_urlsafe(18)
    if folder is None:
        return token
    path = folder / TOKEN
    try:
        if path.exists():
            with regular(path).open(encoding="ascii") as file:
                token = file.read(LONGEST_TOKEN).strip()
            check_token(token)
            return token
        folder.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            write_text(path, token + "\n")
        finally:
            os.umask(before)
    except OSError as error:
        raise HarkenError(f"{path}: the token cannot be kept there ({error.strerror or error})") from error
    except (HarkenError, UnicodeError) as error:
        raise HarkenError(f"{path}: this is no token; delete the file, and the server makes a new one") from error
    return token


def address(host: str, port: int, token: str | None) -> str:
    """The URL of the page."""
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def server_for(
    recogniser: "Recogniser",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    keep: Path | None = None,
    demo: bool = False,
    limits: "Limits | None" = None,
    training: Mapping[str, Any] | None = None,
    on_started: Callable[[], None] = lambda: None,
) -> "uvicorn.Server":
    """A server that is ready to ``run()``.

    Args:
        recogniser: labels the samples, unless a learned model was chosen in ``keep``
            (``server.learn``); with ``demo`` it must be the demo's model (``server.demo.MODEL``).
        host, port: the address.
        token: the token that clients must send; None only for loopback addresses.
        keep: the folder to which samples are written before they are acknowledged; if None, they are not kept.
        demo: stream the demo's people. Posted recordings are labelled by the model that comes with harken.
        limits: the limits of clients; the defaults if None.
        training: arguments of ``harken.training.learn.job.learn`` for *Learn*, in place of the usual ones.
        on_started: called when the server answers requests.

    Raises:
        HarkenError: when a package is missing, the token is empty or cannot be sent, the address needs one, samples
            cannot be kept, or the demo's data is not installed.
    """
    with extra_serve():
        from harken.models.recogniser import Recogniser
        from harken.server.app import create_app
        from harken.server.demo import about_demo, demo_watches, stream
        from harken.server.hub import Hub
        from harken.server.learn import chosen_model, models_folder
        from harken.server.limits import Limits
        from harken.server.recorded.recorder import Recorder
        from harken.server.sample_log import SampleLog

    check_token(token)
    if not is_loopback(host) and token is None:
        raise HarkenError(f"{host} can be reached from other machines: give a token")
    # Loaded here, so that missing data of the demo is an error before the server listens.
    watches = demo_watches() if demo else None
    limits = limits or Limits()
    served = None if keep is None or demo else chosen_model(models_folder(keep), recogniser)
    hub = Hub(
        recogniser if served is None else Recogniser.load(served, device="cpu"),
        limits=limits,
        log=None if keep is None else SampleLog(keep),
        recorder=None if keep is None or demo else Recorder(keep, limits),
        about_model=about_demo(recogniser) if demo else None,
    )
    app = create_app(
        hub,
        token=token,
        sample_source=None if watches is None else partial(stream, hub.receive_own, watches),
        recording_model=Recogniser.load(device="cpu") if demo else None,
        before=recogniser,
        served=served,
        training=training,
    )
    return uvicorn_server(app, hub.limits, hub.metrics, host=host, port=port, on_started=on_started)


def network_address(host: str) -> str:
    """The address at which other machines reach a server that listens at ``host``; ``THIS-MACHINE`` if it is not known.

    For a server that listens at all addresses it is the one from which this machine would send to the internet. Nothing
    is sent.
    """
    if host not in EVERYWHERE:
        return host
    family, far = EVERYWHERE[host]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
    except OSError:  # no network
        return "THIS-MACHINE"


@contextmanager
def extra_serve() -> Iterator[None]:
    """Raise a HarkenError with the name of the extra if an import inside fails."""
    try:
        yield
    except ImportError as error:
        raise HarkenError(
            f"this command needs {error.name}, which is part of the extra serve: {install_command('harken[serve]')}"
        ) from error


def uvicorn_server(
    app: Any, limits: "Limits", metrics: "Metrics", *, host: str, port: int, on_started: Callable[[], None]
) -> "uvicorn.Server":
    """A server for an ASGI application, with limits on connections.

    Args:
        app: the application.
        limits: the limits of clients.
        metrics: counts refusals.
        host, port: the address.
        on_started: called when the server answers requests.

    Raises:
        HarkenError: when a package is missing.
    """
    with extra_serve():
        import uvicorn

        from harken.server.connections import Connections

    class Server(uvicorn.Server):
        """Calls ``on_started`` when it answers requests."""

        async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
            await super().startup(sockets=sockets)
            if self.started:
                on_started()

    remove_left_behind(tempfile.gettempdir())  # posted recordings of a server that was killed
    connections = Connections(limits, metrics)
    return Server(
        uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # client addresses are not used, and the middleware would slow down every socket
            http=connections.http,  # type: ignore[arg-type]  # uvicorn only calls it
            ws=connections.websocket,  # type: ignore[arg-type]
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
            backlog=BACKLOG,
        )
    )
