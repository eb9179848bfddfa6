"""The samples of the last hour, read from the log when the server starts, so that watches continue without a gap."""

import time

from harken.server.hub import Hub
from harken.server.limits import RefusedError
from harken.server.sample_log import logged_samples
from harken.server.session import Session
from harken.support.errors import HarkenError

REPLAYED_S = 3600.0
REPLAYED_AT_ONCE = 200


async def replay(hub: Hub) -> None:
    """Give the hub the samples of the last hour from its log, and label them."""
    if hub.log is None:
        return
    began_s, now_s = time.time(), time.monotonic()
    count = 0
    touched: set[Session] = set()
    for message in logged_samples(hub.log.folder, after_s=began_s - REPLAYED_S):
        received_s = message.received_ms / 1000
        if received_s < began_s - REPLAYED_S:
            continue
        try:
            session = hub.session(message.watch)
            arrived_s = now_s - (began_s - received_s)
            session.take(message.signals, message.time_ns, time.monotonic(), arrived_s=arrived_s)
        except (RefusedError, HarkenError):
            continue  # it was accepted by a server with other limits
        touched.add(session)
        count += 1
        if count % REPLAYED_AT_ONCE == 0:
            await hub.label(list(touched), ended=False)
            touched.clear()
    await hub.label(list(touched), ended=False)
    for session in hub.sessions.values():
        session.waiting_since_s = None
