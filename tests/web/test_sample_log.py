"""``--keep``: acknowledged samples are on the disk, in files that the server names, and are read after a restart."""

import asyncio
import json
import re
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import websockets

from harken.support.errors import HarkenError
from harken.web.sample_log import SampleLog, logged_samples, record
from server_thread import Served, heard, message, now_wrist, recogniser, serving
from waiting import until


def test_a_restart_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    signals, time_ns = now_wrist(20)
    name = "../../etc/passwd"

    def send(served: Served, rows: range) -> None:
        with served.connect(f"/ws/samples?watch={name}") as watch:
            for count, row in enumerate(rows, 1):
                watch.send(message(signals[row : row + 50], time_ns[row : row + 50]))
                while heard(watch).get("messages", 0) < count:
                    pass
                # It is there before the next one is sent.
                found = np.concatenate([one.time_ns for one in logged_samples(tmp_path)])
                assert found[-1] == time_ns[row + 49]

    with serving(keep=tmp_path) as served:
        assert served.ask("/health").json["kept"] is True
        send(served, range(0, 600, 50))
    with serving(keep=tmp_path) as served:
        (watch,) = served.ask("/api/watches").json
        assert watch["watch"] == name
        assert watch["last_ms"] == time_ns[599] // 10**6
        assert served.ask(f"/api/timeline?watch={name}").json["rows"]
        send(served, range(600, 1000, 50))
        rows = served.ask_until(f"/api/timeline?watch={name}", lambda found: len(found["rows"]) >= 13)["rows"]
    np.testing.assert_allclose(np.diff([row["start_ms"] for row in rows]), 1000, atol=0.01)  # no gap where it stopped
    np.testing.assert_array_equal(np.concatenate([one.time_ns for one in logged_samples(tmp_path)]), time_ns)
    np.testing.assert_array_equal(np.concatenate([one.signals for one in logged_samples(tmp_path)]), signals)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.samples", "00000002.samples"]


def test_a_push_is_answered_when_its_samples_are_on_the_disk(tmp_path: Path) -> None:
    signals, time_ns = now_wrist(2)
    values = [
        {"name": "totalacceleration", "time": int(t), "values": dict(zip("xyz", map(float, v), strict=True))}
        for t, v in zip(time_ns, signals, strict=True)
    ]
    with serving(keep=tmp_path) as served:
        answer = served.ask("/push", json.dumps({"deviceId": "phone", "payload": values}).encode())
        assert answer.json == {"samples": 100}
        (one,) = logged_samples(tmp_path)
        assert one.watch == "phone"
        np.testing.assert_array_equal(one.time_ns, time_ns)


def numbered_messages(count: int) -> list[bytes]:
    """Messages of two watches in turn, whose samples have the number of the message as their time."""
    signals, time_ns = now_wrist(1)
    names = ("anna", "bob")
    return [record(names[number % 2], signals, np.full_like(time_ns, number)) for number in range(count)]


def numbers_read(folder: Path, watch: str | None = None) -> list[int]:
    return [int(message.time_ns[0]) for message in logged_samples(folder, watch=watch)]


@pytest.mark.parametrize("place", [0, 5, 9, 16, 20, 22, 28, 31, 300, -1])
def test_a_flipped_bit_costs_one_message_and_is_said(tmp_path: Path, log: list[str], place: int) -> None:
    """In each part of the head, in the name, and in the samples."""
    messages = numbered_messages(10)
    broken = bytearray(messages[4])
    broken[place] ^= 1
    path = tmp_path / "00000001.samples"
    path.write_bytes(b"".join([*messages[:4], broken, *messages[5:]]))
    left = [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert numbers_read(tmp_path) == left
    (warning,) = log
    assert re.fullmatch(
        re.escape(str(path)) + r": 1,0\d\d bytes are damaged; messages that came (at|from \S+ \S+ UTC to) \S+ \S+ UTC "
        r"are lost, and the others were read",
        warning,
    )
    assert numbers_read(tmp_path, "bob") == [1, 3, 5, 7, 9]
    assert numbers_read(tmp_path, "anna") == [0, 2, 6, 8]


@pytest.mark.parametrize("place", [0, 5, 9, 16, 20, 21, 22, 28, -1])
def test_a_flipped_bit_in_the_last_message_is_said(tmp_path: Path, log: list[str], place: int) -> None:
    messages = numbered_messages(3)
    broken = bytearray(messages[2])
    broken[place] ^= 128
    (tmp_path / "00000001.samples").write_bytes(b"".join([*messages[:2], broken]))
    assert numbers_read(tmp_path) == [0, 1]
    (warning,) = log
    assert re.search(r"1,0\d\d bytes are damaged; messages that came ", warning)


def test_a_restart_after_a_flipped_bit_labels_what_came_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signals, time_ns = now_wrist(20)
    rows = [slice(row, row + 50) for row in range(0, len(signals), 50)]
    content = bytearray(b"".join(record("anna", signals[piece], time_ns[piece]) for piece in rows))
    content[0] ^= 1
    (tmp_path / "00000001.samples").write_bytes(content)
    with serving(keep=tmp_path) as served:
        (watch,) = served.ask("/api/watches").json
    assert watch["last_ms"] == time_ns[-1] // 10**6
    assert watch["since_ms"] == time_ns[50] // 10**6
    warning = f"{tmp_path / '00000001.samples'}: 1,030 bytes are damaged; messages that came before "
    assert capsys.readouterr().err.count(warning) == 1


def test_a_stretch_of_damage_costs_only_its_messages(tmp_path: Path, log: list[str]) -> None:
    messages = numbered_messages(3000)  # more than is searched at once
    content = bytearray(b"".join(messages))
    size = len(messages[0])
    begin = 100 * len(messages[0] + messages[1]) // 2
    content[begin : begin + 2000 * size] = b"HKN2" * (500 * size)
    (tmp_path / "00000001.samples").write_bytes(content)
    found = numbers_read(tmp_path)
    assert found[:100] == list(range(100))
    assert found[100:] == list(range(found[100], 3000))
    assert abs(found[100] - 2100) <= 5  # the names differ in length
    assert len(log) == 1


def test_a_message_cut_short_is_no_damage_and_costs_no_other(tmp_path: Path, log: list[str]) -> None:
    messages = numbered_messages(20)
    cuts = (0, 1, 9, 25, 27, 31, 40, len(messages[1]) - 1)
    for number, cut in enumerate(cuts):
        content = messages[2 * number] + messages[2 * number + 1][:cut]
        (tmp_path / f"{number:08d}.samples").write_bytes(content)
    assert numbers_read(tmp_path) == [2 * number for number in range(len(cuts))]
    assert log == []


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, time_ns = now_wrist(1)

    def full(self: SampleLog, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SampleLog, "_append", full)
    payload = [{"name": "totalacceleration", "time": int(t), "values": {"x": 0, "y": 0, "z": 1}} for t in time_ns]
    with serving(keep=tmp_path) as served:
        answer = served.ask("/push", json.dumps({"deviceId": "phone", "payload": payload}).encode())
        assert answer.status == 507
        assert "No space left" in answer.json["error"]


def test_what_a_full_disk_lost_is_not_acknowledged_with_what_came_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, time_ns = now_wrist(3)
    usual, calls = SampleLog._append, list[int]()

    def full_once(self: SampleLog, content: bytes) -> None:
        calls.append(len(content))
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        usual(self, content)

    acknowledged: list[int] = []
    monkeypatch.setattr(SampleLog, "_append", full_once)
    with serving(keep=tmp_path) as served, served.connect("/ws/samples?watch=w") as watch:
        for row in (0, 50, 100):
            with suppress(TimeoutError, websockets.ConnectionClosed):
                watch.send(message(signals[row : row + 50], time_ns[row : row + 50]))
                frame = heard(watch, 1)
                acknowledged += [frame["messages"]] if frame["type"] == "ack" else []
    assert acknowledged == [1]
    assert watch.close_code == 1011
    assert "No space left" in (watch.close_reason or "")


def test_a_message_without_samples_is_acknowledged_after_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, time_ns = now_wrist(1)
    usual, disk = SampleLog._append, threading.Event()

    def slow(self: SampleLog, content: bytes) -> None:
        assert disk.wait(20)
        usual(self, content)

    monkeypatch.setattr(SampleLog, "_append", slow)
    with serving(keep=tmp_path) as served, served.connect("/ws/samples?watch=w") as watch:
        watch.send(message(signals, time_ns))
        until(lambda: served.metric("harken_samples_total") == len(signals))
        watch.send(message(signals[:0], time_ns[:0]))
        with pytest.raises(TimeoutError):
            heard(watch, 1)
        disk.set()
        while heard(watch)["messages"] < 2:
            pass
    (one,) = logged_samples(tmp_path)
    np.testing.assert_array_equal(one.time_ns, time_ns)


@pytest.mark.parametrize("step", ["open", "sync"])
def test_a_next_file_that_cannot_be_begun_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Every message is acknowledged and kept, and the next file begins when it can."""
    monkeypatch.setattr("harken.web.sample_log.FILE_BYTES", 1000)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    async def write() -> None:
        log = SampleLog(tmp_path)
        running = asyncio.create_task(log.run())

        async def append(number: int) -> None:
            times = np.arange(100) + 100 * number
            await asyncio.wait_for(log.append("anna", np.zeros((100, 3), np.float32), times), 5)

        with monkeypatch.context() as patch:
            if step == "open":
                patch.setattr(Path, "open", refuse)
            else:
                patch.setattr("harken.web.sample_log.sync_folder", refuse)
            await append(0)
            await append(1)
        assert [path.name for path in tmp_path.glob("*.samples")] == ["00000001.samples"]
        await append(2)
        await append(3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(write())
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"0000000{number}.samples" for number in (1, 2, 3)]
    kept = np.concatenate([one.time_ns for one in logged_samples(tmp_path)])
    np.testing.assert_array_equal(kept, np.arange(400))


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarkenError, match="samples cannot be kept there"), serving(keep=tmp_path / "file"):
        pass
    assert recogniser()
