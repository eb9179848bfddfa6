"""``harken``: the commands in the order in which a newcomer needs them, and the handling of their errors."""

import errno
import inspect
import io
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from harken import __version__
from harken.cli.options import FLAG, with_options
from harken.support.errors import HarkenError
from harken.support.files import NotWrittenError
from harken.support.options import Option
from harken.support.printable import printable

COMMANDS = {
    "demo": "Train and test on real smartwatch recordings that come with an installed package, and print where the "
    "report is.",
    "inspect": "Show what is in recordings: rows, rate, gaps, ranges, labels, and what was mended.",
    "train": "Train a recogniser on some people, test it on others, and write the report.",
    "evaluate": "Score a model on labelled recordings: each person, and the mean over people with an interval.",
    "compare": "Compare two models, or two benchmarks, on the same unseen people: each person with themselves.",
    "adapt": "Adapt a model to its wearer, and keep the result unless it is clearly worse in cross-validation.",
    "label": "Label recordings from beginning to end, and print the time of each label.",
    "summarise": "Make the tables and reports of a labelled folder again by other rules, without the recordings.",
    "check": "Estimate how well the labels of a study are right, from clips that you name or a truth in files.",
    "annotate": "Label recordings by hand, on a page that shows them at any zoom.",
    "routine": "Show what a wearer does so that harken learns how this wearer lies, sits, stands and walks.",
    "serve": "Label live samples, and show them on a page.",
    "export": "Write a model as one ONNX file, with everything in it that a program in another language must know.",
    "simulate": "Write recordings of simulated wearers with known labels, for tests and examples.",
    "benchmark": "Measure a recipe on unseen people, beside baselines, by a named protocol.",
    "datasets": "List the public data sets that harken reads, describe one of them, or fetch it.",
}
"""Each command, which is a function of its name in a module of its name, with the first paragraph of its help. The
docstring of the function is the rest."""

CROSS = "--cross"
"""The option that takes several values."""

WRONG_VALUES = {
    "int_parsing": "{input!r} is not a whole number; write one in digits, such as 10.",
    "float_parsing": "{input!r} is not a number; write one such as 2.5.",
    "greater_than_equal": "{input} is too small; write {ge:g} or more.",
    "less_than_equal": "{input} is too large; write {le:g} or less.",
}
"""What is said of a value, by pydantic's name for what is wrong with it. Typer lets pydantic read all values."""

NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors of the system that occur only on writing."""
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG, errno.ESTALE)
"""Other errors of the system that are not faults in harken."""


class HelpfulCommand(TyperCommand):
    """A command whose help shows ``--help`` without a value, as ``FLAG`` does for other options. Its errors say only
    what is wrong with a value, and are helpful if ``--cross`` has also taken the training recordings."""

    def get_help_option(self, ctx: Any) -> Any:
        return _without_value(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        taken = [value for option, value in pairwise(args) if option == CROSS]
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _explain_value(error) or error.message
            if not taken or error.param is None or error.param.name != "files":
                raise
            people = " ".join(taken[:3]) + (" and so on" if len(taken) > 3 else "")
            raise HarkenError(
                "there is no recording for training: --cross takes every file up to the next option, here "
                f"{people}. Put the recordings for training before it: harken train FILE... --cross {people} "
                "--out DIR"
            ) from error


def _explain_value(error: typer.BadParameter) -> str | None:
    """Say what is wrong with the value of an option, and what to write; None for what pydantic did not find."""
    cause = error.__cause__
    if cause is None:  # an older typer, which may be without pydantic
        return None
    from pydantic import ValidationError

    if not isinstance(cause, ValidationError):
        return None
    fault = cause.errors()[0]
    facts = fault.get("ctx", {})
    if fault["type"] in WRONG_VALUES:
        return WRONG_VALUES[fault["type"]].format(input=fault["input"], **facts)
    if isinstance(facts.get("error"), ValueError):  # typer's, with a sentence
        return str(facts["error"])
    return None


class HelpfulGroup(TyperGroup):
    """The same for a group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        return _without_value(super().get_help_option(ctx))


def _without_value(option: Any) -> Any:
    if option is not None:
        option.metavar = FLAG
    return option


def command_line(used: str) -> typer.Typer:
    """The commands. Only the used one is loaded and has options; of the others the help shows the first paragraph."""
    app = typer.Typer(
        name="harken",
        cls=HelpfulGroup,
        help="Recognise what a person is doing from a wrist accelerometer, and measure how well that "
        "works on unseen people.\n\nNew here? `harken demo` takes a minute or two. For your own "
        "recordings: `harken inspect` describes them, `harken label` labels them with the packaged model, which comes "
        "with harken, `harken train` trains on some people and tests on others, and `harken evaluate` tests the model "
        "on more.",
        epilog="`harken COMMAND --help` describes a command and its options.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(with_options(_harken))
    for name, summary in COMMANDS.items():
        command, text = _harken, summary
        if name == used:
            command = getattr(import_module(f"harken.cli.{name}"), name)
            text = f"{summary}\n\n{inspect.getdoc(command)}"
        app.command(name, cls=HelpfulCommand, help=text)(with_options(command))
    return app


def _harken(*, version: Annotated[bool, Option("Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"harken {__version__}")
        raise typer.Exit


def spread(arguments: list[str]) -> list[str]:
    """Let ``--cross`` take several values: ``--cross B C`` -> ``--cross B --cross C``, up to the next option.

    Otherwise C would be one more training recording, so that the model would be trained on unseen people. Harken must
    never make this mistake.
    """
    result: list[str] = []
    before = ""
    for argument in arguments:
        inside = before == CROSS and not argument.startswith("-")
        if inside and result[-1] != CROSS:
            result.append(CROSS)
        result.append(argument)
        before = CROSS if inside else argument
    return result


def main() -> None:
    """Run the command line. A user's mistake ends in one sentence and exit code 2, never in a traceback."""
    signal.signal(signal.SIGTERM, _end)
    # If the terminal cannot show a character, its code is printed instead of an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    used = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    try:
        try:
            _refuse_empty(sys.argv[1:])
            app = command_line(used)
            app(args=spread(sys.argv[1:]), prog_name="harken")
        finally:
            sys.stdout.flush()  # the output may go to a file on a full disk
    except BrokenPipeError:
        # The reader of a pipe (such as `head`) has closed it.
        sys.stderr.close()
        sys.exit(0)
    except (HarkenError, ModuleNotFoundError, OSError) as error:
        if (sentence := _sentence(error, f"harken {used}".rstrip())) is None:
            raise
        print(f"harken: {sentence}", file=sys.stderr)
        if isinstance(error, OSError) and error.filename is None:
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


def _sentence(error: Exception, command: str) -> object | None:
    """What a user reads of an error; None for one that may be a fault in harken."""
    if isinstance(error, ModuleNotFoundError):
        from harken.support.plugins import missing_extra

        return missing_extra(error, command)
    if not isinstance(error, OSError):
        return error
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
