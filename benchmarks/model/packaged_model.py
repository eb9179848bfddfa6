"""Train the model that comes with harken, and score models made in the same way on unseen people.

    python -m benchmarks.model.packaged_model --data DATA --work DIR --folds [--sampling NAME ...] [--workers 2]
    python -m benchmarks.model.packaged_model --data DATA --work DIR --fit
    python -m benchmarks.model.packaged_model --data DATA --work DIR --rewrite

``DATA`` holds the data sets ``wisdm`` and ``dsads`` in their published layouts (see ``harken datasets``).

``--folds`` divides the people of both sets into five folds and trains five models of the preset ``everyday``, each
without the people it is tested on. Their scores go to the JSON and to the model's card. The fold models stay in ``DIR``
for other measurements on unseen people. ``--sampling`` may name several ways of sampling the training windows: all are
scored, and the best one is chosen. The criterion is the mean over the two data sets of the mean of each person's macro
F1. A label that one of the ways counts as ``other`` counts as ``other`` for all of them, so a label is kept separate
only where this does not lower the scores of the others.

``--fit`` trains the packaged model on all people, sampled in the chosen way, with the temperature fitted on the unseen
people of the folds. It is not scored, because no unseen person is left.

``--rewrite`` writes the packaged model in the current file format, with the fingerprints of its training recordings.
Its weights, specification and provenance stay as they are. The recordings must be those that the file names.

Every fit is a process with one thread. Finished folds are kept in ``DIR``, and a fit that was stopped continues, as
long as the recipe, the sampling and the shapes of the network have not changed. ``--epochs`` and ``--people`` make a
small trial: give it a ``--json``, ``--card`` and ``--model`` of its own.
"""

import argparse
import hashlib
import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.model.packaged_model_card import FoldLogits, card, compared_macro_f1, scores
from benchmarks.paths import RESULTS, ROOT
from harken.datasets.label_schemes import to_common
from harken.datasets.registry import dataset
from harken.evaluation.benchmark.machine import made_with
from harken.learning.presets import PRESETS, Preset
from harken.models.model_file import METADATA_KEY, FittedModel, write_model
from harken.models.recogniser import PACKAGED_MODEL, Recogniser
from harken.networks.build import build
from harken.networks.specification import Specification
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.files import replacing, write_text
from harken.windows.splits import Fold, apply, k_folds_of_people
from harken.windows.splits.studies import balanced, evenly
from harken.windows.windows import Windows, concatenate, sliding_windows

SETS = ("wisdm", "dsads")
FOLDS, SEED = 5, 0
HOP_S = 5.0


@dataclass(frozen=True)
class Sampling:
    """Which training windows are used, and how often. Test windows are never sampled.

    Attributes:
        other_per_person: the most windows of ``other`` for each person, evenly spread over time; None for all. Without
            a limit two windows of three are ``other``.
        least_share: rarer labels are repeated until they have this share of the most frequent label's windows.
        also_other: labels that count as ``other`` in training and test.
    """

    other_per_person: int | None = None
    least_share: float = 0.0
    also_other: tuple[str, ...] = ()


SAMPLINGS = {
    "balanced": Sampling(other_per_person=120, least_share=0.5),
    "capped": Sampling(other_per_person=120),
    "everything": Sampling(),
    "balanced_without_cycling": Sampling(other_per_person=120, least_share=0.5, also_other=("cycling",)),
}


@dataclass(frozen=True)
class Task:
    """One fit in one process: a fold, or all people (``fold`` None)."""

    data: Path
    folder: Path
    sampling: Sampling
    fold: int | None
    epochs: int | None
    people: int | None


def recordings(data: Path, name: str, people: int | None) -> list[Recording]:
    """The recordings of a data set with the common labels, of its first ``people`` people (None for all)."""
    source = dataset(name)
    every = source.read(data / name)
    chosen = sorted({recording.subject for recording in every})[:people]
    return [to_common(recording, source.info) for recording in every if recording.subject in chosen]


def windows_of(every: Sequence[Recording], recipe: Preset) -> Windows:
    """Sliding windows of the recipe's length and rate, every five seconds."""
    if recipe.sample_rate_hz is None:
        raise ValueError(f"the preset {recipe.name} has no sample rate")
    return concatenate(
        [
            sliding_windows(
                resample(recording, sample_rate_hz=recipe.sample_rate_hz).select_channels(recipe.channels or ()),
                length_s=recipe.window_length / recipe.sample_rate_hz,
                hop_s=HOP_S,
            )
            for recording in every
        ]
    )


def relabelled(windows: Windows, also_other: Sequence[str]) -> Windows:
    """The same windows, with some labels changed to ``other``."""
    labels = np.where(np.isin(windows.labels, also_other), "other", windows.labels)
    names, codes = np.unique(labels, return_inverse=True)
    return replace(windows, label_names=tuple(names.tolist()), label_codes=codes.astype(np.int16))


def sampled(windows: Windows, sampling: Sampling) -> Windows:
    """The training windows after sampling, in the order of ``windows``."""
    rows = np.arange(len(windows))
    if sampling.other_per_person is not None:
        others = windows.labels == "other"
        kept = [rows[~others]]
        for person in np.unique(windows.subjects[others]):
            theirs = rows[others & (windows.subjects == person)]
            kept.append(evenly(theirs, min(len(theirs), sampling.other_per_person)))
        rows = np.sort(np.concatenate(kept))
    return balanced(windows[rows], windows.label_names, sampling.least_share)


def folds_of(windows: Windows) -> list[Fold]:
    """Five folds of people. Each fold tests people of both data sets."""
    people = np.unique(windows.subjects).tolist()
    dealt = [
        k_folds_of_people([person for person in people if person.startswith(name)], FOLDS, seed=SEED) for name in SETS
    ]
    return [
        Fold(str(number), *(tuple(p for fold in parts for p in getattr(fold, role)) for role in ("training", "test")))
        for number, parts in enumerate(zip(*dealt, strict=True))
    ]


def run(task: Task) -> Path:
    """Fit once and keep the model and, for a fold, its logits for the unseen people."""
    import torch

    torch.set_num_threads(1)
    name = "everybody" if task.fold is None else f"fold_{task.fold}"
    model = task.folder / f"{name}.safetensors"
    if task.fold is None and model.exists():
        return model
    every = [recording for each in SETS for recording in recordings(task.data, each, task.people)]
    windows = relabelled(windows_of(every, PRESETS["everyday"]), task.sampling.also_other)
    parts = None if task.fold is None else apply(folds_of(windows)[task.fold], windows)
    training = sampled(windows if parts is None else parts.training, task.sampling)
    recogniser = Recogniser("everyday", epochs=task.epochs, seed=SEED, device="cpu")
    checkpoint = task.folder / f"{name}.checkpoint.safetensors"
    began = time.monotonic()
    recogniser.fit(training, checkpoint=checkpoint)
    seconds = time.monotonic() - began
    learned = [one for one in every if one.subject in set(training.subjects.tolist())]
    recogniser = recogniser.with_fingerprints(Fingerprints.of(learned)).with_provenance(
        {
            "data": [{"subject": one.subject, "samples_fingerprint": one.samples_fingerprint} for one in learned],
            "attribution": [dataset(each).info.citation for each in SETS],
        }
    )
    recogniser.save(model)
    if parts is not None:
        known = recogniser.known(parts.test)
        with replacing(task.folder / f"{name}.npz") as aside:
            np.savez(
                aside,
                logits=recogniser.predict_logits(known),
                codes=known.label_codes,
                subjects=known.subjects,
                labels=np.array(recogniser.specification_.labels),
                seconds=seconds,
            )
    checkpoint.unlink(missing_ok=True)
    return model


def settings(sampling: Sampling, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that decides a fit, besides the data and the code."""
    recipe = PRESETS["everyday"]
    training = asdict(recipe.training) | ({"epochs": arguments.epochs} if arguments.epochs else {})
    return {
        "preset": recipe.as_dict() | {"training": training},
        "weights": weights_of(recipe),
        "sampling": asdict(sampling),
        "hop_s": HOP_S,
        "folds": FOLDS,
        "seed": SEED,
        "people_of_each_set": arguments.people,
    }


def weights_of(recipe: Preset) -> str:
    """A digest of the names and shapes of the weights, which changes when the network of this name changes."""
    import torch

    with torch.device("meta"):
        network = build(recipe.network_name, {**recipe.sizes, "channels": len(recipe.channels or ()), "classes": 2})
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def folder_of(name: str, arguments: argparse.Namespace) -> Path:
    """The folder for the fits of a sampling; another recipe has another folder."""
    text = json.dumps(settings(SAMPLINGS[name], arguments), sort_keys=True)
    folder: Path = arguments.work / f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def task_of(name: str, fold: int | None, arguments: argparse.Namespace) -> Task:
    """The fit of a fold, or of all people."""
    return Task(
        data=arguments.data,
        folder=folder_of(name, arguments),
        sampling=SAMPLINGS[name],
        fold=fold,
        epochs=arguments.epochs,
        people=arguments.people,
    )


def run_folds(arguments: argparse.Namespace) -> None:
    """Run the missing folds and score the samplings."""
    tasks = [task_of(name, fold, arguments) for name in arguments.sampling for fold in range(FOLDS)]
    missing = [task for task in tasks if not (task.folder / f"fold_{task.fold}.npz").exists()]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, mp_context=spawn, max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(run, task) for task in missing]):
            print(done.result(), flush=True)
    merged = sorted({label for name in arguments.sampling for label in SAMPLINGS[name].also_other})
    found = {name: _scored(name, merged, arguments) for name in arguments.sampling}
    chosen = max(found, key=lambda name: found[name]["compared_macro_f1"])
    made = made_with()
    result = {
        "commands": [_command(arguments, "--folds")],
        "commit": made["git_commit"],
        "machine": made["machine"],
        "versions": made["versions"],
        "chosen": chosen,
        "compared_with_as_other": merged,
        "samplings": found,
    }
    write_result(result, arguments)


def _scored(name: str, merged: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    folder = folder_of(name, arguments)
    folds = [FoldLogits.read(folder / f"fold_{fold}.npz") for fold in range(FOLDS)]
    provenance = Recogniser.load(folder / "fold_0.safetensors").provenance_
    return {
        "settings": settings(SAMPLINGS[name], arguments),
        "training_windows_of_fold_0": provenance["training_windows_by_label"],
        "compared_macro_f1": compared_macro_f1(folds, SETS, merged),
        **scores(folds, SETS),
    }


def fit(arguments: argparse.Namespace) -> None:
    """Train the packaged model on all people, with the sampling that the folds chose."""
    if not arguments.json.exists():
        raise SystemExit(f"{arguments.json}: there are no scores; run --folds first")
    result = json.loads(arguments.json.read_text(encoding="utf-8"))
    chosen = result["chosen"]
    now = json.loads(json.dumps(settings(SAMPLINGS[chosen], arguments)))
    if result["samplings"][chosen]["settings"] != now:
        raise SystemExit(
            f"{arguments.json}: the folds were made with another recipe than the current one; run --folds again"
        )
    task = task_of(chosen, None, arguments)
    recogniser = Recogniser.load(run(task), device="cpu")
    found = result["samplings"][chosen]
    macro_f1 = {name: found["sets"][name]["mean_person_macro_f1"] for name in SETS}
    recogniser = recogniser.with_temperature(found["temperature"], "unseen").with_provenance(
        {"scores_of_fold_models_on_unseen_people": macro_f1}
    )
    arguments.model.parent.mkdir(parents=True, exist_ok=True)
    recogniser.save(arguments.model)
    specification = recogniser.specification_
    result["commands"] = [*result["commands"][:1], _command(arguments, "--fit")]
    result["model"] = {
        "sha256": hashlib.sha256(arguments.model.read_bytes()).hexdigest(),
        "bytes": arguments.model.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in recogniser.network_.parameters()),
        "specification": specification.as_dict(),
        "training_people": {
            name: sum(person.startswith(name) for person in recogniser.provenance_["training_people"]) for name in SETS
        },
        "training_windows_by_label": recogniser.provenance_["training_windows_by_label"],
    }
    write_result(result, arguments)
    print(arguments.model)


def rewrite(path: Path, every: Sequence[Recording]) -> dict[str, Any]:
    """Write a model of this or an older format in the current format, with fingerprints of its training recordings.

    Returns:
        The SHA-256 and the size of the new file, for the JSON.

    Raises:
        SystemExit: when the model was not trained on exactly these recordings.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        text = json.loads(file.metadata()[METADATA_KEY])
        weights = {name: file.get_tensor(name) for name in file.keys() if name != "fingerprints"}  # noqa: SIM118
    if [one["samples_fingerprint"] for one in text["provenance"]["data"]] != [one.samples_fingerprint for one in every]:
        raise SystemExit(f"{path} was trained on other recordings than these")
    specification = Specification.from_dict(text["specification"])
    network = build(specification.network, specification.sizes)
    network.load_state_dict(weights)
    write_model(path, FittedModel(specification, network, text["provenance"], Fingerprints.of(every)))
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def rewrite_packaged(arguments: argparse.Namespace) -> None:
    """Rewrite the packaged model, and its digest in the JSON and the card."""
    result = json.loads(arguments.json.read_text(encoding="utf-8"))
    every = [one for each in SETS for one in recordings(arguments.data, each, arguments.people)]
    result["model"] |= rewrite(arguments.model, every)
    write_result(result, arguments)


def write_result(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write the JSON, and the card that is made from it alone."""
    for path, text in ((arguments.json, json.dumps(result, indent=1) + "\n"), (arguments.card, card(result))):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        print(path)


def _command(arguments: argparse.Namespace, mode: str) -> str:
    """The command without the paths of this machine."""
    options = [f"--sampling {' '.join(arguments.sampling)}"] if mode == "--folds" else []
    options += [f"--{name} {getattr(arguments, name)}" for name in ("epochs", "people") if getattr(arguments, name)]
    return " ".join(["python -m benchmarks.model.packaged_model --data DATA --work DIR", mode, *options])


def main() -> None:
    """Run the chosen modes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds wisdm and dsads")
    parser.add_argument("--work", type=Path, required=True, help="the folder for fits and their checkpoints")
    parser.add_argument("--folds", action="store_true", help="train and score the fold models")
    parser.add_argument("--fit", action="store_true", help="train the packaged model")
    parser.add_argument("--rewrite", action="store_true", help="write the packaged model in the current format")
    parser.add_argument("--sampling", nargs="+", choices=list(SAMPLINGS), default=["balanced"])
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--epochs", type=int, help="for a trial: instead of the recipe's number")
    parser.add_argument("--people", type=int, help="for a trial: only the first so many of each data set")
    parser.add_argument("--json", type=Path, default=RESULTS / "packaged_model.json")
    parser.add_argument("--card", type=Path, default=ROOT / "docs" / "model_card.md")
    parser.add_argument("--model", type=Path, default=PACKAGED_MODEL)
    arguments = parser.parse_args()
    if not (arguments.folds or arguments.fit or arguments.rewrite):
        parser.error("name at least one of --folds, --fit and --rewrite")
    if arguments.folds:
        run_folds(arguments)
    if arguments.fit:
        fit(arguments)
    if arguments.rewrite:
        rewrite_packaged(arguments)


if __name__ == "__main__":
    main()
