"""What a training run is: what was asked, its data and windows, its directory, and what it found out."""

from harken.runs.data import Read, RunData, read_run_data
from harken.runs.directory import RunDirectory
from harken.runs.fits import Fits
from harken.runs.outcome import Outcome
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
