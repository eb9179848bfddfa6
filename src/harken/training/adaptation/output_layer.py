"""The output layer of a network: its input for each window, and a logistic regression that fits its weights again.

Source: C. Chelba and A. Acero, "Adaptation of maximum entropy capitalizer: little data can help a lot", EMNLP 2004: a
Gaussian prior around the general model's weights. Differences from the paper: all labels have the same weight however
long they were recorded, and only recorded labels compete.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import nn

from harken.models.recogniser import Recogniser
from harken.networks.inference import batched, windows_at_once
from harken.networks.pytorch import logits, resolve_device
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads
from harken.training.presets import PRESETS
from harken.windows.windows import Windows

Floats = NDArray[np.float64]
MOST_ITERATIONS = 300


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

    features: NDArray[np.float64]
    scale: float
    codes: NDArray[np.int64]
    starts_ns: NDArray[np.int64]
    duration_ns: int
    slack_ns: int


def output_layer(network: nn.Module, name: str) -> nn.Linear:
    """The linear layer at the end of a network of this name.

    Raises:
        HarkenError: when the network does not end in a linear layer.
    """
    layer = getattr(network, "output", None)
    if not isinstance(layer, nn.Linear):
        raise HarkenError(
            f"a model of the network {name} cannot be adapted: it does not end in a "
            f"linear layer called output. Models of these recipes can: {', '.join(PRESETS)}"
        )
    return layer


def labelled_features(recogniser: Recogniser, windows: Windows) -> LabelledFeatures:
    """Run the network on windows whose codes index the model's labels, and collect the input of its output layer.

    Raises:
        HarkenError: as ``Recogniser.predict_proba``; when the network does not end in a linear layer.
    """
    signals = recogniser.specification_.prepare(windows)
    network = recogniser.inference_network()
    if network is None:
        found = _features_by_pytorch(recogniser, signals)
    else:
        found = batched(network.features, signals, windows_at_once(recogniser.specification_))
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


def _features_by_pytorch(recogniser: Recogniser, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """The input of the output layer of a network of another package, ``[n, features]``."""
    read: list[torch.Tensor] = []
    device = resolve_device(recogniser.device)
    layer = output_layer(recogniser.network_, recogniser.specification_.network)
    hook = layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].cpu()))
    try:
        with computing_threads(1):  # several threads would mix the order of the batches
            logits(recogniser.network_, torch.from_numpy(signals), device)
    finally:
        hook.remove()
    return np.asarray(torch.cat(read).numpy(), np.float32)


def pulled_weights(
    features: Floats, codes: NDArray[np.int64], general: Floats, *, strengths: Sequence[float]
) -> list[Floats]:
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

    def loss_and_slope(change: Floats, strength: float) -> tuple[float, Floats]:
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


def label_shares(codes: NDArray[np.int64]) -> Floats:
    """The weight of each window, ``[n]``. All labels have the same total weight, and all weights sum to 1."""
    labels, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(labels) * counts[which]))
