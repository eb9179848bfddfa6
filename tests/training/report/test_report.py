"""The report is one file that anybody may open, and shows the truth in every situation."""

import base64
import io
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import DESKTOP, PHONE, chromium
from confusion_scores import scores_of
from harken.models.scores import PeopleScores, score_people
from harken.models.worst_bouts import DEFINITION, WrongBout
from harken.networks.augmentation import Augmentation
from harken.training.data import MissingWindows
from harken.training.report import write_report
from harken.training.report.page import recording_cards, training_facts
from harken.training.run_outcome import Outcome
from harken.windows.folds import NoHonestTest
from report_page import ReportPage
from run_outcomes import MakeOutcome, outcome_in

LABELS = ("lying", "sitting", "walking")


def page_of(outcome: Outcome, folder: Path) -> ReportPage:
    write_report(folder / "report.html", outcome)
    return ReportPage(folder / "report.html")


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, ReportPage, Path]:
    """An outcome with all three tests, its report as text and as a page, and the folder of the report alone."""
    outcome = outcome_in(tmp_path_factory.mktemp("outcome"))
    folder = tmp_path_factory.mktemp("alone")
    return outcome, page_of(outcome, folder), folder


def people_scored(*names: str, right: float) -> PeopleScores:
    """Invented people in whose 300 windows each this share is right."""
    truth = np.tile(np.arange(300) % 3, len(names))
    wrong = np.tile(np.arange(300) >= round(right * 300), len(names))
    return score_people(truth, np.where(wrong, (truth + 1) % 3, truth), np.repeat(names, 300), LABELS)


def test_the_report_is_one_file_that_needs_nothing_else(usual: tuple[Outcome, ReportPage, Path]) -> None:
    _, page, folder = usual
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    assert not re.search(r"https?://|//[a-z]|url\(|@import|javascript:", re.sub(r"base64,[^\"]+", "", page.html))
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "object", "form", "video"})
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))


def test_the_table_of_scores_leads_to_what_its_words_mean(usual: tuple[Outcome, ReportPage, Path]) -> None:
    _, page, _ = usual
    (target,) = [attributes["href"] for attributes in page.all("a")]
    assert [f"#{attributes['id']}" for attributes in page.all("section") if "id" in attributes] == [target]
    assert page.html.index('class="tests"') < page.html.index(f'href="{target}"') < page.html.index('glossary"')


def test_the_pictures_are_whole_and_described(usual: tuple[Outcome, ReportPage, Path]) -> None:
    _, page, _ = usual
    images = page.all("img")
    # Three confusion matrices for each of three tests, coverage, and the learning curves of two fits.
    assert len(images) == 3 * 3 + 1 + 2
    for image in images:
        picture = Image.open(io.BytesIO(base64.b64decode((image["src"] or "").partition(",")[2])))
        picture.load()
        assert image["alt"]
        assert picture.width / picture.height == pytest.approx(
            int(image["width"] or 0) / int(image["height"] or 1), 0.01
        )
    assert "Unseen people" in (images[0]["alt"] or ""), "unseen people come first"


def test_one_matrix_of_a_test_is_seen_and_the_others_are_folded(usual: tuple[Outcome, ReportPage, Path]) -> None:
    _, page, _ = usual
    (section,) = re.findall(r"<h2>Which activity is taken.*?<h2>Probabilities", page.html, re.DOTALL)
    folded = re.findall(r"<details>.*?</details>", section, re.DOTALL)
    assert [part.count("<img") for part in folded] == [2, 2, 2]
    seen = re.sub(r"<details>.*?</details>", "", section, flags=re.DOTALL)
    assert len(re.findall(r'alt="Confusion matrix[^"]*Per cent of each true activity', seen)) == seen.count("<img") == 3


@pytest.mark.second_stage
def test_a_phone_says_that_a_wide_matrix_scrolls_sideways(usual: tuple[Outcome, ReportPage, Path]) -> None:
    heights = "return [...document.querySelectorAll('.sideways')].map(line => line.offsetHeight > 10)"
    wider = "return [...document.querySelectorAll('.picture')].map(held => held.scrollWidth > held.clientWidth)"
    _, _, folder = usual
    for size in ((200, 600), PHONE, DESKTOP):
        with chromium(size) as browser:
            browser.resize(size)
            browser.open(folder / "report.html")
            browser.run("document.querySelectorAll('details').forEach(part => part.open = true)")
            assert browser.run(heights) == browser.run(wider)
            assert any(browser.run(wider)) == (size != DESKTOP)


@pytest.mark.usefixtures("undrawn")
def test_every_person_label_and_file_is_named_and_no_folder(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    path = tmp_path / "secret place" / "alice.csv"
    outcome = make_outcome(unseen=("bob", "carol", "dave"))
    first = outcome.data.training[0]
    quality = first.mended.quality.noting(f"Something about {path.name}.")  # as all readers name a file
    first = replace(first, path=path, mended=replace(first.mended, source=str(path), quality=quality))
    outcome = replace(outcome, data=replace(outcome.data, training=[first]))
    page = page_of(outcome, tmp_path)
    for name in ("alice", "bob", "carol", "dave", "lying", "sitting", "walking", "alice.csv", "dave.csv"):
        assert name in page.text
    assert "Something about alice.csv." in page.text
    assert "secret place" not in page.html
    assert str(tmp_path) not in page.html


def test_a_card_names_the_file_of_labels_without_its_folder(make_outcome: MakeOutcome) -> None:
    outcome = make_outcome(unseen=("bob",))
    (own,) = outcome.data.training
    noted = replace(own, mended=replace(own.mended, label_source="far/away/notes.csv (plain table)"))
    cards, _ = recording_cards(replace(outcome, data=replace(outcome.data, training=[noted])))
    facts = [card["facts"] for card in cards]
    assert facts[0]["Labels"] == "notes.csv (plain table)"
    assert "Labels" not in facts[1], "the labels of the recording's own file"


@pytest.mark.usefixtures("undrawn")
def test_names_from_files_are_escaped(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    bad = "<script>alert(1)<x"
    outcome = make_outcome(unseen=(bad, 'a "quoted" & b'))
    labels = ("</style><script>alert(2)</script>", "sit'ting\"", "<img src=x onerror=alert(3)>")
    assert outcome.cross is not None
    outcome = replace(
        outcome,
        specification=replace(outcome.specification, labels=labels),
        cross=replace(outcome.cross, label_names=labels),
        missing=MissingWindows(untrained=("<b>bold</b>",)),
    )
    page = page_of(outcome, tmp_path)
    assert "<script" not in page.html
    assert "<b>" not in page.html
    assert bad in page.text
    assert "</style><script>alert(2)</script>" in page.text
    assert all((image["src"] or "").startswith("data:") for image in page.all("img"))


@pytest.mark.usefixtures("undrawn")
def test_unseen_are_listed_the_worst_first(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome(unseen=("bob", "carol", "dave"))
    page = page_of(outcome, tmp_path)
    assert outcome.cross_people is not None
    scores = outcome.cross_people.people
    worst, *_ = sorted(scores, key=lambda name: scores[name].macro_f1)
    assert f"Commonest mistake {worst} 300" in page.text


@pytest.mark.usefixtures("undrawn")
def test_held_out_people_are_never_mixed_with_unseen(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    choices = {"trained": ("alice", "dora"), "unseen": ("bob", "carol"), "cross": 0.6}
    with_them = make_outcome(**choices, held_out=people_scored("dora", right=0.9))
    without = make_outcome(**choices)
    page = page_of(with_them, tmp_path)
    assert page.text.partition("A window is")[0] == page_of(without, tmp_path).text.partition("A window is")[0]
    start, end = (page.text.index(words) for words in ("Each unseen person", "Training people who were held out"))
    unseen = page.text[start:end]
    assert "bob" in unseen
    assert "dora" not in unseen
    held_out = page.text[end : page.text.index("Which activity is taken for which")]
    assert "without 1 of its 2 training people" in held_out
    assert "dora 300 90.0 %" in held_out
    assert "bob" not in held_out
    assert page.text.count("90.0 %") == held_out.count("90.0 %"), "their score stands nowhere else"


def test_how_it_was_trained_is_shown_in_full_and_only_what_was_used(make_outcome: MakeOutcome) -> None:
    notebook, everyday = (training_facts(make_outcome(preset=preset)) for preset in ("notebook", "everyday"))
    assert notebook["Optimiser"] == "Adam, as the notebook's library wrote it"
    assert (notebook["Learning rate"], notebook["L2 penalty"]) == ("0.0025", "0.0015")
    assert {"Label smoothing", "Changed at random", "Weight decay"}.isdisjoint(notebook)
    assert notebook["Windows taken"] == "10,000 drawn at random"
    assert everyday["Learning rate"] == "0.003 at most: it rises and then falls to 0 in one cycle"
    assert (everyday["Label smoothing"], everyday["Weight decay"]) == ("10.0 %", "0.01")
    assert "L2 penalty" not in everyday
    outcome = replace(make_outcome(preset="everyday"), training_windows=100, iterations=1_000)
    assert training_facts(outcome)["Epochs"] == "25, and more to make 1,000 iterations"
    names = [field.name for field in fields(Augmentation)]
    for chosen in (*([name] for name in names), names):
        some = replace(outcome.training, augmentation=Augmentation(**dict.fromkeys(chosen, 0.25)))
        changes = training_facts(replace(outcome, training=some))["Changed at random"]
        assert changes.count("25") == changes.count(", ") + 1 == len(chosen)


HELD_OUT = {"trained": ("alice", "dora", "emil"), "unseen": (), "calibrated_on": "unseen"}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("given", "there", "not_there"),
    [
        ({}, ["Accuracy 60.0 % 85.0 % 95.0 %"], ["A dot means", "There is no"]),
        ({"unseen": "a"}, ["unseen people's score is based on one person"], ["interval shows"]),
        ({"unseen": "abc"}, ["unseen people's score is based on 3 people, too few"], ["interval shows"]),
        ({"unseen": "abcdefg"}, ["The interval shows how much their mean would vary"], ["an example"]),
        (
            {"unseen": (), "calibrated_on": "nobody"},
            [
                "not calibrated and may be much too high, because no windows were left",
                "There were no recordings of unseen people (--cross)",
                "Unseen people unknown Not tested.",
            ],
            ["unseen people's score", "“Unsure” below", "Curve: ", "The temperature of the", "Each unseen person"],
        ),
        (
            HELD_OUT | {"held_out": people_scored("dora", "emil", right=0.7)},
            [
                "Trained without 2 of its 3 training people, a copy of this recogniser names the right activity in 70",
                "The best estimate for unseen people is the score of held-out training people",
                "Unseen people unknown Not tested. Held-out training people: 70.0 %, by a copy trained without them.",
                "The score of held-out training people is based on 2 people",
                "A window is 20.5 seconds of the signal. For comparison: answering",
            ],
            ["on unseen people is unknown", "The unseen people's score"],
        ),
        (
            {"preset": "notebook"},
            [
                "are drawn from the rows of the file as they are",
                "“Unsure” below",
            ],
            ["smoothed labels"],
        ),
        (
            {"preset": "everyday"},
            [
                "Window 300 samples, 10 s Windows taken one every 2 s",
                "at 30 samples per second",
                "The temperature of the probabilities was fitted on the honest same-person test",
                "have windows that are changed at random and smoothed labels (10.0 % of each truth spread over all)",
            ],
            ["drawn at random", "rows of the file as they are"],
        ),
        (
            {"iterations_done": 40, "honest": None},
            [
                "Training was interrupted after 40 of 90 iterations",
                "There is no honest same-person test: the run was stopped before this test.",
                "Iterations 40 of 90",
            ],
            [],
        ),
        (
            {"missing": MissingWindows(untrained=("jumping",), untested=("lying", "sitting"))},
            [
                "was drawn from them: jumping. Longer bouts are needed.",
                "same-person test has no window of lying, sitting, because it tests the last part of a bout,",
            ],
            [],
        ),
        ({"honest": None, "overlapping": None}, ["There is no overlapping same-person test"], ["Overlap raised"]),
        ({"unseen": ()}, ["is unknown: it was tested only on the one person that it was trained on."], []),
        (
            {"unseen": ("bob",)},
            [
                "On the one unseen person, this recogniser names the right activity in 60.0 %",
                "the score is a macro F1 of 0.600 (1 is perfect).",
            ],
            [],
        ),
        (
            {"unseen": ("bob", "eve")},
            [
                "On the 2 unseen people, this recogniser names the right activity in",
                "2 people are too few for an interval (5 are needed)",
            ],
            [],
        ),
        ({"unseen": tuple("abcde")}, ["95 % interval over 5 people"], ["too few for an interval"]),
        *(
            ({"honest": None, "missing": MissingWindows(honest_test=reason)}, [f"same-person test: {words}"], [])
            for reason, words in {
                NoHonestTest.SHORT_BOUTS: "no bout is long enough. The first part of a bout must contain a training",
                NoHonestTest.ONE_LABEL: "only one label has bouts long enough.",
                NoHonestTest.NO_TEST_WINDOW: "no label with training windows has windows left to test on.",
            }.items()
        ),
    ],
)
def test_the_page_says_what_the_run_was(
    make_outcome: MakeOutcome, tmp_path: Path, given: dict[str, Any], there: list[str], not_there: list[str]
) -> None:
    page = page_of(make_outcome(**given), tmp_path)
    assert [words for words in there if words not in page.text] == []
    assert [words for words in not_there if words in page.text] == []


@pytest.mark.usefixtures("undrawn")
def test_with_many_labels_two_matrices_a_test_can_still_be_read(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    labels = tuple(f"activity {number}" for number in range(18))
    scores = scores_of(np.diag(np.arange(1, 19)).tolist(), labels)
    outcome = make_outcome()
    specification = replace(outcome.specification, labels=labels)
    outcome = replace(outcome, specification=specification, cross=scores, blocked=scores, same_person=scores)
    page = page_of(outcome, tmp_path)
    matrices = [image["alt"] for image in page.all("img") if (image["alt"] or "").startswith("Confusion matrix")]
    assert len(matrices) == 3 * 2
    assert "A dot means less than 1 % of a row" in page.text


def test_the_worst_bouts_are_listed_with_their_commands(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome()
    assert "recognised worst" not in page_of(outcome, tmp_path).text
    bout = WrongBout(
        recording="study/b<b>.csv",
        file="study/b<b>.csv",
        within_file="",
        subject="bob",
        timezone="Europe/Athens",
        start_ns=1_717_400_000 * 10**9,
        end_ns=1_717_400_060 * 10**9,
        label="stairs",
        predicted="walking",
        windows=6,
        wrong=5,
        tested_s=60.0,
        probability=0.812,
        test="unseen people",
        command="harken annotate 'study/b<b>.csv' --at 2024-06-03T10:33:20+03:00",
    )
    page = page_of(replace(outcome, worst_bouts=(bout, replace(bout, label="cycling", command=None))), tmp_path)
    assert (
        "b<b>.csv , 2024-06-03 10:33:20 to 10:34:20: stairs taken for walking, 5 of 6 windows wrong, 81 % sure"
        in page.text
    )
    assert page.text.count(bout.command or "") == 1
    assert "cycling taken for walking" in page.text
    assert "These bouts are from unseen people." in page.text
    assert DEFINITION in page.text
