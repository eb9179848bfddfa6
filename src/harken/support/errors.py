"""The one error that harken raises for a user's mistake."""

from harken.support.printable import printable

__all__ = ["HarkenError"]


class HarkenError(Exception):
    """Something a user can mend: the message says what was wrong, where, and what to do.

    The command line prints the message alone and exits with code 2; a program may catch it like any
    other exception. Everything that is harken's own fault is *not* a ``HarkenError`` and keeps its traceback.

    Args:
        lines: the message; further lines are indented. File names may stand in them as they are: what cannot be
            printed is escaped (``harken.support.printable``).
    """

    def __init__(self, *lines: object) -> None:
        super().__init__(*map(printable, lines))

    def __str__(self) -> str:
        return "\n  ".join(self.args)
