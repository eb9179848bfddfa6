"""The wrist check: boosted trees that classify moments of movement as from a wrist, or from a thigh, knee or torso.

A leg strikes the ground once a stride and carries the body, so its movement repeats with each stride, sharply and along
gravity. An arm swings, or its hand works. The features describe this and do not depend on the orientation of the
sensor. The trees were fitted with scikit-learn by ``benchmarks/model/wrist_check.py``, which also writes their scores
on unseen people and unseen studies (``docs/results/wrist_check.json``). The package contains them as plain numbers.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array

RATE_HZ = 25.0
ROWS = 250
"""Samples of a moment: ten seconds at 25 Hz."""
LEAST_MOMENTS = 6
"""With less than a minute of movement the answer is undecided."""
LEAST_LOG_ODDS = 1.0
"""The answer is undecided if the log odds are nearer to 0."""
LEAST_G, LEAST_REPEATED = 0.08, 0.45
"""The least standard deviation of a moment that counts, and its least correlation with itself a stride later."""
STRIDE_S = (0.7, 1.6)
PACKAGED_TREES = Path(__file__).with_suffix(".safetensors")


class Answer(StrEnum):
    """The place of the sensor, inferred from movement."""

    WRIST = "wrist"
    ELSEWHERE = "elsewhere"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class WristCheck:
    """The place of the sensor, inferred from moments of movement.

    Attributes:
        answer: the answer.
        moments: the number of moments of ten seconds that counted.
        log_odds: the median of their log odds that the sensor was elsewhere than on a wrist; 0 if none counted.
    """

    answer: Answer
    moments: int
    log_odds: float

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        return {"answer": self.answer.value, "moments": self.moments, "log_odds": self.log_odds}


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted decision trees over ``features``.

    Attributes:
        roots: the root of each tree, an index into the nodes, int32 ``[trees]``.
        feature: the feature that a node compares; -1 in a leaf; int32 ``[nodes]``.
        threshold: values up to the threshold go left, float64 ``[nodes]``.
        left, right: the next node, int32 ``[nodes]``.
        value: the amount that a leaf adds to the log odds, float64 ``[nodes]``.
        baseline: the log odds before any tree, float64 ``[1]``.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: Float64Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Float64Array
    baseline: Float64Array

    def log_odds(self, rows: Float64Array) -> Float64Array:
        """Log odds of being elsewhere than on a wrist, ``[n]``, from features ``[n, features]``."""
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        index = np.arange(len(rows))[:, None]
        while (inner := self.feature[node] >= 0).any():
            goes_left = rows[index, np.maximum(self.feature[node], 0)] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, child, node)
        return np.asarray(self.baseline[0] + self.value[node].sum(axis=1))


@cache
def packaged_trees() -> Trees:
    """The trees that come with harken."""
    return Trees(**load_file(PACKAGED_TREES))


def wrist_check(moments: Float32Array, trees: Trees | None = None) -> WristCheck:
    """Decide from moments of a recording whether its sensor was on a wrist.

    >>> import numpy as np
    >>> wrist_check(np.zeros((20, 250, 3), np.float32)).answer.value
    'undecided'

    Args:
        moments: acceleration in g, float32 ``[n, 250, 3]``, ten seconds each at 25 Hz. Moments without repeated
            movement do not count.
        trees: the trees to use; the packaged trees if None.
    """
    columns, counts = features(moments)
    if not counts.any():
        return WristCheck(Answer.UNDECIDED, 0, 0.0)
    # The median, because up to half of the moments may be hand work or sport, which carry little information.
    rows = np.stack(list(columns.values()), axis=1)[counts]
    log_odds = float(np.median((trees or packaged_trees()).log_odds(rows)))
    number = int(counts.sum())
    if number < LEAST_MOMENTS or abs(log_odds) < LEAST_LOG_ODDS:
        return WristCheck(Answer.UNDECIDED, number, log_odds)
    return WristCheck(Answer.ELSEWHERE if log_odds > 0 else Answer.WRIST, number, log_odds)


def features(moments: Float32Array) -> tuple[dict[str, Float64Array], BoolArray]:
    """The features of each moment by name, float64 ``[n]``, and which moments count, bool ``[n]``.

    Args:
        moments: as for ``wrist_check``.
    """
    signals = moments.astype(np.float64)
    n = len(signals)
    mean = signals.mean(axis=1)
    length = np.linalg.norm(mean, axis=1)
    up = mean / np.maximum(length, 1e-6)[:, None]
    moving = signals - mean[:, None]
    along = np.einsum("ntk,nk->nt", moving, up)
    across = moving - along[:, :, None] * up[:, None]
    sd_along = along.std(axis=1)
    sd_across = np.sqrt((across**2).sum(axis=2).mean(axis=1))
    sd = np.hypot(sd_along, sd_across)

    power = _power(moving)
    power_along = _power(along[:, :, None])
    repeated = _autocorrelation(moving)
    repeated_along = _autocorrelation(along[:, :, None])
    lags = np.arange(ROWS)
    shortest, longest = (int(limit_s * RATE_HZ) for limit_s in STRIDE_S)
    strides = (lags >= shortest) & (lags <= longest)
    stride = np.where(strides, repeated, -np.inf).argmax(axis=1)
    after_stride = repeated[np.arange(n), stride]
    directions = np.linalg.eigvalsh(np.einsum("nti,ntj->nij", across, across) / ROWS)
    jerk = np.sqrt((np.diff(moving, axis=1) ** 2).sum(axis=2).mean(axis=1))
    columns = {
        "length of the mean": length,
        "movement along gravity": np.log(sd_along + 1e-3),
        "movement across gravity": np.log(sd_across + 1e-3),
        "along by across": np.log(sd_along + 1e-3) - np.log(sd_across + 1e-3),
        "below 1.5 Hz": power.share(0.2, 1.5),
        "above 3 Hz": power.share(3, 6),
        "along, above 3 Hz": power_along.share(3, 6),
        "along, below 1.5 Hz": power_along.share(0.2, 1.5),
        "repeated after a stride": after_stride,
        "repeated after half a stride": _near(repeated, stride),
        "along, repeated after a stride": repeated_along[np.arange(n), stride],
        "along, repeated after half a stride": _near(repeated_along, stride),
        "stride": stride / RATE_HZ,
        "skewness along": (along**3).mean(axis=1) / np.maximum(sd_along, 1e-3) ** 3,
        "kurtosis along": ((along**4).mean(axis=1) / np.maximum(sd_along, 1e-3) ** 4).clip(0, 30),
        "straightness across": directions[:, 2] / np.maximum(directions.sum(axis=1), 1e-9),
        "jerk": jerk / np.maximum(sd, 1e-3),
        **{f"harmonic {number}": power.harmonic(stride, number) for number in (1, 2, 3, 4, 5)},
        **{f"along, harmonic {number}": power_along.harmonic(stride, number) for number in (1, 2, 3, 4)},
    }
    return columns, (sd >= LEAST_G) & (after_stride >= LEAST_REPEATED)


class _Spectrum(NamedTuple):
    """Power of each moment, ``[n, frequencies]``, at ``frequencies``, and between 0.2 and 6 Hz, ``[n]``."""

    power: Float64Array
    frequencies: Float64Array
    total: Float64Array

    def share(self, low_hz: float, high_hz: float) -> Float64Array:
        """The share of the total power between two frequencies, ``[n]``."""
        chosen = (self.frequencies >= low_hz) & (self.frequencies < high_hz)
        return np.asarray(self.power[:, chosen].sum(axis=1) / self.total)

    def harmonic(self, stride: Int64Array, number: int) -> Float64Array:
        """The share at a multiple of the stride's frequency, three lines wide, ``[n]``."""
        nearest = np.round(number * ROWS / stride).astype(int)
        line = np.clip(nearest, 1, len(self.frequencies) - 2)
        lines = line[:, None] + np.array([-1, 0, 1])
        power = np.take_along_axis(self.power, lines, axis=1).sum(axis=1)
        return np.asarray(power / self.total)


def _power(moving: Float64Array) -> _Spectrum:
    """The power of signals ``[n, 250, axes]`` with a Hann window, summed over the axes."""
    spectrum = np.fft.rfft(moving * np.hanning(ROWS)[None, :, None], axis=1)
    power: Float64Array = (np.abs(spectrum) ** 2).sum(axis=2)
    frequencies = np.fft.rfftfreq(ROWS, 1 / RATE_HZ).astype(np.float64)
    of_movement = (frequencies >= 0.2) & (frequencies < 6)
    total = power[:, of_movement].sum(axis=1) + 1e-9
    return _Spectrum(power, frequencies, total)


def _autocorrelation(moving: Float64Array) -> Float64Array:
    """The unbiased autocorrelation, summed over the axes, ``[n, 250]``; 1 at lag 0."""
    spectrum = np.abs(np.fft.rfft(moving, 2 * ROWS, axis=1)) ** 2
    correlation = np.fft.irfft(spectrum, axis=1)[:, :ROWS].sum(axis=2)
    unbiased = ROWS / (ROWS - np.arange(ROWS))
    return np.asarray(correlation / np.maximum(correlation[:, :1], 1e-9) * unbiased)


def _near(repeated: Float64Array, stride: Int64Array) -> Float64Array:
    """The largest correlation about half a stride later, ``[n]``."""
    half = np.round(stride / 2).astype(int)
    lags = half[:, None] + np.array([-1, 0, 1])
    return np.asarray(np.take_along_axis(repeated, lags, axis=1).max(axis=1))
