"""Unsure moments lie where the model is unsure, outside labels, apart, and each is reached."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.annotations.bouts import Intervals
from harken.web.annotate.suggestions import (
    LARGEST_MARGIN,
    MOMENT_S,
    NO_LABEL,
    NOT_WORN,
    PARTS,
    Suggestions,
    next_unsure,
    unsure_moments,
)

START_NS = 1_700_000_000 * 10**9
ROW_NS = 5 * 10**9
NOTHING = Intervals.of([])


def suggestions(sure: list[float], code: list[int] | None = None) -> Suggestions:
    """Rows of five seconds; the first label has this probability, the second the rest."""
    own = np.array(sure)
    probability = np.stack([own, 1 - own, np.zeros(len(own))], axis=1).astype(np.float16)
    start_ns = START_NS + np.arange(len(own) + 1) * ROW_NS
    codes = np.array(code or [0] * len(own), np.int16)
    probability[codes < 0] = np.nan
    return Suggestions(("sitting", "standing", "lying"), start_ns, codes, probability)


def row_of(time_ms: int) -> int:
    return round((time_ms * 10**6 - START_NS) / ROW_NS)


def test_the_least_sure_half_minute_comes_first() -> None:
    sure = [0.95] * 200
    sure[50:56] = [0.55] * 6
    sure[120:126] = [0.48] * 6
    sure[20] = 0.5  # one row only, at a change
    found = next_unsure(suggestions(sure), NOTHING, after_ms=None)
    assert found is not None
    assert row_of(found["start_ms"]) == 120
    assert (found["end_ms"] - found["start_ms"]) / 1000 == MOMENT_S
    assert (found["label"], found["other"]) == ("standing", "sitting")
    assert found["probability"] == pytest.approx(0.52, abs=1e-3)
    following = next_unsure(suggestions(sure), NOTHING, after_ms=found["start_ms"])
    assert following is not None
    assert row_of(following["start_ms"]) == 50, "after the last one, the first one comes again"
    assert (following["label"], following["other"]) == ("sitting", "standing")


def test_labels_gaps_and_non_wear_are_left_out() -> None:
    sure = [0.5] * 60
    code = [0] * 60
    code[20:30] = [NO_LABEL] * 10
    code[30:40] = [NOT_WORN] * 10
    labelled = Intervals.of([(START_NS, START_NS + 12 * ROW_NS - 1, "lying", 2)])
    moments = unsure_moments(suggestions(sure, code), labelled)
    assert moments
    for moment in moments:
        first, last = (row_of(moment[edge]) for edge in ("start_ms", "end_ms"))
        assert first >= 12
        assert all(code[row] >= 0 for row in range(first, last))
    everything = Intervals.of([(START_NS, START_NS + 60 * ROW_NS, "lying", 2)])
    assert next_unsure(suggestions(sure, code), everything, after_ms=None) is None


def test_a_model_that_is_sure_or_knows_one_label_gives_none() -> None:
    assert next_unsure(suggestions([0.9] * 100), NOTHING, after_ms=None) is None
    one = Suggestions(("lying",), START_NS + np.arange(3) * ROW_NS, np.zeros(2, np.int16), np.ones((2, 1), np.float16))
    assert unsure_moments(one, NOTHING) == []
    assert unsure_moments(suggestions([0.5] * 3), NOTHING) == [], "shorter than a moment"
    assert unsure_moments(suggestions([]), NOTHING) == []


@settings(max_examples=100)
@given(st.integers(0, 1000), st.integers(10, 3000))
def test_moments_are_spread_and_all_are_reached(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    found = suggestions(random.uniform(0.5, 1.0, rows).tolist(), random.choice([0, 0, 0, 0, 0, 0, -1], rows).tolist())
    moments = unsure_moments(found, NOTHING)
    assert len(moments) <= PARTS
    starts = [each["start_ms"] for each in moments]
    assert all(before["end_ms"] <= after["start_ms"] for before, after in pairwise(moments))
    assert all(each["probability"] - each["other_probability"] <= LARGEST_MARGIN + 1e-4 for each in moments)
    visited, after_ms = [], -(1 << 43)
    for _ in moments:
        moment = next_unsure(found, NOTHING, after_ms=after_ms)
        assert moment is not None
        after_ms = moment["start_ms"]
        visited.append(after_ms)
    assert visited == starts
    length = max(round(MOMENT_S * 1e9 / ROW_NS), 1)
    shares = found.probability.astype(np.float64)[:, :2]
    spans = [shares[first : first + length] for first in range(rows - length + 1)]
    margins = [abs(float(np.diff(span.mean(axis=0))[0])) for span in spans if not np.isnan(span).any()]
    least = min(margins, default=None)
    if least is not None and least <= LARGEST_MARGIN:
        assert min(each["probability"] - each["other_probability"] for each in moments) <= least + 1e-4
    else:
        assert moments == []
