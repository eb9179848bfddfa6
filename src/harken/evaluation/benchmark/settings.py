"""The settings of a benchmark, and the command that repeats it. To see its options, neither
PyTorch nor a protocol is loaded."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from harken.networks import DEFAULT_PRESET
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.options import Argument, Option, check_options, options_of

if TYPE_CHECKING:
    from harken.evaluation.benchmark.methods import AnyBaseline
    from harken.evaluation.protocols.published import Protocol
    from harken.networks.presets import Preset
    from harken.recordings.recording import Recording

FigureKind = Literal["pdf", "svg", "png"]
"""The kinds of files of figures for papers."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """The settings of a benchmark.

    Attributes:
        dataset, protocol: see ``harken.evaluation.protocols.published``. For a user's own study, ``dataset`` is its
            name.
        files: the recordings of a user's own study, each of one person or of several; empty for a data set.
        reading: how to read these files.
        out: the directory. It holds ``benchmark.json``, ``benchmark.md``, ``confusion.png`` and each fold's results.
        folders: the folder of each of the protocol's data sets, in its order, or one folder that contains them all;
            empty to find them in ``HARKEN_DATA``.
        preset: the preset to benchmark: a name or a ``Preset``; None for the baselines alone.
        epochs: the number of epochs of the preset; None for the number in the recipe.
        baselines: the methods to compare it with; see ``harken.evaluation.benchmark.methods.method``.
        seed: the seed of all methods.
        folds: the folds to run, by name or by number from 0; empty for all.
        workers: the number of worker processes; 0 to run in this process, None for one for each core. Workers import
            the main module again, so a script must run the benchmark under ``if __name__ == "__main__":``.
        scheduler: the address of a Dask scheduler to run on instead.
        resume: continue with the results in ``out``.
        predictions: keep the predictions of each fold, and write all of them to ``predictions.parquet``.
        figures: also draw figures of this kind, and write ``scores.tex``.
        label_scheme: how activities become labels for training (``harken.datasets.label_schemes``), for the protocols
            with several studies.
    """

    dataset: Annotated[
        str,
        Argument(
            "The data set (see harken datasets); studies, for several at once; or your own study: a labelled table of "
            "several people, or a folder of labelled recordings.",
            metavar="DATASET|TABLE|FOLDER",
        ),
    ]
    protocol: Annotated[
        str,
        Option(
            "Which people are for training and which for testing: harken datasets DATASET lists the protocols; for "
            "your own study, leave-one-person-out.",
            metavar="NAME",
        ),
    ]
    out: Annotated[Path, Option("The directory to make.", metavar="DIR")]
    folders: Annotated[
        tuple[Path, ...],
        Option(
            "The folder of the data set, or of all data sets of the protocol; else give it once for each of them. "
            "[default: in HARKEN_DATA]",
            flag="--data",
            metavar="DIR",
        ),
    ] = ()
    preset: "str | Preset | None" = DEFAULT_PRESET
    baselines: Annotated[
        "tuple[AnyBaseline, ...]",
        Option(
            "What to measure it against: random_forest, mini_rocket, sedentary_sphere, a preset (with a number of "
            "epochs: notebook:20), or the module and class of a scikit-learn classifier (sklearn.svm:SVC); may be "
            "given again.",
            flag="--baseline",
            metavar="NAME[:EPOCHS]|MODULE:CLASS",
            kind=list[str],
            read=tuple,
        ),
    ] = ()
    epochs: Annotated[int | None, Option("The epochs of the preset. [default: the recipe's]", metavar="N")] = None
    label_scheme: Annotated[
        str | None,
        Option(
            "How activities become labels for training, where several studies are joined: other, posture, sets or "
            "hands. [default: other]",
            metavar="NAME",
        ),
    ] = None
    seed: Annotated[int, Option("The seed of all random numbers.", metavar="N")] = 0
    folds: Annotated[
        tuple[str, ...],
        Option("Only this fold, by its name or its number from 0; may be given again.", flag="--fold", metavar="K"),
    ] = ()
    workers: Annotated[
        int | None,
        Option(
            "Worker processes, of one thread each; 0 for none. [default: one for each core]",
            metavar="N",
            valid=lambda number: number >= 0,
            refusal="workers must be at least 0 (this process alone), got {}",
        ),
    ] = None
    scheduler: Annotated[str | None, Option("Run on the Dask cluster of this scheduler.", metavar="ADDRESS")] = None
    resume: Annotated[bool, Option("Continue with the results in --out.")] = False
    predictions: Annotated[
        bool, Option("Write the probabilities of every window of the people tested to predictions.parquet.")
    ] = False
    figures: Annotated[
        FigureKind | None,
        Option(
            "Also draw figures for a paper, as wide as a column, and write the scores as a LaTeX table.",
            metavar="pdf|svg|png",
        ),
    ] = None
    files: tuple[Path, ...] = ()
    reading: TableOptions = field(default_factory=TableOptions)

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def of_studies(self) -> bool:
        """Whether whole studies are left out."""
        from harken.evaluation.protocols.published import ALL_STUDIES

        return self.dataset == ALL_STUDIES and not self.files

    def chosen_protocol(self) -> "Protocol":
        """The protocol.

        Raises:
            HarkenError: when no protocol has this name, or options do not fit a data set or a study.
        """
        from harken.datasets.label_schemes import SCHEMES
        from harken.evaluation.protocols.published import ALL_STUDIES, LEAVE_ONE_PERSON_OUT, of_own_people, protocol
        from harken.evaluation.protocols.studies import study_windows

        if self.label_scheme is not None and not self.of_studies:
            raise HarkenError(f"a label scheme is for the data set {ALL_STUDIES}, whose studies name activities apart")
        if self.label_scheme is not None and self.label_scheme not in SCHEMES:
            raise HarkenError(f"there is no label scheme {self.label_scheme!r}; the schemes are {', '.join(SCHEMES)}")
        if not self.files:
            if self.reading != TableOptions():
                raise HarkenError(f"options for reading tables are for files; {self.dataset} is a data set")
            return protocol(self.dataset, self.protocol)
        if self.protocol != LEAVE_ONE_PERSON_OUT:
            raise HarkenError(f"the protocol of a study of one's own is {LEAVE_ONE_PERSON_OUT}, not {self.protocol!r}")
        if self.folders:
            raise HarkenError("--data is the folder of a data set; a study of one's own is named by its file or folder")
        return of_own_people(self.dataset, lambda _: study_windows(self._recordings()))

    def _recordings(self) -> "Iterator[Recording]":
        from harken.datasets.people import read_people

        for path in self.files:
            for recording in read_people(path, self.reading):
                if not recording.label_names:
                    raise HarkenError(
                        f"{recording.source}: no row has a label; name the column of labels with --label-column"
                    )
                yield recording

    def command(self) -> str:
        """The command that repeats the benchmark, with ``DIR`` for folders."""
        from harken.evaluation.benchmark.methods import method_named

        named: list[tuple[str, object]] = [("protocol", self.protocol)]
        named += [("data", "DIR")] * len(self.folders) + [("out", "DIR")]
        named += [("preset", method_named(self.preset))] if self.preset is not None else []
        named += [("label-scheme", self.label_scheme)] if self.label_scheme is not None else []
        named += [("epochs", self.epochs)] if self.epochs is not None else []
        named += [("baseline", method_named(one)) for one in self.baselines]
        named += [("seed", self.seed), *(("fold", fold) for fold in self.folds)]
        options = [word for key, value in named for word in (f"--{key}", str(value))]
        for option in options_of(TableOptions):
            value = getattr(self.reading, option.name)
            options += [option.flag, str(value)] if value != getattr(TableOptions(), option.name) else []
        alone = ["--no-preset"] if self.preset is None else []
        return shlex.join(["harken", "benchmark", self.dataset, *options, *alone])
