"""Live labelling of a stream: the current label as samples arrive, and the same timeline as an offline run."""

from harken.labelling.live.stream import Due, LiveRecogniser, advance
from harken.labelling.live.watch import LiveSettings, StreamSpecification, TimelineRow, Update, Watch

__all__ = [
    "Due",
    "LiveRecogniser",
    "LiveSettings",
    "StreamSpecification",
    "TimelineRow",
    "Update",
    "Watch",
    "advance",
]
