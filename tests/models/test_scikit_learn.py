"""A ``Recogniser`` does what scikit-learn's own tools ask of a classifier, with three-dimensional windows."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import people
from harken.models.recogniser import Recogniser
from harken.networks.presets import PRESETS, Preset
from harken.support.errors import HarkenError
from harken.windows.arrays_as_windows import InputError
from harken.windows.windows import Windows

SMALL = people.SMALL_EVERYDAY
QUICK = replace(SMALL.trained(epochs=1, min_iterations=1, batch_windows=8), name="quick-everyday")
LENGTH, RATE_HZ = 40, 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, QUICK.name, QUICK)


def invented(people_count: int = 4, each: int = 10) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.int64]]:
    """Windows, labels and wearers: still two ways round, and swinging; every wearer a little different."""
    random = np.random.default_rng(0)
    time = np.arange(LENGTH) / RATE_HZ
    X, y, wearers = [], [], []
    for person in range(people_count):
        angle = random.normal(0, 0.1)
        for label, gravity, swing in (("lying", 0.0, 0.0), ("sitting", 1.3, 0.0), ("walking", 2.2, 0.4)):
            for _ in range(each):
                wave = swing * np.sin(2 * np.pi * (2 * time + random.random()))
                held = np.stack([np.sin(gravity + angle) + wave, 0 * time, np.cos(gravity + angle) + wave], axis=1)
                X.append(held + random.normal(0, 0.02, (LENGTH, 3)))
                y.append(label)
                wearers.append(person)
    return np.array(X), np.array(y), np.array(wearers)


def in_g(X: NDArray[np.float64]) -> NDArray[np.float64]:
    return X / 9.80665


def quick(preset: str | Preset = QUICK, **parameters: Any) -> Recogniser:
    given: dict[str, Any] = {"sample_rate_hz": RATE_HZ, "device": "cpu"}
    return Recogniser(preset, **(given | parameters))


def test_unseen_are_recognised_in_a_cross_validation_over_people() -> None:
    X, y, wearers = invented()
    folds = GroupKFold(4)
    found = cross_validate(quick(SMALL), X, y, groups=wearers, cv=folds, return_estimator=True, error_score="raise")
    assert found["test_score"].min() > 0.8
    for fold, (learned, tested) in zip(found["estimator"], folds.split(X, y, wearers), strict=True):
        assert set(wearers[learned]).isdisjoint(wearers[tested])
        assert fold.provenance_["training_windows"] == len(learned)


def test_arrays_teach_what_windows_teach() -> None:
    X, y, _ = invented(2)
    windows = Windows.unlabelled(X.astype(np.float32), channels=("x", "y", "z"), sample_rate_hz=20.0)
    names, codes = np.unique(y, return_inverse=True)
    windows = replace(windows, label_codes=codes.astype(np.int16), label_names=tuple(names.tolist()))
    recogniser = Recogniser(QUICK, seed=5, epochs=2, device="cpu").fit(windows)
    classifier = quick(seed=5, epochs=2).fit(X, y)
    np.testing.assert_array_equal(classifier.predict_proba(X), recogniser.predict_proba(windows))
    np.testing.assert_array_equal(classifier.predict(X), recogniser.predict(windows))
    assert classifier.score(X, y) == recogniser.score(windows)
    assert classifier.specification_.labels == ("lying", "sitting", "walking")
    assert classifier.specification_ == recogniser.specification_
    assert classifier.provenance_ == {**recogniser.provenance_, "training_people": []}


def test_columns_are_in_the_order_of_the_classes() -> None:
    X, y, _ = invented()
    numbers = {"lying": 7, "sitting": 100, "walking": 20}  # as text, 100 sorts before 20 and 7
    classifier = quick(SMALL, epochs=10).fit(X, np.array([numbers[label] for label in y.tolist()]))
    assert classifier.classes_.tolist() == [7, 20, 100]
    mean = classifier.predict_proba(X[y == "sitting"]).mean(axis=0)
    assert mean.argmax() == 2


def test_a_saved_recogniser_has_its_classes_as_text(tmp_path: Path) -> None:
    X, y, _ = invented(2)
    numbers = np.unique(y, return_inverse=True)[1]
    fitted = quick().fit(X, numbers)
    assert fitted.with_temperature(2.0, "unseen").classes_.tolist() == [0, 1, 2]
    fitted.save(tmp_path / "model.safetensors")
    loaded = Recogniser.load(tmp_path / "model.safetensors", device="cpu")
    assert loaded.classes_.tolist() == ["0", "1", "2"]
    assert loaded.predict(X).tolist() == fitted.predict(X).astype(str).tolist()
    again = clone(loaded).set_params(preset=QUICK)
    assert not hasattr(again, "classes_")
    np.testing.assert_array_equal(again.fit(X, numbers).predict_proba(X), fitted.predict_proba(X))


def test_another_model_with_other_labels_has_its_own_classes() -> None:
    X, y, _ = invented(2)
    numbers = np.unique(y, return_inverse=True)[1]
    assert quick().fit(X, numbers).with_model(quick().fit(X, y).model_).classes_.tolist() == np.unique(y).tolist()


def test_the_parameters_reach_the_training() -> None:
    X, y, _ = invented(2)
    recipe = replace(QUICK.trained(learning_rate=0.001), sizes={**QUICK.sizes, "dropout": 0.5})
    made = quick(recipe, epochs=3, seed=8).fit(X, y)
    training = made.provenance_["training"]
    assert (training["epochs"], training["learning_rate"], training["seed"]) == (3, 0.001, 8)
    model = made.specification_
    assert (model.sizes["dropout"], model.sample_rate_hz, model.window_length) == (0.5, RATE_HZ, LENGTH)
    made.set_params(sample_rate_hz=50.0, channels=("a", "b", "c"))
    assert made.predict(X).shape == y.shape  # parameters count from the next fit on


def test_without_a_rate_it_is_the_rate_of_the_recipe() -> None:
    X, y, _ = invented(2)
    assert quick(sample_rate_hz=None).fit(X, y).specification_.sample_rate_hz == QUICK.sample_rate_hz
    with pytest.raises(InputError, match=r"recipe bare has no rate of its own; .*Recogniser\(sample_rate_hz=25\)"):
        quick(replace(QUICK, name="bare", sample_rate_hz=None), sample_rate_hz=None).fit(X, y)


def test_in_a_pipeline_and_a_grid_search_over_people() -> None:
    X, y, wearers = invented(3)
    steps = [("to_g", FunctionTransformer(in_g)), ("recognise", quick())]
    recipes = [QUICK.trained(learning_rate=rate) for rate in (0.001, 0.01)]
    grid = {"recognise__epochs": [1, 4], "recognise__preset": recipes}
    search = GridSearchCV(Pipeline(steps), grid, cv=GroupKFold(3), error_score="raise")
    search.fit(X * 9.80665, y, groups=wearers)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_params_["recognise__epochs"] in (1, 4)
    assert search.best_estimator_["recognise"].provenance_["training_windows"] == len(X)
    assert search.predict(X * 9.80665).shape == y.shape
    np.testing.assert_array_equal(search.classes_, np.unique(y))


def test_more_channels_have_names() -> None:
    X, y, _ = invented(2)
    six = np.concatenate([X, X], axis=2)
    names = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
    made = quick(channels=names).fit(six, y)
    assert made.specification_.vectors == ((0, False), (3, True))
    assert made.predict(six).shape == y.shape


def with_value(value: float) -> Callable[[NDArray[np.float64]], ArrayLike]:
    def change(X: NDArray[np.float64]) -> ArrayLike:
        X = X.copy()
        X[3, 5, 1] = value
        return X

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :, 0], r"X must hold windows .*\[n, length, 3\], whose channels are x, y, z .*\(60, 40\)"),
        (lambda X: X[0, 0], r"\(3,\). Reshape your data"),
        (lambda X: X[..., :2], r"channels= names others\).*; this one is float64 \(60, 40, 2\)"),
        (lambda X: X[:0], r"0 sample\(s\)"),
        (lambda X: X[:, :1], "with at least 2 samples"),
        (with_value(np.nan), "X contains nan .window 3, sample 5, channel y.; leave out windows with NaN or infinity"),
        (with_value(-np.inf), "X contains -inf"),
        (with_value(1e300), r"X contains 1e\+300"),
        (lambda X: X.astype("datetime64[s]"), "windows of numbers.*; this one is datetime64"),
        (lambda X: X * 1j, "Complex data not supported"),
        (lambda X: X.astype(str), "not compatible with arrays of bytes/strings"),
        (lambda X: [[[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]] * 2], "all equally long"),
    ],
)
def test_what_is_no_window_is_refused_before_and_after_learning(
    change: Callable[[NDArray[np.float64]], ArrayLike], message: str
) -> None:
    X, y, _ = invented(2)
    with pytest.raises(InputError, match=message):
        quick().fit(change(X), y)
    with pytest.raises(InputError, match=message):
        quick().fit(X, y).predict(change(X))


def test_other_refusals() -> None:
    X, y, _ = invented(2)
    with pytest.raises(TypeError, match="sample_weight"):
        quick().fit(X, y, sample_weight=np.ones(len(X)))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="dense data is required"):
        quick().fit(csr_array(X[0]), y)
    labels: Any
    for labels, message in (
        (np.full(len(X), "lying"), "only one class, lying"),
        (None, "y is None"),
        (np.array([1, "1"], dtype=object)[np.arange(len(X)) % 2], "Unknown label type"),
        (y[1:], "inconsistent numbers of samples"),
        (np.random.default_rng(0).random(len(X)), "continuous"),
    ):
        with pytest.raises(ValueError, match=message):
            quick().fit(X, labels)
    with pytest.raises(InputError, match="windows of 39 samples, but this Recogniser was trained on windows of 40"):
        quick().fit(X, y).predict(X[:, 1:])
    with pytest.raises(InputError, match="Recogniser has no parameter 'dropout'; its parameters are preset, epochs, "):
        quick().set_params(dropout=0.5)
    windows = Windows.unlabelled(X.astype(np.float32), channels=("x", "y", "z"), sample_rate_hz=RATE_HZ)
    with pytest.raises(InputError, match="have their own labels, so leave y out"):
        quick().fit(windows, y)
    for classifier, message in (
        (quick(preset="everything"), "there is no preset 'everything'"),
        (quick(epochs=0), "epochs must be at least 1, got 0"),
        (quick(sample_rate_hz=0.0), "sample_rate_hz must be a positive number, got 0.0"),
        (
            quick(replace(QUICK, sizes={**QUICK.sizes, "dropout": 2.0})),
            "dropout of the network .* must be a number from 0 to below 1, got 2.0",
        ),
        (quick(device="tpu"), "there is no device 'tpu'"),
    ):
        with pytest.raises(HarkenError, match=message):
            classifier.fit(X, y)


class OfRows(Recogniser):
    """A recogniser for scikit-learn's own checks, which know two-dimensional data only.

    A row becomes a window whose three channels are all that row. Whatever is no table goes through as it is.
    """

    def fit(self, windows: Any, y: Any = None, **options: Any) -> "OfRows":
        super().fit(as_windows(windows), y, **options)
        return self

    def predict_proba(self, windows: Any) -> NDArray[np.float32]:
        return super().predict_proba(as_windows(windows))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.classifier_tags.poor_score = True  # one step of training
        return tags


def as_windows(X: Any) -> Any:
    if issparse(X):
        return X
    rows = np.asarray(X)
    return np.repeat(rows[:, :, None], 3, axis=2) if rows.ndim == 2 else rows


NOT_OF_WINDOWS = {
    "check_n_features_in": "windows have a length and channels; neither is a number of features",
    "check_n_features_in_after_fitting": "windows have a length and channels; neither is a number of features",
    "check_fit2d_1feature": "a row of one value is a window of one sample, which is refused in other words",
    "check_estimators_empty_data_messages": "rows of no value are windows of no sample, refused in other words",
}


def list_checks(recogniser: Recogniser) -> pytest.MarkDecorator:
    """List scikit-learn's own checks, which before 1.9 are a generator, of which pytest would want a list."""
    with warnings.catch_warnings():
        # scikit-learn is an optional package, so no class of the core can inherit from it.
        warnings.filterwarnings("ignore", message="Estimator OfRows does not inherit from `sklearn.base.BaseEstimator`")
        marked = parametrize_with_checks([recogniser], expected_failed_checks=lambda _: NOT_OF_WINDOWS)
        names, values = marked.args
        return pytest.mark.parametrize(names, list(values), **marked.kwargs)


@list_checks(OfRows(QUICK.name, device="cpu"))
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_its_tags_claim_windows_only() -> None:
    tags = get_tags(Recogniser())
    assert is_classifier(Recogniser())
    assert (tags.input_tags.two_d_array, tags.input_tags.three_d_array) == (False, True)
