"""The benchmark of the wrist check: trees as plain numbers beside scikit-learn's, and groups that are left out."""

import numpy as np
import pytest

from benchmarks.model.wrist_check import Sensor, answers, counted, fit, trees_of
from harken.models.wrist_check import RATE_HZ, ROWS, Answer, features


def sensor(person: int, place: str) -> Sensor:
    """Somebody walks: at a thigh the stride is sharp and along gravity, at a wrist it swings across."""
    random = np.random.default_rng(person)
    t = np.arange(ROWS) / RATE_HZ
    moments = []
    for _ in range(40):
        phase = 2 * np.pi * t / random.uniform(0.9, 1.2)
        along = 0.4 * np.cos(phase) ** 9 if place == "thigh" else 0.05 * np.cos(2 * phase)
        across = 0.1 * np.sin(phase) if place == "thigh" else 0.4 * np.sin(phase)
        moments.append(np.stack([1 + along, across, 0 * t], axis=1) + random.normal(0, 0.02, (ROWS, 3)))
    return Sensor("study", f"p{person}", place, np.array(moments, np.float32))


@pytest.fixture(scope="module")
def sensors() -> list[Sensor]:
    return [sensor(person, place) for person in range(6) for place in ("wrist", "thigh")]


def test_the_trees_are_those_of_scikit_learn(sensors: list[Sensor]) -> None:
    fitted = fit(sensors)
    rows = np.concatenate([np.stack(list(features(one.moments)[0].values()), axis=1) for one in sensors])
    np.testing.assert_allclose(trees_of(fitted).log_odds(rows), fitted.decision_function(rows), atol=1e-6)


def test_people_are_left_out_with_all_their_sensors(sensors: list[Sensor]) -> None:
    found = answers(sensors, lambda one: one.person)
    assert sorted((one.person, one.place) for one, *_ in found) == sorted((one.person, one.place) for one in sensors)
    table = {line["place"]: line for line in counted(found)}
    assert table["thigh"][Answer.ELSEWHERE.value] == 6
    assert table["wrist"][Answer.WRIST.value] == 6
    assert table["wrist"]["sensors"] == table["wrist"]["with_a_minute_of_movement"] == 6
