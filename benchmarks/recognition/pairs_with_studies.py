"""The notebook's task learned from two people and four other studies: how much of the notebook's error remains?

    python -m benchmarks.recognition.pairs_with_studies --data DATA --out DIR [--workers 2]

``DATA`` holds the five studies (``harken datasets``). Folds and test windows are those of ``harken benchmark dsads
--protocol pairs``: each of the 28 pairs of DSADS' people trains, and the other six are tested. Here, the people of the
four other studies train, too, at most 15 windows of each person and label. Every study that has a label has the same
share of its windows. No tested person is in these studies. ``everyday`` and the notebook are trained on the pair alone,
in the same run.

Finished folds stay in ``DIR``, so the command can be stopped and repeated. The result is
``docs/results/dsads_pairs_with_studies.json``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import options_of
from benchmarks.recognition.study_choices import Lines, balanced_between_studies
from harken.datasets.label_schemes import DEFAULT_SCHEME, SCHEMES
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.methods import PresetMethod, TrainedMethod
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols.studies import (
    STUDIES,
    capped,
    in_scheme,
    mounted_recordings,
    study_recordings,
    study_windows,
)
from harken.models.known_labels import NO_SETS, LabelSets
from harken.recordings.recording import UNLABELLED
from harken.support.files import write_text
from harken.training.presets import EVERYDAY
from harken.windows.windows import Windows, concatenate

PAIRS_STUDY = "dsads"
MOST_WINDOWS = 15
EPOCHS = 12
NAME = "everyday_with_studies"


@dataclass(frozen=True)
class WithStudies:
    """``everyday``, trained on a fold's people and on other studies. It is a ``Method`` of a benchmark.

    Attributes:
        data: the folder that holds the studies.
        epochs, seed: the epochs and the seed of training.
    """

    data: Path
    epochs: int = EPOCHS
    seed: int = 0
    name: str = NAME

    def settings(self) -> dict[str, Any]:
        """See ``Method``."""
        return {**self._method().settings(), "kind": "with_studies", "most_windows": MOST_WINDOWS}

    def effort(self, training_windows: int) -> float:
        """See ``Method``."""
        return self._method().effort(10 * training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """See ``Method``."""
        others = other_studies(self.data).with_label_names(training.label_names)
        others = others[others.label_codes != UNLABELLED]
        own = replace(training, studies=np.full(len(training), PAIRS_STUDY))
        return self._method().fit(balanced_between_studies(concatenate([own, others])), label_sets)

    def _method(self) -> PresetMethod:
        return PresetMethod(EVERYDAY, self.epochs, self.seed)


@cache
def other_studies(data: Path) -> Windows:
    """The windows of all studies but DSADS, with x along the forearm, at most 15 of each person and label."""
    scheme = SCHEMES[DEFAULT_SCHEME]
    each = [
        study_windows(mounted_recordings(study, study_recordings(study, data / study)))
        for study in STUDIES
        if study != PAIRS_STUDY
    ]
    return capped(in_scheme(concatenate(each), scheme), MOST_WINDOWS)


def remaining_errors(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The errors (1 - macro F1) of each method as a share of the notebook's."""
    errors = {name: 1 - float(of["mean_person_macro_f1"]) for name, of in methods.items()}
    return {name: error / errors["notebook"] for name, error in errors.items() if name != "notebook"}


def main() -> None:
    """Run the folds and write the result."""
    parser = options_of(__doc__, "dsads_pairs_with_studies.json")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the studies")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the fits")
    parser.add_argument("--fold", action="append", default=[], help="only this pair of people")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="for a trial: another number of epochs")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    settings = BenchmarkSettings(
        dataset=PAIRS_STUDY,
        protocol="pairs",
        out=arguments.out,
        folders=(arguments.data / PAIRS_STUDY,),
        preset=EVERYDAY.name,
        baselines=(WithStudies(arguments.data.resolve(), arguments.epochs), "notebook:20"),
        folds=tuple(arguments.fold),
        workers=arguments.workers,
        resume=True,
    )
    result = run_benchmark(settings, Lines())
    result["remaining_errors_of_the_notebook"] = remaining_errors(result["methods"])
    write_text(arguments.json, json.dumps(result, indent=1) + "\n")
    shares = ", ".join(f"{name} {share:.3f}" for name, share in result["remaining_errors_of_the_notebook"].items())
    print(f"remaining share of the notebook's errors: {shares}")


if __name__ == "__main__":
    main()
