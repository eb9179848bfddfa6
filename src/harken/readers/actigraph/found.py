"""What is found in a log of an ActiGraph, of either age, before it is a recording."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harken.readers.actigraph.info import Metadata

__all__ = ["NS_PER_S", "Found", "seconds_text"]

NS_PER_S = 10**9


@dataclass
class Found:
    """What a log holds, and what it says beside ``info.txt``.

    Attributes:
        values: int16 ``[samples, 3]`` pieces, x, y, z, in steps of the sensor.
        local_ns: int64 ``[samples]``, their times by the watch's clock.
        rate_hz: samples a second.
        scale: steps of the sensor in a g.
        notes: sentences for a person.
        metadata: what the log says about the wearer and the clock.
        stated_rate_hz: what the file says of its rate; None where it says nothing.
        held: stretches of samples, ``[start, end)``, that only repeat a value.
    """

    values: list[NDArray[np.int16]]
    local_ns: NDArray[np.int64]
    rate_hz: float
    scale: float
    notes: list[str]
    metadata: Metadata = field(default_factory=Metadata)
    stated_rate_hz: float | None = None
    held: list[tuple[int, int]] = field(default_factory=list)


def seconds_text(count: float) -> str:
    """A number of seconds for a note."""
    return f"{round(float(count)):,} s"
