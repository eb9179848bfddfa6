"""Timelines for tests, made by hand."""

import numpy as np
from numpy.typing import ArrayLike

from harken.timelines import Timeline

SECOND = 10**9


def timeline(
    start_s: float,
    seconds: ArrayLike,
    labels: list[str],
    *,
    timezone: str = "UTC",
    activity_mg: ArrayLike | None = None,
    known: tuple[str, ...] = ("sitting", "walking"),
    probability: float = 0.9,
) -> Timeline:
    """Rows that last so long, one after the other: labels, ``gap``, ``not worn``, or ``unknown``."""
    lengths = np.round(np.asarray(seconds, dtype=np.float64) * SECOND).astype(np.int64)
    first = round(start_s * SECOND)
    probabilities = np.full((len(labels), len(known)), np.nan)
    for row, label in enumerate(labels):
        if label in (*known, "not worn"):
            probabilities[row] = (1 - probability) / (len(known) - 1)
            probabilities[row, known.index(label) if label in known else 0] = probability
    return Timeline.of(
        first + np.cumsum(lengths) - lengths,
        probabilities,
        end_ns=int(first + lengths.sum()),
        recorded=np.array([label != "gap" for label in labels]),
        labels=known,
        subject="anna",
        timezone=timezone,
        wear=np.array([label != "not worn" for label in labels]),
        activity_mg=None if activity_mg is None else np.asarray(activity_mg, dtype=np.float64),
    )
