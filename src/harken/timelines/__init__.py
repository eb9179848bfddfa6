"""Timelines: rows of labelled time with the probability of each label, their smoothing, bouts, and days."""

from harken.timelines.labelling import label_recording, label_stream
from harken.timelines.smoothing import ANY_OTHER_LABEL_S, EXPECTED_BOUT_S, expected_bouts, smooth
from harken.timelines.timeline import BRIDGED_GAP_S, UNSURE, Timeline

__all__ = [
    "ANY_OTHER_LABEL_S",
    "BRIDGED_GAP_S",
    "EXPECTED_BOUT_S",
    "UNSURE",
    "Timeline",
    "expected_bouts",
    "label_recording",
    "label_stream",
    "smooth",
]
