"""How well is a person recognised after some labels of other kinds of the same activities?

    python -m benchmarks.recognition.adaptation --data DATA --models RUN [--people N] [--workers 2]

``DATA`` holds the nine studies, and ``RUN`` is the directory of ``benchmarks.studies.left_out --protocol
leave-one-of-nine-out --label-scheme hands``: each study is labelled by the model that was trained without it.

**Kinds.** A label has several kinds of bouts: lying on the back and on the side, slow and fast walking, sitting still
and typing (``KINDS``). Of Hawthorne, a kind is a session. A person teaches 40 s or ten minutes of each of some kinds,
and is tested on other kinds. Each kind is left out once. The score is the mean F1 of the tested labels, as a mean over
the kinds that are left out and then over people.

**Choices.** The strength of the prior, and the rule for keeping weights, are chosen on three studies for the fourth,
from 40 s of several kinds. The product has one strength and one rule for all.

**Beside it**: the general model, and the adaptation before this one. In that one, windows count and not bouts, only
recorded labels compete, and the strength is chosen by a cross-validation with parts of the same bouts.

**New labels.** The first 90 s of an activity that the model lacks are taught alone (Hawthorne: two sessions), and the
rest is tested. It is a later part of the same bout, but for Hawthorne. The models have learned some of these movements
from other studies under the label *other*.

How the watches sat is known here. Teaching with labels that were shuffled in pieces of ten seconds shows whether
labels that contradict each other are refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from benchmarks.command import RESULTS, command, filled_page, in_processes, in_rows, options_of, write_result
from benchmarks.model.left_out_studies import PRESET, model_with_examples
from benchmarks.studies.protocols import mounted_recordings, study_recordings
from harken.models.recogniser import Recogniser
from harken.models.scores import interval_over_people
from harken.recordings.recording import Recording
from harken.support.arrays import Float64Array, Int64Array, StrArray
from harken.support.files import write_text
from harken.training.adaptation import HOPS_IN_A_WINDOW
from harken.training.adaptation_decision import NOWHERE, CrossValidated, decide, far_from, score_logits, split_time
from harken.training.data import sliding_windows_of_all
from harken.training.output_layer import (
    STRENGTH,
    Examples,
    LabelledFeatures,
    fit_new_labels,
    fit_recorded_labels,
    labelled_features,
    number_bouts,
    read_output_layer,
    scale_examples,
)

KINDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "dsads": {
        "lying": ["lying_on_back", "lying_on_right_side"],
        "sitting": ["sitting"],
        "standing": ["standing", "standing_in_elevator_still"],
        "walking": [
            "walking_parking_lot",
            "walking_treadmill_4kmh_flat",
            "walking_treadmill_4kmh_incline15deg",
        ],
        "running": ["running_treadmill_8kmh"],
        "stairs": ["ascending_stairs", "descending_stairs"],
        "cycling": ["cycling_exercise_bike_horizontal", "cycling_exercise_bike_vertical"],
    },
    "selfback": {
        "lying": ["lying"],
        "sitting": ["sitting"],
        "standing": ["standing"],
        "walking": ["walk_slow", "walk_mod", "walk_fast"],
        "stairs": ["upstairs", "downstairs"],
        "running": ["jogging"],
    },
    "wisdm": {
        "sitting": ["sitting", "typing", "writing"],
        "standing": ["standing", "folding", "teeth"],
        "walking": ["walking"],
        "running": ["jogging"],
        "stairs": ["stairs"],
    },
    "hawthorne": {
        "walking": ["walking"],
        "running": ["jogging_in_place"],
        "other": ["jumping", "jumping_jacks", "sit_ups"],
    },
}
"""Study -> label -> activities of the study."""
BY_SESSION = "hawthorne"
"""The study in which each activity was done in several sessions: these are the kinds."""
MOST_FOLDS = 4
NEW_LABELS: Mapping[str, Sequence[str]] = {
    "dsads": ["rowing", "jumping", "exercising_stepper", "exercising_cross_trainer", "playing_basketball"],
    "wisdm": ["dribbling", "kicking", "catch", "folding", "teeth", "clapping", "typing"],
    "hawthorne": ["sit_ups", "jumping_jacks", "jumping"],
}
"""Study -> activities that are taught as a label of their own."""
ALIKE: Mapping[str, str] = {"jumping": "jumping_jacks", "jumping_jacks": "jumping", "typing": "writing"}
"""Activities of the same study that a new label may well be given to."""
NEW_LABEL_S, APART_S = 90.0, 10.0
TAUGHT_S, LONG_S = 40.0, 600.0
MOST_TAUGHT_WINDOWS = 700
STRENGTHS = (0.01, 0.003, STRENGTH, 0.0003)
FORMER_STRENGTHS = (0.1, 0.01, 0.001, 0.0001)
PIECE_S = 10.0
NEW, ALWAYS = "new", f"always, {STRENGTH:g}"
CHOSEN, CHOSEN_IN = "chosen on the three others", "several kinds"
ROWS: Mapping[str, str] = {"general": "general", "before": "before", "**now**": NEW, "always kept": ALWAYS, CHOSEN: ""}
"""Row of the page -> method."""
TITLES = {"dsads": "DSADS", "selfback": "selfBACK", "wisdm": "WISDM", "hawthorne": "Hawthorne"}


@dataclass(frozen=True, eq=False)
class Person:
    """What one recording of a person gives as input of the output layer.

    Attributes:
        name: the person.
        windows: the windows, not scaled. Their codes are indices into the labels of the model, or -1.
        kinds: the name of the kind of each window, str ``[n]``: its activity, of Hawthorne with the session.
        activities: the activity of each window, str ``[n]``.
    """

    name: str
    windows: LabelledFeatures
    kinds: StrArray
    activities: StrArray

    @property
    def kinds_by_label(self) -> dict[int, list[str]]:
        """The kinds that the person has of each label."""
        kinds = {}
        for code in np.unique(self.windows.codes[self.windows.codes >= 0]).tolist():
            kinds[code] = np.unique(self.kinds[self.windows.codes == code]).tolist()
        return kinds


@dataclass(frozen=True, eq=False)
class Study:
    """The people of a study, and the model that was trained without it.

    Attributes:
        name: the study.
        labels: the labels of the model.
        general: the weights of its output layer, ``[features + 1, labels]``.
        examples: examples of its training data, not scaled.
        people: the recordings of people.
    """

    name: str
    labels: tuple[str, ...]
    general: Float64Array
    examples: Examples
    people: list[Person]


class Job(NamedTuple):
    """A study to measure."""

    study: str
    data: Path
    models: Path
    people: int | None


class Fold(NamedTuple):
    """The kinds that are taught and tested."""

    taught: frozenset[str]
    tested: frozenset[str]


class Scaled(NamedTuple):
    """A problem for a fit, as the product scales it."""

    windows: LabelledFeatures
    general: Float64Array
    examples: Examples


def read_study(job: Job) -> Study:
    """Compute the features of a study with the model that was trained without it."""
    recogniser = model_with_examples(job.models, job.study, job.data)
    examples = scale_examples(recogniser, 1.0)
    assert examples is not None
    labels = recogniser.specification_.labels
    recordings = mounted_recordings(job.study, study_recordings(job.study, job.data / job.study))
    people = [read_person(job.study, recogniser, recording) for recording in recordings[: job.people]]
    general = read_output_layer(recogniser) / recogniser.specification_.temperature
    return Study(job.study, labels, general, examples, people)


def read_person(study: str, recogniser: Recogniser, recording: Recording) -> Person:
    """Compute the features of all windows of a recording."""
    specification = recogniser.specification_
    prepared = specification.prepare_recording(recording)
    hop_s = specification.window_length_s / HOPS_IN_A_WINDOW
    windows = sliding_windows_of_all([prepared], length=specification.window_length, hop_s=hop_s)
    features = labelled_features(recogniser, windows)
    activities = np.asarray(windows.labels)
    kinds = activities.astype(object)
    if study == BY_SESSION:
        for activity in np.unique(activities):
            of_activity = activities == activity
            _, session = np.unique(features.bouts[of_activity], return_inverse=True)
            kinds[of_activity] = [f"{activity} {number}" for number in session]
    codes = np.full(len(activities), -1)
    for label, of_label in KINDS[study].items():
        codes[np.isin(activities, of_label)] = specification.labels.index(label)
    unscaled = replace(features, features=features.features * features.scale, scale=1.0, codes=codes)
    return Person(recording.subject, unscaled, kinds.astype(str), activities)


def scale(windows: LabelledFeatures, study: Study) -> Scaled:
    """Scale windows that are taught, the weights and the examples, as ``labelled_features`` does."""
    root = float(np.sqrt(np.square(windows.features).sum(axis=1).mean()))
    scaled = replace(windows, features=windows.features / root, scale=root)
    return Scaled(scaled, study.general * root, Examples(study.examples.features / root, study.examples.codes))


def list_folds(person: Person, study: str, *, several: bool) -> Iterator[Fold]:
    """List which kinds are taught and tested: all but one of each label, or a single one, and the other ones."""
    kinds = person.kinds_by_label
    every = {kind for of_label in kinds.values() for kind in of_label}
    only = {of_label[0] for of_label in kinds.values() if len(of_label) == 1}
    folds = min(MOST_FOLDS, max(map(len, kinds.values())))
    for number in range(folds):
        if study == BY_SESSION:
            chosen = {kind for kind in every if kind.endswith(f" {number}")}
        else:
            chosen = {of_label[number % len(of_label)] for of_label in kinds.values()}
        if several:
            yield Fold(frozenset(every - (chosen - only)), frozenset(chosen - only))
        else:
            yield Fold(frozenset(chosen | only), frozenset(every - chosen - only))


def take(person: Person, kinds: frozenset[str], seconds: float) -> LabelledFeatures:
    """Take the windows of so many seconds of each kind, from a third of its longest bout on, each kind as a bout."""
    windows = person.windows
    rows = []
    for kind in sorted(kinds):
        of_kind = np.flatnonzero(person.kinds == kind)
        bouts, counts = np.unique(windows.bouts[of_kind], return_counts=True)
        of_bout = of_kind[windows.bouts[of_kind] == bouts[counts.argmax()]]
        starts_ns = windows.starts_ns[of_bout]
        spare_ns = max(0, int(starts_ns[-1] - starts_ns[0]) + windows.duration_ns - round(seconds * 1e9))
        first_ns = int(starts_ns[0]) + spare_ns // 3
        last_ns = first_ns + round(seconds * 1e9) - windows.duration_ns + windows.slack_ns
        rows.append(of_bout[(starts_ns >= first_ns) & (starts_ns <= last_ns)])
    chosen = np.sort(np.concatenate(rows))
    chosen = chosen[:: int(np.ceil(len(chosen) / MOST_TAUGHT_WINDOWS))]
    taught = windows.select(chosen)
    _, bouts = np.unique(person.kinds[chosen], return_inverse=True)
    return replace(taught, bouts=bouts.astype(np.int64))


def stay_general(windows: LabelledFeatures, study: Study) -> Float64Array:
    """Return the general weights."""
    del windows
    return study.general


def adapt_always(windows: LabelledFeatures, study: Study, *, strength: float = STRENGTH) -> Float64Array:
    """Fit the weights as the product does, and keep them in any case."""
    scaled = scale(windows, study)
    return fit_recorded_labels(*scaled, strength=strength) / scaled.windows.scale


def adapt_as_now(windows: LabelledFeatures, study: Study) -> Float64Array:
    """Fit the weights, and decide whether to keep them, as the product does."""
    scaled = scale(windows, study)
    decision = decide(*scaled)
    return study.general if decision.weights is None else decision.weights / scaled.windows.scale


def adapt_as_before(windows: LabelledFeatures, study: Study) -> Float64Array:
    """Fit the weights, and decide whether to keep them, as harken did before."""
    scaled = scale(windows, study)
    # All windows of a label are one bout, so that windows count and not bouts.
    windows = replace(scaled.windows, bouts=scaled.windows.codes)
    general = scaled.general
    parts = split_time(windows)
    tested = parts != NOWHERE
    if len(np.unique(parts[tested])) < 2:
        return study.general
    scores: dict[float, CrossValidated] = {}
    for strength in FORMER_STRENGTHS:
        logits = windows.features @ general
        for part in np.unique(parts[tested]):
            training = tested & (parts != part) & far_from(windows, parts == part)
            weights = fit_recorded_labels(windows.select(training), general, None, strength=strength)
            logits[parts == part] = windows.features[parts == part] @ weights
        scores[strength] = score_logits(logits[tested], windows.codes[tested])
    before = score_logits((windows.features @ general)[tested], windows.codes[tested])
    no_worse = [strength for strength in scores if scores[strength].balanced_accuracy >= before.balanced_accuracy]
    best = min(no_worse or scores, key=lambda strength: scores[strength].log_loss)
    if not no_worse or scores[best].log_loss >= before.log_loss:
        return study.general
    return fit_recorded_labels(windows, general, None, strength=best) / windows.scale


Method = Callable[[LabelledFeatures, Study], Float64Array]
"""Returns the weights of the output layer for the windows that a person taught."""
METHODS: Mapping[str, Method] = {
    "general": stay_general,
    "before": adapt_as_before,
    NEW: adapt_as_now,
    **{f"always, {strength:g}": partial(adapt_always, strength=strength) for strength in STRENGTHS},
}
CANDIDATES = (NEW, *(f"always, {strength:g}" for strength in STRENGTHS))
SITUATIONS: Mapping[str, tuple[bool, float]] = {
    "several kinds": (True, TAUGHT_S),
    "one kind": (False, TAUGHT_S),
    "several kinds, ten minutes": (True, LONG_S),
}
"""Name -> whether several kinds are taught, and how long each."""


def measure_study(job: Job) -> dict[str, Any]:
    """Measure all situations in a study."""
    study = read_study(job)
    situations = {}
    for name, (several, seconds) in SITUATIONS.items():
        situations[name] = measure_situation(study, several=several, seconds=seconds)
    return {
        "people": len({person.name for person in study.people}),
        "situations": situations,
        "labels_that_were_not_taught": measure_other_labels(study),
        "shuffled_labels_kept": measure_shuffled(study),
        "new_labels": measure_new_labels(study),
    }


def measure_situation(study: Study, *, several: bool, seconds: float) -> dict[str, Any]:
    """Measure each method: the mean F1 of people with its interval, and the recall of each label."""
    f1: dict[str, dict[str, list[float]]] = {name: {} for name in METHODS}
    recall: dict[str, dict[str, list[float]]] = {name: {} for name in METHODS}
    kept: list[bool] = []
    for person in study.people:
        for fold in list_folds(person, study.name, several=several):
            tested = np.isin(person.kinds, sorted(fold.tested)) & (person.windows.codes >= 0)
            truth = person.windows.codes[tested]
            if len(np.unique(truth)) < 2:
                continue
            taught = take(person, fold.taught, seconds)
            for name, method in METHODS.items():
                weights = method(taught, study)
                replies = (person.windows.features[tested] @ weights).argmax(axis=1)
                f1[name].setdefault(person.name, []).append(compute_mean_f1(truth, replies))
                for code in np.unique(truth).tolist():
                    recalled = float(np.mean(replies[truth == code] == code))
                    recall[name].setdefault(study.labels[code], []).append(recalled)
                if name == NEW:
                    kept.append(weights is not study.general)
    methods = {}
    for name in METHODS:
        of_people = [float(np.mean(values)) for values in f1[name].values()]
        methods[name] = {
            "mean_f1": float(np.mean(of_people)),
            "interval": interval_over_people(of_people),
            "recall": {label: float(np.mean(values)) for label, values in recall[name].items()},
        }
    gains = []
    for person_name, values in f1[NEW].items():
        gains.append(float(np.mean(values)) - float(np.mean(f1["general"][person_name])))
    return {
        "methods": methods,
        "kept": float(np.mean(kept)),
        "gain_interval": interval_over_people(gains),
        "people_who_lose": float(np.mean(np.array(gains) < -0.01)),
    }


def compute_mean_f1(truth: Int64Array, replies: Int64Array) -> float:
    """Compute the mean F1 of the labels that occur."""
    scores = []
    for code in np.unique(truth):
        hits = np.count_nonzero((truth == code) & (replies == code))
        scores.append(2 * hits / (np.count_nonzero(truth == code) + np.count_nonzero(replies == code)))
    return float(np.mean(scores))


def measure_other_labels(study: Study) -> dict[str, float]:
    """Measure the mean recall of labels that were not taught, while all others were: before and after."""
    recalled: dict[str, list[float]] = {"general": [], NEW: []}
    for person in study.people:
        kinds = person.kinds_by_label
        if len(kinds) < 3:
            continue
        for code in kinds:
            taught_kinds = {kind for other, of_label in kinds.items() if other != code for kind in of_label}
            taught = take(person, frozenset(taught_kinds), TAUGHT_S)
            features = person.windows.features[person.windows.codes == code]
            for name in recalled:
                weights = METHODS[name](taught, study)
                recalled[name].append(float(np.mean((features @ weights).argmax(axis=1) == code)))
    return {name: float(np.mean(values)) for name, values in recalled.items() if values}


def measure_shuffled(study: Study) -> float:
    """Measure how often weights are kept after labels that were shuffled in pieces of ten seconds."""
    kept = []
    for person in study.people:
        kinds = {kind for of_label in person.kinds_by_label.values() for kind in of_label}
        taught = take(person, frozenset(kinds), TAUGHT_S)
        rng = np.random.default_rng(crc32(person.name.encode()))
        _, pieces = np.unique(
            np.stack([taught.bouts, taught.starts_ns // round(PIECE_S * 1e9)]), axis=1, return_inverse=True
        )
        codes = rng.choice(np.unique(taught.codes), int(pieces.max()) + 1)[pieces.ravel()]
        bouts = number_bouts(taught.starts_ns, codes, taught.duration_ns)
        weights = adapt_as_now(replace(taught, codes=codes, bouts=bouts), study)
        kept.append(weights is not study.general)
    return float(np.mean(kept))


def measure_new_labels(study: Study) -> dict[str, dict[str, float]]:
    """Measure how often a new label is recognised, and how often windows of other activities are taken for it."""
    results = {}
    for activity in NEW_LABELS.get(study.name, ()):
        recognised, taken = [], []
        for person in study.people:
            of_activity = np.flatnonzero(person.activities == activity)
            if not len(of_activity):
                continue
            _, which = np.unique(person.windows.bouts[of_activity], return_inverse=True)
            if study.name == BY_SESSION:
                taught, tested = of_activity[which < 2], of_activity[which >= 2]
            else:
                since_s = (person.windows.starts_ns[of_activity] - person.windows.starts_ns[of_activity[0]]) / 1e9
                taught = of_activity[since_s <= NEW_LABEL_S - person.windows.duration_ns / 1e9]
                tested = of_activity[since_s >= NEW_LABEL_S + APART_S]
            if not len(taught) or not len(tested):
                continue
            new = len(study.labels)
            windows = person.windows.select(taught)
            scaled = scale(replace(windows, codes=np.full(len(taught), new)), study)
            weights = fit_new_labels(*scaled) / scaled.windows.scale
            others = ~np.isin(person.activities, [activity, ALIKE.get(activity, "")])
            recognised.append(float(np.mean((person.windows.features[tested] @ weights).argmax(axis=1) == new)))
            taken.append(float(np.mean((person.windows.features[others] @ weights).argmax(axis=1) == new)))
        if recognised:
            results[activity] = {
                "people": len(recognised),
                "recognised": float(np.mean(recognised)),
                "taken": float(np.mean(taken)),
            }
    return results


def choose_on_others(studies: Mapping[str, Any]) -> dict[str, str]:
    """Choose for each study the candidate with the best mean F1 on the other studies."""
    chosen = {}
    for study in studies:
        scores = {}
        for name in CANDIDATES:
            of_others = []
            for other in studies:
                if other != study:
                    of_others.append(studies[other]["situations"]["several kinds"]["methods"][name]["mean_f1"])
            scores[name] = float(np.mean(of_others)) if of_others else 0.0
        chosen[study] = max(scores, key=lambda name: scores[name])
    return chosen


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown; ``adaptation.md`` is its text. A trial may lack a study."""
    made = result["made_with"]
    studies = {name: result["studies"][name] for name in TITLES if name in result["studies"]}
    several = {name: studies[name]["situations"]["several kinds"] for name in studies}
    return filled_page(
        __file__,
        command=result["command"],
        people=", ".join(f"{studies[name]['people']} of {TITLES[name]}" for name in studies),
        scores=_list_scores(studies, result["chosen_on_the_others"]),
        labels=_list_labels(several),
        kept=_list_shares({name: several[name]["kept"] for name in studies}),
        losers=_list_shares({name: several[name]["people_who_lose"] for name in studies}),
        shuffled=_list_shares({name: studies[name]["shuffled_labels_kept"] for name in studies}),
        others=_list_other_labels(studies),
        new=_list_new_labels(studies),
        commit=(made["git_commit"] or "unknown")[:10],
        processor=made["machine"]["processor"],
    )


def _list_shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{TITLES[name]} {_percent(share)}" for name, share in shares.items())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _list_scores(studies: Mapping[str, Any], chosen: Mapping[str, str]) -> str:
    rows = []
    for situation in SITUATIONS:
        for title, name in ROWS.items():
            methods = dict.fromkeys(studies, name)
            if title == CHOSEN:
                if situation != CHOSEN_IN:
                    continue
                methods = dict(chosen)
            values = []
            cells = []
            for study, method in methods.items():
                scores = studies[study]["situations"][situation]["methods"][method]
                values.append(scores["mean_f1"])
                low, high = scores["interval"] or (scores["mean_f1"], scores["mean_f1"])
                cells.append(f"{scores['mean_f1']:.3f} ({low:.3f} to {high:.3f})")
            rows.append([situation, title, *cells, f"**{np.mean(values):.3f}**"])
    return in_rows(rows)


def _list_labels(several: Mapping[str, Any]) -> str:
    rows = []
    for name, situation in several.items():
        methods = situation["methods"]
        for label in methods["general"]["recall"]:
            recalls = [f"{methods[method]['recall'][label]:.2f}" for method in ("general", "before", NEW)]
            rows.append([TITLES[name], label, *recalls])
    return in_rows(rows)


def _list_other_labels(studies: Mapping[str, Any]) -> str:
    parts = []
    for name, study in studies.items():
        recalled = study["labels_that_were_not_taught"]
        if recalled:
            parts.append(f"{TITLES[name]} {recalled['general']:.2f} before and {recalled[NEW]:.2f} after")
    return ", ".join(parts)


def _list_new_labels(studies: Mapping[str, Any]) -> str:
    rows = []
    recognised, taken = [], []
    for name, study in studies.items():
        for activity, scores in study["new_labels"].items():
            recognised.append(scores["recognised"])
            taken.append(scores["taken"])
            cells = [str(scores["people"]), _percent(scores["recognised"]), f"{100 * scores['taken']:.1f} %"]
            rows.append([TITLES[name], activity, *cells])
    if recognised:
        rows.append(["mean", "", "", _percent(float(np.mean(recognised))), f"{100 * float(np.mean(taken)):.1f} %"])
    return in_rows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the studies, and write the result and its page."""
    parser = options_of(__doc__, "adaptation.json", "data", "models", people=None, workers=2)
    parser.add_argument("--studies", nargs="+", choices=sorted(KINDS), default=list(KINDS), help="only these studies")
    parser.add_argument("--page", type=Path, default=RESULTS / "adaptation.md")
    options = parser.parse_args(arguments)
    jobs = [Job(name, options.data, options.models, options.people) for name in options.studies]
    by_study = {job.study: measured for job, measured in in_processes(measure_study, jobs, options.workers)}
    studies = {name: by_study[name] for name in options.studies}
    content = {"preset": PRESET, "studies": studies, "chosen_on_the_others": choose_on_others(studies)}
    result = write_result(options.json, command("recognition.adaptation", arguments), content)
    write_text(options.page, page(result))


if __name__ == "__main__":
    main()
