"""The made-up phone of ``examples/made_up_phone.py``, pushing in a thread of the test."""

import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXAMPLE = Path(__file__).parents[2] / "examples" / "made_up_phone.py"


@cache
def example() -> Any:
    """What the example defines."""
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE)))


@cache
def moving(activity: str, rate_hz: float = 50.0) -> NDArray[np.float64]:
    """The movement of a simulated wearer in an activity, ``[n, 3]`` in g."""
    movement: NDArray[np.float64] = example().simulated_movement(activity, rate_hz)
    return movement


@contextmanager
def pushing(url: str, activity: str = "walking", *, every_s: float = 0.2, **options: Any) -> Iterator[Any]:
    """A phone that pushes to this address until the block ends; it never raises in its thread."""
    phone = example().MadeUpPhone(url, **options)
    phone.play(moving(activity, phone.rate_hz))
    thread = threading.Thread(target=phone.run, args=(float("inf"),), kwargs={"every_s": every_s}, daemon=True)
    thread.start()
    try:
        yield phone
    finally:
        phone.stop()
        thread.join(20)
