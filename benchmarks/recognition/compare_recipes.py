"""What does each recipe lose on left-out studies when the end of x is unknown, in short clips, and on slow watches?

    python -m benchmarks.recognition.compare_recipes --data DATA --work DIR --models RUN [RUN ...] [--studies wisdm ...]

Each ``RUN`` is the directory of ``benchmarks.studies.left_out --protocol leave-one-of-nine-out``, finished or not:
another recipe, or another seed of the same one. A study is labelled by the model that was trained without it. The
result names folds that are missing. The first run is the one that the others are compared with. ``RUN`` may also be of
the protocol ``pairs-of-nine-choosing``, whose models are trained without two main studies. Each main study is then
labelled by the model without it and the next one.

Scores are means over people. Windows of true ``other`` are left out, so the scores of ``harken benchmark``, in which
these count against the label that they get, are lower. F1, recall and accuracy are of windows with a single true label.
At most 40 windows of each person and activity are scored, in three parts:

*Ends*: x lies along the forearm, as the study states. Its end is ``right`` (the end that gravity shows while the person
walks; where nobody walks, the one that the study states), ``wrong`` (half a turn about the face more), or ``unknown``
(the mean of the probabilities of both). Here it is also counted how often busy hands are found.

*Clips* of 15 s: of one activity (``whole``); and with 2 to 3 s of other activities of the same person at the beginning
and at the end. Those are labelled by the window of 10 s in the ``middle``, and by the ``mean`` over the two windows
that ``harken label`` lays over the clip, which is what its middle row gets before smoothing. Nothing is blended, so
there is a step at each joint.

*Rates*: the recordings as slower watches would have sampled them, with nothing filtered before
(``left_out_recordings.sample_slowly``), then resampled to the model's rate as always. A study whose own rate is not
higher is left as it is.

Every loss is a mean over people of the difference of each person, with the 95 % interval over people. What was measured
of a model and a study is kept in ``--work``, so folds may come one by one; empty it when this code changes.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import RESULTS, command, options_of, write_result
from benchmarks.model.left_out_studies import SCORED_STUDIES
from benchmarks.recognition.compare_recipes_page import MOVEMENTS, Score, page
from benchmarks.recognition.left_out_recordings import (
    SLOWER,
    Clips,
    LeftOutStudy,
    cut_clips,
    draw_scored_windows,
    middle_of_clips,
    read_left_out,
    sample_slowly,
    turn_half,
    windows_in_clips,
)
from benchmarks.studies.data_sets import MAIN_STUDIES
from benchmarks.studies.label_schemes import SCHEMES, TRUTH
from benchmarks.studies.protocols import MOST_WINDOWS, fold_name, in_scheme
from benchmarks.studies.scoring import mark_busy_hands, person_f1, score_study
from harken.evaluation.benchmark.tasks import file_stem
from harken.models.recogniser import Recogniser
from harken.models.scores import interval_over_groups, interval_over_people
from harken.recordings.recording import POSTURES
from harken.support.arrays import BoolArray, Float32Array
from harken.support.errors import HarkenError
from harken.support.files import write_text
from harken.windows.busy_hands import BUSY
from harken.windows.windows import Windows

RATES_HZ = (10.0, 12.5, 16.0, 20.0, 25.0)
BASES = {"ends": "right", "clips": "whole", "rates": "own"}
"""Part -> the condition that its others are compared with."""
KINDS = {
    "ends": ("person", "recall", "f1", "groups", "busy"),
    "clips": ("person", "recall"),
    "rates": ("person", "recall"),
}
"""Part -> the kinds of scores that the result holds."""
DECIMALS = 4
MODEL_FILES = "[!.]*.safetensors"
"""Files that are being written begin with a dot."""

PersonScores = dict[str, float]
"""Person -> a score."""
Scores = dict[str, dict[str, PersonScores]]
"""Kind of score -> its name, such as a label -> the scores of people."""
Measured = dict[str, dict[str, Scores]]
"""Part -> condition -> scores: of one model on one study."""


def models_without(run: Path, studies: Sequence[str]) -> dict[str, Recogniser]:
    """Study -> the model that the run trained without it, as far as there is one.

    Raises:
        HarkenError: when there is no model at all, a fold has several, or a model has learned from the left-out study.
    """
    models = {}
    for study in studies:
        paths: list[Path] = []
        for fold in folds_without(study):
            paths += (run / f"fold_{file_stem(fold)}").glob(MODEL_FILES)
        if len(paths) > 1:
            raise HarkenError(f"{paths[0].parent} has {len(paths)} models; leave one recipe in each run")
        if paths:
            models[study] = Recogniser.load(paths[0], device="cpu")
            _check_unseen(models[study], study, paths[0])
    if not models:
        raise HarkenError(f"{run}: there is no model that was trained without {' or '.join(studies)}")
    return models


def folds_without(study: str) -> list[str]:
    """The folds whose models may label a study: without it alone, and without it and the next main study.

    >>> folds_without("selfback"), folds_without("hawthorne")
    (['selfback', 'wisdm+selfback'], ['hawthorne'])
    """
    if study not in MAIN_STUDIES:
        return [study]
    following = MAIN_STUDIES[(MAIN_STUDIES.index(study) + 1) % len(MAIN_STUDIES)]
    return [study, fold_name((study, following))]


def _check_unseen(recogniser: Recogniser, study: str, path: Path) -> None:
    people = recogniser.provenance_.get("training_people", [])
    met = [person for person in people if person.startswith(f"{study}_")]
    if met:
        raise HarkenError(f"{path} was trained on {', '.join(met[:3])} of {study}, so nobody there is unseen")


def score_answers(recogniser: Recogniser, windows: Windows, answers: Float32Array) -> Scores:
    """The scores of each person.

    Args:
        recogniser: the model.
        windows: the windows, with activities as labels.
        answers: what the model says of them (``Recogniser.predict_answers``).
    """
    labels = SCHEMES[TRUTH].labels
    probabilities, hands = recogniser.specification_.labels_and_hands(answers)
    model_labels = recogniser.specification_.labels
    predicted = np.array([labels.index(label) for label in model_labels])[probabilities.argmax(axis=1)]
    truth = in_scheme(windows, SCHEMES[TRUTH])
    allowed = SCHEMES[TRUTH].matrix(truth.label_names)[truth.label_codes]
    people = score_study(allowed, predicted, windows.subjects, labels=labels, known=model_labels)["people"]
    scores: Scores = {"person": {"mean_f1": person_f1(people)}}
    single = allowed.sum(axis=1) == 1
    right = allowed[np.arange(len(allowed)), predicted]
    scores["person"]["accuracy"] = _share_by_person(windows[single], right[single])
    for kind in ("recall", "f1", "groups"):
        scores[kind] = {}
        for person, of_person in people.items():
            for name, value in of_person[kind].items():
                scores[kind].setdefault(name, {})[person] = value
    if hands is None:
        scores["busy"] = {}
    else:
        postures = probabilities[:, np.isin(model_labels, POSTURES)].sum(axis=1)
        scores["busy"] = _busy_by_truth(windows, mark_busy_hands(model_labels, probabilities, hands * postures))
    return scores


def _share_by_person(windows: Windows, true: Sequence[bool] | Any) -> PersonScores:
    subjects = windows.subjects
    return {person: float(np.mean(true[subjects == person])) for person in np.unique(subjects).tolist()}


def _busy_by_truth(windows: Windows, said_busy: BoolArray) -> dict[str, PersonScores]:
    """The share of windows in which the hands count as busy, for each posture and state of hands that is documented."""
    named = in_scheme(windows, SCHEMES["hands"]).labels
    shares = {}
    for name in (posture + busy for posture in POSTURES for busy in ("", BUSY)):
        here = named == name
        if here.any():
            shares[name] = _share_by_person(windows[here], said_busy[here])
    return shares


def measure(study: LeftOutStudy, recognisers: Mapping[str, Recogniser]) -> dict[str, Measured]:
    """The scores of several models on a study that they were not trained on."""
    right, clips = draw_scored_windows(study.recordings), cut_clips(study.recordings)
    measured: dict[str, Measured] = {}
    for run, recogniser in recognisers.items():
        ends = score_ends(recogniser, right)
        clip_scores = {} if clips is None else score_clips(recogniser, clips)
        measured[run] = {"ends": ends, "clips": clip_scores, "rates": {"own": ends["right"]}}
    for rate_hz in RATES_HZ:
        if rate_hz > SLOWER * study.sample_rate_hz:
            continue
        slow = draw_scored_windows([sample_slowly(recording, rate_hz) for recording in study.recordings])
        for run, recogniser in recognisers.items():
            scores = score_answers(recogniser, slow, recogniser.predict_answers(slow))
            measured[run]["rates"][f"{rate_hz:g}"] = scores
    return measured


def score_ends(recogniser: Recogniser, right: Windows) -> dict[str, Scores]:
    """The scores with the right end of x, with the wrong one, and with both averaged."""
    with_right, with_wrong = recogniser.predict_answers(right), recogniser.predict_answers(turn_half(right))
    answers = {"right": with_right, "unknown": average(with_right, with_wrong), "wrong": with_wrong}
    return {end: score_answers(recogniser, right, of_end) for end, of_end in answers.items()}


def score_clips(recogniser: Recogniser, clips: Clips) -> dict[str, Scores]:
    """The scores of clips: of one activity, and with other movement at both ends by their middle and as a whole."""
    whole, mixed = (
        average(*(recogniser.predict_answers(windows) for windows in windows_in_clips(some)))
        for some in (clips.whole, clips.mixed)
    )
    answers = {"whole": whole, "middle": recogniser.predict_answers(middle_of_clips(clips.mixed)), "mean": mixed}
    return {how: score_answers(recogniser, clips.whole, of_clips) for how, of_clips in answers.items()}


def average(first: Float32Array, second: Float32Array) -> Float32Array:
    """The mean of two arrays of answers."""
    return np.asarray((first + second) / np.float32(2), dtype=np.float32)


def measure_missing(
    name: str, models: Mapping[str, Recogniser], arguments: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, Measured]]:
    """The facts about a study, and the scores of the models on it: kept ones, or new ones, which are kept."""
    kept = {
        run: arguments.work / f"{name}-{arguments.people or 'all'}-{recogniser.model_.digest[:12]}.json"
        for run, recogniser in models.items()
    }
    missing = {run: recogniser for run, recogniser in models.items() if not kept[run].exists()}
    if missing:
        study = read_left_out(name, arguments.data, arguments.people)
        facts = {
            "people": len(study.people),
            "recordings": len(study.recordings),
            "end_shown": study.shown,
            "turned": study.turned,
            "sample_rate_hz": round(study.sample_rate_hz, 1),
        }
        for run, measured in measure(study, missing).items():
            write_text(kept[run], json.dumps({"facts": facts, "measured": measured}))
            print(name, run, flush=True)
    contents = {run: json.loads(path.read_text(encoding="utf-8")) for run, path in kept.items()}
    first = next(iter(contents.values()))
    return first["facts"], {run: content["measured"] for run, content in contents.items()}


def summarise(scores: Scores, base: Scores | None, kinds: Sequence[str]) -> dict[str, Any]:
    """The mean over people of each score, for JSON; beside a base, with the change of the people who have both."""
    summary: dict[str, Any] = {}
    for kind in kinds:
        summary[kind] = {}
        for name, of_people in scores.get(kind, {}).items():
            score = Score(_rounded(float(np.mean(list(of_people.values())))))
            if base is not None:
                score = _with_change(score, changes_of_people(of_people, base[kind].get(name, {})))
            summary[kind][name] = score.list_numbers()
    return summary


def _with_change(score: Score, changes: PersonScores) -> Score:
    """The score with the mean of the changes and its interval over people, as far as there are enough people."""
    if not changes:
        return score
    changed = score._replace(change=_rounded(float(np.mean(list(changes.values())))))
    return _with_interval(changed, interval_over_people(changes.values()))


def _with_interval(score: Score, interval: list[float] | None) -> Score:
    if interval is None:
        return score
    low, high = interval
    return score._replace(low=_rounded(low), high=_rounded(high))


def changes_of_people(scores: PersonScores, base: PersonScores) -> PersonScores:
    """The difference from the base of each person who has both."""
    return {person: value - base[person] for person, value in scores.items() if person in base}


def _rounded(value: float) -> float:
    return round(value, DECIMALS)


def summarise_study(measured: Measured) -> dict[str, Any]:
    """What the result holds of a model and a study."""
    summary: dict[str, Any] = {}
    for part, conditions in measured.items():
        base = conditions.get(BASES[part])
        summary[part] = {
            name: summarise(scores, None if scores is base else base, KINDS[part])
            for name, scores in conditions.items()
            if (part, name) != ("rates", "own")  # it is that of the right end
        }
    for of_rate in summary["rates"].values():
        of_rate["recall"] = {label: score for label, score in of_rate["recall"].items() if label in MOVEMENTS}
    of_people = measured["ends"]["right"]["person"]["mean_f1"]
    return {**summary, "people": {person: _rounded(value) for person, value in of_people.items()}}


def summarise_main(studies: Mapping[str, Measured]) -> dict[str, Any] | None:
    """The main score of a run in each condition, and its change; None if a main study is missing.

    A study whose own rate is not higher than a rate has its own score there.
    """
    if not {*MAIN_STUDIES} <= {*studies}:
        return None
    main: dict[str, Any] = {}
    conditions = {
        "ends": ("right", "unknown", "wrong"),
        "clips": ("whole", "middle", "mean"),
        "rates": ("own", *(f"{rate_hz:g}" for rate_hz in RATES_HZ)),
    }
    for part, names in conditions.items():
        bases = [studies[study][part][BASES[part]] for study in MAIN_STUDIES]
        main[part] = {}
        for name in names:
            here = [studies[study][part].get(name, base) for study, base in zip(MAIN_STUDIES, bases, strict=True)]
            main[part][name] = compare_main(here, bases)
    return main


def compare_main(scores: Sequence[Scores], bases: Sequence[Scores]) -> list[float | None]:
    """The mean over studies of the mean F1 of a person, with its change from the bases, for JSON."""
    f1_of_people = [study["person"]["mean_f1"] for study in scores]
    base_of_people = [study["person"]["mean_f1"] for study in bases]
    changes = [
        list(changes_of_people(ours, base).values()) for ours, base in zip(f1_of_people, base_of_people, strict=True)
    ]
    score = Score(
        _rounded(float(np.mean([np.mean(list(people.values())) for people in f1_of_people]))),
        _rounded(float(np.mean([np.mean(of_study) for of_study in changes]))),
    )
    return _with_interval(score, interval_over_groups(changes)).list_numbers()


def compare_with_first(run: Mapping[str, Measured], first: Mapping[str, Measured]) -> dict[str, Any]:
    """The changes of a run from the first one, with the right end, in the studies that both have, for JSON."""
    shared = [study for study in run if study in first]
    right = {study: (run[study]["ends"]["right"], first[study]["ends"]["right"]) for study in shared}
    studies = {study: summarise(ours, base, KINDS["ends"]) for study, (ours, base) in right.items()}
    main = None
    if {*MAIN_STUDIES} <= {*shared}:
        main = compare_main(*zip(*(right[study] for study in MAIN_STUDIES), strict=True))
    return {"main": main, "studies": studies}


def describe_run(models: Mapping[str, Recogniser], studies: Sequence[str]) -> dict[str, Any]:
    """What is known of a run without its scores, for JSON."""
    recogniser = next(iter(models.values()))
    return {
        "preset": recogniser.specification_.preset,
        "seed": recogniser.provenance_.get("training", {}).get("seed"),
        "models": {study: model.model_.digest[:12] for study, model in models.items()},
        "missing": [study for study in studies if study not in models],
    }


def names_of(runs: Sequence[Path]) -> dict[str, Path]:
    """The name of each run, which is that of its folder, and the folder.

    Raises:
        HarkenError: when two folders have the same name.
    """
    named = {run.resolve().name: run for run in runs}
    if len(named) < len(runs):
        raise HarkenError("--models: two runs have folders of the same name; rename one of them")
    return named


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = options_of(__doc__, "compare_recipes.json", "data", "work", people=None)
    parser.add_argument("--models", type=Path, nargs="+", required=True, metavar="RUN", help="runs of harken benchmark")
    parser.add_argument("--studies", nargs="+", choices=SCORED_STUDIES, default=SCORED_STUDIES, help="only these")
    parser.add_argument("--page", type=Path, default=RESULTS / "compare_recipes.md", help="write the page here")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    models = {name: models_without(run, options.studies) for name, run in names_of(options.models).items()}
    facts: dict[str, Any] = {}
    measured: dict[str, dict[str, Measured]] = {run: {} for run in models}
    for study in options.studies:
        theirs = {run: of_run[study] for run, of_run in models.items() if study in of_run}
        if theirs:
            facts[study], of_runs = measure_missing(study, theirs, options)
            for run, of_study in of_runs.items():
                measured[run][study] = of_study
    first, *others = models
    content = {
        "most_windows": MOST_WINDOWS,
        "rates_hz": RATES_HZ,
        "score_numbers": Score._fields,
        "studies": facts,
        "runs": {
            run: {
                **describe_run(models[run], options.studies),
                "main": summarise_main(measured[run]),
                "studies": {study: summarise_study(of_study) for study, of_study in measured[run].items()},
            }
            for run in models
        },
        "against_first": {run: compare_with_first(measured[run], measured[first]) for run in others},
    }
    result = write_result(options.json, command("recognition.compare_recipes", arguments), content)
    write_text(options.page, page(result))


if __name__ == "__main__":
    main()
