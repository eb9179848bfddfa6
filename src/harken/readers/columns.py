"""The roles of a table's columns: by the user's options, else by the header, else by the notebook's order."""

import re
from dataclasses import dataclass
from pathlib import Path

from harken.readers.layout import is_number
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.printable import listed

NUMERIC_ROLES = ("x", "y", "z", "accuracy")
"""The roles whose columns become signals, in this order."""

KNOWN_NAMES = {
    "time": ("timestamp", "time", "t", "datetime", "date_time", "epoch", "unix_time", "time_ns", "time_ms"),
    "x": ("x", "acc_x", "accel_x", "x_acc", "ax", "accx", "acceleration_x", "accelerometer_x"),
    "y": ("y", "acc_y", "accel_y", "y_acc", "ay", "accy", "acceleration_y", "accelerometer_y"),
    "z": ("z", "acc_z", "accel_z", "z_acc", "az", "accz", "acceleration_z", "accelerometer_z"),
    "accuracy": ("p", "accuracy"),
    "label": ("label", "activity", "class"),
    "subject": ("subject", "participant", "person", "user"),
}
NOTEBOOK_ORDERS = {
    4: ("time", "x", "y", "z"),
    5: ("time", "x", "y", "z", "label"),
    6: ("time", "x", "y", "z", "accuracy", "label"),
}
WISDM_ORDER = ("subject", "label", "time", "x", "y", "z")
"""The order in the published files of WISDM 2019: ``1600,A,90426708196641,7.091625,-0.5916671,8.195502;``"""
WISDM_CODE = re.compile(r"[A-S]", re.ASCII)
ACCURACIES = ("0", "1", "2", "3")
UNIT_BEHIND = re.compile(r"\s*[(\[](?:g|m/s2|m/s\^2|m/s²|ms|s|ns|us|µs)[)\]]$")
REQUIRED = ("time", "x", "y", "z")
TIDY_NAMES = ("session", "placement")
"""Columns with the session or the sensor of each row. A table with them contains more than one recording."""


@dataclass(frozen=True)
class Columns:
    """Positions (from 0) of the columns of a recording; None if the table has no such column.

    ``extra`` are further numeric columns, by the names of their channels; ``find_columns`` returns none. ``tidy`` are
    the names of columns that distinguish several recordings in one table; they are not read here.
    """

    x: int
    y: int
    z: int
    time: int | None = None
    accuracy: int | None = None
    label: int | None = None
    subject: int | None = None
    extra: tuple[tuple[str, int], ...] = ()
    tidy: tuple[str, ...] = ()

    def roles(self) -> dict[str, int]:
        """The position of each role that has a column, extra roles last. No two roles share a column."""
        every = {role: getattr(self, role) for role in KNOWN_NAMES}
        return {role: position for role, position in every.items() if position is not None} | dict(self.extra)

    def numeric(self) -> tuple[str, ...]:
        """The roles whose columns become signals, in the order of the channels."""
        there = self.roles()
        return (*(role for role in NUMERIC_ROLES if role in there), *(name for name, _ in self.extra))


def find_columns(path: Path, header: list[str] | None, first_row: list[str], options: TableOptions) -> Columns:
    """Find the columns of a table by its header and its first row, or by its first row alone.

    Raises:
        HarkenError: when a required column is missing or exists twice, or an option names a column that does not exist.
            The message lists the columns of the table and the options that solve the problem.
    """
    width = len(header or first_row)
    there = f"its columns are {', '.join(header)}" if header else f"it has no header and {width} columns"
    names = {
        "time": options.time_column,
        "x": options.x_column,
        "y": options.y_column,
        "z": options.z_column,
        "label": options.label_column,
        "subject": options.subject_column,
    }
    found: dict[str, int] = {
        role: _position(path, str(word), role, header, width, there) for role, word in names.items() if word is not None
    }
    for role, position in found.items():
        twice = [other for other in found if found[other] == position and other != role]
        if twice:
            raise HarkenError(f"{path}: {_option(role)} and {_option(twice[0])} name the same column; {there}")
    if header:
        found |= _by_name(path, header, first_row, found)
    elif not any(role in found for role in REQUIRED):
        found |= _by_order(path, first_row, found, there)
    needed = [role for role in REQUIRED if not (role == "time" and options.sample_rate_hz)]
    missing = [role for role in needed if role not in found]
    if missing:
        advice = ", ".join(_option(role) for role in missing)
        hint = ", or --rate HZ if there are no times" if "time" in missing else ""
        skip = "; --skip-rows N skips lines above the header" if header else ""
        raise HarkenError(f"{path}: found no column for {listed(missing)} ({there}); choose with {advice}{hint}{skip}")
    return Columns(**found, extra=(), tidy=tuple(name for name in header or () if _plain(name) in TIDY_NAMES))


def _by_name(path: Path, header: list[str], first_row: list[str], found: dict[str, int]) -> dict[str, int]:
    """Columns by their known names, for roles without an option. P must be a number."""
    named: dict[str, int] = {}
    for role, names in KNOWN_NAMES.items():
        if role in found:
            continue
        matches = [i for i, name in enumerate(header) if _plain(name) in names and i not in found.values()]
        if role == "accuracy":
            matches = [i for i in matches if i < len(first_row) and is_number(first_row[i])][:1]
        if len(matches) > 1:
            which = ", ".join(header[i] for i in matches)
            raise HarkenError(f"{path}: more than one column could be {role} ({which}); choose with {_option(role)}")
        if matches:
            named[role] = matches[0]
    return named


def _by_order(path: Path, first_row: list[str], found: dict[str, int], there: str) -> dict[str, int]:
    """Columns in the notebook's order, or in WISDM's order. The last of five columns is the label, or P if it contains
    one of P's numbers."""
    order = NOTEBOOK_ORDERS.get(len(first_row))
    if order is None:
        raise HarkenError(
            f"{path}: {there}, not the {listed(sorted(NOTEBOOK_ORDERS))} of Timestamp,X,Y,Z[,P],Label; "
            "choose the columns by number, for example --time-column 1 --x-column 2 --y-column 3 "
            "--z-column 4"
        )
    if len(order) == 6 and first_row[0].isdigit() and WISDM_CODE.fullmatch(first_row[1].strip()):
        order = WISDM_ORDER
    if len(order) == 5 and first_row[4].strip() in ACCURACIES:
        order = (*order[:4], "accuracy")
    return {role: i for i, role in enumerate(order) if role not in found and i not in found.values()}


def _position(path: Path, word: str, role: str, header: list[str] | None, width: int, there: str) -> int:
    """The position of a column that an option gives by its name or by its number from 1."""
    if header:
        for same in (lambda name: name == word, lambda name: _plain(name) == _plain(word)):
            matches = [i for i, name in enumerate(header) if same(name)]
            if len(matches) == 1:
                return matches[0]
            if matches:
                numbers = " or ".join(str(i + 1) for i in matches)
                raise HarkenError(
                    f"{path}: {len(matches)} columns are called {word!r}; choose with {_option(role)} {numbers}"
                )
    if word.isascii() and word.isdigit() and 1 <= int(word) <= width:
        return int(word) - 1
    raise HarkenError(f"{path}: there is no column {word!r} for {_option(role)}; {there}")


def _plain(name: str) -> str:
    """A name in the header in the form of the known names, without a unit; the unit is recognised from the values."""
    return UNIT_BEHIND.sub("", name.strip().lower()).replace(" ", "_")


def _option(role: str) -> str:
    return f"--{role}-column"
