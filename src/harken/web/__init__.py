"""The live server: HTTP and WebSocket in, labels out, many watches in one call of the network.

``app.server_for`` returns a server that is ready to run.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from harken.support.errors import HarkenError
from harken.support.plugins import install_command


@contextmanager
def extra_serve() -> Iterator[None]:
    """Raise a HarkenError with the name of the extra if an import inside fails."""
    try:
        yield
    except ImportError as error:
        raise HarkenError(
            f"this command needs {error.name}, which is part of the extra serve: {install_command('harken[serve]')}"
        ) from error
