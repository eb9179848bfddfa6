"""The settings of a training run."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harken.learning.presets import DEFAULT_PRESET, Preset, preset
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions

__all__ = ["RunSettings"]


@dataclass(frozen=True)
class RunSettings:
    """The settings of a training run.

    Attributes:
        files: recordings of the people to learn from.
        cross: recordings of people never learned from.
        out: the run directory.
        preset, epochs, seed, device: see ``Recogniser``.
        channels: which channels to read; None for every channel of the first training file.
        ignore_labels: labels to treat as unlabelled, in all files.
        reading: how to read the tables.
        threads: how many compute on a CPU; None for the fastest number, measured before the first iteration.
        resume: go on with what is in ``out``.
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
    threads: int | None = None
    resume: bool = False

    @property
    def recipe(self) -> Preset:
        """The preset itself.

        Raises:
            HarkenError: when there is none of this name.
        """
        return preset(self.preset)

    def recogniser(self) -> Recogniser:
        """A recogniser that has learned nothing yet."""
        return Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device=self.device)

    def what_decides_the_result(self) -> dict[str, Any]:
        """The settings that a resumed run must share with the one it goes on with, for JSON.

        Not the paths: a moved file is the same file as long as its fingerprint is the same.
        """
        decisive = {
            "preset": self.recipe.as_dict(),
            "epochs": self.epochs,
            "seed": self.seed,
            "device": self.device,
            "channels": list(self.channels) if self.channels else None,
            "ignore_labels": sorted(self.ignore_labels),
            "reading": asdict(self.reading),
        }
        # As they come back from a file, where there are no tuples: they are compared with what a file says.
        as_read: dict[str, Any] = json.loads(json.dumps(decisive))
        return as_read
