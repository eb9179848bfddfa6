"""The live server: HTTP and WebSocket in, labels out, many watches in one call of the network.

``server_for`` returns a server that is ready to run. The other modules, and the packages of the extra ``serve``, are
imported only when it is called.
"""

from harken.web.limits import Limits
from harken.web.server import server_for

__all__ = ["Limits", "server_for"]
