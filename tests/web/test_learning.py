"""Learn beside a running server: the process, its end, and the change of the model while watches send."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.web.learn import MOST_MODELS, saved_models
from harken.web.limits import Limits
from labelled_files import write_labelled
from offline import offline
from server_process import child_processes
from server_thread import Answer, Served, heard, labels_heard, message, now_wrist, recogniser, serving
from waiting import until

TRAINING = {"preset": "people:SMALL_EVERYDAY", "threads": 1, "epochs": 2}
LONG = TRAINING | {"epochs": 10_000}


def post(served: Served, path: str, **body: str) -> Answer:
    return served.ask(path, json.dumps(body).encode(), content_type="application/json")


def ended(served: Served) -> Any:
    """The state after the job."""
    return served.ask_until("/api/learn", lambda found: found["state"] != "running", timeout_s=300)


def cancelled(served: Served) -> Any:
    """The state after the job was cancelled by a request."""
    return served.ask("/api/learn", method="DELETE").json


@contextmanager
def learning(folder: Path, **options: Any) -> Iterator[Served]:
    """A server whose folder has a labelled recording of bob, with a label that its model does not know."""
    write_labelled(folder / "recordings", "bob", 2, rename={"sitting": "knitting"})
    with serving(keep=folder, **{"training": TRAINING} | options) as served:
        yield served


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a trained model that is not served yet."""
    with learning(tmp_path_factory.mktemp("keep")) as served:
        assert post(served, "/api/learn", how="train").status == 202
        assert ended(served)["state"] == "done"
        yield served


@pytest.mark.second_stage
def test_there_is_what_the_labels_say(learned: Served) -> None:
    found = learned.ask("/api/learn").json
    assert found["available"]["labels"] == ["knitting", "lying", "walking"]
    (bob,) = found["available"]["people"]
    assert bob["subject"] == "bob"
    assert bob["seconds_by_label"] == pytest.approx({"lying": 40, "walking": 40, "knitting": 40})
    assert "the model does not know “knitting”" in found["available"]["refused"]["adapt"]
    assert found["available"]["refused"]["train"] is None
    assert (found["available"]["least_bout_s"], found["available"]["too_short"]) == (8.0, [])
    refused = post(learned, "/api/learn", how="adapt")
    assert (refused.status, refused.json["error"]) == (422, found["available"]["refused"]["adapt"])
    assert post(learned, "/api/learn", how="guess").status == 422
    assert found["wearer"] is None
    nobody = post(learned, "/api/learn", how="train", wearer="anna")
    assert (nobody.status, nobody.json["error"]) == (422, "learning needs at least two labelled activities")
    outcome = found["outcome"]
    assert outcome["labels"] == ["knitting", "lying", "walking"]
    (test,) = outcome["tests"]
    assert test["before"]["f1"].keys() == test["decision"]["by_label"].keys() == {"lying", "walking"}
    assert test["only_after"].keys() == {"knitting"}
    assert Path(outcome["model_path"]).parent.name == "models"
    name = Path(outcome["model_path"]).name
    assert outcome["has_report"]
    report = learned.ask(f"/api/learn/report?model={name}")
    assert (report.status, report.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Beside the model in use" in report.body
    for absent in ("other.safetensors", "before.safetensors", f"../models/{name}"):
        assert learned.ask(f"/api/learn/report?model={absent}").status == 404


def test_short_bouts_are_named_and_a_file_of_labels_without_a_row_is_no_broken_one(tmp_path: Path) -> None:
    start = people.START_MS
    bouts = [(0, 5, "lying"), (5, 9, "lying"), (9, 16.9, "sitting"), (17, 24, "walking"), (30, 37, "walking")]
    rows = "".join(
        f"{start + round(begin * 1000)},{start + round(end * 1000)},{label}\n" for begin, end, label in bouts
    )
    for seed, (name, table) in enumerate({"bob": rows, "empty": "", "broken": "x,y,z\n"}.items(), 2):
        path = write_labelled(tmp_path / "recordings", name, seed)
        path.with_name(f"{name}.labels.csv").write_text(f"start,end,label\n{table}")
    with serving(keep=tmp_path) as served:
        available = served.ask("/api/learn").json["available"]
    assert available["too_short"] == ["sitting", "walking"]
    assert [one["subject"] for one in available["people"]] == ["bob", "broken"]
    assert available["people"][1]["seconds_by_label"] == {}


@pytest.mark.second_stage
def test_labels_after_the_choice_are_those_of_the_chosen_model_offline(learned: Served) -> None:
    signals, time_ns = now_wrist(40)
    first, rest = slice(0, 1000), slice(1000, None)
    new = Recogniser.load(learned.ask("/api/learn").json["outcome"]["model_path"])

    with (
        learned.connect("/ws/samples?watch=left") as left,
        learned.connect("/ws/samples?watch=right") as right,
        learned.connect("/ws/view?watch=left") as page,
    ):
        for socket in (left, right):
            socket.send(message(signals[first], time_ns[first]))
            while heard(socket)["type"] != "ack":
                pass
        chosen = post(learned, "/api/learn/choice", serve="new")
        assert (chosen.status, chosen.json["serves"]) == (200, "new")
        for socket in (left, right, page):
            while (one := heard(socket))["type"] != "model":
                pass
            assert one["model"]["labels"] == ["knitting", "lying", "walking"]
        for begin in range(1000, len(time_ns), 50):
            left.send(message(signals[begin : begin + 50], time_ns[begin : begin + 50]))
        after = labels_heard(left, 15)
        viewed = [heard(page)]
        while not (viewed[-1]["type"] == "label" and viewed[-1]["end_ms"] >= after[-1]["end_ms"]):
            viewed.append(heard(page))
    assert min(one["end_ms"] for one in after) > time_ns[1000] // 10**6
    assert all(len(one["probabilities"]) == 3 for one in after)
    history = next(one for one in viewed if one["type"] == "history")
    assert history["labels"] == []
    labels = [one for one in viewed if one["type"] == "label"]
    assert labels[: len(after)] == after[: len(labels)]
    timeline = offline(new, signals[rest], time_ns[rest])
    starts = timeline.frame["start"].to_physical().to_numpy() / 1e6
    found = learned.ask_until("/api/timeline?watch=left", lambda found: len(found["rows"]) > 10)
    assert found["labels"] == ["knitting", "lying", "walking"]
    for row in found["rows"]:
        (at,) = np.flatnonzero(np.abs(starts - row["start_ms"]) < 0.01)
        np.testing.assert_allclose(row["probabilities"], timeline.probabilities[at], atol=1e-5)
    assert {one["watch"] for one in learned.ask("/api/watches").json} == {"left", "right"}
    assert learned.metric("harken_model_changes_total") >= 1
    assert learned.metric("harken_failed_ticks_total") == 0


@pytest.mark.second_stage
def test_posted_recordings_are_labelled_by_the_chosen_model(learned: Served, tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "dora.csv", 4)

    def labels() -> Any:
        return learned.ask("/api/recordings?name=dora.csv", path.read_bytes()).json["labels"]

    assert post(learned, "/api/learn/choice", serve="before").json["serves"] == "before"
    assert labels() == list(recogniser().specification_.labels)
    assert learned.ask("/api/model").json["labels"] == list(recogniser().specification_.labels)
    assert post(learned, "/api/learn/choice", serve="new").json["serves"] == "new"
    assert labels() == ["knitting", "lying", "walking"]
    assert post(learned, "/api/learn/choice", serve="neither").status == 409
    assert post(learned, "/api/learn/choice", serve="before.safetensors").status == 409
    assert post(learned, "/api/learn/choice", serve="../models/before.safetensors").status == 409
    assert post(learned, "/api/learn/choice", serve="").status == 422


@pytest.mark.second_stage
def test_the_choice_is_kept_over_a_restart(learned: Served, tmp_path: Path) -> None:
    trained = Path(learned.ask("/api/learn").json["outcome"]["model_path"])
    (tmp_path / "models").mkdir()
    path = str(shutil.copy2(trained, tmp_path / "models"))
    with learning(tmp_path) as served:
        found = post(served, "/api/learn/choice", serve=trained.name).json
        assert (found["serves"], found["served_path"]) == ("new", path)
    with learning(tmp_path) as served:
        found = served.ask("/api/learn").json
        assert (found["state"], found["serves"], found["served_path"]) == ("idle", "new", path)
        assert served.ask("/api/model").json["labels"] == ["knitting", "lying", "walking"]
        assert found["before"]["labels"] == list(recogniser().specification_.labels)
    other = recogniser().with_provenance({"training_people": ["somebody else"]})
    with learning(tmp_path, recogniser=other) as served:  # the choice was made beside another model
        assert served.ask("/api/learn").json["serves"] == "before"
    with learning(tmp_path) as served:
        assert post(served, "/api/learn/choice", serve="before").json["served_path"] is None
    (tmp_path / "models" / "damaged.safetensors").write_bytes(b"nothing")
    with learning(tmp_path) as served:
        assert served.ask("/api/model").json["labels"] == list(recogniser().specification_.labels)
        (listed,) = served.ask("/api/learn").json["models"]
        assert (listed["name"], listed["labels"]) == (Path(path).name, ["knitting", "lying", "walking"])
        assert abs(datetime.fromisoformat(listed["made"]).timestamp() - Path(path).stat().st_mtime) <= 1
        found = post(served, "/api/learn/choice", serve=listed["name"]).json
        assert (found["serves"], found["served_path"]) == ("new", path)
        assert served.ask("/api/model").json["labels"] == ["knitting", "lying", "walking"]
        assert post(served, "/api/learn/choice", serve="damaged.safetensors").status == 409


@pytest.mark.second_stage
def test_a_job_is_cancelled_and_only_one_runs_and_a_killed_one_is_said(tmp_path: Path) -> None:
    earlier = child_processes(os.getpid())  # other tests' work in this process
    with learning(tmp_path, training=LONG) as served:
        assert served.ask("/api/learn").json["state"] == "idle"
        assert post(served, "/api/learn/choice", serve="new").status == 409
        assert post(served, "/api/learn", how="train").status == 202
        running = served.ask_until("/api/learn", lambda found: found["share"] > 0, timeout_s=300)
        assert (running["state"], running["stage"], running["outcome"]) == ("running", "model", None)
        assert post(served, "/api/learn", how="train").status == 409
        assert cancelled(served)["state"] == "cancelled"
        assert cancelled(served)["state"] == "cancelled"
        assert not list((tmp_path / "models").glob("trained*"))

        assert post(served, "/api/learn", how="train").status == 202
        served.ask_until("/api/learn", lambda found: found["share"] > 0, timeout_s=300)
        (child,) = set(child_processes(os.getpid())).difference(earlier)
        os.kill(child, signal.SIGKILL)
        assert ended(served)["error"] == "the process was killed, probably because memory ran out"

        assert post(served, "/api/learn", how="train").status == 202
        served.ask_until("/api/learn", lambda found: found["share"] > 0, timeout_s=300)
        (child,) = set(child_processes(os.getpid())).difference(earlier)
    until(lambda: not Path(f"/proc/{child}").exists())  # it does not outlive its server


@pytest.mark.second_stage
def test_a_failure_is_a_sentence_and_a_job_has_a_longest_time(tmp_path: Path) -> None:
    with learning(tmp_path, limits=Limits(learn_s=0.5)) as served:
        post(served, "/api/learn", how="train")
        assert ended(served)["error"] == "learning took longer than 0 minutes; use harken train"
        (tmp_path / "recordings" / "bob.csv").write_text("nothing\n")
    with serving(keep=tmp_path, training=TRAINING) as served:
        assert post(served, "/api/learn", how="train").status == 202
        found = ended(served)
        assert (found["state"], found["outcome"]) == ("failed", None)
        assert "bob.csv" in found["error"]
        assert served.ask("/health").status == 200


def test_without_pytorch_or_a_folder_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(what: str) -> None:
        raise HarkenError(f'{what} needs PyTorch, which is not installed: pip install "harken[train]"')

    monkeypatch.setattr("harken.web.learn.need_training", missing)
    with learning(tmp_path) as served:
        refused = post(served, "/api/learn", how="train")
        assert refused.status == 422
        assert 'pip install "harken[train]"' in refused.json["error"]
    with serving() as served:
        found = served.ask("/api/learn").json
        assert (found["enabled"], found["available"]["people"]) == (False, [])
        assert "--keep DIR" in post(served, "/api/learn", how="adapt").json["error"]
        monkeypatch.chdir(tmp_path)
        (tmp_path / "chosen.json").write_text("of somebody else")
        chosen = post(served, "/api/learn/choice", serve="before")
        assert (chosen.status, (tmp_path / "chosen.json").read_text()) == (422, "of somebody else")


def test_the_newest_models_are_listed_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tmp_path / "0.safetensors"
    recogniser().save(first)
    for number in range(MOST_MODELS + 5):
        path = tmp_path / f"{number}.safetensors"
        if number:
            shutil.copy(first, path)
        os.utime(path, (1_700_000_000 + number,) * 2)
    assert [one["name"] for one in saved_models(tmp_path)] == [
        f"{MOST_MODELS + 4 - each}.safetensors" for each in range(MOST_MODELS)
    ]
    assert saved_models(tmp_path)[0]["made"] == "2023-11-14T22:13:44+00:00"
    monkeypatch.setattr("harken.web.learn.read_model", None)
    assert len(saved_models(tmp_path)) == MOST_MODELS
    assert saved_models(tmp_path / "nothing") == []
