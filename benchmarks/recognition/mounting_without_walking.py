"""Can the orientation of a watch be found without walking?

    python -m benchmarks.recognition.mounting_without_walking --data DATA [--models DIR] [--json FILE]

``DATA`` holds ``wisdm``, ``dsads`` (both arms), ``selfback``, ``stress_predict`` and ``hawthorne``. Of each recording,
everything on foot and everything without a label is left out. Three methods then answer which axis points along the
forearm, without its sign. By symmetry, a method that is right about a watch is also right about the same watch after a
quarter turn. So each watch counts once, and an error means that a rightly mounted watch would be turned.

``make``: the usual axis of the make of the watch (``harken.models.mounting``).

``gravity``: the distribution of the direction of gravity in calm moments. An arm rests more often on a table, a lap or
a mattress, with gravity across the forearm, than it hangs. The study is left out. The size of the cells, the limit of
calm and the threshold are chosen on the other studies, each of which is left out in turn: the threshold is the smallest
at which at most 1 % of their watches are turned wrongly, and the variant is the one that then decides most watches. The
result also has every variant by itself, whose thresholds are chosen in the same way.

``model``: the mean logarithm of the model's largest probability after each quarter turn, over at most 100 windows.
``DIR`` is a candidate's folder of ``study_choices``, whose models leave out two studies. The threshold is chosen on the
other study of the pair.

A method is worth adopting if it is right in at least 90 % of the watches it decides on, and turns at most 2 % of the
rightly mounted ones.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import command, options_of, write_result
from harken.datasets.label_schemes import SCHEMES, TRUTH
from harken.datasets.registry import dataset
from harken.evaluation.protocols.studies import (
    MAIN_STUDIES,
    STUDIES,
    mounted_recordings,
    study_recordings,
    study_windows,
)
from harken.models.mounting import USUAL_AXIS
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Make, Recording
from harken.signals.movement import MovementBlocks, movement_of
from harken.signals.non_wear import non_wear, worn
from harken.signals.orientation import turned_signals
from harken.windows.windows import Windows

MAKES = {"selfback": Make.AXIVITY, "stress_predict": Make.EMPATICA}
"""The makes of the studies that harken has a reader for. Stress-Predict is the source of the usual axis of an Empatica,
so it does not test it."""
ON_FOOT = {"walking", "running", "stairs"}
VARIANTS = [(bins, calm_g) for bins in (5, 6, 8) for calm_g in (0.1, 0.2, np.inf)]
LEAST_FREQUENT = 0.01
"""Added to the share of each cell, so that cells without a moment in training weigh little."""
MOST_WRONG = 0.01
MOST_WINDOWS = 100
LEAST_CALM = 30
"""With less than five minutes of calm moments there is no answer."""
LEAST_G, MOST_G = 0.8, 1.2
"""The limits of the length of the mean acceleration in a calm moment."""


class Sensor(NamedTuple):
    """One recording without anything on foot, with x along the forearm."""

    study: str
    person: str
    blocks: MovementBlocks
    windows: Windows


class GravityTable(NamedTuple):
    """Where gravity lies in calm moments if x points along the forearm.

    ``log_ratio`` ``[bins, bins]`` is the logarithm of how much more frequent a cell is than the one with x and y
    exchanged; rows are cells of abs(x), columns of abs(y), both as shares of gravity.
    """

    log_ratio: NDArray[np.float64]
    calm_g: float
    threshold: float


class Answer(NamedTuple):
    """The evidence for x along the forearm (negative: for y), and the threshold for a decision."""

    study: str
    evidence: float
    threshold: float


def without_walking(recording: Recording) -> Recording:
    """The recording in which everything on foot and everything without a label is marked as invalid."""
    allowed = SCHEMES[TRUTH].allowed(dataset(recording.study).info)
    names = [
        not ON_FOOT & {dataset(recording.study).info.label_map[name], *allowed[name]} for name in recording.label_names
    ]
    kept = np.array([*names, False])[recording.label_codes]
    return replace(recording, valid=recording.valid & kept)


def sensors(data: Path) -> list[Sensor]:
    """Every sensor of every study that has something besides walking."""
    found = []
    for study in STUDIES:
        for one in mounted_recordings(study, study_recordings(study, data / study)):
            sitting = without_walking(one)
            windows = study_windows([sitting])
            rows = np.linspace(0, len(windows) - 1, min(MOST_WINDOWS, len(windows))).astype(np.int64)
            found.append(Sensor(study, one.subject, movement_of(sitting), windows[rows]))
    return found


def cells(blocks: MovementBlocks, *, bins: int, calm_g: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells of abs(x) and of abs(y), as shares of gravity, for each calm block that was worn."""
    length = np.linalg.norm(blocks.mean, axis=1)
    calm = np.sqrt((blocks.standard_deviation**2).sum(axis=1)) < calm_g
    calm &= (length > LEAST_G) & (length < MOST_G) & worn(blocks.start_ns, non_wear(blocks))
    shares = np.abs(blocks.mean[calm, :2]) / length[calm, None]
    x, y = np.minimum((bins * shares).astype(np.int64), bins - 1).T
    return x, y


def table_of(learned: Sequence[Sensor], *, bins: int, calm_g: float) -> GravityTable:
    """The table of these sensors, without a threshold: sensors of a study weigh the same, and so do studies."""
    studies = sorted({sensor.study for sensor in learned})
    shares = np.full((bins, bins), LEAST_FREQUENT)
    for study in studies:
        each = [cells(sensor.blocks, bins=bins, calm_g=calm_g) for sensor in learned if sensor.study == study]
        enough = [one for one in each if len(one[0]) >= LEAST_CALM]
        for along, across in enough:
            counts = np.bincount(along * bins + across, minlength=bins * bins).reshape(bins, bins)
            shares += counts / len(along) / len(enough) / len(studies)
    return GravityTable(np.log(shares) - np.log(shares.T), calm_g, threshold=0.0)


def evidence(sensor: Sensor, table: GravityTable) -> float:
    """The mean log ratio; 0 with too few calm moments."""
    along, across = cells(sensor.blocks, bins=len(table.log_ratio), calm_g=table.calm_g)
    return float(table.log_ratio[along, across].mean()) if len(along) >= LEAST_CALM else 0.0


def threshold_for(values: NDArray[np.float64]) -> float:
    """The smallest threshold at which at most 1 % of rightly mounted watches with these values are turned."""
    wrong = np.sort(np.maximum(-values, 0))[::-1]
    return float(np.nextafter(wrong[int(MOST_WRONG * len(wrong))], np.inf))


def table_with_threshold(learned: Sequence[Sensor], *, bins: int, calm_g: float) -> tuple[int, GravityTable]:
    """The table of these sensors, whose threshold is chosen by leaving out each of their studies in turn; and how many
    of them are then decided."""
    values = []
    for study in sorted({sensor.study for sensor in learned}):
        others = [sensor for sensor in learned if sensor.study != study]
        table = table_of(others, bins=bins, calm_g=calm_g)
        values += [evidence(sensor, table) for sensor in learned if sensor.study == study]
    threshold = threshold_for(np.array(values))
    decided = int((np.abs(values) >= threshold).sum())
    return decided, table_of(learned, bins=bins, calm_g=calm_g)._replace(threshold=threshold)


def by_make(every: Sequence[Sensor]) -> list[Answer]:
    """By the usual axis of the make of each study's sensor. ``mounted_recordings`` turned its axis to x."""
    answers = []
    for sensor in every:
        make, stated = MAKES.get(sensor.study), dataset(sensor.study).info.forearm_axis
        right = make is not None and stated is not None and USUAL_AXIS[make][-1] == stated[-1]
        answers.append(Answer(sensor.study, 0.0 if make is None else 1.0 if right else -1.0, 1.0))
    return answers


def by_gravity(every: Sequence[Sensor]) -> dict[str, Any]:
    """By gravity, without the sensor's study: by the chosen variant, and by each variant."""
    chosen: list[Answer] = []
    by_variant: dict[str, list[Answer]] = {}
    choices = {}
    for study in STUDIES:
        others = [sensor for sensor in every if sensor.study != study]
        left_out = [sensor for sensor in every if sensor.study == study]
        tried = [table_with_threshold(others, bins=bins, calm_g=calm_g) for bins, calm_g in VARIANTS]
        for _, table in tried:
            by_variant.setdefault(_name(table), []).extend(_answers(left_out, table))
        best = max(tried, key=lambda one: one[0])[1]
        choices[study] = {"variant": _name(best), "threshold": best.threshold}
        chosen += _answers(left_out, best)
    variants = {name: counted(answers)["all"] for name, answers in by_variant.items()}
    return counted(chosen) | {"chosen_without_the_study": choices, "each_variant": variants}


def _answers(sensors: Sequence[Sensor], table: GravityTable) -> list[Answer]:
    return [Answer(one.study, evidence(one, table), table.threshold) for one in sensors]


def _name(table: GravityTable) -> str:
    calm = f"below {table.calm_g:g} g" if np.isfinite(table.calm_g) else "all moments"
    return f"{len(table.log_ratio)} by {len(table.log_ratio)} cells, {calm}"


def by_model(every: Sequence[Sensor], models: Path) -> dict[str, list[Answer]]:
    """Fold -> the answers for the two studies that its model was not trained on."""
    folds = {}
    for pair in combinations(MAIN_STUDIES, 2):
        (path,) = (models / f"fold_{'+'.join(pair)}").glob("*.safetensors")
        recogniser = Recogniser.load(path)
        met = {person.split("_")[0] for person in recogniser.provenance_["training_people"]} & set(pair)
        if met:
            raise ValueError(f"{path}: the model was trained on {met.pop()}, so it is not left out")
        values = {
            study: np.array([_sureness(recogniser, one) for one in every if one.study == study]) for study in pair
        }
        folds["+".join(pair)] = [
            Answer(study, float(value), threshold_for(values[other]))
            for study, other in (pair, pair[::-1])
            for value in values[study]
        ]
    return folds


def _sureness(recogniser: Recogniser, sensor: Sensor) -> float:
    """How much surer the model is with x along the forearm than with y, either way round."""
    sure = []
    for quarters in range(4):
        windows = replace(sensor.windows, signals=turned_signals(sensor.windows.signals, quarters))
        sure.append(float(np.log(recogniser.predict_proba(windows).max(axis=1)).mean()))
    return (sure[0] + sure[2] - sure[1] - sure[3]) / 2


def counted(answers: Sequence[Answer]) -> dict[str, Any]:
    """The numbers of watches: decided, rightly, wrongly; by study and for all together."""
    studies = [study for study in STUDIES if any(one.study == study for one in answers)]
    of = {study: [one for one in answers if one.study == study] for study in studies} | {"all": list(answers)}
    return {name: _counts(some) for name, some in of.items()}


def _counts(answers: Sequence[Answer]) -> dict[str, Any]:
    values = np.array([one.evidence for one in answers])
    thresholds = np.array([one.threshold for one in answers])
    right, wrong = int((values >= thresholds).sum()), int((-values >= thresholds).sum())
    return {
        "watches": len(answers),
        "decided": right + wrong,
        "right": right,
        "wrongly_turned": wrong,
        "share_right_of_decided": right / (right + wrong) if right + wrong else None,
        "share_wrongly_turned": wrong / len(answers),
        "share_right_without_threshold": float((values > 0).mean()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = options_of(__doc__, "mounting_without_walking.json")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="a candidate's folder of study_choices; without it: no models")
    options = parser.parse_args(arguments)
    every = sensors(options.data)
    models = by_model(every, options.models) if options.models else {}
    content = {
        "make": counted(by_make(every)),
        "gravity": by_gravity(every),
        "model": {fold: counted(each) for fold, each in models.items()} or None,
    }
    for method in ("make", "gravity", "model"):
        print(method, json.dumps(content[method], indent=1))
    write_result(options.json, command("recognition.mounting_without_walking", arguments), content)


if __name__ == "__main__":
    main()
