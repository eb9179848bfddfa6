"""The scores on the notebook's page come from the committed results."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from benchmarks.paths import RESULTS
from benchmarks.recognition import notebook_page


def test_the_committed_page_is_made_from_the_committed_results() -> None:
    page = notebook_page.PAGE.read_text()
    assert notebook_page.filled(page) == page


def test_the_text_changes_with_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    run = json.loads((tmp_path / "notebook.json").read_text())
    run["scores"]["same_person"]["accuracy"], run["scores"]["blocked_same_person"]["accuracy"] = 0.5, 0.25
    unseen = run["scores"]["cross_person"]
    lying = unseen["labels"].index("laying_down")
    unseen["confusion"][lying] = [
        100 * (label == "laying_down") + 300 * (label == "sitting") for label in unseen["labels"]
    ]
    (tmp_path / "notebook.json").write_text(json.dumps(run))
    with (tmp_path / "notebook_history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["cross_person_accuracy"], [0.01], [""], [0.31], [0.62]])
    quoted = json.loads((tmp_path / "quoted_scores.json").read_text())
    quoted["notebook_2018"] = {"same_person_accuracy": 0.777, "cross_person_accuracy": 0.6666}
    (tmp_path / "quoted_scores.json").write_text(json.dumps(quoted))
    monkeypatch.setattr(notebook_page, "RESULTS", tmp_path)

    page = notebook_page.filled(notebook_page.PAGE.read_text())

    for text in (
        "Next to the notebook's 77.7 % and 66.66 %",
        "50.0 % on the training person",
        "25.0 percentage points",
        '75 % of "laying down" is taken for sitting',
        "varied between 31 % and 62 %",
    ):
        assert text in page
