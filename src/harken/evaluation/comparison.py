"""The job of ``harken compare``: two models, or two benchmarks, on the same people, each compared with themselves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harken.annotations.folders import recordings_in
from harken.annotations.labelled_files import LabelledFiles
from harken.annotations.options import LabelOptions
from harken.evaluation.benchmark.result import evaluations_of, other_data, read_result
from harken.evaluation.benchmark.scoring import Evaluations, by_person, paired_difference
from harken.evaluation.files import (
    Evaluation,
    Failures,
    ReadyRecording,
    WindowRules,
    evaluation_of,
    failures_as_dict,
    ready_recording,
    ready_recordings,
)
from harken.models.recogniser import Recogniser
from harken.models.scores import Scores
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.printable import listed


@dataclass(frozen=True, eq=False)
class PairedScores:
    """The macro F1 of the same people with A and with B.

    Attributes:
        people: each person's macro F1 with A and with B; the mean of a person's evaluations, if there are several.
        difference: B minus A, in the form of ``differences`` in ``benchmark.json``: the mean over evaluations, its
            interval over people (None for fewer than five), and the number of people with whom B is better.
        left_out: the folds that only one of two benchmarks has.
    """

    people: Mapping[str, tuple[float, float]]
    difference: Json
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, a: Evaluations, b: Evaluations) -> "PairedScores":
        """The scores of the same evaluations in the same order."""
        sides = zip(by_person(a).items(), by_person(b).values(), strict=True)
        people = {person: (float(np.mean(with_a)), float(np.mean(with_b))) for (person, with_a), with_b in sides}
        return cls(people, paired_difference(b, a))

    def as_dict(self) -> Json:
        """The fields as values for JSON."""
        rows = {person: {"a": a, "b": b, "difference": b - a} for person, (a, b) in self.people.items()}
        left_out = {"folds_left_out": list(self.left_out)} if self.left_out else {}
        return {"people": rows, "b_minus_a": dict(self.difference), **left_out}


@dataclass(frozen=True, eq=False)
class ComparedModels:
    """Two models on the same people, who are unseen for both.

    Attributes:
        scores: of each person.
        a, b: all scores of each model.
        left_out: the people on whom a model was trained, by name or by their movement, and which: A, B, or A and B.
        only_answers: the labels that only this model can give; such an answer is a mistake.
        failures: each file that could not be read or scored with both models, and why.
        stretch_s: the length of the stretches of one label that both models label.
        only_labels: the only labels whose windows were scored; empty for all.
    """

    scores: PairedScores
    a: Evaluation
    b: Evaluation
    left_out: Mapping[str, str]
    only_answers: Mapping[str, Sequence[str]]
    failures: Failures
    stretch_s: float
    only_labels: tuple[str, ...] = ()

    @property
    def windows(self) -> dict[str, str]:
        """The number of each person's windows, and that of B if resampling to another rate gave B another number."""
        with_b = _people(self.b)
        counts = {}
        for person, with_a in _people(self.a).items():
            both = dict.fromkeys([with_a.windows, with_b[person].windows])
            counts[person] = " / ".join(map(str, both))
        return counts

    def as_dict(self) -> Json:
        """The output of ``harken compare --json``."""
        models = {"a": self.a.as_dict(), "b": self.b.as_dict(), "left_out": dict(self.left_out)}
        windows = {"stretch_s": self.stretch_s, "only_labels": list(self.only_labels)}
        return self.scores.as_dict() | models | windows | failures_as_dict(self.failures)


def compare(
    a: str | Path | Recogniser,
    b: str | Path | Recogniser,
    files: str | Path | Iterable[str | Path],
    *,
    ignore_labels: Sequence[str] = (),
    only_labels: Sequence[str] = (),
    orientation: bool = True,
    forearm_axis: ForearmAxis | None = None,
    reading: TableOptions | None = None,
    labels: LabelOptions | None = None,
    on_warning: Callable[[Path, str], None] | None = None,
) -> ComparedModels:
    """Score two models on the same unseen people, as ``harken compare`` does.

    Both models label the same stretches of one label. If their windows have different lengths, a stretch is as long as
    the longer one, and the shorter one lies in its middle. All labels in the files must be labels of both models.
    People on whom one of the models was trained are left out.

    >>> import harken
    >>> compared = harken.compare("packaged", "packaged", ["alice.csv", "bob.csv"])
    >>> compared.scores.difference["mean_person_macro_f1"]
    0.0

    Args:
        a, b: the models; see ``harken.evaluate``.
        files, ignore_labels, only_labels, orientation, forearm_axis, reading, on_warning: see ``harken.evaluate``.
        labels: where the labels of the recordings are, with what corrects them.

    Raises:
        HarkenError: as ``harken.evaluate``, and when there is nobody who is unseen for both models.
    """
    models = {"A": Recogniser.load(a), "B": Recogniser.load(b)}
    read = LabelledFiles(recordings_in(files).files, reading or TableOptions(), labels or LabelOptions())
    specifications = [model.specification_ for model in models.values()]
    stretches_s = max((each.window_length_s, each.hop_s) for each in specifications)
    rules = WindowRules(ignore_labels, only_labels, orientation, forearm_axis, stretches_s)
    pairs, failures, _ = ready_recordings(read, partial(_with_both, models, rules), only_labels, on_warning)
    unseen, left_out = _divided(pairs)
    with_a, with_b = (
        replace(evaluation_of(model, parts, true_labels_only=bool(only_labels)), hop_s=stretches_s[1])
        for model, parts in zip(models.values(), zip(*unseen, strict=True), strict=True)
    )
    first, second = ({*each.labels} for each in specifications)
    only_answers = {"A": sorted(first - second), "B": sorted(second - first)}
    scores = PairedScores.of(_each(with_a), _each(with_b))
    return ComparedModels(
        scores, with_a, with_b, left_out, only_answers, tuple(failures), stretches_s[0], tuple(only_labels)
    )


class _Pair(NamedTuple):
    """A recording's windows for each model; no windows if a model was trained on the wearer, and which models were."""

    subject: str
    trained: tuple[str, ...]
    ready: tuple[ReadyRecording, ...]


def _with_both(models: Mapping[str, Recogniser], rules: WindowRules, recording: Recording) -> _Pair:
    """A model was trained on a wearer by the wearer's name, or by the movement in the recording."""
    trained, pair = [], []
    for side, model in models.items():
        by_name = recording.subject in model.provenance_.get("training_people", [])
        if by_name or model.trained_samples(recording).any():
            trained.append(side)
    for side, model in models.items() if not trained else ():
        try:
            pair.append(ready_recording(rules, model, recording))
        except HarkenError as error:
            raise error.with_lines(f"{error.reason} (model {side})") from error
    return _Pair(recording.subject, tuple(trained), tuple(pair))


def _divided(pairs: Sequence[_Pair]) -> tuple[list[tuple[ReadyRecording, ...]], dict[str, str]]:
    """The windows of people who are unseen for both models; and the others, each with the models that know them.

    Raises:
        HarkenError: when nobody is unseen for both.
    """
    trained: dict[str, set[str]] = {}
    for one in pairs:
        if one.trained:
            trained.setdefault(one.subject, set()).update(one.trained)
    unseen = [one.ready for one in pairs if one.subject not in trained]
    if not unseen:
        raise HarkenError(
            "there is nobody to compare the models on, because one of them or both were trained on everybody here "
            f"({', '.join(trained)}); give recordings of other people"
        )
    return unseen, {person: listed(sorted(sides)) for person, sides in trained.items()}


def _people(evaluation: Evaluation) -> dict[str, Scores]:
    return evaluation.unseen.people if evaluation.unseen else {}


def _each(evaluation: Evaluation) -> Evaluations:
    return [(person, scores.macro_f1) for person, scores in _people(evaluation).items()]


def compare_benchmarks(a: Path, b: Path) -> dict[str, PairedScores]:
    """Compare the methods of two benchmarks of the same windows and people.

    Args:
        a, b: the folders of the benchmarks, or their ``benchmark.json``.

    Returns:
        the scores of the first method of each (its preset, if it has one), then those of each other method that is in
        both; by their names.

    Raises:
        HarkenError: when a result cannot be read, or the two are of other windows or people.
    """
    results = [_result(path) for path in (a, b)]
    if (reason := other_data(results[1], results[0])) is not None:
        raise HarkenError(f"{b} cannot be compared with {a}: {reason}")
    methods = [result["methods"] for result in results]
    first = tuple(next(iter(each)) for each in methods)
    compared = {}
    for name_a, name_b in dict.fromkeys([first, *((name, name) for name in methods[0] if name in methods[1])]):
        with_a = evaluations_of(methods[0][name_a])
        with_b = evaluations_of(methods[1][name_b])
        both = [evaluation for evaluation in with_a if evaluation in with_b]
        if not both:
            raise HarkenError(f"{b} cannot be compared with {a}: they have no fold in common")
        name = name_a if name_a == name_b else f"{name_a} and {name_b}"
        scores = PairedScores.of(
            [(person, with_a[fold, person]) for fold, person in both],
            [(person, with_b[fold, person]) for fold, person in both],
        )
        left_out = dict.fromkeys(fold for fold, _ in (*with_a, *with_b) if fold not in {fold for fold, _ in both})
        compared[name] = replace(scores, left_out=tuple(left_out))
    return compared


def _result(path: Path) -> Json:
    file = path / "benchmark.json" if path.is_dir() else path
    if file.suffix != ".json" or not file.is_file():
        if any(path.glob("fold_*")):
            raise HarkenError("this benchmark is not finished; repeat its command with --resume", path=path)
        raise HarkenError(
            "this is no benchmark (it has no benchmark.json); to compare two models, add labelled recordings, "
            "as in harken compare A B FILE",
            path=path,
        )
    return read_result(file)
