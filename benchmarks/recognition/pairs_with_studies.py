"""The notebook's task, learned from two people by a model that other studies taught: which errors remain?

    python -m benchmarks.recognition.pairs_with_studies --data DATA --models RUN --choose
    python -m benchmarks.recognition.pairs_with_studies --data DATA --models RUN --out DIR [--workers 2]

``DATA`` holds nine studies (``harken datasets``), and ``RUN`` is the directory of ``harken benchmark studies --protocol
leave-one-of-nine-out``. Training goes on from its model that was trained without the study of the two people.

``--choose`` compares epochs and learning rates on pairs of selfBACK, of the continued model, and of the mean of its
probabilities and those of ``everyday`` that is trained on the pair alone: four pairs train, and all other people are
tested. Without it, folds and test windows are those of ``harken benchmark dsads --protocol pairs``: each of the 28
pairs of DSADS' people trains, and the other six are tested. The notebook is trained on the pair alone, in the same
run; ``docs/results/dsads_pairs.json`` has ``everyday`` on the same windows. Finished folds stay in ``DIR``, so the
command can be stopped and repeated.
"""

import argparse
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from benchmarks.command import options_of
from benchmarks.model.left_out_studies import model_without
from benchmarks.recognition.studies_page import remaining_errors
from benchmarks.recognition.study_choices import Lines
from harken.datasets.label_schemes import SCHEMES, TRUTH
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.methods import PresetMethod, TrainedMethod, trained_network
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols.studies import in_scheme, mounted_recordings, study_recordings, study_windows
from harken.models.known_labels import NO_SETS, LabelSets
from harken.models.model_file import FittedModel
from harken.models.recogniser import Recogniser
from harken.models.scores import score_people
from harken.networks.pytorch import weights_of
from harken.recordings.recording import UNLABELLED
from harken.support.arrays import Float32Array
from harken.support.files import write_text
from harken.training.loop import train
from harken.training.presets import PRESETS, prepared
from harken.windows.people import Fold, apply
from harken.windows.windows import Windows

PAIRS_STUDY, CHOOSING_STUDY = "dsads", "selfback"
LABELS = ("lying", "sitting", "standing", "walking")
CHOOSING_PAIRS = 4
CANDIDATES = ((10, 0.0003), (10, 0.001), (30, 0.0003), (30, 0.001), (30, 0.003))
"""Epochs and learning rates."""
CHOSEN = CANDIDATES[0]
"""The best on pairs of selfBACK, averaged."""
EVERYDAY = PRESETS["everyday"]
ALONE = PresetMethod(EVERYDAY, None, 0)
"""``everyday`` on the pair alone."""
NAME = "everyday_from_studies"
OUTPUT = "output."
"""How the names of the last layer's weights begin: a row for each label."""


@dataclass(frozen=True)
class FromStudies:
    """The studies' model, trained further on a fold's people. It is a ``Method`` of a benchmark.

    Attributes:
        run: the directory of the benchmark that left each study out.
        study: the study of the fold's people, whose model without them is continued.
        epochs, learning_rate, seed: of the training that goes on.
        averaged: answer with the mean of its probabilities and of those of ``ALONE``.
    """

    run: Path
    study: str
    epochs: int
    learning_rate: float
    seed: int = 0
    averaged: bool = False
    name: str = NAME

    def settings(self) -> dict[str, Any]:
        """See ``Method``."""
        kind = {"kind": "from_studies", "from": self._before().model_.digest, "averaged": self.averaged}
        return {**self._method().settings(), **kind}

    def effort(self, training_windows: int) -> float:
        """See ``Method``."""
        return self._method().effort(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """See ``Method``."""
        before = self._before()
        both = set(before.provenance_["training_people"]) & set(training.subjects.tolist())
        assert not both, f"{sorted(both)} are people of the studies that taught the model"
        after = Recogniser(self._method().recipe, seed=self.seed, device="cpu")
        task, specification, provenance = prepared(after, training, label_sets, {}, {})
        build = partial(_continued, task.build, before, specification.labels)
        network, _ = train(replace(task, build=build), threads=1)
        fitted = trained_network(after.with_model(FittedModel(specification, weights_of(network), provenance)))
        return mean_of(fitted, ALONE.fit(training, label_sets)) if self.averaged else fitted

    def _method(self) -> PresetMethod:
        recipe = EVERYDAY.trained(epochs=self.epochs, learning_rate=self.learning_rate, min_iterations=0)
        return PresetMethod(recipe, None, self.seed)

    def _before(self) -> Recogniser:
        return model_without(self.run, self.study)


def _continued(build: Any, before: Recogniser, labels: tuple[str, ...]) -> nn.Module:
    """A network that begins with the weights of another, of which it has some labels."""
    network: nn.Module = build()
    rows = [before.specification_.labels.index(label) for label in labels]
    weights: dict[str, Tensor] = {
        name: tensor[rows] if name.startswith(OUTPUT) else tensor
        for name, tensor in before.network_.state_dict().items()
    }
    network.load_state_dict(weights)
    return network


def mean_of(first: TrainedMethod, second: TrainedMethod) -> TrainedMethod:
    """A method that answers with the mean of two methods' probabilities."""

    def probabilities(windows: Windows) -> Float32Array:
        mean: Float32Array = (first.probabilities(windows) + second.probabilities(windows)) / np.float32(2)
        return mean

    return TrainedMethod(probabilities)


def choose(data: Path, run: Path) -> dict[str, Any]:
    """The mean macro F1 of unseen people of selfBACK after training on two, for JSON."""
    recordings = mounted_recordings(CHOOSING_STUDY, study_recordings(CHOOSING_STUDY, data / CHOOSING_STUDY))
    windows = in_scheme(study_windows(recordings), SCHEMES[TRUTH]).with_label_names(LABELS)
    windows = windows[windows.label_codes != UNLABELLED]
    people = np.unique(windows.subjects).tolist()
    scores: dict[str, list[float]] = {}
    for first in range(0, 2 * CHOOSING_PAIRS, 2):
        pair = tuple(people[first : first + 2])
        parts = apply(Fold("+".join(pair), pair, tuple(one for one in people if one not in pair)), windows)
        methods = {"everyday": ALONE.fit(parts.training)}
        for epochs, rate in CANDIDATES:
            name = f"{epochs} epochs at {rate:g}"
            methods[name] = FromStudies(run, CHOOSING_STUDY, epochs, rate).fit(parts.training)
            methods[f"{name}, averaged"] = mean_of(methods[name], methods["everyday"])
        for name, method in methods.items():
            predicted = method.probabilities(parts.test).argmax(axis=1)
            own = score_people(parts.test.label_codes, predicted, parts.test.subjects, LABELS)
            scores.setdefault(name, []).append(own.mean_person_macro_f1)
            print(pair, name, f"{scores[name][-1]:.3f}", flush=True)
    return {name: {"mean": float(np.mean(each)), "pairs": each} for name, each in scores.items()}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The result of the benchmark of all pairs, for JSON."""
    settings = BenchmarkSettings(
        dataset=PAIRS_STUDY,
        protocol="pairs",
        out=arguments.out,
        folders=(arguments.data / PAIRS_STUDY,),
        preset=None,
        baselines=(FromStudies(arguments.models.resolve(), PAIRS_STUDY, *CHOSEN, averaged=True), "notebook:20"),
        folds=tuple(arguments.fold),
        workers=arguments.workers,
        resume=True,
    )
    return run_benchmark(settings, Lines())


def main() -> None:
    """Choose, or run the folds, and write the result."""
    parser = options_of(__doc__, "dsads_pairs_with_studies.json", "data", "models", workers=2)
    parser.add_argument("--choose", action="store_true", help="compare epochs and learning rates on pairs of selfBACK")
    parser.add_argument("--out", type=Path, help="the folder for the fits; without --choose")
    parser.add_argument("--fold", action="append", default=[], help="only this pair of people")
    arguments = parser.parse_args()
    if arguments.out is None and not arguments.choose:
        parser.error("give --choose, or --out with the folder for the fits")
    kept = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.exists() else {}
    if arguments.choose:
        content = {**kept, "choosing": choose(arguments.data, arguments.models)}
    else:
        content = {"choosing": kept.get("choosing"), **measure(arguments)}
        print("remaining share of the notebook's errors:", remaining_errors(content["methods"]))
    write_text(arguments.json, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
