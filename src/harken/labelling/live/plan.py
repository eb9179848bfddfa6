"""What all watches of one model share: how samples become windows, and windows become bouts."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.recording import MINIMUM_GAP_S
from harken.signals import Resampler
from harken.support.errors import HarkenError

__all__ = ["Plan"]

SECOND_NS = 10**9


@dataclass(frozen=True)
class Plan:
    """How a model is run on streams.

    Attributes:
        specification: of the model.
        hop_s: seconds between two windows; the model's own if None.
        enter_at: a bout of the most probable label begins when it is at least so probable,
        leave_below: and ends when it is less probable than this, so that labels do not flicker.
        sensor_range_g: accelerations beyond it are marked, as ``mending.mend`` does.
        sensor_rate_hz: about how fast the sensors are. It must be said only where they are more than 7 times as fast
            as the model reads, or where a model that did not learn on an even grid shall take samples as they come.

    Raises:
        HarkenError: for thresholds, a hop or rates that cannot be.
    """

    specification: Specification
    hop_s: float | None = None
    enter_at: float = 0.6
    leave_below: float = 0.4
    sensor_range_g: float = 16.0
    sensor_rate_hz: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.leave_below <= self.enter_at <= 1:
            raise HarkenError(
                f"a bout cannot be entered at {self.enter_at:g} and left below {self.leave_below:g}: probabilities go "
                "from 0 to 1, and the first is not below the second"
            )
        longest_s = self.specification.window_length_s
        if self.hop_s is not None and not 1 / self.specification.sample_rate_hz <= self.hop_s <= longest_s:
            raise HarkenError(f"a hop of {self.hop_s:g} s cannot be: from one sample to one window, {longest_s:g} s")
        if not self.sensor_range_g > 0:
            raise HarkenError(f"a sensor's range cannot be {self.sensor_range_g:g} g")
        if self.sensor_rate_hz is not None and not self.sensor_rate_hz > 0:
            raise HarkenError(f"a sensor cannot have {self.sensor_rate_hz:g} samples a second")

    @cached_property
    def offline(self) -> Specification:
        """The specification under which ``harken.timelines`` gives the same probabilities."""
        return self.specification if self.hop_s is None else replace(self.specification, hop_s=self.hop_s)

    @cached_property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return max(1, round(self.offline.hop_s * self.specification.sample_rate_hz))

    @property
    def length(self) -> int:
        """Samples in a window."""
        return self.specification.window_length

    @cached_property
    def covered(self) -> NDArray[np.float64]:
        """How many samples of each step a window covers that begins with the first of them."""
        steps = -(-self.length // self.hop)
        return np.asarray(np.minimum(self.hop, self.length - self.hop * np.arange(steps)), dtype=np.float64)

    @cached_property
    def interval_ns(self) -> int:
        """The distance of two samples at the model's rate."""
        return round(SECOND_NS / self.specification.sample_rate_hz)

    @cached_property
    def gap_ns(self) -> int:
        """The longest step between two samples of a sensor that is no gap."""
        return round(MINIMUM_GAP_S * SECOND_NS)

    @cached_property
    def resampled_gap_ns(self) -> int:
        """The same at the model's rate."""
        return self.gap_ns if self.resampler is None else self.resampler.hole_ns

    @cached_property
    def resampler(self) -> Resampler | None:
        """What brings samples to the model's rate; None where they are taken as they come."""
        rate_hz = self.specification.sample_rate_hz
        said_hz = self.sensor_rate_hz or rate_hz
        near = self.sensor_rate_hz is not None and abs(said_hz / rate_hz - 1) <= RATE_TOLERANCE
        if near and not self.specification.even_grid:
            return None
        return Resampler(rate_hz, source_rate_hz=said_hz, largest_gap_s=MINIMUM_GAP_S)

    @cached_property
    def acceleration_channels(self) -> int:
        """How many leading channels are acceleration."""
        return 3 if self.specification.channels[:3] == ("x", "y", "z") else 0

    @cached_property
    def nothing(self) -> NDArray[np.float32]:
        """Probabilities where there is no window."""
        return np.full(len(self.specification.labels), np.nan, dtype=np.float32)
