"""Still recordings for tests of calibration and non-wear: a sensor turned from one posture into the next."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from made_recordings import recording_of
from synthetic_signals import START_NS

SPHERE = np.concatenate([np.eye(3), -np.eye(3), np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]]) / 3**0.5])
"""Ten directions that cover the sphere."""


def resting(
    directions: NDArray[np.float64],
    *,
    minutes: float = 1.0,
    rate_hz: float = 25.0,
    noise_g: float = 0.003,
    breath_g: float = 0.0,
    step_g: float = 0.0,
    seed: int = 0,
    temperature: Sequence[float] | None = None,
) -> Recording:
    """``minutes`` in each direction; with breath at 0.25 Hz, rounded to a sensor's steps."""
    random = np.random.default_rng(seed)
    each = round(60 * minutes * rate_hz)
    n = each * len(directions)
    since_s = np.arange(n) / rate_hz
    signals = np.repeat(directions, each, axis=0) + random.normal(0, noise_g, (n, 3))
    signals += breath_g * np.sin(2 * np.pi * 0.25 * since_s)[:, None]
    if step_g:
        signals = np.rint(signals / step_g) * step_g
    channels: tuple[str, ...] = ("x", "y", "z")
    if temperature is not None:
        signals = np.column_stack([signals, np.repeat(np.array(temperature), each)])
        channels += ("temperature",)
    return recording_of(START_NS + np.rint(since_s * 1e9).astype(np.int64), signals, channels=channels)
