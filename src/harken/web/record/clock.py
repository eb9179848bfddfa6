"""The clock of a watch beside the server's: the time of the samples at the moment when somebody presses a button.

Samples have the times of the clock of the watch or phone, which may differ from the server's by minutes. A label lies
on the clock of the samples. The difference of the two clocks is known from each message only up to the message's delay:
the time of its newest sample minus the time when it came is the difference less the delay. The largest of the latest
messages is therefore nearest to the difference. It is the estimate of the clock filter of NTP (RFC 5905, section 10),
with messages in one direction only, so that the smallest delay of the latest minutes remains in it.
"""

BUCKET_S = 300.0
"""The largest difference of the last five to ten minutes counts. A clock that is set forward counts at once, one that
is set back after this time. In ten minutes two quartz clocks drift apart by less than 0.1 s."""
UNKNOWN = -(1 << 62)


class WatchClock:
    """Estimates what the clock of a watch shows.

    >>> from harken.web.record.clock import WatchClock
    >>> clock = WatchClock()
    >>> clock.add(last_ns=300_000_000_000, arrived_s=10.2)  # its clock is 5 minutes off, less 10 s; 0.2 s on the way
    >>> clock.add(last_ns=301_000_000_000, arrived_s=14.0)  # 3 s on the way
    >>> clock.now_ns(15.0) / 1e9
    304.8
    """

    __slots__ = ("_ahead_ns", "_before_ns", "_since_s")

    def __init__(self) -> None:
        self._ahead_ns = self._before_ns = UNKNOWN
        self._since_s = -float("inf")

    def add(self, last_ns: int, arrived_s: float) -> None:
        """A message has come.

        Args:
            last_ns: the time of its newest sample, by the clock of the watch.
            arrived_s: when it came, by a clock of the server that is never set (``time.monotonic``).
        """
        ahead_ns = last_ns - int(arrived_s * 1e9)
        age_s = arrived_s - self._since_s
        if age_s > BUCKET_S:
            self._before_ns = self._ahead_ns if age_s < 2 * BUCKET_S else UNKNOWN
            self._ahead_ns, self._since_s = ahead_ns, arrived_s
        elif ahead_ns > self._ahead_ns:
            self._ahead_ns = ahead_ns

    @property
    def known(self) -> bool:
        """Whether a message has come."""
        return self._ahead_ns != UNKNOWN

    def now_ns(self, now_s: float) -> int:
        """What the clock of the watch shows at ``now_s`` of the server's clock, ns since 1970."""
        return max(self._ahead_ns, self._before_ns) + int(now_s * 1e9)
