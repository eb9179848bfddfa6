"""Rows of several files that are joined, beside a reference that looks at each second by itself."""

from random import Random

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from harken.outcomes.joining import FileRows, join_rows
from harken.support.tables import spans_ns
from harken.timelines import Timeline
from movement_frames import movement_frame

LABELS = ("lying", "walking")
STATES = ("gap", "off", *LABELS)
ROW_S = 5
SECOND_NS = 10**9


@st.composite
def files_of_a_person(draw: st.DrawFn) -> list[FileRows]:
    """One to four files of up to a minute, in rows of five seconds that begin at any second."""
    files = []
    for number in range(draw(st.integers(1, 4))):
        states = ["lying", *draw(st.lists(st.sampled_from(STATES), max_size=10)), "walking"]
        files.append(file_of(f"file{number}", draw(st.integers(0, 60)), states))
    return files


def file_of(name: str, begin_s: int, states: list[str]) -> FileRows:
    state = np.array(states)
    start_ns = (begin_s + ROW_S * np.arange(len(states))) * SECOND_NS
    probabilities = np.stack([np.where(state == label, 0.9, 0.1) for label in LABELS], axis=1)
    probabilities[~np.isin(state, LABELS)] = np.nan
    timeline = Timeline.of(
        start_ns,
        probabilities,
        end_ns=int(start_ns[-1]) + ROW_S * SECOND_NS,
        recorded=state != "gap",
        labels=LABELS,
        subject="eva",
        wear=state != "off",
    )
    end_s = begin_s + ROW_S * len(states)
    rows_ns = np.arange(begin_s // ROW_S, -(-end_s // ROW_S)) * ROW_S * SECOND_NS
    return FileRows(name, timeline, movement_frame(rows_ns, np.full(len(rows_ns), float(len(states)))))


def states_by_second(timeline: Timeline) -> dict[int, str]:
    """What each second is: a label, worn, off or nothing."""
    found: dict[int, str] = {}
    for begin, end, label, recorded, wear in timeline.frame.select(
        pl.col("start", "end").to_physical() // SECOND_NS, "label", "recorded", "wear"
    ).iter_rows():
        state = label or ("worn" if wear else "off")
        found |= dict.fromkeys(range(begin, end), state if recorded else "gap")
    return found


@settings(max_examples=60, deadline=None)
@given(files_of_a_person())
def test_each_second_has_a_label_where_a_file_has_one_and_is_worn_where_one_was(files: list[FileRows]) -> None:
    joined = join_rows(files).timeline
    edges_ns = spans_ns(joined.frame)
    assert (edges_ns[1:, 0] == edges_ns[:-1, 1]).all()
    own = [states_by_second(file.timeline) for file in files]
    seconds = states_by_second(joined)
    assert set(seconds) >= set().union(*own)
    for second, state in seconds.items():
        there = {states.get(second, "gap") for states in own}
        if labels := there & set(LABELS):
            assert state in labels
        else:
            assert state == ("off" if "off" in there else "gap")


@settings(max_examples=30, deadline=None)
@given(files_of_a_person(), st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(files: list[FileRows], random: Random) -> None:
    expected = join_rows(files)
    random.shuffle(files)
    found = join_rows(files)
    assert_frame_equal(found.timeline.frame, expected.timeline.frame)
    assert found.movement is not None
    assert expected.movement is not None
    assert_frame_equal(found.movement, expected.movement)
    assert found.overlaps == expected.overlaps


@settings(max_examples=30, deadline=None)
@given(files_of_a_person())
def test_no_row_of_movement_is_lost_or_counted_twice(files: list[FileRows]) -> None:
    movement = join_rows(files).movement
    assert movement is not None
    own = [set(file.movement["start"]) for file in files if file.movement is not None]
    assert movement["start"].is_unique().all()
    assert set(movement.filter(pl.col("valid_s") > 0)["start"]) <= set().union(*own)
    alone = {start for start in set().union(*own) if sum(start in of_file for of_file in own) == 1}
    assert alone <= set(movement.filter(pl.col("valid_s") > 0)["start"])


def test_labels_that_only_one_model_knows_are_kept() -> None:
    first = file_of("a", 0, ["lying", "walking"])
    renamed = first.timeline.frame.rename({"probability_lying": "probability_running"})
    shifted = renamed.with_columns((pl.col("start", "end") + pl.duration(seconds=60)).dt.cast_time_unit("ns"))
    labels = ("running", "walking")
    second = Timeline(shifted, labels, "eva").with_unsure_below(None)
    joined = join_rows([first, FileRows("b", second, None)]).timeline
    assert joined.labels == ("lying", "walking", "running")
    found = joined.with_unsure_below(None)
    assert found.frame["label"].to_list() == ["lying", "walking", None, "running", "walking"]
