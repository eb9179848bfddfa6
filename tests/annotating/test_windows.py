"""Which window writes: the first, or one that takes over; and what the others see."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websockets

from annotating_server import annotating, annotating_process, intervals, put, write_recording
from harken.annotating import desk
from harken.annotating.labels import Labels
from harken.annotating.windows import SILENT_S, PageWindows, Window
from server_thread import Served, received


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def newest(window: Window) -> dict[str, Any]:
    """The newest message on who writes."""

    async def drain() -> dict[str, Any]:
        while (message := await window.next()) is not None:
            if message["type"] == "writer":
                return message
        raise AssertionError("the window is closed")

    return asyncio.run(drain())


def test_the_first_window_writes_until_it_is_gone() -> None:
    windows = PageWindows(lambda: None)
    first, second = windows.connect("one"), windows.connect("two")
    assert newest(first) == {"type": "writer", "writing": True, "free": False, "reason": None}
    assert newest(second) == {"type": "writer", "writing": False, "free": False, "reason": None}
    assert windows.may_write("one")
    assert not windows.may_write("two")
    windows.disconnect(first)
    assert newest(second)["free"]
    windows.take("two")
    assert newest(second)["writing"]
    third = windows.connect("one")
    assert not newest(third)["writing"]


def test_a_window_takes_over_from_one_that_is_silent() -> None:
    clock = Clock()
    windows = PageWindows(lambda: None, clock_s=clock)
    first, second = windows.connect("one"), windows.connect("two")
    clock.now_s = SILENT_S - 1
    windows.take("two")
    assert not newest(second)["writing"]
    windows.heard("two")
    clock.now_s = SILENT_S + 1
    windows.tell()
    assert newest(second)["free"]
    windows.heard("one")
    windows.tell()
    assert not newest(second)["free"]
    clock.now_s += SILENT_S + 1
    windows.take("two")
    assert newest(second)["writing"]
    assert not newest(first)["writing"]
    assert not windows.may_write("one")


def test_nobody_writes_what_is_read_only() -> None:
    reason: list[str | None] = ["it is being read"]
    windows = PageWindows(lambda: reason[0])
    window = windows.connect("one")
    assert newest(window) == {"type": "writer", "writing": False, "free": False, "reason": "it is being read"}
    windows.take("one")
    assert not newest(window)["writing"]
    reason[0] = None
    windows.tell()
    assert newest(window)["writing"]


def test_only_the_newest_message_of_a_type_waits() -> None:
    window = Window("one")
    for share in range(1000):
        window.put({"type": "status", "share": share})
    window.put({"type": "labels"})

    async def both() -> list[Any]:
        found = [await window.next(), await window.next()]
        window.close()
        return [*found, await window.next()]

    assert asyncio.run(both()) == [{"type": "status", "share": 999}, {"type": "labels"}, None]


def test_a_lost_window_is_replaced_and_stays_the_writer() -> None:
    windows = PageWindows(lambda: None)
    lost, again = windows.connect("one"), windows.connect("one")
    assert lost.closed
    assert newest(again)["writing"]
    windows.disconnect(lost)
    assert windows.may_write("one")
    assert not windows.may_write("two")
    assert len(windows) == 1
    windows.close()
    assert again.closed


async def until(socket: Any, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message for which something holds."""
    while not holds(message := await received(socket)):
        pass
    return message


def test_the_first_window_writes_and_the_second_sees_it(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", label=None)

    async def use(served: Served) -> None:
        live = served.url("/api/recordings/0/live?client=", "ws")
        async with websockets.connect(live + "one") as first, websockets.connect(live + "two") as second:
            mine = await until(first, lambda each: each["type"] == "writer")
            other = await until(second, lambda each: each["type"] == "writer")
            assert (mine["writing"], mine["free"], mine["reason"]) == (True, False, None)
            assert (other["writing"], other["free"]) == (False, False)
            refused = await asyncio.to_thread(put, served, intervals((1, 2, "lying")), client="two")
            assert (refused.status, "another window" in refused.json["error"]) == (423, True)
            saved = await asyncio.to_thread(put, served, intervals((1, 2, "lying")), client="one")
            news = await until(second, lambda each: each["type"] == "labels")
            assert news["revision"] == saved.json["revision"]
            assert [each["label"] for each in news["intervals"]] == ["lying"]
            await second.send(json.dumps({"type": "take"}))
            assert not (await until(second, lambda each: each["type"] == "writer"))["writing"]
            await first.close()
            assert (await until(second, lambda each: each["type"] == "writer"))["free"]
            await second.send(json.dumps({"type": "take"}))
            assert (await until(second, lambda each: each["type"] == "writer"))["writing"]
            # Another program changes the file.
            (tmp_path / "anna.labels.csv").write_text("start,end,label\n5,6,walking\n")
            stale = await asyncio.to_thread(put, served, [], client="two", revision=saved.json["revision"])
            assert stale.status == 409
            news = await until(second, lambda each: each["type"] == "labels")
            assert [each["label"] for each in news["intervals"]] == ["walking"]
            # And once more, without a request.
            (tmp_path / "anna.labels.csv").write_text("start,end,label\n5,6,walking\n7,8,lying\n")
            news = await until(second, lambda each: each["type"] == "labels")
            assert [each["label"] for each in news["intervals"]] == ["walking", "lying"]

    with annotating(path) as served:
        asyncio.run(use(served))


def test_a_drive_that_is_away_for_a_while_closes_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "CHECKED_S", desk.STATUS_S)
    (drive := tmp_path / "drive").mkdir()
    path = write_recording(drive / "anna.csv", seconds=20)

    async def use(served: Served) -> None:
        async with websockets.connect(served.url("/api/recordings/0/live?client=one", "ws")) as window:
            await until(window, lambda each: each["type"] == "writer")
            drive.rename(tmp_path / "away")
            drive.write_text("")  # to ask for a file in it is an error, as with a drive that was unplugged
            await asyncio.sleep(4 * desk.CHECKED_S)
            refused = await asyncio.to_thread(put, served, intervals((1, 2, "lying")), client="one")
            assert (refused.status, "anna.labels.csv" in refused.json["error"]) == (507, True)
            drive.unlink()
            (tmp_path / "away").rename(drive)
            (drive / "anna.labels.csv").write_text("start,end,label\n5,6,walking\n")
            news = await until(window, lambda each: each["type"] == "labels" and len(each["intervals"]) == 1)
            assert [each["label"] for each in news["intervals"]] == ["walking"]
            saved = await asyncio.to_thread(put, served, intervals((1, 2, "lying")), client="one")
            assert saved.status == 200

    with annotating(path) as served:
        asyncio.run(use(served))


def test_an_error_of_one_recording_that_nobody_expected_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk, "CHECKED_S", desk.STATUS_S)
    monkeypatch.setattr(desk, "LOG", logging.getLogger("desk"))  # the server's own does not reach the test
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=20) for name in ("anna", "ben")]
    real = Labels.changed_outside

    def changed_outside(labels: Labels) -> bool:
        if labels.path.name.startswith("anna"):
            raise RuntimeError("nobody expected this")
        return real(labels)

    async def use(served: Served) -> None:
        lives = [served.url(f"/api/recordings/{number}/live?client=a", "ws") for number in (0, 1)]
        async with websockets.connect(lives[0]) as anna, websockets.connect(lives[1]) as ben:
            await until(ben, lambda each: each["type"] == "writer")
            monkeypatch.setattr(Labels, "changed_outside", changed_outside)
            failed = await until(anna, lambda each: each["type"] == "status" and each["state"] == "failed")
            assert failed["error"] == f"{paths[0]}: a fault in harken: RuntimeError: nobody expected this"
            (tmp_path / "ben.labels.csv").write_text("start,end,label\n5,6,walking\n")
            news = await until(ben, lambda each: each["type"] == "labels" and each["on_disk"])
            assert [each["label"] for each in news["intervals"]] == ["walking"]

    with annotating(*paths) as served:
        asyncio.run(use(served))
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["nobody expected this"]


@pytest.mark.parametrize("again", [False, True], ids=("first", "from the cache"))
def test_a_recording_that_cannot_be_shown_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=20) for name in ("anna", "ben")]
    if again:
        with annotating(*paths):
            pass

    def broken(path: Path, *arguments: Any, **options: Any) -> Labels:
        if path.name == "anna.csv":
            raise RuntimeError("nobody expected this")
        return Labels(path, *arguments, **options)

    monkeypatch.setattr("harken.annotating.recording.Labels", broken)
    with annotating(*paths) as served:
        found = [served.ask(f"/api/recordings/{number}").json for number in (0, 1)]
        assert [each["state"] for each in found] == ["failed", "ready"]
        assert found[0]["error"] == f"{paths[0]}: a fault in harken: RuntimeError: nobody expected this"


def test_windows_hear_of_the_reading_and_may_write_afterwards(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv")

    async def use(served: Served) -> None:
        live = served.url("/api/recordings/0/live?client=one", "ws")
        async with websockets.connect(live) as window:
            first = await until(window, lambda each: each["type"] == "writer")
            assert not first["writing"]
            assert first["reason"] == "the recording is still being read; labels can be set when it is complete"
            newest: dict[str, Any] = {}
            while not newest.get("writer", first)["writing"]:
                message = await received(window)
                newest[message["type"]] = message
            assert len(newest["labels"]["intervals"]) == 1
            assert newest["status"]["state"] == "ready"

    with annotating(path, read=False) as served:
        asyncio.run(use(served))


def test_a_second_process_on_the_same_recording_is_read_only(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    with annotating(path) as here, annotating_process(str(path), log=tmp_path / "log") as (process, there):
        there.ask_until("/api/recordings/0", lambda each: each["state"] == "ready")
        refused = put(there, intervals((1, 2, "lying")))
        assert (refused.status, refused.json["error"]) == (
            423,
            "another harken annotate has this recording open; labels can be set there",
        )
        assert put(here, intervals((1, 2, "lying"))).status == 200
        here.server.should_exit = True
        there.ask_until("/api/recordings", lambda _: put(there, intervals((1, 3, "lying"))).status == 200)
        process.kill()
    with annotating(path) as again:
        assert put(again, intervals((1, 4, "lying"))).status == 200, "the lock ended with the process"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["anna.csv", "anna.labels.csv", "log"]


def test_many_windows_and_strange_messages_do_no_harm(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)

    async def use(served: Served) -> None:
        live = served.url("/api/recordings/0/live?client=", "ws")
        windows = [await websockets.connect(live + str(number)) for number in range(20)]
        async with websockets.connect(live + "more") as refused:
            await refused.wait_closed()
            assert refused.close_code == 4404
        for text in ("{", "[]", "1", '{"type": 5}', b"\xff\x00"):
            await windows[0].send(text)
        await windows[0].send(json.dumps({"type": "take"}))
        assert (await until(windows[0], lambda each: each["type"] == "writer"))["writing"]
        async with websockets.connect(live + "0") as again:  # the connection of the first window was lost
            assert (await until(again, lambda each: each["type"] == "writer"))["writing"]
            await windows[0].wait_closed()
        for window in windows:
            await window.close()
        async with websockets.connect(live) as nobody:
            await nobody.wait_closed()
            assert nobody.close_code == 4404

    with annotating(path) as served:
        asyncio.run(use(served))
