"""The settings of a training run."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harken.annotations.options import LabelOptions
from harken.models.recogniser import Recogniser
from harken.networks.specification import DEFAULT_PRESET
from harken.readers.options import TableOptions
from harken.training.presets import Preset, preset


@dataclass(frozen=True)
class RunSettings:
    """The settings of a training run.

    Attributes:
        files: recordings of the training people.
        cross: recordings of unseen people, for the test.
        out: the run directory.
        preset, epochs, seed, device: see ``Recogniser``.
        channels: which channels to read; None for every channel of the first training file.
        ignore_labels: labels to treat as unlabelled, in all files.
        reading: how to read the tables.
        labels: where the labels of the training people are; offset, trim and new names apply to all recordings.
        cross_labels: the file of labels of the unseen people.
        threads: the number of threads on a CPU; None for the fastest number, measured before the first iteration.
        resume: resume the run in ``out``.
    """

    files: tuple[Path, ...]
    out: Path
    cross: tuple[Path, ...] = ()
    preset: str | Preset = DEFAULT_PRESET
    epochs: int | None = None
    seed: int = 0
    device: str = "auto"
    channels: tuple[str, ...] | None = None
    ignore_labels: tuple[str, ...] = ()
    reading: TableOptions = field(default_factory=TableOptions)
    labels: LabelOptions = field(default_factory=LabelOptions)
    cross_labels: Path | None = None
    threads: int | None = None
    resume: bool = False

    @property
    def recipe(self) -> Preset:
        """The preset.

        Raises:
            HarkenError: when no preset has this name.
        """
        return preset(self.preset)

    def recogniser(self) -> Recogniser:
        """A recogniser that is not trained yet."""
        return Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device=self.device)

    def what_decides_the_result(self) -> dict[str, Any]:
        """The settings that must be equal when a run is resumed, for JSON.

        Paths are left out: a file that was moved is the same file if its fingerprint is equal. The fingerprint of a
        recording covers its labels.
        """
        decisive = {
            "preset": self.recipe.as_dict(),
            "epochs": self.epochs,
            "seed": self.seed,
            "device": self.device,
            "channels": list(self.channels) if self.channels else None,
            "ignore_labels": sorted(self.ignore_labels),
            "reading": asdict(self.reading),
            "labels": {
                "offset_s": self.labels.offset_s,
                "trim_s": self.labels.trim_s,
                "rename": dict(sorted(self.labels.rename)),
            },
        }
        # Converted as in a JSON file, without tuples, because they are compared with the content of a file.
        as_read: dict[str, Any] = json.loads(json.dumps(decisive))
        return as_read
