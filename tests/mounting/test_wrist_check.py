"""Whether a sensor was on a wrist: the features, the trees beside a walk through them by hand, and real sensors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchmarks.studies.data_sets import find_study
from harken.datasets.tidy import read_selfback
from harken.mounting.wrist_check import RATE_HZ, ROWS, Answer, features, packaged_trees, wrist_check
from harken.recordings.recording import Placement, Recording
from harken.signals.movement import Moments, moving


def moments_of(recording: Recording) -> NDArray[np.float32]:
    return Moments.of(recording, moving).resampled(sample_rate_hz=RATE_HZ, length=ROWS)[1]


def invented(seed: int, n: int = 20) -> NDArray[np.float32]:
    """Moments with gravity, a stride of a second and noise."""
    random = np.random.default_rng(seed)
    t = np.arange(ROWS) / RATE_HZ
    stride = random.uniform(0.9, 1.2, (n, 1, 1))
    swing = random.normal(0, 0.3, (n, 1, 3)) * np.sin(2 * np.pi * t[None, :, None] / stride)
    strike = random.normal(0, 0.2, (n, 1, 3)) * np.cos(4 * np.pi * t[None, :, None] / stride)
    direction = random.normal(size=(n, 1, 3))
    gravity = direction / np.linalg.norm(direction, axis=2, keepdims=True)
    moments: NDArray[np.float32] = (gravity + swing + strike + random.normal(0, 0.02, (n, ROWS, 3))).astype(np.float32)
    return moments


def table(moments: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The features ``[n, features]``, and which moments count."""
    columns, counts = features(moments)
    return np.stack(list(columns.values()), axis=1), counts


def by_hand(row: NDArray[np.float64]) -> float:
    """The log odds of one moment, node by node."""
    trees = packaged_trees()
    total = float(trees.baseline[0])
    for root in trees.roots.tolist():
        node = root
        while trees.feature[node] >= 0:
            goes_left = row[trees.feature[node]] <= trees.threshold[node]
            node = int(trees.left[node] if goes_left else trees.right[node])
        total += float(trees.value[node])
    return total


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_trees_give_what_a_walk_through_them_gives(seed: int) -> None:
    rows, _ = table(invented(seed, n=4))
    np.testing.assert_allclose(packaged_trees().log_odds(rows), [by_hand(row) for row in rows], atol=1e-12)


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_how_the_sensor_is_turned_does_not_matter(seed: int) -> None:
    moments = invented(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    rows, counts = table(moments)
    turned, still = table((moments.astype(np.float64) @ turn.T).astype(np.float32))
    np.testing.assert_allclose(turned, rows, atol=2e-3)
    np.testing.assert_array_equal(counts, still)


def test_a_stride_is_found() -> None:
    t = np.arange(ROWS) / RATE_HZ
    moment = np.stack([1 + 0.3 * np.sin(2 * np.pi * t / 1.2), 0 * t, 0 * t], axis=1)[None].astype(np.float32)
    found, counts = features(moment)
    assert counts.all()
    assert found["stride"] == pytest.approx(1.2, abs=0.02)
    assert found["harmonic 1"] > 0.9
    assert found["along by across"] > 3
    assert found["repeated after a stride"] == pytest.approx(1, abs=0.05)


def test_little_movement_is_undecided() -> None:
    still = np.zeros((50, ROWS, 3), np.float32) + np.array([0, 0, 1], np.float32)
    for moments in (still, still[:0], invented(1, n=5)):
        assert wrist_check(moments).answer is Answer.UNDECIDED
    assert wrist_check(still).moments == 0
    assert wrist_check(invented(1, n=5)).moments == 5


@pytest.mark.second_stage
def test_every_thigh_is_elsewhere(data_dir: Path) -> None:
    thighs = read_selfback(data_dir / "selfback", placement=Placement.THIGH)
    assert {wrist_check(moments_of(recording)).answer for recording in thighs} == {Answer.ELSEWHERE}


@pytest.mark.second_stage
@pytest.mark.parametrize("name", ["selfback", "dsads", "stress_predict", "hawthorne", "wisdm"])
def test_no_wrist_is_said_to_be_elsewhere(data_dir: Path, name: str) -> None:
    found = [wrist_check(moments_of(recording)).answer for recording in find_study(name).read(data_dir / name)]
    assert Answer.ELSEWHERE not in found
    assert found.count(Answer.WRIST) >= 0.7 * len(found)
