"""How often the labels of a study are right, estimated from clips that somebody named.

The clips are a stratified sample: the strata are the labels that the model gave, and within a stratum each clip was
equally likely to be drawn. So the mean over the clips of a stratum, weighted by the hours of the stratum, estimates how
the hours of each label of the model divide into true labels (the *confusion*). Precision, recall and corrected hours
follow from it.

A few clips show no rare error. So each stratum has half a clip more that is right and half a clip that is wrong
(Jeffreys' prior); its true labels follow the model's own probabilities. The intervals are those of a Bayesian bootstrap
(Rubin, Annals of Statistics 9, 1981): every unit has an exponential random weight. For precision and recall a unit is a
person, so the intervals say what to expect of other people like these; with few people they are widened as Student's
distribution is beside the normal one. For the hours a unit is a clip, because the hours are those of this study, whose
people are all in the draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from harken.support.arrays import BoolArray, Float64Array, Int64Array
from harken.windows.known_labels import list_groups

PRIOR_CLIPS = 0.5
"""So many clips are right, and so many are wrong, before a clip of a stratum is named."""
DRAWS = 2000
SEED = 0
"""The random weights are the same in every run, so the same clips give the same numbers."""
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """An estimated number.

    Attributes:
        value: the estimate.
        lowest, highest: its interval of 95 %.
    """

    value: float
    lowest: float
    highest: float


@dataclass(frozen=True, eq=False)
class Frame:
    """The time from which clips are drawn.

    Attributes:
        labels: the labels of the model.
        true_labels: the labels of the model, in the same order, then other names of the truth.
        people: the wearers.
        stratum_hours: the hours of the clips of each stratum, float64 ``[people, labels]``.
        label_hours: the hours with each label of the model, float64 ``[people, labels]``. A clip may have several.
        probabilities: the mean probability that the model gives each true label in each stratum, float64 ``[labels,
            true labels]``.
    """

    labels: tuple[str, ...]
    true_labels: tuple[str, ...]
    people: tuple[str, ...]
    stratum_hours: Float64Array
    label_hours: Float64Array
    probabilities: Float64Array

    def select(self, chosen: BoolArray) -> "Frame":
        """Return the frame of some people, bool ``[people]``."""
        people = tuple(person for person, is_chosen in zip(self.people, chosen, strict=True) if is_chosen)
        return Frame(
            self.labels,
            self.true_labels,
            people,
            self.stratum_hours[chosen],
            self.label_hours[chosen],
            self.probabilities,
        )


@dataclass(frozen=True, eq=False)
class NamedClips:
    """Clips with their truth, in rows: one row for each clip, or for several of a person and a stratum.

    Attributes:
        person: the place of the wearer in ``Frame.people``, int64 ``[rows]``.
        stratum: the place of the stratum in ``Frame.labels``, int64 ``[rows]``.
        shares: the share of a clip with each label of the model and each true label, float64 ``[rows, labels, true
            labels]``. It adds up to the number of clips; to 0 for a clip that nobody could tell.
        count: how many clips each row stands for, int64 ``[rows]``.
        drawn: whether the clips are a random sample of all people. Otherwise they are all of some people.
    """

    person: Int64Array
    stratum: Int64Array
    shares: Float64Array
    count: Int64Array
    drawn: bool = True

    @property
    def is_named(self) -> BoolArray:
        """Whether somebody could tell, bool ``[rows]``."""
        return np.asarray(self.shares.sum(axis=(1, 2)) > 0)

    def select(self, chosen: BoolArray) -> "NamedClips":
        """Return some rows, bool ``[rows]``."""
        return NamedClips(
            self.person[chosen], self.stratum[chosen], self.shares[chosen], self.count[chosen], self.drawn
        )

    def of_people(self, chosen: BoolArray) -> "NamedClips":
        """Return the rows of some people, bool ``[people]``, for ``Frame.select``."""
        place = np.cumsum(chosen) - 1
        rows = self.select(chosen[self.person])
        return NamedClips(place[rows.person], rows.stratum, rows.shares, rows.count, rows.drawn)


@dataclass(frozen=True)
class LabelEstimates:
    """What was estimated of a label, or of a group of labels.

    Attributes:
        label: the label, or the name of the group.
        drawn: the clips of its stratum.
        named: the clips of its stratum that somebody could tell.
        precision: of the time that the model gives this label, the share that has it; None for a label that the model
            does not know, or never gives.
        recall: of the time that has this label, the share to which the model gives it.
        hours: the hours to which the model gives it.
        corrected_hours: the hours that have it.
    """

    label: str
    drawn: int
    named: int
    precision: Estimate | None
    recall: Estimate
    hours: float
    corrected_hours: Estimate


@dataclass(frozen=True)
class CheckEstimates:
    """What was estimated of some people.

    Attributes:
        right: the share of the time whose label is right.
        cannot_tell: the share of the time that nobody could tell.
        labels: of each label that the model gave or that was named.
        groups: of each group of labels that the model knows (``harken.windows.known_labels.GROUPS``).
    """

    right: Estimate
    cannot_tell: Estimate
    labels: tuple[LabelEstimates, ...]
    groups: tuple[LabelEstimates, ...]


def estimate_check(frame: Frame, clips: NamedClips) -> CheckEstimates:
    """Estimate how often the labels are right.

    Clips that nobody could tell count as missing at random within their stratum.

    Args:
        frame: the time from which the clips were drawn.
        clips: the clips.
    """
    random = np.random.default_rng(SEED)
    named = clips.select(clips.is_named)
    known = len(frame.labels)
    estimator = _Estimator(
        hours=frame.label_hours.sum(axis=0),
        drawn=_count_clips(clips, known),
        named=_count_clips(named, known),
        of_people=_measure_confusion(frame, named, random, over_people=True),
        of_study=_measure_confusion(frame, named, random, over_people=not clips.drawn),
        widen=_compare_student(len(np.unique(named.person))),
    )
    was_named = named.shares.sum(axis=(0, 1)) > 0
    labels: list[LabelEstimates] = []
    for code, label in enumerate(frame.true_labels):
        if code >= known:
            labels.append(estimator.estimate_unknown(label, code))
        elif estimator.hours[code] or was_named[code]:
            labels.append(estimator.estimate_label(label, [code]))
    code_of = {label: code for code, label in enumerate(frame.labels)}
    groups = [
        estimator.estimate_label(group, [code_of[label] for label in members])
        for group, members in list_groups(frame.labels).items()
    ]
    return CheckEstimates(
        estimator.of_people.estimate_right(estimator.widen),
        _estimate_untold(frame, clips, random),
        tuple(labels),
        tuple(groups),
    )


def _count_clips(clips: NamedClips, strata: int) -> Int64Array:
    """Count the clips of each stratum, int64 ``[strata]``."""
    counts = np.zeros(strata, np.int64)
    np.add.at(counts, clips.stratum, clips.count)
    return counts


@dataclass(frozen=True, eq=False)
class _Estimator:
    """What estimates of labels are made of.

    Attributes:
        hours: with each label of the model, float64 ``[labels]``.
        drawn, named: the clips of each stratum, and those that somebody could tell, int64 ``[labels]``.
        of_people: the confusion, with random weights of the people.
        of_study: the confusion of the hours of this study.
        widen: how much wider intervals over so few people are.
    """

    hours: Float64Array
    drawn: Int64Array
    named: Int64Array
    of_people: "_Confusion"
    of_study: "_Confusion"
    widen: float

    def estimate_label(self, label: str, codes: list[int]) -> LabelEstimates:
        """Estimate a label of the model, or a group of them."""
        hours = float(self.hours[codes].sum())
        return LabelEstimates(
            label,
            int(self.drawn[codes].sum()),
            int(self.named[codes].sum()),
            self.of_people.estimate_precision(codes, self.widen) if hours else None,
            self.of_people.estimate_recall(codes, self.widen),
            hours,
            self.of_study.estimate_hours(codes),
        )

    def estimate_unknown(self, label: str, code: int) -> LabelEstimates:
        """Estimate a label that the model does not know, and so never gives."""
        return LabelEstimates(label, 0, 0, None, Estimate(0.0, 0.0, 0.0), 0.0, self.of_study.estimate_hours([code]))


class _Confusion(NamedTuple):
    """The hours with each label of the model and each true label.

    Attributes:
        hours: the estimate, then the same with random weights, float64 ``[1 + DRAWS, labels, true labels]``.
    """

    hours: Float64Array

    def estimate_precision(self, codes: list[int], widen: float) -> Estimate:
        rows = self.hours[:, codes]
        return _estimate_share(rows[:, :, codes].sum(axis=(1, 2)), rows.sum(axis=(1, 2)), widen)

    def estimate_recall(self, codes: list[int], widen: float) -> Estimate:
        columns = self.hours[:, :, codes]
        return _estimate_share(columns[:, codes].sum(axis=(1, 2)), columns.sum(axis=(1, 2)), widen)

    def estimate_right(self, widen: float) -> Estimate:
        codes = np.arange(self.hours.shape[1])
        return _estimate_share(self.hours[:, codes, codes].sum(axis=1), self.hours.sum(axis=(1, 2)), widen)

    def estimate_hours(self, codes: list[int]) -> Estimate:
        return _estimate(self.hours[:, :, codes].sum(axis=(1, 2)))


def _measure_confusion(
    frame: Frame, clips: NamedClips, random: np.random.Generator, *, over_people: bool
) -> _Confusion:
    """Measure the confusion, with random weights of the people, or of the clips."""
    strata, true = len(frame.labels), len(frame.true_labels)
    unit = clips.person if over_people else np.arange(len(clips.person))
    units = len(frame.people) if over_people else len(clips.person)
    shares = np.zeros((units, strata, strata, true))
    np.add.at(shares, (unit, clips.stratum), clips.shares)
    counts = np.zeros((units, strata))
    np.add.at(counts, (unit, clips.stratum), clips.count)
    weights = np.concatenate([np.ones((1, units)), random.exponential(size=(DRAWS, units))])
    if over_people:
        weights /= weights.mean(axis=1, keepdims=True)
    prior = _spread_prior(frame.probabilities)
    value_prior = prior
    if not clips.drawn:
        # What was compared in whole is not pulled towards a guess.
        is_compared = counts.sum(axis=0) > 0
        value_prior = np.where(is_compared[:, None], 0.0, prior)
    priors = np.concatenate([value_prior[None], random.gamma(prior, size=(DRAWS, strata, true))])
    sums = (weights @ shares.reshape(units, strata * strata * true)).reshape(-1, strata, strata, true)
    rows = np.arange(strata)
    sums[:, rows, rows] += priors
    total = weights @ counts + priors.sum(axis=2)
    # Other people would also have other hours.
    hours_weights = weights if over_people else np.ones((len(weights), len(frame.people)))
    per_clip = _divide(hours_weights @ frame.stratum_hours, total)
    confusion = np.einsum("dl,dljk->djk", per_clip, sums)
    # The hours of each label of the model are known.
    known_hours = hours_weights @ frame.label_hours
    confusion *= _divide(known_hours, confusion.sum(axis=2))[:, :, None]
    return _Confusion(confusion)


def _spread_prior(probabilities: Float64Array) -> Float64Array:
    """Return the clips that each stratum has before one is named, float64 ``[labels, true labels]``."""
    strata, true = probabilities.shape
    is_right = np.arange(strata)[:, None] == np.arange(true)
    wrong = np.where(is_right, 0.0, np.maximum(probabilities, 1e-6))
    return np.where(is_right, PRIOR_CLIPS, PRIOR_CLIPS * wrong / wrong.sum(axis=1, keepdims=True))


def _compare_student(people: int) -> float:
    """Return how much wider than that of a normal distribution an interval over so many people is.

    Student's quantile is drawn, because SciPy is not among what harken always needs.
    """
    degrees = max(people - 1, 1)
    student = np.quantile(np.abs(np.random.default_rng(SEED).standard_t(degrees, 100_000)), LEVEL)
    normal = NormalDist().inv_cdf((1 + LEVEL) / 2)
    return float(student / normal * np.sqrt((degrees + 1) / degrees))


def _estimate_untold(frame: Frame, clips: NamedClips, random: np.random.Generator) -> Estimate:
    """Estimate the share of the time that nobody could tell, each stratum with a Beta distribution (Jeffreys)."""
    strata = len(frame.labels)
    is_untold = ~clips.is_named
    drawn = _count_clips(clips, strata)
    untold = _count_clips(clips.select(is_untold), strata)
    hours = np.where(drawn > 0, frame.stratum_hours.sum(axis=0), 0.0)
    if not hours.sum():
        return Estimate(0.0, 0.0, 1.0)
    share = np.divide(untold, drawn, out=np.zeros(strata), where=drawn > 0)
    draws = random.beta(untold + 0.5, drawn - untold + 0.5, size=(DRAWS, strata))
    estimate = (share * hours).sum() / hours.sum()
    return _estimate(np.concatenate([[estimate], draws @ hours / hours.sum()]))


def _divide(values: Float64Array, by: Float64Array) -> Float64Array:
    """Return the quotients; 0 where the divisor is 0."""
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)


def _estimate_share(part: Float64Array, whole: Float64Array, widen: float) -> Estimate:
    """Return the estimate of a share: the first value, and the quantiles of the others, ``widen`` times as far away.

    Shares are widened as log odds, so they stay between 0 and 1.
    """
    shares = np.clip(_divide(part, whole), 1e-9, 1 - 1e-9)
    odds = np.log(shares / (1 - shares))
    middle = np.median(odds[1:])
    widened = 1 / (1 + np.exp(-(middle + widen * (odds[1:] - middle))))
    return _estimate(np.concatenate([shares[:1], widened]))


def _estimate(values: Float64Array) -> Estimate:
    """Return the first value, and the quantiles of the others."""
    tail = (1 - LEVEL) / 2
    lowest, highest = np.quantile(values[1:], (tail, 1 - tail))
    # Of skewed draws, the value may lie outside their quantiles.
    value = float(values[0])
    return Estimate(value, min(float(lowest), value), max(float(highest), value))


def allocate_clips(stratum_clips: Int64Array, expected_right: Float64Array, clips: int) -> Int64Array:
    """Return how many clips to draw from each stratum, int64 ``[labels]``: more where few labels are right.

    A third is divided equally, so that each label has some. The rest follows Neyman (Journal of the Royal Statistical
    Society 97, 1934): the number of clips times the standard deviation of being right.

    >>> allocate_clips(np.array([9000, 900, 20, 0]), np.array([0.9, 0.6, 0.5, 0.0]), 60).tolist()
    [41, 12, 7, 0]

    Args:
        stratum_clips: how many clips there are, int64 ``[labels]``.
        expected_right: the mean probability that the model gives its own label, ``[labels]``.
        clips: how many clips to draw; all if there are fewer.
    """
    wanted = min(clips, int(stratum_clips.sum()))
    spread = np.sqrt(np.clip(expected_right * (1 - expected_right), 0.01, None))
    neyman = stratum_clips * spread
    has_clips = stratum_clips > 0
    target = wanted * (has_clips / max(has_clips.sum(), 1) / 3 + 2 * neyman / max(neyman.sum(), 1e-12) / 3)
    allocated = np.zeros(len(stratum_clips), np.int64)
    # One clip after the other goes to the stratum that lacks most of its target.
    for _ in range(wanted):
        lacking = np.where(allocated < stratum_clips, target - allocated, -np.inf)
        allocated[int(lacking.argmax())] += 1
    return allocated


def list_labels(labels: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of the model, then the other names in the order in which they first occur."""
    return tuple(dict.fromkeys((*labels, *named)))
