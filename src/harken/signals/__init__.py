"""Recording -> Recording: onto an even clock, gravity told from movement, the watch as if worn in another way.

Each step gives a new recording that can be looked at, and says in its ``quality`` what it did.
"""

from harken.signals.gravity import split_gravity
from harken.signals.grid import Grid
from harken.signals.orientation import mirrored, turned_about_face, turned_about_forearm
from harken.signals.resampling import Resampler, look_ahead_s, resample
from harken.signals.samples import Samples, joined

__all__ = [
    "Grid",
    "Resampler",
    "Samples",
    "joined",
    "look_ahead_s",
    "mirrored",
    "resample",
    "split_gravity",
    "turned_about_face",
    "turned_about_forearm",
]
