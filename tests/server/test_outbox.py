"""For a slow reader the oldest frames are dropped and counted, and no sender waits."""

import asyncio
import json

from harken.server.outbox import Outbox


def test_the_oldest_frames_are_dropped_and_their_number_is_sent() -> None:
    async def run() -> list[str]:
        outbox, sent, may = Outbox(3), [], asyncio.Event()

        async def send(frame: str) -> None:
            await may.wait()  # a reader that does not read
            sent.append(frame)

        delivering = asyncio.ensure_future(outbox.deliver(send))
        outbox.put("first")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in range(10):
            outbox.put(f"frame {number}")
        for count in range(1, 5):
            outbox.acknowledge(count)
        assert outbox.lost == 7
        may.set()
        await asyncio.sleep(0.01)
        outbox.put("later")
        await asyncio.sleep(0.01)
        delivering.cancel()
        return sent

    first, acknowledged, message, *rest = asyncio.run(run())
    assert first == "first"
    assert json.loads(acknowledged) == {"type": "ack", "messages": 4}
    assert json.loads(message) == {"type": "dropped", "frames": 7}
    assert rest == ["frame 7", "frame 8", "frame 9", "later"]


def test_a_few_long_frames_are_too_many_as_well() -> None:
    outbox = Outbox(64, frame_bytes=1000)
    for _ in range(3):
        outbox.put("a" * 400)
    assert outbox.lost == 1
    outbox.put("b" * 5000)  # one may always wait, however long it is
    assert outbox.lost == 3
    outbox.put("c")
    assert outbox.lost == 4
    outbox.put("d" * 999)
    assert outbox.lost == 4
