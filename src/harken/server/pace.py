"""How long the ticks of the server take, and how late its labels come."""

import math
from collections.abc import Sequence

TICK_S = 0.04
"""The time from one tick to the next, if the machine is fast enough."""
LATE_S = 1.0
"""Labels that wait longer than this are late."""


class Pace:
    """The time of the latest tick, and the wait of its labels.

    Attributes:
        tick_s: from the beginning of the latest tick with windows until their labels were sent.
        wait_s: the longest time from the arrival of samples to their label, in the latest tick.
    """

    def __init__(self) -> None:
        self.tick_s = self.wait_s = 0.0

    def labelled(self, tick_s: float, waits_s: Sequence[float]) -> None:
        """A tick took so long, and the samples of its watches waited so long for their labels."""
        self.tick_s, self.wait_s = tick_s, max(waits_s, default=0.0)

    def rest(self) -> None:
        """No samples wait."""
        self.tick_s = self.wait_s = 0.0

    @property
    def late_s(self) -> int:
        """How many seconds late labels come, rounded up to 5 s above 5 s; 0 if they are not late."""
        if self.wait_s <= LATE_S:
            return 0
        step_s = 1 if self.wait_s <= 5 else 5
        return step_s * math.ceil(self.wait_s / step_s)
