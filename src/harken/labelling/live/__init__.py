"""The same recogniser on a stream: samples as they come, the label now, and the timeline that an offline run gives."""

from harken.labelling.live.plan import Plan
from harken.labelling.live.recogniser import LiveRecogniser
from harken.labelling.live.updates import Step, Update
from harken.labelling.live.watch import Watch, advance

__all__ = ["LiveRecogniser", "Plan", "Step", "Update", "Watch", "advance"]
