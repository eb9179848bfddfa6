"""Send a watch's samples to harken serve and print its labels until stopped, from docs/live_protocol.md alone.

python live_client.py ws://127.0.0.1:8000 "my-watch&forearm_axis=y" [TOKEN] < samples.csv   (lines: ms, x, y, z in g)
"""

import asyncio
import json
import sys
from contextlib import suppress
from itertools import islice

import websockets


async def main(server: str, watch: str, token: str = "") -> None:
    waiting: list[str] = []  # messages that are not acknowledged: sent again when the connection was lost
    asyncio.get_running_loop().run_in_executor(None, read, waiting)
    async for socket in websockets.connect(f"{server}/ws/samples?ack=1&watch={watch}&token={token}"):
        sent = taken = 0
        with suppress(websockets.ConnectionClosed):
            while True:
                for text in waiting[sent:10]:
                    await socket.send(text)
                    sent += 1
                with suppress(TimeoutError):
                    message = json.loads(await asyncio.wait_for(socket.recv(), 0.2))
                    if message["type"] == "ack":
                        del waiting[: message["messages"] - taken]
                        sent, taken = sent - message["messages"] + taken, message["messages"]
                    elif message["type"] not in ("model", "orientation"):
                        print(*(message.get(name, "") for name in ("end_ms", "label", "message")), flush=True)


def read(waiting: list[str]) -> None:
    for lines in iter(lambda: list(islice(sys.stdin, 50)), []):
        columns = zip(*(map(float, line.split(",")) for line in lines), strict=True)
        waiting.append(json.dumps(dict(zip(("time_ms", "x", "y", "z"), columns, strict=True))))


asyncio.run(main(*sys.argv[1:]))
