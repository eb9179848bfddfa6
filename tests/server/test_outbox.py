"""For a slow reader the oldest frames are dropped and counted, and no sender waits."""

import json

from harken.server.outbox import Outbox


class Reader:
    """A client that reads, or does not."""

    def __init__(self) -> None:
        self.reads = True
        self.sent: list[bytes] = []

    def __call__(self, frame: bytes) -> bool:
        if self.reads:
            self.sent.append(frame)
        return self.reads


def test_the_oldest_frames_are_dropped_and_their_number_is_sent() -> None:
    reader = Reader()
    outbox = Outbox(reader, 3)
    outbox.put(b"first")
    assert reader.sent == [b"first"], "it is sent at once"
    reader.reads = False
    for number in range(10):
        outbox.put(b"frame %d" % number)
    for count in range(1, 5):
        outbox.acknowledge(count)
    assert outbox.lost == 7
    outbox.flush()
    assert len(reader.sent) == 1
    reader.reads = True
    outbox.flush()
    outbox.put(b"later")
    _, acknowledged, message, *rest = reader.sent
    assert json.loads(acknowledged) == {"type": "ack", "messages": 4}
    assert json.loads(message) == {"type": "dropped", "frames": 7}
    assert rest == [b"frame 7", b"frame 8", b"frame 9", b"later"]


def test_frames_stay_in_order_while_some_wait() -> None:
    reader = Reader()
    outbox = Outbox(reader, 3)
    reader.reads = False
    outbox.put(b"one")
    reader.reads = True
    outbox.put(b"two")  # it may be written, but an earlier one waits
    assert reader.sent == []
    outbox.flush()
    assert reader.sent == [b"one", b"two"]
    assert outbox.lost == 0


def test_a_few_long_frames_are_too_many_as_well() -> None:
    reader = Reader()
    reader.reads = False
    outbox = Outbox(reader, 64, frame_bytes=1000)
    for _ in range(3):
        outbox.put(b"a" * 400)
    assert outbox.lost == 1
    outbox.put(b"b" * 5000)  # one may always wait, however long it is
    assert outbox.lost == 3
    outbox.put(b"c")
    assert outbox.lost == 4
    outbox.put(b"d" * 999)
    assert outbox.lost == 4
