"""The job of *Learn*: read, test honestly, learn from all labelled minutes, save.

The order is: divide the recordings, fit a model without the test part and score it there once, fit models without some
of the people (if there are several) and score them on these, fit the model to save to everything. Each score stands
beside that of the starting model on the same moments. Nothing is chosen by these scores.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score

from harken.datasets.people import read_people
from harken.models.calibration import fit_temperature
from harken.models.recogniser import Recogniser
from harken.models.scores import interval_over_people
from harken.mounting.estimate import as_trained
from harken.networks import DEFAULT_PRESET
from harken.networks.presets import Preset
from harken.networks.presets import preset as preset_of
from harken.networks.specification import Specification
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.arrays import BoolArray, Float32Array, Int64Array, StrArray
from harken.support.errors import HarkenError
from harken.support.plugins import need_training
from harken.support.printable import listed, percent, printable, quoted
from harken.training.adaptation import adapt
from harken.training.data import sliding_windows_of_all
from harken.training.learn import outcome
from harken.training.learn.division import Division, Part, divided, seconds_by_label, without_people
from harken.windows.windows import SlidingHops, Windows, covered_s, sliding_windows

HOP_S = 1.0
"""Seconds between two moments of a test: live, there is a label every second."""
Names = StrArray
OnShare = Callable[[float], None]
OnProgress = Callable[[str, float], None]
"""Takes the stage, and the share of the whole job that is done."""


class Fit(NamedTuple):
    """A fitted model; whether it differs from the starting model, and the reason."""

    recogniser: Recogniser
    kept: bool
    reason: str


class Answers(NamedTuple):
    """What models answer at the moments of a test in one recording.

    Attributes:
        people, truth, before, after: for each moment, str ``[n]``: the wearer, the true label, that of the previous
            model (empty if it is not compared), and that of a model that was fitted without the moment.
        logits, codes: the outputs of the latter, float32 ``[n, labels]``, and the true labels among its labels,
            int64 ``[n]``.
        seconds: the tested seconds by label.
    """

    people: Names
    truth: Names
    before: Names
    after: Names
    logits: Float32Array
    codes: Int64Array
    seconds: dict[str, float]


class LabelledMoments(NamedTuple):
    """Labelled moments of a recording: the middles of its windows.

    ``middles_ns`` int64 ``[n]``, ``labels`` str ``[n]``, and ``length_s``, the length of the windows.
    """

    middles_ns: Int64Array
    labels: Names
    length_s: float

    @property
    def seconds_by_label(self) -> dict[str, float]:
        """Seconds that the windows of each label cover. Seconds in two windows count once."""
        duration_ns = round(self.length_s * 1e9)
        labels = np.unique(self.labels).tolist()
        return {label: covered_s(self.middles_ns[self.labels == label], duration_ns) for label in labels}

    def only(self, labels: Collection[str]) -> "LabelledMoments":
        """Those with one of these labels."""
        chosen = np.isin(self.labels, sorted(labels))
        return self._replace(middles_ns=self.middles_ns[chosen], labels=self.labels[chosen])


def learn(
    files: Sequence[str | Path],
    *,
    before: Recogniser | str | Path | None,
    how: outcome.How,
    out: str | Path,
    preset: str | Preset = DEFAULT_PRESET,
    epochs: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    reading: TableOptions | None = None,
    orientation: bool = True,
    forearm_axis: ForearmAxis | None = None,
    on_progress: OnProgress = lambda _, __: None,
) -> outcome.Learned:
    """Adapt a model to labelled recordings, or train a new one on them, and test it honestly beside the starting model.

    >>> import harken
    >>> from harken.training.learn.job import learn
    >>> learned = learn(["alice.csv"], before="packaged", how="adapt", out="alice.safetensors")
    >>> learned.test.labels
    ('lying', 'sitting', 'walking')

    Args:
        files: recordings, each with its labels in the file beside it (``NAME.labels.csv``), or else in itself.
        before: the model to adapt and compare with, a model file, or ``"packaged"``; None only if ``how`` is "train".
        how: ``"adapt"`` fits the last layer of ``before`` again, in seconds; ``"train"`` trains a new model, in
            minutes, and can learn labels that ``before`` does not know.
        out: the model file to write (``.safetensors``).
        preset, epochs, seed, threads: how to train; see ``harken.train``.
        reading: how to read tables. ``subject`` says who wore the watch; without it, and without a column of subjects,
            each file counts as another person's.
        orientation: whether watches are turned, as ``harken label`` turns them.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it by walking.
        on_progress: called with the stage (``read``, ``test``, ``people``, ``model``) and the share of the whole job.

    Raises:
        HarkenError: when a file cannot be read, fewer than two labels are recorded, ``adapt`` meets a label that the
            starting model does not know, or a package is missing.
    """
    need_training("learning from labels")
    before = None if before is None else Recogniser.load(before)
    recipe = preset_of(preset)
    if not isinstance(recipe.windows, SlidingHops):
        raise HarkenError(f"the preset {recipe.name} draws its windows at random; choose another, as everyday")
    if how == "train":
        fit = partial(_trained, recipe, epochs, seed, threads)
    elif before is not None:
        fit = partial(_adapted, before, orientation, forearm_axis)
    else:
        raise HarkenError("there is no model to adapt; train a new one")
    on_progress("read", 0.0)
    recordings = read_labelled(files, reading or TableOptions())
    _refuse_labels(list(seconds_by_label(recordings)), before, how)
    lengths_s = [] if before is None else [before.specification_.window_length_s]
    if how == "train":
        rate_hz = recipe.sample_rate_hz or float(np.median([one.sample_rate_hz for one in recordings]))
        lengths_s.append(recipe.window_length / rate_hz)
    fits = Fits(recordings, before, fit, orientation, forearm_axis, max(lengths_s), on_progress)
    return _learned(fits, how, Path(out))


def _learned(fits: "Fits", how: outcome.How, out: Path) -> outcome.Learned:
    """The tests, and the model that is made from all labelled minutes and saved."""
    recordings, before = fits.recordings, fits.before
    division = divided(recordings, window_length_s=fits.window_length_s)
    test, held_out = _test(fits, division)
    other_people, unseen = _other_people(fits)
    fit = fits.fit("model", recordings)
    recogniser = fit.recogniser
    if how == "train":
        recogniser = _calibrated(recogniser, held_out, unseen).with_recordings(recordings)
    if fit.kept:
        recogniser.save(out)
    labels = recogniser.specification_.labels
    limits = outcome.cannot_show(
        division,
        tested={} if test is None else test.seconds_by_label,
        labels=labels,
        before_labels=() if before is None else before.specification_.labels,
        adapted=how == "adapt",
        left_out=() if other_people is None else other_people.people,
    )
    if before is not fits.compared:
        limits.insert(0, "The starting model was trained on these recordings, so it cannot be compared on them.")
    return outcome.Learned(
        how=how,
        labels=labels,
        seconds_by_label={label: round(spent_s, 3) for label, spent_s in seconds_by_label(recordings).items()},
        test=test,
        other_people=other_people,
        cannot_show=tuple(limits),
        kept=fit.kept,
        reason=fit.reason,
        model_path=out if fit.kept else None,
    )


def _calibrated(recogniser: Recogniser, held_out: Sequence[Answers], unseen: Sequence[Answers]) -> Recogniser:
    """A new model with the temperature of unseen people, or else of what was held out. It does not change which label
    is the most probable, so it does not change the scores of the tests."""
    answers = unseen or held_out
    alike = [one for one in answers if one.logits.shape[1] == answers[0].logits.shape[1]]
    if not alike:
        return recogniser
    logits = np.concatenate([one.logits for one in alike])
    codes = np.concatenate([one.codes for one in alike])
    return recogniser.with_temperature(fit_temperature((logits, codes)), "unseen" if unseen else "the same person")


def read_labelled(files: Sequence[str | Path], reading: TableOptions) -> list[Recording]:
    """The mended recordings of all people, in the order of their starts; those without a label are left out.

    Raises:
        HarkenError: when a file cannot be read, no recording has a label, or two files hold the same recording.
    """
    recordings = [one for file in files for one in read_people(file, reading) if one.label_names]
    if not recordings:
        where = ": " + listed([printable(Path(file).name) for file in files]) if files else ""
        raise HarkenError(f"no recording has a label yet{where}; record or label at least two activities first")
    _refuse_same_recordings(recordings)
    return sorted(recordings, key=lambda recording: int(recording.time_ns[0]))


def _refuse_same_recordings(recordings: Sequence[Recording]) -> None:
    """Raise a HarkenError if a recording is there twice: a test on its copy would be a test on training data.

    Either may be a part of the other, and a copy may have another name or another clock.
    """
    fingerprints = [Fingerprints.of([recording]) for recording in recordings]
    for (one, ones), (other, others) in combinations(zip(recordings, fingerprints, strict=True), 2):
        if one.samples_fingerprint == other.samples_fingerprint:
            copies = [(1.0, other, one)]
        elif ones.may_share(others):
            copies = [
                (float(ones.known(other).mean()), other, one),
                (float(others.known(one).mean()), one, other),
            ]
        else:
            continue
        share, copy, original = max(copies, key=lambda found: found[0])
        if share > SAME_RECORDING:
            raise HarkenError(
                f"{percent(share)} of {printable(copy.source)} is movement of {printable(original.source)}: it is the "
                "same recording, and a test on one of them would be a test on training data; remove one"
            )


def _refuse_labels(labels: Sequence[str], before: Recogniser | None, how: outcome.How) -> None:
    """Raise a HarkenError when there are too few labels, or a model that is to be adapted does not know one of them."""
    if len(labels) < 2:
        raise HarkenError(f"only {quoted(labels) if labels else 'nothing'} is labelled; learning needs two activities")
    if how == "adapt" and before is not None:
        known = before.specification_.labels
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise HarkenError(
                f"the model does not know {quoted(unknown)}, only {quoted(sorted(known))}, and adapting adds no label; "
                "train a new model"
            )


def _adapted(
    before: Recogniser,
    orientation: bool,
    forearm_axis: ForearmAxis | None,
    recordings: Sequence[Recording],
    on_share: OnShare,
) -> Fit:
    """The last layer of a model is adapted. Recordings without a window are left out.

    Raises:
        HarkenError: as ``harken.training.adaptation.adapt``.
    """
    usable = [one for one in recordings if _has_window(one, before)]
    if not usable:
        length_s = before.specification_.window_length_s
        raise HarkenError(f"no bout is as long as a window of the model, {length_s:g} s; record longer bouts")
    adapted = adapt(before, usable, orientation=orientation, forearm_axis=forearm_axis, several_wearers=True)
    on_share(1.0)
    return Fit(adapted.recogniser, adapted.kept, adapted.reason)


def _has_window(recording: Recording, recogniser: Recogniser) -> bool:
    """Whether a recording has a labelled window of a model."""
    specification = recogniser.specification_
    prepared = specification.prepare_recording(recording)
    length_s = specification.window_length / prepared.sample_rate_hz
    try:
        sliding_windows(prepared, length_s=length_s, hop_s=length_s)
    except HarkenError:
        return False
    return True


def _trained(
    recipe: Preset,
    epochs: int | None,
    seed: int,
    threads: int | None,
    recordings: Sequence[Recording],
    on_share: OnShare,
) -> Fit:
    """A new model is trained.

    Raises:
        HarkenError: as ``Recogniser.fit``, and when no recording has a window.
    """
    assert isinstance(recipe.windows, SlidingHops)
    selected = [one.select_channels(recipe.channels or recordings[0].channels) for one in recordings]
    if recipe.sample_rate_hz is not None:
        selected = [resample(one, sample_rate_hz=recipe.sample_rate_hz) for one in selected]
    windows = sliding_windows_of_all(selected, length=recipe.window_length, hop_s=recipe.windows.hop_s)
    recogniser = Recogniser(recipe, epochs=epochs, seed=seed, device="cpu").fit(
        windows, threads=threads, on_progress=lambda done: on_share(done.iteration / done.iterations)
    )
    return Fit(recogniser, True, f"trained on {len(windows):,} windows")


@dataclass
class Fits:
    """The fits of one job, and what they answer.

    Attributes:
        recordings: the labelled recordings, in the order of their starts.
        before: the starting model.
        fit_to: fits a model to mended recordings.
        orientation: whether watches are turned.
        forearm_axis: the axis along the forearm to which they are turned; None to find it by walking.
        window_length_s: the length of the longest windows of the two models.
        on_progress: called with the stage and the share of all fits.
        compared: the starting model if it can be compared: it was not trained on one of the recordings.
        compared_labels: its labels.
        people: the wearers.
        folds: the recordings of some people, and of all others.
    """

    recordings: Sequence[Recording]
    before: Recogniser | None
    fit_to: Callable[[Sequence[Recording], OnShare], Fit]
    orientation: bool
    forearm_axis: ForearmAxis | None
    window_length_s: float
    on_progress: OnProgress

    def __post_init__(self) -> None:
        before = self.before
        shares = [] if before is None else [before.trained_samples(one).mean() for one in self.recordings]
        self.compared = None if any(share > SAME_RECORDING for share in shares) else before
        self.compared_labels = () if self.compared is None else self.compared.specification_.labels
        self.people = sorted({one.subject for one in self.recordings})
        self.folds = without_people(self.recordings) if len(self.people) > 1 else []
        self._done = 0

    def fit(self, stage: str, recordings: Sequence[Recording]) -> Fit:
        """A fit to recordings."""

        def on_share(share: float) -> None:
            self.on_progress(stage, (self._done + share) / (2 + len(self.folds)))

        on_share(0.0)
        made = self.fit_to(recordings, on_share)
        self._done += 1
        return made

    def answers(self, stage: str, training: Sequence[Recording], parts: Sequence[Part]) -> list[Answers]:
        """What a fit to recordings answers in the tests of parts; none if there is nothing to test, or if ``training``
        is too small for a fit, as when its bouts are shorter than a window."""
        trained = set(seconds_by_label(training))
        length_s = self.window_length_s
        moments = [(one, labelled_moments(one.test, length_s=length_s)) for one in parts if one.test is not None]
        if len(trained) < 2 or not any(len(of.only(trained).labels) for _, of in moments):
            self._done += 1
            return []
        try:
            made = self.fit(stage, training)
        except HarkenError:  # what is wrong with all of the data is raised by the last fit
            self._done += 1
            return []
        known = trained & set(made.recogniser.specification_.labels)
        answers = [self._answers(made.recogniser, part.whole, of.only(known)) for part, of in moments]
        return [one for one in answers if len(one.truth)]

    def _answers(self, recogniser: Recogniser, recording: Recording, moments: LabelledMoments) -> Answers:
        """The answers in one recording. Moments without a whole window of either model are left out."""
        predict = partial(predicted_labels, orientation=self.orientation, forearm_axis=self.forearm_axis)
        after, logits = predict(recogniser, recording, moments)
        seen, before = after != "", np.full(len(after), "")
        if self.compared is not None:
            before, _ = predict(self.compared, recording, moments)
            seen &= before != ""
        truth = moments.labels[seen]
        codes = (truth[:, None] == np.array(recogniser.specification_.labels)).argmax(axis=1)
        people = np.full(len(truth), recording.subject)
        return Answers(people, truth, before[seen], after[seen], logits[seen], codes, moments.seconds_by_label)


def _names(answers: Sequence[Answers]) -> list[Names]:
    """The people, and the three labels, at all moments."""
    return [np.concatenate(names) for names in list(zip(*answers, strict=True))[:4]]


def _test(fits: Fits, division: Division) -> tuple[outcome.HonestTest | None, list[Answers]]:
    """The honest test, and the answers in it; None if too few bouts are long enough."""
    training = [part.training for part in division.parts if part.training is not None]
    answers = fits.answers("test", [one for one in training if seconds_by_label([one])], division.parts)
    if not answers:
        return None, []
    _, truth, before, after = _names(answers)
    seconds: dict[str, float] = {}
    for one in answers:
        for label, spent_s in one.seconds.items():
            seconds[label] = round(seconds.get(label, 0.0) + spent_s, 3)
    every = np.unique(truth).tolist()
    common = [label for label in every if label in fits.compared_labels]
    labels = common or every
    both, of_all = np.isin(truth, labels), label_scores(truth, after)
    test = outcome.HonestTest(
        what=outcome.described(division, fits.people),
        seconds_by_label=seconds,
        labels=tuple(labels),
        windows=int(both.sum()),
        before=label_scores(truth[both], before[both]) if common else None,
        after=label_scores(truth[both], after[both]),
        only_after={label: of_all.f1[label] for label in every if label not in labels},
        sureness=outcome.sureness(seconds, fits.window_length_s),
    )
    return test, answers


def _other_people(fits: Fits) -> tuple[outcome.OtherPeople | None, list[Answers]]:
    """Each person's scores with a model that was fitted without that person, and all answers; None for one person."""
    answers: list[Answers] = []
    people: list[str] = []
    for left_out, others in fits.folds:
        of_fold = fits.answers("people", others, [Part(one, None, one) for one in left_out])
        people += sorted({str(one.people[0]) for one in of_fold})
        answers += of_fold
    if not answers:
        return None, []
    of, truth, before, after = _names(answers)
    every = set(truth.tolist())
    common = every & set(fits.compared_labels)
    both = np.isin(truth, sorted(common or every))
    people = [person for person in people if (of[both] == person).any()]

    def scores(predicted: Names) -> outcome.PeopleScores:
        theirs = [both & (of == person) for person in people]
        each = [label_scores(truth[mine], predicted[mine]) for mine in theirs]
        interval = interval_over_people(one.mean_f1 for one in each)
        return outcome.PeopleScores(
            accuracy=float(np.mean([one.accuracy for one in each])),
            mean_f1=float(np.mean([one.mean_f1 for one in each])),
            f1=label_scores(truth[both], predicted[both]).f1,
            mean_f1_interval=None if interval is None else (interval[0], interval[1]),
        )

    what = f"Each person was left out of training once, in {len(fits.folds)} groups. The scores are means over people."
    start = scores(before) if common else None
    return outcome.OtherPeople(what, people, sorted(common or every), start, scores(after)), answers


def label_scores(truth: Names, predicted: Names) -> outcome.LabelScores:
    """Scores of predicted labels ``[n]``. A label that is predicted where it is never true counts as wrong."""
    labels = np.unique(truth)
    each = f1_score(truth, predicted, labels=labels, average=None)
    f1 = dict(zip(labels.tolist(), each.tolist(), strict=True))
    return outcome.LabelScores(float(np.mean(truth == predicted)), float(np.mean(each)), f1)


def labelled_moments(recording: Recording, *, length_s: float) -> LabelledMoments:
    """The middles of windows of this length with a single label, every second.

    Args:
        recording: a mended recording. Samples that are marked invalid are in no window.
        length_s: the length of the windows.
    """
    try:
        windows = sliding_windows(recording, length_s=length_s, hop_s=HOP_S)
    except HarkenError:  # there is no such window
        return LabelledMoments(np.empty(0, np.int64), np.empty(0, np.str_), length_s)
    return LabelledMoments(windows.starts_ns + round(length_s / 2 * 1e9), windows.labels, length_s)


def predicted_labels(
    recogniser: Recogniser,
    recording: Recording,
    moments: LabelledMoments,
    *,
    orientation: bool,
    forearm_axis: ForearmAxis | None = None,
) -> tuple[Names, Float32Array]:
    """A model's labels of the windows around moments, str ``[n]``, and its logits, float32 ``[n, labels]``.

    A window that would have a gap in it has the empty label and logits of NaN: it is in a recording that was not
    resampled at the moment.

    Args:
        recogniser: the model. Its windows must not be longer than those of ``moments``.
        recording: the whole mended recording, whose labels are not used.
        moments: the moments.
        orientation: whether the watch is turned as ``harken label`` turns it.
        forearm_axis: the axis along the forearm to which it is turned; None to find it by walking.
    """
    specification = recogniser.specification_
    if orientation:
        recording, _ = as_trained(recogniser, recording, forearm_axis=forearm_axis)
    prepared = specification.prepare_recording(recording)
    windows, whole = _windows_around(prepared, moments.middles_ns, specification)
    logits = np.full((len(whole), len(specification.labels)), np.nan, np.float32)
    labels: Names = np.full(len(whole), "", dtype=np.array(specification.labels).dtype)
    if whole.any():
        logits[whole] = recogniser.predict_logits(windows)
        labels[whole] = np.array(specification.labels)[logits[whole].argmax(axis=1)]
    return labels, logits


def _windows_around(
    prepared: Recording, middles_ns: Int64Array, specification: Specification
) -> tuple[Windows, BoolArray]:
    """The windows in whose middle moments are, and for which moments there is one without a gap, bool ``[n]``."""
    length, step_ns = specification.window_length, 1e9 / prepared.sample_rate_hz
    starts_ns = middles_ns - round(length * step_ns / 2)
    first = np.searchsorted(prepared.time_ns, starts_ns - round(step_ns / 2))
    first = np.clip(first, 0, max(0, len(prepared) - length))
    last = np.minimum(first + length - 1, len(prepared) - 1)
    invalid = np.concatenate([[0], np.cumsum(~prepared.valid)])
    whole = (invalid[last + 1] == invalid[first]) & (last - first == length - 1)
    whole &= np.abs(prepared.time_ns[first] - starts_ns) <= 2 * step_ns
    whole &= prepared.time_ns[last] - prepared.time_ns[first] < (length + 1) * step_ns
    rows = first[whole]
    windows = Windows.unlabelled(
        prepared.signals[rows[:, None] + np.arange(length)],
        channels=prepared.channels,
        sample_rate_hz=prepared.sample_rate_hz,
        starts_ns=prepared.time_ns[rows],
    )
    return windows, whole
