"""From a general recogniser and a few labelled minutes of one wearer to a personal one, or back to the general one."""

import copy
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harken.learning.calibration import fit_temperature
from harken.models.adaptation.cross_validation import STRENGTHS, CrossValidated, Decision, decide
from harken.models.adaptation.output_layer import LabelledFeatures, labelled_features, output_layer, pulled_weights
from harken.models.mounting import as_learned
from harken.models.recogniser import Recogniser
from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.support.printable import percent
from harken.windows.windows import Windows, concatenate, sliding_windows

__all__ = ["Adapted", "adapt"]

HOPS_IN_A_WINDOW = 8
MOST_WINDOWS = 4000
"""More windows overlap more, say little more, and take longer than a person likes to wait."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """What came of adapting.

    Attributes:
        recogniser: the personal model where ``kept``, else the general one; the provenance of both says what happened.
        kept: whether the adapted weights were kept.
        reason: why, or why not.
        before, after: the general and the adapted weights in cross-validation, ``after`` the best that were tried; None
            where there was too little data for one.
        strength: how hard the weights of ``after`` were pulled back; None as above.
        wearer: who was adapted to.
        labelled_s: seconds of each label that windows cover.
        windows, tested_windows: how many there were, and how many of them were tested in cross-validation.
        unlearned: labels too short to be learned and tested apart: whoever tested them had learned nothing of them.
        turned: why watches were turned to how the model learned, a sentence for each that was.
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

    def as_dict(self) -> dict[str, Any]:
        """For JSON, and for the model file: nothing in it depends on paths, times or durations."""
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
            "unlearned": list(self.unlearned),
            "turned": list(self.turned),
        }


def adapt(
    recogniser: Recogniser, labelled: Windows | Sequence[Recording], *, ignore_labels: Sequence[str] = ()
) -> Adapted:
    """Adapt a recogniser to one wearer, and keep the result only if it is better in cross-validation.

    The network stays, and its output layer is learned anew (``harken.models.adaptation.output_layer``). Labels that the
    wearer did not record keep their weights. Cross-validation runs inside the labelled seconds: parts of time, a
    window's length between what is learned and what is tested, every label in every part where it lasts long enough.
    The strength of the pull is chosen by the same numbers that decide, so they are a little too good.

    A kept model has the general model's temperature, or a higher one where the held-out windows ask for it.

    Args:
        recogniser: the general model. It is not changed.
        labelled: mended recordings of the wearer, of which windows are taken eight to a window's length; a watch that
            sits a quarter turn away is turned first, as it will be when the personal model labels
            (``harken.models.mounting``). Or windows, as the model takes them.
        ignore_labels: labels to leave out.

    Raises:
        HarkenError: when there is no labelled window, or a label that the model does not know and that is not in
            ``ignore_labels``; when there are several wearers; when the model learned from one of the recordings; when
            its network does not end in a linear layer.
    """
    specification = recogniser.specification_
    layer = output_layer(recogniser.network_, specification.network)
    recordings = [] if isinstance(labelled, Windows) else list(labelled)
    windows, turned = (labelled, ()) if isinstance(labelled, Windows) else _windows(recogniser, recordings)
    wearer = _one_wearer(windows)
    examples = labelled_features(recogniser, recogniser.known(windows, ignore_labels=ignore_labels))
    # Weights that make the calibrated logits of scaled features, which is what log losses are made of.
    general = _weights(layer) * (examples.scale / specification.temperature)
    decision = decide(examples, general)
    personal = _personal(recogniser, examples, general, decision)
    adapted = Adapted(
        recogniser=personal,
        kept=decision.kept,
        reason=decision.reason,
        before=decision.before,
        after=decision.after,
        strength=decision.strength,
        wearer=wearer,
        labelled_s=_labelled_s(examples, specification.labels),
        windows=len(examples.codes),
        tested_windows=0 if decision.held_out_codes is None else len(decision.held_out_codes),
        unlearned=tuple(specification.labels[code] for code in decision.unlearned),
        turned=turned,
    )
    personal = personal.with_provenance(_provenance(recogniser, recordings, adapted)).with_fingerprints(
        recogniser.fingerprints_.joined(Fingerprints.of(recordings))
    )
    return replace(adapted, recogniser=personal)


def _personal(
    recogniser: Recogniser, examples: LabelledFeatures, general: NDArray[np.float64], decision: Decision
) -> Recogniser:
    """The recogniser with the adapted weights where they are kept, else as it is."""
    held_out, codes = decision.held_out_logits, decision.held_out_codes
    if not decision.kept or decision.strength is None or held_out is None or codes is None:
        return recogniser
    before = recogniser.specification_.temperature
    strengths = STRENGTHS[: STRENGTHS.index(decision.strength) + 1]
    learned = pulled_weights(examples.features, examples.codes, general, strengths=strengths)[-1]
    network = _with_weights(recogniser, learned * (before / examples.scale))
    # A few windows that are all right would ask for boundless sureness, so it is only ever taken away.
    temperature = before * max(1.0, fit_temperature(held_out, codes))
    adapted = recogniser.with_model(replace(recogniser.model_, network=network))
    return adapted.with_temperature(temperature, "the same person")


def _windows(recogniser: Recogniser, recordings: Sequence[Recording]) -> tuple[Windows, tuple[str, ...]]:
    """The windows of recordings, and why watches were turned."""
    if not recordings:
        raise HarkenError("there is no recording to adapt to")
    for recording in recordings:
        share = float(recogniser.learned_from(recording).mean())
        if share > SAME_RECORDING:
            what = "this very recording" if share == 1 else f"{percent(share)} of this recording"
            raise HarkenError(
                f"{recording.source}: the model learned from {what}, so it would not show "
                "whether adapting helps; adapt the general model, to all recordings of the wearer at once"
            )
    specification = recogniser.specification_
    learned_way = [as_learned(specification, recording, recogniser.predict_proba) for recording in recordings]
    turned = tuple(why for _, why in learned_way if why is not None)
    prepared = [specification.prepare_recording(recording) for recording, _ in learned_way]
    labelled_s = sum(np.count_nonzero(one.label_codes != UNLABELLED) / one.sample_rate_hz for one in prepared)
    hop_s = max(specification.window_length_s / HOPS_IN_A_WINDOW, labelled_s / MOST_WINDOWS)
    length = specification.window_length
    windows = [sliding_windows(one, length_s=length / one.sample_rate_hz, hop_s=hop_s) for one in prepared]
    return concatenate(windows), turned


def _one_wearer(windows: Windows) -> str:
    wearers = sorted({str(subject) for subject in windows.subjects})
    if len(wearers) != 1:
        raise HarkenError(
            f"a personal model is of one person, and these are windows of {', '.join(wearers) or 'nobody'}; give "
            "recordings of one wearer, and where only the files' names differ, say who it was with --subject"
        )
    return wearers[0]


def _weights(layer: nn.Linear) -> NDArray[np.float64]:
    """``[features + 1, labels]``, the bias last."""
    joined = torch.cat([layer.weight, layer.bias[:, None]], dim=1).T
    return np.asarray(joined.detach().cpu().numpy(), dtype=np.float64)


def _with_weights(recogniser: Recogniser, weights: NDArray[np.float64]) -> nn.Module:
    """The network with another output layer. Float32 weights that did not change stay so to the bit."""
    network = copy.deepcopy(recogniser.network_)
    layer = output_layer(network, recogniser.specification_.network)
    rows = torch.from_numpy(weights.T.astype(np.float32))
    with torch.no_grad():
        layer.weight.copy_(rows[:, :-1])
        layer.bias.copy_(rows[:, -1])
    return network


def _labelled_s(examples: LabelledFeatures, labels: Sequence[str]) -> dict[str, float]:
    """Seconds that the windows of each label cover; what two of them share counts once."""
    result = {}
    for code in np.unique(examples.codes):
        steps = np.diff(np.sort(examples.starts_ns[examples.codes == code]))
        covered = np.minimum(steps, examples.duration_ns).sum() + examples.duration_ns
        result[labels[code]] = round(float(covered) / 1e9, 3)
    return result


def _provenance(recogniser: Recogniser, recordings: Sequence[Recording], adapted: Adapted) -> dict[str, Any]:
    """The general model's, and what happened.

    The wearer counts as met even by weights that were not changed: the wearer's seconds chose them.
    """
    before = recogniser.provenance_
    data = [
        {
            "subject": one.subject,
            "fingerprint": one.fingerprint,
            "samples_fingerprint": one.samples_fingerprint,
        }
        for one in recordings
    ]
    return {
        "training_people": sorted({*before.get("training_people", []), adapted.wearer}),
        "data": [*before.get("data", []), *data],
        "adaptation": adapted.as_dict() | {"adapted_from": _fingerprint(recogniser)},
    }


def _fingerprint(recogniser: Recogniser) -> str:
    """SHA-256 of the model's file: one model always makes the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        recogniser.save(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()
