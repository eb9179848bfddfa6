"""Any classifier of scikit-learn as a baseline, on the same hand-made features as the random forest.

The classifier reads the columns of ``harken.evaluation.baselines.features.window_features``: float64
``[windows, features]``, in g, Hz, rad and logarithms of powers, not standardised. Use a pipeline to standardise
the features for a classifier that needs it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier

from harken.evaluation.baselines.base import check_examples, check_signals
from harken.evaluation.baselines.features import window_features
from harken.support.errors import HarkenError
from harken.support.plugins import import_object


class EstimatorBaseline:
    """A classifier with scikit-learn's interface, fitted to the features of windows.

    For a classifier without ``predict_proba``, the predicted label has a probability of 1. Each ``random_state`` that
    is None, also of a pipeline's steps, is set to the seed.

    Args:
        estimator: the classifier. It is copied before it is fitted.
        name: the name in tables and files.

    Raises:
        HarkenError: when the estimator is not a classifier.
    """

    def __init__(self, estimator: Any, name: str) -> None:
        check_classifier(estimator, name)
        self.name = name
        self._estimator = estimator
        self._fitted: Any = None
        self._classes = self._time = 0
        self._sample_rate_hz = 0.0

    def fit(
        self,
        signals: NDArray[np.float32],
        codes: NDArray[np.int64],
        *,
        sample_rate_hz: float,
        seed: int,
        classes: int | None = None,
    ) -> None:
        """See ``Baseline``."""
        self._classes = check_examples(signals, codes, sample_rate_hz=sample_rate_hz, classes=classes)
        self._time, self._sample_rate_hz = signals.shape[1], sample_rate_hz
        fitted = clone(self._estimator)
        parameters = fitted.get_params(deep=True)
        unseeded = [key for key, value in parameters.items() if key.endswith("random_state") and value is None]
        fitted.set_params(**dict.fromkeys(unseeded, seed % 2**32))
        self._fitted = fitted.fit(self._values(signals), codes)

    def predict_proba(self, signals: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Baseline``."""
        if self._fitted is None:
            raise HarkenError(f"{self.name} is not fitted: call fit first")
        check_signals(signals, time=self._time)
        probabilities = np.zeros((len(signals), self._classes), dtype=np.float32)
        if len(signals) == 0:
            return probabilities
        values = self._values(signals)
        if hasattr(self._fitted, "predict_proba"):
            probabilities[:, self._fitted.classes_] = self._fitted.predict_proba(values)
        else:
            probabilities[np.arange(len(signals)), self._fitted.predict(values)] = 1
        return probabilities

    def _values(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        return window_features(signals, sample_rate_hz=self._sample_rate_hz).values


def estimator_named(reference: str) -> Any:
    """The classifier that ``module:name`` returns when called: a class, or a function without arguments.

    Raises:
        HarkenError: when it cannot be imported or called, or does not return a classifier.
    """
    make = import_object(reference)
    if not callable(make):
        raise HarkenError(f"{reference} is neither a class nor a function that makes a classifier")
    try:
        estimator = make()
    except Exception as error:  # code of the user may raise any error
        raise HarkenError(
            f"{reference} cannot be called without arguments ({type(error).__name__}: {error})"
        ) from error
    check_classifier(estimator, reference)
    return estimator


def estimator_parameters(estimator: Any) -> dict[str, Any]:
    """Values for JSON: the parameters of the classifier, including those of a pipeline's steps."""
    return {key: _for_json(value) for key, value in sorted(estimator.get_params(deep=True).items())}


def check_classifier(estimator: Any, name: str) -> None:
    """Raise a HarkenError if the estimator is not a classifier with scikit-learn's interface."""
    if isinstance(estimator, type) or not (hasattr(estimator, "get_params") and is_classifier(estimator)):
        raise HarkenError(
            f"{name} is not a classifier of scikit-learn's kind (an instance with fit, predict, get_params and "
            "set_params)"
        )


def _for_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_for_json(each) for each in value]
    if hasattr(value, "get_params") or callable(value):  # their text may contain an address in memory
        kind = value if hasattr(value, "__qualname__") else type(value)
        return f"{kind.__module__}:{kind.__qualname__}"
    return repr(value)
