"""What the tests of live labels share: a small network that has learned."""

from dataclasses import replace

import numpy as np
import pytest

import people
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.windows.windows import sliding_windows
from offline import unlabelled


@pytest.fixture(scope="module")
def learned() -> tuple[Recogniser, Recording]:
    """A small network that has learned one invented person, at 20 Hz, and that person at 25 Hz."""
    rows = people.person_rows(1)
    signals = np.array([row[1:4] for row in rows], dtype=np.float32) / np.float32(9.80665)
    names, codes = np.unique([row[5] for row in rows], return_inverse=True)
    anna = replace(
        unlabelled(signals, np.array([row[0] * 10**6 for row in rows])),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
    )
    windows = sliding_windows(resample(anna, sample_rate_hz=20), length_s=2, hop_s=0.5)
    return Recogniser(people.SMALL_EVERYDAY, epochs=4).fit(windows), anna
