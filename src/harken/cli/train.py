"""``harken train``: train a recogniser on labelled recordings, and write its report."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.annotations.options import LabelOptions
from harken.cli.options import FLAG, HelpfulCommand, with_label_options, with_reading_options
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.plugins import need_training
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.training.run import Outcome
    from harken.training.settings import RunSettings

CROSS = "--cross"


class TrainCommand(HelpfulCommand):
    """``harken train``, with a helpful error if ``--cross`` has also taken the training recordings."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        taken = [value for option, value in pairwise(args) if option == CROSS]
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if not taken or error.param is None or error.param.name != "files":
                raise
            people = " ".join(taken[:3]) + (" and so on" if len(taken) > 3 else "")
            raise HarkenError(
                "there is no recording for training: --cross takes every file up to the next option, here "
                f"{people}. Put the recordings for training before it: harken train FILE... --cross {people} "
                "--out DIR"
            ) from error


Files = Annotated[
    list[Path],
    typer.Argument(
        help="Labelled recordings of the people to train on, or folders of them.",
        metavar="FILE",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="The run directory to make.", metavar="DIR", show_default=False)]
Cross = Annotated[
    list[Path] | None,
    typer.Option(
        CROSS,
        help="Recordings of unseen people to test the model on, or folders of them: every FILE up to the "
        "next option. Put the recordings for training before it: harken train a.csv b.csv --cross "
        "c.csv d.csv --out DIR.",
        metavar="FILE...",
    ),
]
CrossLabels = Annotated[
    Path | None,
    typer.Option(
        "--cross-labels",
        help="The file of labels of the --cross recordings; see --labels.",
        metavar="FILE",
        show_default=False,
        rich_help_panel="Labels that are not in the recording",
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="The recipe: everyday, deep_conv_lstm or notebook. An installed package may add others. "
        "[default: everyday]",
        metavar="NAME",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        help="The epochs: how often training goes through all windows. 2 are enough for a quick look. "
        "[default: the recipe's]",
        metavar="N",
    ),
]
Seed = Annotated[
    int, typer.Option(help="The seed of all random numbers; another seed gives another model.", metavar="N")
]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu or cuda.", metavar="NAME")]
Threads = Annotated[
    int | None,
    typer.Option(
        help="Threads of the processor to compute with. Runs with the same number give the same bytes. [default: "
        "the fastest number, measured before the first iteration]",
        metavar="N",
        min=1,
        max=1024,
        show_default=False,
    ),
]
Channels = Annotated[str | None, typer.Option(help="Read only these channels, such as x,y,z.", metavar="NAMES")]
IgnoreLabels = Annotated[
    list[str] | None,
    typer.Option("--ignore-label", help="Treat this label as unlabelled; may be given again.", metavar="NAME"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --out.", metavar=FLAG)]


@with_reading_options
@with_label_options()
def train(
    files: Files,
    *,
    out: Out,
    cross: Cross = None,
    preset: PresetName = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    channels: Channels = None,
    ignore_label: IgnoreLabels = None,
    resume: Resume = False,
    cross_labels: CrossLabels = None,
    labelling: LabelOptions,
    reading: TableOptions,
) -> None:
    """Train a recogniser on some people, test it on others, and write the report.

    The tests are: the same person with overlapping windows (flattering), the same person honestly, and, with --cross,
    unseen people. A table with several names in its subject column has one recording for each. If a run was stopped
    (Ctrl-C) or killed, repeat the command with --resume to continue it.
    """
    need_training("harken train")
    from harken.cli.files import recordings
    from harken.networks.specification import DEFAULT_PRESET
    from harken.training.settings import RunSettings

    run_and_print(
        RunSettings(
            files=tuple(recordings(files, out=out)),
            cross=tuple(recordings(cross or (), out=out)),
            out=out,
            preset=preset or DEFAULT_PRESET,
            epochs=epochs,
            seed=seed,
            device=device,
            channels=tuple(name.strip() for name in channels.split(",")) if channels else None,
            ignore_labels=tuple(ignore_label or ()),
            reading=reading,
            labels=labelling,
            cross_labels=cross_labels,
            threads=threads,
            resume=resume,
        )
    )


def run_and_print(settings: "RunSettings") -> "Outcome | None":
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
