"""What a model says: as ``harken label`` says it, in a file that is whole or not used."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import harken
from annotating_server import START_MS, annotating, intervals, put, write_recording
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import Fingerprints
from harken.support.tables import nanoseconds
from harken.web.annotate.reading import cache_folder, entry_name
from harken.web.annotate.server import annotation_server
from harken.web.annotate.suggestions import NO_LABEL, NOT_WORN, Suggestions
from server_thread import recogniser

LONGEST_S = 180.0
"""The process that labels leaves the processor to all others."""


def test_the_bouts_are_those_of_the_labels_that_harken_label_gives(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=180, label=None)
    trained = Fingerprints.of([harken.read(path)])
    recogniser().with_fingerprints(trained).save(tmp_path / "small.safetensors")
    labelled = harken.label_file(path, model=tmp_path / "small.safetensors")
    timeline = labelled.timeline
    with annotating(path, model=tmp_path / "small.safetensors") as served:
        about = served.ask("/api/recordings/0").json
        assert about["choices"] == about["model"]["labels"] == list(timeline.labels)
        assert about["model"]["name"] == "small"
        refused = served.ask("/api/recordings/0/model")
        if refused.status == 404:
            assert refused.json["error"] == "the model has not labelled this recording yet"
        about = served.ask_until(
            "/api/recordings/0", lambda each: each["model"]["state"] in ("ready", "failed"), LONGEST_S
        )
        assert about["model"]["warnings"] == list(labelled.warnings)
        assert any("The model was trained on 100 % of this recording" in each for each in labelled.warnings)
        bouts = served.ask("/api/recordings/0/model").json
        moment = served.ask("/api/recordings/0/unsure")
        assert moment.status in (200, 404)
        everything = intervals((0, 100, "zumba"), (100, 179.98, "aerobics"))
        assert put(served, everything).status == 200
        assert served.ask("/api/recordings/0").json["choices"] == [*about["model"]["labels"], "zumba", "aerobics"]
        assert served.ask("/api/recordings/0/unsure").status == 404
    middle = (nanoseconds(timeline.frame, "start") + nanoseconds(timeline.frame, "end")) // 2 // 10**6
    place = np.searchsorted(bouts["start_ms"], middle, side="right") - 1
    codes = np.array(bouts["code"])[place]
    assert [None if code < 0 else bouts["labels"][code] for code in codes] == timeline.frame["label"].to_list()
    assert bouts["start_ms"][0] == START_MS
    assert bouts["end_ms"][-1] == START_MS + 179_980
    assert bouts["end_ms"][:-1] == bouts["start_ms"][1:]
    assert all(0 < each <= 1 for code, each in zip(bouts["code"], bouts["probability"], strict=True) if code >= 0)


def test_a_recording_that_the_model_cannot_label_can_be_labelled_by_hand(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=1)
    recogniser().save(tmp_path / "small.safetensors")
    with annotating(path, model=tmp_path / "small.safetensors") as served:
        served.ask("/api/recordings/0")
        about = served.ask_until("/api/recordings/0", lambda each: each["model"]["state"] == "failed", LONGEST_S)
        assert "anna.csv" in about["model"]["error"]
        assert served.ask("/api/recordings/0/model").json == {"error": about["model"]["error"]}
        assert put(served, intervals((0, 0.5, "lying"))).status == 200


@pytest.mark.second_stage
def test_a_model_that_is_chosen_labels_the_recordings_again(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=60, label=None)
    recogniser().save(tmp_path / "small.safetensors")
    (tmp_path / "models").mkdir()
    unsure = recogniser().with_temperature(3.0, recogniser().specification_.calibrated_on)
    unsure.save(tmp_path / "models" / "unsure.safetensors")
    with annotating(path, model=tmp_path / "small.safetensors") as served:
        assert put(served, intervals((0, 25, "lying"), (30, 55, "sitting"))).status == 200
        learn = served.ask("/api/learn").json
        assert learn["available"]["people"] == [{"subject": "anna", "seconds_by_label": {"lying": 25, "sitting": 25}}]
        assert learn["before"]["labels"] == list(recogniser().specification_.labels)
        assert served.ask("/api/learn/nothing").status == 404
        highest = []
        for name in ("small", "unsure"):
            served.ask_until(
                "/api/recordings/0",
                lambda found, name=name: (found["model"]["name"], found["model"]["state"]) == (name, "ready"),
                LONGEST_S,
            )
            highest.append(max(served.ask("/api/recordings/0/model").json["probability"]))
            chosen = served.ask("/api/learn/choice", b'{"serve": "unsure.safetensors"}')
            assert chosen.json["served_path"] == str(tmp_path / "models" / "unsure.safetensors")
        assert highest[1] < highest[0], "the probabilities are those of the other model"


@pytest.mark.second_stage
def test_a_recording_that_the_model_need_not_or_cannot_label_does_not_keep_others_waiting(tmp_path: Path) -> None:
    gone, known, new = (write_recording(tmp_path / f"{name}.csv", seconds=9) for name in ("gone", "known", "new"))
    recogniser().save(model := tmp_path / "small.safetensors")
    found = Suggestions(
        ("dozing",), np.array([START_MS, START_MS + 9000]) * 10**6, np.array([0], np.int16), np.ones((1, 1), np.float16)
    )
    with annotating(gone, known, new, model=model) as served:
        digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        found.write(cache_folder() / entry_name(known, TableOptions()) / f"{digest}.npz")
        gone.unlink()
        for number in range(3):
            served.ask(f"/api/recordings/{number}")
        models = [
            served.ask_until(path, lambda about: about["model"]["state"] in ("ready", "failed"), LONGEST_S)["model"]
            for path in (f"/api/recordings/{number}" for number in range(3))
        ]
        assert [each["state"] for each in models] == ["failed", "ready", "ready"]
        assert models[0]["error"] == f"{gone}: cannot be read (No such file or directory)"
        assert served.ask("/api/recordings/1/model").json["labels"] == ["dozing"]


def test_a_file_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    found = Suggestions(
        ("lying", "sitting"),
        np.array([0, 5, 10, 15]) * 10**9,
        np.array([0, NO_LABEL, NOT_WORN], np.int16),
        np.array([[0.75, 0.25], [np.nan, np.nan], [np.nan, np.nan]], np.float16),
    )
    assert Suggestions.read(tmp_path / "none.npz") is None
    found.write(path := tmp_path / "one.npz")
    again = Suggestions.read(path)
    assert again is not None
    assert again.bouts == found.bouts
    assert found.bouts == {
        "labels": ["lying", "sitting"],
        "start_ms": [0, 5000, 10000],
        "end_ms": [5000, 10000, 15000],
        "code": [0, NO_LABEL, NOT_WORN],
        "probability": [0.75, 0.0, 0.0],
    }
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert Suggestions.read(path) is None
    np.savez(path, labels=np.array(["a"]), start_ns=np.zeros(3), code=np.zeros(9), probability=np.zeros((2, 1)))
    assert Suggestions.read(path) is None
    np.savez(path, labels=np.array([{}]), start_ns=np.zeros(3), code=np.zeros(2), probability=np.zeros((2, 1)))
    assert Suggestions.read(path) is None, "nothing in a file is executed"


def test_a_model_that_cannot_be_read_is_an_error_before_the_page_opens(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(harken.HarkenError, match="not a whole model file"):
        annotation_server([], reading=TableOptions(), model=tmp_path / "model.safetensors")
