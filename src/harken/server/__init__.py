"""The live server: HTTP and WebSocket in, labels out, many watches through one call of the network a tick.

``server_for`` gives a server that is ready to run. Everything else it needs, the extra ``serve`` of this package among
it, is loaded then.
"""

from harken.server.limits import Limits
from harken.server.server import server_for

__all__ = ["Limits", "server_for"]
