"""The command line of a function, made from the options that are declared at its parameters and in settings classes;
and the options that several commands share."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from harken.support.options import (
    REQUIRED,
    Argument,
    DeclaredOption,
    Option,
    declared,
    options_of,
    settings_class,
)

CONTEXT = "context"
"""The parameter by which typer passes what was typed."""
FLAG = ""
"""The metavar of an option without a value. Otherwise the help would show ``<bool>``."""

FilesOrFolders = Annotated[
    list[str],
    Argument(
        "Recordings, and folders of them: research watches' own files, loggers' exports, CSV and Parquet.",
        metavar="FILE|FOLDER",
    ),
]
IgnoreLabels = Annotated[
    tuple[str, ...],
    Option("Leave out windows of this label; may be given again.", flag="--ignore-label", metavar="NAME"),
]
OnlyLabels = Annotated[
    tuple[str, ...],
    Option(
        "Score only windows of these labels, such as walking,running; may be given again.",
        flag="--only-labels",
        metavar="NAME,NAME",
        read=lambda typed: tuple(name.strip() for names in typed for name in names.split(",")),
    ),
]
Json = Annotated[bool, Option("Print JSON for a program instead of a table for a person.")]
Model = Annotated[
    Path,
    Argument(
        "A model file (.safetensors), a run directory, or 'packaged' (the packaged model).",
        metavar="MODEL",
    ),
]
ModelOrPackaged = Annotated[
    Path | None,
    Option("A model file (.safetensors), or a run directory. [default: the packaged model]", metavar="MODEL"),
]

OpenPage = Annotated[bool, Option("Open the page in a browser.", flag="--open/--no-open")]


class Given(frozenset[str]):
    """The names of the options that were typed. A command with a parameter of this type receives them."""


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a parameter of typer for each option.

    A parameter of the command that has a settings class as its type stands for the options of all its fields, and
    receives the settings (see ``harken.support.options.settings_class``).
    """
    own = inspect.signature(command).parameters.values()
    typed: list[inspect.Parameter] = []
    for option in options_of(command):
        names = [parameter.name for parameter in typed]
        place = names.index(option.option.after) + 1 if option.option.after else len(typed)
        typed.insert(place, _parameter(option))

    takes_given = [parameter.name for parameter in own if parameter.annotation is Given]
    if takes_given:
        typed.append(inspect.Parameter(CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        of_command = {
            parameter.name: _value(parameter, values) for parameter in own if parameter.name not in takes_given
        }
        for name in takes_given:
            of_command[name] = _find_given(values[CONTEXT])
        command(**of_command)

    wrapped.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in typed}
    return wrapped


def _find_given(context: typer.Context) -> Given:
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return Given(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


def _parameter(declaration: DeclaredOption) -> inspect.Parameter:
    """The parameter of typer for an option."""
    option, kind, default = declaration.option, declaration.option.kind or declaration.kind, declaration.default
    if get_origin(kind) is tuple:
        kind = list[get_args(kind)[0]]  # type: ignore[misc]
    facts: dict[str, Any] = {
        "help": option.help,
        "metavar": FLAG if kind is bool else option.metavar,
        "min": option.least,
        "max": option.most,
        "rich_help_panel": option.panel,
    }
    of_typer = typer.Argument(**facts) if isinstance(option, Argument) else typer.Option(declaration.flag, **facts)
    if option.off is not None:
        default = False
    elif default is not REQUIRED:
        default = option.typed or (None if default == () else default)
    return inspect.Parameter(
        declaration.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, of_typer]
    )


def _value(parameter: inspect.Parameter, values: Mapping[str, Any]) -> Any:
    """The value of a parameter from what was typed."""
    declaration = declared(parameter.name, parameter.annotation, parameter.default)
    if declaration is None:
        settings, inner = settings_class(parameter.annotation)
        return settings(**{each.name: _value(each, values) for each in inner if _has_options(each)})
    typed = values[parameter.name]
    if declaration.option.off is not None:
        return not typed
    if typed is None:
        return parameter.default
    if declaration.option.read is not None:
        return declaration.option.read(typed)
    return tuple(typed) if get_origin(declaration.kind) is tuple else typed


def _has_options(parameter: inspect.Parameter) -> bool:
    """Whether it is not left to its default."""
    own = declared(parameter.name, parameter.annotation, parameter.default)
    return own is not None or bool(settings_class(parameter.annotation)[1])
