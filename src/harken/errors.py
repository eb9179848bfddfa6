"""The one error that harken raises for a user's mistake."""

__all__ = ["HarkenError"]


class HarkenError(Exception):
    """Something a user can mend: the message says what was wrong, where, and what to do.

    The command line prints the message alone and exits with code 2; a program may catch it like any
    other exception. Everything that is harken's own fault is *not* a ``HarkenError`` and keeps its traceback.
    """
