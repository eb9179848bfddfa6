"""Bouts: what is joined, what is not, and what is said of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_timelines import timeline
from harken.support.errors import HarkenError


def shapes(*pieces: tuple[float, str], bridged_gap_s: float = 60.0) -> list[tuple[float, float, str]]:
    """The bouts of rows given as (seconds, label), each as start and end in seconds and its label."""
    found = timeline(0, [seconds for seconds, _ in pieces], [label for _, label in pieces]).bouts(bridged_gap_s)
    start, end = (found[name].to_physical().to_numpy() / 1e9 for name in ("start", "end"))
    return list(zip(start.tolist(), end.tolist(), found["label"].to_list(), strict=True))


def test_neighbours_of_one_label_are_one_bout() -> None:
    assert shapes((5, "sitting"), (5, "sitting"), (5, "walking"), (2.5, "sitting")) == [
        *((0, 10, "sitting"), (10, 15, "walking"), (15, 17.5, "sitting")),
    ]


def test_short_gaps_and_what_is_unknown_are_bridged_within_one_label() -> None:
    assert shapes((5, "sitting"), (60, "gap"), (5, "sitting")) == [(0, 70, "sitting")]
    assert shapes((5, "sitting"), (30, "unknown"), (30, "gap"), (5, "sitting")) == [(0, 70, "sitting")]
    apart = [(0, 5, "sitting"), (65.5, 70.5, "sitting")]
    assert shapes((5, "sitting"), (60.5, "gap"), (5, "sitting")) == apart
    assert shapes((5, "sitting"), (60.5, "gap"), (5, "sitting"), bridged_gap_s=61) == [(0, 70.5, "sitting")]
    assert shapes((5, "sitting"), (5, "gap"), (5, "walking")) == [(0, 5, "sitting"), (10, 15, "walking")]
    assert shapes((5, "sitting"), (5, "gap"), (5, "sitting"), bridged_gap_s=0) == [
        *((0, 5, "sitting"), (10, 15, "sitting")),
    ]


def test_a_watch_taken_off_ends_a_bout_however_short() -> None:
    assert shapes((5, "sitting"), (5, "not worn"), (5, "sitting")) == [(0, 5, "sitting"), (10, 15, "sitting")]


def test_rows_without_a_label_are_no_bout() -> None:
    found = timeline(0, [5, 5], ["gap", "unknown"]).bouts()
    assert found.columns == ["start", "end", "label", "seconds", "mean_probability", "activity_mg"]
    assert len(found) == 0


def test_means_are_over_the_time_that_has_the_label() -> None:
    found = timeline(
        0, [30, 10, 20, 5], ["sitting", "gap", "sitting", "walking"], activity_mg=[10, np.nan, 40, np.nan]
    ).bouts()
    assert found["seconds"].to_list() == [60, 5]
    assert found["activity_mg"].to_list() == [pytest.approx(22), None]
    assert found["mean_probability"].to_list() == pytest.approx([0.9, 0.9])


def test_unsure_has_bouts_of_its_own() -> None:
    found = timeline(0, [5, 5], ["sitting", "walking"], probability=0.6).with_unsure_below(0.7).bouts()
    assert found["label"].to_list() == ["unsure"]
    assert found["mean_probability"].to_list() == pytest.approx([0.6])


def test_the_probability_of_a_smoothed_bout_is_the_recognisers_own() -> None:
    labels = ["sitting"] * 10 + ["walking"] + ["sitting"] * 10
    found = timeline(0, [5] * 21, labels).smoothed().bouts()
    assert found["label"].to_list() == ["sitting"]
    assert found["mean_probability"].to_list() == pytest.approx([(20 * 0.9 + 0.1) / 21])


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_negative_gap_is_refused(seconds: float) -> None:
    with pytest.raises(HarkenError, match="bridged_gap_s must be 0 or more"):
        timeline(0, [5], ["sitting"]).bouts(seconds)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 5.0, 40.0, 61.0]),
            st.sampled_from(["sitting", "walking", "gap", "unknown", "not worn"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([0.0, 5.0, 60.0, 1000.0]),
)
def test_bouts_one_row_at_a_time(pieces: list[tuple[float, str]], bridged_gap_s: float) -> None:
    expected: list[list[object]] = []
    now, off = 0.0, True
    for seconds, label in pieces:
        off |= label == "not worn"
        if label in ("sitting", "walking"):
            last = expected[-1] if expected else None
            if last and not off and last[2] == label and now - float(str(last[1])) <= bridged_gap_s:
                last[1] = now + seconds
            else:
                expected.append([now, now + seconds, label])
            off = False
        now += seconds
    assert [list(bout) for bout in shapes(*pieces, bridged_gap_s=bridged_gap_s)] == expected
