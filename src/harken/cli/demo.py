"""``harken demo``: the main job on real watch data, in about two minutes."""

from pathlib import Path
from typing import Annotated

import typer

from harken.support.options import Option
from harken.support.plugins import need_training
from harken.support.printable import printable


def demo(
    out: Annotated[Path, Option("The folder to make.", metavar="DIR")] = Path("harken-demo"),
) -> None:
    """Ten people, both wrists, seven shoulder exercises: seven people for training, three unseen people for
    testing. An interrupted demo continues when it is called again; a finished one is shown again.
    """
    need_training("harken demo")
    from harken.cli.train import run_and_print
    from harken.datasets.exercises import UNSEEN
    from harken.training.demo import demo_settings

    settings = demo_settings(out, resume=True)
    people = len({path.stem.removesuffix("_2") for path in settings.files})
    typer.echo(
        f"Real smartwatch recordings of {people + len(UNSEEN)} people doing 7 shoulder exercises "
        f"(Burns et al. 2018) are in {printable(out / 'recordings')}.\n"
        f"Learning from {people} of them, then testing on {len(UNSEEN)} unseen people. "
        "This takes a minute or two."
    )
    run_and_print(settings)
    typer.echo(
        f"\nOpen {printable(settings.out / 'report.html')} in a browser. Then try recordings of your own, with labels "
        "(docs/labels.md says how to make them):\n"
        "  harken train mine.csv --cross friend.csv --out run"
    )
