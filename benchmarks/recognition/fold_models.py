"""A finished run of ``harken benchmark``, opened again: its windows, and its folds' models for unseen people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harken import HarkenError, Recogniser, Windows
from harken.evaluation.benchmark import read_result
from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.evaluation.benchmark.result import describe_windows
from harken.learning.scores import PeopleScores, person_evaluations
from harken.recordings.recording import UNLABELLED
from harken.windows.splits.protocols import protocol


@dataclass(frozen=True)
class FinishedRun:
    """A directory of ``harken benchmark``, and the labelled windows of its protocol, drawn again.

    Attributes:
        result: its ``benchmark.json``.
        folds: the test people of each fold.
        directory: where its models are.
        windows: the labelled windows of all people.
    """

    result: Mapping[str, Any]
    folds: Mapping[str, Sequence[str]]
    directory: BenchmarkDirectory
    windows: Windows

    @classmethod
    def open(cls, path: Path, *, data: Sequence[Path] = (), above: Path | None = None) -> "FinishedRun":
        """Open it with the data sets' folders, or with the folder ``above`` them all.

        Raises:
            HarkenError: when ``path`` is no benchmark, or was made on other data.
        """
        result = read_result(path / "benchmark.json")
        of_run = protocol(result["dataset"], result["protocol"])
        windows = of_run.windows(*(data if above is None else [above / name for name in of_run.datasets]))
        windows = windows[windows.label_codes != UNLABELLED]
        if describe_windows(windows)["layout_fingerprint"] != result["windows"]["layout_fingerprint"]:
            given = ", ".join(map(str, data)) if above is None else above
            raise HarkenError(f"{path} was made on other windows than those that {given} gives now")
        folds = {name: people["test"] for name, people in result["folds"].items()}
        return cls(result, folds, BenchmarkDirectory(path), windows)

    def unseen(self, fold: str, preset: str) -> tuple[Recogniser, Windows]:
        """The model of a fold, and the windows of the fold's test people.

        Raises:
            HarkenError: when the model was trained on one of them.
        """
        model = self.directory.model(fold, preset)
        recogniser = Recogniser.load(model, device="cpu")
        overlap = set(self.folds[fold]) & set(recogniser.provenance_["training_people"])
        if overlap:
            raise HarkenError(f"{model} learned from {', '.join(sorted(overlap))}, so they are not unseen")
        return recogniser, recogniser.known(self.windows[np.isin(self.windows.subjects, self.folds[fold])])

    def about(self) -> dict[str, Any]:
        """For JSON: data set, protocol and command of the run."""
        return {key: self.result[key] for key in ("dataset", "protocol", "command")}


def summary(folds: Mapping[str, PeopleScores]) -> dict[str, Any]:
    """For JSON: the scores of the people of all folds."""
    evaluations = person_evaluations(folds)
    return {
        "mean_person_macro_f1": evaluations.mean_person_macro_f1,
        "mean_person_macro_f1_interval": list(evaluations.interval) if evaluations.interval else None,
        "people": {
            fold: {person: one.macro_f1 for person, one in scores.people.items()} for fold, scores in folds.items()
        },
    }
