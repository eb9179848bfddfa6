"""The labelled time of a recording, which is the part of it that a model can learn from."""

from dataclasses import replace

import numpy as np

from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import BoolArray, Int64Array, is_in_spans


def find_labelled_spans(recording: Recording, *, pause_s: float) -> Int64Array:
    """Find the first and the last time of each labelled stretch, int64 ``[k, 2]``.

    Args:
        recording: the recording.
        pause_s: a pause between two labels that is no longer than this belongs to the stretch.
    """
    time_ns = recording.time_ns[recording.label_codes != UNLABELLED]
    if not len(time_ns):
        return np.empty((0, 2), np.int64)
    breaks = np.flatnonzero(np.diff(time_ns) > pause_s * 1e9)
    starts_ns = time_ns[np.concatenate([[0], breaks + 1])]
    ends_ns = time_ns[np.concatenate([breaks, [len(time_ns) - 1]])]
    return np.stack([starts_ns, ends_ns], axis=1)


def mark_labelled_time(recording: Recording, *, margin_s: float) -> BoolArray:
    """Mark the samples that have a label, or are at most this near to one that has: bool ``[n]``."""
    spans_ns = find_labelled_spans(recording, pause_s=margin_s)
    margin_ns = round(margin_s * 1e9)
    return is_in_spans(recording.time_ns, spans_ns + np.array([-margin_ns, margin_ns]))


def find_marked_spans(recording: Recording, marked: BoolArray) -> Int64Array:
    """Find the first and the last time of each run of marked samples, int64 ``[k, 2]``.

    ``is_in_spans`` of these spans marks the same samples again.
    """
    steps = np.diff(marked.astype(np.int8), prepend=0, append=0)
    first = np.flatnonzero(steps == 1)
    last = np.flatnonzero(steps == -1) - 1
    return np.stack([recording.time_ns[first], recording.time_ns[last]], axis=1)


def select_samples(recording: Recording, chosen: BoolArray) -> Recording:
    """Return a recording of the chosen samples alone, bool ``[n]``. There is a gap where samples are left out."""
    return replace(
        recording,
        time_ns=recording.time_ns[chosen],
        signals=recording.signals[chosen],
        label_codes=recording.label_codes[chosen],
        valid=recording.valid[chosen],
    )


def remove_labels(recording: Recording, removed: BoolArray) -> Recording:
    """Return a recording without the labels of some samples, bool ``[n]``."""
    codes = recording.label_codes.copy()
    codes[removed] = UNLABELLED
    return replace(recording, label_codes=codes)
