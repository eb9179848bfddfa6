"""The error that harken raises for a user's mistake."""

from collections.abc import Sequence

from harken.support.printable import printable

__all__ = ["HarkenError", "raise_failures"]


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
        raise HarkenError(f"{len(failures)} of {files} files went wrong:", *failures)
