"""The page: a run's outcome with its sentences, pictures and recordings, filled into the template and written as one
file."""

import base64
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from harken import __version__
from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL, PeopleScores, Scores
from harken.models.worst_bouts import DEFINITION
from harken.networks.specification import CalibratedOn
from harken.recordings.inspection import Inspection, inspect_recording
from harken.reports.colours import label_colours
from harken.reports.figures.confusion import MANY_LABELS, MEASURES, Measure, confusion_panel, measures_shown
from harken.reports.figures.curves import coverage_picture, learning_curves, test_title
from harken.reports.figures.style import UNLABELLED_COLOUR, png_bytes
from harken.reports.words import Content, write_page
from harken.support.printable import SharedNote, duration_text, percent, printable, share_notes
from harken.training.held_out_test import TESTED_ON, describe_difference
from harken.training.report import sentences
from harken.windows.windows import RandomDraws, SlidingHops

if TYPE_CHECKING:
    from harken.networks.training_loop import TrainingSettings
    from harken.training.run_outcome import Outcome

CSS_DOTS_PER_INCH = 96
STILL_READABLE = 0.62
"""The smallest scale of a picture at which its 10-point text is readable."""
MEASURES_IN_ORDER: tuple[Measure, ...] = ("percent_of_truth", "windows", "percent")
"""The first measure is shown; the others are folded."""
MOST_FILES_NAMED = 5
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
    "slow": "sampled by a slower watch ({:.0%} of windows)",
    "other_ends": "begun and ended by other movement ({:.0%} of windows)",
}
"""A field of ``Augmentation`` -> its effect on a window, with the amount."""


def write_report(path: Path, outcome: "Outcome", *, model_file: str = "model.safetensors") -> None:
    """Write the report of a run as one self-contained HTML file: it needs no network, script or font.

    Args:
        path: the file to write, whole or not at all.
        outcome: the outcome of the run.
        model_file: the name of the model's file beside the report.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    write_page(path, "training/report", _content(outcome) | {"model_file": model_file})


def _content(outcome: "Outcome") -> Content:
    """The variables of the template."""
    curve = outcome.cross_probabilities
    recordings, shared_notes = recording_cards(outcome)
    return {
        "title": "harken: " + ", ".join(dict.fromkeys(one.mended.subject for one in outcome.data.training)),
        "outcome": outcome,
        "model": outcome.specification,
        "drawn_at_random": isinstance(outcome.settings.recipe.windows, RandomDraws),
        "sentences": sentences,
        "tested_on": TESTED_ON,
        "describe_difference": describe_difference,
        "fewest_people": FEWEST_PEOPLE_FOR_AN_INTERVAL,
        "many_labels": MANY_LABELS,
        "people": _worst_first(outcome.cross_people),
        "held_out": _worst_first(outcome.held_out_people),
        "curve": curve,
        "coverage": None if curve is None else picture(coverage_picture(curve)),
        "matrices": _matrices(outcome),
        "how_bad": DEFINITION,
        "curves": _curves(outcome),
        "recordings": recordings,
        "notes": [*outcome.data.label_doubts, *sentences.missing_windows(outcome), *shared_notes],
        "training": training_facts(outcome),
    }


def _worst_first(people: PeopleScores | None) -> list[tuple[str, Scores]]:
    """The scores of each person, the lowest score first; empty without people."""
    scores = {} if people is None else people.people
    return sorted(scores.items(), key=lambda person: (person[1].macro_f1, person[0]))


def picture(figure: Figure) -> Content:
    """A picture as a data URL, its size in CSS pixels, and the smallest width at which it is readable."""
    width, height = (round(float(inches) * CSS_DOTS_PER_INCH) for inches in figure.get_size_inches())
    source = "data:image/png;base64," + base64.b64encode(png_bytes(figure)).decode()
    return {"source": source, "width": width, "height": height, "least": round(width * STILL_READABLE)}


def _matrices(outcome: "Outcome") -> list[tuple[str, Scores, list[tuple[str, Content]]]]:
    """For each test that was made: its name, its scores, and its confusion matrices with the name of their measure."""
    return [
        (
            test_title(name),
            scores,
            [
                (MEASURES[measure], picture(confusion_panel(scores, measure)))
                for measure in MEASURES_IN_ORDER
                if measure in measures_shown(len(scores.label_names))
            ],
        )
        for name, scores in reversed(outcome.tests.items())
    ]


def _curves(outcome: "Outcome") -> list[tuple[str, Content]]:
    histories = (
        ("The model", outcome.history),
        ("The second model, of the honest same-person test", outcome.blocked_history),
    )
    batch = outcome.training.batch_windows
    return [
        (title, picture(learning_curves(history, batch_windows=batch)))
        for title, history in histories
        if history is not None and history.train_loss
    ]


def recording_cards(outcome: "Outcome") -> tuple[list[Content], list[str]]:
    """A card for each recording, training recordings first; and the notes that several recordings share.

    A card has the name of the ``file`` without its folder, its ``subject`` and ``role``, its ``facts``, its ``labels``
    with their time, colour and part of the bar in per cent, and the ``notes`` on this recording alone.
    """
    data = outcome.data
    reads = [(read, "training") for read in data.training] + [(read, "unseen") for read in data.cross]
    names = [name for read, _ in reads for name in read.mended.label_names]
    colours = label_colours([*outcome.specification.labels, *names])
    inspected = [inspect_recording(read.mended, as_found=read.as_found) for read, _ in reads]
    shared = share_notes([(*facts.warnings, *facts.notes) for facts in inspected])
    cards = [
        {
            "file": printable(read.short_name),
            "subject": facts.subject,
            "role": role,
            "facts": _recording_facts(facts),
            "labels": _label_shares(facts, colours),
            "notes": [note.text for note in shared if note.recordings == (position,)],
        }
        for position, ((read, role), facts) in enumerate(zip(reads, inspected, strict=True))
    ]
    files = [printable(read.short_name) for read, _ in reads]
    return cards, [_of_several(note, files) for note in shared if len(note.recordings) > 1]


def _of_several(note: SharedNote, files: Sequence[str]) -> str:
    count = len(note.recordings)
    if count == len(files):
        return f"{'Both' if count == 2 else f'All {count}'} recordings: {note.text}"
    names = f" ({', '.join(files[at] for at in note.recordings)})" if count <= MOST_FILES_NAMED else ""
    return f"{count} of {len(files)} recordings{names}: {note.text}"


def _recording_facts(inspection: Inspection) -> dict[str, str]:
    dropped = ", ".join(f"{count:,} ({reason})" for reason, count in inspection.dropped.items() if count)
    limit = f", sensor range ±{inspection.sensor_range_g:g} g" if inspection.sensor_range_g else ""
    gaps = f", {duration_text(inspection.gaps.total_s)} in all" if inspection.gaps.count else ""
    facts = {
        "Rows": f"{inspection.rows:,}",
        "Rate": f"{inspection.sample_rate_hz:.2f} samples per second",
        "Span": duration_text(inspection.span_s),
        "Unlabelled": f"{percent(inspection.unlabelled.share)} of the rows",
        "Gaps": f"{inspection.gaps.count:,}{gaps}",
        "Rows dropped": dropped or "0",
        "Out of range": f"{inspection.out_of_range:,}{limit}",
        "Missing values": f"{inspection.missing:,}",
        "Sensor stuck": f"{inspection.stuck:,}",
    }
    # The file of labels, without its folder, unless the labels are those in the recording's own file.
    return facts | ({"Labels": printable(Path(inspection.label_source).name)} if inspection.label_source else {})


def _label_shares(found: Inspection, colours: Mapping[str, str]) -> list[tuple[str, str, float, str]]:
    """The name, the time, the part of the bar in per cent, and the colour of each label in a recording."""
    times = [(name, labelled.total_s, colours[name]) for name, labelled in found.labels.items()]
    times.append(("no label", found.unlabelled.total_s, UNLABELLED_COLOUR))
    everything = sum(time for _, time, _ in times) or 1.0
    return [
        (name, duration_text(time), round(time / everything * 100, 2), colour) for name, time, colour in times if time
    ]


def training_facts(outcome: "Outcome") -> dict[str, str]:
    """Facts about the training: its settings and its environment."""
    specification, training = outcome.specification, outcome.training
    sizes = ", ".join(f"{name} {value}" for name, value in specification.sizes.items())
    rate = f"{specification.sample_rate_hz:.4g} samples per second"
    done = "" if outcome.finished else f"{outcome.iterations_done:,} of "
    windows = outcome.settings.recipe.windows
    software = [f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn")]
    return {
        "Recipe": specification.preset,
        "Activities": ", ".join(specification.labels),
        "Signals": f"{', '.join(specification.channels)} at {rate}",
        "Window": f"{specification.window_length} samples, {specification.window_length_s:.3g} s",
        "Windows taken": f"one every {windows.hop_s:g} s"
        if isinstance(windows, SlidingHops)
        else f"{windows.windows:,} drawn at random",
        "Network": f"{specification.network} ({sizes})",
        "Parameters": f"{outcome.parameters:,}",
        "Training windows": f"{outcome.training_windows:,}",
        "Epochs": _epochs(outcome),
        "Batch": f"{training.batch_windows:,} windows" + (", in a new order each epoch" if training.shuffle else ""),
        "Iterations": f"{done}{outcome.iterations:,}",
        **_optimiser_facts(training),
        "Seed": f"{training.seed}",
        "Temperature": f"{specification.temperature:.3g}, {TEMPERATURE[specification.calibrated_on]}",
        "Computed on": outcome.settings.device,
        "Software": ", ".join([f"harken {__version__}", f"Python {platform.python_version()}", *software]),
    }


def _epochs(outcome: "Outcome") -> str:
    training = outcome.training
    if outcome.iterations > training.epochs * outcome.training_windows // training.batch_windows:
        return f"{training.epochs:,}, and more to make {training.min_iterations:,} iterations"
    return f"{training.epochs:,}"


def _optimiser_facts(training: "TrainingSettings") -> dict[str, str]:
    cycle = " at most: it rises and then falls to 0 in one cycle" if training.one_cycle else ""
    decay = training.weight_decay if training.optimiser != "notebook_adam" else 0
    amounts = {name: getattr(training.augmentation, name) for name in LIKE_ANOTHER}
    changes = [LIKE_ANOTHER[name].format(amount).replace("%", " %") for name, amount in amounts.items() if amount]
    facts = {
        "Optimiser": OPTIMISERS[training.optimiser],
        "Learning rate": f"{training.learning_rate:g}{cycle}",
        "Weight decay": f"{decay:g}" if decay else "",
        "L2 penalty": f"{training.l2:g}" if training.l2 else "",
        "Label smoothing": percent(training.label_smoothing) if training.label_smoothing else "",
        "Changed at random": ", ".join(changes),
    }
    return {name: value for name, value in facts.items() if value}
