"""Which column of a table is what: by the user's word, else by the header's, else by the notebook's order."""

from dataclasses import dataclass
from pathlib import Path

from harken.errors import HarkenError
from harken.readers.options import TableOptions

__all__ = ["Columns", "find_columns"]

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
REQUIRED = ("time", "x", "y", "z")


@dataclass(frozen=True)
class Columns:
    """Positions (from 0) of the columns a recording is made of; None where the table has no such column."""

    x: int
    y: int
    z: int
    time: int | None = None
    accuracy: int | None = None
    label: int | None = None
    subject: int | None = None

    def used(self) -> list[int]:
        """The positions to read, each once, in the table's order."""
        every = (self.time, self.x, self.y, self.z, self.accuracy, self.label, self.subject)
        return sorted({position for position in every if position is not None})


def find_columns(path: Path, header: list[str] | None, width: int, options: TableOptions) -> Columns:
    """Find the columns of a table of ``width`` columns with (or without) a header.

    Raises:
        HarkenError: when a column that is needed is not there, is there twice, or an option names a column
            that the table does not have. The message shows the columns there are and the options that help.
    """
    there = f"its columns are {', '.join(header)}" if header else f"it has no header and {width} columns"
    said = {
        "time": options.time_column,
        "x": options.x_column,
        "y": options.y_column,
        "z": options.z_column,
        "label": options.label_column,
        "subject": options.subject_column,
    }
    found: dict[str, int] = {
        role: _position(path, word, role, header, width, there) for role, word in said.items() if word is not None
    }
    if header:
        for role, names in KNOWN_NAMES.items():
            if role not in found:
                matches = [i for i, name in enumerate(header) if _plain(name) in names and i not in found.values()]
                if len(matches) > 1:
                    named = ", ".join(header[i] for i in matches)
                    raise HarkenError(
                        f"{path}: more than one column could be {role} ({named}); choose with {_option(role)}"
                    )
                if matches:
                    found[role] = matches[0]
    elif not found and width in NOTEBOOK_ORDERS:
        found = {role: i for i, role in enumerate(NOTEBOOK_ORDERS[width])}
    elif not found:
        raise HarkenError(
            f"{path}: {there}, not the {_and(sorted(NOTEBOOK_ORDERS))} of Timestamp,X,Y,Z[,P],Label; say which is "
            "which by number, for example --time-column 1 --x-column 2 --y-column 3 --z-column 4"
        )
    needed = [role for role in REQUIRED if not (role == "time" and options.sample_rate_hz)]
    missing = [role for role in needed if role not in found]
    if missing:
        advice = ", ".join(_option(role) for role in missing)
        hint = ", or --rate HZ when there are no times" if "time" in missing else ""
        raise HarkenError(f"{path}: found no column for {_and(missing)} ({there}); say which with {advice}{hint}")
    return Columns(
        x=found["x"],
        y=found["y"],
        z=found["z"],
        time=found.get("time"),
        accuracy=found.get("accuracy"),
        label=found.get("label"),
        subject=found.get("subject"),
    )


def _position(path: Path, word: str, role: str, header: list[str] | None, width: int, there: str) -> int:
    """The position that a user's word (a name, or a number from 1) stands for."""
    if header:
        for same in (lambda name: name == word, lambda name: _plain(name) == _plain(word)):
            matches = [i for i, name in enumerate(header) if same(name)]
            if len(matches) == 1:
                return matches[0]
    if word.isascii() and word.isdigit() and 1 <= int(word) <= width:
        return int(word) - 1
    raise HarkenError(f"{path}: there is no column {word!r} for {_option(role)}; {there}")


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _option(role: str) -> str:
    return f"--{role}-column"


def _and(words: list[str] | list[int]) -> str:
    *most, last = (str(word) for word in words)
    return f"{', '.join(most)} and {last}" if most else last
