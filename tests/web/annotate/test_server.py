"""``harken annotate`` from outside: reading, signals, labels, windows, and what is refused."""

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import harken
from annotating_server import START_MS, annotating, intervals, put, write_recording
from harken.readers.options import TableOptions
from harken.signals.movement import movement_of
from harken.signals.non_wear import non_wear
from harken.web.annotate import opening, reading
from harken.web.annotate.reading import read_facts
from server_thread import Served

LABELS = "/api/recordings/0/labels"


def signal_of(served: Served, start_ms: int, end_ms: int, pixels: int, number: int = 0) -> Any:
    answer = served.ask(f"/api/recordings/{number}/signal?start_ms={start_ms}&end_ms={end_ms}&pixels={pixels}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(answer.body, "<i2").reshape(7, pixels)


def test_a_recording_is_read_shown_and_labelled(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv")
    recording = harken.read(path)
    with annotating(path) as served:
        about = served.ask("/api/recordings/0").json
        assert (about["state"], about["subject"], about["samples"]) == ("ready", "anna", len(recording))
        assert about["sample_rate_hz"] == pytest.approx(50)
        assert about["start_ms"] == START_MS
        assert about["end_ms"] == about["read_to_ms"] == START_MS + 119_981
        assert about["choices"] == ["lying"]
        assert about["model"] == {
            "state": "none",
            "share": None,
            "error": None,
            "name": None,
            "labels": [],
            "warnings": [],
        }
        shown = signal_of(served, START_MS, START_MS + 120_000, 60)
        values = np.rint(1000 * recording.signals).reshape(60, 100, 3)
        inner = slice(5, 55)  # a slot at the edge of two pixels belongs to one of them
        for axis in range(3):
            low, high = shown[2 * axis, inner], shown[2 * axis + 1, inner]
            assert (low >= values.min(axis=(0, 1))[axis]).all()
            assert np.abs(low - values[inner, 4:-4, axis].min(axis=1)).mean() < 60
            assert np.abs(high - values[inner, 4:-4, axis].max(axis=1)).mean() < 60
        assert (shown[6] == 1).all()
        found = served.ask(LABELS)
        assert (found.json["on_disk"], found.headers["etag"].split("-")[0]) == (False, '"none')
        assert [(one["start_ms"], one["end_ms"], one["label"]) for one in found.json["intervals"]] == [
            (START_MS, START_MS + 60_000, "lying")
        ]
        saved = put(served, intervals((0, 30, "sitting"), (30, 45, "walking")))
        assert saved.status == 200
        assert saved.headers["etag"] == served.ask(LABELS).headers["etag"]
        summary = served.ask("/api/recordings").json[0]
        assert (summary["intervals"], summary["labelled_s"]) == (2, 45.0)
    assert harken.inspect(path).labels["sitting"].total_s == pytest.approx(30)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["anna.csv", "anna.labels.csv"]


def test_learn_counts_labels_of_a_column_before_they_are_saved(tmp_path: Path) -> None:
    column, bare = write_recording(tmp_path / "anna.csv"), write_recording(tmp_path / "bare.csv", label=None)
    with annotating(column, bare) as served:
        found = served.ask("/api/learn").json["available"]
        assert found["people"] == [{"subject": "anna", "seconds_by_label": {"lying": 60.0}}]
        assert put(served, intervals((0, 20, "lying"), (30, 70, "sitting"))).status == 200
        found = served.ask("/api/learn").json["available"]
        assert found["people"] == [{"subject": "anna", "seconds_by_label": {"lying": 20.0, "sitting": 40.0}}]


def test_files_that_cannot_be_read_do_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("Timestamp,X,Y,Z\n1,2\n")
    pl.DataFrame({"Timestamp": [START_MS + each for each in range(99)], "P": [1.0] * 99}).write_csv(tmp_path / "p.csv")
    write_recording(tmp_path / "anna.csv")
    paths = [tmp_path / name for name in ("broken.csv", "p.csv", "missing.csv", "anna.csv")]
    with annotating(*paths) as served:
        found = [served.ask(f"/api/recordings/{number}").json for number in range(4)]
        assert [one["state"] for one in found] == ["failed", "failed", "failed", "ready"]
        errors = [one["error"] for one in found[:3]]
        assert [each.startswith(str(path)) for path, each in zip(paths, errors, strict=False)] == [True] * 3, errors
        assert not any("by itself" in each or "a fault" in each or "memory" in each for each in errors), "\n".join(
            errors
        )
        assert found[2]["error"] == f"{paths[2]}: cannot be read (No such file or directory)"
        answer = served.ask("/api/recordings/0/signal?start_ms=0&end_ms=1&pixels=1")
        assert (answer.status, answer.json) == (404, {"error": found[0]["error"]})
        refused = put(served, [], number=0)
        assert (refused.status, refused.json) == (423, {"error": found[0]["error"]})


def test_a_second_time_a_recording_is_there_at_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(tmp_path / "anna.csv")
    with annotating(path) as served:
        first = served.ask("/api/recordings/0").json
        shown = signal_of(served, START_MS, START_MS + 120_000, 100)
    monkeypatch.setattr(opening, "run_job", None)  # it would be called to read a file
    with annotating(path) as served:
        assert served.ask("/api/recordings/0").json == first
        assert (signal_of(served, START_MS, START_MS + 120_000, 100) == shown).all()
    assert len(list(cache.iterdir())) == 1
    monkeypatch.undo()


@pytest.mark.parametrize("damage", ["cut", "facts", "empty"])
def test_a_damaged_entry_of_the_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    from harken.web.annotate.reading import cache_folder

    path = write_recording(tmp_path / "anna.csv", seconds=20)
    with annotating(path) as served:
        shown = signal_of(served, START_MS, START_MS + 20_000, 50)
    (entry,) = cache_folder().iterdir()
    if damage == "cut":
        with (entry / "2.levels").open("r+b") as file:
            file.truncate(5000)
    elif damage == "facts":
        facts = (entry / "facts.json").read_bytes()
        (entry / "facts.json").write_bytes(facts.replace(b'"samples":1000', b'"samples":1001'))
        assert (entry / "facts.json").read_bytes() != facts
    else:
        shutil.rmtree(entry)
        entry.mkdir()
    with annotating(path) as served:
        assert served.ask("/api/recordings/0").json["samples"] == 1000
        assert (signal_of(served, START_MS, START_MS + 20_000, 50) == shown).all()
    assert (entry / "2.levels").stat().st_size == 7168


def test_a_cache_folder_that_cannot_be_written_is_replaced_for_this_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with annotating(write_recording(tmp_path / "anna.csv", seconds=20)) as served:
        assert served.ask("/api/recordings/0").json["state"] == "ready"
        assert signal_of(served, START_MS, START_MS + 20_000, 50)[6].all()


def test_samples_that_are_only_marked_afterwards_are_marked(tmp_path: Path) -> None:
    rows = np.arange(2000)
    z = 9.81 + np.random.default_rng(0).normal(0, 0.5, 2000)
    x = [None if 500 < row < 510 else float(row % 7) for row in rows]
    times = START_MS + rows * 20
    times[1500:1600:2] = times[1501:1601:2]  # repeated times
    frame = pl.DataFrame({"Timestamp": times, "X": x, "Y": x, "Z": z, "Label": ["lying", "sitting"] * 1000})
    frame.write_csv(path := tmp_path / "anna.csv")
    recording = harken.read(path)
    assert not recording.valid.all(), "this recording has marked samples"
    with annotating(path) as served:
        shown = signal_of(served, START_MS, START_MS + 40_000, 2000)
        valid = np.ones(2000, bool)
        valid[np.unique((recording.time_ns[~recording.valid] // 10**6 - START_MS) // 20)] = False
        assert ((shown[6] & 2) == 0).tolist() == valid.tolist()
        found = served.ask(LABELS).json["intervals"]
        assert len(found) == len(recording.bout_edges) - 1


def test_rows_out_of_order_are_shown_in_order_with_their_labels(tmp_path: Path) -> None:
    write_recording(tmp_path / "ordered.csv", seconds=40)
    frame = pl.read_csv(tmp_path / "ordered.csv")
    pl.concat([frame[1000:], frame[:1000]]).write_csv(tmp_path / "other.csv")
    with annotating(tmp_path / "ordered.csv", tmp_path / "other.csv") as served:
        shown = [signal_of(served, START_MS, START_MS + 40_000, 300, number) for number in (0, 1)]
        assert (shown[0] == shown[1]).all()
        labels = [served.ask(f"/api/recordings/{number}/labels").json["intervals"] for number in (0, 1)]
        assert labels[0] == labels[1]
        assert [one["label"] for one in labels[0]] == ["lying"]


def test_non_wear_is_shown(tmp_path: Path) -> None:
    rows = np.arange(25 * 3600 * 3)
    random = np.random.default_rng(0)
    moving = (rows < 25 * 1800) | (rows > 25 * 3600 * 2.5)
    columns: dict[str, Any] = {"Timestamp": START_MS + rows * 40}
    columns |= {
        n: 9.81 * (n == "Z") + np.where(moving, random.normal(0, 2, len(rows)), 0.01 * random.normal(0, 1, len(rows)))
        for n in "XYZ"
    }
    pl.DataFrame(columns).write_csv(path := tmp_path / "anna.csv")
    expected = non_wear(movement_of(harken.read(path)))
    assert len(expected) == 1
    with annotating(path) as served:
        flags = signal_of(served, START_MS, START_MS + 10_800_000, 1080)[6]
    pixel_ms = START_MS + np.arange(1080) * 10_000
    off = (pixel_ms + 10_000 > expected[0, 0] / 1e6) & (pixel_ms < expected[0, 1] / 1e6)
    assert ((flags & 4) > 0).tolist() == off.tolist()


def test_signals_can_be_seen_while_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    entry = tmp_path / "entry"
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(reading, "SENT_S", 0.0)
    reading.read_recording(lambda **message: seen.append(message), str(path), {}, str(entry))
    kinds = [one["type"] for one in seen]
    assert kinds[:2] == ["begin", "more"]
    facts = read_facts(entry)
    assert facts is not None
    assert [block for one in seen if one["type"] == "more" for block in one["blocks"]] == facts["blocks"]
    assert seen[-1]["read_to_ns"] == facts["end_ns"]
    assert seen[-1]["share"] == pytest.approx(1, abs=0.02)


def test_a_disk_without_space_is_refused_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    monkeypatch.setattr(reading, "SPARE_BYTES", 1 << 62)
    with pytest.raises(harken.HarkenError, match=r"MB are free\. Free some space, or choose another"):
        reading.read_recording(lambda **_: None, str(path), {}, str(tmp_path / "entry"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["anna.csv"]


def test_one_person_of_several_is_shown_and_not_labelled(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "all.csv", seconds=20)
    frame = pl.read_csv(path).with_columns(Subject=pl.lit("anna"))
    pl.concat([frame, frame.with_columns(Subject=pl.lit("bert"))]).write_csv(path)
    with annotating(path, reading=TableOptions(subject="bert")) as served:
        assert served.ask("/api/recordings/0").json["subject"] == "bert"
        refused = put(served, [])
        assert refused.status == 423
        assert "all.csv has several people" in refused.json["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/recordings/1", 404),
        ("/api/recordings/x", 422),
        ("/api/recordings/0/signal?start_ms=0&end_ms=10&pixels=8193", 422),
        ("/api/recordings/0/signal?start_ms=0&end_ms=10&pixels=0", 422),
        ("/api/recordings/0/signal?start_ms=10&end_ms=10&pixels=1", 422),
        ("/api/recordings/0/signal?start_ms=0&end_ms=99999999999999999&pixels=1", 422),
        ("/api/recordings/0/model", 404),
        ("/api/recordings/0/unsure", 404),
        ("/assets/..%2f..%2fserver.py", 404),
        ("/openapi.json", 404),
    ],
)
def test_other_requests_are_refused_with_a_sentence(ready: Served, path: str, status: int) -> None:
    answer = ready.ask(path)
    assert answer.status == status
    assert answer.json["error"]


def test_any_time_may_be_asked_for(ready: Served) -> None:
    for start_ms, end_ms in ((0, 1), (-(1 << 43), 1 << 43), (START_MS - 5, START_MS - 4), (1 << 42, 1 << 43)):
        for pixels in (1, 8192):
            assert signal_of(ready, start_ms, end_ms, pixels).shape == (7, pixels)
    assert signal_of(ready, -(1 << 43), 1 << 43, 3)[6].tolist() == [0, 1, 0]


def test_pages_of_other_sites_and_other_names_are_refused(ready: Served) -> None:
    assert ready.ask("/api/recordings", Host="evil.example").status == 403
    assert ready.ask("/api/recordings", Origin="https://evil.example").status == 403
    own = f"127.0.0.1:{ready.port}"
    assert ready.ask("/api/recordings", Origin=f"http://{own}").status == 200


@pytest.mark.parametrize(
    ("body", "if_match", "status", "sentence"),
    [
        ("no json", '"none"', 400, "the body must be {intervals} as JSON"),
        ('{"more": ' + 100_000 * "[", '"none"', 400, "the body must be {intervals} as JSON"),
        ("[]", '"none"', 422, "Expected `object`, got `array`"),
        ("{}", '"none"', 422, "missing required field `intervals`"),
        ('{"intervals": 1}', '"none"', 422, "at `$.intervals`"),
        ('{"intervals": [1]}', '"none"', 422, "at `$.intervals[0]`"),
        ('{"intervals": [BOUT, {"start_ms": 1.5}]}', '"none"', 422, "at `$.intervals[1].start_ms`"),
        ('{"intervals": [{"start_ms": 99999999999999}]}', '"none"', 422, "Expected `int` <= 35184372"),
        ('{"intervals": [{"start_ms": 1, "end_ms": 2, "label": null}]}', '"none"', 422, "[0].label"),
        ('{"intervals": [BOUT]}', None, 428, "If-Match"),
        ('{"intervals": [BOUT]}', '"other"', 412, "another window or program"),
        ('{"intervals": [BOUT]}', '"none"', 422, "interval 1 lies outside the recording"),
    ],
)
def test_bodies_that_cannot_be_used_are_refused(
    ready: Served, body: str, if_match: str | None, status: int, sentence: str
) -> None:
    body = body.replace("BOUT", '{"start_ms": 1, "end_ms": 2, "label": "a", "note": null}')
    headers = {} if if_match is None else {"If-Match": if_match}
    refused = ready.ask(LABELS, body.encode(), method="PUT", **headers)
    assert (refused.status, sentence in refused.json["error"]) == (status, True)


def test_a_page_of_another_recording_cannot_save(tmp_path: Path) -> None:
    left, right = (write_recording(tmp_path / f"{hand}.csv", seconds=20) for hand in ("left", "right"))
    with annotating(left) as served:
        of_left = served.ask(LABELS).json["etag"]
    with annotating(right) as served:  # on the same port: a page that was left open knows the number 0
        refused = put(served, intervals((1, 2, "lying")), etag=of_left)
        assert (refused.status, "another recording than right.csv" in refused.json["error"]) == (409, True)
        assert not (tmp_path / "right.labels.csv").exists()


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    with annotating(path) as served:
        assert put(served, intervals((1, 2, "lying"))).status == 200
        before = (tmp_path / "anna.labels.csv").read_text()

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("harken.annotations.store.write_bytes", full)
        refused = put(served, intervals((1, 3, "lying")))
        assert (refused.status, "No space left on device" in refused.json["error"]) == (507, True)
        monkeypatch.undo()
        assert (tmp_path / "anna.labels.csv").read_text() == before
        assert [each["end_ms"] - START_MS for each in served.ask(LABELS).json["intervals"]] == [2000]


def test_no_thread_is_left(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)
    with annotating(path, read=False):
        pass  # the process that reads is ended
    assert not [each for each in threading.enumerate() if "harken" in each.name]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ready")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        with annotating(write_recording(folder / "anna.csv", seconds=20)) as served:
            yield served


def test_a_time_that_a_person_writes_is_found_or_refused(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=20)  # from 22:13:20 UTC
    with annotating(path, reading=TableOptions(timezone="Europe/Athens")) as served:
        for text, second in (
            ("2023-11-15T00:13:25", 5),
            ("2023-11-14T22:13:25%2B00:00", 5),
            ("00:13:30.5", 10.5),
            ("12.5", 12.5),
            ("0", 0),
        ):
            assert served.ask(f"/api/recordings/0/moment?text={text}").json == {"ms": START_MS + 1000 * second}
        for text, reason in (
            ("noon", "noon is not a time; write it like 2024-03-09 10:05, 2024"),
            ("21", "21 lies outside the recording, which lasts from 2023-11-15 00:13:20 to 2023-11-15 00:13:39"),
            ("2023-11-16T00:13:25", "lies outside the recording"),
            ("x" * 61, "text"),
        ):
            refused = served.ask(f"/api/recordings/0/moment?text={text}")
            assert refused.status == 422
            assert reason in str(refused.json)
        assert served.ask("/api/recordings/7/moment?text=0").status == 404
