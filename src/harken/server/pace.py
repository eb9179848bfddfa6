"""How long the ticks of the server are, and how late its labels come."""

import math

__all__ = ["TICK_S", "Pace"]

TICK_S = 0.04
"""The time from one tick to the next, if the machine is fast enough."""
LATE_S = 1.0
"""Labels that wait longer than this are late."""


class Pace:
    """The length of the present tick, and the wait of the latest labels.

    Attributes:
        tick_s: the time from the last tick to the present one; ``TICK_S`` if nothing had to wait for it.
        wait_s: the longest time from the arrival of samples to their label, in the latest tick.
    """

    def __init__(self) -> None:
        self.tick_s, self.wait_s = TICK_S, 0.0
        self._began_s: float | None = None

    def begin(self, now_s: float) -> None:
        """A tick begins."""
        self.tick_s = TICK_S if self._began_s is None else max(TICK_S, now_s - self._began_s)
        self._began_s = now_s

    def rest(self) -> None:
        """No samples wait: the next tick begins when some arrive."""
        self.tick_s, self.wait_s, self._began_s = TICK_S, 0.0, None

    @property
    def late_s(self) -> int:
        """How many seconds late labels come, rounded up; 0 if they are not late."""
        return math.ceil(self.wait_s) if self.wait_s > LATE_S else 0
