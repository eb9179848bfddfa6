"""How well is the orientation of a watch found, and what does a wrong one cost?

    python -m benchmarks.recognition.mounting_as_met --data DATA --models RUN [--studies NAME ...] [--workers 2]

``DATA`` holds the studies, and ``RUN`` is the directory of ``benchmarks.studies.left_out --protocol
leave-one-of-nine-out --label-scheme hands``: each study is labelled by the model that was trained without it. Studies
whose model is not there yet are left out.

From each person's real samples, short pieces of what they did are put together to recordings of 1, 2, 5 and 15 minutes.
Each is given to harken in sixteen ways: after 0 to 7 eighths of a turn about the face, with gravity as it is and
reversed. The make is hidden.

An orientation is right if, after the turn that was found, gravity in this person's walking is at most 55 degrees from
the axis of training: it deviates by some 20 degrees in everybody, and by 45 in a watch between two axes. Of people who
never walk, the axis is that of their study. Accuracy is that of windows of ten seconds within one piece, beside that
with the right quarter turn and the right sign.

The weights of the evidence (``harken.mounting.forearm.WEIGHTS``) are fitted to the people of all studies, each study
counting the same. Each study is scored with the weights that were fitted to the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.command import command, in_processes, options_of, write_result
from benchmarks.model.left_out_studies import PRESET, model_without
from benchmarks.studies.data_sets import find_study
from benchmarks.studies.label_schemes import SCHEMES, TRUTH
from benchmarks.studies.protocols import in_scheme, mounted_recordings, study_recordings
from harken.evaluation.benchmark.scoring import by_person
from harken.evaluation.benchmark.tasks import finding_path
from harken.evaluation.protocols.protocol import cut_windows
from harken.models.recogniser import Recogniser
from harken.models.scores import interval_over_evaluations
from harken.mounting.estimate import estimate_mounting, moments_in
from harken.mounting.forearm import FEW_BLOCKS, FEW_WALKS, EvidenceWeights
from harken.mounting.turns import TURNS, Mounting, Turn
from harken.recordings.recording import Recording
from harken.windows.windows import Windows

MINUTES = (1, 2, 5, 15)
WALKING_S = 30.0
LEAST_PIECE_S, MOST_PIECE_S = 15.0, 40.0
RIGHT_DEGREES = 55.0
ON_FEET = ("walking", "stairs", "running")
POSTURES = ("lying", "sitting", "standing")
CAUTION = 10.0
"""The inverse of the ridge penalty of the fit, in which the recordings of all studies weigh one on average."""
STUDIES = ("wisdm", "dsads", "selfback", "hawthorne", "lmu_harlab")
"""The studies in which people walk. In the three others they sit or cycle, all with watches of one make. With these in
the fit, calm moments would outvote half a minute of walking."""
ALONE, AMONG_STANDING, MIXED, NOBODY_WALKS = (
    "a walk alone",
    "half a minute of walking among standing",
    "standing, sitting, walking and stairs",
    "nobody walks",
)


class Stretch(NamedTuple):
    """The samples from ``begin`` to before ``end`` of a recording, all with one label."""

    begin: int
    end: int


@dataclass(frozen=True)
class Person:
    """One recording of a person, with x along the forearm, and what they did in it.

    Attributes:
        recording: the recording.
        stretches: each label of the truth -> its stretches.
        gravity_degrees: the direction of gravity in walking in the plane of the face, from x; None if nobody walks.
    """

    recording: Recording
    stretches: Mapping[str, Sequence[Stretch]]
    gravity_degrees: float | None


class Scene(NamedTuple):
    """A composed recording with the name of what happens in it."""

    person: Person
    name: str
    minutes: int
    recording: Recording


def people_of(study: str, data: Path) -> Iterator[Person]:
    """The recordings of a study."""
    names = SCHEMES[TRUTH].names(find_study(study).info)
    for recording in mounted_recordings(study, study_recordings(study, data / study)):
        stretches = stretches_of(recording, names)
        gravity_degrees = None
        if "walking" in stretches:
            x, y = np.concatenate([recording.signals[slice(*part), :2] for part in stretches["walking"]]).mean(axis=0)
            gravity_degrees = float(np.degrees(np.arctan2(y, x)))
        yield Person(recording, stretches, gravity_degrees)


def stretches_of(recording: Recording, names: Mapping[str, str]) -> dict[str, list[Stretch]]:
    """Each label -> its stretches that are long enough for a piece."""
    codes = np.where(recording.valid, recording.label_codes, -1)
    gap = np.diff(recording.time_ns, prepend=recording.time_ns[0]) > 1e9
    firsts = np.flatnonzero(gap | (np.diff(codes, prepend=-2) != 0))
    stretches: dict[str, list[Stretch]] = {}
    for begin, end in zip(firsts.tolist(), [*firsts[1:].tolist(), len(codes)], strict=True):
        label = names[recording.label_names[codes[begin]]] if codes[begin] >= 0 else ""
        if label and end - begin >= LEAST_PIECE_S * recording.sample_rate_hz:
            stretches.setdefault(label, []).append(Stretch(begin, end))
    return stretches


def scenes_of(person: Person) -> Iterator[Scene]:
    """The composed recordings of a person."""
    labels = set(person.stretches)
    still = sorted(label for label in labels if not any(name in label for name in ON_FEET))
    if "walking" in labels:
        yield composed(person, ALONE, 1, ["walking"])
    for minutes in MINUTES:
        if {"walking", "standing"} <= labels:
            yield composed(person, AMONG_STANDING, minutes, ["standing"], walking_s=WALKING_S)
        if {"walking", "standing", "sitting"} <= labels:
            both = [label for label in ("standing", "sitting", "walking", "stairs") if label in labels]
            yield composed(person, MIXED, minutes, both)
        if any(posture in label for label in still for posture in POSTURES):
            yield composed(person, NOBODY_WALKS, minutes, still)


def composed(person: Person, name: str, minutes: int, labels: Sequence[str], *, walking_s: float = 0.0) -> Scene:
    """A recording of pieces of these labels in turn, in random order, with so many seconds of walking in addition."""
    recording = person.recording
    rng = np.random.default_rng(crc32(f"{recording.source}, {name}, {minutes}".encode()))
    pieces: list[Stretch] = []
    left_s = walking_s
    while left_s > 0:
        pieces.append(piece(person, "walking", min(left_s, rng.uniform(LEAST_PIECE_S, walking_s)), rng))
        left_s -= max(duration_s(pieces[-1], recording), 1.0)
        left_s = left_s if left_s >= LEAST_PIECE_S else 0.0
    left_s = 60.0 * minutes - sum(duration_s(part, recording) for part in pieces)
    while left_s > 0:
        for label in rng.permutation(labels).tolist():
            if left_s > 0:
                pieces.append(piece(person, label, rng.uniform(LEAST_PIECE_S, MOST_PIECE_S), rng))
                left_s -= duration_s(pieces[-1], recording)
    order = rng.permutation(len(pieces))
    rows = np.concatenate([np.arange(*pieces[number]) for number in order])
    start_ns = 1_700_000_000 * 10**9 + int(rng.integers(10**10))
    time_ns = start_ns + (np.arange(len(rows)) * (1e9 / recording.sample_rate_hz)).astype(np.int64)
    together = replace(
        recording,
        time_ns=time_ns,
        signals=recording.signals[rows],
        label_codes=recording.label_codes[rows],
        valid=np.ones(len(rows), bool),
    )
    return Scene(person, name, minutes, together)


def piece(person: Person, label: str, seconds: float, rng: np.random.Generator) -> Stretch:
    """A random piece of this label, shorter where no stretch is as long."""
    stretches = person.stretches[label]
    lengths = np.array([end - begin for begin, end in stretches], float)
    begin, end = stretches[int(rng.choice(len(stretches), p=lengths / lengths.sum()))]
    length = min(round(seconds * person.recording.sample_rate_hz), end - begin)
    first = begin + int(rng.integers(end - begin - length + 1))
    return Stretch(first, first + length)


def duration_s(part: Stretch, recording: Recording) -> float:
    """The length of a stretch."""
    return (part.end - part.begin) / recording.sample_rate_hz


class Labelled:
    """The labels of a scene's windows after each turn, computed when they are first asked for.

    Args:
        scene: the scene.
        recogniser: the model.
    """

    def __init__(self, scene: Scene, recogniser: Recogniser) -> None:
        scheme = SCHEMES[TRUTH]
        self._windows = in_scheme(cut_windows([scene.recording]), scheme)
        self._allowed = scheme.matrix(self._windows.label_names)[self._windows.label_codes]
        self._recogniser = recogniser
        self._after: dict[Turn, NDArray[np.float32]] = {}

    def after(self, turn: Turn) -> NDArray[np.float32]:
        """The probabilities after a turn."""
        if turn not in self._after:
            windows = turned_windows(self._windows, turn)
            self._after[turn] = self._recogniser.predict_proba(windows)
        return self._after[turn]

    def accuracy(self, probabilities: NDArray[np.float32]) -> float:
        """The share of windows whose label is an allowed one."""
        return float(self._allowed[np.arange(len(probabilities)), probabilities.argmax(axis=1)].mean())


def turned_windows(windows: Windows, turn: Turn) -> Windows:
    """The windows after a turn."""
    return replace(windows, signals=turn.apply(windows.signals, windows.channels))


def in_turn(worn: Turn, after: Turn) -> Turn:
    """Both turns one after the other. Reversing all axes and turning about the face do not depend on their order."""
    return Turn((worn.eighths + after.eighths) % 8, worn.gravity_reversed != after.gravity_reversed)


class Outcome(NamedTuple):
    """What harken finds of a scene, worn in one way.

    ``end_right`` is None where nobody walks; ``accuracy`` as found, ``accuracy_right`` in the right orientation.
    """

    study: str
    person: str
    scene: str
    minutes: int
    worn: Turn
    axis_right: bool
    end_right: bool | None
    sign_right: bool
    warned: bool
    accuracy: float
    accuracy_right: float


def outcomes_of(scene: Scene, recogniser: Recogniser, weights: EvidenceWeights) -> Iterator[Outcome]:
    """The outcome of each way in which the watch may have been worn."""
    labelled = Labelled(scene, recogniser)
    gravity_degrees = scene.person.gravity_degrees or 0.0
    right = right_turn(gravity_degrees)
    accuracy_right = labelled.accuracy(labelled.after(right))
    for worn in TURNS:
        signals = worn.apply(scene.recording.signals, scene.recording.channels)
        found = found_of(replace(scene.recording, signals=signals), recogniser, weights)
        way = in_turn(worn, found.turn)
        off_degrees = abs((gravity_degrees + way.degrees + 180 * way.gravity_reversed + 180) % 360 - 180)
        probabilities = sum(np.float32(share) * labelled.after(in_turn(worn, turn)) for turn, share in found.turns)
        assert not isinstance(probabilities, int)
        yield Outcome(
            scene.recording.study,
            scene.recording.subject,
            scene.name,
            scene.minutes,
            worn,
            axis_right=min(off_degrees, 180 - off_degrees) <= RIGHT_DEGREES,
            end_right=None if scene.person.gravity_degrees is None else off_degrees <= 90,
            sign_right=not way.gravity_reversed,
            warned=found.warning is not None,
            accuracy=labelled.accuracy(probabilities),
            accuracy_right=accuracy_right,
        )


def right_turn(gravity_degrees: float) -> Turn:
    """The quarter turn that brings gravity in walking nearest to x; none if it is near enough."""
    if abs(gravity_degrees) <= RIGHT_DEGREES:
        return Turn()
    if abs(gravity_degrees) >= 180 - RIGHT_DEGREES:
        return Turn(4)
    return Turn(2 * round(-gravity_degrees / 90) % 8)


def found_of(recording: Recording, recogniser: Recogniser, weights: EvidenceWeights) -> Mounting:
    """The orientation as ``harken label`` finds it, with the make hidden."""
    return estimate_mounting(
        recogniser.specification_, recording, recogniser.predict_proba, x_to_elbow=True, weights=weights
    )


class Evidence(NamedTuple):
    """What shows the axis in one scene: the parts of the odds of x, and whether x is right."""

    study: str
    parts: tuple[float, float, float]
    along_x: bool


def evidence_of(scene: Scene, recogniser: Recogniser) -> Evidence | None:
    """The evidence of a scene; None if gravity in walking lies between two axes."""
    off_degrees = abs(scene.person.gravity_degrees or 0.0)
    off_degrees = min(off_degrees, 180 - off_degrees)
    if 35 <= off_degrees <= RIGHT_DEGREES:
        return None
    walks, calm = moments_in(scene.recording, recogniser.specification_)
    estimated = estimate_mounting(
        recogniser.specification_, walks, recogniser.predict_proba, calm=calm, x_to_elbow=True
    )
    recognised = estimated.recognised or (0.0,) * 8
    along_x, along_y = recognised[0] + recognised[4], recognised[2] + recognised[6]
    share = calm.blocks / (calm.blocks + FEW_BLOCKS) / (1 + max(along_x, along_y) / FEW_WALKS)
    walking = float(np.log((1 + along_x) / (1 + along_y)))
    parts = (share * calm.gravity, share * calm.movement, walking)
    return Evidence(scene.recording.study, parts, off_degrees < 45)


def fitted(evidence: Sequence[Evidence]) -> EvidenceWeights:
    """The weights for these scenes, by logistic regression. Exchanging x and y changes only signs, so there is no
    intercept, and each scene is also learned with x and y exchanged."""
    parts = np.array([one.parts for one in evidence])
    along_x = np.array([1.0 if one.along_x else -1.0 for one in evidence])
    studies, number, counts = np.unique([one.study for one in evidence], return_inverse=True, return_counts=True)
    weight = len(evidence) / len(studies) / counts[number] / 2
    model = LogisticRegression(C=CAUTION, fit_intercept=False)
    model.fit(np.concatenate([parts, -parts]), np.concatenate([along_x, -along_x]), np.concatenate([weight, weight]))
    return EvidenceWeights(*(round(float(part), 2) for part in model.coef_[0]))


class Job(NamedTuple):
    """A study to measure: its evidence without weights, its outcomes with them."""

    study: str
    data: Path
    models: Path
    people: int | None
    weights: EvidenceWeights | None


def run(job: Job) -> list[Any]:
    """The evidence or the outcomes of a study."""
    recogniser = model_without(job.models, job.study)
    people = list(people_of(job.study, job.data))
    names = sorted({person.recording.subject for person in people})[: job.people]
    scenes = [scene for person in people if person.recording.subject in names for scene in scenes_of(person)]
    if job.weights is None:
        every = [evidence_of(scene, recogniser) for scene in scenes]
        return [evidence for evidence in every if evidence is not None]
    return [outcome for scene in scenes for outcome in outcomes_of(scene, recogniser, job.weights)]


def summarised(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The shares of some outcomes, and the mean accuracy over people with its interval, for JSON."""
    with_end = [outcome for outcome in outcomes if outcome.end_right is not None]
    sure = [outcome for outcome in outcomes if not outcome.warned]
    lost = by_person((outcome.person, outcome.accuracy - outcome.accuracy_right) for outcome in outcomes).values()
    return {
        "recordings": len(outcomes),
        "people": len({outcome.person for outcome in outcomes}),
        "axis_right": share_of(outcome.axis_right for outcome in outcomes),
        "sure_and_wrong": share_of(not (outcome.warned or outcome.axis_right) for outcome in outcomes),
        "sure": len(sure) / len(outcomes),
        "end_right": share_of(bool(outcome.end_right) for outcome in with_end) if with_end else None,
        "sign_right": share_of(outcome.sign_right for outcome in outcomes),
        "accuracy_right": mean_over_people([(outcome.person, outcome.accuracy_right) for outcome in outcomes]),
        "accuracy_as_found": mean_over_people([(outcome.person, outcome.accuracy) for outcome in outcomes]),
        "as_found_less_right": float(np.mean([np.mean(values) for values in lost])),
        "interval": interval_over_evaluations(list(lost)),
    }


def share_of(answers: Iterator[bool]) -> float:
    """The share of true answers."""
    return float(np.mean(list(answers)))


def mean_over_people(values: Sequence[tuple[str, float]]) -> float:
    """The mean over people of each person's mean."""
    return float(np.mean([np.mean(theirs) for theirs in by_person(values).values()]))


def tables(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Scene -> minutes -> the summary, and scene -> how the watch was worn -> the summary."""
    result: dict[str, Any] = {}
    for name in dict.fromkeys(outcome.scene for outcome in outcomes):
        by_minutes: dict[str, list[Outcome]] = {}
        by_way: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.scene == name:
                by_minutes.setdefault(str(outcome.minutes), []).append(outcome)
                by_way.setdefault(way_of_wearing(outcome.worn), []).append(outcome)
        result[name] = {
            "minutes": {minutes: summarised(theirs) for minutes, theirs in by_minutes.items()},
            "worn": {way: summarised(theirs) for way, theirs in by_way.items()},
        }
    return result


def way_of_wearing(worn: Turn) -> str:
    """In words, how the watch was worn."""
    axis = "between two axes" if worn.eighths % 2 else "along an axis"
    return f"{axis}, gravity reversed" if worn.gravity_reversed else axis


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = options_of(__doc__, "mounting_as_met.json", "data", "models", workers=2, people=None)
    parser.add_argument("--studies", nargs="+", default=STUDIES, help="only these")
    options = parser.parse_args(arguments)
    here = [
        study
        for study in options.studies
        if finding_path(options.models, study, PRESET).with_suffix(".safetensors").exists()
    ]
    jobs = [Job(study, options.data, options.models, options.people, None) for study in here]
    evidence = {job.study: found for job, found in in_processes(run, jobs, options.workers)}
    weights = {
        study: fitted([one for other, theirs in evidence.items() if other != study for one in theirs]) for study in here
    }
    jobs = [job._replace(weights=weights[job.study]) for job in jobs]
    outcomes = {}
    for job, found in in_processes(run, jobs, options.workers):
        outcomes[job.study] = found
        print(job.study, flush=True)
    content: dict[str, Any] = {
        "weights": fitted([one for study in here for one in evidence[study]])._asdict(),
        "weights_without": {study: weights[study]._asdict() for study in here},
        "studies": {study: tables(outcomes[study]) for study in here},
        "all": tables([outcome for study in here for outcome in outcomes[study]]),
    }
    write_result(options.json, command("recognition.mounting_as_met", arguments), content)


if __name__ == "__main__":
    main()
