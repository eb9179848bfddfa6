"""The one error that harken raises for a user's mistake."""

from collections.abc import Sequence

from harken.support.printable import printable

__all__ = ["HarkenError", "raise_failures"]


class HarkenError(Exception):
    """Something a user can mend: the message says what was wrong, where, and what to do.

    The command line prints the message alone and exits with code 2; a program may catch it like any
    other exception. Everything that is harken's own fault is *not* a ``HarkenError`` and keeps its traceback.

    >>> import harken
    >>> harken.read("no-such.csv")
    Traceback (most recent call last):
    harken.support.errors.HarkenError: no-such.csv: there is no such file

    Args:
        lines: the message; further lines are indented. File names may stand in them as they are: what cannot be
            printed is escaped (``harken.support.printable``).
    """

    def __init__(self, *lines: object) -> None:
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n  ".join(self.args)


def raise_failures(failures: Sequence[HarkenError], files: int) -> None:
    """Raise one error that holds all of them and says of how many files; do nothing when there are none."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise HarkenError(f"{len(failures)} of {files} files went wrong:", *failures)
