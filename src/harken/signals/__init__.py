"""Recording -> Recording: calibration, non-wear, resampling, gravity, and ways to wear the watch.

Each step returns a new recording that can be inspected. Its ``quality`` describes what the step did.
"""

from harken.recordings.source import Samples, joined
from harken.signals.clipping import Clipping, mark_clipped
from harken.signals.gravity import GravityCalibration, calibrate_gravity, gravity_calibration, split_gravity
from harken.signals.movement import MovementBlocks, MovementStatistics, movement_of
from harken.signals.non_wear import mark_non_wear, non_wear, worn
from harken.signals.orientation import mirrored, turned_about_face, turned_about_forearm, turned_by_quarters
from harken.signals.resampling import Grid, Resampler, look_ahead_s, resample

__all__ = [
    "Clipping",
    "GravityCalibration",
    "Grid",
    "MovementBlocks",
    "MovementStatistics",
    "Resampler",
    "Samples",
    "calibrate_gravity",
    "gravity_calibration",
    "joined",
    "look_ahead_s",
    "mark_clipped",
    "mark_non_wear",
    "mirrored",
    "movement_of",
    "non_wear",
    "resample",
    "split_gravity",
    "turned_about_face",
    "turned_about_forearm",
    "turned_by_quarters",
    "worn",
]
