"""``harken``: the commands in the order in which a newcomer needs them, and the handling of their errors."""

import errno
import io
import os
import signal
import sys
from contextlib import suppress
from itertools import pairwise
from typing import Annotated

import typer

from harken import __version__
from harken.cli import (
    adapt,
    annotate,
    benchmark,
    datasets,
    demo,
    evaluate,
    export,
    inspect,
    label,
    serve,
    simulate,
    train,
)
from harken.cli.options import FLAG, HelpfulCommand, HelpfulGroup
from harken.support.errors import HarkenError
from harken.support.files import NotWrittenError
from harken.support.printable import printable

NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors of the system that occur only on writing."""
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG, errno.ESTALE)
"""Other errors of the system that are not faults in harken."""


app = typer.Typer(
    name="harken",
    cls=HelpfulGroup,
    help="Recognise what a person is doing from a wrist accelerometer, and measure how well that "
    "works on unseen people.\n\nNew here? `harken demo` takes a minute or two. For your own "
    "recordings: `harken inspect` describes them, `harken label` labels them with the model that comes with harken, "
    "`harken train` trains on some people and tests on others, and `harken evaluate` tests the model on more.",
    epilog="`harken COMMAND --help` describes a command and its options.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", cls=HelpfulCommand)(demo.demo)
app.command("inspect", cls=HelpfulCommand)(inspect.inspect)
app.command("train", cls=train.TrainCommand)(train.train)
app.command("evaluate", cls=HelpfulCommand)(evaluate.evaluate)
app.command("adapt", cls=HelpfulCommand)(adapt.adapt)
app.command("label", cls=HelpfulCommand)(label.label)
app.command("annotate", cls=HelpfulCommand)(annotate.annotate)
app.command("serve", cls=HelpfulCommand)(serve.serve)
app.command("export", cls=HelpfulCommand)(export.export)
app.command("simulate", cls=HelpfulCommand)(simulate.simulate)
app.command("benchmark", cls=HelpfulCommand)(benchmark.benchmark)
app.command("datasets", cls=HelpfulCommand)(datasets.datasets)


@app.callback(invoke_without_command=True)
def _harken(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", metavar=FLAG)] = False,
) -> None:
    if version:
        typer.echo(f"harken {__version__}")
        raise typer.Exit


def spread(arguments: list[str], option: str) -> list[str]:
    """Let an option take several values: ``--cross B C`` -> ``--cross B --cross C``, up to the next option.

    Otherwise C would be one more training recording, so that the model would be trained on unseen people. Harken must
    never make this mistake.
    """
    result: list[str] = []
    before = ""
    for argument in arguments:
        inside = before == option and not argument.startswith("-")
        if inside and result[-1] != option:
            result.append(option)
        result.append(argument)
        before = option if inside else argument
    return result


def main() -> None:
    """Run the command line. A user's mistake ends in one sentence and exit code 2, never in a traceback."""
    signal.signal(signal.SIGTERM, _end)
    # If the terminal cannot show a character, its code is printed instead of an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            _refuse_empty(sys.argv[1:])
            app(args=spread(sys.argv[1:], train.CROSS), prog_name="harken")
        finally:
            sys.stdout.flush()  # the output may go to a file on a full disk
    except HarkenError as error:
        print(f"harken: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        from harken.support.plugins import missing_extra

        command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
        missing = missing_extra(error, f"harken {command}".rstrip())
        if missing is None:
            raise
        print(f"harken: {missing}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe (such as `head`) has closed it.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if (sentence := _of_the_disk(error)) is None:
            raise
        print(f"harken: {sentence}", file=sys.stderr)
        if error.filename is None:
            _give_up_output()
        sys.exit(2)


def _end(number: int, _: object) -> None:
    """End with the exit code of a signal, as after Ctrl+C, so that temporary files are removed and processes end."""
    sys.exit(128 + number)


def _refuse_empty(arguments: list[str]) -> None:
    """Raise a HarkenError for an empty argument, which as a path would mean the current folder."""
    for before, argument in pairwise(["harken", *arguments]):
        if not argument:
            raise HarkenError(f"the argument after {before} is empty; is a variable unset?")


def _of_the_disk(error: OSError) -> str | None:
    """The system's message about a disk, as a sentence; None for errors that may be faults in harken."""
    if isinstance(error, NotWrittenError) or error.errno in NOT_WRITTEN:
        why = f"cannot write there ({error.strerror})"
    elif error.errno in NOT_ALLOWED and error.filename is not None:
        why = f"cannot read or write there ({error.strerror})"
    else:
        return None
    return printable(f"{error.filename or 'standard output'}: {why}")


def _give_up_output() -> None:
    """Drop output that is not printed yet. Otherwise Python would try again at exit and fail with a traceback."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
