"""The error that harken raises for a user's mistake, and what its messages are made from."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harken.support.printable import printable

SEPARATORS = (os.sep, ", ")
"""What separates a folder from a file in it, and a file from a person in it."""


class HarkenError(Exception):
    """An error that the user can correct: the message contains what was wrong, where, and what to do.

    The command line prints only the message and exits with code 2. A program can catch it like any other exception.
    Errors in harken itself are *not* a ``HarkenError`` and keep their traceback.

    >>> import harken
    >>> harken.read("no-such.csv")
    Traceback (most recent call last):
    harken.support.errors.HarkenError: no-such.csv: there is no such file

    The message begins with the path, so ``lines`` do not name it. A table of files takes ``message_within``.

    >>> from harken.support.errors import HarkenError
    >>> error = HarkenError("the time is missing", path="week.csv", place="line 5")
    >>> str(error), error.reason
    ('week.csv, line 5: the time is missing', 'the time is missing')
    >>> error.message_within("week.csv")
    'line 5: the time is missing'

    Args:
        lines: what was wrong, and what to do; further lines are indented. They may contain any file names: characters
            that cannot be printed are escaped (``harken.support.printable``).
        path: the file, folder or recording that the error is about; None: it is about something else.
        place: where in it, such as ``line 5``.
        colon: whether a colon follows the path; False if the first line continues its sentence (``is damaged``).

    Attributes:
        path: the path as text; None as above.
        place: as above; empty for the whole file.
    """

    def __init__(self, *lines: object, path: object = None, place: str = "", colon: bool = True) -> None:
        super().__init__(*map(printable, lines))
        self.path = None if path is None else printable(path)
        self.place = printable(place)
        self._colon = colon

    def __str__(self) -> str:
        return self.name_as(self.path or "")

    @property
    def reason(self) -> str:
        """What was wrong, and what to do: the message without the path and the place."""
        return "\n  ".join(self.args)

    def is_about(self, path: str | Path) -> bool:
        """Whether it is about this file or folder, or about a file or a person in it."""
        if self.path is None:
            return False
        whole = printable(path)
        return self.path == whole or self.path.startswith(tuple(whole + separator for separator in SEPARATORS))

    def as_dict(self) -> dict[str, Any]:
        """The arguments of the constructor, which can be written as JSON."""
        return {"lines": list(self.args), "path": self.path, "place": self.place, "colon": self._colon}

    def name_as(self, name: str) -> str:
        """Return the message with another name of the file."""
        where = ", ".join(part for part in (name, self.place) if part)
        if not where:
            return self.reason
        return f"{where}: {self.reason}" if self._colon else f"{where} {self.reason}"

    def message_within(self, parent: str | Path) -> str:
        """Return the message for readers who know that it is about this file or folder.

        The path is left out, but a file in the folder, or a person in the file, is still named. An error about
        something else keeps its path.
        """
        rest = self._path_below(parent)
        return str(self) if rest is None else self.name_as(rest)

    def with_lines(self, *lines: object) -> "HarkenError":
        """Return an error about the same place with other lines."""
        return HarkenError(*lines, path=self.path, place=self.place, colon=self._colon)

    def with_name(self, name: str, *, of: str | Path) -> "HarkenError":
        """Return the error with another name for a file or folder, for readers who know it by that name.

        >>> from harken.support.errors import HarkenError
        >>> error = HarkenError("the file is empty", path="/tmp/1.csv")
        >>> str(error.with_name("anna.csv", of="/tmp/1.csv"))
        'anna.csv: the file is empty'

        An error about a file in the folder, or a person in the file, has the new name before them. An error about
        something else is returned as it is.
        """
        whole = printable(of)
        if self.path is None or not self.is_about(of):
            return self
        path = printable(name) + self.path.removeprefix(whole)
        return HarkenError(*self.args, path=path, place=self.place, colon=self._colon)

    def without_traceback(self) -> "HarkenError":
        """Return the same error without its traceback, which holds the samples that were read."""
        return self.with_lines(*self.args)

    def _path_below(self, parent: str | Path) -> str | None:
        """Return the path within ``parent``, empty for ``parent`` itself; None if it is about something else."""
        if self.path is None or not self.is_about(parent):
            return None
        below = self.path.removeprefix(printable(parent))
        for separator in SEPARATORS:
            below = below.removeprefix(separator)
        return below


def raise_failures(failures: Sequence[HarkenError], files: int) -> None:
    """Raise one error with all failures and the number of files; without failures, return."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        each = f"{len(failures)} of {files} files" if len(failures) <= files else f"{len(failures)} recordings"
        raise HarkenError(f"{each} could not be used:", *failures)


def first_difference(before: Any, now: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """The first place at which two JSON values differ, as a dotted path, and both values there; None if equal.

    A run or a benchmark is resumed only with the settings with which it began. The error names the first difference. A
    missing value is None: the committed results were made before ``averaged_share`` was a setting.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            inside = f"{where}.{key}" if where else key
            found = first_difference(before.get(key), now.get(key), inside)
            if found is not None:
                return found
        return None
    return None if before == now else (where, before, now)
