"""The tables of a report: the tests, the people, the recordings, the training, and the glossary."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harken import __version__
from harken.models.scores import PeopleScores, Scores
from harken.networks.specification import CalibratedOn
from harken.recordings.inspection import Inspection, duration_text, inspect_recording
from harken.reports.figures.style import UNLABELLED_COLOUR, label_colours
from harken.reports.run.caveats import SharedNote, share_notes
from harken.reports.run.sentences import commonest_mistake, number, without_folders
from harken.support.printable import percent, printable
from harken.windows.windows import SlidingHops

if TYPE_CHECKING:
    from harken.training.augmentation import Augmentation
    from harken.training.loop import TrainingSettings
    from harken.training.run import Outcome

NOT_MADE = "–"
MOST_FILES_NAMED = 5
SCORES: tuple[tuple[str, Callable[[Scores], str]], ...] = (
    ("Windows", lambda scores: f"{scores.windows:,}"),
    ("Accuracy", lambda scores: percent(scores.accuracy)),
    ("Weighted precision", lambda scores: number(scores.weighted_precision)),
    ("Weighted recall", lambda scores: number(scores.weighted_recall)),
    ("Weighted F1", lambda scores: number(scores.weighted_f1)),
    ("Macro precision", lambda scores: number(scores.macro_precision)),
    ("Macro recall", lambda scores: number(scores.macro_recall)),
    ("Macro F1", lambda scores: number(scores.macro_f1)),
    ("Cohen's kappa", lambda scores: number(scores.cohen_kappa)),
)
OPTIMISERS = {
    "notebook_adam": "Adam, as the notebook's library wrote it",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
}
TEMPERATURE: Mapping[CalibratedOn, str] = {
    "unseen": "fitted on windows of unseen people",
    "the same person": "fitted on windows of people on whom the model was trained",
    "nobody": "not fitted",
}
"""The windows on which a temperature was fitted."""
LIKE_ANOTHER = {
    "other_wrist": "mirrored to the other wrist ({:.0%} of windows)",
    "other_way_round": "worn the other way round ({:.0%} of windows)",
    "other_arm": "mirrored to the other arm ({:.0%} of windows)",
    "inside_wrist": "face on the inside of the wrist ({:.0%} of windows)",
    "strap_deg": "turned by a loose strap (SD {:g}°)",
    "roll_deg": "rolled about the forearm (SD {:g}°)",
    "gain": "gain (SD {:.2g})",
    "noise_g": "noise (SD up to {:g} g)",
    "tempo": "faster or slower (up to {:.0%})",
    "start": "begun earlier or later (up to {:.0%} of the window)",
    "missing": "a missing moment ({:.0%} of windows)",
}
"""A field of ``Augmentation`` -> its effect on a window, with the amount."""


class Fact(NamedTuple):
    """A name and its description."""

    name: str
    value: str


class ScoreRow(NamedTuple):
    """One score of the three tests; a dash for a test that was not made."""

    score: str
    unseen: str
    honest: str
    overlapping: str


class PersonRow(NamedTuple):
    """One person's scores."""

    person: str
    windows: str
    accuracy: str
    macro_f1: str
    weighted_f1: str
    kappa: str
    mistake: str


@dataclass(frozen=True)
class LabelShare:
    """The duration of a label in a recording, and its part of the coloured bar (0..100)."""

    name: str
    time: str
    percent: float
    colour: str


@dataclass(frozen=True)
class RecordingCard:
    """One recording: the name of its file without the folder, its facts, its labels, and the notes of its reader."""

    file: str
    subject: str
    role: str
    facts: list[Fact]
    labels: list[LabelShare]
    notes: list[str]
    """Notes on this recording alone."""


GLOSSARY = (
    Fact("Window", "A few seconds of the signal, cut out as one piece. The model gives each window one activity."),
    Fact("Bout", "A stretch of the recording with one activity and no gap."),
    Fact("Accuracy", "The share of windows whose activity is recognised. Frequent activities weigh most in it."),
    Fact("Precision", "Of the windows that were given an activity's name, the share that really were it."),
    Fact("Recall", "Of the windows that really were an activity, the share that was recognised as it."),
    Fact("F1", "One number from precision and recall (their harmonic mean): 1 is perfect, 0 is never right."),
    Fact(
        "Weighted and macro",
        "Means over activities. Weighted: an activity counts as much as it has windows. Macro: every activity counts "
        "the same, so a rare one that is never recognised pulls the number down.",
    ),
    Fact(
        "Cohen's kappa",
        "Agreement beyond what guessing with the same frequencies would reach: 0 is as good as guessing, 1 is perfect.",
    ),
    Fact(
        "Same person, overlapping windows",
        "Test windows are taken from the same stretches as the training windows and share most of "
        "their samples with them. This measures memory, and the score is far too high. It is shown "
        "because recognisers are often reported in this way.",
    ),
    Fact(
        "Same person, honest",
        "A second model is trained on the first 80% of every bout and tested on the rest, after the "
        "length of one window, so that no test window shares a sample with training.",
    ),
    Fact(
        "Unseen people",
        "People whose recordings were not used for training, for stopping it or for choosing a "
        "model. With five people or more, this is the score to expect for a new person.",
    ),
    Fact(
        "Held-out training people",
        "A copy of the model is trained on the other training people and tested on these. The score "
        "is an estimate for a model of this kind on unseen people; the model itself was trained on "
        "all training people.",
    ),
    Fact(
        "Calibrated",
        "Of the answers that are given with a probability of 70%, about 70% should be right. One "
        "number, the temperature, raises or lowers all probabilities until this is so; it changes no "
        "answer.",
    ),
    Fact(
        "Expected calibration error",
        "The mean difference, over windows, between the probability of the answer and the share of "
        "right answers: 0 is perfect.",
    ),
    Fact(
        "Confusion matrix",
        "A row for each true activity, a column for each answer. Right answers are on the diagonal.",
    ),
    Fact("Epoch", "Once through all training windows."),
    Fact(
        "Loss",
        "How far the probabilities are from the true activities; training makes it smaller. Where "
        "the loss of a test rises while that of the training batches falls, the model overfits.",
    ),
)


def test_rows(outcome: "Outcome") -> list[ScoreRow]:
    """A row for each score, a column for each test: unseen people, same person honest, same person overlapping."""
    tests = (outcome.cross, outcome.blocked, outcome.same_person)
    return [
        ScoreRow(name, *(NOT_MADE if scores is None else text(scores) for scores in tests)) for name, text in SCORES
    ]


def people_rows(people: PeopleScores | None) -> list[PersonRow]:
    """A row for each person, the lowest score first; empty without people."""
    if people is None:
        return []
    return [
        PersonRow(
            person,
            f"{scores.windows:,}",
            percent(scores.accuracy),
            number(scores.macro_f1),
            number(scores.weighted_f1),
            number(scores.cohen_kappa),
            commonest_mistake(scores),
        )
        for person, scores in sorted(people.people.items(), key=lambda item: (item[1].macro_f1, item[0]))
    ]


def recording_cards(outcome: "Outcome") -> tuple[list[RecordingCard], list[str]]:
    """A card for each recording, training recordings first; and the notes that several recordings share."""
    data = outcome.data
    reads = [(one, "training") for one in data.training] + [(one, "unseen") for one in data.cross]
    names = [name for one, _ in reads for name in one.mended.label_names]
    colours = label_colours([*outcome.specification.labels, *names])
    found = [inspect_recording(one.mended, found=one.as_found) for one, _ in reads]
    shared = share_notes(
        [
            [without_folders(note, [one.path]) for note in (*its.warnings, *its.notes)]
            for (one, _), its in zip(reads, found, strict=True)
        ]
    )
    cards = [
        RecordingCard(
            file=printable(one.short_name),
            subject=its.subject,
            role=role,
            facts=[*_recording_facts(its), *_labels_fact(its)],
            labels=_label_shares(its, colours),
            notes=[note.text for note in shared if note.recordings == (position,)],
        )
        for position, ((one, role), its) in enumerate(zip(reads, found, strict=True))
    ]
    files = [card.file for card in cards]
    return cards, [_of_several(note, files) for note in shared if len(note.recordings) > 1]


def _of_several(note: SharedNote, files: list[str]) -> str:
    count = len(note.recordings)
    if count == len(files):
        return f"{'Both' if count == 2 else f'All {count}'} recordings: {note.text}"
    names = f" ({', '.join(files[at] for at in note.recordings)})" if count <= MOST_FILES_NAMED else ""
    return f"{count} of {len(files)} recordings{names}: {note.text}"


def _recording_facts(found: Inspection) -> list[Fact]:
    dropped = ", ".join(f"{count:,} ({reason})" for reason, count in found.dropped.items() if count)
    limit = f", sensor range ±{found.sensor_range_g:g} g" if found.sensor_range_g else ""
    gaps = f", {duration_text(found.gaps.total_s)} in all" if found.gaps.count else ""
    return [
        Fact("Rows", f"{found.rows:,}"),
        Fact("Rate", f"{found.sample_rate_hz:.2f} samples per second"),
        Fact("Span", duration_text(found.span_s)),
        Fact("Unlabelled", f"{percent(found.unlabelled.share)} of the rows"),
        Fact("Gaps", f"{found.gaps.count:,}{gaps}"),
        Fact("Rows dropped", dropped or "0"),
        Fact("Out of range", f"{found.out_of_range:,}{limit}"),
        Fact("Missing values", f"{found.missing:,}"),
        Fact("Sensor stuck", f"{found.stuck:,}"),
    ]


def _labels_fact(found: Inspection) -> list[Fact]:
    """The file of labels, without its folder; nothing if the labels are those in the recording's own file."""
    return [Fact("Labels", printable(Path(found.label_source).name))] if found.label_source else []


def _label_shares(found: Inspection, colours: dict[str, str]) -> list[LabelShare]:
    times = {name: labelled.total_s for name, labelled in found.labels.items()}
    everything = (sum(times.values()) + found.unlabelled.total_s) or 1.0
    shares = [
        LabelShare(name, duration_text(time), round(time / everything * 100, 2), colours[name])
        for name, time in times.items()
        if time
    ]
    time = found.unlabelled.total_s
    if time:
        shares.append(LabelShare("no label", duration_text(time), round(time / everything * 100, 2), UNLABELLED_COLOUR))
    return shares


def training_facts(outcome: "Outcome") -> list[Fact]:
    """Facts about the training: its settings and its environment."""
    specification, training = outcome.specification, outcome.training
    sizes = ", ".join(f"{name} {value}" for name, value in specification.sizes.items())
    rate = f"{specification.sample_rate_hz:.4g} samples per second"
    return [
        Fact("Recipe", specification.preset),
        Fact("Activities", ", ".join(specification.labels)),
        Fact("Signals", f"{', '.join(specification.channels)} at {rate}"),
        Fact("Window", f"{specification.window_length} samples, {specification.window_length_s:.3g} s"),
        Fact("Windows taken", _sampling(outcome)),
        Fact("Network", f"{specification.network} ({sizes})"),
        Fact("Parameters", f"{outcome.parameters:,}"),
        Fact("Training windows", f"{outcome.training_windows:,}"),
        Fact("Epochs", _epochs(outcome)),
        Fact(
            "Batch", f"{training.batch_windows:,} windows" + (", in a new order each epoch" if training.shuffle else "")
        ),
        Fact(
            "Iterations",
            f"{outcome.iterations:,}" if outcome.finished else f"{outcome.iterations_done:,} of {outcome.iterations:,}",
        ),
        *_optimiser_facts(training),
        Fact("Seed", f"{training.seed}"),
        Fact("Temperature", f"{specification.temperature:.3g}, {TEMPERATURE[specification.calibrated_on]}"),
        Fact("Computed on", outcome.settings.device),
        Fact("Software", _versions()),
    ]


def _sampling(outcome: "Outcome") -> str:
    windows = outcome.settings.recipe.windows
    if isinstance(windows, SlidingHops):
        return f"one every {windows.hop_s:g} s"
    return f"{windows.windows:,} drawn at random"


def _epochs(outcome: "Outcome") -> str:
    training = outcome.training
    if outcome.iterations > training.epochs * outcome.training_windows // training.batch_windows:
        return f"{training.epochs:,}, and more to make {training.min_iterations:,} iterations"
    return f"{training.epochs:,}"


def _optimiser_facts(training: "TrainingSettings") -> list[Fact]:
    cycle = " at most: it rises and then falls to 0 in one cycle" if training.one_cycle else ""
    facts = [
        Fact("Optimiser", OPTIMISERS[training.optimiser]),
        Fact("Learning rate", f"{training.learning_rate:g}{cycle}"),
    ]
    if training.weight_decay and training.optimiser != "notebook_adam":
        facts.append(Fact("Weight decay", f"{training.weight_decay:g}"))
    if training.l2:
        facts.append(Fact("L2 penalty", f"{training.l2:g}"))
    if training.label_smoothing:
        facts.append(Fact("Label smoothing", percent(training.label_smoothing)))
    if changes := _changes(training.augmentation):
        facts.append(Fact("Changed at random", changes))
    return facts


def _changes(augmentation: "Augmentation") -> str:
    return ", ".join(
        what.format(amount) for name, what in LIKE_ANOTHER.items() if (amount := getattr(augmentation, name))
    )


def _versions() -> str:
    parts = [f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn")]
    return ", ".join([f"harken {__version__}", f"Python {platform.python_version()}", *parts])
