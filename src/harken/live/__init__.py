"""The same recogniser on a stream: samples as they come, the label now, and the timeline that an offline run gives."""

from harken.live.live_recogniser import LiveRecogniser
from harken.live.plan import Plan
from harken.live.updates import Step, Update
from harken.live.watch import Watch, advance

__all__ = ["LiveRecogniser", "Plan", "Step", "Update", "Watch", "advance"]
