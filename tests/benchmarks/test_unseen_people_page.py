"""The page of results says what was measured, what was not yet, and what was computed again."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.recognition import unseen_people_page

ROOT = Path(__file__).parents[2]
MADE_WITH = {"git_commit": "0123456789abcdef", "machine": {"processor": "a processor"}}


@pytest.fixture(autouse=True)
def _no_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder of results."""
    monkeypatch.setattr(unseen_people_page, "RESULTS", tmp_path)


def sections(page: str) -> dict[str, str]:
    """Title -> what stands under it, in the page's order."""
    titles = re.findall(r"^## (.*)$", page, flags=re.MULTILINE)
    return dict(zip(titles, re.split(r"^## .*$", page, flags=re.MULTILINE)[1:], strict=True))


def test_what_is_not_measured_is_said_to_be_missing() -> None:
    found = sections(unseen_people_page.page())
    assert next(iter(found)) == "The same windows under three protocols"
    assert {"The notebook's own files", "What labelled seconds of the wearer are worth"} < set(found)
    found.pop("What was computed again")
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
    assert "DSADS: every fit learns from 5,152 windows" in first
    assert "5, 5, 8." in first
    assert "`the first command` at commit 0123456, one thread a fit, on a processor." in first
    own = found["The notebook's own files"]
    assert "illustration, not a measurement" in own
    assert "| the table of notebook_format |\n\n9,000 training windows." in own
    labelled = found["What labelled seconds of the wearer are worth"]
    assert "(adaptation.png)" in labelled
    assert "(adaptation.md)" in labelled
    ablations = found["What each part is worth"]
    assert "| the table of ablations_wisdm |" in ablations
    assert "| the table of noise_dsads |\n\n| the table of other_sensors_dsads |" in ablations
    assert ablations.count("Not measured yet.") == 3  # the ablations of DSADS, and both studies of noise on WISDM
    assert "Not measured yet." not in first + own + labelled


def test_what_was_computed_again_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for paragraph in unseen_people_page.AGAIN:
        assert f"- {paragraph}" in sections(unseen_people_page.page())["What was computed again"]
    assert "computed once" not in unseen_people_page.page()
    monkeypatch.setattr(unseen_people_page, "AGAIN", ())
    assert "Each table was computed once." in unseen_people_page.page()


def test_in_short_each_benchmark_stands_beside_the_best_of_the_others(tmp_path: Path) -> None:
    """The table at the top of the committed results, and nothing where there are none."""
    assert unseen_people_page.in_short() == []
    results = ROOT / "docs" / "results"
    (tmp_path / "dsads_unseen.json").write_text((results / "dsads_unseen.json").read_text())
    (table,) = unseen_people_page.in_short()
    *_, row = table.splitlines()
    result = json.loads((results / "dsads_unseen.json").read_text())
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
