"""Synthetic wearers with known truth, of any length and at any rate: for tests, examples and load.

They move by a few rules written in these files, so a score on them says nothing about people.
"""

from harken.simulation.files import output_paths, truth_path, write_simulation
from harken.simulation.simulation import Simulation, simulate
from harken.simulation.wearer import Gait, Wearer, draw_wearer

__all__ = [
    "Gait",
    "Simulation",
    "Wearer",
    "draw_wearer",
    "output_paths",
    "simulate",
    "truth_path",
    "write_simulation",
]
