"""The error that harken raises for a user's mistake, and what its messages are made from."""

from collections.abc import Sequence
from typing import Any

from harken.support.printable import printable


class HarkenError(Exception):
    """An error that the user can correct: the message contains what was wrong, where, and what to do.

    The command line prints only the message and exits with code 2. A program can catch it like any other exception.
    Errors in harken itself are *not* a ``HarkenError`` and keep their traceback.

    >>> import harken
    >>> harken.read("no-such.csv")
    Traceback (most recent call last):
    harken.support.errors.HarkenError: no-such.csv: there is no such file

    Args:
        lines: the message; further lines are indented. They may contain any file names: characters that cannot be
            printed are escaped (``harken.support.printable``).
    """

    def __init__(self, *lines: object) -> None:
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n  ".join(self.args)


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
