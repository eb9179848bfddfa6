"""Figures that are made but not drawn, for tests that look at no picture: drawing takes most of a small training."""

import base64
from typing import IO, Any

import pytest
from matplotlib.figure import Figure

DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")
"""A PNG of one white dot."""


def leave_undrawn(patch: pytest.MonkeyPatch | None = None) -> None:
    """From now on, each figure is written as one white dot; without ``patch``, to the end of the process."""

    def save_dot(self: Figure, file: IO[bytes], **options: Any) -> None:
        file.write(DOT)

    (patch or pytest.MonkeyPatch()).setattr(Figure, "savefig", save_dot)
