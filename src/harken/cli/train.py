"""``harken train``: train a recogniser on labelled recordings, and write its report."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from harken.cli.evaluate import print_people, print_scores
from harken.cli.files import grouped_notes, recordings, say
from harken.support.plugins import need_training
from harken.support.printable import duration_text, percent, printable
from harken.training.settings import RunSettings

if TYPE_CHECKING:
    from harken.models.scores import Scores
    from harken.networks.training_loop import Progress
    from harken.training.run_outcome import Outcome

FITS = {
    "model": ("the model", "This model is kept."),
    "blocked": (
        "honest test",
        "A copy that is trained without the last occasion of each person or the last part of each bout, for the honest "
        "test on the same person.",
    ),
    "held_out": (
        "people held out",
        "A copy that is trained without some of the people, to calibrate the model's probabilities.",
    ),
}
"""The short name of a fit -> its purpose."""
SHORT = {
    "same_person": "same person, overlapping",
    "cross_person": "unseen people",
    "blocked_same_person": "same person, honest",
    "last_occasion": "same person, last occasion",
    "held_out_people": "people held out",
}
SECONDS_BETWEEN_LINES = 30.0


def train(*, settings: RunSettings) -> None:
    """The tests are: the same person with overlapping windows (too good), the same person honestly, and, with
    --cross, unseen people. A table with several names in its subject column has one recording for each. If a run was
    stopped (Ctrl-C) or killed, repeat the command with --resume to continue it.
    """
    need_training("harken train")
    files, cross = (tuple(recordings(paths, out=settings.out)) for paths in (settings.files, settings.cross))
    run_and_print(replace(settings, files=files, cross=cross))


def run_and_print(settings: RunSettings) -> "Outcome | None":
    """Run a training with its progress on the screen, and print its outcome."""
    from harken.networks.training_loop import Interrupted
    from harken.training.run import train_run

    screen = TrainingScreen()
    with screen.bars, _stoppable() as should_stop:
        try:
            outcome = train_run(settings, screen, should_stop=should_stop)
        except Interrupted as stop:
            screen.show(
                f"Stopped after iteration {stop.iteration} of {stop.iterations}. {printable(settings.out)} "
                "has the current model and its report; repeat the command with --resume to continue."
            )
            raise typer.Exit(130) from stop
        except OSError:  # the disk is full, for example
            if (settings.out / "run.json").exists():
                screen.show(
                    f"{printable(settings.out)} has the state of the training; repeat the command with --resume "
                    "to continue."
                )
            raise
    if outcome is not None:
        print_outcome(outcome)
    return outcome


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Make Ctrl-C (and SIGTERM) stop after the current iteration. A second one stops at once."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature that signal needs
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        typer.echo("Stopping after this iteration, then writing the report ...", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class TrainingScreen:
    """Shows a run on the standard error: loss, accuracy, the tests, and the time left."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bars = Bars(
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._threads = 0

    def show(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        say(self.console, sentence)

    def fitting(self, fit: str, number: int, fits: int) -> "Callable[[Progress], None]":
        """Begin to show fit ``number`` of ``fits``, with its purpose."""
        name, purpose = FITS.get(fit, (fit, ""))
        which = f"Fit {number} of {fits}"
        self.show(f"{which}, {name}. {purpose}".strip())
        task = self.bars.add_task(which, total=None, state="")
        last_line = 0.0

        def show(progress: "Progress") -> None:
            nonlocal last_line
            if number == 1 and progress.threads and not self._threads:
                self._threads = progress.threads
                self.show(f"Computing with {self._threads} thread{'s' if self._threads > 1 else ''}.")
            finished = progress.iteration == progress.iterations
            if self.console.is_terminal:
                self.bars.update(task, completed=progress.iteration, total=progress.iterations, state=_state(progress))
            elif finished or time.monotonic() - last_line > SECONDS_BETWEEN_LINES:
                last_line = time.monotonic()
                left = progress.seconds_left
                until = "" if left is None or finished else f"; about {duration_text(round(left))} left of this fit"
                self.show(
                    f"{which}, {name}: iteration {progress.iteration} of {progress.iterations}: "
                    f"{_state(progress)}{until}"
                )

        return show


def _state(progress: "Progress") -> str:
    tests = "".join(f", {percent(accuracy)} {SHORT.get(name, name)}" for name, (_, accuracy) in progress.tests.items())
    when = (
        f" (tested at iteration {progress.tested_at})" if tests and 0 < progress.tested_at < progress.iteration else ""
    )
    return f"loss {progress.loss:.3f}, right {percent(progress.accuracy, decimals=0)} in training{tests}{when}"


def print_outcome(outcome: "Outcome") -> None:
    """Print the outcome of a run: the tests side by side, each unseen person, the notes, and the path of the report."""
    from harken.training.held_out_test import describe_decision
    from harken.training.report import sentences

    console = Console(highlight=False)
    rows = [
        ("same person, overlapping windows (too good)", outcome.same_person),
        ("same person, last occasion" if outcome.by_occasion else "same person, honest", outcome.blocked),
        ("unseen people", outcome.cross),
    ]
    print_scores(console, ((name + _tested(scores), scores) for name, scores in rows if scores is not None))
    if outcome.cross_people is not None and len(outcome.cross_people.people) > 1:
        print_people(console, outcome.cross_people)
    for sentence in [*_about_unseen(outcome), *filter(None, map(describe_decision, outcome.comparisons))]:
        console.print(sentence, markup=False)
    reads = outcome.data.training + outcome.data.cross
    warnings = _grouped(outcome, [one.mended.warnings for one in reads])
    for warning in [*filter(None, [sentences.one_label_sentence(outcome)]), *warnings]:
        console.print(f"warning: {warning}", style="bold", markup=False)
    notes = _grouped(outcome, [one.mended.quality.notes for one in reads])
    for note in [*notes, *sentences.missing_windows(outcome), *_list_limits(outcome)]:
        console.print(f"Note: {note}", markup=False)
    say(console, f"Report: {printable(outcome.settings.out / 'report.html')}")


def _list_limits(outcome: "Outcome") -> tuple[str, ...]:
    """List what the recordings cannot show, if the model was compared with one in use."""
    return () if outcome.settings.before is None else outcome.limits


def _about_unseen(outcome: "Outcome") -> list[str]:
    """Lines on the scores of held-out training people, on unknown scores, and on the calibration of probabilities."""
    from harken.training.report import sentences

    lines = []
    if outcome.cross is None:
        lines.append(sentences.no_unseen_people(outcome))
    if (people := outcome.held_out_people) is not None:
        lines.append(
            f"Held out: a copy trained without {sentences.held_out_people(outcome)} has an accuracy of "
            f"{percent(sentences.together(people).accuracy)} on {sentences.name_held_out_again(outcome)} "
            f"(mean of each person's macro F1: {people.mean_person_macro_f1:.3f})."
        )
    return [*lines, sentences.calibration_sentence(outcome), *filter(None, [sentences.error_sentence(outcome)])]


def _grouped(outcome: "Outcome", notes: Sequence[Sequence[str]]) -> list[str]:
    """The notes of each file. Notes that several files share are in one line."""
    reads = outcome.data.training + outcome.data.cross
    return grouped_notes(notes, [printable(read.short_name) for read in reads])


def _tested(scores: "Scores") -> str:
    """The text to add to the name of a test that has no window of some labels."""
    absent = [name for name, row in zip(scores.label_names, scores.confusion, strict=True) if not row.sum()]
    return f" (without {', '.join(absent)})" if absent else ""
