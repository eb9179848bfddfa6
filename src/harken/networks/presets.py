"""Presets: recipes with a name, each with its windows, network and training; and what a recipe makes of labelled
windows for the training loop."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harken import __version__
from harken.networks.augmentation import Augmentation
from harken.networks.build import Network, network_name
from harken.networks.pytorch import build, resolve_device
from harken.networks.specification import ModelUnit, Specification
from harken.networks.training_loop import LabelledSignals, TrainingSettings, TrainingTask
from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.plugins import Registry
from harken.windows.known_labels import LabelSets, known_windows, require_two_labels, walking_axis
from harken.windows.windows import RandomDraws, SlidingHops, Windows


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        name: the name for ``--preset``.
        channels: the channels that the network reads; None for all channels of the first recording.
        sample_rate_hz: recordings are resampled to this rate; with None they are not resampled.
        window_length: samples in a window.
        windows: how windows are taken from recordings.
        acceleration_unit: the unit in which the network reads acceleration.
        network, sizes: the network, by name or as a function or class of your own (``harken.networks.build``), and its
            sizes without channels and classes.
        training: how it is trained (the recogniser sets the seed).
        calibrated_on_unseen: if True, a run fits another network without a few of the training people and calibrates
            the model on these; otherwise it calibrates on later moments of the same people.
    """

    name: str
    channels: tuple[str, ...] | None
    sample_rate_hz: float | None
    window_length: int
    windows: RandomDraws | SlidingHops
    acceleration_unit: ModelUnit
    network: "str | Network"
    sizes: Mapping[str, Any]
    training: TrainingSettings
    calibrated_on_unseen: bool = False

    def trained(self, **changes: Any) -> "Preset":
        """The same recipe with other training settings."""
        return replace(self, training=replace(self.training, **changes))

    @property
    def network_name(self) -> str:
        """The network's name in a model file. Raises the errors of ``harken.networks.build.network_name``."""
        return network_name(self.network)

    def as_dict(self) -> Json:
        """For JSON."""
        return asdict(replace(self, network=self.network_name))


def _merged(base: Json, own: Json) -> Json:
    """A table of TOML with the values of another one in its place, also within the tables that both have."""
    merged = {**base, **own}
    for key, value in own.items():
        if isinstance(value, dict) and key in base:
            merged[key] = _merged(base[key], value)
    return merged


def _recipes() -> dict[str, Preset]:
    """Harken's own recipes, from ``presets.toml``."""
    recipes = {}
    written = tomllib.loads(Path(__file__).with_name("presets.toml").read_text(encoding="utf-8"))
    for name, own in written.items():
        base = written.get(own.pop("like", None), {})
        facts = _merged(base, own)
        training = facts.get("training", {})
        augmentation = Augmentation(**training.get("augmentation", {}))
        channels = facts.get("channels")
        facts |= {
            "name": name,
            "channels": channels and tuple(channels),
            "sample_rate_hz": facts.get("sample_rate_hz"),
            "windows": (SlidingHops if "hop_s" in facts["windows"] else RandomDraws)(**facts["windows"]),
            "training": TrainingSettings(**training | {"augmentation": augmentation}),
        }
        recipes[name] = Preset(**facts)
    return recipes


PRESETS = _recipes()
"""Harken's own recipes by name."""


def _checked(name: str, candidate: Any) -> Preset:
    if not isinstance(candidate, Preset):
        raise HarkenError(f"{name} must be a harken Preset, got {type(candidate).__name__}")
    if candidate.name != name:
        raise HarkenError(
            f"the preset calls itself {candidate.name!r}; its name and that of the entry point must agree"
        )
    return candidate


_REGISTRY = Registry("preset", "harken.presets", PRESETS, check=_checked)


def preset_names() -> list[str]:
    """The names of all presets: harken's own, then those of other installed packages."""
    return _REGISTRY.names()


def is_preset(name: str) -> bool:
    """Whether a preset has this name. Imports no package."""
    return name in _REGISTRY


def preset(name: str | Preset) -> Preset:
    """The preset of this name; a ``Preset`` is returned unchanged.

    Other installed packages add presets by entry points in the group ``harken.presets``.

    Raises:
        HarkenError: when no preset has this name, or it cannot be imported.
    """
    if isinstance(name, Preset):
        return name
    found = _REGISTRY.find(name)
    if found is None:
        raise HarkenError(f"there is no preset {name!r}; the presets are {', '.join(preset_names())}")
    return found


def prepare_training(
    recipe: Preset,
    settings: TrainingSettings,
    device: str,
    *,
    windows: Windows,
    label_sets: LabelSets,
    hands: Mapping[str, bool],
    tests: Mapping[str, Windows],
) -> tuple[TrainingTask, Specification, Json]:
    """Return what ``Recogniser.fit`` trains, and the specification and the provenance of the model.

    Args:
        recipe: the recipe.
        settings: how to train, in place of the recipe's own settings.
        device: the device of the recogniser.
        windows, label_sets, hands, tests: as for ``Recogniser.fit``.

    Raises:
        HarkenError: as ``Recogniser.fit``.
    """
    windows = windows[windows.label_codes != UNLABELLED]
    numbers = np.bincount(windows.label_codes, minlength=len(windows.label_names)).tolist()
    counts = {name: number for name, number in zip(windows.label_names, numbers, strict=True) if number}
    # A label may occur under other names alone, such as sitting where the hands were busy in all windows.
    renamed = {label_sets[name][0] for name in counts if len(label_sets.get(name, ())) == 1}
    labels = tuple(name for name in windows.label_names if name not in label_sets and name in {*counts, *renamed})
    require_two_labels(labels)
    if len(windows) < settings.batch_windows and not settings.shuffle:
        raise HarkenError(
            f"{len(windows)} training windows are fewer than one batch of {settings.batch_windows}; "
            "record more, or draw more windows"
        )
    specification = _specification(recipe, windows, labels, hands=bool(hands))
    examples, sets = _training_examples(specification, windows, label_sets)
    provenance = {
        "harken_version": __version__,
        "training": asdict(settings),
        "training_windows": len(windows),
        "training_windows_by_label": counts,
        "training_people": sorted(set(windows.subjects.tolist())),
        "forearm_axis": walking_axis(windows),
    }
    task = TrainingTask(
        build=lambda: build(specification.network, specification.sizes),
        examples=examples,
        settings=settings,
        label_sets=None if not sets else torch.tensor(list(sets.values()), dtype=torch.bool),
        hands=torch.tensor([hands.get(name, torch.nan) for name in (*labels, *sets)]) if hands else None,
        tests={name: _examples(specification, test, labels) for name, test in tests.items()},
        vectors=specification.vectors,
        device=resolve_device(device),
    )
    return task, specification, provenance


def _specification(recipe: Preset, windows: Windows, labels: tuple[str, ...], *, hands: bool) -> Specification:
    return Specification(
        channels=windows.channels,
        acceleration_unit=recipe.acceleration_unit,
        sample_rate_hz=windows.sample_rate_hz,
        even_grid=recipe.sample_rate_hz is not None,
        window_length=windows.length,
        hop_s=windows.length / windows.sample_rate_hz / 2,
        labels=labels,
        network=recipe.network_name,
        sizes={**recipe.sizes, "channels": len(windows.channels), "classes": len(labels) + hands},
        preset=recipe.name,
        hands=hands,
    )


def _training_examples(
    specification: Specification, windows: Windows, label_sets: LabelSets
) -> tuple[LabelledSignals, dict[str, list[bool]]]:
    """The training windows without those whose set has no label of the model; and the sets, each with whether it allows
    each label."""
    labels, present = specification.labels, windows.labels_present if label_sets else set()
    sets = {name: [label in label_sets[name] for label in labels] for name in label_sets if name in present}
    sets = {name: allowed for name, allowed in sets.items() if any(allowed)}
    if label_sets:
        windows = windows[np.isin(windows.labels, (*labels, *sets))]
    return _examples(specification, windows, (*labels, *sets)), sets


def _examples(specification: Specification, windows: Windows, labels: tuple[str, ...]) -> LabelledSignals:
    windows = known_windows(windows, labels)
    return LabelledSignals(
        torch.from_numpy(specification.prepare(windows)), torch.from_numpy(windows.label_codes.astype(np.int64))
    )
