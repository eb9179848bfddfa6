"""``harken adapt``: says whether it kept, writes a model that other commands take, and refuses in one sentence."""

import json
from pathlib import Path

import pytest

import people
from command_line import Run
from harken import Recogniser


def write_upside_down(path: Path, seed: int, later_ms: int = 0) -> None:
    """A person who wears the watch as nobody did of whom the model learned."""
    lines = ["Timestamp,X,Y,Z,Label"]
    lines += [f"{t + later_ms},{-x},{-y},{-z},{label}" for t, x, y, z, _, label in people.person_rows(seed)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of wearers."""
    folder = tmp_path_factory.mktemp("adapt")
    write_upside_down(folder / "dora.csv", 11)
    write_upside_down(folder / "tuesday.csv", 12, later_ms=86_400_000)
    people.write_person(folder / "brief.csv", 14, seconds=4, bouts=("lying", "walking"))
    return folder


def test_it_says_what_it_did_and_writes_a_model(run_harken: Run, trained: Path, folder: Path, tmp_path: Path) -> None:
    personal = tmp_path / "dora.safetensors"
    ended = run_harken("adapt", trained / "run", folder / "dora.csv", "--out", personal)
    assert ended.exit_code == 0
    assert ended.stderr == ""
    for words in ("dora recorded", "walking", "kept: ", " in cross-validation", "dora.safetensors: the personal model"):
        assert words in ended.stdout
    again = run_harken("adapt", trained / "run", folder / "dora.csv", "--out", personal)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    personal.unlink()
    result = json.loads(
        run_harken(
            "adapt", trained / "run" / "model.safetensors", folder / "dora.csv", "--out", personal, "--json"
        ).stdout
    )
    assert result["kept"] is True
    assert result["after"]["log_loss"] < result["before"]["log_loss"]
    assert result["labelled_s"].keys() == {"lying", "sitting", "walking"}
    assert Recogniser.load(personal).provenance_["adaptation"]["wearer"] == "dora"
    another = run_harken("evaluate", personal, folder / "tuesday.csv", "--subject", "dora", "--json")
    assert set(json.loads(another.stdout)["known_people"]["people"]) == {"dora"}


def write_labels(path: Path, bouts: range) -> Path:
    """Write the labels of some of the bouts of a person."""
    rows = [f"{30 * number},{30 * number + 20},{people.BOUTS[number]}" for number in bouts]
    path.write_text("\n".join(["start_s,end_s,label", *rows]) + "\n")
    return path


def test_a_model_is_not_scored_on_what_it_learned_but_on_the_rest_of_the_recording(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    recording, personal = tmp_path / "dora.csv", tmp_path / "dora.safetensors"
    lines = ["Timestamp,X,Y,Z"]
    lines += [f"{t},{-x},{-y},{-z}" for t, x, y, z, _, _ in people.person_rows(11)]
    recording.write_text("\n".join(lines) + "\n")
    taught, rest, every = (
        write_labels(tmp_path / f"{name}.csv", bouts)
        for name, bouts in {"taught": range(3), "rest": range(3, 6), "every": range(6)}.items()
    )
    run_harken("adapt", trained / "run", recording, "--labels", taught, "--out", personal)
    refused = run_harken("evaluate", personal, recording, "--labels", taught)
    assert refused.exit_code == 2
    assert "the model was trained on this recording where it has labels" in refused.stderr
    results = []
    for labels in (rest, every):
        ended = run_harken("evaluate", personal, recording, "--labels", labels, "--json")
        assert ended.exit_code == 0
        results.append(json.loads(ended.stdout))
    assert results[0]["unseen"] is None
    assert results[0]["left_out_s"] == {}
    assert 0.3 < results[0]["training_shares"][str(recording)] < 0.6
    assert results[1]["left_out_s"] == {str(recording): pytest.approx(60, abs=1)}
    assert results[1]["known_people"] == results[0]["known_people"]
    shown = run_harken("evaluate", personal, recording, "--labels", every).stdout
    assert "the model has learned from 1 min of its labels, which are left out" in " ".join(shown.split())
    again = tmp_path / "again.safetensors"
    refused = run_harken("adapt", personal, recording, "--labels", every, "--out", again)
    assert refused.exit_code == 2
    assert "% of the labelled time of this recording, so it would not show" in refused.stderr
    assert run_harken("adapt", personal, recording, "--labels", rest, "--out", again).exit_code == 0
    refused = run_harken("evaluate", again, recording, "--labels", every)
    assert "the model was trained on this recording" in refused.stderr


def test_several_files_of_one_wearer(run_harken: Run, trained: Path, folder: Path, tmp_path: Path) -> None:
    arguments = (
        "adapt",
        trained / "run",
        folder / "dora.csv",
        folder / "tuesday.csv",
        "--out",
        tmp_path / "a.safetensors",
    )
    refused = run_harken(*arguments)
    assert refused.exit_code == 2
    assert "dora, tuesday" in refused.stderr
    assert "--subject" in refused.stderr
    result = json.loads(run_harken(*arguments, "--subject", "dora", "--json").stdout)
    assert result["wearer"] == "dora"
    assert result["labelled_s"]["lying"] == pytest.approx(80, abs=2)


def test_too_little_is_reverted_to_the_general_model(
    run_harken: Run, trained: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "brief.safetensors"
    ended = run_harken("adapt", trained / "run", folder / "brief.csv", "--out", out)
    assert ended.exit_code == 0
    assert "reverted: too little data for a cross-validation" in ended.stdout
    assert "the general model, unchanged" in ended.stdout
    general, same = (Recogniser.load(path) for path in (trained / "run" / "model.safetensors", out))
    assert general.specification_ == same.specification_
    weight, same_weight = (one.network_.get_parameter("output.weight") for one in (general, same))
    assert (weight == same_weight).all()
