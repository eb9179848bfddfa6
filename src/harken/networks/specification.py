"""The specification of a model: everything that inference needs besides the weights.

The bounds of all values in a model file are here too. They allow every recording of human movement. They prevent
damaged and hostile files from using too much memory, dividing by almost 0, and crashing the program.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import msgspec
import numpy as np

from harken.recordings.recording import ACCELERATION, ROTATION, STANDARD_GRAVITY, Recording
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

ModelUnit = Literal["g", "m/s2"]
CalibratedOn = Literal["unseen", "the same person", "nobody"]
RATE_TOLERANCE = 0.05

BOUNDS: Mapping[str, tuple[float, float]] = {
    "sample_rate_hz": (1.0, 10_000.0),
    "window_length": (2, 1_000_000),
    "hop_s": (1e-4, 86_400.0),
    "temperature": (0.01, 100.0),
}
"""The least and the largest value of each number in a specification. A hop is also at least one sample."""
MOST_LABELS = 1000
MOST_CHANNELS = 100
LONGEST_NAME = 200
"""The most characters in the name of a label, a channel, a network or a preset."""
LARGEST_SIZE = 4096
"""The largest width of a layer."""
LSTM_GATES = 4
MOST_LAYERS = 64
"""The largest number of layers of one kind."""


@dataclass(frozen=True)
class Specification:
    """The input and output of a model.

    Attributes:
        channels: the recording's channels that the network reads, in order.
        acceleration_unit: the unit in which it reads ``x, y, z``; other channels are not converted.
        sample_rate_hz: the rate of the training windows; recordings at another rate are resampled to it.
        even_grid: whether the training recordings were resampled onto an even grid. If so, every recording is
            resampled; otherwise only recordings whose rate differs by more than 5 %.
        window_length: samples in a window.
        hop_s: seconds between windows when a recording is labelled.
        labels: the classes, in the order of the network's outputs.
        network, sizes: the network's name and sizes (see ``harken.networks``).
        preset: the preset with which it was trained.
        temperature: the network's outputs are divided by it before they become probabilities (Guo et al., "On
            calibration of modern neural networks", 2017); 1 if the model was not calibrated.
        calibrated_on: the people on whose windows the temperature was fitted.
        hands: whether the network has one more output: the logit of the probability that the hands are busy.

    Raises:
        HarkenError: when a number is out of its bounds, or when there are too many names or too long ones.
    """

    channels: tuple[str, ...]
    acceleration_unit: ModelUnit
    sample_rate_hz: float
    even_grid: bool
    window_length: int
    hop_s: float
    labels: tuple[str, ...]
    network: str
    sizes: Mapping[str, bool | int | float]
    preset: str
    temperature: float = 1.0
    calibrated_on: CalibratedOn = "nobody"
    hands: bool = False

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:  # also true for NaN
                raise HarkenError(f"{name} of a model must be between {least:g} and {most:g}, got {shown(value)}")
        if self.hop_s * self.sample_rate_hz < 1 - RATE_TOLERANCE:
            raise HarkenError(f"hop_s of a model must be at least one sample, got {self.hop_s:g}")
        for what, names, most in (("labels", self.labels, MOST_LABELS), ("channels", self.channels, MOST_CHANNELS)):
            if not 1 <= len(names) <= most:
                raise HarkenError(f"a model must have between 1 and {most:,} {what}, got {len(names):,}")
        # The name of a class in scikit-learn may be empty.
        for name in (*filter(None, self.labels), *self.channels, self.network, self.preset):
            check_name(name)

    @property
    def window_length_s(self) -> float:
        """A window's length in seconds at the model's rate."""
        return self.window_length / self.sample_rate_hz

    @property
    def outputs(self) -> int:
        """The number of outputs of the network: one for each label, and one for the hands."""
        return len(self.labels) + self.hands

    def labels_and_hands(self, outputs: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        """Outputs ``[n, outputs]`` for labels, ``[n, labels]``, and for busy hands, ``[n]``; None without ``hands``."""
        labels = len(self.labels)
        return outputs[:, :labels], outputs[:, labels] if self.hands else None

    @property
    def values_per_window(self) -> int:
        """The largest number of values that a layer of the network can have for one window."""
        widest = max((size for size in self.sizes.values() if isinstance(size, int)), default=1)
        return self.window_length * max(1, widest) * (len(self.channels) + LSTM_GATES)

    @property
    def vectors(self) -> tuple[tuple[int, bool], ...]:
        """The first channel of each vector of three, and whether it is a rotation, for ``training.augmentation``."""
        places = range(len(self.channels) - 2)
        return tuple(
            (first, names == ROTATION)
            for names in (ACCELERATION, ROTATION)
            for first in places
            if self.channels[first : first + 3] == names
        )

    def prepare_recording(self, recording: Recording) -> Recording:
        """A mended recording with the model's channels and at its rate.

        Raises:
            HarkenError: when it lacks a channel, or cannot be resampled.
        """
        from harken.signals import resample

        recording = recording.select_channels(self.channels)
        off = abs(recording.sample_rate_hz / self.sample_rate_hz - 1)
        if self.even_grid or off > RATE_TOLERANCE:
            return resample(recording, sample_rate_hz=self.sample_rate_hz)
        return recording

    def prepare(self, windows: Windows) -> Float32Array:
        """The network's input of windows: float32 ``[n, window_length, channels]``, contiguous, a copy.

        Raises:
            HarkenError: when the windows have another length or rate, or lack a channel.
        """
        if windows.length != self.window_length:
            raise HarkenError(f"the model reads windows of {self.window_length} samples, not of {windows.length}")
        check_rate(windows.sample_rate_hz, self.sample_rate_hz, "the windows")
        missing = [name for name in self.channels if name not in windows.channels]
        if missing:
            raise HarkenError(
                f"the model reads the channels {', '.join(self.channels)}; the recording has no {', '.join(missing)}"
            )
        columns = [windows.channels.index(name) for name in self.channels]
        first, last = columns[0], columns[-1]
        # Neighbouring channels are copied together, which is seven times as fast as one by one.
        picked = slice(first, last + 1) if columns == list(range(first, last + 1)) else columns
        signals = np.array(windows.signals[:, :, picked], dtype=np.float32, order="C")
        if self.acceleration_unit == "m/s2":
            for column, name in enumerate(self.channels):
                if name in ACCELERATION:
                    signals[:, :, column] *= np.float32(STANDARD_GRAVITY)
        return signals

    def as_dict(self) -> dict[str, Any]:
        """For JSON. ``hands`` is left out if it is False, so that files without it stay the same."""
        values = asdict(self) | {
            "channels": list(self.channels),
            "labels": list(self.labels),
            "sizes": dict(self.sizes),
        }
        return {name: value for name, value in values.items() if name != "hands" or value}

    @classmethod
    def from_dict(cls, data: Any) -> "Specification":
        """Read the result of ``as_dict``, and check every value.

        Raises:
            HarkenError: when a field is missing, unknown or out of its range.
        """
        if not isinstance(data, dict) or {*data, "hands"} != {field.name for field in fields(cls)}:
            raise HarkenError("its specification does not have the fields that this version of harken writes")
        try:
            made = msgspec.convert(data, cls)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the second: of half a character
            raise HarkenError(f"its specification has an invalid value: {_shortened(str(error))}") from error
        for what, names in (("labels", made.labels), ("channels", made.channels)):
            if len(set(names)) != len(names):
                raise HarkenError(f"its specification has no list of different {what}")
        return made


def check_rate(rate_hz: float, model_rate_hz: float, what: str) -> None:
    """Raise a HarkenError when a rate differs from the model's by more than 5 %."""
    if abs(rate_hz / model_rate_hz - 1) > RATE_TOLERANCE:
        raise HarkenError(
            f"{what}: {rate_hz:.4g} samples per second, but {model_rate_hz:.4g} are needed (within 5 %); "
            "resample the recording with harken.signals.resample"
        )


def check_name(name: str) -> None:
    """Raise a HarkenError when a name is empty, too long, or holds half a character (a lone surrogate)."""
    if not 1 <= len(name) <= LONGEST_NAME or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise HarkenError(
            f"a name in a model must have 1 to {LONGEST_NAME} characters that can be written as UTF-8, got "
            f"{shown(name)}"
        )


def shown(value: object) -> str:
    """A value from a file for an error message: shortened if it is long, and always printable."""
    if isinstance(value, int) and value.bit_length() > LONGEST_NAME:
        return f"a number of {value.bit_length():,} bits"
    return _shortened(ascii(value))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
