"""A client whose watch has y along the forearm: its axis is stated, or walking shows it, and the client is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from browser import DESKTOP, PHONE, PICTURES, Browser
from command_line import Run
from harken.models.recogniser import Recogniser
from harken.signals.orientation import turned_signals
from offline import offline
from server_thread import Served, heard, message, serving

RATE_HZ = 100
TURN = 1
"""The quarter turns that put -y in x."""
START_NS = 1_700_000_000 * 10**9


class Samples(NamedTuple):
    """Samples of a watch, float32 ``[n, 3]`` in g, with their times in nanoseconds."""

    signals: NDArray[np.float32]
    time_ns: NDArray[np.int64]

    def between(self, begin_s: int, end_s: int) -> "Samples":
        rows = slice(begin_s * RATE_HZ, end_s * RATE_HZ)
        return Samples(self.signals[rows], self.time_ns[rows])


@pytest.fixture(scope="module")
def packaged() -> Recogniser:
    return Recogniser.load(device="cpu")


@pytest.fixture(scope="module")
def served(packaged: Recogniser) -> Iterator[Served]:
    with serving(recogniser=packaged) as found:
        yield found


@pytest.fixture
def person(data_dir: Path) -> Samples:
    """Somebody who sits for a minute, walks for two, and sits for two, with -y towards the elbow."""
    frame = pl.scan_parquet(data_dir / "selfback" / "selfback_wrist.parquet").filter(pl.col("subject") == "S026")
    sitting, walking = (
        frame.filter(pl.col("label_orig") == activity).select("x", "y", "z").collect().to_numpy()
        for activity in ("sitting", "walk_mod")
    )
    minute = 60 * RATE_HZ
    signals = np.concatenate([sitting[:minute], walking[: 2 * minute], sitting[minute : 3 * minute]])
    return Samples(signals.astype(np.float32), START_NS + np.arange(len(signals)) * (10**9 // RATE_HZ))


def send(watch: ClientConnection, samples: Samples) -> None:
    for row in range(0, len(samples.time_ns), 10 * RATE_HZ):
        rows = slice(row, row + 10 * RATE_HZ)
        watch.send(message(samples.signals[rows], samples.time_ns[rows]))


def heard_until(watch: ClientConnection, end_s: float) -> list[dict[str, Any]]:
    """The messages until the label of a window that ends so many seconds after the start."""
    messages = [heard(watch, 60)]
    while messages[-1]["type"] != "label" or messages[-1]["end_ms"] < START_NS / 1e6 + 1000 * end_s:
        messages.append(heard(watch, 60))
    return messages


def labels_in(messages: list[dict[str, Any]], begin_s: int) -> list[str]:
    """The labels of windows that begin so many seconds after the start, or later."""
    earliest_ms = START_NS / 1e6 + 1000 * (begin_s + 10)
    return [one["label"] for one in messages if one["type"] == "label" and one["end_ms"] >= earliest_ms]


def test_sitting_is_sitting_after_walking_and_the_rows_are_those_of_the_stated_axis(
    served: Served, packaged: Recogniser, person: Samples
) -> None:
    with served.connect("/ws/samples?watch=found") as watch:
        send(watch, person.between(0, 60))
        seated = labels_in(heard_until(watch, 57), 0)
        assert seated.count("sitting") < 0.2 * len(seated)
        assert served.ask("/api/watches").json[0]["orientation"] == {
            "known": False,
            "source": "none",
            "turned_degrees": 0,
            "gravity_reversed": False,
            "since_ms": None,
            "reason": "not turned: how it sits on the arm is not known yet",
        }
        send(watch, person.between(60, 180))
        news = heard(watch, 60)
        while news["type"] != "orientation":
            news = heard(watch, 60)
        send(watch, person.between(180, 300))
        seated = labels_in(heard_until(watch, 297), 180)
    assert seated.count("sitting") > 0.9 * len(seated) > 90
    orientation = news["orientation"]
    assert (news["watch"], orientation["known"], orientation["source"]) == ("found", True, "walking")
    assert orientation["turned_degrees"] == 90 * TURN
    assert orientation["reason"].startswith("turned by 90 degrees about the face: ")
    assert served.ask("/api/watches").json[0]["orientation"] == orientation

    turned = offline(packaged, turned_signals(person.signals, 2 * TURN), person.time_ns)
    as_stated = dict(zip(turned.frame["start"].to_physical().to_list(), turned.probabilities, strict=True))
    rows = served.ask("/api/timeline?watch=found").json["rows"]
    compared = [row for row in rows if row["end_ms"] > orientation["since_ms"]]
    assert len(compared) > 100
    for row in compared:
        expected = as_stated[round(row["start_ms"] * 1e6)]
        np.testing.assert_allclose(row["probabilities"], expected, atol=2e-6)


def test_sitting_is_sitting_at_once_with_the_axis_in_the_query(
    served: Served, packaged: Recogniser, person: Samples
) -> None:
    with served.connect("/ws/samples?watch=stated&forearm_axis=-y") as watch:
        news = heard(watch)
        assert news["type"] == "orientation"
        assert news["orientation"] == {
            "known": True,
            "source": "stated",
            "turned_degrees": 90,
            "gravity_reversed": False,
            "since_ms": None,
            "reason": "turned by 90 degrees about the face: its -y axis was stated to point along the forearm",
        }
        send(watch, person.between(0, 60))
        seated = labels_in(heard_until(watch, 57), 0)
    assert seated.count("sitting") > 0.9 * len(seated) > 40
    turned = offline(packaged, turned_signals(person.signals, 2 * TURN), person.time_ns)
    as_stated = dict(zip(turned.frame["start"].to_physical().to_list(), turned.probabilities, strict=True))
    for row in served.ask("/api/timeline?watch=stated").json["rows"]:
        expected = as_stated[round(row["start_ms"] * 1e6)]
        np.testing.assert_allclose(row["probabilities"], expected, atol=2e-6)


def test_an_axis_of_the_command_is_that_of_all_watches_and_a_push_can_state_another(packaged: Recogniser) -> None:
    pushed = {"deviceId": "phone", "payload": [{"name": "totalacceleration", "time": START_NS, "values": VALUES}]}
    with serving(recogniser=packaged, forearm_axis="y") as served:
        for query, degrees in (("", 270), ("?forearm_axis=-x", 180), ("", 180)):
            assert served.ask(f"/push{query}", json.dumps(pushed).encode()).status == 200
            with served.connect("/ws/samples?watch=phone") as watch:
                assert heard(watch)["orientation"]["turned_degrees"] == degrees


VALUES = {"x": 0.0, "y": 0.0, "z": 9.8}


def test_what_is_no_axis_is_refused(served: Served, run_harken: Run) -> None:
    with served.connect("/ws/samples?watch=wrong&forearm_axis=up") as watch:
        assert heard(watch) == {"type": "error", "message": "forearm_axis must be x, y, -x or -y, not 'up'"}
        with pytest.raises(ConnectionClosed) as closed:
            watch.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007
    refused = served.ask("/push?forearm_axis=up", b"{}")
    assert refused.status == 422
    assert refused.json["error"] == "query.forearm_axis: Input should be 'x', 'y', '-x' or '-y'"
    result = run_harken("serve", "--demo", "--forearm-axis", "y")
    assert result.exit_code == 2
    assert "--demo has recordings of its own; leave out --forearm-axis" in result.stderr


@pytest.mark.second_stage
def test_the_page_says_how_a_watch_sits_and_what_helps(served: Served, person: Samples, browser: Browser) -> None:
    browser.resize(DESKTOP)
    with served.connect("/ws/samples?watch=seen") as watch:
        send(watch, person.between(0, 30))
        browser.open(served.url("/"))
        browser.wait("return document.querySelector('input[value=seen]')")
        browser.run("document.querySelector('input[value=seen]').click()")
        browser.wait("return document.getElementById('worn')?.innerText.includes('not known yet')")
        assert "Walk for half a minute, or state the axis along the forearm" in browser.text("worn")
        for size in (DESKTOP, PHONE):
            browser.resize(size)
            browser.picture(PICTURES / f"worn_unknown_{size[0]}.png", whole=True)
            assert browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        send(watch, person.between(30, 180))
        browser.wait("return document.getElementById('worn')?.innerText.includes('turned by 90 degrees')", seconds=60)
        assert browser.text("worn").startswith("Since ")
        browser.picture(PICTURES / f"worn_found_{PHONE[0]}.png", whole=True)
