"""The settings of a training run."""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from harken.annotations.options import CrossLabelOptions, LabelOptions, is_offset
from harken.networks import DEFAULT_PRESET
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import StatedAxis
from harken.support.files import Json
from harken.support.options import Argument, Option, check_options

if TYPE_CHECKING:
    from harken.models.recogniser import Recogniser
    from harken.networks.presets import Preset


def _names(typed: str) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in typed.split(",")) if typed else None


def _recipe(typed: str) -> str:
    return typed or DEFAULT_PRESET


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
        labels: where the labels of the training people are; trim and new names apply to all recordings.
        cross_labels: the file of labels of the unseen people.
        cross_labels_offset_s: seconds added to each time in files of labels of the unseen people.
        before: the model in use, with which the new one is compared; None to compare with none.
        forearm_axis: the axis along the forearm to which watches are turned for this comparison; None to find it by
            walking.
        threads: the number of threads on a CPU; None for two, or one where PyTorch has only one.
        resume: resume the run in ``out``.
    """

    files: Annotated[
        tuple[Path, ...],
        Argument("Labelled recordings of the people to train on, or folders of them.", metavar="FILE"),
    ]
    out: Annotated[Path, Option("The run directory to make.", metavar="DIR")]
    cross: Annotated[
        tuple[Path, ...],
        Option(
            "Recordings of unseen people to test the model on, or folders of them: every FILE up to the next option. "
            "Put the recordings for training before it: harken train a.csv b.csv --cross c.csv d.csv --out DIR.",
            metavar="FILE...",
        ),
    ] = ()
    preset: Annotated[
        "str | Preset",
        Option(
            "The recipe: everyday, light, deep_conv_lstm or notebook. An installed package may add others.",
            metavar="NAME",
            kind=str,
            read=_recipe,
        ),
    ] = DEFAULT_PRESET
    epochs: Annotated[
        int | None,
        Option(
            "The epochs: how often training goes through all windows. The terminal counts iterations: an epoch has one "
            "for each batch of windows, so short recordings need more epochs. [default: the recipe's]",
            metavar="N",
        ),
    ] = None
    seed: Annotated[int, Option("The seed of all random numbers; another seed gives another model.", metavar="N")] = 0
    device: Annotated[str, Option("Where to compute: auto, cpu or cuda.", metavar="NAME")] = "auto"
    threads: Annotated[
        int | None,
        Option(
            "Threads of the processor to compute with. Runs with the same number give the same bytes. [default: 2, or "
            "1 with one core]",
            metavar="N",
            least=1,
            most=1024,
        ),
    ] = None
    channels: Annotated[
        tuple[str, ...] | None,
        Option("Read only these channels, such as x,y,z.", metavar="NAMES", kind=str, read=_names),
    ] = None
    ignore_labels: Annotated[
        tuple[str, ...],
        Option("Treat this label as unlabelled; may be given again.", flag="--ignore-label", metavar="NAME"),
    ] = ()
    resume: Annotated[bool, Option("Continue the run in --out.")] = False
    before: Annotated[
        Path | None,
        Option(
            "The model in use: a file, the folder of a run, or packaged. The report compares the new model with it, on "
            "what was held out of training.",
            metavar="MODEL",
        ),
    ] = None
    forearm_axis: StatedAxis = None
    cross_labels: Annotated[
        Path | None,
        Option(
            "The file of labels of the --cross recordings; see --labels.",
            metavar="FILE",
            panel="Labels that are not in the recording",
        ),
    ] = None
    cross_labels_offset_s: Annotated[
        float,
        Option(
            "Seconds to add to each time in a file of labels of the --cross recordings; see --labels-offset.",
            flag="--cross-labels-offset",
            metavar="SECONDS",
            valid=is_offset,
            refusal="--cross-labels-offset {:g}: give seconds, such as 3600 or -2.5",
            panel="Labels that are not in the recording",
        ),
    ] = 0.0
    labels: LabelOptions = field(default_factory=LabelOptions)
    reading: TableOptions = field(default_factory=TableOptions)

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def labels_of_unseen(self) -> CrossLabelOptions:
        """Where the labels of the unseen people are."""
        return CrossLabelOptions(
            path=self.cross_labels,
            offset_s=self.cross_labels_offset_s,
            trim_s=self.labels.trim_s,
            rename=self.labels.rename,
        )

    @property
    def recipe(self) -> "Preset":
        """The preset.

        Raises:
            HarkenError: when no preset has this name.
        """
        from harken.networks.presets import preset  # needs PyTorch, which the options do not

        return preset(self.preset)

    def recogniser(self) -> "Recogniser":
        """A recogniser that is not trained yet."""
        from harken.models.recogniser import Recogniser  # takes time to load, which the help need not wait for

        return Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device=self.device)

    @cached_property
    def model_before(self) -> "Recogniser":
        """The model in use, which must be given. It is loaded once.

        Raises:
            HarkenError: as ``Recogniser.load``.
        """
        from harken.models.recogniser import Recogniser

        return Recogniser.load(self.before, device="cpu")

    def what_decides_the_result(self) -> Json:
        """The settings that must be equal when a run is resumed, for JSON.

        Paths are left out: a file that was moved is the same file if its fingerprint is equal. The fingerprint of a
        recording covers its labels.
        """
        decisive: Json = {
            "preset": self.recipe.as_dict(),
            "epochs": self.epochs,
            "seed": self.seed,
            "device": self.device,
            "channels": list(self.channels) if self.channels else None,
            "ignore_labels": sorted(self.ignore_labels),
            "reading": asdict(self.reading),
            "labels": {
                "offset_s": self.labels.offset_s,
                "cross_offset_s": self.cross_labels_offset_s,
                "trim_s": self.labels.trim_s,
                "rename": dict(sorted(self.labels.rename)),
            },
        }
        if self.before is not None:
            decisive["before"] = {"model": self.model_before.model_.digest, "forearm_axis": self.forearm_axis}
        # Converted as in a JSON file, without tuples, because they are compared with the content of a file.
        as_read: Json = json.loads(json.dumps(decisive))
        return as_read
