"""Training runs: settings, data and windows, fits, the run directory, and the outcome.

These are values and files; ``harken.jobs.training`` has the sequence of steps. A run that is resumed from its directory
has the same result as a run without interruption.
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
