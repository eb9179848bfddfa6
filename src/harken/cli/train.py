"""``harken train``: train a recogniser on labelled recordings, and write its report."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import typer

from harken.cli.files import recordings
from harken.support.plugins import need_training
from harken.support.printable import printable
from harken.training.settings import RunSettings

if TYPE_CHECKING:
    from harken.training.outcome import Outcome


def train(*, settings: RunSettings) -> None:
    """The tests are: the same person with overlapping windows (flattering), the same person honestly, and, with
    --cross, unseen people. A table with several names in its subject column has one recording for each. If a run was
    stopped (Ctrl-C) or killed, repeat the command with --resume to continue it.
    """
    need_training("harken train")
    files, cross = (tuple(recordings(paths, out=settings.out)) for paths in (settings.files, settings.cross))
    run_and_print(replace(settings, files=files, cross=cross))


def run_and_print(settings: RunSettings) -> "Outcome | None":
    """Run a training with its progress on the screen, and print its outcome."""
    from harken.cli.progress import TrainingScreen
    from harken.training.loop import Interrupted
    from harken.training.run import train_run

    with TrainingScreen() as screen, _stoppable() as should_stop:
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
        from harken.cli.tables import print_outcome

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
