"""Recordings of synthetic wearers with known truth, of any length and rate, for tests, examples and load tests.

Their movements follow a few simple rules, so a score on them cannot be transferred to real people.
"""

from harken.datasets.simulated.simulation import Simulation, output_paths, simulate, truth_path, write_simulation

__all__ = ["Simulation", "output_paths", "simulate", "truth_path", "write_simulation"]
