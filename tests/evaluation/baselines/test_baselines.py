"""What every baseline promises, on small invented activities and people."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from harken.evaluation.baselines import BASELINES, Baseline, baseline
from harken.evaluation.baselines.estimator import EstimatorBaseline
from harken.evaluation.baselines.random_forest import RandomForest
from harken.support.errors import HarkenError

RATE_HZ = 25.0
ACTIVITIES = 4


def small_forest() -> Baseline:
    return RandomForest(trees=60)


def small_rocket() -> Baseline:
    pytest.importorskip("aeon", reason="aeon is not installed: pip install aeon")
    from harken.evaluation.baselines.mini_rocket import MiniRocket

    return MiniRocket(kernels=840)


def any_classifier() -> Baseline:
    return EstimatorBaseline(ExtraTreesClassifier(60), "extra_trees")


SMALL = {"random_forest": small_forest, "mini_rocket": small_rocket}
EVERY = SMALL | {"any classifier": any_classifier}


@pytest.fixture(params=EVERY)
def small(request: pytest.FixtureRequest) -> Callable[[], Baseline]:
    """Each baseline, small enough for tests."""
    return EVERY[request.param]


def person(seed: int, windows_each: int = 12, length: int = 125) -> tuple[np.ndarray, np.ndarray]:
    """Somebody lying, sitting, walking and running: windows ``[n, length, 3]`` in g, and codes, shuffled."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.repeat(np.arange(ACTIVITIES), windows_each))
    angle = np.array([0.0, 1.3, 2.2, 2.2])[codes] + random.normal(0, 0.15) + random.normal(0, 0.1, len(codes))
    swing = np.array([0.01, 0.02, 0.3, 0.9])[codes] * random.uniform(0.8, 1.2)
    hz = np.array([0.3, 0.5, 1.8, 2.7])[codes] * random.uniform(0.95, 1.05)
    time = np.arange(length) / RATE_HZ + random.uniform(0, 1, (len(codes), 1))
    wave = swing[:, np.newaxis] * np.sin(2 * np.pi * hz[:, np.newaxis] * time)
    gravity = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)[:, np.newaxis]
    noise = random.normal(0, 0.02, (len(codes), length, 3))
    signals = gravity + wave[..., np.newaxis] * np.array([1.0, 0.3, 0.6]) + noise
    return signals.astype(np.float32), codes.astype(np.int64)


def people(*seeds: int) -> tuple[np.ndarray, np.ndarray]:
    parts = [person(seed) for seed in seeds]
    return np.concatenate([signals for signals, _ in parts]), np.concatenate([codes for _, codes in parts])


def fitted(make: Callable[[], Baseline], seed: int = 0) -> Baseline:
    made = make()
    made.fit(*people(1, 2, 3), sample_rate_hz=RATE_HZ, seed=seed)
    return made


def test_every_baseline_has_its_name() -> None:
    assert list(BASELINES) == list(SMALL)
    assert baseline("random_forest").name == "random_forest"
    pytest.importorskip("aeon", reason="aeon is not installed: pip install aeon")
    assert baseline("mini_rocket").name == "mini_rocket"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(HarkenError, match=r"no baseline 'svm'.*random_forest, mini_rocket"):
        baseline("svm")


def test_a_unseen_is_recognised(small: Callable[[], Baseline]) -> None:
    signals, codes = person(9)
    found = fitted(small).predict_proba(signals)
    assert found.shape == (len(codes), ACTIVITIES)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == codes).mean() > 0.85  # chance is 0.25


def test_labels_that_say_nothing_teach_nothing(small: Callable[[], Baseline]) -> None:
    """A score above chance here would come from the test itself."""
    signals, codes = people(1, 2, 3)
    learner = small()
    learner.fit(signals, np.random.default_rng(5).permutation(codes), sample_rate_hz=RATE_HZ, seed=0)
    unseen, truth = people(9, 10, 11)
    assert (learner.predict_proba(unseen).argmax(axis=1) == truth).mean() < 0.6


def test_the_same_seed_gives_the_same_probabilities_and_another_seed_others(small: Callable[[], Baseline]) -> None:
    signals, _ = person(9)
    first = fitted(small, seed=3).predict_proba(signals)
    np.testing.assert_array_equal(fitted(small, seed=3).predict_proba(signals), first)
    assert not np.array_equal(fitted(small, seed=4).predict_proba(signals), first)


def test_fit_does_not_depend_on_an_earlier_fit(small: Callable[[], Baseline]) -> None:
    signals, _ = person(9)
    twice = small()
    twice.fit(*person(20, length=100), sample_rate_hz=RATE_HZ, seed=8)
    twice.fit(*people(1, 2, 3), sample_rate_hz=RATE_HZ, seed=0)
    np.testing.assert_array_equal(twice.predict_proba(signals), fitted(small).predict_proba(signals))


def test_the_random_numbers_of_the_program_around_it_are_left_alone(small: Callable[[], Baseline]) -> None:
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    fitted(small).predict_proba(person(9)[0])
    np.testing.assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], before)  # noqa: NPY002


def test_windows_do_not_depend_on_their_neighbours(
    small: Callable[[], Baseline], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, (signals, _) = fitted(small), person(9)
    whole = made.predict_proba(signals)
    if made.name == "mini_rocket":
        monkeypatch.setattr("harken.evaluation.baselines.mini_rocket.WINDOWS_AT_ONCE", 7)
    np.testing.assert_allclose(made.predict_proba(signals)[5:8], made.predict_proba(signals[5:8]), rtol=1e-5)
    np.testing.assert_allclose(made.predict_proba(signals), whole, rtol=1e-5)
    assert made.predict_proba(signals[:0]).shape == (0, ACTIVITIES)


def test_a_label_without_windows_has_its_column_and_no_chance(small: Callable[[], Baseline]) -> None:
    signals, codes = people(1, 2, 3)
    kept = codes != 1
    made = small()
    made.fit(signals[kept], codes[kept], sample_rate_hz=RATE_HZ, seed=0, classes=6)
    found = made.predict_proba(signals)
    assert found.shape == (len(signals), 6)
    assert (found[:, [1, 4, 5]] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (found.argmax(axis=1) == codes)[kept].mean() > 0.9


def test_two_labels_are_enough(small: Callable[[], Baseline]) -> None:
    signals, codes = people(1, 2, 3)
    two = codes >= 2
    made = small()
    made.fit(signals[two], codes[two] - 2, sample_rate_hz=RATE_HZ, seed=0)
    found = made.predict_proba(signals[two])
    assert found.shape == (two.sum(), 2)
    assert (found.argmax(axis=1) == codes[two] - 2).mean() > 0.9


def test_windows_without_movement_can_be_trained_on(small: Callable[[], Baseline]) -> None:
    signals, codes = people(1, 2, 3)
    signals[codes == 0] = np.array([0, 0, 1], dtype=np.float32)
    made = small()
    made.fit(signals, codes, sample_rate_hz=RATE_HZ, seed=0)
    found = made.predict_proba(np.broadcast_to(np.array([0, 0, 1], dtype=np.float32), (1, 125, 3)))
    assert found.argmax() == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s, c: (np.where(np.arange(125)[:, None] == 7, np.nan, s), c), "window 0.*nan.*sample 7, axis x"),
        (lambda s, c: (np.where(np.arange(3) == 2, np.inf, s), c), "inf.*sample 0, axis z"),
        (lambda s, c: (s[..., :2], c), "three axes"),
        (lambda s, c: (s[0], c), "three axes"),
        (lambda s, c: (s[:0], c[:0]), "fewer than two labels"),
        (lambda s, c: (s, c[1:]), "labels"),
        (lambda s, c: (s, c.astype(float)), "whole numbers"),
        (lambda s, c: (s, 0 * c), "fewer than two labels"),
        (lambda s, c: (s, c - 1), "unlabelled"),
        (lambda s, c: (s, c + 5), "label 8"),
        (lambda s, c: (s[:, :8], c), "too short"),
    ],
)
def test_invalid_training_data_are_refused(
    small: Callable[[], Baseline], change: Callable[..., tuple[np.ndarray, np.ndarray]], says: str
) -> None:
    with pytest.raises(HarkenError, match=says):
        small().fit(*change(*person(1)), sample_rate_hz=RATE_HZ, seed=0, classes=8)


def test_an_impossible_rate_is_refused(small: Callable[[], Baseline]) -> None:
    with pytest.raises(HarkenError, match="rate"):
        small().fit(*person(1), sample_rate_hz=-1, seed=0)


def test_windows_unlike_the_training_windows_are_refused(small: Callable[[], Baseline]) -> None:
    made, (signals, _) = fitted(small), person(9)
    with pytest.raises(HarkenError, match="125 samples and cannot read windows of 100"):
        made.predict_proba(signals[:, :100])
    with pytest.raises(HarkenError, match="three axes"):
        made.predict_proba(signals[..., :1])
    with pytest.raises(HarkenError, match="missing values"):
        made.predict_proba(np.full_like(signals, np.nan))


def test_an_unfitted_baseline_is_refused(small: Callable[[], Baseline]) -> None:
    with pytest.raises(HarkenError, match="is not fitted: call fit first"):
        small().predict_proba(person(1)[0])


def test_the_names_cost_no_heavy_import() -> None:
    heavy = "{'sklearn', 'scipy', 'aeon', 'numba', 'torch'}"
    code = f"import sys, harken.evaluation.baselines; print(*({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
