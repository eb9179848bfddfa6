"""Classifiers of scikit-learn's kind as baselines: which are taken, how they are made, and what is written of them."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from harken.evaluation.baselines.estimator import EstimatorBaseline, estimator_named, estimator_parameters
from harken.evaluation.baselines.features import window_features
from harken.support.errors import HarkenError

RATE_HZ = 25.0


class Remembering(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Remembers what it was given, and recognises everything as the label that it met first."""

    given: np.ndarray

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, values: np.ndarray, codes: np.ndarray) -> "Remembering":
        self.seed_, self.first_, self.classes_ = self.random_state, codes[0], np.unique(codes)
        Remembering.given = values
        return self

    def predict(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), self.first_)


def windows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    codes = np.repeat(np.array([2, 1]), 6)
    signals = random.normal(0, 0.1, (12, 100, 3)) * codes[:, None, None] + np.array([0, 0, 1])
    return signals.astype(np.float32), codes


def test_it_reads_the_features_of_windows_and_its_choice_is_certain_where_it_gives_no_probability() -> None:
    signals, codes = windows()
    learner = EstimatorBaseline(Remembering(), "remembering")
    learner.fit(signals, codes, sample_rate_hz=RATE_HZ, seed=0, classes=4)
    np.testing.assert_array_equal(Remembering.given, window_features(signals, sample_rate_hz=RATE_HZ).values)
    np.testing.assert_array_equal(learner.predict_proba(signals[:2]), [[0, 0, 1, 0], [0, 0, 1, 0]])
    ridge = EstimatorBaseline(RidgeClassifier(), "ridge")
    ridge.fit(signals, codes, sample_rate_hz=RATE_HZ, seed=0, classes=4)
    assert (ridge.predict_proba(signals).argmax(axis=1) == codes).all()


def test_seeds_that_are_not_set_become_the_seed_and_the_estimator_stays_unfitted() -> None:
    signals, codes = windows()
    estimator = make_pipeline(StandardScaler(), Remembering())
    learner = EstimatorBaseline(estimator, "pipeline")
    learner.fit(signals, codes, sample_rate_hz=RATE_HZ, seed=41)
    assert learner._fitted[-1].seed_ == 41
    assert not hasattr(estimator[-1], "seed_")
    assert estimator[-1].random_state is None
    own = EstimatorBaseline(Remembering(random_state=7), "own seed")
    own.fit(signals, codes, sample_rate_hz=RATE_HZ, seed=41)
    assert own._fitted.seed_ == 7


@pytest.mark.parametrize("wrong", [RidgeClassifier, LinearRegression(), "svm", StandardScaler()])
def test_what_is_no_classifier_is_refused(wrong: Any) -> None:
    with pytest.raises(HarkenError, match="mine is not a classifier of scikit-learn's kind"):
        EstimatorBaseline(wrong, "mine")


def test_a_classifier_is_named_by_module_and_class_or_function() -> None:
    assert isinstance(estimator_named("sklearn.ensemble:RandomForestClassifier"), RandomForestClassifier)
    for name, why in (
        ("sklearn.ensembles:RandomForestClassifier", "cannot be imported .ModuleNotFoundError: .*PYTHONPATH"),
        ("sklearn.ensemble:Forest", "cannot be imported .AttributeError"),
        ("sklearn:__version__", "is neither a class nor a function"),
        ("sklearn.ensemble:VotingClassifier", "cannot be called without arguments .TypeError"),
        ("sklearn.linear_model:LinearRegression", "is not a classifier"),
    ):
        with pytest.raises(HarkenError, match=f"{name} {why}"):
            estimator_named(name)


def test_parameters_are_written_without_addresses_in_memory() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LinearSVC(C=2.0, class_weight="balanced"))
    parameters = estimator_parameters(pipeline)
    text = json.dumps(parameters)
    assert "0x" not in text
    assert parameters["linearsvc__C"] == 2.0
    assert parameters["linearsvc__class_weight"] == "balanced"
    assert parameters["standardscaler"] == "sklearn.preprocessing._data:StandardScaler"
