"""Adaptation of a general recogniser to a few labelled minutes of one wearer.

The output layer is fitted again (``harken.training.output_layer``), and the new weights are kept if they are better in
cross-validation (``harken.training.adaptation_decision``). What an adaptation is worth later is tested on an occasion,
or a part of each bout, that another adaptation did not use.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from harken.annotations.labelled_files import renamed
from harken.annotations.spelling import nearly_alike, one_spelling, spelling
from harken.models.recogniser import Recogniser
from harken.mounting.estimate import as_trained
from harken.mounting.turns import Mounting
from harken.networks.specification import BOUNDS
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import Float64Array
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.printable import listed, percent, quoted
from harken.training.adaptation_decision import (
    CrossValidated,
    Decision,
    NewLabelTest,
    check_new_labels,
    decide,
)
from harken.training.comparison import Comparison, fit_and_reply, score_replies
from harken.training.data import sliding_windows_of_all
from harken.training.held_out import (
    leave_out_people,
    list_limits,
    refuse_same_movement,
    split_by_occasion,
    sum_labelled_seconds,
)
from harken.training.held_out_test import HeldOutTest
from harken.training.output_layer import (
    Examples,
    LabelledFeatures,
    fit_new_labels,
    labelled_features,
    read_output_layer,
    scale_examples,
)
from harken.windows.known_labels import known_windows
from harken.windows.windows import Windows, covered_s

HOPS_IN_A_WINDOW = 8
MOST_WINDOWS = 4000
"""The largest number of windows. More windows overlap more, add little information and take too long."""
HOTTEST = BOUNDS["temperature"][1]
OnProgress = Callable[[str, float], None]
"""Takes the stage, and the share of the whole adaptation that is done."""


class AdaptationRules(NamedTuple):
    """How recordings are adapted to; see ``adapt``."""

    ignore_labels: tuple[str, ...] = ()
    forearm_axis: ForearmAxis | None = None
    orientation: bool = True
    several_wearers: bool = False


@dataclass(frozen=True)
class Validation:
    """Scores of left-out windows in cross-validation.

    Attributes:
        log_loss: the mean over labels of their windows' mean log loss, with all labels of the model as classes.
        balanced_accuracy: the mean recall of the labels.
        recall: the share of the windows of each label that are recognised.
    """

    log_loss: float
    balanced_accuracy: float
    recall: dict[str, float]

    @classmethod
    def of(cls, scores: CrossValidated | None, labels: Sequence[str]) -> "Validation | None":
        """Return scores with the names of labels in place of their codes; None for None."""
        if scores is None:
            return None
        recall = {labels[code]: share for code, share in scores.recall.items()}
        return cls(scores.log_loss, scores.balanced_accuracy, recall)


@dataclass(frozen=True, eq=False)
class Adapted:
    """The result of an adaptation.

    Attributes:
        recogniser: the personal model if ``kept``, else the general one. Its provenance describes the adaptation.
        kept: whether the recogniser differs from the general one.
        reason: why they were kept, or why not.
        before, after: the scores of the general and the adapted weights in cross-validation; None if there was too
            little data.
        between_bouts: whether whole bouts were left out in cross-validation, and not parts of each bout.
        wearer: the wearer of the labelled recordings; if there are several, their names in a list.
        labelled_s: seconds of each label that windows cover.
        windows, tested_windows: the number of windows, and of windows that were tested in cross-validation.
        unlearned: labels that are too short for separate training and test windows: they were tested by weights that
            were fitted without them.
        new_labels: the labels that the model got, and the general one lacks: how well each was recognised in
            cross-validation.
        not_added: labels that the general model lacks, and that were not added: why.
        turned: a sentence for each watch that was turned to the orientation of the training data, with the reason.
        mounting_warnings: a sentence for each recording in which the orientation of the watch is unknown or was perhaps
            stated wrongly.
        tests: the tests on what another adaptation did not use: the last occasion or the last part of each bout, and
            with several wearers each person. Empty for windows, and if the bouts are too short.
        limits: what the recordings cannot show, in sentences.
    """

    recogniser: Recogniser
    kept: bool
    reason: str
    before: Validation | None
    after: Validation | None
    between_bouts: bool
    wearer: str
    labelled_s: dict[str, float]
    windows: int
    tested_windows: int
    unlearned: tuple[str, ...]
    new_labels: dict[str, NewLabelTest] = field(default_factory=dict)
    not_added: dict[str, str] = field(default_factory=dict)
    turned: tuple[str, ...] = ()
    mounting_warnings: tuple[str, ...] = ()
    tests: tuple[HeldOutTest, ...] = ()
    limits: tuple[str, ...] = ()

    def as_dict(self) -> Json:
        """The fields as values for JSON and for the model file. They do not depend on paths, times or durations."""
        values = {name: value for name, value in vars(self).items() if name not in ("recogniser", "limits")}
        return dict(json.loads(json.dumps(values, default=vars)))


def adapt(
    recogniser: Recogniser,
    labelled: Windows | Sequence[Recording],
    *,
    ignore_labels: Sequence[str] = (),
    forearm_axis: ForearmAxis | None = None,
    orientation: bool = True,
    several_wearers: bool = False,
    as_found: Sequence[Recording] = (),
    on_progress: OnProgress = lambda _stage, _share: None,
) -> Adapted:
    """Adapt a recogniser to one wearer, and keep the result unless cross-validation is clearly against it.

    Only the output layer is fitted again; the rest of the network stays the same.
    Labels that the wearer did not record keep their weights. Cross-validation leaves out whole bouts where two labels
    or more have several, and otherwise parts of each bout, with a gap of a window's length between training and test
    windows.

    A label that the model lacks is added, with a new output, if its file keeps examples of its training data
    (``FittedModel.examples``) and a cross-validation recognises the label.

    The tests have no part in any choice. For each, another adaptation is made in the same way, with its own
    cross-validation, to the recordings without the last occasion or the last part of each bout
    (``harken.training.held_out``), and with several wearers without each person. It is scored on what it did not use,
    beside the general model.

    A kept model has the temperature of the general model, or a higher one if the held-out windows need it.

    The model file has the times of the labels. The model has learned from them, and from a window's length before and
    after each, but not from the rest of the recordings.

    Args:
        recogniser: the general model. It is not changed.
        labelled: mended recordings of the wearer, or windows as the model reads them, which overlap. Windows of
            recordings have eight starts in each window's length, and fewer if they would be more than
            ``MOST_WINDOWS``. A recording without a window is left out if another has some. A
            watch that sat in another way than those of the training data is turned first, as it will be when the
            personal model labels (``harken.mounting.estimate``).
        ignore_labels: labels to leave out.
        forearm_axis: the axis of the sensor that points along the forearm; None to find it by walking. It does not
            apply to windows.
        orientation: whether watches are turned. False for a model that labels samples as they come, as live.
        several_wearers: adapt to several wearers together. Their time is divided as that of one wearer, so the
            cross-validation does not show how well other people are recognised.
        as_found: the recordings as their files have them, if ``labelled`` was calibrated or turned. The model knows
            these as its training data.
        on_progress: called with the stage (``model``, ``test``, ``people``) and the share of the whole adaptation.

    Raises:
        HarkenError: when there is no labelled window; when a label that is neither the model's nor in
            ``ignore_labels`` cannot be added, or is spelled nearly as one of the model's; when there are several
            wearers without ``several_wearers``; when two recordings hold the same movement; when the model was trained
            on one of the recordings; when its network does not end in a linear layer.
    """
    rules = AdaptationRules(tuple(ignore_labels), forearm_axis, orientation, several_wearers)
    recordings = [] if isinstance(labelled, Windows) else list(labelled)
    refuse_same_movement(recordings)
    on_progress("model", 0.0)
    learned: list[Recording] = []
    if isinstance(labelled, Windows):
        adapted = _adapt(recogniser, labelled, rules)
    else:
        named = _name_labels(recogniser, recordings, rules.ignore_labels)
        learned = _name_labels(recogniser, as_found, rules.ignore_labels) if as_found else named
        adapted = _test(_adapt(recogniser, named, rules), recogniser, named, rules, on_progress)
    # The wearers count as known even if the weights were not changed, because their data decided that.
    people = {*recogniser.provenance_.get("training_people", []), *_list_wearers(labelled)}
    adaptation = adapted.as_dict() | {"adapted_from": recogniser.model_.digest}
    provenance = {"training_people": sorted(people), "adaptation": adaptation}
    personal = adapted.recogniser.with_labelled_time(learned).with_provenance(provenance)
    return replace(adapted, recogniser=personal)


def _adapt(recogniser: Recogniser, labelled: Windows | Sequence[Recording], rules: AdaptationRules) -> Adapted:
    """Fit and decide, without tests. The recogniser does not have the adaptation in its provenance yet."""
    general = read_output_layer(recogniser)
    windows, hop_s, mountings = _prepare_windows(recogniser, labelled, rules)
    wearers = _list_wearers(labelled)
    if len(wearers) != 1 and not rules.several_wearers:
        raise HarkenError(
            f"a personal model is for one person, but these are windows of {', '.join(wearers) or 'nobody'}; give "
            "recordings of one wearer. If they are, write one name into the files' Subject column, or leave that "
            "column out and name the wearer with --subject"
        )
    labels = recogniser.specification_.labels
    new = find_new_labels(recogniser, windows.labels_present, rules.ignore_labels)
    known = known_windows(windows, (*labels, *new), ignore_labels=rules.ignore_labels)
    examples = labelled_features(recogniser, known, hop_s=hop_s)
    kept = scale_examples(recogniser, examples.scale)
    # Weights that give the calibrated logits of scaled features. The log losses are computed from these logits.
    general = general * (examples.scale / recogniser.specification_.temperature)
    decision = decide(examples.select(examples.codes < len(labels)), general, kept)
    added = _NewLabels(tuple(new), {}, {})
    if new:
        assert kept is not None
        added = _add_labels(examples, general if decision.weights is None else decision.weights, kept, new)
    return _adapted(recogniser, examples, decision, added, wearers, mountings)


class _NewLabels(NamedTuple):
    """Labels that the general model lacks.

    Attributes:
        names: all of them.
        tests: the tests of the added ones.
        refused: why the others were not added.
        weights: the weights of the known and the added labels, ``[features + 1, labels]``; None if none was added.
        windows: the windows of the added labels, with codes of the personal model; None if none was added.
    """

    names: tuple[str, ...]
    tests: dict[str, NewLabelTest]
    refused: dict[str, str]
    weights: Float64Array | None = None
    windows: LabelledFeatures | None = None


def find_new_labels(recogniser: Recogniser, labels: Iterable[str], ignore_labels: Sequence[str]) -> list[str]:
    """Return the labels that a model lacks and can learn, sorted.

    Raises:
        HarkenError: when the model's file keeps no examples of its training data, or a label is spelled nearly as one
            of the model's.
    """
    known = {spelling(label) for label in recogniser.specification_.labels}
    left_out = {*map(spelling, ignore_labels)}
    by_spelling: dict[str, str] = {}
    for label in sorted(labels):
        if spelling(label) not in known | left_out:
            by_spelling.setdefault(spelling(label), label)
    new = sorted(by_spelling.values())
    if not new:
        return []
    for label in new:
        for other in recogniser.specification_.labels:
            if nearly_alike(label, other):
                raise HarkenError(
                    f"{quoted([label])} is spelled nearly as {quoted([other])}, which the model knows; rename it "
                    f"(--rename {label}={other}), or leave it out (--ignore-label {label})"
                )
    examples = recogniser.model_.examples
    if examples is None or len(examples) == 0:
        raise HarkenError(
            f"the model lacks {quoted(new)}, and its file keeps no examples of its training data, so it cannot learn "
            f"a new label; leave it out (--ignore-label {new[0]}), or train a model with it"
        )
    return new


def _add_labels(windows: LabelledFeatures, known: Float64Array, examples: Examples, new: Sequence[str]) -> _NewLabels:
    """Fit a new output for each new label, and keep those that a cross-validation recognises."""
    labels = known.shape[1]
    results = check_new_labels(windows, known, examples)
    tests: dict[str, NewLabelTest] = {}
    refused: dict[str, str] = {}
    for code, name in enumerate(new, labels):
        if code not in results:
            refused[name] = "its bouts are too short; record a minute"
        elif not results[code].is_enough:
            refused[name] = f"{results[code].describe()}; record more of it"
        else:
            tests[name] = results[code]
    if not tests:
        return _NewLabels(tuple(new), {}, refused)
    added = [code for code, name in enumerate(new, labels) if name in tests]
    kept = windows.select((windows.codes < labels) | np.isin(windows.codes, added))
    codes = np.where(kept.codes < labels, kept.codes, labels + np.searchsorted(added, kept.codes))
    kept = replace(kept, codes=codes)
    weights = fit_new_labels(kept, known, examples)
    return _NewLabels(tuple(new), tests, refused, weights, kept.select(codes >= labels))


def _test(
    adapted: Adapted,
    recogniser: Recogniser,
    recordings: Sequence[Recording],
    rules: AdaptationRules,
    on_progress: OnProgress,
) -> Adapted:
    """Test adaptations that were made in the same way to a part of the recordings."""

    def fit(training: Sequence[Recording]) -> Recogniser:
        return _adapt(recogniser, training, rules).recogniser

    length_s = recogniser.specification_.window_length_s
    comparison = Comparison(
        recogniser, length_s, recordings, orientation=rules.orientation, forearm_axis=rules.forearm_axis
    )
    division = split_by_occasion(recordings, window_length_s=length_s)
    folds = leave_out_people(recordings)
    fits = 2 + len(folds)
    on_progress("test", 1 / fits)
    replies = fit_and_reply(fit, division.parts, comparison)
    tests = [score_replies(replies, "occasion" if division.by_occasion else "bouts", comparison)]
    of_people = []
    for number, parts in enumerate(folds, 2):
        on_progress("people", number / fits)
        of_people += fit_and_reply(fit, parts, comparison)
    tests.append(score_replies(of_people, "people", comparison))
    on_progress("people" if folds else "test", 1.0)
    made = tuple(test for test in tests if test is not None)
    limits = list_limits(
        division,
        tested={label for test in made if test.held_out != "people" for label in test.seconds_by_label},
        left_out={person for test in made if test.held_out == "people" for person in test.people},
        labels=adapted.recogniser.specification_.labels,
        before_labels=recogniser.specification_.labels,
        adapted=True,
    )
    return replace(adapted, tests=made, limits=tuple(limits))


def _name_labels(recogniser: Recogniser, recordings: Sequence[Recording], ignored: Sequence[str]) -> list[Recording]:
    """Return recordings whose labels are written in one way, as the model writes those that it knows.

    Labels to ignore are left out.

    Raises:
        HarkenError: when no label is left.
    """
    left_out = {*map(spelling, ignored)}
    recorded = sum_labelled_seconds(recordings)
    if recorded and left_out.issuperset(map(spelling, recorded)):
        raise HarkenError(f"every recorded label, {quoted(sorted(recorded))}, is left out; keep at least one")
    of_model = dict.fromkeys(recogniser.specification_.labels, 0.0)
    names = one_spelling(of_model, recorded)
    named = []
    for recording in recordings:
        kept = tuple(label for label in recording.label_names if spelling(label) not in left_out)
        named.append(renamed(recording.with_label_names(kept), names))
    return named


def _list_wearers(labelled: Windows | Sequence[Recording]) -> list[str]:
    if isinstance(labelled, Windows):
        return sorted({str(subject) for subject in labelled.subjects})
    return sorted({recording.subject for recording in labelled})


def _adapted(
    recogniser: Recogniser,
    examples: LabelledFeatures,
    decision: Decision,
    added: _NewLabels,
    wearers: Sequence[str],
    mountings: Sequence[Mounting],
) -> Adapted:
    """The result of a decision. Its recogniser does not have the adaptation in its provenance yet."""
    labels = (*recogniser.specification_.labels, *added.names)
    labelled_s = {}
    for code in np.unique(examples.codes).tolist():
        labelled_s[labels[code]] = covered_s(examples.starts_ns[examples.codes == code], examples.duration_ns)
    return Adapted(
        recogniser=_personal(recogniser, decision, added, examples.scale),
        kept=decision.weights is not None or added.weights is not None,
        reason=_describe_reason(decision, added),
        before=Validation.of(decision.before, labels),
        after=Validation.of(decision.after, labels),
        between_bouts=decision.between_bouts,
        wearer=listed(wearers),
        labelled_s=labelled_s,
        windows=len(examples.codes),
        tested_windows=decision.tested_windows,
        unlearned=tuple(labels[code] for code in decision.too_short),
        new_labels=added.tests,
        not_added=added.refused,
        turned=tuple(mounting.reason for mounting in mountings if mounting.changes_samples),
        mounting_warnings=tuple(mounting.warning for mounting in mountings if mounting.warning is not None),
    )


def _describe_reason(decision: Decision, added: _NewLabels) -> str:
    """Describe why the weights of known labels were kept, or why not, and each new label."""
    parts = [f"{quoted([name])} is new: {test.describe()}" for name, test in added.tests.items()]
    parts += [f"{quoted([name])} is not added: {reason}" for name, reason in added.refused.items()]
    if decision.weights is not None or not parts:
        parts.insert(0, decision.reason)
    elif decision.before is not None:
        parts.append(f"the other labels stay as they were, because new weights for them were worse: {decision.reason}")
    return "; ".join(parts)


class _PreparedWindows(NamedTuple):
    """Windows of recordings, the seconds from one to the next in a bout, and the orientations of the watches."""

    windows: Windows
    hop_s: float
    mountings: list[Mounting]


def _prepare_windows(
    recogniser: Recogniser, recordings: Windows | Sequence[Recording], rules: AdaptationRules
) -> _PreparedWindows:
    """Take windows from recordings; windows are returned as they are."""
    if isinstance(recordings, Windows):
        return _PreparedWindows(recordings, 0.0, [])
    if not recordings:
        raise HarkenError("there is no recording to adapt to")
    specification = recogniser.specification_
    prepared: list[Recording] = []
    mountings: list[Mounting] = []
    for recording in recordings:
        share = recogniser.measure_trained_labels(recording)
        if share > SAME_RECORDING:
            what = "this recording" if share == 1 else f"{percent(share)} of the labelled time of this recording"
            raise HarkenError(
                f"the model was trained on {what}, so it would not show "
                "whether adapting helps. Train a new model; or leave the recording out; or, if the model was adapted "
                "to it earlier, start with the model from before that, and adapt it to all recordings of the wearer",
                path=recording.source,
            )
        way = None
        if rules.orientation:
            recording, way = as_trained(recogniser, recording, forearm_axis=rules.forearm_axis, use_labels=True)
        mountings += [] if way is None else [way]
        prepared.append(specification.prepare_recording(recording))
    labelled_s = 0.0
    for recording in prepared:
        labelled_s += np.count_nonzero(recording.label_codes != UNLABELLED) / recording.sample_rate_hz
    hop_s = max(specification.window_length_s / HOPS_IN_A_WINDOW, labelled_s / MOST_WINDOWS)
    windows = sliding_windows_of_all(prepared, length=specification.window_length, hop_s=hop_s)
    return _PreparedWindows(windows, hop_s, mountings)


def _personal(recogniser: Recogniser, decision: Decision, added: _NewLabels, scale: float) -> Recogniser:
    """The recogniser with the decided output layer. Float32 weights that did not change stay so to the bit."""
    weights = decision.weights if added.weights is None else added.weights
    if weights is None:
        return recogniser
    model, temperature = recogniser.model_, recogniser.specification_.temperature
    specification = model.specification
    known = len(specification.labels)
    rows = (weights * (temperature / scale)).T.astype(np.float32)
    if decision.weights is None:  # only new labels were added
        rows[:known] = np.column_stack([model.weights["output.weight"], model.weights["output.bias"]])[:known]
    # The weights of the hands stay.
    layer = {
        name: np.concatenate([fitted, model.weights[name][known:]])
        for name, fitted in {"output.weight": rows[:, :-1], "output.bias": rows[:, -1]}.items()
    }
    specification = replace(
        specification,
        labels=(*specification.labels, *added.tests),
        sizes={**specification.sizes, "classes": len(rows) + specification.hands},
    )
    examples = model.examples
    if examples is not None and added.windows is not None:
        # Another new label that is learned later must not take the windows of these.
        features = (added.windows.features[:, :-1] * scale).astype(np.float32)
        examples = examples.with_new_labels(features, added.windows.codes)
    personal = recogniser.with_model(
        replace(model, specification=specification, weights={**model.weights, **layer}, examples=examples)
    )
    return personal.with_temperature(min(temperature * decision.softening, HOTTEST), "the same person")
