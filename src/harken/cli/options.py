"""Options that several commands share, so that they read the same everywhere."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from harken.annotations.options import LabelOptions
from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError

FLAG = ""
"""The metavar of an option without a value. Otherwise the help would show ``<bool>``."""

FilesOrFolders = Annotated[
    list[str],
    typer.Argument(
        help="Recordings, and folders of them: research watches' own files, loggers' exports, CSV and Parquet.",
        metavar="FILE|FOLDER",
        show_default=False,
    ),
]
ForearmAxisOption = Annotated[
    ForearmAxis | None,
    typer.Option(
        "--forearm-axis",
        help="The axis of the sensor that points along the forearm towards the elbow, so that it measures about +1 g "
        "when the arm hangs. [default: found by walking]",
        show_default=False,
    ),
]
IgnoreLabels = Annotated[
    list[str] | None,
    typer.Option("--ignore-label", help="Leave out windows of this label; may be given again.", metavar="NAME"),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON for a program instead of a table for a person.", metavar=FLAG)
]
Model = Annotated[
    Path,
    typer.Argument(
        help="A model file (.safetensors), a run directory, or 'packaged' for the model that comes with harken.",
        metavar="MODEL",
        show_default=False,
    ),
]
ModelOrPackaged = Annotated[
    Path | None,
    typer.Option(
        help="A model file (.safetensors), or a run directory. [default: the model that comes with harken]",
        metavar="MODEL",
        show_default=False,
    ),
]

NoOrientation = Annotated[
    bool,
    typer.Option(
        "--no-orientation",
        help="Do not correct the orientation of a watch, even if the model recognises walking only with "
        "another orientation.",
        metavar=FLAG,
    ),
]

_COLUMN = "NAME|N"
# The field of TableOptions: its option, type, metavar, and help text.
_READING: dict[str, tuple[str, Any, str | None, str]] = {
    "time_column": ("--time-column", str | None, _COLUMN, "The column of times, by name or by number from 1."),
    "x_column": ("--x-column", str | None, _COLUMN, "The column of x acceleration."),
    "y_column": ("--y-column", str | None, _COLUMN, "The column of y acceleration."),
    "z_column": ("--z-column", str | None, _COLUMN, "The column of z acceleration."),
    "label_column": ("--label-column", str | None, _COLUMN, "The column of labels."),
    "subject_column": ("--subject-column", str | None, _COLUMN, "The column of the wearers' names."),
    "time_unit": ("--time-unit", TimeUnit | None, None, "The unit of times that are numbers."),
    "time_format": ("--time-format", str | None, "PATTERN", "The strptime pattern of times that are text."),
    "timezone": ("--timezone", str | None, "ZONE", "The wearer's zone, such as Europe/Athens."),
    "acceleration_unit": ("--unit", AccelerationUnit | None, None, "The unit of acceleration."),
    "subject": (
        "--subject",
        str | None,
        "NAME",
        "The wearer's name; for a file of several people, the person whose rows are read.",
    ),
    "skip_rows": ("--skip-rows", int, "N", "Lines to skip at the top."),
    "sample_rate_hz": ("--rate", float | None, "HZ", "Number the rows at this rate instead of reading times."),
    "sensor_range_g": ("--sensor-range", float | None, "G", "The sensor's range in g; samples beyond it are marked."),
}


class HelpfulCommand(TyperCommand):
    """A command whose help shows ``--help`` without a value, as ``FLAG`` does for other options."""

    def get_help_option(self, ctx: Any) -> Any:
        return _without_value(super().get_help_option(ctx))


class HelpfulGroup(TyperGroup):
    """The same for a group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        return _without_value(super().get_help_option(ctx))


def _without_value(option: Any) -> Any:
    if option is not None:
        option.metavar = FLAG
    return option


Command = Callable[..., None]


def with_reading_options(command: Command) -> Command:
    """Add all options of ``TableOptions`` to a command, which receives them as one argument named ``reading``."""
    defaults = TableOptions()
    options = {
        field: (
            Annotated[
                kind,
                typer.Option(option, metavar=metavar, help=help_text, rich_help_panel="When a table is not recognised"),
            ],
            getattr(defaults, field),
        )
        for field, (option, kind, metavar, help_text) in _READING.items()
    }
    return with_options("reading", options, TableOptions)(command)


_LABELS_PANEL = "Labels that are not in the recording"
_LABELS: dict[str, tuple[Any, Any]] = {
    "labels": (
        Annotated[
            Path | None,
            typer.Option(
                "--labels",
                help="The file of labels: a table with start, end and label, or an export of Sensor Logger, Audacity, "
                "ELAN or BIDS. For several recordings it needs a column file or subject. [default: NAME.labels.csv "
                "beside each recording, or else the labels in it]",
                metavar="FILE",
                show_default=False,
                rich_help_panel=_LABELS_PANEL,
            ),
        ],
        None,
    ),
    "labels_offset": (
        Annotated[
            float,
            typer.Option(
                "--labels-offset",
                help="Seconds to add to each time in a file of labels, whose clock was so much behind.",
                metavar="SECONDS",
                rich_help_panel=_LABELS_PANEL,
            ),
        ],
        0.0,
    ),
    "trim": (
        Annotated[
            float,
            typer.Option(
                "--trim",
                help="Seconds to leave without a label at both ends of each bout.",
                metavar="SECONDS",
                rich_help_panel=_LABELS_PANEL,
            ),
        ],
        0.0,
    ),
}
_RENAME: dict[str, tuple[Any, Any]] = {
    "rename": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--rename",
                help="Another name for a label, such as laying_down=lying; may be given again.",
                metavar="OLD=NEW",
                rich_help_panel=_LABELS_PANEL,
            ),
        ],
        None,
    ),
}


def with_label_options(*, rename: bool = True) -> Callable[[Command], Command]:
    """A decorator that adds the options of ``LabelOptions`` to a command, which receives them as ``labelling``."""
    return with_options("labelling", _LABELS | (_RENAME if rename else {}), _label_options)


def _label_options(
    *, labels: Path | None, labels_offset: float, trim: float, rename: Sequence[str] | None = None
) -> LabelOptions:
    pairs = []
    for text in rename or ():
        old, equals, new = text.partition("=")
        if not equals:
            raise HarkenError(f"--rename {text}: give the old and the new name, such as laying_down=lying")
        pairs.append((old.strip(), new.strip()))
    return LabelOptions(labels, labels_offset, trim, tuple(pairs))


def with_options(
    name: str, options: Mapping[str, tuple[Any, Any]], make: Callable[..., object]
) -> Callable[[Command], Command]:
    """A decorator that adds options to a command, which receives them as one argument.

    Args:
        name: the argument.
        options: the parameters with their annotations and defaults.
        make: called with the parameters; its result is the argument.
    """

    def decorated(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**arguments: Any) -> None:
            values = {field: arguments.pop(field) for field in options}
            command(**{name: make(**values)}, **arguments)

        own = [p for p in inspect.signature(command).parameters.values() if p.name != name]
        added = [
            inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for field, (annotation, default) in options.items()
        ]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + added
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapped

    return decorated
