"""The balanced draw, and what does not change the forest."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.evaluation.baselines.random_forest import RandomForest, balanced_draw


@given(codes=st.lists(st.integers(0, 6), min_size=1, max_size=60), seed=st.integers(0, 2**31 - 1))
@settings(max_examples=100)
def test_a_draw_holds_every_label_as_often_as_the_rarest_occurs(codes: list[int], seed: int) -> None:
    labels = np.array(codes, dtype=np.int64)
    rows = balanced_draw(labels, np.random.default_rng(seed))
    drawn, counts = np.unique(labels[rows], return_counts=True)
    present, sizes = np.unique(labels, return_counts=True)
    np.testing.assert_array_equal(drawn, present)
    assert (counts == sizes.min()).all()


def test_every_window_of_a_label_is_as_likely_as_another() -> None:
    labels = np.array([1, 0, 1, 0, 1, 1], dtype=np.int64)
    random = np.random.default_rng(0)
    draws = np.concatenate([balanced_draw(labels, random) for _ in range(4000)])
    expected = np.where(labels == 0, 4000 * 2 / 2, 4000 * 2 / 4)
    np.testing.assert_allclose(np.bincount(draws, minlength=6), expected, rtol=0.08)


def windows(counts: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose size says the label, with much overlap."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(counts)), counts)
    size = 0.1 * (1 + 0.5 * codes) * random.lognormal(0, 0.5, len(codes))
    noise = random.normal(size=(len(codes), 60, 3)) * size[:, np.newaxis, np.newaxis]
    return (noise + np.array([0, 0, 1])).astype(np.float32), codes


def test_a_rare_label_is_not_drowned() -> None:
    forest = RandomForest(trees=60)
    forest.fit(*windows((300, 15), 0), sample_rate_hz=20, seed=0)
    signals, codes = windows((200, 200), 1)
    rare = forest.predict_proba(signals).argmax(axis=1) == 1
    assert rare[codes == 1].mean() > 0.5
    assert rare[codes == 0].mean() < 0.5


def test_threads_change_nothing() -> None:
    signals, codes = windows((40, 40, 40), 0)
    probabilities = []
    for jobs in (1, 2):
        forest = RandomForest(trees=12, jobs=jobs)
        forest.fit(signals, codes, sample_rate_hz=20, seed=7)
        probabilities.append(forest.predict_proba(signals))
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
