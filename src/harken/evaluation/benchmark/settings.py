"""The settings of a benchmark, and the command that repeats it. To see its options, neither
PyTorch nor a protocol is loaded."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from harken.networks import DEFAULT_PRESET
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.options import Argument, Option, check_options, options_of
from harken.support.plugins import import_object
from harken.support.printable import listed

if TYPE_CHECKING:
    from harken.evaluation.benchmark.methods import AnyBaseline
    from harken.evaluation.protocols.protocol import Protocol
    from harken.networks.presets import Preset
    from harken.recordings.recording import Recording

FigureKind = Literal["pdf", "svg", "png"]
"""The kinds of files of figures for papers."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """The settings of a benchmark.

    Attributes:
        dataset, protocol: see ``harken.evaluation.protocols.published``. For a user's own study, ``dataset`` is its
            name. A protocol of one's own is the ``Protocol``, or ``module:name`` of it.
        given: the file or folder of a user's own study; None for a data set.
        files: the recordings in it, each of one person or of several.
        reading: how to read these files.
        study_column: the column that says of which study a row is, if there are several studies; None if each study is
            a folder or a file in ``given``.
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
    """

    dataset: Annotated[
        str,
        Argument(
            "The data set (see harken datasets); or your own study: a labelled table of several people, or a folder of "
            "labelled recordings; or a folder with a folder for each of your studies.",
            metavar="DATASET|TABLE|FOLDER",
        ),
    ]
    protocol: Annotated[
        "str | Protocol",
        Option(
            "Which people are for training and which for testing: harken datasets DATASET lists the protocols; for "
            "your own study, leave-one-person-out; for several, leave-one-study-out; or the module and name of a "
            "protocol of your own.",
            metavar="NAME|MODULE:NAME",
            kind=str,
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
            "What to measure it against: random_forest, mini_rocket, sedentary_sphere, a recipe (with a number of "
            "epochs: notebook:20), or the module and class of a scikit-learn classifier (sklearn.svm:SVC); may be "
            "given again.",
            flag="--baseline",
            metavar="NAME[:EPOCHS]|MODULE:CLASS",
            kind=list[str],
            read=tuple,
        ),
    ] = ()
    epochs: Annotated[int | None, Option("The epochs of the recipe. [default: its own]", metavar="N")] = None
    study_column: Annotated[
        str | None,
        Option(
            "The column of the study in your own tables, for leave-one-study-out. [default: each folder or file in "
            "FOLDER is a study]",
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
    given: Path | None = None
    files: tuple[Path, ...] = ()
    reading: TableOptions = field(default_factory=TableOptions)

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def has_own_protocol(self) -> bool:
        """Whether the protocol is the user's: an object, or ``module:name`` of it."""
        return not isinstance(self.protocol, str) or ":" in self.protocol

    def choose_protocol(self) -> "Protocol":
        """Return the protocol.

        Raises:
            HarkenError: when no protocol has this name, or options do not fit a data set or a study.
        """
        from harken.evaluation.protocols.protocol import LEAVE_ONE_STUDY_OUT
        from harken.evaluation.protocols.published import protocol

        if self.study_column is not None and (self.protocol != LEAVE_ONE_STUDY_OUT or self.given is None):
            raise HarkenError(f"--study-column is for your own studies with --protocol {LEAVE_ONE_STUDY_OUT}")
        if self.given is not None:
            return self._protocol_of_files(self.given)
        if self.reading != TableOptions():
            raise HarkenError(f"options for reading tables are for files; {self.dataset} is a data set")
        if not isinstance(self.protocol, str) or ":" in self.protocol:
            return self._own_protocol()
        return protocol(self.dataset, self.protocol)

    def _own_protocol(self) -> "Protocol":
        from harken.evaluation.protocols.protocol import Protocol

        protocol = import_object(self.protocol) if isinstance(self.protocol, str) else self.protocol
        if not isinstance(protocol, Protocol):
            raise HarkenError(
                f"{self.protocol} must be a Protocol (harken.evaluation.protocols.protocol), got "
                f"{type(protocol).__name__}"
            )
        if protocol.dataset != self.dataset:
            raise HarkenError(
                f"the protocol {protocol.name} is for {protocol.dataset}, not {self.dataset}; name {protocol.dataset}"
            )
        return protocol

    def _protocol_of_files(self, given: Path) -> "Protocol":
        from harken.evaluation.protocols.protocol import (
            LEAVE_ONE_PERSON_OUT,
            LEAVE_ONE_STUDY_OUT,
            OWN_PROTOCOLS,
            cut_windows,
            make_person_protocol,
            make_study_protocol,
        )

        if self.folders:
            raise HarkenError("--data is the folder of a data set; a study of one's own is named by its file or folder")
        if self.protocol == LEAVE_ONE_PERSON_OUT:
            return make_person_protocol(self.dataset, lambda _: cut_windows(self._recordings()))
        if self.protocol == LEAVE_ONE_STUDY_OUT:
            return make_study_protocol(self.dataset, lambda _: cut_windows(self._recordings_of_studies(given)))
        raise HarkenError(f"the protocols of one's own studies are {listed(OWN_PROTOCOLS)}, not {self.protocol!r}")

    def _recordings(self) -> "Iterator[Recording]":
        from harken.annotations.labelled_files import read_people

        for path in self.files:
            for recording in read_people(path, self.reading):
                yield _refuse_unlabelled(recording)

    def _recordings_of_studies(self, given: Path) -> "Iterator[Recording]":
        """The recordings with their studies. Two people of one name in two studies are two people."""
        from harken.annotations.labelled_files import read_people
        from harken.evaluation.protocols.protocol import name_person

        single_files: dict[str, Path] = {}
        for path in self.files:
            studies = {} if self.study_column is None else read_studies(path, self.reading, self.study_column)
            recordings = read_people(path, self.reading)
            if not studies and _is_file_of_a_person(path, given, recordings):
                _refuse_person_of_two_files(recordings[0].subject, path, single_files)
            for recording in recordings:
                study = studies[recording.subject] if studies else name_study(path, given)
                subject = name_person(study, recording.subject)
                yield replace(_refuse_unlabelled(recording), subject=subject, study=study)

    def command(self) -> str:
        """The command that repeats the benchmark, with ``DIR`` for folders."""
        return shlex.join(["harken", "benchmark", self.dataset, *self.list_options()])

    def list_options(self) -> list[str]:
        """Return the options of ``command``."""
        from harken.evaluation.benchmark.methods import method_named

        protocol = self.protocol if isinstance(self.protocol, str) else self.protocol.name
        named: list[tuple[str, object]] = [("protocol", protocol)]
        named += [("data", "DIR")] * len(self.folders) + [("out", "DIR")]
        named += [("preset", method_named(self.preset))] if self.preset is not None else []
        named += [("epochs", self.epochs)] if self.epochs is not None else []
        named += [("study-column", self.study_column)] if self.study_column is not None else []
        named += [("baseline", method_named(one)) for one in self.baselines]
        named += [("seed", self.seed), *(("fold", fold) for fold in self.folds)]
        options = [word for key, value in named for word in (f"--{key}", str(value))]
        for option in options_of(TableOptions):
            value = getattr(self.reading, option.name)
            options += [option.flag, str(value)] if value != getattr(TableOptions(), option.name) else []
        return options + (["--no-preset"] if self.preset is None else [])


def _refuse_unlabelled(recording: "Recording") -> "Recording":
    if not recording.label_names:
        raise HarkenError("no row has a label; name the column of labels with --label-column", path=recording.source)
    return recording


def _is_file_of_a_person(path: Path, given: Path, recordings: "Sequence[Recording]") -> bool:
    """Whether a file lies in no folder of a study and holds one person, so it is hardly a study."""
    in_a_folder = len(path.relative_to(given).parts) > 1
    return not in_a_folder and len({recording.subject for recording in recordings}) == 1


def _refuse_person_of_two_files(subject: str, path: Path, single_files: dict[str, Path]) -> None:
    """Note the file of a person in ``single_files``. Raise a HarkenError if this person, or another arm, has a file."""
    from harken.evaluation.protocols.protocol import LEAVE_ONE_PERSON_OUT
    from harken.windows.folds import arms_of_one_person

    for other, other_path in single_files.items():
        is_arm = arms_of_one_person(subject, other, everybody=(subject, *single_files), simultaneous=False)
        is_same = subject.casefold() == other.casefold()
        if is_same or is_arm:
            people = subject if is_same else f"{other} and {subject}"
            raise HarkenError(
                f"{other_path} and {path} would be two studies, and one person, {people}, would be in both: for "
                f"training and for the test. If the files are of one study, use --protocol {LEAVE_ONE_PERSON_OUT}. "
                "For several studies, give a folder with one folder, or one table of all its people, for each study"
            )
    single_files[subject] = path


def name_study(path: Path, given: Path) -> str:
    """Return the name of a recording's study: that of its folder in ``given``, or of the file if it has none.

    >>> from harken.evaluation.benchmark.settings import name_study
    >>> name_study(Path("all/leeds/monday/alice.csv"), Path("all")), name_study(Path("all/ulm.csv"), Path("all"))
    ('leeds', 'ulm')
    """
    inside = path.relative_to(given).parts
    return inside[0] if len(inside) > 1 else Path(path.name.removesuffix(".gz")).stem


def read_studies(path: Path, reading: TableOptions, study_column: str) -> dict[str, str]:
    """Read the study of each person in a table.

    Raises:
        HarkenError: when the table has no such column, or a person has rows of two studies or of none.
    """
    from harken.annotations.labelled_files import read_values

    studies = {}
    for person, names in read_values(path, reading, study_column).items():
        if len(names) != 1:
            found = f"is in the studies {listed(names)}" if names else "is in no study"
            raise HarkenError(f"{person} {found} by the column {study_column!r}; a person is in one study", path=path)
        studies[person] = names[0]
    return studies
