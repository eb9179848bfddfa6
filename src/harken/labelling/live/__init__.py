"""Live labelling of a stream: the current label as samples arrive, and the same timeline as an offline run."""

from harken.labelling.live.stream import LiveRecogniser
from harken.labelling.live.watch import LiveSettings, TimelineRow, Update
from harken.labelling.live.watch_mounting import MountingSince

__all__ = ["LiveRecogniser", "LiveSettings", "MountingSince", "TimelineRow", "Update"]
