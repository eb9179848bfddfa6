"""``--keep``: acknowledged samples are on the disk, in files that the server names, and are read after a restart."""

import asyncio
import json
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


def test_a_message_cut_short_ends_its_file_and_no_other(tmp_path: Path) -> None:
    signals, time_ns = now_wrist(1)
    whole = record("a", signals, time_ns)
    broken = bytearray(whole)
    broken[-1] ^= 1
    for number, content in enumerate((whole + whole[:-7], bytes(broken) + whole, b"", whole[:9], whole + whole)):
        (tmp_path / f"{number:08d}.samples").write_bytes(content)
    assert len(list(logged_samples(tmp_path))) == 3


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
