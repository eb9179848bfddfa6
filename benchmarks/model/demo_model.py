"""Train the small model of ``harken serve --demo`` and score it on the people whom the demo streams.

    python -m benchmarks.model.demo_model [--epochs N] [--model FILE] [--json FILE]

Needs the extra ``demo`` (the exercises inside the seglearn wheel) and some minutes of one thread. The streamed people,
``harken.training.demo.UNSEEN``, have no part in training, stopping, choosing or calibration. Their windows are scored
at the end, once. The temperature comes from a second fit without a few of the training people, on those few.
The same command gives the same bytes on the same machine.

The scores are of one random choice of three people, made before any result was known: an illustration of the demo, not
a measurement of harken (for that see ``docs/results/unseen_people.md``).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import ROOT, command, model_facts, options_of, write_result
from harken.datasets.exercises import INFO, UNSEEN, exercises
from harken.models.calibration import expected_calibration_error, fit_temperature
from harken.models.recogniser import Recogniser
from harken.models.scores import score_people
from harken.networks.presets import Preset
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.training.demo import DEMO_RECIPE
from harken.windows.windows import Windows, concatenate, sliding_windows

MODEL = ROOT / "src" / "harken" / "models" / "packaged" / "demo.safetensors"

SEED = 0
HOP_S = 0.5
LABEL_EVERY_S = 1.0
"""The finished model gives a label so often, because the page shows a new label every second."""
HELD_OUT = ("exercises_03", "exercises_07")
"""The two training people on whom the temperature is fitted: one fast, one slow."""

RECIPE = replace(
    DEMO_RECIPE.trained(epochs=15, evaluate_every_windows=64_000),
    name="demo_live",
    sizes={"stem": 32, "width": 64, "blocks": 1, "units": 32, "dropout": 0.5},
)
"""The recipe of ``harken demo`` (everyday's with windows of 3 s) with a third of everyday's weights."""


def windows_of(recordings: Sequence[Recording], recipe: Preset) -> Windows:
    """All windows with one label, at the recipe's rate."""
    rate_hz = recipe.sample_rate_hz or recordings[0].sample_rate_hz
    return concatenate(
        [
            sliding_windows(
                resample(one, sample_rate_hz=rate_hz).select_channels(recipe.channels or ()),
                length_s=recipe.window_length / rate_hz,
                hop_s=HOP_S,
            )
            for one in recordings
        ]
    )


def fitted(windows: Windows, recipe: Preset) -> Recogniser:
    """A recogniser trained on these windows."""
    return Recogniser(recipe, seed=SEED, device="cpu").fit(windows)


def temperature(training: Windows, recipe: Preset) -> float:
    """The temperature of a fit without ``HELD_OUT``, fitted on these people."""
    apart = np.isin(training.subjects, HELD_OUT)
    recogniser = fitted(training[~apart], recipe)
    known = recogniser.known(training[apart])
    return fit_temperature((recogniser.predict_logits(known), known.label_codes))


def demo_model(recordings: Sequence[Recording], recipe: Preset) -> tuple[Recogniser, dict[str, Any]]:
    """The finished model, with its scores in its provenance, and the scores for JSON."""
    streamed = [one for one in recordings if one.subject in UNSEEN]
    learned = [one for one in recordings if one.subject not in UNSEEN]
    training = windows_of(learned, recipe)
    recogniser = fitted(training, recipe)
    specification = replace(
        recogniser.specification_,
        hop_s=LABEL_EVERY_S,
        temperature=temperature(training, recipe),
        calibrated_on="unseen",
    )
    model = replace(recogniser.model_, specification=specification, fingerprints=Fingerprints.of(learned))
    recogniser = recogniser.with_model(model)
    scores = scored(recogniser, windows_of(streamed, recipe))
    provenance = {
        "data": [{"subject": one.subject, "samples_fingerprint": one.samples_fingerprint} for one in learned],
        "attribution": [f"{INFO.citation} ({INFO.licence})"],
        "unseen_people": list(UNSEEN),
        "scores_on_unseen_people": {
            name: scores[name] for name in ("accuracy", "mean_person_macro_f1", "expected_calibration_error")
        },
    }
    return recogniser.with_provenance(provenance), scores


def scored(recogniser: Recogniser, windows: Windows) -> dict[str, Any]:
    """The model's scores on these windows, for JSON."""
    known = recogniser.known(windows)
    probabilities = recogniser.predict_proba(known)
    predicted = probabilities.argmax(axis=1)
    return {
        "windows": len(known),
        "accuracy": float(np.mean(predicted == known.label_codes)),
        "expected_calibration_error": expected_calibration_error(probabilities, known.label_codes),
        **score_people(known.label_codes, predicted, known.subjects, recogniser.specification_.labels).as_dict(),
    }


def main() -> None:
    """Make the model and its JSON."""
    import torch

    parser = options_of(__doc__, "demo_model.json", epochs=None)
    parser.add_argument("--model", type=Path, default=MODEL, help="the model file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPE.trained(epochs=arguments.epochs) if arguments.epochs else RECIPE
    began = time.monotonic()
    recogniser, scores = demo_model(exercises(), recipe)
    arguments.model.parent.mkdir(parents=True, exist_ok=True)
    recogniser.save(arguments.model)
    provenance = recogniser.provenance_
    content = {
        "seconds": round(time.monotonic() - began),
        "training_people": provenance["training_people"],
        "temperature_people": list(HELD_OUT),
        "unseen_people": list(UNSEEN),
        "training_windows_by_label": provenance["training_windows_by_label"],
        "model": model_facts(arguments.model, recogniser),
        "scores_on_unseen_people": scores,
    }
    write_result(arguments.json, command("model.demo_model"), content)
    print(f"{arguments.model}: mean macro F1 of {len(UNSEEN)} unseen people {scores['mean_person_macro_f1']:.3f}")


if __name__ == "__main__":
    main()
