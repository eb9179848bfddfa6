"""The server of the clips of a check: what it tells, what it never tells, and what it saves."""

import json
from pathlib import Path

import numpy as np
import pytest

from checked_study import CLIPS, design_of, draw_study, name_clip, naming
from command_line import Run
from harken.annotations.folders import CHECK
from harken.labelling.check.clips import CANNOT_TELL, read_named, write_named
from harken.web.annotate import clip_desk
from server_thread import Served


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def out(study: Path) -> Path:
    """The study, in which no clip has a name."""
    write_named(study, design_of(study), {})
    return study


def ready(served: Served, number: int) -> dict[str, object]:
    found: dict[str, object] = served.ask_until(
        f"/api/clips/{number}", lambda about: about["state"] in ("ready", "failed")
    )
    return found


def test_a_clip_comes_with_its_signal_and_without_any_label_of_the_model(out: Path) -> None:
    design = design_of(out)
    with naming(out) as served:
        listed = served.ask("/api/clips").json
        assert listed["labels"] == list(design.labels)
        assert [clip["number"] for clip in listed["clips"]] == list(range(1, CLIPS + 1))
        assert listed["command"] == f"harken check {out}"
        for clip in design.clips:
            about = ready(served, clip.number)
            assert about["state"] == "ready"
            assert about["end_ms"] == about["start_ms"] + 30_000 == clip.end_ns // 10**6  # type: ignore[operator]
            address = f"/api/clips/{clip.number}/signal?start_ms={about['start_ms']}&end_ms={about['end_ms']}&pixels=50"
            shown = np.frombuffer(served.ask(address).body, np.int16).reshape(7, 50)
            assert 0 < np.abs(shown[4]).max() < 2000
            # Everything that is told of a clip, beside the list of labels, is known to whoever reads clips.csv.
            told = json.dumps([about, listed["clips"]])
            assert not any(label in told for label in design.labels)
            assert set(about) == {
                "number", "subject", "file", "start_ms", "end_ms", "timezone", "state", "share", "error", "from_ms",
                "to_ms", "sample_rate_hz",
            }  # fmt: skip


def test_no_other_address_has_the_labels_of_the_model(out: Path) -> None:
    with naming(out) as served:
        ready(served, 1)
        for path in ("/api/recordings", "/api/recordings/0/model", "/api/clips/1/model", "/api/clips/1/labels"):
            assert served.ask(path).status == 404


def test_a_name_is_in_the_table_when_it_is_acknowledged_and_stays_when_another_program_writes(out: Path) -> None:
    design = design_of(out)
    with naming(out) as served:
        assert name_clip(served, 2, "  Walking ").json == {"number": 2, "label": "walking"}
        assert read_named(out, design) == {2: "walking"}
        write_named(out, design, {2: "walking", 3: "sitting"})  # as somebody else does meanwhile
        assert name_clip(served, 4, "cannot tell").json["label"] == CANNOT_TELL
        assert name_clip(served, 5, "gardening").json["label"] == "gardening"
        assert name_clip(served, 2, None).json["label"] is None
        assert read_named(out, design) == {3: "sitting", 4: CANNOT_TELL, 5: "gardening"}
    with naming(out) as served:  # taken up again
        named = {clip["number"]: clip["label"] for clip in served.ask("/api/clips").json["clips"] if clip["label"]}
        assert named == {3: "sitting", 4: CANNOT_TELL, 5: "gardening"}


def test_what_cannot_be_saved_is_refused_and_changes_nothing(out: Path) -> None:
    with naming(out) as served:
        refused = [
            (name_clip(served, 1, "none"), 422, "none"),
            (name_clip(served, 1, "x" * 300), 422, "the most are 200"),
            (name_clip(served, 9, "walking"), 404, "there is no clip 9; there are 1 to 6"),
            (name_clip(served, 1, "walking", etag='"another"'), 409, "other clips"),
            (served.ask("/api/clips/1", b'{"label": "walking"}', method="PUT"), 428, "If-Match"),
            (served.ask("/api/clips/1", b"{", method="PUT", If_Match="x"), 400, "JSON"),
            (served.ask("/api/clips/1", b'{"label": 3}', method="PUT", If_Match="x"), 422, "str"),
            (served.ask("/api/clips/1/signal?start_ms=5&end_ms=5&pixels=9"), 404, "nothing is read yet"),
        ]
        for answer, status, words in refused:
            assert (answer.status, words in answer.json["error"]) == (status, True), answer.json
        assert read_named(out, design_of(out)) == {}


def test_a_damaged_table_of_clips_is_named_with_its_line(out: Path) -> None:
    etag = ""
    with naming(out) as served:
        etag = served.ask("/api/clips").headers["etag"]
        table = out / CHECK / "clips.csv"
        table.write_text(table.read_text().replace("\n2,", "\n1,"))
        listed = served.ask("/api/clips")
        assert listed.status == 409
        assert "line 3: clip 1 stands in line 2, too" in listed.json["error"]
        assert name_clip(served, 3, "walking", etag=etag).status == 422


def test_a_recording_that_moved_or_changed_stops_only_its_own_clips(out: Path) -> None:
    clips = {clip.subject: clip.number for clip in design_of(out).clips}
    anna, bert = out.parent / "anna.csv", out.parent / "bert.csv"
    content = bert.read_bytes()
    moved = anna.rename(out.parent / "anna.moved")
    bert.write_bytes(content + b"1770109900000,0,0,9.81\n")
    try:
        with naming(out) as served:
            assert "anna.csv is not there any more. Put it back" in str(ready(served, clips["anna"])["error"])
            assert "bert.csv has changed since it was labelled" in str(ready(served, clips["bert"])["error"])
            assert ready(served, clips["carl"])["state"] == "ready"
            assert name_clip(served, clips["anna"], CANNOT_TELL).status == 200
            moved.rename(anna)
            assert ready(served, clips["anna"])["state"] == "failed"
            assert served.ask(f"/api/clips/{clips['anna']}?again=true").json["state"] in ("waiting", "reading")
            assert ready(served, clips["anna"])["state"] == "ready"
    finally:
        bert.write_bytes(content)
        if moved.exists():
            moved.rename(anna)


def test_only_recordings_that_are_asked_for_are_read_and_few_stay_open(
    out: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(clip_desk, "MOST_OPEN", 1)
    clips = {clip.subject: clip.number for clip in design_of(out).clips}
    with naming(out) as served:
        ready(served, clips["anna"])
        assert len(list(cache.iterdir())) == 1
        ready(served, clips["bert"])
        assert ready(served, clips["anna"])["state"] == "ready"  # from the cache
        assert len(list(cache.iterdir())) == 2
        served.ask(f"/api/clips/{clips['anna']}?following={clips['carl']}")  # as before a page goes on to it
        assert served.ask(f"/api/clips/{clips['anna']}").status == 200


def test_the_command_refuses_what_makes_no_sense_for_clips(run_harken: Run, out: Path, tmp_path: Path) -> None:
    for option in (["--at", "10:05"], ["--forearm-axis", "x"], ["--timezone", "Europe/Athens"]):
        finished = run_harken("annotate", out / CHECK, *option, "--no-open")
        assert finished.exit_code == 2
        assert "clips are shown without a model" in finished.stderr
    compared = tmp_path / CHECK
    compared.mkdir()
    (compared / "check.json").write_text("{}")
    finished = run_harken("annotate", compared, "--no-open")
    assert finished.exit_code == 2
    assert "to draw clips and name them: harken check" in " ".join(finished.stderr.split())
