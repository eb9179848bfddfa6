"""Sensor Logger's export (Kelvin Choi's app for iPhone, Android and their watches) -> a Recording.

From the app's own description (github.com/tszheichoi/awesome-sensor-logger: README, UNITS, COORDINATES and
CROSSPLATFORM). ``WristMotion.csv`` of an Apple Watch was run on a real file; the phone's files,
``WatchAccelerometerUncalibrated.csv``, folders and archives never were.
"""

from harken.readers.sensor_logger.export import recognises
from harken.readers.sensor_logger.source import open_source

__all__ = ["open_source", "recognises"]
