"""Waiting in a test for what another thread, process or page does: asked again and again, up to a longest time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(holds: Callable[[], Found], seconds: float = 30.0) -> Found:
    """Wait until ``holds()`` is true, and return what it gave then; the test fails if it is not true in this time."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"it never came to hold: {found!r} after {seconds:g} s"
        time.sleep(0.03)
    return found
