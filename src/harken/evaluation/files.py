"""The job of ``harken evaluate``: scores of a trained model on labelled files, with unseen and known people apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from harken.annotations.folders import recordings_in
from harken.annotations.labelled_files import LabelledFiles, by_new_names, rows_of_nobody
from harken.annotations.options import NO_LABEL, LabelOptions
from harken.annotations.spelling import spelling
from harken.models.calibration import Answered, answered, expected_calibration_error
from harken.models.recogniser import Recogniser
from harken.models.scores import PeopleScores, Scores, prediction_rows, score, score_people
from harken.models.worst_bouts import LabelledBouts, WrongBout, find_wrong_bouts, rank_bouts
from harken.mounting.estimate import mounting_of, refuse_both
from harken.mounting.turns import Mounting
from harken.networks.specification import CalibratedOn
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.inspection import list_label_doubts
from harken.recordings.labelled_time import remove_labels
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import Float32Array, is_in_spans
from harken.support.errors import HarkenError, raise_failures
from harken.support.files import Json
from harken.support.printable import printable
from harken.windows.windows import Windows, concatenate, sliding_windows

Prepared = TypeVar("Prepared")
Failures = Sequence[tuple[Path, HarkenError]]
"""Each file that could not be read or scored, and why."""


@dataclass(frozen=True, eq=False)
class AnsweredPeople:
    """Answered windows if the label is "unsure" below a probability: of each person, and of all windows together."""

    people: dict[str, Answered]
    together: Answered

    def as_dict(self) -> Json:
        """The fields as values for JSON."""
        return self.together.as_dict() | {"people": {name: one.as_dict() for name, one in self.people.items()}}


@dataclass(frozen=True, eq=False)
class Side(PeopleScores):
    """The scores of each unseen person, or of each person in the training data.

    Attributes:
        together: the scores of all their windows together.
        error: the expected calibration error over their windows.
        answered: the answered windows if labels may be "unsure"; None if they may not.
    """

    together: Scores
    error: float
    answered: AnsweredPeople | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of unseen people and, separately, of people in the training data.

    The two are never averaged, because their mean would describe neither group.

    Attributes:
        unseen, known: the scores of unseen people, and of people in the training data; None if there are none.
        calibrated_on: the people whose windows the model's temperature was fitted on.
        window_length_s, hop_s: the length of the windows, and the time from one start to the next.
        turned: each recording whose watch was turned to the orientation of the training data, and why
            (``harken.mounting.estimate``).
        mounting_warnings: for each recording in which the orientation of the watch is unknown or was perhaps stated
            wrongly, a sentence that says so.
        training_shares: each recording that is in the training data, whole or in part, and the share of its samples.
        left_out_s: each recording with labels that the model has learned from, and the seconds of these labels, which
            are left out.
        predictions: a row for each window, with its ``recording`` and whether the person is ``unseen``; see
            ``harken.models.scores.prediction_rows``.
        worst_bouts: the bouts of unseen people that were recognised worst (``harken.models.worst_bouts``).
    """

    unseen: Side | None
    known: Side | None
    calibrated_on: CalibratedOn
    window_length_s: float
    hop_s: float
    turned: Mapping[str, str]
    mounting_warnings: Mapping[str, str]
    training_shares: Mapping[str, float]
    left_out_s: Mapping[str, float]
    predictions: pl.DataFrame
    worst_bouts: tuple[WrongBout, ...] = ()

    def as_dict(self) -> Json:
        """The fields as values for JSON, without ``predictions``."""
        unseen = self.unseen
        sides = {"unseen": self.unseen, "known_people": self.known}
        answered = {name: side.answered if side else None for name, side in sides.items()}
        return {
            "mean_person_macro_f1": unseen.mean_person_macro_f1 if unseen else None,
            "unseen": unseen.as_dict() if unseen else None,
            "all_unseen": unseen.together.as_dict() if unseen else None,
            "known_people": self.known.as_dict() if self.known else None,
            "calibrated_on": self.calibrated_on,
            "window_length_s": self.window_length_s,
            "hop_s": self.hop_s,
            "turned": dict(self.turned),
            "mounting_warnings": dict(self.mounting_warnings),
            "training_shares": dict(self.training_shares),
            "left_out_s": dict(self.left_out_s),
            "expected_calibration_error": {name: side.error if side else None for name, side in sides.items()},
            "with_unsure": {name: one.as_dict() if one else None for name, one in answered.items()},
            "worst_bouts": [bout.as_dict() for bout in self.worst_bouts],
        }


@dataclass(frozen=True)
class EvaluatedFiles:
    """The scores of a model on files.

    Attributes:
        scores: of each person and of all together; see ``Evaluation``.
        failures: each file that could not be read or scored, and why. A file of several people has an entry for each
            person who could not be scored.
        warnings: each file with a warning, such as a sensor that was not worn on a wrist.
        label_sources: each file whose labels are in another file: that file, and its format.
        only_labels: the only labels whose windows were scored; empty for all.
    """

    scores: Evaluation
    failures: Failures
    warnings: tuple[tuple[Path, str], ...]
    label_sources: tuple[tuple[Path, str], ...] = ()
    only_labels: tuple[str, ...] = ()

    def as_dict(self) -> Json:
        """The output of ``harken evaluate --json``."""
        sources = {printable(path): source for path, source in self.label_sources}
        some = {"label_sources": sources, "only_labels": list(self.only_labels)}
        return self.scores.as_dict() | failures_as_dict(self.failures) | {key: one for key, one in some.items() if one}


def failures_as_dict(failures: Failures) -> Json:
    """The files that could not be scored, as values for JSON."""
    each = [{"file": printable(path), "reason": error.message_within(path)} for path, error in failures]
    return {"failures": each}


def evaluate(
    model: str | Path | Recogniser,
    files: str | Path | Iterable[str | Path],
    *,
    ignore_labels: Sequence[str] = (),
    only_labels: Sequence[str] = (),
    unsure_below: float | None = None,
    orientation: bool = True,
    forearm_axis: ForearmAxis | None = None,
    reading: TableOptions | None = None,
    labels: str | Path | None = None,
    labels_offset_s: float = 0.0,
    trim_s: float = 0.0,
    rename: Mapping[str, str] | None = None,
    on_warning: Callable[[Path, str], None] | None = None,
) -> EvaluatedFiles:
    """Score a model on labelled files, as ``harken evaluate`` does: each person, and the mean over people.

    A table with several names in its subject column has one recording for each person. If a file cannot be read or
    scored, the others are still scored, and ``failures`` has the file.

    >>> import harken
    >>> evaluated = harken.evaluate("packaged", ["alice.csv", "bob.csv"])
    >>> sorted(evaluated.scores.unseen.people)
    ['alice', 'bob']

    Args:
        model: a recogniser, a model file, a run directory, or ``"packaged"`` (the packaged model).
        files: one or several labelled recordings, or folders of them.
        ignore_labels: labels whose windows do not count.
        only_labels: the only labels whose windows count, and over which macro F1 is the mean; empty for all.
        unsure_below: also score the answered windows, if windows with a smaller largest probability get no answer.
        orientation: whether a watch is turned about its face if the model recognises walking only then.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it by walking.
        reading: how to read tables; see ``harken.read``.
        labels: a file of labels; None for the file beside each recording (``NAME.labels.csv``), or else the labels in
            it. ``docs/labels.md`` describes the formats.
        labels_offset_s: seconds added to each time in files of labels.
        trim_s: seconds without a label at both ends of each bout.
        rename: new names of labels, by the old ones.
        on_warning: called with a file and a sentence when the file is read.

    Raises:
        HarkenError: when the model cannot be read, ``unsure_below`` is not a probability, no recording has one of
            ``only_labels``, or no file can be scored. The message then has the reason for each file.
    """
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"unsure_below must be a probability between 0 and 1, got {unsure_below:g}")
    rules = WindowRules(ignore_labels, only_labels, orientation, forearm_axis)
    recogniser = Recogniser.load(model)
    options = LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s, rename=rename)
    read = LabelledFiles(recordings_in(files).files, reading or TableOptions(), options)
    prepare = partial(ready_recording, rules, recogniser)
    ready, failures, warnings = ready_recordings(read, prepare, only_labels, on_warning)
    scores = evaluation_of(recogniser, ready, unsure_below, true_labels_only=bool(only_labels))
    on_page = ("--no-model",) if isinstance(model, Recogniser) else ("--model", str(model))
    worst = [
        bout.with_command(reading or TableOptions(), on_page, forearm_axis=forearm_axis) for bout in scores.worst_bouts
    ]
    scores = replace(scores, worst_bouts=tuple(worst))
    return EvaluatedFiles(
        scores, tuple(failures), tuple(warnings), tuple(read.label_sources), only_labels=tuple(only_labels)
    )


def ready_recordings(
    read: LabelledFiles,
    prepare: Callable[[Recording], Prepared],
    only_labels: Sequence[str] = (),
    on_warning: Callable[[Path, str], None] | None = None,
) -> tuple[list[Prepared], Failures, list[tuple[Path, str]]]:
    """What ``prepare`` makes of the recordings of all files, the failures of the other files, and the warnings.

    Raises:
        HarkenError: when nothing can be prepared, or no recording has one of ``only_labels``.
    """
    ready: list[Prepared] = []
    failures: list[tuple[Path, HarkenError]] = []
    warnings: list[tuple[Path, str]] = []

    def warn(path: Path, sentence: str) -> None:
        warnings.append((path, sentence))
        if on_warning is not None:
            on_warning(path, sentence)

    for path in read.paths:
        try:
            people = read.read(path)
        except HarkenError as error:
            failures.append((path, error))
            continue
        for recording in people:
            for sentence in (*recording.warnings, *list_label_doubts(recording, trim_s=read.labels.trim_s)):
                warn(path, sentence)
            try:
                ready.append(prepare(by_new_names(recording, read.labels)))
            except HarkenError as error:
                failures.append((path, error))
    _refuse_absent(only_labels, read)
    if not ready:
        raise_failures([error for _, error in failures], len(read.paths))
        raise HarkenError("none of the recordings can be scored")
    if not failures:
        read.labels.refuse_unused(read.label_names, files=bool(read.label_sources))
        if read.labels.path is not None and (unused := rows_of_nobody(read.labels, read.people)):
            warn(read.labels.path, unused)
    return ready, failures, warnings


def _refuse_absent(only_labels: Sequence[str], read: LabelledFiles) -> None:
    """Check that a recording has each of the labels that are scored, by their new names."""
    names = sorted({*read.labels.new_names(read.label_names).values()})
    absent = {*map(spelling, only_labels)} - {*map(spelling, names)}
    for label in only_labels:
        if names and spelling(label) in absent:
            raise HarkenError(f"--only-labels {label}: no recording has this label; the labels are {', '.join(names)}")


class ReadyRecording(NamedTuple):
    """A recording's labelled windows, with codes in the order of the model's labels, and what is known about it."""

    name: str
    subject: str
    windows: Windows
    mounting: Mounting | None
    share: float
    """The share of its samples that are in the training data."""
    bouts: LabelledBouts
    left_out_s: float
    """The seconds of labels that are left out, because the model has learned from them."""


@dataclass(frozen=True)
class WindowRules:
    """Which windows of a recording are scored, and how.

    Attributes:
        ignore_labels: labels whose windows do not count.
        only_labels: the only labels whose windows count; empty for all.
        orientation: whether the watch is turned.
        forearm_axis: the axis of the sensor that points along the forearm; None to find it by walking.
        stretches_s: the length and hop in seconds of stretches of one label, each with a window in its middle; None
            for stretches as long as a window, at the model's hop.

    Raises:
        HarkenError: when an axis is stated although no watch may be turned.
    """

    ignore_labels: Sequence[str] = ()
    only_labels: Sequence[str] = ()
    orientation: bool = True
    forearm_axis: ForearmAxis | None = None
    stretches_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        refuse_both(self.forearm_axis, orientation=self.orientation)


def ready_recording(rules: WindowRules, recogniser: Recogniser, recording: Recording) -> ReadyRecording:
    """The sliding windows of a mended recording with labels, with the model's window length and hop.

    A watch that sat in another way than those of the training data is turned first, as ``harken label`` does. This uses
    the labels that the model recognises, and not the true labels.

    If the model was trained on a part of exactly this recording, the labels in that part are left out.

    Raises:
        HarkenError: when the model was trained on exactly this recording, or on all labels of it; when the recording
            lacks a channel, cannot be resampled, has no window with a label, or has a label that is neither the model's
            nor in ``ignore_labels``.
    """
    specification, name = recogniser.specification_, recording.source or recording.subject
    share = float(recogniser.trained_samples(recording).mean())
    untrained = _remove_trained_labels(recogniser, recording)
    left_out = _count_labelled(recording) - _count_labelled(untrained)
    left_out_s = left_out / recording.sample_rate_hz if left_out else 0.0
    recording = untrained
    bouts = LabelledBouts.of(recording)
    mounting = mounting_of(recogniser, recording, forearm_axis=rules.forearm_axis) if rules.orientation else None
    recording = specification.prepare_recording(recording)
    length_s = specification.window_length / recording.sample_rate_hz
    longer_s, hop_s = rules.stretches_s or (length_s, specification.hop_s)
    windows = sliding_windows(recording, length_s=max(longer_s, length_s), hop_s=hop_s)
    try:
        labelled = recogniser.known(windows, ignore_labels=rules.ignore_labels, only_labels=rules.only_labels)
    except HarkenError as error:
        raise HarkenError(error.reason, path=name) from error
    labelled = labelled.middle(specification.window_length)
    return ReadyRecording(name, recording.subject, labelled, mounting, share, bouts, left_out_s)


def _remove_trained_labels(recogniser: Recogniser, recording: Recording) -> Recording:
    """Return a recording without the labels that the model has learned from.

    Raises:
        HarkenError: when no label is left, or there is none.
    """
    if recogniser.was_trained_on(recording):
        raise HarkenError(
            "the model was trained on this recording, so a score on it would be a score on training data",
            path=recording.source,
        )
    if not recording.label_names:
        raise HarkenError(NO_LABEL, path=recording.source or recording.subject)
    spans_ns = recogniser.find_trained_spans(recording)
    if spans_ns is None:
        return recording
    untrained = remove_labels(recording, is_in_spans(recording.time_ns, spans_ns))
    if _count_labelled(recording) > 0 and _count_labelled(untrained) == 0:
        raise HarkenError(
            "the model was trained on this recording where it has labels, so a score on them would be a score on "
            "training data; label other time of it",
            path=recording.source,
        )
    return untrained


def _count_labelled(recording: Recording) -> int:
    """Return how many samples have a label."""
    return int(np.count_nonzero(recording.label_codes != UNLABELLED))


def evaluation_of(
    recogniser: Recogniser,
    every: Sequence[ReadyRecording],
    unsure_below: float | None = None,
    *,
    true_labels_only: bool = False,
) -> Evaluation:
    """The scores of all recordings together, with unseen and known people apart; see ``score`` for the last argument.

    A person is known if any of their recordings holds movement from the training data, also under another name, in
    another unit, or cut into pieces (``harken.recordings.fingerprints``).
    """
    specification = recogniser.specification_
    windows = concatenate([part.windows for part in every]).with_label_names(specification.labels)
    each_probabilities = [_probabilities(recogniser, part) for part in every]
    probabilities = np.concatenate(each_probabilities)
    training_people = set(recogniser.provenance_.get("training_people", []))
    training_people.update(part.subject for part in every if part.share)
    is_known = np.isin(windows.subjects, sorted(training_people))
    unseen, known = (
        _scored(windows[side], probabilities[side], unsure_below, true_labels_only=true_labels_only)
        for side in (~is_known, is_known)
    )
    worst: list[WrongBout] = []
    for part, of_part in zip(every, each_probabilities, strict=True):
        if part.subject not in training_people:
            worst += find_wrong_bouts(part.bouts, part.windows, of_part, specification.labels, test="unseen people")
    names = [part.name for part in every]
    lengths = [len(part.windows) for part in every]
    mountings = [(part.name, part.mounting) for part in every if part.mounting is not None]
    return Evaluation(
        unseen=unseen,
        known=known,
        calibrated_on=specification.calibrated_on,
        window_length_s=windows.length / windows.sample_rate_hz,
        hop_s=specification.hop_s,
        turned={name: mounting.reason for name, mounting in mountings if mounting.changes_samples},
        mounting_warnings={name: mounting.warning for name, mounting in mountings if mounting.warning is not None},
        training_shares={part.name: part.share for part in every if part.share},
        left_out_s={part.name: round(part.left_out_s, 3) for part in every if part.left_out_s},
        predictions=prediction_rows(windows, probabilities, specification.labels).select(
            pl.Series("recording", np.repeat(names, lengths)),
            pl.Series("unseen", ~is_known),
            pl.all(),
        ),
        worst_bouts=tuple(rank_bouts(worst)),
    )


def _probabilities(recogniser: Recogniser, ready: ReadyRecording) -> Float32Array:
    """The probabilities of the windows of a recording, ``[n, labels]``, in the orientation of the training data."""
    probabilities = recogniser.predict_proba
    return (probabilities if ready.mounting is None else ready.mounting.averaged(probabilities))(ready.windows)


def _scored(
    windows: Windows, probabilities: Float32Array, unsure_below: float | None, *, true_labels_only: bool
) -> Side | None:
    """The scores of labelled windows with codes in the order of the probabilities ``[n, labels]``; None without
    windows."""
    if len(windows) == 0:
        return None
    codes, subjects, labels = windows.label_codes, windows.subjects, windows.label_names
    predicted = probabilities.argmax(axis=1)
    answered_people = None
    if unsure_below is not None:
        people = {}
        for person in np.unique(subjects).tolist():
            theirs = subjects == person
            people[person] = answered(probabilities[theirs], codes[theirs], unsure_below=unsure_below)
        answered_people = AnsweredPeople(people, answered(probabilities, codes, unsure_below=unsure_below))
    scores = score_people(codes, predicted, subjects, labels, true_labels_only=true_labels_only)
    together = score(codes, predicted, labels, true_labels_only=true_labels_only)
    error = expected_calibration_error(probabilities, codes)
    return Side(**vars(scores), together=together, error=error, answered=answered_people)
