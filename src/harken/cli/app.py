"""``harken``: the commands in the order a newcomer meets them, and what happens to their errors."""

import sys
from typing import Annotated

import typer

from harken import __version__
from harken.cli import inspect, simulate
from harken.errors import HarkenError

__all__ = ["app", "main"]

app = typer.Typer(
    name="harken",
    help="Recognise what a person is doing from a wrist accelerometer, and say honestly how well.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("inspect")(inspect.inspect)
app.command("simulate")(simulate.simulate)


@app.callback(invoke_without_command=True)
def _harken(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"harken {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line. A user's mistake ends in one sentence and exit code 2, never in a traceback."""
    try:
        app()
    except HarkenError as error:
        print(f"harken: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (such as `head`) has what it wanted.
        sys.stderr.close()
        sys.exit(0)
