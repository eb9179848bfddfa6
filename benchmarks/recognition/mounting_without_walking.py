"""How well is the orientation of a watch found without walking, and what does that do to labels?

    python -m benchmarks.recognition.mounting_without_walking --data DATA --models RUN [--as-recorded] [--json FILE]

``DATA`` holds nine studies, and ``RUN`` is the directory of ``harken benchmark studies --protocol
leave-one-of-nine-out``: each study is labelled by the model that was trained without it. Of each recording, everything
on foot and everything without a label is left out. What remains is labelled, at most 40 windows of a recording, in four
ways: as the watch was worn (``as_found``), with the axis along the forearm that the study states (``known``), turned as
is most probable (``most_probable``), and averaged over the ways in which the watch may have sat (``averaged``, what
``harken label`` does). The last two are done with the make of the watch hidden, as in a plain table, and shown.

The weights of calm moments (``harken.signals.forearm.WEIGHTS``) are fitted to five of the studies, with each study
counting the same; a study of the five is scored with weights fitted to the four others. The limit of calm and the use
of medians were chosen on the five, by leaving out each in turn.

A watch is right if x or y is more probable, as its study states. Which end of the axis points to the elbow is not
scored: no study without walking shows it. With ``--as-recorded``, whole recordings are turned, too, walking included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.command import command, options_of, write_result
from benchmarks.model.left_out_studies import SCORED_STUDIES, model_without
from harken.datasets.label_schemes import SCHEMES, TRUTH
from harken.datasets.registry import dataset
from harken.evaluation.benchmark.scoring import by_person
from harken.evaluation.protocols.studies import STUDIES as FITTED_STUDIES
from harken.evaluation.protocols.studies import evenly, in_scheme, study_recordings, study_windows
from harken.models.known_labels import ON_FOOT
from harken.models.mounting import moments_in, mounting
from harken.models.quarter_turns import Mounting
from harken.models.recogniser import Recogniser
from harken.models.scores import interval_over_evaluations
from harken.recordings.recording import Make, Recording
from harken.signals.forearm import FEW_BLOCKS, CalmMoments, CalmWeights
from harken.signals.movement import Moments
from harken.signals.orientation import QUARTERS, turned_signals
from harken.windows.windows import Windows

EMPATICA = dict.fromkeys(("stress_predict", "wearable_exercise", "exam_stress"), Make.EMPATICA)
MAKES = {"selfback": Make.AXIVITY, "lmu_harlab": Make.ACTIGRAPH, **EMPATICA}
"""Makes with a reader in harken. Stress-Predict is the source of the usual axis of an Empatica."""
MOST_WINDOWS = 40
SEDENTARY = ("lying", "sitting")
CAUTION = 10.0
"""The inverse of the ridge penalty of the fit, in which the watches of all studies weigh one on average. The training
watches are nearly separable, so without a penalty the probabilities of other watches would be too sure."""


class Watch(NamedTuple):
    """One recording without anything on foot, as worn.

    ``quarters`` bring the stated axis to x; ``allowed`` bool ``[windows, labels]`` are the true labels.
    """

    study: str
    person: str
    quarters: int
    walks: Moments
    calm: CalmMoments
    windows: Windows
    allowed: NDArray[np.bool_]


def without_walking(recording: Recording) -> Recording:
    """The recording in which everything on foot and everything without a label is marked as invalid."""
    allowed = SCHEMES[TRUTH].allowed(dataset(recording.study).info)
    names = [not {*ON_FOOT} & {*allowed[name]} for name in recording.label_names]
    return replace(recording, valid=recording.valid & np.array([*names, False])[recording.label_codes])


def watches(data: Path, models: Mapping[str, Recogniser]) -> Iterator[Watch]:
    """Every watch that has something besides walking."""
    scheme = SCHEMES[TRUTH]
    for study, recogniser in models.items():
        axis = dataset(study).info.forearm_axis
        assert axis is not None, study
        for recording in study_recordings(study, data / study):
            still = without_walking(recording)
            if not still.valid.any():
                continue
            windows = in_scheme(study_windows([still]), scheme)
            windows = windows[evenly(np.arange(len(windows)), min(MOST_WINDOWS, len(windows)))]
            if len(windows):
                allowed = scheme.matrix(windows.label_names)[windows.label_codes]
                moments = moments_in(still, recogniser.specification_)
                yield Watch(study, recording.subject, QUARTERS[axis], *moments, windows, allowed)


def fitted(learned: Sequence[Watch]) -> CalmWeights:
    """The weights of these watches, by logistic regression. Exchanging x and y changes only signs, so there is no
    intercept, and each watch is also learned with x and y exchanged."""
    along = np.array([1.0 if watch.quarters % 2 == 0 else -1.0 for watch in learned])
    evidence = np.array([_counted_by_blocks(watch, watch.calm.gravity, watch.calm.movement) for watch in learned])
    gravity, movement = _logistic(evidence, along, learned)
    return CalmWeights(round(float(gravity), 2), round(float(movement), 2))


def _counted_by_blocks(watch: Watch, *evidence: float) -> list[float]:
    return [part * watch.calm.blocks / (watch.calm.blocks + FEW_BLOCKS) for part in evidence]


def _logistic(evidence: NDArray[np.float64], truth: NDArray[np.float64], of: Sequence[Watch]) -> NDArray[np.float64]:
    studies, counts = np.unique([watch.study for watch in of], return_counts=True)
    weight = np.array([len(of) / len(studies) / counts[studies == watch.study][0] for watch in of]) / 2
    model = LogisticRegression(C=CAUTION, fit_intercept=False)
    model.fit(np.concatenate([evidence, -evidence]), np.concatenate([truth, -truth]), np.concatenate([weight, weight]))
    return np.asarray(model.coef_[0])


def found(watch: Watch, recogniser: Recogniser, weights: CalmWeights, *, shown: bool) -> Mounting:
    """How the watch sat, as ``harken label`` finds it."""
    return mounting(
        recogniser.specification_,
        watch.walks,
        recogniser.predict_proba,
        calm=watch.calm,
        make=MAKES.get(watch.study) if shown else None,
        x_to_elbow=True,
        weights=weights,
    )


def answers(watch: Watch, recogniser: Recogniser, weights: CalmWeights) -> dict[str, Any]:
    """What is found of a watch, and the share of its windows with a right label in each way."""
    turned = [replace(watch.windows, signals=turned_signals(watch.windows.signals, turn)) for turn in range(4)]
    after = np.stack([recogniser.predict_proba(windows) for windows in turned])
    ways = {"as_found": after[0], "known": after[watch.quarters]}
    right: dict[str, Any] = {"gravity": _right(forearm_by(watch, CalmWeights(1, 0)), watch)}
    for name, shown in (("hidden", False), ("shown", True)):
        way = found(watch, recogniser, weights, shown=shown)
        right[name] = _right(way.quarters, watch)
        right[f"{name}_warned"], right[f"{name}_passes"] = way.warning is not None, len(way.turns)
        ways[f"{name}_most_probable"] = after[way.quarters]
        ways[f"{name}_averaged"] = np.sum([share * after[turn] for turn, share in way.turns], axis=0)
    labels = SCHEMES[TRUTH].labels
    down = np.isin(labels, SEDENTARY)
    seated = ~watch.allowed[:, ~down].any(axis=1)
    correct = {name: watch.allowed[np.arange(len(p)), p.argmax(axis=1)] for name, p in ways.items()}
    sedentary = {name: down[p[seated].argmax(axis=1)] for name, p in ways.items()} if seated.any() else {}
    return right | {
        "windows": {name: float(each.mean()) for name, each in correct.items()},
        "sitting_or_lying": {name: float(each.mean()) for name, each in sedentary.items()},
    }


def forearm_by(watch: Watch, weights: CalmWeights) -> int:
    """The quarter turn, 0 or 1, by these weights alone."""
    return 0 if weights.gravity * watch.calm.gravity + weights.movement * watch.calm.movement >= 0 else 1


def _right(quarters: int, watch: Watch) -> bool:
    return quarters % 2 == watch.quarters % 2


def counted(each: Sequence[tuple[Watch, dict[str, Any]]]) -> dict[str, Any]:
    """The numbers of watches, and the mean share of right windows over people with its interval, for JSON."""
    result: dict[str, Any] = {"watches": len(each), "people": len({watch.person for watch, _ in each})}
    result["right_by_gravity_alone"] = sum(one["gravity"] for _, one in each)
    for name in ("hidden", "shown"):
        sure = [one[name] for _, one in each if not one[f"{name}_warned"]]
        result[f"makes_{name}"] = {
            "right": sum(one[name] for _, one in each),
            "without_warning": len(sure),
            "right_without_warning": sum(sure),
            "passes": float(np.mean([one[f"{name}_passes"] for _, one in each])),
        }
    for part in ("windows", "sitting_or_lying"):
        names = dict.fromkeys(name for _, one in each for name in one[part])
        result[part] = {name: _over_people(each, part, name) for name in names}
    return result


def _over_people(each: Sequence[tuple[Watch, dict[str, Any]]], part: str, name: str) -> dict[str, Any]:
    people = list(by_person((watch.person, one[part][name]) for watch, one in each if one[part]).values())
    mean = float(np.mean([np.mean(values) for values in people]))
    return {"mean": mean, "interval": interval_over_evaluations(people)}


def as_recorded(data: Path, models: Mapping[str, Recogniser]) -> dict[str, dict[str, int]]:
    """Study -> what the orientation of its whole recordings is based on -> watches, of which right, makes hidden."""
    result: dict[str, dict[str, int]] = {}
    for study, recogniser in models.items():
        counts = result.setdefault(study, {"watches": 0, "right": 0, "by_walking": 0, "right_by_walking": 0})
        axis = dataset(study).info.forearm_axis
        assert axis is not None, study
        for recording in study_recordings(study, data / study):
            way = mounting(recogniser.specification_, recording, recogniser.predict_proba, x_to_elbow=True)
            right = way.quarters % 2 == QUARTERS[axis] % 2
            counts["watches"] += 1
            counts["right"] += right
            counts["by_walking"] += way.known
            counts["right_by_walking"] += way.known and right
        print(study, counts, flush=True)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = options_of(__doc__, "mounting_without_walking.json", "data", "models")
    parser.add_argument("--as-recorded", action="store_true", help="turn whole recordings, too")
    options = parser.parse_args(arguments)
    models = {study: model_without(options.models, study) for study in SCORED_STUDIES}
    every = list(watches(options.data, models))
    learned = [watch for watch in every if watch.study in FITTED_STUDIES]
    weights = {study: fitted([one for one in learned if one.study != study]) for study in models}
    scored = [(watch, answers(watch, models[watch.study], weights[watch.study])) for watch in every]
    content: dict[str, Any] = {"weights": fitted(learned)._asdict()}
    content["weights_without"] = {study: weights[study]._asdict() for study in FITTED_STUDIES}
    studies = [study for study in models if any(watch.study == study for watch in every)]
    content["studies"] = {study: counted([one for one in scored if one[0].study == study]) for study in studies}
    content["all"] = counted(scored)
    if options.as_recorded:
        content["as_recorded"] = as_recorded(options.data, models)
    write_result(options.json, command("recognition.mounting_without_walking", arguments), content)


if __name__ == "__main__":
    main()
