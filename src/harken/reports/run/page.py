"""The page: sentences, tables and pictures, filled into the template and written as one file."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from harken import __version__
from harken.reports import page_template
from harken.reports.figures.confusion import MANY_LABELS, MEASURES, Measure, confusion_panel, measures_shown
from harken.reports.figures.coverage import coverage_picture
from harken.reports.figures.curves import learning_curves
from harken.reports.figures.style import png_bytes
from harken.reports.run.caveats import limits, missing_windows, warnings
from harken.reports.run.sentences import (
    UNSURE_BELOW,
    UnsureRow,
    baseline_sentence,
    calibration_sentence,
    confusion_sentence,
    curves_sentence,
    error_sentence,
    headline,
    held_out_sentence,
    overlap_sentences,
    people_sentence,
    spread_sentence,
    together,
    unseen_gap_sentence,
    unseen_people_explained,
    unsure_rows,
    unsure_sentences,
)
from harken.reports.run.tables import GLOSSARY, people_rows, recording_cards, test_rows, training_facts
from harken.support.files import write_text
from harken.support.printable import percent

if TYPE_CHECKING:
    from harken.training.checkpoint import History
    from harken.training.run import Outcome

CSS_DOTS_PER_INCH = 96
STILL_READABLE = 0.62
"""The smallest scale of a picture at which its 10-point text is readable."""
MEASURES_IN_ORDER: tuple[Measure, ...] = ("percent_of_truth", "windows", "percent")
"""The most useful measure is first, because a phone shows the three below one another."""


@dataclass(frozen=True)
class Picture:
    """A picture in the page: a data URL, its size in CSS pixels, and its alternative text."""

    source: str
    width: int
    height: int
    words: str

    @property
    def least(self) -> int:
        """The smallest width at which the picture is readable."""
        return round(self.width * STILL_READABLE)


@dataclass(frozen=True)
class Card:
    """One of the three numbers at the top."""

    title: str
    accuracy: str
    explained: str
    kind: str


@dataclass(frozen=True)
class Section:
    """A test's confusion matrices with a sentence."""

    title: str
    sentence: str
    pictures: list[Picture]


@dataclass(frozen=True)
class Unsure:
    """The effect of "unsure" on unseen people: sentences, a few thresholds, and the whole curve."""

    sentences: list[str]
    rows: list[UnsureRow]
    picture: Picture


def write_report(path: Path, outcome: "Outcome") -> None:
    """Write the report of a run as one self-contained HTML file: it needs no network, script or font.

    Args:
        path: the file to write, whole or not at all.
        outcome: the outcome of the run.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    write_text(path, page_template("run").render(_content(outcome)))


def _content(outcome: "Outcome") -> dict[str, Any]:
    """The variables of the template."""
    people, held_out = outcome.cross_people, outcome.held_out_people
    recordings, shared_notes = recording_cards(outcome)
    return {
        "version": __version__,
        "title": "harken: " + ", ".join(dict.fromkeys(one.mended.subject for one in outcome.data.training)),
        "headline": headline(outcome),
        "lead": _lead(outcome),
        "warnings": warnings(outcome),
        "cards": _cards(outcome),
        "tests": test_rows(outcome),
        "about_overlap": overlap_sentences(outcome),
        "about_unseen": unseen_gap_sentence(outcome),
        "people": people_rows(people),
        "about_people": spread_sentence(people) if people is not None else None,
        "held_out": people_rows(held_out),
        "about_held_out": _about_held_out(outcome),
        "about_probabilities": [calibration_sentence(outcome), *filter(None, [error_sentence(outcome)])],
        "unsure": _unsure(outcome),
        "about_matrices": _about_matrices(outcome),
        "matrices": _matrices(outcome),
        "about_curves": curves_sentence(outcome),
        "curves": _curves(outcome),
        "recordings": recordings,
        "notes": [*outcome.data.spellings, *missing_windows(outcome), *shared_notes],
        "training": training_facts(outcome),
        "limits": limits(outcome),
        "glossary": GLOSSARY,
    }


def _lead(outcome: "Outcome") -> list[str]:
    """The sentences under the headline."""
    people = outcome.cross_people or outcome.held_out_people
    if people is None:
        return []
    return [
        f"A window is {outcome.specification.window_length_s:.3g} seconds of the signal. "
        + baseline_sentence(outcome.cross or together(people)),
        people_sentence(people),
    ]


def _about_held_out(outcome: "Outcome") -> list[str]:
    people = outcome.held_out_people
    if people is None:
        return []
    return [held_out_sentence(outcome), people_sentence(people), spread_sentence(people)]


def _unsure(outcome: "Outcome") -> Unsure | None:
    scores = outcome.cross_probabilities
    if scores is None:
        return None
    words = (
        "Curve: the share of right answers for unseen people, by the share of windows with an "
        f"answer; the thresholds {', '.join(map(str, UNSURE_BELOW))} are marked. The numbers are in "
        "the table beside it."
    )
    picture = _picture(coverage_picture(scores.curve, marked=UNSURE_BELOW), words)
    return Unsure(unsure_sentences(scores), unsure_rows(scores), picture)


def _cards(outcome: "Outcome") -> list[Card]:
    tests = (
        (outcome.cross, "Unseen people", unseen_people_explained(outcome), "trusted"),
        (outcome.blocked, "Same person, honest", "No test window shares a sample with training.", "honest"),
        (
            outcome.same_person,
            "Same person, overlapping",
            "Too high: test windows share samples with training, so this measures memory.",
            "flattering",
        ),
    )
    return [
        Card(title, "unknown", _not_tested(outcome, kind), kind)
        if scores is None
        else Card(title, percent(scores.accuracy), explained, kind)
        for scores, title, explained, kind in tests
    ]


def _not_tested(outcome: "Outcome", kind: str) -> str:
    if kind != "trusted" or outcome.held_out_people is None:
        return "Not tested."
    right = percent(together(outcome.held_out_people).accuracy)
    return f"Not tested. Held-out training people: {right}, by a copy trained without them."


def _about_matrices(outcome: "Outcome") -> str:
    """A sentence that explains the matrices."""
    sentence = (
        "Each row is a true activity, each column a recognised one. Blue is right, orange is wrong; "
        "a deeper colour means more windows."
    )
    if len(outcome.specification.labels) <= MANY_LABELS:
        return sentence
    return f"{sentence} A dot means less than 1% of a row; an empty cell means no window."


def _matrices(outcome: "Outcome") -> list[Section]:
    tests = (
        ("Unseen people", outcome.cross),
        ("Same person, honest (no overlap with the training windows)", outcome.blocked),
        ("Same person, overlapping windows (flattering)", outcome.same_person),
    )
    return [
        Section(
            title,
            confusion_sentence(scores),
            [
                _picture(
                    confusion_panel(scores, measure),
                    f"Confusion matrix. {title}. {MEASURES[measure]}; rows are true activities, columns "
                    "recognised ones.",
                )
                for measure in MEASURES_IN_ORDER
                if measure in measures_shown(len(scores.label_names))
            ],
        )
        for title, scores in tests
        if scores is not None
    ]


def _curves(outcome: "Outcome") -> list[tuple[str, Picture]]:
    histories: tuple[tuple[str, History | None], ...] = (
        ("The model", outcome.history),
        ("The second model, of the honest same-person test", outcome.blocked_history),
    )
    batch = outcome.training.batch_windows
    return [
        (title, _picture(learning_curves(history, batch_windows=batch), f"Learning curves. {title}."))
        for title, history in histories
        if history is not None and history.train_loss
    ]


def _picture(figure: Figure, words: str) -> Picture:
    source = "data:image/png;base64," + base64.b64encode(png_bytes(figure)).decode()
    width, height = (round(float(inches) * CSS_DOTS_PER_INCH) for inches in figure.get_size_inches())
    return Picture(source, width, height, words)
