"""The server with its uvicorn configuration."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.support.errors import HarkenError
from harken.support.files import remove_left_behind
from harken.support.plugins import install_command
from harken.web.address import BACKLOG, check_token, is_loopback

if TYPE_CHECKING:
    import uvicorn

    from harken.models.recogniser import Recogniser
    from harken.web.hub import Hub
    from harken.web.limits import Limits

PONG_S = 60.0
"""A socket that does not answer a ping within this time is closed. The answer of a watch may be behind its messages."""

FILES = 16_384
"""Files and sockets that this process may open, if the system lets it. With Linux's usual 1,024, the 1,009th watch was
refused, and so was ``/health``."""


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
            (``web.learn``); with ``demo`` it must be the demo's model (``web.demo.MODEL``).
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
        from harken.web.app import create_app
        from harken.web.demo import demo_watches, stream
        from harken.web.learn import chosen_model, models_folder
        from harken.web.limits import Limits

    _allow_files()
    check_token(token)
    if not is_loopback(host) and token is None:
        raise HarkenError(f"{host} can be reached from other machines: give a token")
    # Loaded here, so that missing data of the demo is an error before the server listens.
    watches = demo_watches() if demo else None
    served = None if keep is None or demo else chosen_model(models_folder(keep), recogniser)
    labelling = recogniser if served is None else Recogniser.load(served, device="cpu")
    hub = _hub(labelling, limits or Limits(), keep=keep, demo=demo)
    app = create_app(
        hub,
        token=token,
        sample_source=None if watches is None else partial(stream, hub.receive_own, watches),
        recording_model=Recogniser.load(device="cpu") if demo else None,
        before=recogniser,
        served=served,
        training=training,
    )
    return uvicorn_server(app, hub.limits, host=host, port=port, on_started=on_started)


def _hub(recogniser: "Recogniser", limits: "Limits", *, keep: Path | None, demo: bool) -> "Hub":
    """The watches of a server; see ``server_for``."""
    from harken.web.demo import about_demo
    from harken.web.hub import Hub
    from harken.web.record.recorder import Recorder
    from harken.web.sample_log import SampleLog

    return Hub(
        recogniser,
        limits=limits,
        log=None if keep is None else SampleLog(keep),
        recorder=None if keep is None or demo else Recorder(keep, limits),
        about_model=about_demo(recogniser) if demo else None,
    )


def _allow_files() -> None:
    """Raise the limit of files of this process to ``FILES``, as far as the system allows."""
    with suppress(ImportError, OSError, ValueError):  # a system without such limits, or with lower ones than it reports
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
        if soft != resource.RLIM_INFINITY and soft < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


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
    app: Any, limits: "Limits", *, host: str, port: int, on_started: Callable[[], None]
) -> "uvicorn.Server":
    """A server for an ASGI application. What it does not defend against is a proxy's work (``docs/live.md``).

    Args:
        app: the application.
        limits: the limits of clients.
        host, port: the address.
        on_started: called when the server answers requests.

    Raises:
        HarkenError: when a package is missing.
    """
    with extra_serve():
        import uvicorn

    class Server(uvicorn.Server):
        """Calls ``on_started`` when it answers requests."""

        async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
            await super().startup(sockets=sockets)
            if self.started:
                on_started()

    remove_left_behind(tempfile.gettempdir())  # posted recordings of a server that was killed
    return Server(
        uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # client addresses are not used, and the middleware would slow down every socket
            http="h11",  # httptools does not limit the head of a request
            h11_max_incomplete_event_size=limits.head_bytes,
            ws="websockets-sansio",
            ws_max_size=limits.message_bytes,
            ws_ping_timeout=PONG_S,
            ws_per_message_deflate=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
            backlog=BACKLOG,
        )
    )
