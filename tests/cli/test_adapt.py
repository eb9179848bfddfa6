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
