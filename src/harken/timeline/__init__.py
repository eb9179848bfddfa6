"""Labelled time: one row a step, with the probability of each label; smoothed, in bouts, and day by day."""

from harken.timeline.bout_lengths import ANY_OTHER_LABEL_S, EXPECTED_BOUT_S, expected_bouts
from harken.timeline.bouts import BRIDGED_GAP_S
from harken.timeline.smoothing import smooth
from harken.timeline.timeline import UNSURE, Timeline
from harken.timeline.writing import write_csv

__all__ = [
    "ANY_OTHER_LABEL_S",
    "BRIDGED_GAP_S",
    "EXPECTED_BOUT_S",
    "UNSURE",
    "Timeline",
    "expected_bouts",
    "smooth",
    "write_csv",
]
