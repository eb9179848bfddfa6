"""The benchmarks: their commands, pages that are made from committed results, and people whom no fold learns from."""

import hashlib
import importlib
import json
import os
import re
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.command import RESULTS, ROOT, command
from benchmarks.committed import format_committed
from benchmarks.model import packaged_model
from benchmarks.model.demo_model import MODEL as DEMO_MODEL
from benchmarks.model.packaged_model_card import card
from benchmarks.outcomes.steps import HALVES, errors, of_harken, of_pebble, of_selfback, page_lines
from benchmarks.recognition import (
    adaptation,
    compare_recipes_page,
    composed_days,
    composed_days_page,
    studies_page,
)
from benchmarks.studies.data_sets import NINE_STUDIES
from harken import HarkenError, Recogniser
from harken.datasets.exercises import UNSEEN
from studies import made_up_studies

PAGE = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
PATHS = sorted(path for path in (ROOT / "benchmarks").glob("*/*.py") if path.name != "__init__.py")
COMMANDS = [path for path in PATHS if "\ndef main(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_parses_its_arguments_and_is_named_in_its_docstring(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"benchmarks.{path.parent.name}.{path.stem}"
    module = importlib.import_module(name)
    assert f"    python -m {name}" in (module.__doc__ or "")
    if "parse_args" in path.read_text(encoding="utf-8"):
        monkeypatch.setattr(sys, "argv", [name, "--help"])
        with pytest.raises(SystemExit, match="0"):
            module.main()
        assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["recognition", "model", "speed", "annotating", "live"])
def test_every_benchmark_is_named_in_the_section_of_its_folder(folder: str) -> None:
    (section,) = re.findall(rf"^## {folder.capitalize()}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    of_folder = {path.stem for path in PATHS if path.parent.name == folder}
    assert of_folder
    assert of_folder <= set(re.findall(r"`(\w+)`", section))
    in_tables = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    assert in_tables <= of_folder, "the table names a benchmark that is not there"


def test_every_folder_of_benchmarks_has_a_section_and_every_committed_result_is_named() -> None:
    assert set(re.findall(r"^\| \[`(\w+)/`\]", PAGE, flags=re.MULTILINE)) == {path.parent.name for path in PATHS}
    patterns = [name.removesuffix(".json").replace("SET", "*") for name in re.findall(r"`(?:[\w/]+/)?([\w*.]+)`", PAGE)]
    missing = [path.name for path in RESULTS.glob("*.json") if not any(fnmatch(path.stem, one) for one in patterns)]
    assert missing == []


def test_a_recorded_command_has_no_folders_of_this_machine() -> None:
    words = ["--days", "7", "--json", "/somewhere/else/week.json", "runs/here"]
    expected = "python -m benchmarks.speed.week --days 7 --json week.json runs/here"
    assert command("speed.week", words) == expected


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_results_are_committed_without_details_in_full_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == format_committed(json.loads(text))


def test_a_committed_result_has_one_score_of_a_person_and_its_settings_unrounded() -> None:
    people = {"ann": {"f1": {"walking": 0.8, "stairs": 0.6}}, "of unknown labels": {"f1": {}}}
    fold = {"training_windows": 3, "studies": {"wisdm": {"known": {"people": people}, "found": {"people": people}}}}
    settings = {"shares": (1 / 3,) * 8}
    committed = json.loads(format_committed({"methods": {"light": {"settings": settings, "folds": {"0": fold}}}}))
    assert committed["methods"]["light"] == {
        "settings": {"shares": [1 / 3] * 8},
        "folds": {"0": {"training_windows": 3, "studies": {"wisdm": {"known": {}, "found": {"people": {"ann": 0.7}}}}}},
    }
    assert json.loads(format_committed(committed)) == committed


def test_committed_results_have_at_most_a_megabyte() -> None:
    sizes = [path.stat().st_size for path in RESULTS.iterdir() if path.suffix in (".json", ".csv")]
    assert sum(sizes) <= 1_000_000


def result(name: str) -> dict[str, Any]:
    return dict(json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")))


PAGES: dict[str, Callable[[], str]] = {
    "results/studies.md": lambda: studies_page.page({name: result(name) for name in studies_page.READ}),
    "results/compare_recipes.md": lambda: compare_recipes_page.page(result("compare_recipes")),
    "results/adaptation.md": lambda: adaptation.page(result("adaptation")),
    "results/composed_days.md": lambda: composed_days_page.page(result("composed_days")),
    "model_card.md": lambda: card(result("packaged_model")),
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_made_from_the_committed_results(path: str) -> None:
    assert PAGES[path]() == (ROOT / "docs" / path).read_text(encoding="utf-8")


def test_the_demos_results_and_page_are_of_the_packaged_model_which_has_not_seen_whom_it_is_shown() -> None:
    found = result("demo_model")
    assert found["model"]["sha256"] == hashlib.sha256(DEMO_MODEL.read_bytes()).hexdigest()
    provenance, scores = Recogniser.load(DEMO_MODEL).provenance_, found["scores_on_unseen_people"]
    assert not set(provenance["training_people"]) & set(UNSEEN)
    assert {one["subject"] for one in provenance["data"]} == set(provenance["training_people"])
    assert list(scores["people"]) == provenance["unseen_people"] == list(UNSEEN)
    page = (ROOT / "docs" / "live_page.md").read_text(encoding="utf-8")
    assert f"{scores['accuracy']:.1%}".replace("%", " %") in page
    assert f"{scores['mean_person_macro_f1']:.3f}".lstrip("0") in page


def test_every_fold_of_the_packaged_model_tests_people_of_every_study_and_each_person_once() -> None:
    windows = made_up_studies(NINE_STUDIES)
    folds = packaged_model.folds_of(windows)
    unknown = {f"pebble_steps_{number}" for number in range(5)}
    assert sorted(person for fold in folds for person in fold.test) == sorted(set(windows.subjects) - unknown)
    for fold in folds:
        assert {person.rsplit("_", 1)[0] for person in fold.test} == set(NINE_STUDIES) - {"pebble_steps"}
        assert unknown < set(fold.training)
        assert not set(fold.test) & set(fold.training)


def test_a_composed_day_of_somebody_whom_the_model_learned_from_is_refused() -> None:
    with pytest.raises(HarkenError, match="learned from exercises_01, so this person is not unseen"):
        composed_days.check_unseen(["exercises_01"], Recogniser.load(DEMO_MODEL))


def test_the_tables_of_steps_are_made_from_the_committed_result() -> None:
    page = (ROOT / "docs" / "intensity.md").read_text(encoding="utf-8")
    assert len(page_lines(result("steps"))) == 9
    for name in ("steps", "steps_counted"):
        assert [line for line in page_lines(result(name)) if line not in page.splitlines()] == []


@pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")
def test_counted_steps_of_the_days_that_chose_the_method() -> None:
    chosen, held_out = (list(of_pebble(Path(os.environ["HARKEN_DATA"]) / "pebble_steps", half)) for half in HALVES)
    assert not {one.person for one in chosen} & {one.person for one in held_out}
    assert sum(2 * one.strides for one in (*chosen, *held_out)) == 27_960
    walks = [one for one in chosen if one.label == "walking" and one.strides]
    off = [abs(of_harken(one) / (2 * one.strides) - 1) for one in walks]
    assert len(off) == 84
    assert np.median(off) < 0.03


@pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")
def test_steps_of_four_people_whose_data_chose_nothing() -> None:
    people = ("S027", "S029", "S031", "S034")
    most = {"walk_slow": 5, "walk_mod": 5, "walk_fast": 5, "jogging": 5, "upstairs": 10, "downstairs": 30}
    rows = errors([*of_selfback(Path(os.environ["HARKEN_DATA"]) / "selfback", people)])
    assert {str(row["activity"]) for row in rows} == set(most)
    for row in rows:
        found = row["harken_mean_absolute_error"]
        assert isinstance(found, float)
        assert found < most[str(row["activity"])]
