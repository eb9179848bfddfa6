"""The moments of a recording at which a label would teach the model most.

These are moments of which the model cannot say which of two labels is right: the difference between the two largest
probabilities, its *margin*, is small. Margin sampling is by Scheffer, Decomain and Wrobel (Advances in Intelligent Data
Analysis, 2001), and section 3.1 of Settles (Active Learning Literature Survey, Technical Report 1648, University of
Wisconsin-Madison, 2009) compares it with entropy and least confidence. The margin is preferred here because a person
who answers decides between two labels, both of which are shown.

Two things differ from the literature. The probabilities are first averaged over half a minute, because single rows are
unsure at each change of activity, where a label says nothing about the activities themselves. And the recording is cut
into equal parts of time, of which each gives its least sure moment: the least sure moments of all are often neighbours
that show the same. Of two that overlap at the edge of two parts, the less sure one is kept.
"""

from typing import Any

import numpy as np

from harken.annotations.bouts import Intervals
from harken.support.arrays import BoolArray, Int64Array
from harken.web.annotate.suggestions import MS_NS, Suggestions

MOMENT_S = 30.0
"""The length of a moment: long enough for a person to see what was done."""
PARTS = 50
"""At most so many moments of a recording."""
LARGEST_MARGIN = 0.5
"""With a larger margin, the most probable label is more than twice as probable as any other."""
Moment = dict[str, Any]
"""A time of which the model is not sure: ``start_ms`` and ``end_ms`` since 1970, ``label`` and ``other``, the two most
probable labels, and ``probability`` and ``other_probability``, their means."""


def next_unsure(suggestions: Suggestions, labelled: Intervals, *, after_ms: int | None) -> Moment | None:
    """The first moment that begins after ``after_ms``, else the first one of all; without ``after_ms``, that of which
    the model is least sure. None if there is none."""
    moments = unsure_moments(suggestions, labelled)
    if after_ms is None:
        return min(moments, key=lambda each: each["probability"] - each["other_probability"], default=None)
    return next((each for each in moments if each["start_ms"] > after_ms), moments[0] if moments else None)


def unsure_moments(suggestions: Suggestions, labelled: Intervals) -> list[Moment]:
    """The least sure moment in each part of a recording, in order, as the answer to ``GET unsure``.

    Args:
        suggestions: what the model says.
        labelled: the labels there are; moments lie outside them, and outside gaps and non-wear.
    """
    start_ns = suggestions.start_ns
    if len(suggestions.labels) < 2 or len(start_ns) < 2:
        return []
    known = (suggestions.code >= 0) & ~np.isnan(suggestions.probability).any(axis=1) & ~_covered(start_ns, labelled)
    rows = round(MOMENT_S * 1e9 / max(float(np.median(np.diff(start_ns)[known])), 1.0)) if known.any() else 0
    rows = max(1, rows)
    first = _runs_of(known, rows)
    if len(first) == 0:
        return []
    summed = np.zeros((len(known) + 1, len(suggestions.labels)))
    np.cumsum(np.nan_to_num(suggestions.probability, nan=0.0), axis=0, dtype=np.float64, out=summed[1:])
    mean = (summed[first + rows] - summed[first]) / rows
    two = np.argpartition(mean, -2, axis=1)[:, -2:]
    values = np.take_along_axis(mean, two, axis=1)
    margin = np.abs(values[:, 1] - values[:, 0])
    length_ns = int(start_ns[-1] - start_ns[0])
    parts = int(np.clip(length_ns / (2 * MOMENT_S * 1e9), 1, PARTS))
    part = np.minimum((start_ns[first] - start_ns[0]) // max(1, length_ns // parts), parts - 1)
    order = np.lexsort((margin, part))
    least = order[np.flatnonzero(np.diff(part[order], prepend=-1))]
    overlapping = np.diff(first[least]) < rows
    before, after = margin[least][:-1], margin[least][1:]
    kept = margin[least] <= LARGEST_MARGIN
    kept[1:] &= ~overlapping | (after < before)
    kept[:-1] &= ~overlapping | (before <= after)
    order = np.argsort(-values, axis=1, kind="stable")
    labels = np.take_along_axis(two, order, axis=1)
    probability = np.take_along_axis(values, order, axis=1)
    return [
        {
            "start_ms": int(start_ns[first[each]]) // MS_NS,
            "end_ms": int(start_ns[first[each] + rows]) // MS_NS,
            "label": suggestions.labels[labels[each, 0]],
            "other": suggestions.labels[labels[each, 1]],
            "probability": round(float(probability[each, 0]), 4),
            "other_probability": round(float(probability[each, 1]), 4),
        }
        for each in least[kept]
    ]


def _runs_of(known: BoolArray, rows: int) -> Int64Array:
    """The rows at which ``rows`` known rows begin."""
    counted = np.concatenate([[0], np.cumsum(known)])
    if len(known) < rows:
        return np.empty(0, np.int64)
    return np.flatnonzero(counted[rows:] - counted[:-rows] == rows)


def _covered(start_ns: Int64Array, labelled: Intervals) -> BoolArray:
    """Whether any of each row has a label."""
    begun = np.searchsorted(labelled.start_ns, start_ns[1:], side="left")
    ended = np.searchsorted(labelled.end_ns, start_ns[:-1], side="right")
    return np.asarray(begun > ended)
