"""Posted recordings are labelled in processes of their own; hostile ones affect only their sender."""

import asyncio
import gzip
import html
import io
import os
import re
import signal
import socket
import threading
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

import people
from harken.labelling.file import label_file
from harken.readers.options import TableOptions
from harken.support.resources import resident_bytes
from harken.web.limits import Limits
from harken.web.requests import FileAnswer
from harken.web.uploads import NO_MEMORY, Upload, Uploads
from server_process import child_processes, server_process
from server_thread import Answer, Served, recogniser, serving
from waiting import until

MIB = 1 << 20
KEY = "a-random-key_of_32_letters_12345"


@pytest.fixture(autouse=True, scope="module")
def trained() -> None:
    """Train the model before a test has a folder for temporary files, because PyTorch leaves one there."""
    recogniser()


def posting(served: Served, name: str, body: bytes) -> tuple[threading.Thread, list[Answer]]:
    """Post in a thread; the answer stands in the list when the thread has ended."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(served.ask(f"/api/recordings?name={name}", body)))
    thread.start()
    return thread, answers


@pytest.mark.second_stage
def test_what_goes_wrong_costs_only_its_own_upload(tmp_path: Path, temporary: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    bomb = gzip.compress(recording[:20_000] + b"\n" * (24 * MIB))

    earlier = child_processes(os.getpid())  # other tests' work in this process

    def working() -> list[int]:
        return [number for number in child_processes(os.getpid()) if number not in earlier]

    with serving(limits=Limits(uploads=1)) as served:
        # The client goes away.
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            head = f"POST /api/recordings?name=bob.csv HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(recording)}"
            client.sendall(f"{head}\r\n\r\n".encode() + recording)
            until(working)
        until(lambda: not working() and not list(temporary.glob("harken-*")))

        # The process dies.
        for number, sentence in (
            (signal.SIGKILL, "the process was killed, probably because memory"),
            (signal.SIGABRT, "the recording is probably damaged, because the process that labelled it crashed"),
        ):
            thread, answers = posting(served, "bob.csv", recording)
            until(working)
            os.kill(working()[0], number)
            thread.join(30)
            assert answers[0].status == 422
            assert answers[0].json["error"].startswith(sentence)
            assert not list(temporary.glob("harken-*"))

        # The next one is labelled, and a bomb is refused without a trace in this process.
        assert served.ask("/api/recordings?name=bob.csv", recording).status == 200
        resident = resident_bytes()
        refused = served.ask("/api/recordings?name=a.csv.gz", bomb)
        assert refused.status == 422
        assert refused.json["error"].startswith("a.csv.gz: unpacks to more than ")
        assert resident_bytes() - resident < 32 * MIB
        assert not list(temporary.glob("harken-*"))

        thread, _ = posting(served, "bob.csv", recording)
        until(working)
    thread.join(30)
    until(lambda: not working() and not list(temporary.glob("harken-*")))  # the server's end is theirs


def test_a_recording_of_an_impossible_year_is_refused(tmp_path: Path) -> None:
    seconds = pl.int_range(0, 500, eager=True) / 25
    times = pl.Series([f"9999-12-31T23:59:{10 + second:.3f}-05:00" for second in seconds])
    table = pl.DataFrame({"time": times, "x": seconds * 0, "y": seconds * 0, "z": seconds * 0 + 1})
    with serving() as served:
        answer = served.ask("/api/recordings?name=late.csv", table.write_csv().encode())
    assert answer.status == 422
    assert "late.csv, line 2: the time 9999-12-31T23:59:10.000-05:00 is not between 1970" in answer.json["error"]


def post(address: str, content: bytes, length: int) -> socket.socket:
    """Send the beginning of a recording of this length."""
    host = address.removeprefix("http://")
    client = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=30)
    head = f"POST /api/recordings?name=bob.csv HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    client.sendall(head.encode() + content)
    return client


@pytest.mark.second_stage
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_answers_and_leaves_nothing(tmp_path: Path, temporary: Path, number: int) -> None:
    log = tmp_path / "log"
    with server_process(log=log, temporary=temporary) as (process, address), post(address, b"x", 9) as client:
        until(lambda: list(temporary.glob("*/recording.csv")))
        process.send_signal(number)
        assert client.recv(12) == b"HTTP/1.1 503"
        assert process.wait(20) == 128 + number
    assert "Warning" not in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not list(temporary.iterdir())


@pytest.mark.second_stage
def test_what_a_killed_server_leaves_is_removed_by_the_next(tmp_path: Path, temporary: Path) -> None:
    content = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with server_process(log=tmp_path / "living", temporary=temporary) as (_, address), post(address, content, 10**9):
        until(lambda: list(temporary.glob("*/recording.csv")))
        (of_the_living,) = temporary.iterdir()
        running = server_process(log=tmp_path / "killed", temporary=temporary)
        with running as (killed, address), post(address, content, len(content)):
            until(lambda: list(temporary.glob("*/model.safetensors")))  # its labelling process starts
            killed.kill()
            killed.wait(20)
        assert len(list(temporary.iterdir())) == 2
        with server_process(log=tmp_path / "next", temporary=temporary):
            assert list(temporary.iterdir()) == [of_the_living]
    assert not list(temporary.iterdir())


LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux limits the memory of a process")


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(upload_s=0.05), "labelling this recording takes longer than 0.05 s; use harken label"),
        pytest.param(Limits(upload_memory_bytes=MIB), NO_MEMORY, marks=LINUX),
        (Limits(upload_bytes=1000), "the body has 111,111 bytes; the limit is 1,000"),
    ],
)
def test_a_recording_that_takes_too_much_is_refused(tmp_path: Path, limits: Limits, sentence: str) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with serving(limits=limits) as served:
        refused = served.ask("/api/recordings?name=bob.csv", recording)
    assert refused.json["error"] == sentence.replace("111,111", f"{len(recording):,}")
    assert refused.status == (413 if limits.upload_bytes == 1000 else 422)


def test_progress_report_and_tables_are_found_by_the_senders_key(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = people.write_person(tmp_path / "bob.csv", 2)
    noted: list[str] = []

    def advance(upload: Upload, message: dict[str, Any]) -> None:
        noted.append(message["stage"])
        original(upload, message)

    original = Upload.advance
    monkeypatch.setattr(Upload, "advance", advance)
    with serving() as served:
        seen: list[tuple[str, float | None]] = []
        query = f"bob.csv&timezone=Europe/Athens&key={KEY}"
        thread, answers = posting(served, query, path.read_bytes())
        while thread.is_alive():
            answer = served.ask(f"/api/recordings/{KEY}")
            if answer.status == 200:
                seen.append((answer.json["stage"], answer.json["share"]))
            time.sleep(0.02)
        thread.join(60)
        posted = answers[0].json
        assert posted["timezone"] == "Europe/Athens"
        stages = list(dict.fromkeys(stage for stage, _ in seen))
        order = ["send", "read", "movement", "label", "smooth", "outcomes", "write", "done"]
        assert stages == [stage for stage in order if stage in stages]  # a short stage may pass between two questions
        assert list(dict.fromkeys(noted)) == order[1:-1]
        shares = [share for stage, share in seen if stage == "label" and share is not None]
        assert shares == sorted(shares)
        assert served.ask(f"/api/recordings/{KEY}").json == {"stage": "done", "share": 1.0}

        assert posted["report"] == f"/api/recordings/{KEY}/report.html"
        report = served.ask(posted["report"])
        assert report.headers["content-type"].startswith("text/html")
        assert "sandbox allow-scripts" in report.headers["content-security-policy"]
        assert "<h1>bob</h1>" in report.body.decode()
        assert "Recording: bob.csv." in report.body.decode()
        assert str(temporary) not in report.body.decode()

        tables = served.ask(posted["tables"])
        assert 'filename="bob_tables.zip"' in tables.headers["content-disposition"]
        packed = zipfile.ZipFile(io.BytesIO(tables.body))
        assert packed.testzip() is None
        assert {"days.csv", "nights.csv", "movement.parquet", "quality.json", "timeline.csv"} <= set(packed.namelist())
        assert str(temporary) not in packed.read("summary.json").decode()
        expected = label_file(path, model=recogniser()).timeline.frame["label"].to_list()
        timeline = pl.read_parquet(io.BytesIO(packed.read("timeline.parquet")))
        assert timeline["label"].to_list() == expected
        assert timeline.schema["start"] == pl.Datetime("ns", "Europe/Athens")

        busy = served.ask(f"/api/recordings?name=bob.csv&key={KEY}", b"x")
        assert busy.status == 409
        assert served.ask("/api/recordings?name=bob.csv&key=short", b"x").status == 422
        unknown = served.ask(f"/api/recordings/{KEY.upper()}/report.html")
        assert (unknown.status, unknown.json["error"][:30]) == (404, "there is no such recording; re")
        nowhere = served.ask("/api/recordings?name=bob.csv&timezone=Atlantis/Poseidon", path.read_bytes())
        assert nowhere.status == 422
        assert "there is no time zone 'Atlantis/Poseidon'" in nowhere.json["error"]
    until(lambda: not list(temporary.glob("harken-*")))


def table(header: str, *, rows: int = 1000, time: str = "{:.2f}") -> bytes:
    """A table of a still arm at 50 Hz, with semicolons."""
    lines = [f"{time.format(1_700_000_000 + row / 50)};{0.01 * (row % 7):.2f};0.1;0.98" for row in range(rows)]
    return "\n".join([header, *lines]).encode()


FOREIGN = table("when;ax1;ay1;az1")
COLUMNS = "&time_column=when&x_column=ax1&y_column=3&z_column=az1"


@pytest.mark.parametrize(
    ("content", "query", "sentence"),
    [
        (
            FOREIGN,
            "",
            "a.csv: found no column for time, x, y and z (its columns are when, ax1, ay1, az1); choose with "
            "`time_column`, `x_column`, `y_column`, `z_column`, or `sample_rate_hz=HZ` if there are no times; "
            "`skip_rows=N` skips lines above the header",
        ),
        (
            FOREIGN,
            f"{COLUMNS}9",
            "a.csv: no columns are called 'az19'; choose one with `z_column`, by its name or its",
        ),
        (  # the name of the file on the server, which is not cut out of a sentence
            table("recording.csv;ax1;ay1;az1"),
            "",
            "a.csv: found no column for time, x, y and z (its columns are recording.csv, ax1, ay1, az1); choose with ",
        ),
        (FOREIGN, f"{COLUMNS}&sample_rate_hz=50000", "`sample_rate_hz` 50000: give samples per second, up to 10,000"),
        (
            FOREIGN,
            f"{COLUMNS}&skip_rows={'9' * 30}",
            f"`skip_rows` {'9' * 30}: give the number of lines to skip, 0 to",
        ),
        (FOREIGN, f"{COLUMNS}&rate=50", "there is no parameter rate; choose from acceleration_unit, forearm_axis,"),
        (FOREIGN, f"{COLUMNS}&timezone=Nowhere", "there is no time zone 'Nowhere'"),
        (FOREIGN, f"{COLUMNS}&time_unit=h", "query.time_unit: Input should be 's', 'ms', 'us' or 'ns'"),
        (
            table("time;x;y;z", time="on {}"),
            "",
            "a.csv, line 2: 'on 1700000000.0' is not a time in a known form; describe the form with `time_format`,",
        ),
        (
            table("loggingTime(txt);" + ";".join(f"accelerometerAcceleration{axis}(G)" for axis in "XYZ")),
            "",
            "a.csv: SensorLog writes acceleration with Apple's sign (z of a device that lies face up is -1 g), which "
            "harken must reverse. Confirm it with `gravity_sign` negative, or keep",
        ),
    ],
)
def test_an_error_names_the_parameters_of_the_query(content: bytes, query: str, sentence: str) -> None:
    with serving() as served:
        refused = served.ask(f"/api/recordings?name=a.csv{query}", content)
    assert refused.status == 422
    assert refused.json["error"].startswith(sentence)
    assert "--" not in refused.json["error"]
    parts = refused.json.get("parts", [])
    named = [part["parameter"] for part in parts if isinstance(part, dict)]
    assert re.findall(r"`(\w+)[=`]", refused.json["error"]) == named


def test_a_recording_is_read_as_the_query_says() -> None:
    with serving() as served:
        described = served.ask("/openapi.json").json["paths"]["/api/recordings"]["post"]["parameters"]
        assert {each["name"] for each in described} > {field.name for field in fields(TableOptions)}
        for query in (COLUMNS, "&sample_rate_hz=50&x_column=ax1&y_column=ay1&z_column=az1"):
            read = served.ask(f"/api/recordings?name=a.csv&subject=anna&timezone=Asia/Tokyo{query}", FOREIGN)
            assert read.status == 200, read.json
            assert (read.json["subject"], read.json["timezone"], len(read.json["rows"])) == ("anna", "Asia/Tokyo", 20)
            assert not [note for note in read.json["notes"] if "--" in note]
        stated = served.ask(f"/api/recordings?name=a.csv&forearm_axis=-x{COLUMNS}", FOREIGN).json["notes"]
        assert not [note for note in stated if "unknown how the watch sat" in note]


def test_notes_name_parameters_and_the_report_names_the_fields_of_the_page() -> None:
    moments = [datetime(2026, 11, 20, 10) + timedelta(milliseconds=20 * row) for row in range(1000)]
    content = "\n".join(["time,x,y,z", *(f"{moment:%Y-%m-%d %H:%M:%S.%f},0,0.1,0.98" for moment in moments)])
    with serving() as served:
        answered = served.ask(f"/api/recordings?name=a.csv&key={KEY}", content.encode()).json
        report = served.ask(answered["report"]).body.decode()
    zone = "Times have no time zone and were read as UTC; give the wearer's time zone with "
    assert f"{zone}`timezone`." in answered["notes"]
    assert f"{zone}“The wearer’s time zone”." in html.unescape(report)
    assert "state it with `forearm_axis` x, y, -x or -y." in "".join(answered["notes"])
    assert "“Axis towards the elbow”" in report


def test_a_query_that_is_refused_is_answered_before_a_large_body_is_read() -> None:
    with serving() as served:
        for query in ("&timezone=Nowhere", "&skip_rows=many", "&key=short"):
            assert served.ask(f"/api/recordings?name=a.csv{query}", bytes(30 * MIB)).status == 422


def test_tables_that_are_too_large_and_results_without_a_key_are_not_kept(tmp_path: Path, temporary: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with serving(limits=Limits(tables_bytes=1000)) as served:
        without = served.ask("/api/recordings?name=bob.csv", recording).json
        assert (without["report"], without["tables"]) == (None, None)
        assert not list(temporary.glob("harken-*"))
        large = served.ask(f"/api/recordings?name=bob.csv&key={KEY}", recording).json
        assert large["tables"] is None
        assert served.ask(large["report"]).status == 200
        assert served.ask(f"/api/recordings/{KEY}/tables.zip").status == 404

        refused = served.ask(f"/api/recordings?name=bob.csv&key={KEY[::-1]}", b"no recording")
        assert refused.status == 422
        assert served.ask(f"/api/recordings/{KEY[::-1]}").status == 404


def test_a_result_that_is_removed_while_it_is_sent_arrives_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096  # four pieces
    (path := tmp_path / "report.html").write_bytes(content)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        path.unlink(missing_ok=True)
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    with path.open("rb") as file:
        asyncio.run(FileAnswer(file, "text/html")({"type": "http"}, receive, send))
    assert b"".join(message.get("body", b"") for message in sent) == content
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(content)).encode()


@pytest.mark.second_stage
def test_the_latest_results_are_kept_for_a_while(tmp_path: Path, temporary: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2, seconds=5).read_bytes()
    keys = [f"{KEY}{number}" for number in range(3)]

    def kept(key: str) -> bool:
        return served.ask(f"/api/recordings/{key}/report.html").status == 200

    with serving(limits=Limits(results=2)) as served:
        for key in keys:
            assert served.ask(f"/api/recordings?name=bob.csv&key={key}", recording).status == 200
        assert [kept(key) for key in keys] == [False, True, True]
        assert len(list(temporary.iterdir())) == 2
        assert served.ask(f"/api/recordings?name=bob.csv&key={keys[0]}", recording).status == 200
        assert [kept(key) for key in keys] == [True, False, True]
    assert not list(temporary.iterdir())
    with serving(limits=Limits(results_s=3)) as served:
        assert served.ask(f"/api/recordings?name=bob.csv&key={KEY}", recording).status == 200
        assert kept(KEY)
        until(lambda: not kept(KEY))
        gone = served.ask(f"/api/recordings/{KEY}").json["error"]
        assert gone == "there is no such recording; results are kept for 0.05 minutes"
        assert not list(temporary.iterdir())


def test_a_long_answer_is_not_checked_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def label(_: Uploads, __: str, body: AsyncIterator[bytes], ___: Any, **____: Any) -> bytes:
        async for _piece in body:  # else the connection is reset with the unread body
            pass
        return answer

    answer = orjson.dumps(
        {"rows": [{"label": "a", "probabilities": [0.5, 0.5]}] * 50_000}
    )  # the schema would refuse it
    monkeypatch.setattr(Uploads, "label", label)
    with serving() as served:
        got = served.ask("/api/recordings?name=a.csv", b"x")
    assert (got.body, got.headers["content-length"]) == (answer, str(len(answer)))
