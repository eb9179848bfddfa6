"""The server on a socket of this machine, until it is told to stop."""

import ipaddress
import secrets
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harken.server.guard import LOOPBACK, check_token
from harken.support.errors import HarkenError
from harken.support.installing import install_command

if TYPE_CHECKING:
    import uvicorn

    from harken.models.recogniser import Recogniser
    from harken.server.limits import Limits

__all__ = ["address", "is_loopback", "listening", "new_token", "server_for"]

BACKLOG = 4096
"""Clients that may knock at once: after a restart all of them do."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can ask at this address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in LOOPBACK


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        HarkenError: when it cannot.
    """
    name = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        return socket.create_server((name, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HarkenError(
            f"cannot listen at {host}, port {port} ({reason}); --port N chooses another, if a server is there"
        ) from error


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(18)


def address(host: str, port: int, token: str | None) -> str:
    """Where a browser finds the page."""
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
    on_started: Callable[[], None] = lambda: None,
) -> "uvicorn.Server":
    """A server that is ready to ``run()``.

    With ``demo`` the recogniser is the demo's (``server.demo.MODEL``) and labels the demo's people; recordings that
    are posted are labelled by the model that comes with harken.

    Raises:
        HarkenError: when a package is missing, the token is empty or cannot be sent, the address needs one, samples
            cannot be kept, or the demo's data is not installed.
    """
    try:
        import uvicorn

        from harken.models.recogniser import Recogniser
        from harken.server.app import create_app
        from harken.server.connections import Connections
        from harken.server.demo import about_demo, demo_watches, stream
        from harken.server.hub import Hub
        from harken.server.limits import Limits
        from harken.server.log import Keeper
    except ImportError as error:
        raise HarkenError(
            f"the server needs {error.name}, which comes with the extra serve: {install_command('harken[serve]')}"
        ) from error

    check_token(token)
    if not is_loopback(host) and token is None:
        raise HarkenError(f"{host} can be reached from other machines: give a token")
    limits = limits or Limits()
    # Asked for now, so that a demo without its data is refused before anything listens.
    watches = demo_watches() if demo else None
    hub = Hub(
        recogniser,
        limits=limits,
        keeper=None if keep is None else Keeper(keep),
        about=about_demo(recogniser) if demo else None,
    )

    class Server(uvicorn.Server):
        """Says when it answers."""

        async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
            await super().startup(sockets=sockets)
            if self.started:
                on_started()

    connections = Connections(limits, hub.metrics)
    return Server(
        uvicorn.Config(
            create_app(
                hub,
                token=token,
                own=None if watches is None else partial(stream, hub.show, watches),
                labels_recordings=Recogniser.load(device="cpu") if demo else None,
            ),
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing depends on who asks, and each socket would pass through one more function
            http=connections.http,  # type: ignore[arg-type]  # uvicorn only calls it
            ws=connections.websocket,  # type: ignore[arg-type]
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
            backlog=BACKLOG,
        )
    )
