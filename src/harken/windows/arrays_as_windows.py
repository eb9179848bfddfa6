"""Windows made from the arrays ``X`` and ``y`` of scikit-learn, and what such arrays must be."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from harken.support.arrays import AnyArray, Float32Array
from harken.support.errors import HarkenError
from harken.support.plugins import need_extra
from harken.windows.windows import Windows

SHORTEST_SAMPLES = 2
"""Samples in the shortest window. A single sample holds no movement."""


class InputError(HarkenError, ValueError):
    """An argument that scikit-learn passes is not valid. It is a ``ValueError``, because scikit-learn expects one."""


class LabelledArray(NamedTuple):
    """An array with its labels.

    Attributes:
        windows: the windows; their labels are those of ``y`` as text.
        classes: the labels as ``y`` has them, sorted, ``[classes]``.
    """

    windows: Windows
    classes: AnyArray


def convert_array(X: ArrayLike, *, channels: tuple[str, ...], sample_rate_hz: float) -> Windows:
    """Convert ``X`` ``[n, length, channels]`` to unlabelled windows of nobody in particular.

    Raises:
        InputError: when ``X`` has another shape or lacks values, or the rate is not a positive number.
        HarkenError: when scikit-learn is not installed.
    """
    need_extra("train", "sklearn", what="an array in place of harken.Windows")
    if not 0 < sample_rate_hz < np.inf:
        raise InputError(f"sample_rate_hz must be a positive number, got {sample_rate_hz}")
    signals = _read_signals(X, channels)
    return Windows.unlabelled(signals, channels=channels, sample_rate_hz=float(sample_rate_hz))


def attach_classes(windows: Windows, y: ArrayLike | None) -> LabelledArray:
    """Give each window its label in ``y``, ``[n]``, of any type that scikit-learn accepts as classes.

    Raises:
        InputError: when there is no ``y``, or it has fewer than two labels.
        ValueError: when ``y`` has another length, or holds no classes.
    """
    if y is None:
        raise InputError(
            "Recogniser.fit requires y to be passed, but the target y is None; give the label of each window of X"
        )
    from sklearn.utils import check_array, check_consistent_length, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    labels = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
    check_classification_targets(labels)
    check_consistent_length(windows.signals, labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has only one class, {classes[0]}; at least two are needed")
    names = tuple(str(name) for name in classes.tolist())
    return LabelledArray(replace(windows, label_codes=codes.astype(np.int16), label_names=names), classes)


def _read_signals(X: ArrayLike, channels: tuple[str, ...]) -> Float32Array:
    from sklearn.utils import check_array

    expected = (
        f"X must hold windows of numbers, [n, length, {len(channels)}], whose channels are "
        f"{', '.join(channels)} (channels= names others), all equally long, with at least {SHORTEST_SAMPLES} samples"
    )
    try:
        array = check_array(X, ensure_2d=False, allow_nd=True, ensure_all_finite=False, input_name="X")
    except ValueError as error:
        raise InputError(f"{expected}: {error}") from error
    has_shape = array.ndim == 3 and array.shape[1] >= SHORTEST_SAMPLES and array.shape[2] == len(channels)
    if not has_shape or array.dtype.kind not in "biufO":
        raise InputError(
            f"{expected}; this one is {array.dtype} {array.shape}. Reshape your data, as with X.reshape(n, length, "
            "channels)"
        )
    with np.errstate(over="ignore"):
        signals: Float32Array = array.astype(np.float32)
    if not np.isfinite(signals).all():
        window, sample, channel = np.argwhere(~np.isfinite(signals))[0].tolist()
        raise InputError(
            f"X contains {array[window, sample, channel]} (window {window}, sample {sample}, channel "
            f"{channels[channel]}); leave out windows with NaN or infinity"
        )
    return signals
