"""The labelled time of a recording: its spans, and what is near to them."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.recordings.labelled_time import (
    find_labelled_spans,
    find_marked_spans,
    mark_labelled_time,
    remove_labels,
    select_samples,
)
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import BoolArray, is_in_spans

SECOND = 1_000_000_000


def label_seconds(labelled: list[bool]) -> Recording:
    """A recording of one sample a second. Some have a label."""
    size = len(labelled)
    return Recording(
        time_ns=np.arange(size) * SECOND,
        signals=np.zeros((size, 3), np.float32),
        label_codes=np.where(labelled, 0, UNLABELLED).astype(np.int16),
        channels=("x", "y", "z"),
        subject="anna",
        label_names=("walking",),
    )


def mark_by_distance(labelled: list[bool], margin_s: float) -> BoolArray:
    """Mark what is near to a label, by all distances."""
    seconds = np.arange(len(labelled))
    distances = np.abs(seconds[:, None] - seconds[np.array(labelled)][None, :])
    return np.asarray((distances <= margin_s).any(axis=1))


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]))
def test_labelled_time_is_what_is_near_to_a_label(labelled: list[bool], margin_s: float) -> None:
    recording = label_seconds(labelled)
    marked = mark_labelled_time(recording, margin_s=margin_s)
    np.testing.assert_array_equal(marked, mark_by_distance(labelled, margin_s))
    spans_ns = find_marked_spans(recording, marked)
    assert (spans_ns[:, 0] <= spans_ns[:, 1]).all()
    np.testing.assert_array_equal(is_in_spans(recording.time_ns, spans_ns), marked)
    assert (remove_labels(recording, marked).label_codes == UNLABELLED).all()
    if marked.any():
        np.testing.assert_array_equal(select_samples(recording, marked).time_ns, recording.time_ns[marked])


def test_a_pause_belongs_to_a_stretch_if_it_is_short() -> None:
    recording = label_seconds([True, False, False, True, False, False, False, True])
    assert (find_labelled_spans(recording, pause_s=3) // SECOND).tolist() == [[0, 3], [7, 7]]
    assert find_labelled_spans(replace(recording, label_codes=recording.label_codes * 0 - 1), pause_s=3).shape == (0, 2)
