"""The tests of learning: on the held-out part of the recordings, and on people who were left out, each beside the model
before on the same moments."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harken.models.comparison import (
    Comparison,
    LabelledMoments,
    Names,
    compare,
    labelled_moments,
    people_scores,
    predicted_labels,
)
from harken.models.recogniser import Recogniser
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.training.learn.division import Division, Part, described, without_people
from harken.training.learn.fits import Fit, HeldOut, Training, Way
from harken.training.learn.limits import seconds_by_label, sureness

OnProgress = Callable[[str, float], None]
"""Takes the stage, and the share of the whole job that is done."""


@dataclass(frozen=True, eq=False)
class Tested:
    """The honest test.

    Attributes:
        what: what it measures, in a sentence.
        seconds_by_label: the tested seconds.
        comparison: the scores of the previous model, and of a model that was made without the tested part.
        sureness: how sure the scores can be, in a sentence.
    """

    what: str
    seconds_by_label: dict[str, float]
    comparison: Comparison
    sureness: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = self.comparison
        return {
            "what": self.what,
            "seconds_by_label": self.seconds_by_label,
            "windows": found.windows,
            "labels": list(found.labels),
            "before": found.before and found.before._asdict(),
            "after": found.after._asdict(),
            "only_after": found.only_after,
            "sureness": self.sureness,
        }


class Tests:
    """The fits of one job, and their tests.

    Args:
        recordings: the labelled recordings, in the order of their starts.
        before: the previous model.
        way: how to learn.
        orientation: whether watches are turned.
        on_progress: called with the stage and the share of all fits.

    Attributes:
        people: the wearers.
        comparable: the previous model if it can be compared: it was not trained on one of the recordings.
        window_length_s: the length of the longest windows of the two models.
    """

    def __init__(
        self,
        recordings: list[Recording],
        before: Recogniser | None,
        way: Way,
        orientation: bool,
        on_progress: OnProgress,
    ) -> None:
        self._recordings, self._way, self._orientation = recordings, way, orientation
        self._on_progress = on_progress
        self.people = sorted({one.subject for one in recordings})
        self._folds = without_people(recordings) if len(self.people) > 1 else []
        self._fits, self._fits_done = 2 + len(self._folds), 0
        known = before is not None and any(before.trained_samples(one).mean() > SAME_RECORDING for one in recordings)
        self.comparable = None if known else before
        lengths_s = [] if before is None else [before.specification_.window_length_s]
        if isinstance(way, Training):
            rate_hz = way.recipe.sample_rate_hz or float(np.median([one.sample_rate_hz for one in recordings]))
            lengths_s.append(way.recipe.window_length / rate_hz)
        self.window_length_s = max(lengths_s)

    def test(self, division: Division) -> tuple[Tested | None, HeldOut | None]:
        """The honest test, and the outputs of its model; None if too few bouts are long enough."""
        training = [one for one in division.training if seconds_by_label([one])]
        fitted = self._fitted("test", training, [part for part in division.parts if part.test is not None])
        if fitted is None:
            return None, None
        fit, tests = fitted
        seconds: dict[str, float] = {}
        for _, moments in tests:
            for label, spent_s in moments.seconds_by_label.items():
                seconds[label] = round(seconds.get(label, 0.0) + spent_s, 3)
        truth, before, after, held_out = self._labels(fit, tests)
        if not len(held_out.codes):
            return None, None
        comparison = compare(
            np.concatenate(truth),
            None if before is None else np.concatenate(before),
            np.concatenate(after),
            before_labels=self._before_labels,
        )
        what = described(division, self.people)
        return Tested(what, seconds, comparison, sureness(seconds, self.window_length_s)), held_out

    def other_people(self) -> tuple[dict[str, Any] | None, HeldOut | None]:
        """Each person's scores with a model that was fitted without that person, and its outputs; None for one."""
        truths: list[Names] = []
        befores: list[Names] = []
        afters: list[Names] = []
        outputs: list[HeldOut] = []
        people: list[str] = []
        for left_out, others in self._folds:
            fitted = self._fitted("people", others, [Part(one, None, one) for one in left_out])
            if fitted is None:
                continue
            fit, tests = fitted
            truth, before, after, held_out = self._labels(fit, tests)
            outputs.append(held_out)
            for person in sorted({part.whole.subject for part, _ in tests}):
                mine = [number for number, (part, _) in enumerate(tests) if part.whole.subject == person]
                if not sum(len(truth[number]) for number in mine):
                    continue
                people.append(person)
                truths.append(np.concatenate([truth[number] for number in mine]))
                afters.append(np.concatenate([after[number] for number in mine]))
                if before is not None:
                    befores.append(np.concatenate([before[number] for number in mine]))
        if not people:
            return None, None
        return self._people_outcome(people, truths, befores, afters), _joined(outputs)

    def _people_outcome(
        self, people: list[str], truths: list[Names], befores: list[Names], afters: list[Names]
    ) -> dict[str, Any]:
        common = {label for truth in truths for label in truth.tolist()}
        before = None
        if befores and common & set(self._before_labels):
            common &= set(self._before_labels)
            kept = [np.isin(truth, sorted(common)) for truth in truths]
            some = [number for number, mask in enumerate(kept) if mask.any()]
            people = [people[number] for number in some]
            truths, befores, afters = (
                [names[number][kept[number]] for number in some] for names in (truths, befores, afters)
            )
            before = people_scores(truths, befores)
        return {
            "what": f"Each person was left out of training once, in {len(self._folds)} groups. The scores are means "
            "over people.",
            "people": people,
            "labels": sorted(common),
            "before": before,
            "after": people_scores(truths, afters),
        }

    def fit_all(self) -> Fit:
        """The model that is made from all labelled minutes."""
        return self._fit("model", self._recordings)

    @property
    def _before_labels(self) -> tuple[str, ...]:
        return () if self.comparable is None else self.comparable.specification_.labels

    def _fit(self, stage: str, recordings: Sequence[Recording]) -> Fit:
        def on_share(share: float) -> None:
            self._on_progress(stage, (self._fits_done + share) / self._fits)

        on_share(0.0)
        fit = self._way.fit(recordings, on_share)
        self._fits_done += 1
        return fit

    def _fitted(
        self, stage: str, training: Sequence[Recording], parts: Sequence[Part]
    ) -> tuple[Fit, list[tuple[Part, LabelledMoments]]] | None:
        """A fit to a part of the data, and the moments of its test; None if there is nothing to test, or if the part is
        too small for a fit, as when its bouts are shorter than a window."""
        trained = set(seconds_by_label(training))
        moments = [self._moments(part) for part in parts]
        if len(trained) < 2 or not _with_labels(moments, trained):
            self._fits_done += 1
            return None
        try:
            fit = self._fit(stage, training)
        except HarkenError:  # what is wrong with all of the data is raised by fit_all
            self._fits_done += 1
            return None
        tests = _with_labels(moments, trained & set(fit.recogniser.specification_.labels))
        return (fit, tests) if tests else None

    def _moments(self, part: Part) -> tuple[Part, LabelledMoments]:
        """A part with the labelled moments of its test."""
        assert part.test is not None
        return part, labelled_moments(part.test, length_s=self.window_length_s)

    def _labels(
        self, fit: Fit, tests: Sequence[tuple[Part, LabelledMoments]]
    ) -> tuple[list[Names], list[Names] | None, list[Names], HeldOut]:
        """The true labels of each recording's moments, those of the previous model and of the fit, and its outputs.

        Moments without a whole window of either model are left out.
        """
        truths: list[Names] = []
        befores: list[Names] = []
        afters: list[Names] = []
        outputs: list[HeldOut] = []
        names = np.array(fit.recogniser.specification_.labels)
        for part, moments in tests:
            after, logits = predicted_labels(fit.recogniser, part.whole, moments, orientation=self._orientation)
            seen = after != ""
            if self.comparable is not None:
                before, _ = predicted_labels(self.comparable, part.whole, moments, orientation=self._orientation)
                seen &= before != ""
                befores.append(before[seen])
            truths.append(moments.labels[seen])
            afters.append(after[seen])
            codes = (moments.labels[seen][:, None] == names).argmax(axis=1)
            outputs.append(HeldOut(logits[seen], codes))
        return truths, befores or None, afters, _joined(outputs)


def _with_labels(
    tests: Sequence[tuple[Part, LabelledMoments]], labels: Collection[str]
) -> list[tuple[Part, LabelledMoments]]:
    """The tests with those of their moments that have one of these labels, without tests that have none."""
    found = []
    for part, moments in tests:
        kept = np.isin(moments.labels, sorted(labels))
        if kept.any():
            found.append((part, moments._replace(middles_ns=moments.middles_ns[kept], labels=moments.labels[kept])))
    return found


def _joined(outputs: Sequence[HeldOut]) -> HeldOut:
    """Outputs together, of all models with as many labels as the first one."""
    outputs = [one for one in outputs if one.logits.shape[1] == outputs[0].logits.shape[1]]
    return HeldOut(np.concatenate([one.logits for one in outputs]), np.concatenate([one.codes for one in outputs]))
