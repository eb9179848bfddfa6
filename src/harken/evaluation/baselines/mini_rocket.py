"""MiniRocket: ridge regression on the share of positive values of thousands of fixed convolutions of a window."""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from harken.support.arrays import Float32Array, Float64Array, FloatArray, Int64Array
from harken.support.errors import HarkenError
from harken.support.plugins import install_command

AnyFloats = FloatArray
Signals = Float32Array
SHORTEST_WINDOW = 9
"""Samples: the length of a kernel."""
WINDOWS_AT_ONCE = 2048
ROWS_AT_ONCE = 1024
"""Rows in each step of the ridge regression."""
ONE_CALLER = threading.Lock()
STRENGTHS = np.logspace(-3, 3, 10).tolist()


@dataclass(frozen=True, eq=False)
class Ridge:
    """A fitted ridge regression: ``coefficients`` ``[features, targets]``, ``intercepts`` ``[targets]``, strength."""

    coefficients: Float64Array
    intercepts: Float64Array
    strength: float

    def predict(self, values: AnyFloats) -> Float64Array:
        """Values ``[n, features]`` -> targets ``[n, targets]``."""
        return np.asarray(values @ self.coefficients + self.intercepts)


def fit_ridge(values: AnyFloats, targets: AnyFloats, *, strengths: Sequence[float]) -> Ridge:
    """Regress targets ``[n, targets]`` on values ``[n, features]``, with an intercept.

    This is the regression of scikit-learn's ``RidgeClassifierCV``, but fast for many windows. With more windows than
    features, scikit-learn 1.9 multiplies matrices of ``[features, features]`` for each strength that it tries. In the
    axes of the covariance matrix, the cost of a strength is negligible: 5000 windows of 2500 features take a fifth of
    the time, with the same coefficients. Source: Rifkin and Lippert, "Notes on regularized least squares", MIT, 2007.

    The strength of the penalty is chosen from ``strengths`` (all above 0) by leave-one-out cross-validation: it has the
    smallest mean squared error over windows and targets.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    middle = targets.mean(axis=0, dtype=np.float64)
    y = targets - middle
    # Predictions are basis · weights · basisᵀ · y, with one diagonal of weights for each strength.
    tall = values.shape[0] > values.shape[1]
    if tall:
        squares, axes = np.linalg.eigh(_covariance(values, mean))
        basis = np.concatenate([block @ axes for block in _centred(values, mean)])
    else:
        centred = values - mean
        squares, basis = np.linalg.eigh(centred @ centred.T)
    squares = np.maximum(squares, 0)
    penalised = squares + np.asarray(strengths)[:, np.newaxis]  # [strengths, axes]
    weights = (1 if tall else squares) / penalised
    projected = basis.T @ y
    best = int(_left_out_errors(basis, weights, projected, y).argmin())
    shrunk = projected / penalised[best][:, np.newaxis]
    coefficients = axes @ shrunk if tall else centred.T @ (basis @ shrunk)
    return Ridge(coefficients, middle - mean @ coefficients, float(strengths[best]))


def _left_out_errors(
    basis: Float64Array, weights: Float64Array, projected: Float64Array, y: Float64Array
) -> Float64Array:
    """The mean squared error of predicting each row from all others, for each of the weights ``[strengths, axes]``."""
    total = np.zeros(len(weights))
    for start in range(0, len(y), ROWS_AT_ONCE):
        rows = basis[start : start + ROWS_AT_ONCE]
        truth = y[start : start + ROWS_AT_ONCE]
        leverage = (rows * rows) @ weights.T + 1 / len(y)  # [rows, strengths]; 1 / n for the intercept
        for place, weight in enumerate(weights):
            residual = truth - rows @ (weight[:, np.newaxis] * projected)
            total[place] += np.square(residual / (1 - leverage[:, place, np.newaxis])).sum()
    return total / y.size


def _covariance(values: AnyFloats, mean: Float64Array) -> Float64Array:
    total = np.zeros((len(mean), len(mean)))
    for block in _centred(values, mean):
        total += block.T @ block
    return total


def _centred(values: AnyFloats, mean: Float64Array) -> Iterator[Float64Array]:
    """The rows minus their mean, in blocks, because all rows in float64 would take twice the memory."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield values[start : start + ROWS_AT_ONCE] - mean


class MiniRocket(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """aeon's MiniRocket (Dempster, Schmidt and Webb, KDD 2021), with the same steps as its ``MiniRocketClassifier``.

    It computes 10,000 features, each divided by its standard deviation, and fits a ridge regression on -1 and 1 for
    each label. The strength of the penalty is chosen from 1e-3 to 1e3 by leave-one-out over training windows. aeon's
    classifier gives the predicted label a probability of 1; here **the probabilities are the softmax of the ridge's
    decision values**, which keeps the order of labels. They are too uniform to be used as probabilities.

    Windows must have 9 samples or more. aeon is an extra: ``pip install aeon``.

    Args:
        kernels: the number of features, rounded down to a multiple of 84.
        random_state: the seed; None: another one each time.

    Raises:
        HarkenError: when aeon is not installed.
    """

    reads_windows = True
    """In place of features; see ``harken.evaluation.benchmark.methods.BaselineMethod``."""

    def __init__(self, *, kernels: int = 10_000, random_state: int | None = None) -> None:
        self.kernels, self.random_state = kernels, random_state
        _aeon_mini_rocket()  # raises now, and not hours later, if aeon is missing

    def fit(self, signals: Signals, codes: Int64Array) -> "MiniRocket":
        """Fit to windows ``[n, time, 3]`` in g and codes ``[n]``, whose distinct values are ``classes_``.

        Raises:
            HarkenError: when the windows are too short.
        """
        if signals.shape[1] < SHORTEST_WINDOW:
            raise HarkenError(
                f"windows of {signals.shape[1]} samples are too short for MiniRocket, whose kernels have 9"
            )
        seed = None if self.random_state is None else self.random_state % 2**31
        self._transformer: Any = _aeon_mini_rocket()(n_kernels=self.kernels, random_state=seed, n_jobs=1)
        with _global_random_numbers_kept(), _still_windows_allowed():
            self._transformer.fit(_channels_first(signals))
        self._scaler = StandardScaler(with_mean=False, copy=False)
        values = self._scaler.fit_transform(self._values(signals))
        self.classes_ = np.unique(codes)
        targets = np.where(codes[:, np.newaxis] == self.classes_, 1.0, -1.0)
        self._ridge = fit_ridge(values, targets, strengths=STRENGTHS)
        return self

    def predict_proba(self, signals: Signals) -> Float64Array:
        """The probabilities of ``classes_``, ``[n, classes]``."""
        blocks = [signals[start : start + WINDOWS_AT_ONCE] for start in range(0, len(signals), WINDOWS_AT_ONCE)]
        decisions = [self._ridge.predict(self._scaler.transform(self._values(block))) for block in blocks]
        return np.asarray(softmax(np.concatenate(decisions), axis=1))

    def _values(self, signals: Signals) -> Signals:
        with ONE_CALLER, _still_windows_allowed():
            return np.asarray(self._transformer.transform(_channels_first(signals)))


def _aeon_mini_rocket() -> Any:
    try:
        import numba

        # Numba's default threads are those of OpenMP. Starting them changes PyTorch's number of threads in this
        # process: training after MiniRocket would be slower, with other bits. Numba's own threads allow only one caller
        # at a time. Older versions of aeon start the threads on import, so the threading layer is chosen before.
        if numba.config.THREADING_LAYER == "default":
            numba.config.THREADING_LAYER = "workqueue"
        from aeon.transformations.collection.convolution_based import MiniRocket as Transformer
    except ModuleNotFoundError as error:
        raise HarkenError(
            f"the baseline mini_rocket needs aeon ({error.name} is missing): {install_command('aeon')}"
        ) from error
    return Transformer


def _channels_first(signals: Signals) -> Signals:
    """Signals in the shape for aeon: ``[n, 3, time]``."""
    return np.ascontiguousarray(signals.transpose(0, 2, 1), dtype=np.float32)


@contextmanager
def _still_windows_allowed() -> Iterator[None]:
    """Without aeon's warning about windows of little variation: a watch on a table is such a window."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Data seen by instance of MiniRocket", category=UserWarning)
        yield


@contextmanager
def _global_random_numbers_kept() -> Iterator[None]:
    """Restore the state of NumPy's global generator, which aeon seeds."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
