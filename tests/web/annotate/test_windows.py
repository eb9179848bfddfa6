"""Several windows of one recording, and other programs: what each sees, and that nothing is overwritten unseen."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import websockets
from starlette.websockets import WebSocket
from websockets import ConnectionClosed
from websockets.sync.client import ClientConnection

from annotating_server import annotating, intervals, put, write_recording
from harken.annotations.formats import read_annotations
from harken.annotations.store import LabelStore, StoredLabels
from harken.web.annotate import desk
from harken.web.annotate.recording import MOST_WINDOWS
from harken.web.clients import Client
from harken.web.limits import Limits
from harken.web.metrics import Metrics
from server_thread import Served, heard, received

LABELS = "/api/recordings/0/labels"
LIVE = "/api/recordings/0/live?client="


def test_only_the_newest_message_of_a_type_waits() -> None:
    sent: list[str] = []

    class Socket:
        async def send_text(self, frame: str) -> None:
            sent.append(frame)

    async def write() -> None:
        window = Client(cast(WebSocket, Socket()), Limits(), Metrics())
        for share in range(1000):
            window.put_newest("status", str(share))
        window.put_newest("labels", "all")
        with suppress(TimeoutError):
            await asyncio.wait_for(window.write(), 0.1)

    asyncio.run(write())
    assert sent == ["999", "all"]


def until(socket: ClientConnection, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message for which something holds."""
    while not holds(message := heard(socket)):
        pass
    return message


def is_labels(message: dict[str, Any], intervals: int | None = None) -> bool:
    return message["type"] == "labels" and intervals in (None, len(message["intervals"]))


def is_read_only(message: dict[str, Any]) -> bool:
    return bool(message["type"] == "read_only")


def replace(path: Path, content: str) -> None:
    """Write a file whole, because the server may look at it at any time."""
    aside = path.with_name("aside")
    aside.write_text(content)
    aside.replace(path)


def names(message: dict[str, Any]) -> list[str]:
    return [each["label"] for each in message["intervals"]]


def test_each_window_writes_and_sees_what_others_wrote(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", label=None)
    beside = tmp_path / "anna.labels.csv"
    with annotating(path) as served, served.connect(LIVE + "one") as first, served.connect(LIVE + "two") as second:
        for window in (first, second):
            assert until(window, is_read_only) == {"type": "read_only", "reason": None}
        assert served.ask(LABELS).headers["etag"] == '"none"'
        saved = put(served, intervals((1, 2, "lying")), client="one", etag='"none"')
        assert (saved.status, saved.json) == (200, {"etag": saved.headers["etag"]})
        news = until(second, is_labels)
        assert (names(news), news["etag"], news["on_disk"]) == (["lying"], saved.headers["etag"], True)
        stale = put(served, [], client="two", etag='"none"')
        assert (stale.status, stale.headers["etag"]) == (412, saved.headers["etag"])
        assert stale.json["error"] == "anna.labels.csv was changed by another window or program"
        both = intervals((1, 2, "lying"), (3, 4, "sitting"))
        saved = put(served, both, client="two", etag=saved.headers["etag"])
        assert until(first, lambda each: is_labels(each, 2))["etag"] == saved.headers["etag"]
        # Another program changes the file, which one window notices by its request, and the other by a message.
        replace(beside, "start,end,label\n5,6,walking\n")
        stale = put(served, [], client="one", etag=saved.headers["etag"])
        assert stale.status == 412
        # It may see the file before all is written.
        news = until(second, lambda each: is_labels(each) and each["etag"] == stale.headers["etag"])
        assert names(news) == ["walking"]
        # And once more, without a request.
        replace(beside, "start,end,label\n5,6,walking\n7,8,lying\n")
        assert names(until(first, lambda each: is_labels(each, 2))) == ["walking", "lying"]
        replace(beside, "start,end,label\n5,x,walking\n")
        assert "the end 'x' is not a time" in until(first, is_read_only)["reason"]
        assert put(served, [], client="one").status == 423


def test_a_window_hears_nothing_of_its_own_labels_and_others_of_each_in_order(tmp_path: Path) -> None:
    """Requests for the labels come while they are saved."""
    path, saves = write_recording(tmp_path / "anna.csv", label=None), 60

    async def use(served: Served) -> None:
        live = served.url("/api/recordings/0/live?client=", "ws")
        heard: dict[str, list[str]] = {"one": [], "two": []}

        async def hear(window: str) -> None:
            async with websockets.connect(live + window) as socket:
                while True:
                    if (message := await received(socket))["type"] == "labels":
                        heard[window] += names(message)

        async def ask() -> None:
            while True:
                await asyncio.to_thread(served.ask, LABELS)

        async with asyncio.TaskGroup() as group:
            others = [group.create_task(task) for task in (hear("one"), hear("two"), ask(), ask())]
            await asyncio.sleep(0.3)
            etag = '"none"'
            for step in range(saves):
                rows = intervals((1, 2, f"{step:02}"))
                answer = await asyncio.to_thread(put, served, rows, client="one", etag=etag)
                assert answer.status == 200
                etag = answer.headers["etag"]
            await asyncio.sleep(0.3)
            for task in others:
                task.cancel()
        assert heard["one"] == []
        assert heard["two"] == sorted(heard["two"])
        assert heard["two"][-1] == f"{saves - 1:02}"

    with annotating(path) as served:
        asyncio.run(use(served))


@pytest.mark.parametrize("seed", range(3))
def test_two_windows_and_another_program_overwrite_nothing_unseen(tmp_path: Path, seed: int) -> None:
    """Each acts on what it has seen last, which may be old."""
    path, choose = write_recording(tmp_path / "anna.csv", seconds=60, label=None), random.Random(seed)
    beside = tmp_path / "anna.labels.csv"

    def on_disk() -> list[str]:
        return [entry.label for entry in read_annotations(beside).entries] if beside.exists() else []

    with annotating(path) as served:
        seen = dict.fromkeys(("one", "two"), '"none"')
        expected: list[str] = []
        for step in range(60):
            act, window = choose.choice(("save", "save", "look", "write", "remove")), choose.choice(list(seen))
            if act == "look":
                answer = served.ask(LABELS)
                assert names(answer.json) == expected
                seen[window] = answer.headers["etag"]
            elif act == "save":
                current = served.ask(LABELS).headers["etag"]
                rows = intervals(*((number, number + 1, f"{step} {number}") for number in range(choose.randrange(4))))
                answer = put(served, rows, client=window, etag=seen[window])
                assert answer.status == (200 if seen[window] == current else 412)
                if answer.status == 200:
                    expected, seen[window] = [row["label"] for row in rows], answer.headers["etag"]
                else:
                    assert answer.headers["etag"] == current
            elif act == "write":
                expected = [f"program {step}"]
                beside.write_text(f"start,end,label\n5,6,program {step}\n")
            elif beside.exists():
                expected = []
                beside.unlink()
            assert on_disk() == expected


def test_a_drive_that_is_away_for_a_while_closes_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "CHECKED_S", desk.STATUS_S)
    (drive := tmp_path / "drive").mkdir()
    path = write_recording(drive / "anna.csv", seconds=20)
    with annotating(path) as served, served.connect(LIVE + "one") as window:
        until(window, is_read_only)
        drive.rename(tmp_path / "away")
        drive.write_text("")  # to ask for a file in it is an error, as with a drive that was unplugged
        time.sleep(4 * desk.CHECKED_S)
        refused = put(served, intervals((1, 2, "lying")), client="one")
        assert (refused.status, "anna.labels.csv" in refused.json["error"]) == (507, True)
        drive.unlink()
        (tmp_path / "away").rename(drive)
        (drive / "anna.labels.csv").write_text("start,end,label\n5,6,walking\n")
        assert names(until(window, lambda each: is_labels(each, 1))) == ["walking"]
        assert put(served, intervals((1, 2, "lying")), client="one").status == 200


def test_an_error_of_one_recording_that_nobody_expected_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk, "CHECKED_S", desk.STATUS_S)
    monkeypatch.setattr(desk, "LOG", logging.getLogger("desk"))  # the server's own does not reach the test
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=20) for name in ("anna", "ben")]
    real = LabelStore.load

    def load(store: LabelStore) -> StoredLabels:
        if store.path.name.startswith("anna"):
            raise RuntimeError("nobody expected this")
        return real(store)

    anna, ben = (f"/api/recordings/{number}/live?client=a" for number in (0, 1))
    with annotating(*paths) as served, served.connect(anna) as of_anna, served.connect(ben) as of_ben:
        until(of_ben, is_read_only)
        monkeypatch.setattr(LabelStore, "load", load)
        failed = until(of_anna, lambda each: each["type"] == "status" and each["state"] == "failed")
        assert failed["error"] == f"{paths[0]}: a fault in harken: RuntimeError: nobody expected this"
        replace(tmp_path / "ben.labels.csv", "start,end,label\n5,6,walking\n")
        assert names(until(of_ben, lambda each: is_labels(each) and each["on_disk"])) == ["walking"]
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["nobody expected this"]


@pytest.mark.parametrize("again", [False, True], ids=("first", "from the cache"))
def test_a_recording_that_cannot_be_shown_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=20) for name in ("anna", "ben")]
    if again:
        with annotating(*paths):
            pass

    def broken(path: Path, *arguments: Any, **options: Any) -> LabelStore:
        if path.name == "anna.csv":
            raise RuntimeError("nobody expected this")
        return LabelStore(path, *arguments, **options)

    monkeypatch.setattr("harken.web.annotate.recording.LabelStore", broken)
    with annotating(*paths) as served:
        found = [served.ask(f"/api/recordings/{number}").json for number in (0, 1)]
        assert [each["state"] for each in found] == ["failed", "ready"]
        assert found[0]["error"] == f"{paths[0]}: a fault in harken: RuntimeError: nobody expected this"


def test_windows_hear_of_the_reading_and_may_write_afterwards(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv")
    with annotating(path, read=False) as served, served.connect(LIVE + "one") as window:
        first = until(window, is_read_only)
        assert first["reason"] == "the recording is still being read; labels can be set when it is complete"
        newest: dict[str, Any] = {}
        while newest.get("read_only", first)["reason"] is not None:
            message = heard(window)
            newest[message["type"]] = message
        assert len(newest["labels"]["intervals"]) == 1
        assert newest["status"]["state"] == "ready"


def test_many_windows_and_strange_messages_do_no_harm(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    with annotating(path) as served, ExitStack() as opened:
        windows = [opened.enter_context(served.connect(LIVE + str(number))) for number in range(MOST_WINDOWS)]
        for refused in ("more", ""):
            with served.connect(LIVE + refused) as window, suppress(ConnectionClosed):
                heard(window)
                heard(window)
            assert window.close_code == 4404
        for text in ("{", "[]", "1", '{"type": 5}', b"\xff\x00"):
            windows[0].send(text)
        put(served, [], client="elsewhere")
        assert names(until(windows[0], is_labels)) == []
        with served.connect(LIVE + "0") as again:  # the connection of the first window was lost
            until(again, is_read_only)
            with pytest.raises(ConnectionClosed):
                until(windows[0], lambda _: False)
