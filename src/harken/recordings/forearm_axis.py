"""The axis of a sensor that points along the forearm. NumPy is not imported, so that the options of commands can be."""

from typing import Literal

ForearmAxis = Literal["x", "y", "-x", "-y"]
"""The axis of a sensor that points along the forearm towards the elbow. It measures about +1 g when the arm hangs."""
