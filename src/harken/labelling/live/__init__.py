"""The same recogniser on a stream: samples as they come, the label now, and the timeline that an offline run gives."""

from harken.labelling.live.recogniser import LiveRecogniser
from harken.labelling.live.settings import LiveSettings, StreamSpecification
from harken.labelling.live.watch import Update, Watch, advance
from harken.labelling.live.windows import TimelineRow

__all__ = ["LiveRecogniser", "LiveSettings", "StreamSpecification", "TimelineRow", "Update", "Watch", "advance"]
