"""The job of ``harken evaluate``: scores of a trained model on labelled files, with unseen and known people apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.annotations.labelling import refuse_shared_rows, refuse_trimmed_away, renamed, rows_of_nobody
from harken.annotations.options import LabelOptions
from harken.datasets.people import read_people
from harken.models.calibration import Answered, answered, expected_calibration_error
from harken.models.mounting import Mounting, as_trained, refuse_both
from harken.models.recogniser import Recogniser
from harken.models.scores import PeopleScores, Scores, score, score_people
from harken.networks.specification import CalibratedOn
from harken.readers.folders import recordings_in
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError, raise_failures
from harken.support.printable import printable, without_path
from harken.windows.windows import Windows, concatenate, sliding_windows


@dataclass(frozen=True, eq=False)
class AnsweredPeople:
    """Answered windows if the label is "unsure" below a probability: of each person, and of all windows together."""

    people: dict[str, Answered]
    together: Answered

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        return self.together.as_dict() | {"people": {name: one.as_dict() for name, one in self.people.items()}}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of unseen people and, separately, of people in the training data.

    The two are never averaged, because their mean would describe neither group.

    Attributes:
        unseen, all_unseen: the scores of each unseen person, and of all their windows together; None if there are no
            unseen people.
        known: the scores of each person in the training data; None if there are none.
        unseen_error, known_error: the expected calibration error over the windows of each group.
        unseen_answered, known_answered: the answered windows if labels may be "unsure"; None if they may not.
        calibrated_on: the people whose windows the model's temperature was fitted on.
        window_length_s, hop_s: the length of the windows, and the time from one start to the next.
        turned: each recording whose watch was turned to the orientation of the training data, and why
            (``harken.models.mounting``).
        mounting_unknown: each recording in which the orientation of the watch is unknown, and what was assumed.
        training_shares: each recording that is in the training data, whole or in part, and the share of its samples.
    """

    unseen: PeopleScores | None
    all_unseen: Scores | None
    known: PeopleScores | None
    unseen_error: float | None
    known_error: float | None
    unseen_answered: AnsweredPeople | None
    known_answered: AnsweredPeople | None
    calibrated_on: CalibratedOn
    window_length_s: float
    hop_s: float
    turned: Mapping[str, str]
    mounting_unknown: Mapping[str, str]
    training_shares: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        unsure = {"unseen": self.unseen_answered, "known_people": self.known_answered}
        return {
            "mean_person_macro_f1": self.unseen.mean_person_macro_f1 if self.unseen else None,
            "unseen": self.unseen.as_dict() if self.unseen else None,
            "all_unseen": self.all_unseen.as_dict() if self.all_unseen else None,
            "known_people": self.known.as_dict() if self.known else None,
            "calibrated_on": self.calibrated_on,
            "window_length_s": self.window_length_s,
            "hop_s": self.hop_s,
            "turned": dict(self.turned),
            "mounting_unknown": dict(self.mounting_unknown),
            "training_shares": dict(self.training_shares),
            "expected_calibration_error": {"unseen": self.unseen_error, "known_people": self.known_error},
            "with_unsure": {name: one.as_dict() if one else None for name, one in unsure.items()},
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
    """

    scores: Evaluation
    failures: tuple[tuple[Path, HarkenError], ...]
    warnings: tuple[tuple[Path, str], ...]
    label_sources: tuple[tuple[Path, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The output of ``harken evaluate --json``."""
        failures = [
            {"file": printable(path), "reason": without_path(str(error), path)} for path, error in self.failures
        ]
        sources = {printable(path): source for path, source in self.label_sources}
        return self.scores.as_dict() | {"failures": failures} | ({"label_sources": sources} if sources else {})


def evaluate(
    model: str | Path | Recogniser,
    files: str | Path | Iterable[str | Path],
    *,
    ignore_labels: Sequence[str] = (),
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
        model: a recogniser, a model file, a run directory, or ``"packaged"`` for the model that comes with harken.
        files: one or several labelled recordings, or folders of them.
        ignore_labels: labels whose windows do not count.
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
        HarkenError: when the model cannot be read, ``unsure_below`` is not a probability, or no file can be scored. The
            message then has the reason for each file.
    """
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"unsure_below must be a probability between 0 and 1, got {unsure_below:g}")
    recogniser = model if isinstance(model, Recogniser) else Recogniser.load(model)
    paths = recordings_in(files).files
    options = LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s, rename=rename)
    refuse_shared_rows(paths, options)
    scoring = partial(
        evaluate_recordings,
        recogniser,
        ignore_labels=ignore_labels,
        unsure_below=unsure_below,
        orientation=orientation,
        forearm_axis=forearm_axis,
    )
    return _Files(paths, reading or TableOptions(), options, on_warning).scored(scoring)


class _Files:
    """Reads files one after the other, and keeps a list of files that cannot be read or scored."""

    def __init__(
        self,
        paths: Sequence[Path],
        reading: TableOptions,
        labels: LabelOptions,
        on_warning: Callable[[Path, str], None] | None,
    ) -> None:
        self._paths, self._reading, self._labels, self._on_warning = paths, reading, labels, on_warning
        self._path = Path()
        self._people: list[tuple[Path, str]] = []
        self._names: set[str] = set()
        self._label_sources: dict[tuple[Path, str], None] = {}
        self._failures: list[tuple[Path, HarkenError]] = []
        self._warnings: list[tuple[Path, str]] = []

    def scored(self, scoring: Callable[..., Evaluation]) -> EvaluatedFiles:
        """The scores of all files by ``scoring``, which is ``evaluate_recordings`` with a recogniser.

        Raises:
            HarkenError: when no file can be scored; when labels of the options are in none of the files.
        """
        try:
            scores = scoring(self._recordings(), on_failure=self._note_failure)
        except HarkenError:
            raise_failures([error for _, error in self._failures], len(self._paths))
            raise
        if not self._failures:
            self._labels.refuse_unused(self._names, files=bool(self._label_sources))
            self._warn_of_unused()
        return EvaluatedFiles(scores, tuple(self._failures), tuple(self._warnings), tuple(self._label_sources))

    def _recordings(self) -> Iterator[Recording]:
        """The recording of each person in the files that can be read."""
        for path in self._paths:
            self._path = path
            try:
                people = read_people(path, self._reading, labels=self._labels, of_several=len(self._paths) > 1)
            except HarkenError as error:
                self._failures.append((path, error))
                continue
            for recording in people:
                self._people.append((path, recording.subject))
                for sentence in recording.warnings:
                    self._warn(sentence)
                if recording.label_source:
                    self._label_sources[path, recording.label_source] = None
                self._names.update(recording.label_names)
                try:
                    refuse_trimmed_away(recording, self._labels)
                except HarkenError as error:
                    self._failures.append((path, error))
                    continue
                yield renamed(recording, self._labels.new_names(recording.label_names))

    def _note_failure(self, _: Recording, error: HarkenError) -> None:
        """Record that the recording that was read last cannot be scored."""
        self._failures.append((self._path, error))

    def _warn_of_unused(self) -> None:
        """Warn of rows in the file of labels that are for none of the recordings."""
        if self._labels.path is not None and (unused := rows_of_nobody(self._labels, self._people)):
            self._path = self._labels.path
            self._warn(unused)

    def _warn(self, sentence: str) -> None:
        self._warnings.append((self._path, sentence))
        if self._on_warning is not None:
            self._on_warning(self._path, sentence)


def evaluate_recordings(
    recogniser: Recogniser,
    recordings: Iterable[Recording],
    *,
    ignore_labels: Sequence[str] = (),
    unsure_below: float | None = None,
    orientation: bool = True,
    forearm_axis: ForearmAxis | None = None,
    on_failure: Callable[[Recording, HarkenError], None] | None = None,
) -> Evaluation:
    """Score a recogniser on sliding windows of labelled recordings, with the model's window length and hop.

    A watch that is a quarter turn away from the training data is turned first, as ``harken label`` does. This uses the
    labels that the model recognises, and not the true labels.

    A person is known if any of their recordings holds movement from the training data, also under another name, in
    another unit, or cut into pieces (``harken.recordings.fingerprints``).

    Args:
        recogniser: the recogniser to score.
        recordings: recordings of unseen or known people.
        ignore_labels: labels whose windows do not count.
        unsure_below: also score the answered windows, if windows with a smaller largest probability get no answer. The
            other scores stay those of all windows.
        orientation: whether watches are turned.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it by walking.
        on_failure: called with each recording that cannot be scored, and the reason; the others are scored. If None,
            the first reason is raised.

    Raises:
        HarkenError: when the model was trained on exactly this recording; when a recording lacks a channel, cannot be
            resampled, has no window with a label, or has a label that is neither the model's nor in
            ``ignore_labels``; when ``unsure_below`` is not a probability; when ``forearm_axis`` is stated although
            ``orientation`` is false; when no recording can be scored.
    """
    refuse_both(forearm_axis, orientation=orientation)
    every = []
    for recording in recordings:
        try:
            every.append(
                _prepared(recogniser, recording, ignore_labels, orientation=orientation, forearm_axis=forearm_axis)
            )
        except HarkenError as error:
            if on_failure is None:
                raise
            on_failure(recording, error)
    if not every:
        raise HarkenError("none of the recordings can be scored")
    return _evaluation(recogniser, every, unsure_below)


class _Prepared(NamedTuple):
    """A recording's labelled windows, with codes in the order of the model's labels, and what is known about it."""

    name: str
    subject: str
    windows: Windows
    mounting: Mounting | None
    share: float
    """The share of its samples that are in the training data."""


def _prepared(
    recogniser: Recogniser,
    recording: Recording,
    ignore_labels: Sequence[str],
    *,
    orientation: bool,
    forearm_axis: ForearmAxis | None,
) -> _Prepared:
    """Prepare one recording; raises as ``evaluate_recordings``."""
    specification, name = recogniser.specification_, recording.source or recording.subject
    if recogniser.was_trained_on(recording):
        raise HarkenError(
            f"{recording.source}: the model was trained on this recording, so a score on it would be "
            "a score on training data"
        )
    if not recording.label_names:
        raise HarkenError(f"{name}: no row has a label; name the column of labels with --label-column")
    share = float(recogniser.trained_samples(recording).mean())
    mounting = None
    if orientation:
        recording, mounting = as_trained(recogniser, recording, forearm_axis=forearm_axis)
    recording = specification.prepare_recording(recording)
    length_s = specification.window_length / recording.sample_rate_hz
    windows = sliding_windows(recording, length_s=length_s, hop_s=specification.hop_s)
    try:
        labelled = recogniser.known(windows, ignore_labels=ignore_labels)
    except HarkenError as error:
        raise HarkenError(f"{name}: {error}") from error
    return _Prepared(name, recording.subject, labelled, mounting, share)


def _evaluation(recogniser: Recogniser, every: Sequence[_Prepared], unsure_below: float | None) -> Evaluation:
    """The scores of all recordings together, with unseen and known people apart."""
    specification = recogniser.specification_
    windows = concatenate([one.windows for one in every]).with_label_names(specification.labels)
    probabilities = recogniser.predict_proba(windows)
    training_people = set(recogniser.provenance_.get("training_people", []))
    training_people.update(one.subject for one in every if one.share)
    is_known = np.isin(windows.subjects, sorted(training_people))
    unseen = _side(windows[~is_known], probabilities[~is_known], unsure_below)
    known = _side(windows[is_known], probabilities[is_known], unsure_below)
    mountings = [(one.name, one.mounting) for one in every if one.mounting is not None]
    return Evaluation(
        unseen=unseen.people,
        all_unseen=unseen.together,
        known=known.people,
        unseen_error=unseen.error,
        known_error=known.error,
        unseen_answered=unseen.answered,
        known_answered=known.answered,
        calibrated_on=specification.calibrated_on,
        window_length_s=windows.length / windows.sample_rate_hz,
        hop_s=specification.hop_s,
        turned={name: mounting.reason for name, mounting in mountings if mounting.quarters},
        mounting_unknown={name: mounting.warning for name, mounting in mountings if mounting.warning is not None},
        training_shares={one.name: one.share for one in every if one.share},
    )


class _Side(NamedTuple):
    """The scores of unseen or of known people; all None if there are no such people. See ``Evaluation``."""

    people: PeopleScores | None = None
    together: Scores | None = None
    error: float | None = None
    answered: AnsweredPeople | None = None


def _side(windows: Windows, probabilities: NDArray[np.float32], unsure_below: float | None) -> _Side:
    """Score labelled windows, whose codes are in the order of the probabilities ``[n, labels]``."""
    if len(windows) == 0:
        return _Side()
    codes, subjects, labels = windows.label_codes, windows.subjects, windows.label_names
    predicted = probabilities.argmax(axis=1)
    answered_people = None
    if unsure_below is not None:
        people = {}
        for person in np.unique(subjects).tolist():
            theirs = subjects == person
            people[person] = answered(probabilities[theirs], codes[theirs], unsure_below=unsure_below)
        answered_people = AnsweredPeople(people, answered(probabilities, codes, unsure_below=unsure_below))
    return _Side(
        score_people(codes, predicted, subjects, labels),
        score(codes, predicted, labels),
        expected_calibration_error(probabilities, codes),
        answered_people,
    )
