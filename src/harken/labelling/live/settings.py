"""Settings of live labelling, and the values derived from them for one model."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.recording import MINIMUM_GAP_S, acceleration_channels
from harken.signals import Resampler
from harken.signals.resampling import SECOND_NS
from harken.support.errors import HarkenError


@dataclass(frozen=True)
class LiveSettings:
    """How a stream is labelled.

    Attributes:
        hop_s: seconds between two windows; the model's own if None.
        enter_at: a bout of the most probable label begins when its probability is at least this.
        leave_below: the bout ends when its probability is below this. Two thresholds prevent labels that change back
            and forth.
        sensor_range_g: samples with an acceleration beyond it are marked invalid, as ``mending.mend`` does.
        sensor_rate_hz: approximate rate of the sensors. It is needed only for sensors more than 7 times as fast as the
            model's rate, and for a model trained without an even grid that should take samples as they come.

    Raises:
        HarkenError: for thresholds outside 0 to 1 or in the wrong order, and a range or rate that is not positive.
    """

    hop_s: float | None = None
    enter_at: float = 0.6
    leave_below: float = 0.4
    sensor_range_g: float = 16.0
    sensor_rate_hz: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.leave_below <= self.enter_at <= 1:
            raise HarkenError(
                "enter_at and leave_below must be probabilities from 0 to 1, and enter_at at least "
                f"leave_below; got {self.enter_at:g} and {self.leave_below:g}"
            )
        if not self.sensor_range_g > 0:
            raise HarkenError(f"a sensor's range must be above 0 g, got {self.sensor_range_g:g}")
        if self.sensor_rate_hz is not None and not self.sensor_rate_hz > 0:
            raise HarkenError(f"a sensor's rate must be above 0 Hz, got {self.sensor_rate_hz:g}")


@dataclass(frozen=True)
class StreamSpecification:
    """A model's specification and the settings of its streams, with the values that all its watches share.

    Attributes:
        model: the model's specification.
        settings: how streams are labelled.

    Raises:
        HarkenError: for a hop that is shorter than a sample or longer than a window.
    """

    model: Specification
    settings: LiveSettings = LiveSettings()

    def __post_init__(self) -> None:
        hop_s, longest_s = self.settings.hop_s, self.model.window_length_s
        if hop_s is not None and not 1 / self.model.sample_rate_hz <= hop_s <= longest_s:
            raise HarkenError(
                f"a hop must be at least one sample and at most one window, {longest_s:g} s; got {hop_s:g} s"
            )

    @cached_property
    def offline(self) -> Specification:
        """The specification for which ``harken.timelines`` gives the same probabilities."""
        hop_s = self.settings.hop_s
        return self.model if hop_s is None else replace(self.model, hop_s=hop_s)

    @cached_property
    def hop(self) -> int:
        """Samples from one window to the next, and in a row of the timeline."""
        return max(1, round(self.offline.hop_s * self.model.sample_rate_hz))

    @property
    def length(self) -> int:
        """Samples in a window."""
        return self.model.window_length

    @cached_property
    def covered(self) -> NDArray[np.float64]:
        """The number of samples in each row that a window from the first row on covers, float64 ``[rows]``."""
        rows = -(-self.length // self.hop)
        return np.asarray(np.minimum(self.hop, self.length - self.hop * np.arange(rows)), dtype=np.float64)

    @cached_property
    def interval_ns(self) -> int:
        """The time between two samples at the model's rate."""
        return round(SECOND_NS / self.model.sample_rate_hz)

    @cached_property
    def gap_ns(self) -> int:
        """The largest time between two samples of a sensor without a gap."""
        return round(MINIMUM_GAP_S * SECOND_NS)

    @cached_property
    def resampled_gap_ns(self) -> int:
        """The largest time between two samples at the model's rate without a gap."""
        return self.gap_ns if self.resampler is None else self.resampler.hole_ns

    @cached_property
    def resampler(self) -> Resampler | None:
        """The resampler to the model's rate; None if samples are not resampled."""
        rate_hz = self.model.sample_rate_hz
        sensor_hz = self.settings.sensor_rate_hz
        near = sensor_hz is not None and abs(sensor_hz / rate_hz - 1) <= RATE_TOLERANCE
        if near and not self.model.even_grid:
            return None
        return Resampler(rate_hz, source_rate_hz=sensor_hz or rate_hz, largest_gap_s=MINIMUM_GAP_S)

    @cached_property
    def acceleration_channels(self) -> int:
        """The number of leading channels that are acceleration."""
        return acceleration_channels(self.model.channels)

    @cached_property
    def enter_at(self) -> float:
        """``settings.enter_at``, rounded as probabilities are, to float32."""
        return float(np.float32(self.settings.enter_at))

    @cached_property
    def leave_below(self) -> float:
        """``settings.leave_below``, rounded as probabilities are, to float32."""
        return float(np.float32(self.settings.leave_below))

    @cached_property
    def unknown(self) -> NDArray[np.float32]:
        """Probabilities without a window: NaN, float32 ``[labels]``."""
        return np.full(len(self.model.labels), np.nan, dtype=np.float32)
