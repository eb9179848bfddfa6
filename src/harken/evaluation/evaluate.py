"""Scores of a fitted recogniser on labelled recordings: of each person, with unseen and known people apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.models.calibration import Answered, answered, expected_calibration_error
from harken.models.mounting import Mounting, as_trained, refuse_both
from harken.models.recogniser import Recogniser
from harken.models.scores import PeopleScores, Scores, score, score_people
from harken.networks.specification import CalibratedOn
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
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


def evaluate(
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
    collected = _Collected(recogniser, ignore_labels, orientation, forearm_axis)
    collected.add_all(recordings, on_failure)
    specification = recogniser.specification_
    windows = concatenate(collected.parts).with_label_names(specification.labels)
    probabilities = recogniser.predict_proba(windows)
    training_people = {*recogniser.provenance_.get("training_people", []), *collected.known_people}
    is_known = np.isin(windows.subjects, sorted(training_people))
    unseen, known = (_side(windows[of], probabilities[of], unsure_below) for of in (~is_known, is_known))
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
        turned=collected.turned,
        mounting_unknown=collected.mounting_unknown,
        training_shares=collected.training_shares,
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
        each = {
            str(person): answered(probabilities[of], codes[of], unsure_below=unsure_below)
            for person in np.unique(subjects)
            for of in [subjects == person]
        }
        answered_people = AnsweredPeople(each, answered(probabilities, codes, unsure_below=unsure_below))
    return _Side(
        score_people(codes, predicted, subjects, labels),
        score(codes, predicted, labels),
        expected_calibration_error(probabilities, codes),
        answered_people,
    )


class _Collected:
    """The labelled windows of recordings, with codes in the order of the model's labels, and notes on the recordings.

    Attributes:
        parts: the windows of each recording.
        turned, mounting_unknown, training_shares: as in ``Evaluation``.
        known_people: people with a recording in the training data, whole or in part.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        ignore_labels: Sequence[str],
        orientation: bool,
        forearm_axis: ForearmAxis | None,
    ) -> None:
        self._recogniser, self._ignore_labels = recogniser, ignore_labels
        self._orientation, self._forearm_axis = orientation, forearm_axis
        self.parts: list[Windows] = []
        self.turned: dict[str, str] = {}
        self.mounting_unknown: dict[str, str] = {}
        self.training_shares: dict[str, float] = {}
        self.known_people: set[str] = set()

    def add_all(
        self, recordings: Iterable[Recording], on_failure: Callable[[Recording, HarkenError], None] | None
    ) -> None:
        """Add recordings; see ``evaluate``.

        Raises:
            HarkenError: as ``add``, if ``on_failure`` is None; when no recording can be added.
        """
        for recording in recordings:
            try:
                self.add(recording)
            except HarkenError as error:
                if on_failure is None:
                    raise
                on_failure(recording, error)
        if not self.parts:
            raise HarkenError("none of the recordings can be scored")

    def add(self, recording: Recording) -> None:
        """Add one recording.

        Raises:
            HarkenError: when it has no window with a label, or a label that the model does not have; when the model was
                trained on exactly this recording; when it cannot be resampled.
        """
        recogniser, specification = self._recogniser, self._recogniser.specification_
        name, subject = recording.source or recording.subject, recording.subject
        if recogniser.was_trained_on(recording):
            raise HarkenError(
                f"{recording.source}: the model was trained on this recording, so a score on it would be "
                "a score on training data"
            )
        if not recording.label_names:
            raise HarkenError(f"{name}: no row has a label; name the column of labels with --label-column")
        share = float(recogniser.trained_samples(recording).mean())
        mounting = None
        if self._orientation:
            recording, mounting = as_trained(recogniser, recording, forearm_axis=self._forearm_axis)
        recording = specification.prepare_recording(recording)
        windows = sliding_windows(
            recording,
            length_s=specification.window_length / recording.sample_rate_hz,
            hop_s=specification.hop_s,
        )
        try:
            labelled = recogniser.known(windows, ignore_labels=self._ignore_labels)
        except HarkenError as error:
            raise HarkenError(f"{name}: {error}") from error
        self.parts.append(labelled)
        self._note(name, mounting)
        if share:
            self.training_shares[name] = share
            self.known_people.add(subject)

    def _note(self, name: str, mounting: Mounting | None) -> None:
        """Note that the watch was turned, or that its orientation is unknown."""
        if mounting is not None and mounting.quarters:
            self.turned[name] = mounting.reason
        if mounting is not None and mounting.warning is not None:
            self.mounting_unknown[name] = mounting.warning
