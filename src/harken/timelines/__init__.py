"""Timelines: rows of labelled time with the probability of each label, their smoothing, bouts, and days."""

from harken.timelines.smoothing import EXPECTED_BOUT_S, expected_bouts
from harken.timelines.timeline import UNSURE, Timeline

__all__ = [
    "EXPECTED_BOUT_S",
    "UNSURE",
    "Timeline",
    "expected_bouts",
]
