"""Teaching over HTTP, with a made-up phone whose time is fast."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harken.annotations.routine import Routine, Step
from made_up_phones import moving, pushing
from server_thread import Answer, Served, serving

PHONE = "phone"
SPEED = 8.0
ROUTINE = Routine(
    "mine.toml",
    "Mine",
    2.0,
    (Step("Walk.", "walking", "as usual", 0.0, 10.0), Step("Juggle.", "juggling", "with balls", 10.0, 10.0)),
)
STILL = np.array([[0.0, 0.6, 0.8]])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(keep=tmp_path, routine=ROUTINE) as found:
        yield found


def post(served: Served, path: str, **fields: Any) -> Answer:
    return served.ask(f"/api/teach/{path}", json.dumps(fields).encode(), content_type="application/json")


def taught_when(served: Served, **fields: Any) -> Any:
    """The answer of ``/api/teach`` when it has these fields."""
    return served.ask_until(f"/api/teach?watch={PHONE}", lambda found: fields.items() <= found.items())


def test_steps_follow_one_another_by_the_clock_of_the_phone(served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE, speed=SPEED, clock_offset_s=300, every_s=0.1) as phone:
        phone.play(STILL)
        served.ask_until("/api/watches", len)
        about = served.ask(f"/api/teach?watch={PHONE}").json
        assert (about["possible"], about["state"], about["routine"]["title"]) == (True, "idle", "Mine")
        assert about["routine"]["steps"][1] == {
            "instruction": "Juggle.",
            "label": "juggling",
            "kind": "with balls",
            "seconds": 10.0,
        }
        begun = post(served, "begin", watch=PHONE).json
        assert (begun["state"], begun["number"], begun["steps"]) == ("running", 1, ["open", "open"])
        assert taught_when(served, state="asking")["doubt"] == "still"
        phone.play(moving("walking"))
        assert post(served, "step", watch=PHONE, number=1, do="begin").json["state"] == "running"
        assert taught_when(served, number=2)["steps"] == ["kept", "open"]
        paused = post(served, "step", watch=PHONE, number=2, do="pause").json
        assert (paused["state"], paused["broken"]) == ("waiting", "paused")
        assert post(served, "step", watch=PHONE, number=2, do="keep").status == 409
        skipped = post(served, "step", watch=PHONE, number=2, do="skip").json
        assert (skipped["state"], skipped["number"], skipped["steps"]) == ("finished", None, ["kept", "skipped"])
        (session,) = served.ask(f"/api/record?watch={PHONE}").json["sessions"]
        (bout,) = session["bouts"]
        assert bout["end_ms"] - bout["start_ms"] == pytest.approx(6000, abs=1)
        assert served.ask("/api/record/close", b'{"watch": "phone"}', content_type="application/json").status == 200
        assert taught_when(served, made=True)["state"] == "closed"


def test_what_cannot_be_taught_is_refused(served: Served) -> None:
    assert post(served, "begin", watch=PHONE).status == 404
    assert post(served, "step", watch=PHONE, number=0, do="skip").status == 422
    assert post(served, "step", watch=PHONE, number=1, do="leave").status == 422
    assert post(served, "step", watch=PHONE, number=1, do="pause").status == 409


def test_without_keep_it_says_how_to_start_the_server_and_the_usual_routine_is_there() -> None:
    with serving() as served:
        found = served.ask(f"/api/teach?watch={PHONE}").json
        assert (found["possible"], found["state"], found["routine"]["name"]) == (False, "idle", "five-minutes")
        assert "harken serve --keep DIR" in found["why_not"]
        with pushing(served.url("/push"), name=PHONE):
            served.ask_until("/api/watches", len)
            assert "harken serve --keep DIR" in post(served, "begin", watch=PHONE).json["error"]
