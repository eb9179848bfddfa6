"""Warnings on labels whose times may not be what was meant."""

import numpy as np

from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.printable import duration_text, percent, printable

SHORT_NS = 10**9
LEAST_SHARE = 0.01


def list_label_doubts(recording: Recording, *, trim_s: float = 0.0) -> list[str]:
    """Return sentences on labels that last less than a second, and on labels that cover under 1 % of a recording.

    Args:
        recording: a mended recording.
        trim_s: the seconds that were left out at both ends of each bout. What is left of a bout may be short.
    """
    doubts = []
    if not trim_s:
        doubts += _list_short_labels(recording)
    labelled = len(recording) - recording.unlabelled_rows
    share = labelled / len(recording)
    if share < LEAST_SHARE and (recording.label_names or recording.label_source):
        doubts.append(f"The labels cover {percent(share)} of the recording. Are their times right?")
    return doubts


def _list_short_labels(recording: Recording) -> list[str]:
    """Return a sentence on the labels that begin and end within a second; a gap does not end a label."""
    codes, time_ns = recording.label_codes, recording.time_ns
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
    firsts, nexts = firsts[:-1], firsts[1:]  # the last one may go on after the recording
    short = (codes[firsts] != UNLABELLED) & (time_ns[nexts] - time_ns[firsts] < SHORT_NS) & (firsts > 0)
    if not short.any():
        return []
    first = firsts[short][0]
    label = printable(recording.label_names[codes[first]])
    length_s = (time_ns[nexts[short][0]] - time_ns[first]) / 1e9
    at = f"{local_time(int(time_ns[first]), recording.timezone):%Y-%m-%d %H:%M:%S}"
    where = f"“{label}” at {at} ({duration_text(length_s)})"
    count = int(short.sum())
    if count == 1:
        sentence = f"{where} is shorter than a second"
    else:
        sentence = f"{count:,} labels are shorter than a second; the first is {where}"
    advice = ". In a file of labels, 9:30 is a time of the clock, and a number is seconds"
    return [f"{sentence}{advice if recording.label_source else ''}."]
