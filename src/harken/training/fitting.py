"""Training of a recogniser's model: from labelled windows and a recipe to the content of a model file."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harken import __version__
from harken.models.known_labels import LabelSets, known_windows, require_two_labels
from harken.models.model_file import FittedModel
from harken.networks.pytorch import build, resolve_device, weights_of
from harken.networks.specification import Specification
from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError
from harken.training.checkpoint import History
from harken.training.loop import Interrupted, LabelledSignals, Progress, TrainingSettings, train
from harken.training.presets import Preset
from harken.training.presets import preset as preset_of
from harken.windows.windows import Windows


def fit(
    windows: Windows,
    *,
    preset: str | Preset,
    settings: TrainingSettings,
    device: str,
    take: Callable[[FittedModel, History], None],
    label_sets: LabelSets,
    tests: Mapping[str, Windows],
    threads: int | None,
    checkpoint: Path | None,
    on_progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool],
) -> None:
    """Train on labelled windows.

    Args:
        windows: the training windows. The labels that occur in them become the classes.
        preset: the recipe.
        settings: the training settings, in place of the recipe's.
        device: ``auto``, ``cpu`` or ``cuda``.
        take: called with the model and its history at the end, also when the training is interrupted.
        label_sets, tests, threads, checkpoint, on_progress, should_stop: see ``Recogniser.fit``.

    Raises:
        Interrupted: when ``should_stop`` returns true.
        HarkenError: see ``Recogniser.fit``.
    """
    windows = windows[windows.label_codes != UNLABELLED]
    counts = _label_counts(windows)
    labels = tuple(name for name in counts if name not in label_sets)
    require_two_labels(labels)
    _require_one_batch(windows, settings)
    specification = _specification(preset_of(preset), windows, labels)
    examples, sets = _training_examples(specification, windows, label_sets)
    test_examples = {name: _examples(specification, test, labels) for name, test in tests.items()}
    provenance = _provenance(settings, windows, counts)
    try:
        network, history = train(
            lambda: build(specification.network, specification.sizes),
            examples,
            settings,
            label_sets=sets,
            tests=test_examples,
            vectors=specification.vectors,
            device=resolve_device(device),
            threads=threads,
            checkpoint=checkpoint,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    except Interrupted as stop:
        take(FittedModel(specification, weights_of(stop.network), provenance), stop.history)
        raise
    take(FittedModel(specification, weights_of(network), provenance), history)


def _require_one_batch(windows: Windows, settings: TrainingSettings) -> None:
    """Raise a HarkenError when there are fewer windows than one batch, and batches are taken in order."""
    if len(windows) < settings.batch_windows and not settings.shuffle:
        raise HarkenError(
            f"{len(windows)} training windows are fewer than one batch of {settings.batch_windows}; "
            "record more, or draw more windows"
        )


def _label_counts(windows: Windows) -> dict[str, int]:
    """The number of windows of each label that occurs, in the order of ``label_names``."""
    counts = np.bincount(windows.label_codes, minlength=len(windows.label_names)).tolist()
    return {name: count for name, count in zip(windows.label_names, counts, strict=True) if count}


def _specification(recipe: Preset, windows: Windows, labels: tuple[str, ...]) -> Specification:
    return Specification(
        channels=windows.channels,
        acceleration_unit=recipe.acceleration_unit,
        sample_rate_hz=windows.sample_rate_hz,
        even_grid=recipe.sample_rate_hz is not None,
        window_length=windows.length,
        hop_s=windows.length / windows.sample_rate_hz / 2,
        labels=labels,
        network=recipe.network_name,
        sizes={**recipe.sizes, "channels": len(windows.channels), "classes": len(labels)},
        preset=recipe.name,
    )


def _provenance(settings: TrainingSettings, windows: Windows, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "harken_version": __version__,
        "training": asdict(settings),
        "training_windows": len(windows),
        "training_windows_by_label": dict(counts),
        "training_people": sorted(set(windows.subjects.tolist())),
    }


def _training_examples(
    specification: Specification, windows: Windows, label_sets: LabelSets
) -> tuple[LabelledSignals, Tensor | None]:
    """The training windows, and the sets for ``train``. Windows whose set has no label of the model are left out."""
    labels = specification.labels
    sets = {name: [label in several for label in labels] for name, several in label_sets.items()}
    sets = {name: allowed for name, allowed in sets.items() if any(allowed) and name in windows.labels_present}
    windows = windows if not label_sets else windows[np.isin(windows.labels, (*labels, *sets))]
    examples = _examples(specification, windows, (*labels, *sets))
    return examples, torch.tensor(list(sets.values()), dtype=torch.bool) if sets else None


def _examples(specification: Specification, windows: Windows, labels: tuple[str, ...]) -> LabelledSignals:
    windows = known_windows(windows, labels)
    return LabelledSignals(
        torch.from_numpy(specification.prepare(windows)), torch.from_numpy(windows.label_codes.astype(np.int64))
    )
