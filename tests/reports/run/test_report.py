"""The report is one file that anybody may open, and shows the truth in every situation."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from confusion_scores import scores_of
from harken.models.scores import PeopleScores, score_people
from harken.reports.run import caveats, sentences, write_report
from harken.reports.run.tables import recording_cards
from harken.training.run import Outcome
from harken.training.windows import MissingWindows
from harken.windows.same_person import NoHonestTest
from run_outcomes import MakeOutcome, outcome_in

LABELS = ("lying", "sitting", "walking")
VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """What a browser would see: the tags in order with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(outcome: Outcome, folder: Path) -> tuple[str, Page]:
    path = folder / "report.html"
    write_report(path, outcome)
    html = path.read_text(encoding="utf-8")
    return html, Page(html)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, str, Page, Path]:
    """An outcome with all three tests, its report as text and as a page, and the folder of the report alone."""
    outcome = outcome_in(tmp_path_factory.mktemp("outcome"))
    folder = tmp_path_factory.mktemp("alone")
    return outcome, *page_of(outcome, folder), folder


def people_scored(*names: str, right: float) -> PeopleScores:
    """Invented people in whose 300 windows each this share is right."""
    truth = np.tile(np.arange(300) % 3, len(names))
    wrong = np.tile(np.arange(300) >= round(right * 300), len(names))
    return score_people(truth, np.where(wrong, (truth + 1) % 3, truth), np.repeat(names, 300), LABELS)


def test_the_report_is_one_file_that_needs_nothing_else(usual: tuple[Outcome, str, Page, Path]) -> None:
    _, html, page, folder = usual
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    assert not re.search(r"https?://|//[a-z]|url\(|@import|javascript:", re.sub(r"base64,[^\"]+", "", html))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "form", "video"})
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))
    assert page.open == []


def test_the_pictures_are_whole_and_described(usual: tuple[Outcome, str, Page, Path]) -> None:
    _, _, page, _ = usual
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
    assert "A dot stands" not in page.text, "with three labels every number is written"


def test_with_many_labels_two_matrices_a_test_can_still_be_read(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    labels = tuple(f"activity {number}" for number in range(18))
    scores = scores_of(np.diag(np.arange(1, 19)).tolist(), labels)
    outcome = make_outcome()
    outcome = replace(
        outcome,
        specification=replace(outcome.specification, labels=labels),
        cross=scores,
        blocked=scores,
        same_person=scores,
    )
    _, page = page_of(outcome, tmp_path)
    matrices = [image for image in page.all("img") if (image["alt"] or "").startswith("Confusion matrix")]
    assert len(matrices) == 3 * 2
    assert all(int(image["width"] or 0) > 800 for image in matrices), "eighteen columns need room"
    assert not any("Per cent of all windows" in (image["alt"] or "") for image in matrices)
    assert "A dot means less than 1% of a row" in page.text


@pytest.mark.usefixtures("undrawn")
def test_every_person_label_and_file_is_named_and_no_folder(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    note = f"Something about {tmp_path / 'secret place' / 'alice.csv'}."
    outcome = make_outcome(unseen=("bob", "carol", "dave"))
    first = outcome.data.training[0]
    first = replace(first, mended=replace(first.mended, quality=first.mended.quality.noting(note)))
    outcome = replace(outcome, data=replace(outcome.data, training=[first]))
    html, page = page_of(outcome, tmp_path)
    for name in ("alice", "bob", "carol", "dave", "lying", "sitting", "walking", "alice.csv", "dave.csv"):
        assert name in page.text
    assert "Something about alice.csv." in page.text
    assert "secret place" not in html
    assert str(tmp_path) not in html


@pytest.mark.usefixtures("undrawn")
def test_a_note_on_a_recording_stands_only_at_the_recording(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome(unseen=(), missing=MissingWindows(untrained=("jumping",)))
    _, page = page_of(outcome, tmp_path)
    (note,) = outcome.data.training[0].mended.quality.notes
    assert page.text.count(note) == 1
    assert "samples was drawn from them: jumping. Longer bouts are needed." in page.text


@pytest.mark.usefixtures("undrawn")
def test_a_note_on_all_recordings_is_shown_once(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome(unseen=("bob", "carol"))
    _, page = page_of(outcome, tmp_path)
    assert page.text.count("converted to g") == 1
    assert re.search(
        r"All 3 recordings: Acceleration is in m/s2 \(at rest 9\.\d+ to 9\.\d+\), converted to g\.", page.text
    )


def test_a_card_names_the_file_of_labels_without_its_folder(make_outcome: MakeOutcome) -> None:
    outcome = make_outcome(unseen=("bob",))
    (own,) = outcome.data.training
    noted = replace(own, mended=replace(own.mended, label_source="far/away/notes.csv (plain table)"))
    cards, _ = recording_cards(replace(outcome, data=replace(outcome.data, training=[noted])))
    facts = [dict(card.facts) for card in cards]
    assert facts[0]["Labels"] == "notes.csv (plain table)"
    assert "Labels" not in facts[1], "the labels of the recording's own file"


def test_a_note_on_some_recordings_says_which(make_outcome: MakeOutcome) -> None:
    outcome = make_outcome(unseen=("bob", "carol"))
    own = [*outcome.data.training, *outcome.data.cross]
    quiet = replace(own[1], mended=replace(own[1].mended, quality=replace(own[1].mended.quality, notes=())))
    cards, shared = recording_cards(replace(outcome, data=replace(outcome.data, cross=[quiet, own[2]])))
    (sentence,) = shared
    assert sentence.startswith("2 of 3 recordings (alice.csv, carol.csv): Acceleration is in m/s2 (at rest 9.")
    assert [card.notes for card in cards] == [[], [], []]
    _, shared = recording_cards(make_outcome(unseen=("bob",)))
    assert shared[0].startswith("Both recordings: ")


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
    html, page = page_of(outcome, tmp_path)
    assert "<script" not in html
    assert "<b>" not in html
    assert bad in page.text
    assert "</style><script>alert(2)</script>" in page.text
    assert all((image["src"] or "").startswith("data:") for image in page.all("img"))


def test_all_three_tests_stand_beside_one_another(usual: tuple[Outcome, str, Page, Path]) -> None:
    outcome, _, page, _ = usual
    assert "Accuracy 60.0% 85.0% 95.0%" in page.text
    assert "flattering" in page.text
    for scores in (outcome.cross, outcome.blocked, outcome.same_person):
        assert scores is not None
        for value in (scores.weighted_precision, scores.macro_recall, scores.macro_f1, scores.cohen_kappa):
            assert f"{value:.3f}" in page.text


@pytest.mark.usefixtures("undrawn")
def test_unseen_are_listed_the_worst_first(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome(unseen=("bob", "carol", "dave"))
    _, page = page_of(outcome, tmp_path)
    assert outcome.cross_people is not None
    scores = outcome.cross_people.people
    worst, *_ = sorted(scores, key=lambda name: scores[name].macro_f1)
    assert f"Commonest mistake {worst} 300" in page.text


def test_the_same_run_gives_the_same_report(usual: tuple[Outcome, str, Page, Path], tmp_path: Path) -> None:
    outcome, html, _, _ = usual
    assert page_of(outcome, tmp_path)[0] == html


def test_without_unseen_nothing_is_promised(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    _, page = page_of(make_outcome(unseen=()), tmp_path)
    assert page.text.count("on unseen people is unknown: it was tested only") == 1
    assert "There were no recordings of unseen people (--cross)" in page.text
    assert "Unseen people unknown Not tested." in page.text
    assert "Each unseen person" not in page.text
    assert len(page.all("img")) == 2 * 3 + 2


def test_an_interrupted_run_says_so(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    _, page = page_of(make_outcome(iterations_done=40, honest=None), tmp_path)
    assert "Training was interrupted after 40 of 90 iterations" in page.text
    assert "There is no honest same-person test: the run was stopped before this test." in page.text
    assert "40 of 90" in page.text


@pytest.mark.usefixtures("undrawn")
def test_an_impossible_honest_test_is_explained_once(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    for missing, reason in (
        (NoHonestTest.SHORT_BOUTS, "no bout is long enough for a training window of"),
        (NoHonestTest.ONE_LABEL, "only one label has bouts long enough to be cut in two."),
        (NoHonestTest.NO_TEST_WINDOW, "no label with training windows has windows left to test on."),
    ):
        _, page = page_of(make_outcome(honest=None, missing=MissingWindows(honest_test=missing)), tmp_path)
        assert page.text.count("There is no honest same-person test") == 1
        assert f"There is no honest same-person test: {reason}" in page.text


@pytest.mark.usefixtures("undrawn")
def test_labels_without_a_window_in_the_honest_test_are_a_warning(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    outcome = make_outcome(missing=MissingWindows(untested=("lying", "sitting")))
    sentence = (
        "The honest same-person test has no window of lying, sitting, whose bouts are too short (it tests on their last"
    )
    assert any(warning.startswith(sentence) for warning in caveats.warnings(outcome))
    assert sentence in page_of(outcome, tmp_path)[1].text


def test_a_run_without_any_same_person_test(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    _, page = page_of(make_outcome(honest=None, overlapping=None), tmp_path)
    assert "There is no overlapping same-person test" in page.text
    assert "Overlap" not in page.text.replace("Overlapping", "")


@pytest.mark.usefixtures("undrawn")
def test_held_out_people_speak_where_no_unseen_does(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    choices = {"trained": ("alice", "dora", "emil"), "unseen": (), "calibrated_on": "unseen"}
    outcome = make_outcome(**choices, held_out=people_scored("dora", "emil", right=0.7))
    assert sentences.headline(outcome) == (
        "Trained without 2 of its 3 training people, a copy of this recogniser names the right activity in 70.0% of "
        "their windows. It was not tested on unseen people."
    )
    _, page = page_of(outcome, tmp_path)
    assert "on unseen people is unknown" not in page.text
    assert "The best estimate for unseen people is the score of held-out training people" in page.text
    assert "Held-out training people: 70.0%, by a copy trained without them." in page.text
    assert "Unseen people unknown" in page.text, "they are no unseen people"
    assert "The score of held-out training people is based on 2 people" in page.text
    assert "A window is 20.5 seconds of the signal. For comparison: answering" in page.text
    assert page.text.count("Commonest mistake") == 1
    assert "The unseen people's score" not in page.text


@pytest.mark.usefixtures("undrawn")
def test_held_out_people_are_never_mixed_with_unseen(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    choices = {"trained": ("alice", "dora"), "unseen": ("bob", "carol"), "cross": 0.6}
    with_them = make_outcome(**choices, held_out=people_scored("dora", right=0.9))
    without = make_outcome(**choices)
    assert sentences.headline(with_them) == sentences.headline(without)
    _, page = page_of(with_them, tmp_path)
    start, end = (page.text.index(words) for words in ("Each unseen person", "Training people who were held out"))
    unseen = page.text[start:end]
    assert "bob" in unseen
    assert "dora" not in unseen
    held_out = page.text[end : page.text.index("Which activity is taken for which")]
    assert "without 1 of its 2 training people" in held_out
    assert "dora 300 90.0%" in held_out
    assert "bob" not in held_out
    assert page.text.count("90.0%") == held_out.count("90.0%"), "their score stands nowhere else"
