"""What to type when something that harken does not bring by itself is missing."""

import sys

__all__ = ["install_command"]


def install_command(*what: str) -> str:
    """The command that installs these into the very Python that runs: another ``pip`` may be another environment's.

    Args:
        what: options and packages as pip takes them; an extra of harken is ``harken[NAME]``.
    """
    # The brackets of an extra mean something to a shell.
    return " ".join([sys.executable, "-m", "pip", "install", *(f'"{one}"' if "[" in one else one for one in what)])
