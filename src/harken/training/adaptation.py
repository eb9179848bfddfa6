"""Adaptation of a general recogniser to a few labelled minutes of one wearer.

The output layer, a logistic regression on what the network computes of each window, is fitted to these minutes again.
The new weights are kept if they score better in a cross-validation inside the labelled seconds. What an adaptation is
worth later is tested on an occasion, or a part of each bout, that another adaptation did not use.

Source: C. Chelba and A. Acero, "Adaptation of maximum entropy capitalizer: little data can help a lot", EMNLP 2004: a
Gaussian prior around the general model's weights. Differences from the paper: all labels have the same weight however
long they were recorded, and only recorded labels compete.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.annotations.labelled_files import renamed
from harken.annotations.spelling import spelling
from harken.models.calibration import fit_temperature
from harken.models.recogniser import Recogniser
from harken.mounting.estimate import as_trained
from harken.mounting.turns import Mounting
from harken.networks.inference import batched, windows_at_once
from harken.networks.presets import PRESETS
from harken.networks.pytorch import logits, resolve_device
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, nearest_distance_ns
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.printable import listed, percent
from harken.support.resources import computing_threads
from harken.training.comparison import Comparison, fit_and_reply, score_replies
from harken.training.data import sliding_windows_of_all
from harken.training.held_out import leave_out_people, list_limits, refuse_same_movement, split_by_occasion
from harken.training.held_out_test import HeldOutTest
from harken.windows.windows import Windows, covered_s

HOPS_IN_A_WINDOW = 8
MOST_WINDOWS = 4000
"""The largest number of windows. More windows overlap more, add little information and take too long."""
MOST_ITERATIONS = 300
STRENGTHS = (0.1, 0.01, 0.001, 0.0001)
"""Strengths of the prior, strongest first, for features with a mean squared length of 1."""
MOST_PARTS = 3
NOWHERE = -1
"""The part number of a window in the gap between two parts."""
OnProgress = Callable[[str, float], None]
"""Takes the stage, and the share of the whole adaptation that is done."""


class AdaptationRules(NamedTuple):
    """How recordings are adapted to; see ``adapt``."""

    ignore_labels: tuple[str, ...] = ()
    forearm_axis: ForearmAxis | None = None
    orientation: bool = True
    several_wearers: bool = False


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Labelled windows of one wearer, as input of the output layer.

    Attributes:
        features: float64 ``[n, features + 1]``, the input of the layer and a 1 for its bias, divided by ``scale``.
        scale: the root of their mean squared length. It makes the strength of the prior comparable between networks.
        codes: int64 ``[n]``, indices into the model's labels.
        starts_ns: the start of each window, int64 ``[n]``.
        duration_ns: the duration of a window.
        slack_ns: half a sample, the tolerance for times that were rounded to whole nanoseconds.
    """

    features: Float64Array
    scale: float
    codes: Int64Array
    starts_ns: Int64Array
    duration_ns: int
    slack_ns: int


@dataclass(frozen=True)
class CrossValidated:
    """Scores of held-out windows, with the same weight for every label.

    Attributes:
        log_loss: the mean over labels of their windows' mean log loss, with all labels of the model as classes.
        balanced_accuracy: the mean recall of the labels.
    """

    log_loss: float
    balanced_accuracy: float


@dataclass(frozen=True, eq=False)
class Decision:
    """The decision whether to keep the adapted weights, with its scores.

    Attributes:
        reason: why they are kept, or why not.
        before, after: scores of the general and of the best adapted weights; None if there was too little data.
        strength: the strength of the prior for the best weights.
        tested_windows: the number of windows that were tested.
        too_short: codes of labels that are too short: they were tested by weights that were fitted without them.
        weights: the weights that are kept, fitted to all windows; None if they are no better.
        softening: the factor of the temperature that the held-out windows need, at least 1.
    """

    reason: str
    before: CrossValidated | None = None
    after: CrossValidated | None = None
    strength: float | None = None
    tested_windows: int = 0
    too_short: tuple[int, ...] = ()
    weights: Float64Array | None = None
    softening: float = 1.0


@dataclass(frozen=True, eq=False)
class Adapted:
    """The result of an adaptation.

    Attributes:
        recogniser: the personal model if ``kept``, else the general one. Its provenance describes the adaptation.
        kept: whether the adapted weights were kept.
        reason: why they were kept, or why not.
        before, after: the scores of the general and the adapted weights in cross-validation, ``after`` for the best
            strength that was tried; None if there was too little data.
        strength: the strength of the prior for ``after``; None as above.
        wearer: the wearer of the labelled recordings; if there are several, their names in a list.
        labelled_s: seconds of each label that windows cover.
        windows, tested_windows: the number of windows, and of windows that were tested in cross-validation.
        unlearned: labels that are too short for separate training and test windows: they were tested by weights that
            were fitted without them.
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
    before: CrossValidated | None
    after: CrossValidated | None
    strength: float | None
    wearer: str
    labelled_s: dict[str, float]
    windows: int
    tested_windows: int
    unlearned: tuple[str, ...]
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
    on_progress: OnProgress = lambda _stage, _share: None,
) -> Adapted:
    """Adapt a recogniser to one wearer, and keep the result only if it is better in cross-validation.

    Only the output layer is fitted again; the rest of the network stays the same.
    Labels that the wearer did not record keep their weights. Cross-validation runs inside the labelled seconds. Its
    folds are parts of time, with a gap of a window's length between training and test windows, and each part has every
    label that lasts long enough. The strength of the prior is chosen by the same scores that decide whether to keep the
    weights, so these scores are slightly optimistic.

    The tests have no part in any choice. For each, another adaptation is made in the same way, with its own
    cross-validation, to the recordings without the last occasion or the last part of each bout
    (``harken.training.held_out``), and with several wearers without each person. It is scored on what it did not use,
    beside the general model.

    A kept model has the temperature of the general model, or a higher one if the held-out windows need it.

    Args:
        recogniser: the general model. It is not changed.
        labelled: mended recordings of the wearer, or windows as the model reads them. Windows of recordings overlap,
            with eight starts in each window's length. A recording without a window is left out if another has some. A
            watch that sat in another way than those of the training data is turned first, as it will be when the
            personal model labels (``harken.mounting.estimate``).
        ignore_labels: labels to leave out.
        forearm_axis: the axis of the sensor that points along the forearm; None to find it by walking. It does not
            apply to windows.
        orientation: whether watches are turned. False for a model that labels samples as they come, as live.
        several_wearers: adapt to several wearers together. Their time is divided as that of one wearer, so the
            cross-validation does not show how well other people are recognised.
        on_progress: called with the stage (``model``, ``test``, ``people``) and the share of the whole adaptation.

    Raises:
        HarkenError: when there is no labelled window, or a label that is neither the model's nor in
            ``ignore_labels``; when there are several wearers without ``several_wearers``; when two recordings hold the
            same movement; when the model was trained on one of the recordings; when its network does not end in a
            linear layer.
    """
    rules = AdaptationRules(tuple(ignore_labels), forearm_axis, orientation, several_wearers)
    recordings = [] if isinstance(labelled, Windows) else list(labelled)
    refuse_same_movement(recordings)
    on_progress("model", 0.0)
    adapted = _adapt(recogniser, labelled, rules)
    if recordings:
        adapted = _test(adapted, recogniser, recordings, rules, on_progress)
    # The wearers count as known even if the weights were not changed, because their data decided that.
    people = {*recogniser.provenance_.get("training_people", []), *_list_wearers(labelled)}
    adaptation = adapted.as_dict() | {"adapted_from": recogniser.model_.digest}
    provenance = {"training_people": sorted(people), "adaptation": adaptation}
    personal = adapted.recogniser.with_recordings(recordings).with_provenance(provenance)
    return replace(adapted, recogniser=personal)


def _adapt(recogniser: Recogniser, labelled: Windows | Sequence[Recording], rules: AdaptationRules) -> Adapted:
    """Fit and decide, without tests. The recogniser does not have the adaptation in its provenance yet."""
    output_layer = _output_layer(recogniser)
    windows, mountings = _windows(recogniser, labelled, rules.forearm_axis, orientation=rules.orientation)
    wearers = _list_wearers(labelled)
    if len(wearers) != 1 and not rules.several_wearers:
        raise HarkenError(
            f"a personal model is for one person, but these are windows of {', '.join(wearers) or 'nobody'}; give "
            "recordings of one wearer. If they are, write one name into the files' Subject column, or leave that "
            "column out and name the wearer with --subject"
        )
    examples = labelled_features(recogniser, recogniser.known(windows, ignore_labels=rules.ignore_labels))
    # Weights that give the calibrated logits of scaled features. The log losses are computed from these logits.
    to_logits = examples.scale / recogniser.specification_.temperature
    general = output_layer[:, : len(recogniser.specification_.labels)] * to_logits
    return _adapted(recogniser, examples, decide(examples, general), wearers, mountings)


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

    labelled = [_with_labels_of(recogniser, recording, rules.ignore_labels) for recording in recordings]
    length_s = recogniser.specification_.window_length_s
    comparison = Comparison(
        recogniser, length_s, labelled, orientation=rules.orientation, forearm_axis=rules.forearm_axis
    )
    division = split_by_occasion(labelled, window_length_s=length_s)
    folds = leave_out_people(labelled)
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
    labels = recogniser.specification_.labels
    limits = list_limits(
        division,
        tested={label for test in made if test.held_out != "people" for label in test.seconds_by_label},
        left_out={person for test in made if test.held_out == "people" for person in test.people},
        labels=labels,
        before_labels=labels,
        adapted=True,
    )
    return replace(adapted, tests=made, limits=tuple(limits))


def _with_labels_of(recogniser: Recogniser, recording: Recording, ignored: Sequence[str]) -> Recording:
    """Return the recording with labels as the model writes them, and without those to ignore."""
    written = {spelling(label): label for label in recogniser.specification_.labels}
    left_out = {*map(spelling, ignored)}
    recording = recording.with_label_names(
        tuple(label for label in recording.label_names if spelling(label) not in left_out)
    )
    return renamed(recording, {label: written.get(spelling(label), label) for label in recording.label_names})


def _list_wearers(labelled: Windows | Sequence[Recording]) -> list[str]:
    if isinstance(labelled, Windows):
        return sorted({str(subject) for subject in labelled.subjects})
    return sorted({recording.subject for recording in labelled})


def _adapted(
    recogniser: Recogniser,
    examples: LabelledFeatures,
    decision: Decision,
    wearers: Sequence[str],
    mountings: Sequence[Mounting],
) -> Adapted:
    """The result of a decision. Its recogniser does not have the adaptation in its provenance yet."""
    labels = recogniser.specification_.labels
    starts_ns = {code: examples.starts_ns[examples.codes == code] for code in np.unique(examples.codes).tolist()}
    return Adapted(
        recogniser=_personal(recogniser, decision, examples.scale),
        kept=decision.weights is not None,
        reason=decision.reason,
        before=decision.before,
        after=decision.after,
        strength=decision.strength,
        wearer=listed(wearers),
        labelled_s={labels[code]: covered_s(each, examples.duration_ns) for code, each in starts_ns.items()},
        windows=len(examples.codes),
        tested_windows=decision.tested_windows,
        unlearned=tuple(labels[code] for code in decision.too_short),
        turned=tuple(one.reason for one in mountings if one.changes_samples),
        mounting_warnings=tuple(one.warning for one in mountings if one.warning is not None),
    )


def _windows(
    recogniser: Recogniser,
    recordings: Windows | Sequence[Recording],
    forearm_axis: ForearmAxis | None,
    *,
    orientation: bool,
) -> tuple[Windows, list[Mounting]]:
    """The windows of recordings, and the orientations of their watches; windows are returned as they are."""
    if isinstance(recordings, Windows):
        return recordings, []
    if not recordings:
        raise HarkenError("there is no recording to adapt to")
    specification = recogniser.specification_
    prepared: list[Recording] = []
    mountings: list[Mounting] = []
    for recording in recordings:
        share = float(recogniser.trained_samples(recording).mean())
        if share > SAME_RECORDING:
            what = "this recording" if share == 1 else f"{percent(share)} of this recording"
            raise HarkenError(
                f"the model was trained on {what}, so it would not show "
                "whether adapting helps. Train a new model; or leave the recording out; or, if the model was adapted "
                "to it earlier, start with the model from before that, and adapt it to all recordings of the wearer",
                path=recording.source,
            )
        way = None
        if orientation:
            recording, way = as_trained(recogniser, recording, forearm_axis=forearm_axis)
        mountings += [] if way is None else [way]
        prepared.append(specification.prepare_recording(recording))
    labelled_s = sum(np.count_nonzero(one.label_codes != UNLABELLED) / one.sample_rate_hz for one in prepared)
    hop_s = max(specification.window_length_s / HOPS_IN_A_WINDOW, labelled_s / MOST_WINDOWS)
    return sliding_windows_of_all(prepared, length=specification.window_length, hop_s=hop_s), mountings


def _personal(recogniser: Recogniser, decision: Decision, scale: float) -> Recogniser:
    """The recogniser with the decided output layer. Float32 weights that did not change stay so to the bit."""
    if decision.weights is None:
        return recogniser
    model, temperature = recogniser.model_, recogniser.specification_.temperature
    rows = (decision.weights * (temperature / scale)).T.astype(np.float32)
    # The weights of the hands stay.
    layer = {
        name: np.concatenate([fitted, model.weights[name][len(rows) :]])
        for name, fitted in {"output.weight": rows[:, :-1], "output.bias": rows[:, -1]}.items()
    }
    personal = recogniser.with_model(replace(model, weights={**model.weights, **layer}))
    return personal.with_temperature(temperature * decision.softening, "the same person")


def _output_layer(recogniser: Recogniser) -> Float64Array:
    """The weights of the linear layer at the end of the network, ``[features + 1, outputs]``, the bias last.

    Raises:
        HarkenError: when the network does not end in a linear layer.
    """
    weights = recogniser.model_.weights
    if "output.bias" not in weights or weights["output.weight"].ndim != 2:
        raise HarkenError(
            f"a model of the network {recogniser.specification_.network} cannot be adapted: it does not end in a "
            f"linear layer called output. Models of these recipes can: {', '.join(PRESETS)}"
        )
    return np.column_stack([weights["output.weight"], weights["output.bias"]]).T.astype(np.float64)


def labelled_features(recogniser: Recogniser, windows: Windows) -> LabelledFeatures:
    """Run the network on windows whose codes index the model's labels, and collect the input of its output layer.

    Raises:
        HarkenError: as ``Recogniser.predict_proba``; when the network does not end in a linear layer.
    """
    found = compute_features(recogniser, windows)
    features = np.pad(found.astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)
    scale = float(np.sqrt(np.square(features).sum(axis=1).mean()))
    sample_ns = 1e9 / windows.sample_rate_hz
    return LabelledFeatures(
        features=features / scale,
        scale=scale,
        codes=windows.label_codes.astype(np.int64),
        starts_ns=windows.starts_ns,
        duration_ns=round(windows.length * sample_ns),
        slack_ns=round(sample_ns / 2),
    )


def compute_features(recogniser: Recogniser, windows: Windows) -> Float32Array:
    """Run the network on windows, and collect the input of its output layer, float32 ``[n, features]``.

    Raises:
        HarkenError: as ``labelled_features``.
    """
    signals = recogniser.specification_.prepare(windows)
    network = recogniser.model_.inference_network
    if network is None:
        return _features_by_pytorch(recogniser, signals)
    return batched(network.features, signals, windows_at_once(recogniser.specification_))


def _features_by_pytorch(recogniser: Recogniser, signals: Float32Array) -> Float32Array:
    """The input of the output layer of a network of another package, ``[n, features]``."""
    read: list[Float32Array] = []
    device = resolve_device(recogniser.device)
    layer = recogniser.network_.get_submodule("output")
    hook = layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].cpu().numpy()))
    try:
        with computing_threads(1):  # several threads would mix the order of the batches
            logits(recogniser.network_, signals, device)
    finally:
        hook.remove()
    return np.concatenate(read, dtype=np.float32)


def pulled_weights(
    features: Float64Array, codes: Int64Array, general: Float64Array, *, strengths: Sequence[float]
) -> list[Float64Array]:
    """Weights ``[features, labels]`` for each strength of the prior.

    The loss is the mean over recorded labels of their windows' mean log loss, plus half the strength times the
    squared distance from the general weights. Only labels that occur in ``codes`` compete: a wearer who records walking
    and sitting may still lie down at other times. So the weights of all other labels stay the same to the bit, and
    the changes of the labels that occur sum to zero. With fewer than two labels nothing changes.

    Args:
        features: float64 ``[n, features]``.
        codes: the true labels, ``[n]``.
        general: the initial weights, ``[features, labels]``.
        strengths: strongest first. Each fit starts from the weights of the one before, which saves time and does not
            change the result.
    """
    recorded, truth = np.unique(codes, return_inverse=True)
    if len(recorded) < 2:
        return [general for _ in strengths]
    share = label_shares(codes)
    right = np.eye(len(recorded))[truth]
    start = features @ general[:, recorded]
    change = np.zeros(general.shape[0] * len(recorded))

    def loss_and_slope(change: Float64Array, strength: float) -> tuple[float, Float64Array]:
        step = change.reshape(len(general), -1)
        log_probability = log_softmax(start + features @ step, axis=1)
        surprise = -float(share @ (log_probability * right).sum(axis=1))
        slope = features.T @ (share[:, None] * (np.exp(log_probability) - right)) + strength * step
        return surprise + strength / 2 * float(change @ change), slope.ravel()

    fitted = []
    options = {"maxiter": MOST_ITERATIONS}
    # The product of matrices this small takes a millisecond; synchronising threads would take much longer.
    with threadpool_limits(1, user_api="blas"):
        for strength in strengths:
            change = minimize(loss_and_slope, change, args=(strength,), jac=True, method="L-BFGS-B", options=options).x
            weights = general.copy()
            weights[:, recorded] += change.reshape(len(general), -1)
            fitted.append(weights)
    return fitted


def label_shares(codes: Int64Array) -> Float64Array:
    """The weight of each window, ``[n]``. All labels have the same total weight, and all weights sum to 1."""
    labels, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(labels) * counts[which]))


def decide(examples: LabelledFeatures, general: Float64Array) -> Decision:
    """Divide the labelled time into parts, and test each part with weights that were fitted to the other parts.

    Adapted weights are better if their log loss is smaller and their balanced accuracy is at least as high. Accuracy
    alone is too coarse for a few dozen windows, and log loss alone may improve by calibration only.

    Args:
        examples: the wearer's labelled windows.
        general: the general model's weights for their features, ``[features + 1, labels]``.
    """
    if len(np.unique(examples.codes)) < 2:
        return Decision("only one label was recorded; at least two are needed")
    parts = time_parts(examples)
    logits, fitted = _held_out(examples, parts, general)
    if len(fitted) < 2:
        length_s = examples.duration_ns / 1e9
        return Decision(
            f"too little data for a cross-validation, which needs {3 * length_s:g} s in one piece of at least two "
            f"labels, or two bouts of them that are {length_s:g} s apart",
        )
    tested = parts != NOWHERE
    codes = examples.codes[tested]
    before = _scored(examples.features[tested] @ general, codes)
    scores = {strength: _scored(each[tested], codes) for strength, each in logits.items()}
    no_worse = [s for s, each in scores.items() if each.balanced_accuracy >= before.balanced_accuracy]
    best = min(no_worse or scores, key=lambda strength: scores[strength].log_loss)
    after = scores[best]
    decision = Decision(
        reason=f"{before.balanced_accuracy:.2f} -> {after.balanced_accuracy:.2f} in cross-validation (share of windows "
        f"recognised, every label counting the same; log loss {before.log_loss:.2f} -> {after.log_loss:.2f})",
        before=before,
        after=after,
        strength=best,
        tested_windows=len(codes),
        too_short=tuple(sorted(set(codes.tolist()) - fitted)),
    )
    better = bool(no_worse) and after.log_loss < before.log_loss  # false if a log loss is NaN
    if not better:
        return decision
    strengths = STRENGTHS[: STRENGTHS.index(best) + 1]
    weights = pulled_weights(examples.features, examples.codes, general, strengths=strengths)[-1]
    # If a few windows are all recognised, the fitted temperature falls towards 0. So it may only rise.
    softening = max(1.0, fit_temperature((logits[best][tested], codes)))
    return replace(decision, weights=weights, softening=softening)


def _held_out(
    examples: LabelledFeatures, parts: Int64Array, general: Float64Array
) -> tuple[dict[float, Float64Array], set[int]]:
    """Logits ``[n, labels]`` for each strength, and the labels that were tested by weights fitted to them."""
    logits = np.stack([examples.features @ general] * len(STRENGTHS))
    both: set[int] = set()
    for part in np.unique(parts[parts != NOWHERE]):
        test = parts == part
        training = (parts != NOWHERE) & ~test & far_from(examples, test)
        codes = examples.codes[training]
        weights = pulled_weights(examples.features[training], codes, general, strengths=STRENGTHS)
        logits[:, test] = [examples.features[test] @ each for each in weights]
        both |= set(np.intersect1d(codes, examples.codes[test]).tolist())
    return dict(zip(STRENGTHS, logits, strict=True)), both


def _scored(logits: Float64Array, codes: Int64Array) -> CrossValidated:
    share = label_shares(codes)
    surprise = -log_softmax(logits, axis=1)[np.arange(len(codes)), codes]
    return CrossValidated(float(share @ surprise), float(share @ (logits.argmax(axis=1) == codes)))


def time_parts(examples: LabelledFeatures) -> Int64Array:
    """The part of each window, int64 ``[n]``: 0, 1, 2, or ``NOWHERE``.

    The time of each label is divided separately, so that every part has windows of each label that lasts long enough:
    three windows' lengths in one piece, or two bouts a window's length apart. A shorter label is in a single part.
    """
    starts_ns, codes = examples.starts_ns, examples.codes
    duration_ns, slack_ns = examples.duration_ns, examples.slack_ns
    gap = 2 * duration_ns - slack_ns  # between the starts of two windows that are a window's length apart
    result = np.full(len(codes), NOWHERE, dtype=np.int64)
    for rank, code in enumerate(np.unique(codes)):
        mine = np.flatnonzero(codes == code)
        mine = mine[np.argsort(starts_ns[mine], kind="stable")]
        # A break between two bouts is itself a gap, so it counts as the length of one gap.
        time = np.cumsum(np.minimum(np.diff(starts_ns[mine], prepend=starts_ns[mine[0]]), gap))
        span = int(time[-1])
        if span < gap:
            result[mine] = rank % MOST_PARTS
            continue
        # The largest number of parts that are at least two windows long, and at least two parts.
        parts = int(np.clip((span + 2 * duration_ns) // (3 * duration_ns), 2, MOST_PARTS))
        width = (span - (parts - 1) * gap) / parts
        slack = slack_ns + 1  # the width is rounded to whole nanoseconds
        part = np.minimum(((time + slack) / (width + gap)).astype(np.int64), parts - 1)
        result[mine] = np.where(time - part * (width + gap) <= width + slack, part, NOWHERE)
    return result


def far_from(examples: LabelledFeatures, tested: BoolArray) -> BoolArray:
    """Whether each window is at least a window's length away from every tested window, bool ``[n]``.

    ``time_parts`` separates windows of the same label; this function also separates windows of different labels.

    Args:
        examples: the windows, in any order.
        tested: which of them are tested, bool ``[n]``; at least one.
    """
    nearest = nearest_distance_ns(examples.starts_ns, np.sort(examples.starts_ns[tested]))
    return np.asarray(nearest >= 2 * examples.duration_ns - 4 * examples.slack_ns)
