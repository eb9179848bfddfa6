"""What one should know about a public data set before believing a number that comes from it."""

from dataclasses import dataclass

__all__ = ["DatasetInfo"]


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about one public data set. Each module of ``harken.datasets`` has one, named ``INFO``.

    Attributes:
        name: what harken calls it.
        title: what is in it, in one line.
        licence: under which it may be used.
        citation: what to cite where results are published.
        url: where it comes from.
        how_to_get: the command or the steps that bring it onto this machine.
        people: how many wore the watch.
        sample_rate_hz: samples per second, as its authors state it.
        labels: the activities, sorted.
        traps: whole sentences about what misleads those who do not know it.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    how_to_get: str
    people: int
    sample_rate_hz: float
    labels: tuple[str, ...]
    traps: tuple[str, ...] = ()
