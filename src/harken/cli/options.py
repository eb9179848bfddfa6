"""The command line of a function, made from the options that are declared at its parameters and in settings classes;
and the options that several commands share."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from harken.support.options import Argument, DeclaredOption, Option, declared

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
Json = Annotated[bool, Option("Print JSON for a program instead of a table for a person.")]
Model = Annotated[
    Path,
    Argument(
        "A model file (.safetensors), a run directory, or 'packaged' for the model that comes with harken.",
        metavar="MODEL",
    ),
]
ModelOrPackaged = Annotated[
    Path | None,
    Option(
        "A model file (.safetensors), or a run directory. [default: the model that comes with harken]", metavar="MODEL"
    ),
]

OpenPage = Annotated[bool, Option("Open the page in a browser.", flag="--open/--no-open")]

REQUIRED = inspect.Parameter.empty
"""The default of an option that must be given."""


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a parameter of typer for each option.

    A parameter of the command either declares an option, or has a settings class as its type: then it gets the options
    of all fields, also of settings in settings, and receives the settings. If the type is ``Annotated`` with the names
    of fields, these get no option.
    """
    own = inspect.signature(command).parameters.values()
    typed: list[inspect.Parameter] = []
    for option, default in (pair for one in own for pair in _options(one.name, one.annotation, one.default)):
        names = [parameter.name for parameter in typed]
        place = names.index(option.option.after) + 1 if option.option.after else len(typed)
        typed.insert(place, _parameter(option, default))

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        command(**{one.name: _value(one.name, one.annotation, one.default, values) for one in own})

    wrapped.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in typed}
    return wrapped


def _options(name: str, annotation: Any, default: Any) -> Iterator[tuple[DeclaredOption, Any]]:
    """The options of a parameter or field, with their defaults."""
    option = declared(name, annotation)
    if option is not None:
        yield option, default
    for field in _fields(annotation):
        yield from _options(field.name, field.type, _default(field))


def _fields(annotation: Any) -> "list[Field[Any]]":
    """The fields of a settings class that are not left out; none for other types."""
    settings, *left_out = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    return [field for field in fields(settings) if field.name not in left_out] if is_dataclass(settings) else []


def _default(field: "Field[Any]") -> Any:
    return REQUIRED if field.default is MISSING else field.default


def _parameter(declaration: DeclaredOption, default: Any) -> inspect.Parameter:
    """The parameter of typer for an option."""
    option, kind = declaration.option, declaration.option.kind or declaration.kind
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


def _value(name: str, annotation: Any, default: Any, values: Mapping[str, Any]) -> Any:
    """The value of a parameter or field from what was typed."""
    declaration = declared(name, annotation)
    if declaration is None:
        settings = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
        chosen = [field for field in _fields(annotation) if any(_options(field.name, field.type, None))]
        return settings(**{field.name: _value(field.name, field.type, _default(field), values) for field in chosen})
    typed = values[name]
    if declaration.option.off is not None:
        return not typed
    if typed is None:
        return default
    if declaration.option.read is not None:
        return declaration.option.read(typed)
    return tuple(typed) if get_origin(declaration.kind) is tuple else typed
