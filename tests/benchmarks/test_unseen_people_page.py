"""The page of results says what was measured, what was not yet, and what was computed again."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recognition import quoted_scores, unseen_people_page

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
MADE_WITH = {"git_commit": "0123456789abcdef", "machine": {"processor": "a processor"}}


@pytest.fixture(autouse=True)
def _no_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder of results."""
    monkeypatch.setattr(unseen_people_page, "RESULTS", tmp_path)


def copy_results(folder: Path) -> None:
    """All committed results that the page is made from."""
    for path in (*RESULTS.glob("*.json"), *RESULTS.glob("*.md"), *RESULTS.glob("*.png")):
        shutil.copy(path, folder)


def sections(page: str) -> dict[str, str]:
    """Title -> what stands under it, in the page's order."""
    titles = re.findall(r"^## (.*)$", page, flags=re.MULTILINE)
    return dict(zip(titles, re.split(r"^## .*$", page, flags=re.MULTILINE)[1:], strict=True))


def test_what_is_not_measured_is_named_as_missing() -> None:
    found = sections(unseen_people_page.page())
    assert next(iter(found)) == "The same windows under three protocols"
    assert {"The notebook's own files", "The value of labelled seconds of the wearer"} < set(found)
    assert "What was computed again" not in found, "its scores are quoted from a result that is not there"
    for title, text in found.items():
        assert "Not measured yet." in text, title
        assert not re.search(r"\]\((?!\.\./|notebook\.md)", text), f"{title} links to a result that is not there"


def test_what_is_measured_is_shown(tmp_path: Path) -> None:
    protocols = {name: {"divisions": dict.fromkeys(range(fits))} for name, fits in (("a", 5), ("b", 5), ("c", 8))}
    dsads = {"dataset": "dsads", "training_windows": 5152, "protocols": protocols, "made_with": [MADE_WITH]}
    studies = {
        "three_protocols": {"command": "the first command", "sets": {"dsads": dsads}},
        "notebook_format": {"command": "the second", "training_windows": 9000, "made_with": [MADE_WITH] * 2},
    }
    for name, result in studies.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    for name in (
        "three_protocols",
        "notebook_format",
        "adaptation",
        "ablations_wisdm",
        "noise_dsads",
        "other_sensors_dsads",
    ):
        (tmp_path / f"{name}.md").write_text(f"| the table of {name} |\n")
    (tmp_path / "adaptation.png").touch()
    page = unseen_people_page.page()
    found = sections(page)
    first = found["The same windows under three protocols"]
    assert "(three_protocols.png)" in first
    assert "| the table of three_protocols |" in first
    assert "DSADS: every fit has 5,152 training windows; fits" in first
    assert "5, 5, 8." in first
    assert "`the first command` at commit 0123456, one thread a fit, on a processor." in first
    own = found["The notebook's own files"]
    assert "illustration, not a measurement" in own
    assert "| the table of notebook_format |\n\n9,000 training windows." in own
    labelled = found["The value of labelled seconds of the wearer"]
    assert "(adaptation.png)" in labelled
    assert "(adaptation.md)" in labelled
    ablations = found["What each part contributes"]
    assert "| the table of ablations_wisdm |" in ablations
    assert "| the table of noise_dsads |\n\n| the table of other_sensors_dsads |" in ablations
    assert ablations.count("Not measured yet.") == 3  # the ablations of DSADS, and both studies of noise on WISDM
    assert "Not measured yet." not in first + own + labelled


def test_what_was_computed_again_is_named(tmp_path: Path) -> None:
    assert "Each table was computed once." in unseen_people_page.page()
    shutil.copy(RESULTS / "quoted_scores.json", tmp_path)
    page = unseen_people_page.page()
    assert "computed once" not in page
    assert sections(page)["What was computed again"].count("\n- ") == len(quoted_scores.AGAIN)


def test_the_committed_page_is_made_from_the_committed_results(tmp_path: Path) -> None:
    copy_results(tmp_path)
    assert unseen_people_page.page() == (RESULTS / "unseen_people.md").read_text()


QUOTED: dict[str, Any] = json.loads((RESULTS / "quoted_scores.json").read_text())
QUOTED_SCORES = [(run, name) for run, scores in QUOTED.items() if isinstance(scores, dict) for name in scores]


@pytest.mark.parametrize(("run", "name"), QUOTED_SCORES)
def test_every_quoted_score_is_in_the_text(tmp_path: Path, run: str, name: str) -> None:
    """It changes with the JSON, and the page has no other copy of it."""
    copy_results(tmp_path)
    before = unseen_people_page.page()
    changed = json.loads((tmp_path / "quoted_scores.json").read_text())
    changed[run][name] = 99 if name == "people" else 0.12345
    (tmp_path / "quoted_scores.json").write_text(json.dumps(changed))
    page = unseen_people_page.page()
    shown = {"people": "99 people", "same_person_accuracy": "12.345 %", "cross_person_accuracy": "12.345 %"}
    assert shown.get(name, ".123") in page
    assert shown.get(name, ".123") not in re.sub(r"\d\.\d+", "", before)


def test_the_text_changes_with_the_results_of_benchmarks(tmp_path: Path) -> None:
    copy_results(tmp_path)
    before = sections(unseen_people_page.page())

    def change(name: str, *keys: str | int, to: float) -> None:
        path = tmp_path / f"{name}.json"
        result = place = json.loads(path.read_text())
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        path.write_text(json.dumps(result))

    for number, name in enumerate(
        ("wisdm_harnet", "dsads_to_wisdm", "wisdm_to_dsads", "dsads_unseen", "dsads_unseen_19")
    ):
        change(name, "methods", "everyday", "mean_person_macro_f1", to=0.111 * (number + 1))
    change("wisdm_harnet", "methods", "notebook", "settings", "preset", "training", "epochs", to=77)
    change("wisdm_harnet", "windows", "people", to=88)
    change("ablations_wisdm", "windows", "people", to=66)
    change("other_sensors_dsads", "methods", "no-noise", "as recorded", "mean_person_macro_f1", to=0.4242)
    change("noise_wisdm", "differences", "noise-3mg", "mean_person_macro_f1", to=0.3131)
    page = unseen_people_page.page()
    found = sections(page)
    again = found["What was computed again"]
    assert ".111, .222 trained on DSADS, and .333 trained on WISDM" in again
    assert "`unseen` and `unseen-19`: .444 and .555" in again
    assert "The notebook's network is trained for 77 epochs" in page
    assert "the 66 people of WISDM" in page
    assert "instead of 88" in found["WISDM: all activities"]
    assert "training without noise scores .424 instead of" in found["What each part contributes"]
    assert "less noise is +0.313" in found["What each part contributes"]
    assert again != before["What was computed again"]


@pytest.mark.parametrize("module", ["unseen_people_page", "quoted_scores", "notebook_page", "composed_days_page"])
def test_no_score_is_typed_into_the_text_of_a_page(module: str) -> None:
    source = (ROOT / "benchmarks" / "recognition" / f"{module}.py").read_text()
    source = re.sub(r"``[^`]*``|:[+.]*\.?\d[fg%]", "", source)  # examples in docstrings, and format specifications
    typed = re.findall(r"(?<![\w.])\.\d{2,3}\b|\b\d+(?:\.\d+)? ?%", source)
    assert set(typed) <= {"95 %"}, "only the level of an interval is no result"


def test_in_short_each_benchmark_stands_beside_the_best_of_the_others(tmp_path: Path) -> None:
    """The table at the top of the committed results, and nothing where there are none."""
    assert unseen_people_page.in_short() == []
    (tmp_path / "dsads_unseen.json").write_text((RESULTS / "dsads_unseen.json").read_text())
    (table,) = unseen_people_page.in_short()
    *_, row = table.splitlines()
    result = json.loads((RESULTS / "dsads_unseen.json").read_text())
    scores = {name: one["mean_person_macro_f1"] for name, one in result["methods"].items()}
    mine = scores.pop(result["preset"])
    best = max(scores, key=scores.__getitem__)
    assert f"**{mine:.3f}**" in row
    assert f"{best} {scores[best]:.3f}" in row
    assert f"{mine - scores[best]:+.3f}" in row
    link = re.search(r"\(#([^)]*)\)", row)
    assert link is not None
    titles = re.findall(r"^## (.*)$", unseen_people_page.page(), flags=re.MULTILINE)
    assert link[1] in {unseen_people_page._anchor(title) for title in titles}
