"""What an offline run says, for tests that compare others with it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harken.models.label_recording import label_recording
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.recording import Recording
from harken.timelines import Timeline
from made_recordings import recording_of, specification_of


def still_or_moving(length: int, hop: int, *, rate_hz: float = 20.0, even_grid: bool = True) -> Specification:
    """Of a model that tells ``still`` and ``moving`` apart in windows of so many samples of x, y and z."""
    labels = ("still", "moving")
    return specification_of(length, hop / rate_hz, labels, sample_rate_hz=rate_hz, even_grid=even_grid)


def unlabelled(signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> Recording:
    """A recording of x, y and z without labels."""
    return recording_of(time_ns, signals, subject="anna")


def offline(recogniser: Recogniser, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> Timeline:
    """The timeline of samples, at the hop of a server."""
    specification = recogniser.specification_
    at_hop = replace(specification, hop_s=min(1.0, specification.hop_s))
    return label_recording(at_hop, unlabelled(signals, time_ns), recogniser.predict_answers)
