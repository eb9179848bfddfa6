"""How a posted recording is read: options of ``harken label`` as parameters of a query, and their names in errors."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any

from fastapi import Query, Request

from harken.labelling.settings import LabelSettings
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.options import options_of, split_at_options
from harken.support.printable import printable
from harken.web.limits import Part, RefusedError

ReadingValues = Mapping[str, str | int | float]
"""The values of the parameters that a request has, by their names. They can be written as JSON."""
TABLE_PARAMETERS = frozenset(field.name for field in fields(TableOptions))
PAGE_NAMES = {
    "time_column": "Column of times",
    "time_unit": "Unit of times",
    "time_format": "Pattern of times",
    "x_column": "Column of x",
    "y_column": "Column of y",
    "z_column": "Column of z",
    "acceleration_unit": "Unit of acceleration",
    "gravity_sign": "Sign of z, face up",
    "sensor_range_g": "Range of the sensor in g",
    "subject": "Name of the wearer",
    "subject_column": "Column of the wearers’ names",
    "label_column": "Column of labels",
    "sample_rate_hz": "Samples per second",
    "skip_rows": "Lines to skip at the top",
    "forearm_axis": "Axis towards the elbow",
    "placement": "Where it was worn",
    "timezone": "The wearer’s time zone",
}
"""The parameters, each with the name of the keyword in Python, and what the page calls them, in the page's order."""
OPTIONS = {declared.name: declared for declared in options_of(LabelSettings) if declared.name in PAGE_NAMES}
OTHER_PARAMETERS = frozenset({"name", "key", "token"})
"""The parameters of the same query that do not say how a recording is read."""


class ReadingParameters:
    """A dependency of FastAPI: the parameters of a query that say how a recording is read."""

    def __init__(self) -> None:
        self.__signature__ = inspect.Signature(list(_make_parameters()))  # where FastAPI looks for parameters

    def __call__(self, request: Request, **values: Any) -> ReadingValues:
        """The parameters that were given. Raises ``RefusedError`` for an impossible value or an unknown parameter."""
        for name in request.query_params:
            if name not in PAGE_NAMES and name not in OTHER_PARAMETERS:
                known = ", ".join(sorted(PAGE_NAMES))
                sentence = f"there is no parameter {printable(name)}; choose from {known}"
                raise RefusedError(422, sentence, reason="recording")
        given = {name: value for name, value in values.items() if value is not None}
        try:
            make_settings(given)
        except HarkenError as error:
            raise refuse_recording(str(error)) from error
        return given


def _make_parameters() -> Iterator[inspect.Parameter]:
    yield inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    for name, label in PAGE_NAMES.items():
        kind: Any = Annotated[OPTIONS[name].kind | None, Query(title=label, description=OPTIONS[name].option.help)]
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def make_settings(given: ReadingValues) -> LabelSettings:
    """The settings for labelling a recording with these parameters. Raises ``HarkenError`` for an impossible value."""
    of_tables: dict[str, Any] = {name: value for name, value in given.items() if name in TABLE_PARAMETERS}
    of_watches: dict[str, Any] = {name: value for name, value in given.items() if name not in TABLE_PARAMETERS}
    return LabelSettings(csv=True, reading=TableOptions(**of_tables), **of_watches)


def refuse_recording(sentence: str) -> RefusedError:
    """The refusal of a recording for the reason in a sentence, which names options by their flags."""
    parts: list[Part] = []
    for part in split_at_options(sentence, OPTIONS.values()):
        parts.append(part if isinstance(part, str) else {"parameter": part.name})
    names_any = any(isinstance(part, dict) for part in parts)
    return RefusedError(422, name_parameters(sentence), reason="recording", parts=parts if names_any else None)


def name_parameters(sentence: str) -> str:
    """A sentence with the parameters of the query in place of flags: `sample_rate_hz=HZ` for ``--rate HZ``."""
    words = []
    for part in split_at_options(sentence, OPTIONS.values()):
        if isinstance(part, str):
            words.append(part)
        elif part.metavar:
            words.append(f"`{part.name}={part.metavar}`")
        else:
            words.append(f"`{part.name}`")
    return "".join(words)


def page_names_by_flag() -> dict[str, str]:
    """What the page calls each option, by its flag."""
    return {OPTIONS[name].flag: f"“{label}”" for name, label in PAGE_NAMES.items()}
