"""A classifier for scikit-learn: ``fit(X, y)`` on windows, for pipelines, searches and cross-validation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from harken.models.recogniser import Recogniser
from harken.networks import DEFAULT_PRESET
from harken.networks.presets import Preset, preset
from harken.support.arrays import AnyArray, Float32Array, Int64Array
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

LARGEST_SEED = 2**31 - 1
SHORTEST = 2
"""Samples in the shortest window. A single sample holds no movement."""


class InputError(HarkenError, ValueError):
    """``X`` or ``y`` is not valid input of the classifier. A ``ValueError``, because scikit-learn expects one."""


class ActivityClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Recognises activities in windows of acceleration ``X``, float ``[n, length, channels]``, in g.

    The windows of one wearer resemble one another. A cross-validation therefore estimates scores on unseen people only
    if its groups are the wearers: ``cross_validate(ActivityClassifier(), X, y, groups=wearers, cv=GroupKFold())``.
    Labels ``y`` ``[n]`` are of any type that scikit-learn accepts as classes, such as strings and whole numbers.

    >>> import harken
    >>> recording = harken.read("alice.csv").select_channels(("x", "y", "z"))
    >>> windows = harken.sliding_windows(recording, length_s=10, hop_s=2)
    >>> classifier = harken.ActivityClassifier(sample_rate_hz=25, epochs=1).fit(windows.signals, windows.labels)
    >>> classifier.classes_.tolist()
    ['lying', 'sitting', 'walking']

    Args:
        preset: the recipe: a name or a ``Preset`` (see ``harken.networks.presets``). Its settings for taking windows
            from recordings are not used: ``X`` holds the windows.
        sample_rate_hz: samples per second of ``X``. It is stored in the model, and nothing is resampled.
        channels: the names of the channels of ``X``; ``x, y, z`` are acceleration in g.
        epochs: the number of epochs; None for the number in the recipe.
        learning_rate: the learning rate of the optimiser; None for the one in the recipe.
        dropout: the share of values that are set to 0 during training; None for the one in the recipe.
        random_state: the seed of initial weights, order, dropout and augmentation. A whole number gives the same
            model each time; None or a generator gives another model each time.
        device: ``auto``, ``cpu`` or ``cuda``.

    Attributes:
        classes_: the labels, sorted, ``[classes]``.
        recogniser_: the fitted ``Recogniser``. It can be saved; its labels are those of ``y`` as text.
    """

    classes_: AnyArray
    recogniser_: Recogniser

    def __init__(
        self,
        preset: str | Preset = DEFAULT_PRESET,
        *,
        sample_rate_hz: float = 30.0,
        channels: Sequence[str] = ("x", "y", "z"),
        epochs: int | None = None,
        learning_rate: float | None = None,
        dropout: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
    ) -> None:
        self.preset = preset
        self.sample_rate_hz = sample_rate_hz
        self.channels = channels
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.random_state = random_state
        self.device = device

    def fit(self, X: ArrayLike, y: ArrayLike, **refused: Any) -> "ActivityClassifier":
        """Train on windows ``X`` ``[n, length, channels]`` with labels ``y`` ``[n]``.

        Raises:
            InputError: when ``X`` or ``y`` has another shape, lacks values, or there are fewer than two labels.
            HarkenError: when the recipe cannot be trained on these windows; see ``Recogniser.fit``.
            TypeError: for any other argument, such as ``sample_weight``.
        """
        if refused:
            raise TypeError(
                f"ActivityClassifier.fit takes no {', '.join(refused)}: every window counts the same. "
                "Leave out windows that should not count"
            )
        if not 0 < self.sample_rate_hz < np.inf:
            raise InputError(f"sample_rate_hz must be a positive number, got {self.sample_rate_hz}")
        signals = _signals(X, channels=tuple(self.channels))
        classes, codes = _classes(y)
        check_consistent_length(signals, codes)
        names = tuple(str(one) for one in classes.tolist())
        recogniser = Recogniser(self._recipe(), epochs=self.epochs, seed=self._seed(), device=self.device)
        windows = Windows.unlabelled(signals, channels=tuple(self.channels), sample_rate_hz=float(self.sample_rate_hz))
        recogniser.fit(replace(windows, label_codes=codes.astype(np.int16), label_names=names))
        self.recogniser_ = recogniser.with_provenance({"training_people": []})
        self.classes_ = classes
        return self

    def predict_proba(self, X: ArrayLike) -> Float32Array:
        """Probabilities of each label, float32 ``[n, classes]``, in the order of ``classes_``. Not calibrated.

        Raises:
            NotFittedError: when the classifier is not fitted.
            InputError: when ``X`` lacks values, or has other channels or another length than the training windows.
        """
        check_is_fitted(self, "recogniser_")
        model = self.recogniser_.specification_
        signals = _signals(X, channels=model.channels)
        if signals.shape[1] != model.window_length:
            raise InputError(
                f"X has windows of {signals.shape[1]} samples, but ActivityClassifier was trained on windows of "
                f"{model.window_length}"
            )
        windows = Windows.unlabelled(signals, channels=model.channels, sample_rate_hz=model.sample_rate_hz)
        return self.recogniser_.predict_proba(windows)

    def predict(self, X: ArrayLike) -> AnyArray:
        """The most probable label of each window, ``[n]``. Raises as ``predict_proba``."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        """The tags that scikit-learn reads: windows are three-dimensional."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _recipe(self) -> Preset:
        recipe = preset(self.preset)
        if self.learning_rate is not None:
            recipe = recipe.trained(learning_rate=self.learning_rate)
        if self.dropout is not None:
            recipe = replace(recipe, sizes={**recipe.sizes, "dropout": self.dropout})
        return recipe

    def _seed(self) -> int:
        generator = check_random_state(self.random_state)
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(generator.randint(LARGEST_SEED))


def _signals(X: ArrayLike, *, channels: tuple[str, ...]) -> Float32Array:
    """``X`` as float32 ``[n, length, channels]``. Raises an InputError if it is not valid."""
    expected = (
        f"X must hold windows of numbers, [n, length, {len(channels)}], whose channels are "
        f"{', '.join(channels)} (channels= names others), all equally long, with at least {SHORTEST} samples"
    )
    try:
        array = check_array(X, ensure_2d=False, allow_nd=True, ensure_all_finite=False, input_name="X")
    except ValueError as error:
        raise InputError(f"{expected}: {error}") from error
    shaped = array.ndim == 3 and array.shape[1] >= SHORTEST and array.shape[2] == len(channels)
    if not shaped or array.dtype.kind not in "biufO":
        raise InputError(
            f"{expected}; this one is {array.dtype} {array.shape}. Reshape your data, as with X.reshape(n, length, "
            "channels)"
        )
    with np.errstate(over="ignore"):
        signals: Float32Array = array.astype(np.float32)
    if not np.isfinite(signals).all():
        window, sample, channel = (int(place) for place in np.argwhere(~np.isfinite(signals))[0])
        raise InputError(
            f"X contains {array[window, sample, channel]} (window {window}, sample {sample}, channel "
            f"{channels[channel]}); leave out windows with NaN or infinity"
        )
    return signals


def _classes(y: ArrayLike | None) -> tuple[AnyArray, Int64Array]:
    """The labels that occur in ``y``, sorted, and the position of each window's label among them."""
    if y is None:
        raise InputError("ActivityClassifier requires y to be passed, but the target y is None")
    labels = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has only one class, {classes[0]}; at least two are needed")
    return classes, codes.astype(np.int64)
