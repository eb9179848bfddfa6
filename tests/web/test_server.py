"""A server as its clients see it: samples in, labels out, the page's view, and refusals."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import numpy as np
import orjson
import pytest
import websockets
from websockets.sync.client import ClientConnection

import people
from command_line import Run
from harken.labelling.file import label_file
from harken.labelling.live.stream import Due
from harken.models.recogniser import Recogniser
from harken.networks.specification import CalibratedOn
from harken.reports.colours import colours_of, contrast
from harken.support.errors import HarkenError
from harken.web.app import server_for
from harken.web.hub import model_description
from harken.web.limits import Limits
from offline import offline
from server_thread import Served, heard, labels_heard, message, now_wrist, recogniser, serving
from waiting import until


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def test_health_and_model_are_described(served: Served) -> None:
    assert served.ask("/health").json["status"] == "ok"
    model = served.ask("/api/model").json
    assert model["labels"] == list(recogniser().specification_.labels)
    assert len(model["card"]) == 3
    assert served.ask("/openapi.json").json["paths"].keys() >= {"/push", "/api/recordings", "/api/timeline"}
    assert "harken_samples_total" in served.ask("/metrics").body.decode()
    assert served.ask("/nowhere").status == 404
    assert served.ask("/assets/..%2f..%2fapp.py").status == 404
    labels = ["walking", "größer", "ходьба", *map(str, range(30))]
    colours = served.ask("/api/colours", orjson.dumps(labels)).json
    assert {name: (one["light"], one["dark"]) for name, one in colours.items()} == {
        name: (one.light, one.dark) for name, one in colours_of(labels).items()
    }
    assert all(contrast(one[name], one["ink"][name]) >= 4.5 for one in colours.values() for name in one["ink"])
    for body in (b"{", b"[1]", 900 * b"[" + 900 * b"]", 100_000 * b"["):
        assert served.ask("/api/colours", body).status == 400
    assert served.ask("/api/timeline?watch=nobody").json == {"error": "there is no such watch"}


def test_the_card_says_how_many_people_and_how_it_was_calibrated() -> None:
    cards = {}
    for calibrated_on, met in zip(get_args(CalibratedOn), (["anna"], ["anna", "ben"], []), strict=True):
        specification = replace(recogniser().specification_, calibrated_on=calibrated_on)
        model = SimpleNamespace(specification_=specification, provenance_={"training_people": met})
        cards[calibrated_on] = model_description(cast(Recogniser, model))["card"][1:]
    assert cards["unseen"][1] == "Its probabilities were calibrated on unseen people."
    assert "were not calibrated" in cards["nobody"][1]
    assert "may be too high for others" in cards["the same person"][1]
    assert {card[0].split("; ")[0] for card in cards.values()} == {
        f"It was trained on {words}" for words in ("1 person", "2 people", "0 people")
    }


def test_samples_become_the_labels_of_an_offline_run(served: Served) -> None:
    signals, time_ns = now_wrist(30)
    with served.connect("/ws/samples?watch=wrist&ack=1") as watch:
        for row in range(0, len(time_ns), 37):
            rows = slice(row, row + 37)
            unit, factor = ("m/s2", 9.80665) if row % 2 else ("g", 1)
            watch.send(message(signals[rows] * np.float32(factor), time_ns[rows], unit))
        frames = labels_heard(watch, 25)
    assert {one["watch"] for one in frames} == {"wrist"}
    ends = [one["end_ms"] for one in frames]
    assert np.diff(ends).min() > 0
    assert all(sum(one["probabilities"]) == pytest.approx(1, abs=1e-3) for one in frames)
    rows = served.ask_until("/api/timeline?watch=wrist", lambda found: len(found["rows"]) > 20)["rows"]
    timeline = offline(recogniser(), signals, time_ns)
    starts = timeline.frame["start"].to_physical().to_numpy() / 1e6
    for row in rows:
        (at,) = np.flatnonzero(np.abs(starts - row["start_ms"]) < 0.01)
        np.testing.assert_allclose(row["probabilities"], timeline.probabilities[at], atol=1e-5)
    watches = {one["watch"]: one for one in served.ask("/api/watches").json}
    assert watches["wrist"]["sample_rate_hz"] == pytest.approx(50, abs=2)


def test_the_page_sees_the_watch_it_chooses(served: Served) -> None:
    with (
        served.connect("/ws/samples?watch=left") as left,
        served.connect("/ws/samples?watch=right") as right,
        served.connect("/ws/view?watch=left") as page,
    ):
        hello = heard(page)
        assert hello["type"] == "hello"
        assert hello["model"]["labels"] == list(recogniser().specification_.labels)
        for number, watch in enumerate((left, right)):
            signals, time_ns = now_wrist(8, seed=number)
            watch.send(message(signals[:350], time_ns[:350]))
        seen: list[dict[str, Any]] = []
        while not (seen and seen[-1]["type"] == "label"):
            seen.append(heard(page))
        kinds = [one["type"] for one in seen]
        assert "history" in kinds
        assert all(one.get("watch", "left") == "left" for one in seen)
        served.ask_until("/api/watches", lambda watches: "right" in [one["watch"] for one in watches])
        page.send(json.dumps({"type": "choose", "watch": "right"}))
        history = heard(page)
        while history["type"] != "history" or history["watch"] != "right":
            history = heard(page)
        assert len(history["samples"]["t_ms"]) == len(history["samples"]["x"]) > 300
        right.send(message(signals[350:], time_ns[350:]))
        one = heard(page)
        while one["type"] != "samples" or one["watch"] != "right":
            one = heard(page)
        assert one["t_ms"][0] == time_ns[350] // 10**6
        page.send(json.dumps({"type": "choose", "watch": "nobody"}))
        while one["type"] != "error":
            one = heard(page)
        page.send("nonsense")
        assert closing(page)[0] == 1007


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"time_ms": [1], "x": [1], "y": [1]}',
        '{"time_ms": [1, 2], "x": [1], "y": [1], "z": [1]}',
        '{"time_ms": [1], "x": ["1"], "y": [1], "z": [1]}',
        '{"time_ns": [1.5], "x": [1], "y": [1], "z": [1]}',
        '{"time_ns": [-1], "x": [1], "y": [1], "z": [1]}',
        '{"time_ns": [99999999999999999999], "x": [1], "y": [1], "z": [1]}',
        '{"time_ms": [1e300], "x": [1], "y": [1], "z": [1]}',
        '{"time_ms": [1], "x": [1], "y": [1], "z": [1], "unit": "kg"}',
        '{"time_ms": [1], "x": [1e400], "y": [1], "z": [1]}',
        '{"time_ms": [1], "x": [NaN], "y": [1], "z": [1]}',
        "[" * 100_000,
        '{"time_ms": [3900000000000], "x": [1], "y": [1], "z": [1]}',
    ],
)
def test_a_malformed_message_costs_only_its_sender(served: Served, text: str) -> None:
    with served.connect("/ws/samples?watch=good&ack=1") as good, served.connect("/ws/samples?watch=bad") as bad:
        bad.send(text)
        code, last = closing(bad)
        assert (code, json.loads(last)["type"]) == (1007, "error")
        good.send('{"time_ms": [1700000000000], "x": [null], "y": [0], "z": [1]}')
        assert heard(good) == {"type": "ack", "messages": 1}


NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("name", "start", "step", "sentence"),
    [
        ("time_ms", NOW_MS // 1000, 0.02, "a sample has the time 1970-01-20 16:13:20, before 2000; send milliseconds"),
        ("time_ns", NOW_MS, 20, "a sample has the time 1970-01-01 00:28:20, before 2000; send milliseconds"),
        ("time_ms", NOW_MS * 1000, 20_000, "time_ms has a time after 2096 or long before 1970; send milliseconds"),
        ("time_ms", NOW_MS, 0.02, "by their times, 50,00"),
    ],
)
def test_times_in_another_unit_are_refused_with_the_right_one(
    served: Served, name: str, start: float, step: float, sentence: str
) -> None:
    with served.connect(f"/ws/samples?watch=wrong{start}{step}&ack=1") as watch:
        for first in range(0, 60, 10):
            times = [start + step * (first + row) for row in range(10)]
            with suppress(websockets.ConnectionClosed):  # it is refused before the last message
                watch.send(json.dumps({name: times, "x": 10 * [0], "y": 10 * [0], "z": 10 * [1]}))
        code, last = closing(watch)
    assert code == 1007
    assert json.loads(last)["message"].startswith(sentence)
    assert "send milliseconds since 1970 as time_ms, or nanoseconds as time_ns" in last


@pytest.mark.parametrize("fields", [{"unit": "m/s2"}, {"unit": "g"}, {"z": [1.0]}, {}])
def test_values_in_m_s2_need_a_unit(served: Served, fields: dict[str, Any]) -> None:
    with served.connect(f"/ws/samples?watch={len(str(fields))}&ack=1") as watch:
        for row in range(30):
            with suppress(websockets.ConnectionClosed):  # it is refused before the last message
                watch.send(json.dumps({"time_ms": [NOW_MS + 20 * row], "x": [0], "y": [0], "z": [9.81], **fields}))
        if fields:
            while heard(watch)["messages"] < 30:
                pass
            return
        code, last = closing(watch)
    assert code == 1007
    assert json.loads(last)["message"].startswith(
        'without "unit", values are in g, but the acceleration of these samples is about 9.81; add "unit": "m/s2"'
    )


def test_values_that_no_sensor_gives_count_as_missing_and_warn_of_nothing(served: Served) -> None:
    """Warnings are errors here: one would end the tick, or the socket."""
    signals, time_ns = now_wrist(14)
    rows = json.loads(message(signals, time_ns))

    def frames(watch: str, *values: float | None) -> list[dict[str, Any]]:
        rows["x"][100 : 100 + len(values)] = values
        with served.connect(f"/ws/samples?watch={watch}") as socket:
            socket.send(json.dumps(rows))
            return [one | {"watch": ""} for one in labels_heard(socket, 10)]

    assert frames("wild", 1e300, -1.7e308, 1e6, 2**64) == frames("missing", None, None, None, None)
    assert served.metric("harken_failed_ticks_total") == 0


def test_a_recording_that_is_posted_is_labelled(served: Served, tmp_path: Any) -> None:
    path = people.write_person(tmp_path / "bob.csv", 2)
    answer = served.ask("/api/recordings?name=..%2F..%2Fbob.csv", path.read_bytes())
    assert answer.status == 200
    day = answer.json
    assert day["subject"] == "bob"
    assert day["labels"] == list(recogniser().specification_.labels)
    assert sum(day["hours"].values()) * 3600 == pytest.approx(120, abs=3)
    assert all(
        first["end_ms"] == second["start_ms"] for first, second in zip(day["rows"], day["rows"][1:], strict=False)
    )
    expected = label_file(path, model=recogniser()).timeline
    assert [row["label"] for row in day["rows"]] == expected.frame["label"].to_list()
    assert [row["wear"] for row in day["rows"]] == expected.frame["wear"].to_list()
    assert all(row["activity_mg"] is not None for row in day["rows"] if row["wear"])
    refused = served.ask("/api/recordings?name=day.csv", b"this is no recording\n")
    assert refused.status == 422
    assert "day.csv" in refused.json["error"]
    assert "/tmp" not in refused.json["error"]
    assert served.ask("/api/recordings?name=day.csv", b"").status == 422
    assert served.ask("/api/recordings", b"x").status == 422
    form = served.ask("/api/recordings?name=bob.csv", path.read_bytes(), content_type="multipart/form-data; boundary=x")
    assert form.status == 422
    assert "curl --data-binary @FILE" in form.json["error"]


def test_a_message_that_is_too_large_gets_its_answer_although_it_is_not_read(tmp_path: Path) -> None:
    with serving(keep=tmp_path) as served:
        for path in ("/api/record/end", "/api/learn", "/api/learn/choice"):
            assert {served.ask(path, b"x" * 3_000_000).status for _ in range(50)} == {413}


def test_a_body_of_unknown_length_that_is_too_large_and_all_there_is_answered_at_once() -> None:
    with serving(limits=Limits(message_bytes=10)) as served, socket.socket() as client:
        client.settimeout(3)  # the rest of a body is awaited for 5 s
        client.connect(("127.0.0.1", served.port))
        client.sendall(b"POST /push HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"b\r\n[1,2,3,4,5]\r\n0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_pages_of_other_sites_and_other_names_are_refused(served: Served) -> None:
    assert served.ask("/api/model", Host="evil.example").status == 403
    assert served.ask("/api/model", Host=f"localhost:{served.port}").status == 200
    for origin in ("http://evil.example", "null", "http://["):
        assert served.ask("/api/model", Origin=origin).status == 403
    assert served.ask("/api/model", Origin=f"http://127.0.0.1:{served.port}").status == 200


def test_a_token_is_required() -> None:
    with serving(token="secret") as served:
        assert served.ask("/health").status == 200
        assert served.ask("/api/model").status == 401
        assert served.ask("/api/model?token=wrong").status == 401
        assert served.ask("/api/model?token=secret").status == 200
        assert served.ask("/api/model", Authorization="Bearer secret").status == 200
        assert served.ask("/push", b"{}").status == 401
        metrics = served.ask("/metrics?token=secret").body.decode()
        assert 'harken_refused_total{reason="token"} 3\n' in metrics
        with served.connect("/ws/view?token=secret") as socket:
            assert heard(socket)["type"] == "hello"


def closing(socket: ClientConnection) -> tuple[int, str]:
    """The code with which the server closes a socket, and its last words."""
    last = ""
    try:
        while True:
            last = str(socket.recv(20))
    except websockets.ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else 1006), last


def closed_with(served: Served, path: str, *messages: str) -> tuple[int, str]:
    with served.connect(path) as socket:
        for one in messages:
            socket.send(one)
        return closing(socket)


def test_each_limit_has_an_answer_of_its_own() -> None:
    limits = Limits(
        message_bytes=9000,
        upload_bytes=10_000,
        samples_per_s=10,
        samples_burst=100,
        watches=2,
        viewers=1,
        body_s=0.5,
        socket_s=3,
        uploads=0,
    )
    signals, time_ns = now_wrist(3)
    with serving(limits=limits) as served:
        assert served.ask("/push", b"x" * 9001).status == 413
        assert served.ask("/api/recordings?name=a.csv", b"x" * 10_001).status == 413
        busy = served.ask("/api/recordings?name=a.csv", b"x")
        assert busy.status == 503
        assert int(busy.headers["retry-after"]) > 0

        samples = "/ws/samples?watch="
        assert closed_with(served, samples + "a", "x" * 9001)[0] == 1009
        code, last = closed_with(served, samples + "a", *2 * [message(signals[:60], time_ns[:60])])
        assert code == 4429
        assert json.loads(last)["retry_s"] >= 1
        assert closed_with(served, samples + "b", "{")[0] == 1007
        assert closed_with(served, samples + "c")[0] == 1013
        with served.connect("/ws/view") as first:
            heard(first)
            assert closed_with(served, "/ws/view")[0] == 1013
        assert closed_with(served, samples + "a")[0] == 4408
        payload = [{"name": "totalacceleration", "time": int(t), "values": {"x": 0, "y": 0, "z": 1}} for t in time_ns]
        push = json.dumps({"deviceId": "b", "payload": payload[:40]}).encode()
        statuses = [served.ask("/push", push).status for _ in range(4)]
        assert statuses[0] == 200
        assert statuses[-1] == 429

        with socket.create_connection(("127.0.0.1", served.port), 20) as slow:
            slow.sendall(b"POST /push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            assert slow.recv(200).startswith(b"HTTP/1.1 408")
        assert served.metric("harken_refused_total") >= 9


def test_an_idle_watch_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harken.web.hub.SWEEP_S", 0.2)
    with serving(limits=Limits(idle_s=0.5)) as served:
        with served.connect("/ws/samples?watch=brief&ack=1") as watch:
            watch.send(message(*now_wrist(5)))
            labels_heard(watch, 1)
        served.ask_until("/api/watches", lambda found: found == [])
        assert served.metric("harken_forgotten_total") == 1


@pytest.mark.second_stage
def test_a_watch_that_comes_back_while_it_is_forgotten_has_labels_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harken.web.hub.SWEEP_S", 0.2)
    usual = Due.probabilities
    sent, forgetting, back = threading.Event(), threading.Event(), threading.Event()
    signals, time_ns = now_wrist(30)

    def fails_at_the_end(due: Due, recogniser: Recogniser) -> Any:
        if sent.is_set() and not back.is_set():
            forgetting.set()
            assert back.wait(20)
            raise RuntimeError("the network is not well")
        return usual(due, recogniser)

    def send(served: Served, rows: slice) -> None:
        with served.connect("/ws/samples?watch=w") as watch:
            watch.send(message(signals[rows], time_ns[rows]))
            if forgetting.is_set():
                until(lambda: served.metric("harken_waiting_messages") == 1)
                back.set()
            labels_heard(watch, 3)

    monkeypatch.setattr(Due, "probabilities", fails_at_the_end)
    with serving(limits=Limits(idle_s=0.5)) as served:
        send(served, slice(0, 500))
        sent.set()
        assert forgetting.wait(20)
        send(served, slice(500, None))
        assert served.metric("harken_failed_ticks_total") == 1
        served.ask_until("/api/watches", lambda found: found == [])


def test_a_tick_that_fails_is_counted_and_the_next_ones_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Due] = []
    usual = Due.probabilities

    def wrong_once(due: Due, recogniser: Recogniser) -> Any:
        calls.append(due)
        if len(calls) == 1:
            raise RuntimeError("the network is not well")
        return usual(due, recogniser)

    monkeypatch.setattr(Due, "probabilities", wrong_once)
    signals, time_ns = now_wrist(20)

    with serving() as served, served.connect("/ws/samples?watch=w") as watch:
        watch.send(message(signals[:300], time_ns[:300]))
        until(lambda: calls)
        watch.send(message(signals[300:], time_ns[300:]))
        labels_heard(watch, 3)
        assert served.metric("harken_failed_ticks_total") == 1


@pytest.mark.parametrize("token", ["", " ", "\t\n", "two words", "naïve", "bell\a"])
def test_a_token_that_protects_nothing_is_an_error(token: str) -> None:
    with pytest.raises(HarkenError, match=r"the token is empty|a token must be ASCII without spaces"):
        server_for(recogniser(), token=token)


def test_what_others_could_reach_needs_a_token() -> None:
    with pytest.raises(HarkenError, match="can be reached from other machines: give a token"):
        server_for(recogniser(), host="0.0.0.0")


@pytest.mark.parametrize("words", [("serve",), ("annotate", __file__)])
def test_a_missing_package_is_named_with_the_extra(
    run_harken: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name in ("harken.web.app", "harken.web.annotate.server"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    ended = run_harken(*words, "--no-open")
    assert ended.exit_code == 2
    assert "this command needs fastapi, which is part of the extra serve: " in " ".join(ended.stderr.split())


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_a_server_may_open_more_files_than_a_shell_lets_it() -> None:
    code = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard));"
        "from harken.models.recogniser import Recogniser; from harken.web.app import server_for;"
        "server_for(Recogniser.load(device='cpu'), port=0); print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    hard = int(found[1])
    assert int(found[0]) == (16_384 if hard < 0 else min(hard, 16_384))
