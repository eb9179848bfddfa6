"""Adaptation of a general recogniser to a few labelled minutes of one wearer: its output layer is fitted to them, and
kept if the personal model scores better."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harken.models.mounting import Mounting, as_trained
from harken.models.recogniser import Recogniser
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.support.printable import listed, percent
from harken.training.output_layer import (
    CrossValidated,
    Decision,
    LabelledFeatures,
    decide,
    labelled_features,
    output_layer,
)
from harken.windows.windows import Windows, concatenate, sliding_windows

HOPS_IN_A_WINDOW = 8
MOST_WINDOWS = 4000
"""The largest number of windows. More windows overlap more, add little information and take too long."""


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
        too_short: labels that are too short for separate training and test windows: they were tested by weights that
            were fitted without them.
        turned: a sentence for each watch that was turned to the orientation of the training data, with the reason.
        mounting_unknown: a sentence for each recording in which the orientation of the watch is unknown.
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
    too_short: tuple[str, ...]
    turned: tuple[str, ...] = ()
    mounting_unknown: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON and for the model file. They do not depend on paths, times or durations."""
        return {
            "kept": self.kept,
            "reason": self.reason,
            "before": asdict(self.before) if self.before else None,
            "after": asdict(self.after) if self.after else None,
            "strength": self.strength,
            "wearer": self.wearer,
            "labelled_s": self.labelled_s,
            "windows": self.windows,
            "tested_windows": self.tested_windows,
            "unlearned": list(self.too_short),
            "turned": list(self.turned),
            "mounting_unknown": list(self.mounting_unknown),
        }


def adapt(
    recogniser: Recogniser,
    labelled: Windows | Sequence[Recording],
    *,
    ignore_labels: Sequence[str] = (),
    forearm_axis: ForearmAxis | None = None,
    orientation: bool = True,
    several_wearers: bool = False,
) -> Adapted:
    """Adapt a recogniser to one wearer, and keep the result only if it is better in cross-validation.

    Only the output layer is fitted again (``harken.training.output_layer``); the rest of the network stays the same.
    Labels that the wearer did not record keep their weights. Cross-validation runs inside the labelled seconds. Its
    folds are parts of time, with a gap of a window's length between training and test windows, and each part has every
    label that lasts long enough. The strength of the prior is chosen by the same scores that decide whether to keep the
    weights, so these scores are slightly optimistic.

    A kept model has the temperature of the general model, or a higher one if the held-out windows need it.

    Args:
        recogniser: the general model. It is not changed.
        labelled: mended recordings of the wearer, or windows as the model reads them. Windows of recordings overlap,
            with eight starts in each window's length. A watch that is a quarter turn away from the training data is
            turned first, as it will be when the personal model labels (``harken.models.mounting``).
        ignore_labels: labels to leave out.
        forearm_axis: the axis of the sensor that points along the forearm; None to find it by walking. It does not
            apply to windows.
        orientation: whether watches are turned. False for a model that labels samples as they come, as live.
        several_wearers: adapt to several wearers together. Their time is divided as that of one wearer, so the
            cross-validation does not show how well other people are recognised.

    Raises:
        HarkenError: when there is no labelled window, or a label that is neither the model's nor in
            ``ignore_labels``; when there are several wearers without ``several_wearers``; when the model was trained on
            one of the recordings; when its network does not end in a linear layer.
    """
    layer = output_layer(recogniser.network_, recogniser.specification_.network)
    recordings = [] if isinstance(labelled, Windows) else list(labelled)
    windows, mountings = _windows(recogniser, labelled, forearm_axis, orientation=orientation)
    wearers = sorted({str(subject) for subject in windows.subjects})
    if not several_wearers:
        _refuse_several(wearers)
    examples = labelled_features(recogniser, recogniser.known(windows, ignore_labels=ignore_labels))
    # Weights that give the calibrated logits of scaled features. The log losses are computed from these logits.
    general = _weights(layer) * (examples.scale / recogniser.specification_.temperature)
    adapted = _adapted(recogniser, examples, decide(examples, general), wearers, mountings)
    # The wearer counts as known even if the weights were not changed, because the wearer's data decided that.
    people = {*recogniser.provenance_.get("training_people", []), *wearers}
    adaptation = adapted.as_dict() | {"adapted_from": recogniser.model_.digest}
    provenance = {"training_people": sorted(people), "adaptation": adaptation}
    personal = adapted.recogniser.with_recordings(recordings).with_provenance(provenance)
    return replace(adapted, recogniser=personal)


def _refuse_several(wearers: Sequence[str]) -> None:
    if len(wearers) != 1:
        raise HarkenError(
            f"a personal model is for one person, but these are windows of {', '.join(wearers) or 'nobody'}; give "
            "recordings of one wearer; if only the names of the files differ, name the wearer with --subject"
        )


def _adapted(
    recogniser: Recogniser,
    examples: LabelledFeatures,
    decision: Decision,
    wearers: Sequence[str],
    mountings: Sequence[Mounting],
) -> Adapted:
    """The result of a decision. Its recogniser does not have the adaptation in its provenance yet."""
    labels = recogniser.specification_.labels
    return Adapted(
        recogniser=_personal(recogniser, decision, examples.scale),
        kept=decision.weights is not None,
        reason=decision.reason,
        before=decision.before,
        after=decision.after,
        strength=decision.strength,
        wearer=listed(wearers),
        labelled_s=_labelled_s(examples, labels),
        windows=len(examples.codes),
        tested_windows=decision.tested_windows,
        too_short=tuple(labels[code] for code in decision.too_short),
        turned=tuple(one.reason for one in mountings if one.quarters),
        mounting_unknown=tuple(one.warning for one in mountings if one.warning is not None),
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
    for recording in recordings:
        share = float(recogniser.trained_samples(recording).mean())
        if share > SAME_RECORDING:
            what = "this recording" if share == 1 else f"{percent(share)} of this recording"
            raise HarkenError(
                f"{recording.source}: the model was trained on {what}, so it would not show "
                "whether adapting helps. Train a new model; or leave the recording out; or, if the model was adapted "
                "to it earlier, start with the model from before that, and adapt it to all recordings of the wearer"
            )
    specification = recogniser.specification_
    mounted: list[tuple[Recording, Mounting | None]] = [(recording, None) for recording in recordings]
    if orientation:
        mounted = [as_trained(recogniser, recording, forearm_axis=forearm_axis) for recording in recordings]
    mountings = [mounting for _, mounting in mounted if mounting is not None]
    prepared = [specification.prepare_recording(recording) for recording, _ in mounted]
    labelled_s = sum(np.count_nonzero(one.label_codes != UNLABELLED) / one.sample_rate_hz for one in prepared)
    hop_s = max(specification.window_length_s / HOPS_IN_A_WINDOW, labelled_s / MOST_WINDOWS)
    length = specification.window_length
    windows = [sliding_windows(one, length_s=length / one.sample_rate_hz, hop_s=hop_s) for one in prepared]
    return concatenate(windows), mountings


def _weights(layer: nn.Linear) -> NDArray[np.float64]:
    """``[features + 1, labels]``, the bias last."""
    joined = torch.cat([layer.weight, layer.bias[:, None]], dim=1).T
    return np.asarray(joined.detach().cpu().numpy(), dtype=np.float64)


def _personal(recogniser: Recogniser, decision: Decision, scale: float) -> Recogniser:
    """The recogniser with the decided output layer. Float32 weights that did not change stay so to the bit."""
    if decision.weights is None:
        return recogniser
    model, temperature = recogniser.model_, recogniser.specification_.temperature
    rows = (decision.weights * (temperature / scale)).T.astype(np.float32)
    layer = {"output.weight": rows[:, :-1], "output.bias": rows[:, -1]}
    personal = recogniser.with_model(replace(model, weights={**model.weights, **layer}))
    return personal.with_temperature(temperature * decision.softening, "the same person")


def _labelled_s(examples: LabelledFeatures, labels: Sequence[str]) -> dict[str, float]:
    """Seconds that the windows of each label cover. Seconds in two windows count once."""
    result = {}
    for code in np.unique(examples.codes):
        steps = np.diff(np.sort(examples.starts_ns[examples.codes == code]))
        covered = np.minimum(steps, examples.duration_ns).sum() + examples.duration_ns
        result[labels[code]] = round(float(covered) / 1e9, 3)
    return result
