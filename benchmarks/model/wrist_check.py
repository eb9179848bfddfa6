"""Does movement tell whether a sensor was on a wrist? Fits the check, and tests it on unseen people and unseen studies.

    python -m benchmarks.model.wrist_check --data DATA [--json FILE] [--write]

``DATA`` holds wrists of ``wisdm``, ``dsads`` (both arms), ``selfback``, ``stress_predict`` and ``hawthorne``, thighs of
``selfback``, and torso and knees of ``dsads``. Every recording gives at most 400 moments of movement, as in ``harken
label``. Each recording weighs the same within wrists and within the rest, and both weigh the same together.

The number of trees, their size and the median over moments were chosen among twelve variants by the people left out:
they gave the largest margin between wrists and the rest.

People left out: five folds; all sensors of a person are in one fold. Study left out: fitted on the other studies. With
``--write`` the trees of all recordings are written into the package.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.command import command, options_of, write_result
from benchmarks.studies.data_sets import find_study
from harken.datasets.tidy import read_selfback, read_tidy
from harken.mounting.wrist_check import (
    LEAST_MOMENTS,
    PACKAGED_TREES,
    RATE_HZ,
    ROWS,
    Answer,
    Trees,
    features,
    wrist_check,
)
from harken.recordings.recording import Placement, Recording
from harken.signals.movement import Moments, moving
from harken.support.files import write_bytes

WRISTS = ("wisdm", "dsads", "selfback", "stress_predict", "hawthorne")
FOLDS, SEED = 5, 0
TREES = {"max_depth": 4, "max_iter": 150, "learning_rate": 0.1, "l2_regularization": 5.0, "min_samples_leaf": 60}


class Sensor(NamedTuple):
    """One recording: where it comes from, and its moments of movement, float32 ``[n, 250, 3]``."""

    study: str
    person: str
    place: str
    moments: NDArray[np.float32]


def moments_of(recording: Recording) -> NDArray[np.float32]:
    """What ``harken label`` keeps of a recording for the check."""
    return Moments.of(recording, moving).resampled(sample_rate_hz=RATE_HZ, length=ROWS)[1]


def sensors(data: Path) -> list[Sensor]:
    """Every sensor of every study."""
    found = []

    def add(study: str, place: str, recordings: Iterable[Recording]) -> None:
        for recording in recordings:
            person = recording.subject.removeprefix(f"{study}_")
            found.append(Sensor(study, person, place, moments_of(recording)))

    for study in WRISTS:
        add(study, "wrist", find_study(study).read(data / study))
    add("selfback", "thigh", read_selfback(data / "selfback", placement=Placement.THIGH))
    others = read_tidy(data / "dsads" / "dsads_torso_and_knees.parquet", label_column="label_orig", unit="g")
    for recording in others:
        add("dsads", recording.source.rsplit(", ", 1)[-1].split()[-1], [recording])
    return found


def fit(learned: Sequence[Sensor]) -> HistGradientBoostingClassifier:
    """Trees that tell the wrists among these sensors from the others."""
    rows, elsewhere, weights = [], [], []
    for sensor in learned:
        columns, counts = features(sensor.moments)
        rows.append(np.stack(list(columns.values()), axis=1)[counts])
        elsewhere.append(np.full(counts.sum(), sensor.place != "wrist"))
        weights.append(np.full(counts.sum(), 1 / max(1, counts.sum())))
    target, weight = np.concatenate(elsewhere), np.concatenate(weights)
    weight = np.where(target, weight / weight[target].sum(), weight / weight[~target].sum()) * len(weight) / 2
    return HistGradientBoostingClassifier(**TREES, random_state=SEED).fit(np.concatenate(rows), target, weight)


def trees_of(fitted: HistGradientBoostingClassifier) -> Trees:
    """The same trees as plain numbers."""
    nodes = [each[0].nodes for each in fitted._predictors]
    firsts = np.cumsum([0, *map(len, nodes)])
    every = np.concatenate(nodes)
    offset = np.repeat(firsts[:-1], np.diff(firsts))
    leaf = every["is_leaf"].astype(bool)
    return Trees(
        roots=firsts[:-1].astype(np.int32),
        feature=np.where(leaf, -1, every["feature_idx"]).astype(np.int32),
        threshold=np.where(leaf, 0.0, every["num_threshold"]).astype(np.float64),
        left=np.where(leaf, 0, every["left"] + offset).astype(np.int32),
        right=np.where(leaf, 0, every["right"] + offset).astype(np.int32),
        value=np.where(leaf, every["value"], 0.0).astype(np.float64),
        baseline=np.asarray(fitted._baseline_prediction, dtype=np.float64).ravel(),
    )


def answers(every: Sequence[Sensor], left_out: Callable[[Sensor], Any]) -> list[tuple[Sensor, Answer, int, float]]:
    """Each sensor's answer by trees that were fitted without its group."""
    found = []
    for group in sorted({left_out(sensor) for sensor in every}):
        trees = trees_of(fit([sensor for sensor in every if left_out(sensor) != group]))
        for sensor in every:
            if left_out(sensor) == group:
                check = wrist_check(sensor.moments, trees)
                found.append((sensor, check.answer, check.moments, check.log_odds))
    return found


def counted(found: Sequence[tuple[Sensor, Answer, int, float]]) -> list[dict[str, Any]]:
    """How many sensors of each study and place got which answer."""
    table = []
    for study, place in sorted({(sensor.study, sensor.place) for sensor, *_ in found}):
        mine = [each for each in found if (each[0].study, each[0].place) == (study, place)]
        table.append(
            {
                "study": study,
                "place": place,
                "sensors": len(mine),
                "with_a_minute_of_movement": sum(moments >= LEAST_MOMENTS for _, _, moments, _ in mine),
                **{answer.value: sum(each[1] is answer for each in mine) for answer in Answer},
                "log_odds": sorted(round(each[3], 2) for each in mine),
            }
        )
    return table


def main() -> None:
    """Fit, test and write."""
    parser = options_of(__doc__, "wrist_check.json", "data")
    parser.add_argument("--write", action="store_true", help="write the trees of all recordings into the package")
    arguments = parser.parse_args()
    every = sensors(arguments.data)
    people = sorted({(sensor.study, sensor.person) for sensor in every})
    order = np.random.default_rng(SEED).permutation(len(people))
    fold = {person: int(place) % FOLDS for person, place in zip(people, order, strict=True)}
    tables = {
        "people_left_out": counted(answers(every, lambda sensor: fold[(sensor.study, sensor.person)])),
        "study_left_out": counted(answers(every, lambda sensor: sensor.study)),
    }
    columns, _ = features(every[0].moments)
    write_result(arguments.json, command("model.wrist_check"), {"features": list(columns), **tables})
    if arguments.write:
        write_bytes(PACKAGED_TREES, save({**vars(trees_of(fit(every)))}))


if __name__ == "__main__":
    main()
