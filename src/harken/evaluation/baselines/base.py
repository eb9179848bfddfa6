"""The interface of baselines, and the checks of their windows and labels."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError

AXES = ("x", "y", "z")


class Baseline(Protocol):
    """A method that is trained on windows and returns a probability of each label for other windows."""

    @property
    def name(self) -> str:
        """The name for ``baseline``."""
        ...

    def fit(
        self,
        signals: NDArray[np.float32],
        codes: NDArray[np.int64],
        *,
        sample_rate_hz: float,
        seed: int,
        classes: int | None = None,
    ) -> None:
        """Train on windows. An earlier training has no effect.

        The same windows and seed give the same probabilities on the same machine.

        Args:
            signals: acceleration in g, float32 ``[n, time, 3]``.
            codes: the label of each window, int64 ``[n]``, 0 or more.
            sample_rate_hz: samples per second.
            seed: the seed of every random draw.
            classes: the number of labels; by default one more than the highest code. The probability of a label
                without a window is 0.

        Raises:
            HarkenError: when the windows or labels cannot be trained on.
        """
        ...

    def predict_proba(self, signals: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label, ``[n, classes]``, for windows ``[n, time, 3]`` like those of ``fit``.

        Raises:
            HarkenError: when the windows have another shape than those of ``fit``, or ``fit`` was not called.
        """
        ...


def check_signals(signals: NDArray[np.float32], *, time: int | None = None) -> None:
    """Check that signals are windows ``[n, time, 3]`` of finite numbers.

    Raises:
        HarkenError: for another shape, another number of samples than ``time``, or a missing value.
    """
    if signals.ndim != 3 or signals.shape[1] == 0 or signals.shape[2] != len(AXES):
        raise HarkenError(
            f"a baseline reads windows of three axes of acceleration, [windows, samples, 3]; these are {signals.shape}"
        )
    if time is not None and signals.shape[1] != time:
        raise HarkenError(
            f"the baseline was trained on windows of {time} samples and cannot read windows of {signals.shape[1]}"
        )
    if not np.isfinite(signals).all():
        window, sample, axis = np.argwhere(~np.isfinite(signals))[0]
        raise HarkenError(
            f"window {window} has the value {signals[window, sample, axis]} at sample {sample}, axis {AXES[axis]}; "
            "leave out windows with missing values"
        )


def check_rate(sample_rate_hz: float) -> None:
    """Check a sampling rate.

    Raises:
        HarkenError: when it is not a positive number.
    """
    if not (0 < sample_rate_hz < math.inf):
        raise HarkenError(f"sample_rate_hz must be a positive number, got {sample_rate_hz}")


def check_examples(
    signals: NDArray[np.float32], codes: NDArray[np.int64], *, sample_rate_hz: float, classes: int | None
) -> int:
    """Check training windows and labels, and return the number of labels.

    Raises:
        HarkenError: as ``check_signals`` and ``check_rate``; for codes that are not one integer for each window,
            unlabelled windows, fewer than two labels, or more than ``classes``.
    """
    check_signals(signals)
    check_rate(sample_rate_hz)
    if codes.shape != (len(signals),) or not np.issubdtype(codes.dtype, np.integer):
        raise HarkenError(
            f"{len(signals)} windows need {len(signals)} whole numbers as labels; these are {codes.dtype} {codes.shape}"
        )
    if len(np.unique(codes)) < 2:
        raise HarkenError(f"the {len(codes)} windows have fewer than two labels; at least two are needed")
    if codes.min() < 0:
        raise HarkenError(f"{np.count_nonzero(codes < 0)} windows are unlabelled; leave them out of the training")
    needed = int(codes.max()) + 1
    if classes is not None and classes < needed:
        raise HarkenError(f"a window has label {needed - 1}, but there are only {classes} labels (from 0)")
    return classes or needed
