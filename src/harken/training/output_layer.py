"""The output layer of a network, a logistic regression on features, fitted to a few labelled minutes of one wearer.

Only NumPy is used, so that a wearer can be taught where neither PyTorch nor SciPy is installed.

Sources: C. Chelba and A. Acero, "Adaptation of maximum entropy capitalizer: little data can help a lot", EMNLP 2004: a
Gaussian prior around the general model's weights. Differences from the paper: all labels have the same weight, in a
label all bouts have the same weight, and examples of the general model's training data take part. The minimum is found
by L-BFGS: J. Nocedal and S. Wright, "Numerical optimization", 2nd edition, algorithms 3.1, 7.4 and 7.5.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.models.model_file import TrainingExamples, most_examples, spread_over_people
from harken.models.recogniser import Recogniser
from harken.networks.inference import batched, windows_at_once
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.windows.folds import number_people
from harken.windows.windows import Windows

STRENGTH = 0.001
"""The strength of the prior, for features with a mean squared length of 1. ``benchmarks/recognition/teaching.py``
compares others on studies that were left out of training."""
EXAMPLES_WEIGHT = 0.1
"""The weight of the training examples of a label, if a label of the wearer has the weight 1."""
NEW_STRENGTH, OTHERS_WEIGHT = 1e-5, 30.0
"""The same for the weights of a new label: the strength of its prior, and the weight of all examples of another label.
With a smaller weight, the new label is given to more windows of the others."""
WHOLE_BOUT_S = 30.0
"""A bout of at least this length counts once, and a shorter one in proportion."""
BOUTS_APART = 1.5
"""Windows of a label are of two bouts if they begin at least this number of window lengths apart, or half a window
farther apart than the windows of a bout do."""
MEMORY = 10
"""The number of earlier steps that L-BFGS remembers."""
MOST_ITERATIONS, MOST_HALVINGS = 1000, 30
"""Twenty new labels at once need 500 iterations; a few labels need 20 to 350."""
LEAST_SLOPE = 1e-6
"""The iterations end if no slope is steeper."""
STEEP_SLOPE = 1e-3
"""If they end at a steeper slope, the fit has failed. Where numbers are too coarse for ``LEAST_SLOPE``, the last slope
is a little steeper than that."""
ENOUGH_DESCENT = 1e-4
"""The least share of the expected descent (Armijo's condition)."""

LossAndSlope = Callable[[Float64Array], tuple[float, Float64Array]]


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Labelled windows of one or several wearers, as input of the output layer.

    Attributes:
        features: float64 ``[n, features + 1]``, the input of the layer and a 1 for its bias, divided by ``scale``.
        scale: the root of their mean squared length. It makes the strength of the prior comparable between networks.
        codes: int64 ``[n]``, indices into the labels.
        bouts: int64 ``[n]``, the number of the bout of each window.
        wearers: int64 ``[n]``, the number of the wearer of each window. Two arms of a person have the same.
        starts_ns: the start of each window, int64 ``[n]``.
        duration_ns: the duration of a window.
        slack_ns: half a sample, the tolerance for times that were rounded to whole nanoseconds.
    """

    features: Float64Array
    scale: float
    codes: Int64Array
    bouts: Int64Array
    wearers: Int64Array
    starts_ns: Int64Array
    duration_ns: int
    slack_ns: int

    def select(self, rows: BoolArray | Int64Array) -> "LabelledFeatures":
        """Return some of the windows, by a mask or by row numbers, with the same scale."""
        return replace(
            self,
            features=self.features[rows],
            codes=self.codes[rows],
            bouts=self.bouts[rows],
            wearers=self.wearers[rows],
            starts_ns=self.starts_ns[rows],
        )

    def weigh(self) -> Float64Array:
        """Return the weight of each window, float64 ``[n]``. The weights of each label sum to 1.

        In a label, each bout of at least 30 s has the same weight however long it is, and a shorter one has less.
        """
        bouts, which, counts = np.unique(self.bouts, return_inverse=True, return_counts=True)
        whole_ns = WHOLE_BOUT_S * 1e9
        lengths_ns = np.zeros(len(bouts))
        np.maximum.at(lengths_ns, which, self.starts_ns.astype(np.float64))
        first_ns = np.full(len(bouts), np.inf)
        np.minimum.at(first_ns, which, self.starts_ns.astype(np.float64))
        lengths_ns += self.duration_ns - first_ns
        weights = (np.minimum(lengths_ns, whole_ns) / counts)[which]
        labels, of_label = np.unique(self.codes, return_inverse=True)
        totals = np.bincount(of_label, weights=weights, minlength=len(labels))
        return np.asarray(weights / totals[of_label])


class Examples(NamedTuple):
    """What the model file keeps of the training windows, as input of the output layer.

    Attributes:
        features: as in ``LabelledFeatures``, with its scale, float64 ``[n, features + 1]``.
        codes: the label of each window, int64 ``[n]``.
    """

    features: Float64Array
    codes: Int64Array

    def select(self, rows: BoolArray) -> "Examples":
        """Return some of the examples."""
        return Examples(self.features[rows], self.codes[rows])

    def weigh(self) -> Float64Array:
        """Return the weight of each example, float64 ``[n]``. The weights of each label sum to 1."""
        _, which, counts = np.unique(self.codes, return_inverse=True, return_counts=True)
        return np.asarray(1 / counts[which])


def read_output_layer(recogniser: Recogniser) -> Float64Array:
    """Return the weights of the linear layer at the end of the network, ``[features + 1, labels]``, the bias last.

    Raises:
        HarkenError: when the network does not end in a linear layer.
    """
    weights = recogniser.model_.weights
    if "output.bias" not in weights or weights["output.weight"].ndim != 2:
        from harken.networks.presets import PRESETS  # imports PyTorch

        raise HarkenError(
            f"a model of the network {recogniser.specification_.network} cannot be adapted: it does not end in a "
            f"linear layer called output. Models of these recipes can: {', '.join(PRESETS)}"
        )
    every = np.column_stack([weights["output.weight"], weights["output.bias"]]).T.astype(np.float64)
    return every[:, : len(recogniser.specification_.labels)]


def labelled_features(recogniser: Recogniser, windows: Windows, *, hop_s: float = 0.0) -> LabelledFeatures:
    """Run the network on labelled windows, and collect the input of its output layer.

    Args:
        recogniser: the recogniser whose network is run.
        windows: the windows, one recording after the other.
        hop_s: seconds from the start of one window of a bout to the next, if it is more than a window's length.

    Raises:
        HarkenError: as ``Recogniser.predict_proba``; when the network does not end in a linear layer, or computes
            values that are not finite.
    """
    features = _with_bias(compute_features(recogniser, windows))
    if not np.isfinite(features).all():
        raise HarkenError("the network of the model computes values that are not numbers; train it again")
    scale = float(np.sqrt(np.square(features).sum(axis=1).mean()))
    sample_ns = 1e9 / windows.sample_rate_hz
    duration_ns = round(windows.length * sample_ns)
    codes = windows.label_codes.astype(np.int64)
    person_of = number_people(windows.subjects.tolist())
    return LabelledFeatures(
        features=features / scale,
        scale=scale,
        codes=codes,
        bouts=number_bouts(windows.starts_ns, codes, duration_ns, hop_ns=round(hop_s * 1e9)),
        wearers=np.array([person_of[name] for name in windows.subjects.tolist()], dtype=np.int64),
        starts_ns=windows.starts_ns,
        duration_ns=duration_ns,
        slack_ns=round(sample_ns / 2),
    )


def scale_examples(recogniser: Recogniser, scale: float) -> Examples | None:
    """Return the training examples in the model file, as input of the output layer; None if it keeps none."""
    kept = recogniser.model_.examples
    if kept is None or len(kept) == 0:
        return None
    return Examples(_with_bias(kept.features) / scale, kept.codes.astype(np.int64))


def keep_examples(recogniser: Recogniser, windows: Windows) -> Recogniser:
    """Return the recogniser with examples of each of its labels, spread over the people of its training windows.

    A network that does not end in a linear layer keeps none.

    Args:
        recogniser: a recogniser that was trained on these windows.
        windows: the training windows. Those of other labels than the recogniser's are left out.
    """
    if "output.weight" not in recogniser.model_.weights:
        return recogniser
    known = recogniser.known(windows[np.isin(windows.labels, recogniser.specification_.labels)])
    codes = known.label_codes.astype(np.int64)
    most = most_examples(recogniser.model_.weights["output.weight"].shape[1])
    chosen = spread_over_people(codes, known.subjects, most)
    features = compute_features(recogniser, known[chosen])
    examples = TrainingExamples.of(features, codes[chosen])
    return recogniser.with_model(replace(recogniser.model_, examples=examples))


def number_bouts(starts_ns: Int64Array, codes: Int64Array, duration_ns: int, *, hop_ns: int = 0) -> Int64Array:
    """Return the number of the bout of each window, int64 ``[n]``.

    Args:
        starts_ns: the start of each window, one recording after the other, int64 ``[n]``.
        codes: their labels, int64 ``[n]``.
        duration_ns: the duration of a window.
        hop_ns: the time between the starts of two windows of a bout, if it is more than the duration.
    """
    steps_ns = np.diff(starts_ns)
    apart_ns = max(BOUTS_APART * duration_ns, hop_ns + duration_ns / 2)
    begins = (codes[1:] != codes[:-1]) | (steps_ns <= 0) | (steps_ns >= apart_ns)
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int64)[: len(codes)]


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
    from harken.networks.pytorch import logits, resolve_device
    from harken.support.resources import computing_threads

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


def _with_bias(features: Float32Array) -> Float64Array:
    return np.pad(features.astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)


def fit_recorded_labels(
    windows: LabelledFeatures, general: Float64Array, examples: Examples | None, *, strength: float = STRENGTH
) -> Float64Array:
    """Return weights ``[features + 1, labels]`` in which those of the recorded labels are fitted again.

    All other weights stay the same to the bit. The loss is the mean over recorded labels of their windows' mean log
    loss, plus a tenth of the log loss of the training examples of each label, plus half the strength times the squared
    distance from the general weights. Without examples, only recorded labels compete: nothing would show that the
    wearer may also do something else. With fewer than two recorded labels, nothing changes.

    Args:
        windows: the wearer's windows.
        general: the initial weights, ``[features + 1, labels]``.
        examples: training examples of the general model.
        strength: the strength of the prior.
    """
    recorded = np.unique(windows.codes)
    if len(recorded) < 2:
        return general
    weights = general.copy()
    if examples is None:
        competing = recorded
        problem = _Problem(
            windows.features, np.searchsorted(recorded, windows.codes), windows.weigh() / len(recorded), strength
        )
    else:
        competing = np.arange(general.shape[1])
        problem = _Problem(
            np.concatenate([windows.features, examples.features]),
            np.concatenate([windows.codes, examples.codes]),
            np.concatenate([windows.weigh(), EXAMPLES_WEIGHT * examples.weigh()]) / len(recorded),
            strength,
        )
    weights[:, competing] = problem.fit(general[:, competing], np.searchsorted(competing, recorded))
    return weights


def fit_new_labels(windows: LabelledFeatures, known: Float64Array, examples: Examples) -> Float64Array:
    """Return the weights of known labels, and of new ones behind them, ``[features + 1, known and new labels]``.

    The weights of known labels stay the same to the bit. Those of a new label begin at the mean of the known ones, and
    are fitted to its windows against the training examples of all known labels and the wearer's own windows of them.

    Args:
        windows: the wearer's windows, at least one of each new label. Codes of new labels follow those of known ones.
        known: the weights of known labels, ``[features + 1, labels]``.
        examples: training examples of the general model.
    """
    labels = known.shape[1]
    new = np.arange(labels, int(windows.codes.max()) + 1)
    start = np.column_stack([known, *[known.mean(axis=1)] * len(new)])
    of_windows = windows.weigh()
    of_windows[windows.codes < labels] *= OTHERS_WEIGHT
    problem = _Problem(
        np.concatenate([windows.features, examples.features]),
        np.concatenate([windows.codes, examples.codes]),
        np.concatenate([of_windows, OTHERS_WEIGHT * examples.weigh()]),
        NEW_STRENGTH,
    )
    return problem.fit(start, new)


class _Problem(NamedTuple):
    """A logistic regression with a Gaussian prior.

    Attributes:
        features: float64 ``[n, features + 1]``.
        codes: the true columns, int64 ``[n]``.
        shares: the weight of each window, float64 ``[n]``.
        strength: the strength of the prior.
    """

    features: Float64Array
    codes: Int64Array
    shares: Float64Array
    strength: float

    def fit(self, start: Float64Array, fitted: Int64Array) -> Float64Array:
        """Return weights ``[features + 1, columns]`` in which some columns are fitted, from their start."""
        right = np.eye(start.shape[1])[self.codes]
        start_logits = self.features @ start

        def loss_and_slope(change: Float64Array) -> tuple[float, Float64Array]:
            step = change.reshape(-1, len(fitted))
            logits = start_logits.copy()
            logits[:, fitted] += self.features @ step
            log_probability = log_softmax(logits)
            loss = -float(self.shares @ (log_probability * right).sum(axis=1))
            excess = self.shares[:, None] * (np.exp(log_probability) - right)
            slope = self.features.T @ excess[:, fitted] + self.strength * step
            return loss + self.strength / 2 * float(change @ change), slope.ravel()

        weights = start.copy()
        # The product of matrices this small takes a millisecond; synchronising threads would take much longer.
        with threadpool_limits(1, user_api="blas"):
            change = minimise(loss_and_slope, np.zeros(len(start) * len(fitted)))
        weights[:, fitted] += change.reshape(-1, len(fitted))
        return weights


def log_softmax(logits: Float64Array) -> Float64Array:
    """Return the logarithms of the probabilities of logits ``[n, labels]``."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def minimise(loss_and_slope: LossAndSlope, start: Float64Array) -> Float64Array:
    """Return the place of the minimum of a smooth convex function, by L-BFGS.

    If the function is not finite at the first place, this place is returned.

    Args:
        loss_and_slope: returns the value and the gradient at a place.
        start: the first place, float64 ``[n]``.

    Raises:
        HarkenError: when the minimum is not found.
    """
    place = start
    loss, slope = loss_and_slope(place)
    steps: list[Float64Array] = []
    slope_changes: list[Float64Array] = []
    for _ in range(MOST_ITERATIONS):
        if not np.isfinite(loss) or np.abs(slope).max(initial=0.0) < LEAST_SLOPE:
            break
        direction = -_divide_by_curvature(slope, steps, slope_changes)
        expected = float(slope @ direction)
        share = 1.0 if steps else min(1.0, 1 / float(np.abs(slope).sum()))
        for _ in range(MOST_HALVINGS):
            next_place = place + share * direction
            next_loss, next_slope = loss_and_slope(next_place)
            if next_loss <= loss + ENOUGH_DESCENT * share * expected:
                break
            share /= 2
        else:
            break  # the loss no longer falls within the precision of numbers
        step, slope_change = next_place - place, next_slope - slope
        if step @ slope_change > 0:
            steps = [*steps[1 - MEMORY :], step]
            slope_changes = [*slope_changes[1 - MEMORY :], slope_change]
        place, loss, slope = next_place, next_loss, next_slope
    steepest = float(np.abs(slope).max(initial=0.0))
    if np.isfinite(loss) and steepest > STEEP_SLOPE:
        raise HarkenError(
            f"the fit of the output layer did not converge: after {MOST_ITERATIONS} steps at most, its steepest slope "
            f"is {steepest:.2g}; leave out labels that are alike, or record more of them"
        )
    return place


def _divide_by_curvature(
    slope: Float64Array, steps: list[Float64Array], slope_changes: list[Float64Array]
) -> Float64Array:
    """Return the slope times the inverse of the Hessian that earlier steps show (two-loop recursion)."""
    direction = slope.copy()
    shares = []
    for step, slope_change in zip(reversed(steps), reversed(slope_changes), strict=True):
        share = float(step @ direction) / float(step @ slope_change)
        shares.append(share)
        direction -= share * slope_change
    if steps:
        direction *= float(steps[-1] @ slope_changes[-1]) / float(slope_changes[-1] @ slope_changes[-1])
    for step, slope_change, share in zip(steps, slope_changes, reversed(shares), strict=True):
        correction = float(slope_change @ direction) / float(step @ slope_change)
        direction += (share - correction) * step
    return direction
