"""A timeline's rows, what is unsure, how long each label lasted, and the files it is written to."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import ArrayLike

from harken.support.errors import HarkenError
from harken.timelines import Timeline

SECOND = 10**9
CLOCKS_GO_BACK = 1_540_686_600 * SECOND  # 2018-10-28 00:30:00 UTC, 03:30 in Athens, half an hour before 04:00 -> 03:00
UNKNOWN = [np.nan, np.nan]


def timeline(
    seconds: ArrayLike,
    probabilities: ArrayLike,
    *,
    recorded: ArrayLike | None = None,
    wear: ArrayLike | None = None,
    activity_mg: ArrayLike | None = None,
    labels: tuple[str, ...] = ("a", "b"),
) -> Timeline:
    """Rows that last so long, one after the other."""
    lengths = np.asarray(seconds) * SECOND
    return Timeline.of(
        (CLOCKS_GO_BACK + np.cumsum(lengths) - lengths).astype(np.int64),
        np.asarray(probabilities, dtype=np.float64),
        end_ns=int(CLOCKS_GO_BACK + lengths.sum()),
        recorded=np.ones(len(lengths), dtype=bool) if recorded is None else np.asarray(recorded),
        labels=labels,
        subject="anna",
        timezone="Europe/Athens",
        wear=None if wear is None else np.asarray(wear),
        activity_mg=None if activity_mg is None else np.asarray(activity_mg),
    )


def test_unsure_changes_labels_and_not_probabilities() -> None:
    sure = timeline([5, 5, 5, 5], [[0.4, 0.6], [0.5, 0.5], [0.9, 0.1], UNKNOWN])
    assert sure.frame["label"].to_list() == ["b", "a", "a", None]  # the first of two that are equally probable
    unsure = sure.with_unsure_below(0.6)
    assert unsure.frame["label"].to_list() == ["b", "unsure", "a", None]
    np.testing.assert_array_equal(unsure.probabilities, sure.probabilities)
    assert unsure.with_unsure_below(None).frame.equals(sure.frame)
    assert set(sure.with_unsure_below(1.0).frame["label"]) == {"unsure", None}


def test_seconds_are_elapsed_time_and_add_up_where_clocks_go_back() -> None:
    found = timeline(
        [3600, 1800, 5, 7, 11],
        [[1.0, 0.0], [0.0, 1.0], [0.55, 0.45], UNKNOWN, UNKNOWN],
        recorded=[True, True, True, True, False],
    ).with_unsure_below(0.6)
    assert found.seconds_by_label() == {"a": 3600.0, "b": 1800.0, "unsure": 5.0}
    assert (found.unlabelled_s, found.gaps_s) == (7.0, 11.0)
    assert found.seconds.sum() == 3600 + 1800 + 5 + 7 + 11
    assert timeline([5], [[1, 0]]).seconds_by_label() == {"a": 5.0, "b": 0.0}


def test_a_model_with_a_label_of_that_name_has_no_unsure() -> None:
    own = timeline([5], [[0.4, 0.6]], labels=("sitting", "unsure"))
    assert own.seconds_by_label() == {"sitting": 0.0, "unsure": 5.0}
    with pytest.raises(HarkenError, match="the model itself has a label 'unsure'"):
        own.with_unsure_below(0.9)


def test_where_the_watch_was_not_worn_there_is_no_label_and_still_the_probabilities() -> None:
    found = timeline([5, 5, 7, 11], [[0.9, 0.1], [0.9, 0.1], UNKNOWN, UNKNOWN], recorded=[True, True, True, False])
    assert found.frame["wear"].to_list() == [True, True, True, None]
    taken_off = timeline(
        [5, 5, 7, 11],
        [[0.9, 0.1], [0.9, 0.1], UNKNOWN, UNKNOWN],
        recorded=[True, True, True, False],
        wear=[True, False, False, True],
        activity_mg=[1, 2, np.nan, 4],
    )
    assert taken_off.frame["wear"].to_list() == [True, False, False, None]
    assert taken_off.frame["label"].to_list() == ["a", None, None, None]
    assert taken_off.frame["probability_a"].to_list() == pytest.approx([0.9, 0.9, None, None])
    assert taken_off.frame["activity_mg"].to_list() == [1, 2, None, None]
    assert taken_off.seconds_by_label() == {"a": 5, "b": 0}
    assert (taken_off.unlabelled_s, taken_off.not_worn_s, taken_off.gaps_s) == (0, 12, 11)
    assert (found.unlabelled_s, found.not_worn_s, found.gaps_s) == (7, 0, 11)


def test_smoothing_changes_labels_and_keeps_the_recognisers_probabilities() -> None:
    flicker = timeline([5] * 9, [[0.9, 0.1]] * 4 + [[0.2, 0.8]] + [[0.9, 0.1]] * 4, labels=("sitting", "walking"))
    found = flicker.smoothed()
    assert found.frame["label"].to_list() == ["sitting"] * 9
    np.testing.assert_array_equal(found.probabilities, flicker.probabilities)
    smoothed = found.frame.select("smoothed_sitting", "smoothed_walking")
    assert smoothed.dtypes == [pl.Float32] * 2
    assert smoothed.sum_horizontal().to_list() == pytest.approx([1] * 9)
    assert found.expected_bout_s == {"sitting": 900, "walking": 60}
    assert found.smoothed({"sitting": 1, "walking": 1}).frame["label"][4] == "walking"


EVERYDAY = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")


def everyday_row(**probabilities: float) -> list[float]:
    """The probabilities of ``EVERYDAY``, in which the labels that are not given share the rest."""
    rest = (1 - sum(probabilities.values())) / (len(EVERYDAY) - len(probabilities))
    return [probabilities.get(label, rest) for label in EVERYDAY]


SITTING = everyday_row(lying=0.3, sitting=0.55, standing=0.05)


@pytest.mark.parametrize("on_foot", ["walking", "stairs"])
def test_a_quarter_of_a_minute_on_foot_between_minutes_of_sitting_stays(on_foot: str) -> None:
    edge, middle = everyday_row(**{"sitting": 0.15, on_foot: 0.7}), everyday_row(**{on_foot: 0.9})
    rows = [SITTING] * 36 + [edge, middle, edge] + [SITTING] * 36
    activity_mg = [5] * 36 + [60, 120, 60] + [5] * 36
    found = timeline([5] * 75, rows, activity_mg=activity_mg, labels=EVERYDAY).smoothed()
    assert found.frame["label"].to_list() == ["sitting"] * 36 + [on_foot] * 3 + ["sitting"] * 36


@pytest.mark.parametrize("activity_mg", [5, 120])
def test_a_single_doubtful_row_in_an_hour_of_sitting_is_no_walking(activity_mg: float) -> None:
    rows = [SITTING] * 720
    rows[360] = everyday_row(sitting=0.1, walking=0.8)
    found = timeline([5] * 720, rows, activity_mg=[activity_mg] * 720, labels=EVERYDAY).smoothed()
    assert set(found.frame["label"]) == {"sitting"}


def test_labels_that_harken_does_not_know_are_smoothed_by_their_lengths_alone() -> None:
    rows = [[0.9, 0.1]] * 30 + [[0.1, 0.9]] * 2 + [[0.9, 0.1]] * 30
    own = timeline([5] * 62, rows, labels=("desk", "shop")).smoothed()
    assert set(own.frame["label"]) == {"desk"}
    walk = timeline([5] * 62, rows, labels=("desk", "walking")).smoothed()
    assert (walk.frame["label"] == "walking").sum() == 2


@pytest.mark.parametrize(("other", "kept"), [("standing", 0), ("walking", 12)])
def test_a_minute_of_evidence_changes_a_movement_and_no_posture(other: str, kept: int) -> None:
    rows = [[0.8, 0.2]] * 30 + [[0.2, 0.8]] * 12 + [[0.8, 0.2]] * 30
    still = timeline([5] * 72, rows, activity_mg=[2] * 72, labels=("sitting", other)).smoothed()
    assert (still.frame["label"] == other).sum() == kept


def test_a_posture_changes_where_the_arm_moves() -> None:
    rows = [[0.9, 0.1]] * 30 + [[0.1, 0.9]] * 20 + [[0.9, 0.1]] * 30
    calm, stands_up = np.full(80, 2.0), np.full(80, 2.0)
    stands_up[[30, 49]] = 200
    for activity_mg, standing in ((calm, 0), (stands_up, 20)):
        found = timeline([5] * 80, rows, activity_mg=activity_mg, labels=("sitting", "standing")).smoothed()
        assert (found.frame["label"] == "standing").sum() == standing


def test_smoothing_says_nothing_of_gaps_and_non_wear_and_carries_nothing_across_the_latter() -> None:
    rows = [[0.9, 0.1]] * 6 + [[0.3, 0.7]]
    recorded, labels = [True] * 5 + [False, True], ("sitting", "walking")
    rows[5] = UNKNOWN
    through_a_gap = timeline([5] * 7, rows, recorded=recorded, labels=labels).smoothed()
    assert through_a_gap.frame["label"].to_list() == ["sitting"] * 5 + [None, "sitting"]
    assert through_a_gap.frame["smoothed_sitting"].is_null().to_list() == [False] * 5 + [True, False]
    wear = [True] * 4 + [False, True, True]
    taken_off = timeline([5] * 7, rows, wear=wear, recorded=recorded, labels=labels).smoothed({"walking": 900})
    assert taken_off.frame["label"].to_list() == ["sitting"] * 4 + [None, None, "walking"]
    alone = timeline([5], rows[-1:], labels=("sitting", "walking")).smoothed({"walking": 900})
    assert taken_off.frame["smoothed_walking"][6] == pytest.approx(alone.frame["smoothed_walking"][0])


def test_unsure_of_a_smoothed_timeline_goes_by_the_smoothed_probability() -> None:
    rows = [[0.9, 0.1]] * 4 + [[0.45, 0.55]] + [[0.9, 0.1]] * 4
    raw = timeline([5] * 9, rows, labels=("sitting", "walking"))
    limited = raw.with_unsure_below(0.8)
    assert limited.frame["label"].to_list() == ["sitting"] * 4 + ["unsure"] + ["sitting"] * 4
    assert limited.smoothed().frame["label"].to_list() == ["sitting"] * 9
    assert limited.smoothed().frame.equals(raw.smoothed().with_unsure_below(0.8).frame)
    assert limited.smoothed().with_unsure_below(None).frame.equals(raw.smoothed().frame)
    assert "unsure" in raw.smoothed().with_unsure_below(1.0).frame["label"].to_list()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"walk": 5}, "is given for walk; labels are a, b"),
        ({"a": 0}, "the expected bout length of a must be above 0 s, got 0"),
        ({"b": float("nan")}, "the expected bout length of b must be above 0 s, got nan"),
        ({"b": float("inf")}, "the expected bout length of b must be above 0 s, got inf"),
    ],
)
def test_bouts_that_cannot_be_expected_are_refused(given: dict[str, float], sentence: str) -> None:
    with pytest.raises(HarkenError, match=sentence):
        timeline([5], [[1, 0]]).smoothed(given)


def test_spans_are_left_out_as_if_they_had_not_been_recorded() -> None:
    whole = timeline([5, 5, 100, 5], [[0.4, 0.6], [0.9, 0.1], UNKNOWN, [0.2, 0.8]], activity_mg=[1.0, 2.0, 3.0, 4.0])
    spans_ns = CLOCKS_GO_BACK + SECOND * np.array([[3, 7], [112, 500]])
    rest = whole.without_spans(spans_ns)
    assert rest.seconds.tolist() == [3, 2, 2, 3, 100, 2, 3]
    assert rest.frame["label"].to_list() == ["b", None, None, "a", None, "b", None]
    assert rest.frame["recorded"].to_list() == [True, False, False, True, True, True, False]
    assert rest.frame["wear"].to_list() == [True, None, None, True, True, True, None]
    assert rest.frame["activity_mg"].to_list() == [1, None, None, 2, 3, 4, None]
    assert rest.gaps_s == 7
    assert rest.seconds_by_label() == {"a": 3, "b": 5}
    assert whole.without_spans(np.zeros((0, 2), np.int64)).frame.equals(whole.frame)
