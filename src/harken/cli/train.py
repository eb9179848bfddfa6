"""``harken train``: a recogniser and its report from labelled recordings."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.options import with_reading_options
from harken.readers.options import TableOptions

if TYPE_CHECKING:
    from harken.runs.outcome import Outcome
    from harken.runs.settings import RunSettings

__all__ = ["run_and_tell", "train"]


@with_reading_options
def train(
    files: Annotated[
        list[Path],
        typer.Argument(help="Labelled recordings of the people to learn from.", metavar="FILE...", show_default=False),
    ],
    *,
    out: Annotated[Path, typer.Option(help="The run directory to make.", metavar="DIR", show_default=False)],
    cross: Annotated[
        list[Path] | None,
        typer.Option(
            help="Recordings of people the model never sees and never learns from: every FILE up to the next option. "
            "Put the recordings to learn from before it.",
            metavar="FILE...",
        ),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="The recipe. [default: everyday]")] = None,
    passes: Annotated[
        int | None, typer.Option(help="How often every training window is seen. [default: the recipe's]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights and dropout.")] = 0,
    device: Annotated[str, typer.Option(help="Where to compute: auto, cpu or cuda.")] = "auto",
    channels: Annotated[
        str | None, typer.Option(help="Read only these channels, such as x,y,z.", metavar="NAMES")
    ] = None,
    ignore_label: Annotated[
        list[str] | None, typer.Option(help="Treat this label as unlabelled; may be given again.", metavar="NAME")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    reading: TableOptions,
) -> None:
    """Train a recogniser on some people, test it on others, and write the report.

    Every test is made: the same person with overlapping windows (flattering), the same person honestly, and,
    with --cross, people it never met. A run may be stopped (Ctrl-C) or killed and gone on with: --resume.
    """
    from harken.presets import DEFAULT_PRESET
    from harken.runs.settings import RunSettings

    run_and_tell(
        RunSettings(
            files=tuple(files),
            cross=tuple(cross or ()),
            out=out,
            preset=preset or DEFAULT_PRESET,
            passes=passes,
            seed=seed,
            device=device,
            channels=tuple(name.strip() for name in channels.split(",")) if channels else None,
            ignore_labels=tuple(ignore_label or ()),
            reading=reading,
            resume=resume,
        )
    )


def run_and_tell(settings: "RunSettings") -> "Outcome | None":
    """Run a training with its progress on the screen, and print what it found."""
    from harken.cli.progress import TrainingScreen
    from harken.pipeline import train_run
    from harken.training import Interrupted

    with TrainingScreen() as screen, _stoppable() as should_stop:
        try:
            outcome = train_run(settings, screen, should_stop=should_stop)
        except Interrupted as stop:
            screen.says(
                f"Stopped after step {stop.step} of {stop.steps}. {settings.out} holds the model as it is now and its "
                "report; the same command with --resume goes on."
            )
            raise typer.Exit(130) from stop
    if outcome is not None:
        from harken.cli.tables import print_outcome

        print_outcome(outcome)
    return outcome


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Ctrl-C (and a polite kill) asks to stop after the step under way; the second one stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature that signal wants
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        typer.echo("Stopping after this step, then writing the report ...", err=True)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
