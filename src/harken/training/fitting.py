"""Preparation of a recogniser's training: from labelled windows and a recipe to what the loop trains."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from harken import __version__
from harken.models.known_labels import LabelSets, known_windows, require_two_labels
from harken.networks.build import build
from harken.networks.prediction import resolve_device
from harken.networks.specification import Specification
from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError
from harken.training.loop import LabelledSignals, Task
from harken.training.presets import Preset, preset
from harken.windows.windows import Windows

if TYPE_CHECKING:
    from harken.models.recogniser import Recogniser


def prepared(
    recogniser: "Recogniser", windows: Windows, label_sets: LabelSets, tests: Mapping[str, Windows]
) -> tuple[Task, Specification, dict[str, Any]]:
    """What to train for ``Recogniser.fit``, and the specification and the provenance of the model.

    The arguments and errors are those of ``Recogniser.fit``; the recogniser gives the recipe, settings and device.
    """
    settings = recogniser.settings()
    windows = windows[windows.label_codes != UNLABELLED]
    numbers = np.bincount(windows.label_codes, minlength=len(windows.label_names)).tolist()
    counts = {name: number for name, number in zip(windows.label_names, numbers, strict=True) if number}
    labels = tuple(name for name in counts if name not in label_sets)
    require_two_labels(labels)
    if len(windows) < settings.batch_windows and not settings.shuffle:
        raise HarkenError(
            f"{len(windows)} training windows are fewer than one batch of {settings.batch_windows}; "
            "record more, or draw more windows"
        )
    specification = _specification(preset(recogniser.preset), windows, labels)
    examples, sets = _training_examples(specification, windows, label_sets)
    provenance = {
        "harken_version": __version__,
        "training": asdict(settings),
        "training_windows": len(windows),
        "training_windows_by_label": counts,
        "training_people": sorted(set(windows.subjects.tolist())),
    }
    task = Task(
        build=lambda: build(specification.network, specification.sizes),
        examples=examples,
        settings=settings,
        label_sets=sets,
        tests={name: _examples(specification, test, labels) for name, test in tests.items()},
        vectors=specification.vectors,
        device=resolve_device(recogniser.device),
    )
    return task, specification, provenance


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


def _training_examples(
    specification: Specification, windows: Windows, label_sets: LabelSets
) -> tuple[LabelledSignals, Tensor | None]:
    """The training windows, and the sets for ``Task``. Windows whose set has no label of the model are left out."""
    labels, present = specification.labels, windows.labels_present if label_sets else set()
    sets = {name: [label in label_sets[name] for label in labels] for name in label_sets if name in present}
    sets = {name: allowed for name, allowed in sets.items() if any(allowed)}
    if label_sets:
        windows = windows[np.isin(windows.labels, (*labels, *sets))]
    examples = _examples(specification, windows, (*labels, *sets))
    return examples, torch.tensor(list(sets.values()), dtype=torch.bool) if sets else None


def _examples(specification: Specification, windows: Windows, labels: tuple[str, ...]) -> LabelledSignals:
    windows = known_windows(windows, labels)
    return LabelledSignals(
        torch.from_numpy(specification.prepare(windows)), torch.from_numpy(windows.label_codes.astype(np.int64))
    )
