"""Recording with labels over HTTP, with a made-up phone that pushes to the server."""

import json
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harken
from harken.annotations.formats import read_annotations
from harken.web.sample_log import logged_samples
from made_up_phones import moving, pushing
from server_thread import Answer, Served, serving
from waiting import until

PHONE = "Anna's phone"
FIVE_MINUTES_S = 300.0
STILL = np.array([[0.0, 0.6, 0.8]])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(keep=tmp_path / "kept") as found:
        yield found


def post(served: Served, path: str, **fields: Any) -> Answer:
    return served.ask(f"/api/record/{path}", json.dumps(fields).encode(), content_type="application/json")


def delete(served: Served, path: str) -> int:
    return served.ask(f"/api/record/{path}", method="DELETE").status


def recorded(served: Served, watch: str = PHONE) -> Any:
    return served.ask(f"/api/record?watch={urllib.parse.quote(watch)}").json


def connected(served: Served, watches: int = 1) -> None:
    served.ask_until("/api/watches", lambda found: len(found) >= watches)


@pytest.mark.parametrize("offset_s", [FIVE_MINUTES_S, pytest.param(-FIVE_MINUTES_S, marks=pytest.mark.second_stage)])
def test_labels_lie_on_the_clock_of_a_phone_that_is_five_minutes_off(
    served: Served, tmp_path: Path, offset_s: float
) -> None:
    """The phone is still, then walks, and the label begins when it does, whatever the server's clock says."""
    with pushing(served.url("/push"), name=PHONE, clock_offset_s=offset_s, every_s=0.1) as phone:
        phone.play(STILL)
        connected(served)
        time.sleep(1.0)
        phone.play(moving("walking"))
        began_ns = phone.now_ns()
        answer = post(served, "begin", watch=PHONE, label="walking")
        assert answer.status == 200, answer.json
        opened = answer.json["open"]
        assert opened["label"] == "walking"
        assert abs(opened["start_ms"] * 10**6 - began_ns) < 0.35e9  # the way of a message and its place in the second
        time.sleep(2.5)
        ended_ns = phone.now_ns()
        phone.play(STILL)
        ended = post(served, "end", watch=PHONE, discard_s=0.5).json
        time.sleep(1.0)
    assert post(served, "close", watch=PHONE).status == 200
    assert abs(ended["bout"]["end_ms"] * 10**6 - (ended_ns - 0.5e9)) < 0.35e9
    path = tmp_path / "kept" / recorded(served)["sessions"][0]["recording"]
    until(lambda: recorded(served)["sessions"][0]["made"])
    (entry,) = read_annotations(path.with_suffix(".labels.csv")).entries
    assert entry.end is not None
    recording = harken.read(path)
    moved_ns = recording.time_ns[np.linalg.norm(recording.signals[:, :3] - STILL, axis=1) > 0.05]
    assert abs(moved_ns[0] - entry.start.ns) < 0.35e9
    assert abs(moved_ns[-1] - (entry.end.ns + 0.5e9)) < 0.35e9


def test_a_session_is_listed_and_deleted(served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE), pushing(served.url("/push"), name="other"):
        connected(served, 2)
        assert recorded(served) == {
            "possible": True,
            "why_not": None,
            "labels": [],
            "open": None,
            "others": [],
            "sessions": [],
        }
        for label in ("walking", "sitting"):
            assert post(served, "begin", watch=PHONE, label=f" {label} ").status == 200
            assert post(served, "begin", watch=PHONE, label="x").status == 409
            assert post(served, "begin", watch="other", label="lying").status in (200, 409)
            assert [one["watch"] for one in recorded(served)["others"]] == ["other"]
            time.sleep(0.4)
            ended = post(served, "end", watch=PHONE, discard_s=0.1).json
            assert 0.1 < ended["bout"]["end_ms"] / 1e3 - ended["bout"]["start_ms"] / 1e3 < 3
        assert post(served, "end", watch=PHONE).status == 409
        assert post(served, "end", watch="other", discard_s=60).json == {"bout": None, "missing_s": 0.0}
        found = recorded(served)
        assert found["labels"] == ["sitting", "walking"]
        (session,) = found["sessions"]
        assert [bout["label"] for bout in session["bouts"]] == ["walking", "sitting"]
        assert delete(served, f"{session['name']}/{session['bouts'][0]['start_ms']}") == 204
        assert delete(served, f"{session['name']}/{session['bouts'][0]['start_ms']}") == 404
        assert [bout["label"] for bout in recorded(served)["sessions"][0]["bouts"]] == ["sitting"]
        finished = post(served, "close", watch=PHONE).json["sessions"][0]
        assert (finished["closed"], finished["made"], finished["trouble"]) == (True, False, None)
        refused = served.ask(f"/api/record/{session['name']}/{finished['bouts'][0]['start_ms']}", method="DELETE")
        assert (refused.status, "with harken annotate" in refused.json["error"]) == (409, True)
        assert post(served, "begin", watch=PHONE, label="lying").status == 200
        assert len(recorded(served)["sessions"]) == 2


def test_an_open_bout_is_open_after_a_restart_and_can_be_stopped(tmp_path: Path) -> None:
    ahead: dict[str, Any] = {"name": PHONE, "clock_offset_s": FIVE_MINUTES_S}
    with serving(keep=tmp_path) as served, pushing(served.url("/push"), **ahead):
        connected(served)
        start_ms = post(served, "begin", watch=PHONE, label="walking").json["open"]["start_ms"]
        time.sleep(1)
    with serving(keep=tmp_path) as served:  # the phone does not come back
        assert recorded(served)["open"]["start_ms"] == start_ms
        assert 0.9 < recorded(served)["open"]["seconds"] < 60
        ended = post(served, "end", watch=PHONE).json
        assert ended["bout"]["start_ms"] == start_ms
        assert 0.5 < ended["bout"]["seconds"] < 2  # as far as there are samples
        assert ended["missing_s"] > 0


def test_a_watch_that_is_unknown_or_silent_records_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(served, "begin", watch=PHONE, label="walking").status == 404
    with pushing(served.url("/push"), name=PHONE):
        connected(served)
    monkeypatch.setattr("harken.web.record.routes.SILENT_S", 0.1)
    time.sleep(0.2)
    answer = post(served, "begin", watch=PHONE, label="walking")
    assert answer.status == 409
    assert "has sent nothing for" in answer.json["error"]


@pytest.mark.parametrize("characters", [201, 2000])
def test_a_label_that_is_too_long_is_refused_as_in_files(served: Served, characters: int) -> None:
    described = served.ask("/openapi.json").json["paths"]["/api/record/begin"]["post"]["requestBody"]["content"]
    assert described["application/json"]["schema"]["properties"]["label"]["maxLength"] == 200
    with pushing(served.url("/push"), name=PHONE):
        connected(served)
        refused = post(served, "begin", watch=PHONE, label="x" * characters)
    assert refused.json["error"] == f"the label has {characters:,} characters; the most are 200"


@pytest.mark.parametrize("label", ["", "   ", "n/a", "a\nb", "x" * 201, "x" * 2000])
def test_a_label_that_is_none_is_refused(served: Served, label: str) -> None:
    with pushing(served.url("/push"), name=PHONE):
        connected(served)
        assert post(served, "begin", watch=PHONE, label=label).status == 422


def test_without_keep_it_says_how_to_start_the_server() -> None:
    with serving() as served:
        found = recorded(served)
        assert not found["possible"]
        assert "harken serve --keep DIR" in found["why_not"]
        for step in (post(served, "begin", watch=PHONE, label="x"), post(served, "end", watch=PHONE)):
            assert step.status == 409
            assert "harken serve --keep DIR" in step.json["error"]


def test_samples_that_are_pushed_later_belong_to_the_recording(served: Served, tmp_path: Path) -> None:
    """A phone without network sends what it has kept, after the bout was stopped."""
    with pushing(served.url("/push"), name=PHONE) as phone:
        connected(served)
        post(served, "begin", watch=PHONE, label="walking")
        time.sleep(0.5)
        phone.stop()
        time.sleep(1.5)
        ended = post(served, "end", watch=PHONE).json
        assert ended["missing_s"] > 0.5
        post(served, "close", watch=PHONE)
        time.sleep(4)
        (session,) = recorded(served)["sessions"]
        path = tmp_path / "kept" / session["recording"]
        assert not path.exists()
        phone.push(phone.message())
    until(lambda: recorded(served)["sessions"][0]["made"])
    end_ns = session["bouts"][0]["end_ms"] * 10**6
    assert harken.read(path).time_ns[-1] >= end_ns - 0.1e9
    assert recorded(served)["sessions"][0]["bouts"][0]["seconds"] == pytest.approx(
        (end_ns / 1e6 - session["bouts"][0]["start_ms"]) / 1e3, abs=0.1
    )
    kept = np.unique(np.concatenate([one.time_ns for one in logged_samples(tmp_path / "kept")]))
    np.testing.assert_array_equal(harken.read(path).time_ns, kept)
