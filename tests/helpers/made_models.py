"""Models of every network, small, with weights drawn at random that have seen some batches; and recordings for them."""

import numpy as np
import torch

from harken.models.label_recording import label_recording
from harken.models.model_file import FittedModel
from harken.networks.inference import softmax
from harken.networks.pytorch import build, logits, weights_of
from harken.networks.specification import ModelUnit
from harken.recordings.recording import Recording
from harken.windows.windows import Windows
from made_recordings import recording_of, specification_of

SIZES: dict[str, dict[str, int]] = {
    "deep_conv_lstm": {"filters": 4, "units": 5},
    "everyday": {"stem": 8, "width": 16, "blocks": 2, "units": 6},
    "notebook_lstm": {"units": 7, "layers": 3},
}


def made_model(
    network: str = "everyday", *, unit: ModelUnit = "g", even_grid: bool = True, rate_hz: float = 30.0
) -> FittedModel:
    """A model of 120 samples of x, y and z every 60, which tells four labels apart somehow."""
    labels, length = ("lying", "sitting", "walking", "größer"), 120
    sizes = {**SIZES[network], "channels": 3, "classes": len(labels)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = build(network, sizes)
        with torch.no_grad():
            for _ in range(3):  # untrained batch normalisation would hide mistakes
                module(torch.randn(32, length, 3) * torch.rand(32, 1, 1))
            for parameter in module.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    specification = specification_of(
        length,
        length / rate_hz / 2,
        labels,
        acceleration_unit=unit,
        sample_rate_hz=rate_hz,
        even_grid=even_grid,
        network=network,
        sizes=sizes,
        preset="test",
        temperature=1.7,
        calibrated_on="unseen",
    )
    return FittedModel(specification, weights_of(module), {"training": {"seed": 3}})


def uneven_recording(rate_hz: float) -> Recording:
    """25 s and 9 s of an uneven clock with a gap of 4 s between them, a few samples missing in each, and a scrap."""
    random = np.random.default_rng(7)
    n = round(34 * rate_hz)
    time_s = (np.arange(n) + random.uniform(-0.3, 0.3, n)) / rate_hz
    time_s[round(25 * rate_hz) :] += 4.0
    time_s[-1:] += 3.0
    kept = random.random(n) > 0.03
    time_ns = 1_764_000_000_000_000_000 + np.rint(time_s[kept] * 1e6).astype(np.int64) * 1000
    t = time_s[kept, None] - time_s[0]
    waves = 0.02 * t * np.sin(2 * np.pi * np.array([0.7, 1.9, 3.1]) * t)
    signals = np.array([0, 0.2, 1]) + waves + random.normal(0, 0.01, (len(t), 3))
    return recording_of(time_ns, signals, subject="somebody")


def answered(model: FittedModel, recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """What harken itself makes of a recording, in PyTorch: of each window its start in seconds ``[n]`` and its
    probabilities ``[n, labels]``, in the order of time."""
    starts, answers = [], []

    def answer(windows: Windows) -> np.ndarray:
        outputs = logits(model.network, model.specification.prepare(windows))
        of_labels, of_hands = model.specification.labels_and_hands(outputs)
        probabilities = softmax(of_labels / np.float32(model.specification.temperature))
        starts.append(windows.starts_ns / 1e9)
        answers.append(probabilities)
        return probabilities if of_hands is None else outputs

    label_recording(model.specification, recording, answer)
    return np.concatenate(starts), np.concatenate(answers)
