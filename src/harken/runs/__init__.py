"""A training run: its settings, its data and windows, what it fits, its directory, and what it found out.

These are values and files; ``harken.jobs.training`` puts them in order. A run goes on from its directory with the same
result as one that was never stopped.
"""

from harken.runs.data import Read, RunData, read_run_data
from harken.runs.directory import RunDirectory
from harken.runs.outcome import Fits, Outcome
from harken.runs.settings import RunSettings
from harken.runs.windows import MissingWindows, NoHonestTest, RunWindows, draw_run_windows

__all__ = [
    "Fits",
    "MissingWindows",
    "NoHonestTest",
    "Outcome",
    "Read",
    "RunData",
    "RunDirectory",
    "RunSettings",
    "RunWindows",
    "draw_run_windows",
    "read_run_data",
]
