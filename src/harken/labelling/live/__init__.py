"""Live labelling of a stream: the current label as samples arrive, and the same timeline as an offline run."""

from harken.labelling.live.advancing import advance
from harken.labelling.live.recogniser import LiveRecogniser
from harken.labelling.live.settings import LiveSettings, StreamSpecification
from harken.labelling.live.watch import Update, Watch, label
from harken.labelling.live.windows import TimelineRow

__all__ = [
    "LiveRecogniser",
    "LiveSettings",
    "StreamSpecification",
    "TimelineRow",
    "Update",
    "Watch",
    "advance",
    "label",
]
