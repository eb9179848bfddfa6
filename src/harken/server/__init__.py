"""The live server: HTTP and WebSocket in, labels out, many watches in one call of the network.

``server_for`` gives a server that is ready to run. It imports everything else that it needs, among it the packages of
the extra ``serve``, when it is called.
"""

from harken.server.limits import Limits
from harken.server.server import server_for

__all__ = ["Limits", "server_for"]
