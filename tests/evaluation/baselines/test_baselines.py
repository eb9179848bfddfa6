"""What every baseline promises, on small invented activities and people, and which classifiers may be one."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from harken.evaluation.baselines.random_forest import RandomForest
from harken.evaluation.baselines.sedentary_sphere import SedentarySphere
from harken.evaluation.benchmark.methods import BaselineMethod, method
from harken.support.errors import HarkenError
from harken.windows.windows import Windows, concatenate

RATE_HZ = 25.0
LABELS = ("lying", "sitting", "walking", "running")


def small_rocket() -> Any:
    pytest.importorskip("aeon", reason="aeon is not installed: pip install aeon")
    from harken.evaluation.baselines.mini_rocket import MiniRocket

    return MiniRocket(kernels=840)


SMALL: dict[str, Callable[[], Any]] = {
    "random_forest": lambda: RandomForest(trees=60),
    "mini_rocket": small_rocket,
    "any classifier": lambda: ExtraTreesClassifier(60),
}


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.second_stage] * (name == "mini_rocket")) for name in SMALL]
)
def small(request: pytest.FixtureRequest) -> Callable[..., BaselineMethod]:
    """Each baseline, small enough for tests, with a seed."""
    return lambda seed=0: BaselineMethod(request.param, seed, SMALL[request.param]())


def person(seed: int, windows_each: int = 12, length: int = 125) -> Windows:
    """Somebody lying, sitting, walking and running, in any order."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.repeat(np.arange(len(LABELS)), windows_each))
    angle = np.array([0.0, 1.3, 2.2, 2.2])[codes] + random.normal(0, 0.15) + random.normal(0, 0.1, len(codes))
    swing = np.array([0.01, 0.02, 0.3, 0.9])[codes] * random.uniform(0.8, 1.2)
    hz = np.array([0.3, 0.5, 1.8, 2.7])[codes] * random.uniform(0.95, 1.05)
    time = np.arange(length) / RATE_HZ + random.uniform(0, 1, (len(codes), 1))
    wave = swing[:, np.newaxis] * np.sin(2 * np.pi * hz[:, np.newaxis] * time)
    gravity = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)[:, np.newaxis]
    noise = random.normal(0, 0.02, (len(codes), length, 3))
    return labelled(gravity + wave[..., np.newaxis] * np.array([1.0, 0.3, 0.6]) + noise, codes)


def labelled(signals: np.ndarray, codes: np.ndarray, rate_hz: float = RATE_HZ) -> Windows:
    windows = Windows.unlabelled(signals.astype(np.float32), channels=("x", "y", "z"), sample_rate_hz=rate_hz)
    return replace(windows, label_codes=codes.astype(np.int16), label_names=LABELS)


def people(*seeds: int) -> Windows:
    return concatenate([person(seed) for seed in seeds]).with_label_names(LABELS)


def right(probabilities: np.ndarray, windows: Windows) -> float:
    return float((probabilities.argmax(axis=1) == windows.label_codes).mean())


def test_an_unseen_person_is_recognised(small: Callable[..., BaselineMethod]) -> None:
    unseen = person(9)
    found = small().fit(people(1, 2, 3)).probabilities(unseen)
    assert found.shape == (len(unseen), len(LABELS))
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert right(found, unseen) > 0.85  # chance is 0.25
    # A score above chance here would come from the test itself.
    training = people(1, 2, 3)
    shuffled = replace(training, label_codes=np.random.default_rng(5).permutation(training.label_codes))
    assert right(small().fit(shuffled).probabilities(people(9, 10, 11)), people(9, 10, 11)) < 0.6


def test_the_seed_alone_decides_and_no_random_numbers_around_it(small: Callable[..., BaselineMethod]) -> None:
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    one, again, other = (small(seed).fit(people(1, 2, 3)).probabilities(person(9)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(again, one)
    assert not np.array_equal(other, one)
    np.testing.assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], before)  # noqa: NPY002


def test_windows_do_not_depend_on_their_neighbours(
    small: Callable[..., BaselineMethod], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, windows = small().fit(people(1, 2, 3)), person(9)
    whole = trained.probabilities(windows)
    np.testing.assert_allclose(whole[5:8], trained.probabilities(windows[5:8]), rtol=1e-5)
    monkeypatch.setattr("harken.evaluation.baselines.mini_rocket.WINDOWS_AT_ONCE", 7)
    np.testing.assert_allclose(trained.probabilities(windows), whole, rtol=1e-5)
    assert trained.probabilities(windows[:0]).shape == (0, len(LABELS))


def test_labels_and_sets_of_labels_without_windows_have_no_chance(small: Callable[..., BaselineMethod]) -> None:
    windows = people(1, 2, 3)
    found = small().fit(windows, {"sitting": ["lying", "walking"]}).probabilities(windows)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    kept = windows[windows.labels != "sitting"]
    assert right(found[windows.labels != "sitting"], kept) > 0.9
    two = windows[windows.label_codes >= 2]
    assert right(small().fit(two).probabilities(two), two) > 0.9


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: {"signals": np.where(np.arange(125)[:, None] == 7, np.nan, one.signals)}, "0.*nan.*7, axis x"),
        (lambda one: {"signals": one.signals[..., :2]}, "three axes"),
        (lambda one: {"signals": one.signals[:, :8]}, "too short"),
        (lambda one: {"label_codes": 0 * one.label_codes}, "fewer than two labels"),
        (lambda one: {"label_codes": one.label_codes - 1}, "unlabelled"),
    ],
)
def test_windows_that_cannot_be_trained_on_are_refused(
    small: Callable[..., BaselineMethod], change: Callable[[Windows], dict[str, Any]], says: str
) -> None:
    windows = person(1)
    with pytest.raises(HarkenError, match=says):
        small().fit(replace(windows, **change(windows)))


def test_windows_unlike_the_training_windows_are_refused(small: Callable[..., BaselineMethod]) -> None:
    trained, windows = small().fit(people(1, 2, 3)), person(9)
    with pytest.raises(HarkenError, match=r"windows, 125, 3\]; these are \(\d+, 100, 3\)"):
        trained.probabilities(replace(windows, signals=windows.signals[:, :100]))
    with pytest.raises(HarkenError, match="missing values"):
        trained.probabilities(replace(windows, signals=np.full_like(windows.signals, np.nan)))


def test_a_rare_label_is_not_drowned_in_the_forest() -> None:
    random = np.random.default_rng(0)
    codes = np.repeat([0, 1], (300, 15))
    values = random.normal(codes[:, np.newaxis] * 1.5, 1, (len(codes), 4))  # with much overlap
    forest = RandomForest(trees=60, random_state=7).fit(values, codes)
    others = random.normal(1.5, 1, (200, 4))
    assert (forest.predict_proba(others)[:, 1] > 0.5).mean() > 0.5


@pytest.mark.parametrize("wrong", [RidgeClassifier, LinearRegression(), StandardScaler()])
def test_what_is_no_classifier_is_refused(wrong: Any) -> None:
    with pytest.raises(HarkenError, match="is not a classifier of scikit-learn's kind"):
        method(wrong, seed=0)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sklearn.ensembles:RandomForestClassifier", "cannot be imported .ModuleNotFoundError: .*PYTHONPATH"),
        ("sklearn.ensemble:Forest", "cannot be imported .AttributeError"),
        ("sklearn:__version__", "cannot be called without arguments .TypeError"),
        ("sklearn.ensemble:VotingClassifier", "cannot be called without arguments .TypeError"),
        ("sklearn.linear_model:LinearRegression", "is not a classifier"),
    ],
)
def test_a_name_that_makes_no_classifier_is_refused(name: str, why: str) -> None:
    with pytest.raises(HarkenError, match=f"{name} {why}"):
        method(name, seed=0)


def test_parameters_are_written_without_addresses_in_memory() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LinearSVC(C=2.0, class_weight="balanced"))
    written = method(pipeline, seed=0).settings()
    assert "0x" not in json.dumps(written)
    assert written["parameters"]["linearsvc__C"] == 2.0
    assert written["parameters"]["standardscaler"] == "sklearn.preprocessing._data:StandardScaler"
    assert method("random_forest", seed=3).settings() == {
        "kind": "baseline", "baseline": "random_forest", "parameters": {"trees": 1000}, "seed": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("degrees", "swing_g", "answer"),
    [
        (0, 0.02, "sitting"),  # on a desk
        (20, 0.02, "sitting"),
        (-20, 0.02, "sitting"),  # the hand above the elbow
        (30, 0.02, "standing"),
        (-90, 0.02, "standing"),  # hanging, and the watch the other way round
        (90, 0.02, "standing"),
        (0, 0.5, "standing"),  # much movement
    ],
)
def test_the_sedentary_sphere_goes_by_elevation_and_movement(degrees: float, swing_g: float, answer: str) -> None:
    angle = np.radians(degrees)
    signals = np.tile([np.sin(angle), 0.6 * np.cos(angle), 0.8 * np.cos(angle)], (1, 300, 1))
    signals *= 1 + swing_g * np.sin(np.arange(300))[:, np.newaxis]
    windows = labelled(signals, np.zeros(1)).with_label_names(("lying", "sitting", "standing"))
    sphere = method("sedentary_sphere", seed=0)
    assert isinstance(sphere, SedentarySphere)
    (shares,) = sphere.fit(windows).probabilities(windows)
    assert shares.tolist() == [float(name == answer) for name in windows.label_names]
    with pytest.raises(HarkenError, match="answers sitting or standing, and standing is no label here"):
        sphere.fit(windows.with_label_names(("lying", "sitting")))
