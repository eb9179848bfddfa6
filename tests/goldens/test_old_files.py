"""What harken once wrote is still read, or refused in one sentence: one file or folder of each kind that it reads
again, in ``old_files.zip``.

An earlier version wrote them, by tests/helpers/goldens/old_files.py (in the history of this repository). They are not
written anew when a format changes; when a new kind is added, the last version that writes the old format does so.
"""

import json
import urllib.request
import zipfile
from pathlib import Path

import pytest

import people
from command_line import Run
from server_process import serving

ZIP = Path(__file__).parent / "old_files.zip"
SESSION_LABELS = ("lying", "walking")
"""Of the session that was recorded live."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unpacked files, in the current folder."""
    with zipfile.ZipFile(ZIP) as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_knows_its_labels_and_the_recording_that_it_learned(old: Path, run_harken: Run) -> None:
    people.write_person(old / "bob.csv", 2)
    ended = run_harken("evaluate", "model.safetensors", "alice.csv", "bob.csv", "--json")
    assert ended.exit_code == 2
    assert ended.stderr.startswith("harken: alice.csv: the model was trained on this recording")
    (bob,) = json.loads(ended.stdout)["unseen"]["people"].values()
    assert bob["labels"] == ["lying", "sitting", "walking"]


def test_a_file_of_labels_is_laid_over_its_recording(old: Path, run_harken: Run) -> None:
    ended = run_harken("inspect", "alice.csv", "--json")
    (found,) = json.loads(ended.stdout)
    assert found["label_source"].startswith("alice.labels.csv")
    assert {label: each["total_s"] for label, each in found["labels"].items()} == pytest.approx(
        {"lying": 20, "walking": 20}, abs=0.1
    )


def test_a_labelled_folder_of_another_version_is_refused_and_stays(old: Path, run_harken: Run) -> None:
    people.write_person(old / "bob.csv", 2)
    before = {path.name: path.read_bytes() for path in (old / "labelled" / "alice").iterdir()}
    options = ("--model", "model.safetensors", "--out", "labelled", "--workers", "1")
    for command in (("label", "alice.csv", "bob.csv", *options), ("label", "alice.csv", *options, "--again")):
        ended = run_harken(*command)
        assert ended.exit_code == 2
        assert ended.stderr.splitlines()[-1] == (
            "harken: labelled/alice/summary.json was written by another version of harken; use that version, or label "
            "the recording again into another --out"
        )
        assert {path.name: path.read_bytes() for path in (old / "labelled" / "alice").iterdir()} == before
    rows = (old / "labelled" / "person.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["subject", "bob"]


def test_recorded_sessions_are_shown_and_read(old: Path, run_harken: Run) -> None:
    with (
        serving("--keep", str(old / "kept"), log=old / "log") as address,
        urllib.request.urlopen(f"{address}/api/record?watch=anna", timeout=30) as answer,
    ):
        shown = json.load(answer)
    (session,) = shown["sessions"]
    assert shown["labels"]
    ended = run_harken("inspect", Path("kept") / session["recording"], "--json")
    (found,) = json.loads(ended.stdout)
    assert list(found["labels"]) == sorted(SESSION_LABELS)
