"""Train the packaged model, and score models made in the same way on new people of the same studies.

    python -m benchmarks.model.packaged_model --data DATA --work DIR --folds [--workers 2]
    python -m benchmarks.model.packaged_model --data DATA --work DIR --fit --studies RUN

``DATA`` holds nine studies (see ``benchmarks.studies.data_sets``). Windows, label scheme, sampling and recipe are those
of ``benchmarks.studies.left_out --protocol leave-one-of-nine-out --label-scheme hands``: x points along the forearm, as
each study states, and the model tells the posture and, beside it, whether the hands are busy.

``--folds`` divides the people of each study into two halves and trains two models of the preset ``light``, each
without the people it is tested on. Recordings of a study whose wearers are unknown are in the training of both. The
scores are those of the benchmark (``benchmarks.studies.scoring``), with the mounting known. The fold
models stay in ``DIR`` for other measurements on unseen people.

``--fit`` trains the packaged model on all people. It is not scored, because no unseen person is left. ``RUN`` is the
directory of that benchmark. Its ``benchmark.json`` has the scores of models that were trained without a whole study,
and the temperature is fitted on the windows of these studies, each predicted by the model that was trained without it
(``benchmarks.model.left_out_studies``).

Every fit is a process with one thread. Finished folds are kept in ``DIR``, and a fit that was stopped continues, as
long as the recipe, the training windows and the shapes of the network have not changed. ``--epochs`` and ``--people``
make a small trial: give it a ``--json``, ``--card`` and ``--model`` of its own.
"""

import argparse
import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import ROOT, in_processes, model_facts, options_of
from benchmarks.committed import thin_result, write_committed
from benchmarks.model.fold_logits import FoldLogits
from benchmarks.model.left_out_studies import SCORED_STUDIES, calibration, read_run, study_logits
from benchmarks.model.packaged_model_card import RULE, card
from benchmarks.studies.data_sets import MAIN_STUDIES, NINE_STUDIES, find_study
from benchmarks.studies.label_schemes import SCHEMES, TRUTH
from benchmarks.studies.protocols import draw_studies, in_scheme, study_recordings, training_windows
from benchmarks.studies.scoring import person_f1, predicted_windows, score_windows, study_summary
from harken.evaluation.benchmark.methods import PresetMethod, trained_network
from harken.evaluation.benchmark.result import describe_windows, made_with
from harken.models.model_file import PACKAGED_MODEL
from harken.models.recogniser import Recogniser
from harken.networks.build import layers_of
from harken.networks.layers import weight_shapes
from harken.networks.presets import PRESETS, Preset
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.files import write_text
from harken.training.output_layer import keep_examples
from harken.windows.busy_hands import name_posture, split_hands
from harken.windows.folds import Fold, apply, k_folds_of_people
from harken.windows.known_labels import GROUPS
from harken.windows.windows import Windows

RECIPE = "light"
SCHEME = SCHEMES["hands"]
FOLDS, SEED = 2, 0


@dataclass(frozen=True)
class Task:
    """One fit in one process: a fold, or all people (``fold`` None)."""

    data: Path
    folder: Path
    fold: int | None
    epochs: int | None
    people: int | None

    @property
    def name(self) -> str:
        """The name of its files."""
        return "everybody" if self.fold is None else f"fold_{self.fold}"

    @property
    def model(self) -> Path:
        """The file of the trained model."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def finding(self) -> Path:
        """The file of a fold's scores, which is written last."""
        return self.folder / f"{self.name}.json"


def drawn(data: Path, people: int | None) -> Windows:
    """The labelled windows of all studies, of the first ``people`` people of each (None for all)."""
    windows = draw_studies([data / study for study in NINE_STUDIES], NINE_STUDIES)
    return of_first_people(windows[windows.label_codes != UNLABELLED], people)


def of_first_people(windows: Windows, people: int | None) -> Windows:
    """The windows of the first ``people`` people of each study, in the order of their names."""
    chosen = [name for every in people_of(windows).values() for name in every[:people]]
    return windows[np.isin(windows.subjects, chosen)]


def people_of(windows: Windows) -> dict[str, list[str]]:
    """Study -> its people. Both arms of a person are one person."""
    return {study: np.unique(windows.subjects[windows.studies == study]).tolist() for study in NINE_STUDIES}


def recordings(data: Path, people: Sequence[str]) -> Iterator[Recording]:
    """The recordings of these people, as they were worn."""
    for study in NINE_STUDIES:
        yield from (one for one in study_recordings(study, data / study) if one.subject in people)


def folds_of(windows: Windows) -> list[Fold]:
    """Two folds of people, dealt study by study. Recordings of unknown people are in both trainings."""
    people = people_of(windows)
    unknown = tuple(one for study in NINE_STUDIES if study not in SCORED_STUDIES for one in people[study])
    dealt = [k_folds_of_people(people[study], FOLDS, seed=SEED) for study in SCORED_STUDIES]
    folds = []
    for number, parts in enumerate(zip(*dealt, strict=True)):
        training, test = (tuple(one for fold in parts for one in getattr(fold, role)) for role in ("training", "test"))
        folds.append(Fold(str(number), training + unknown, test))
    return folds


def run(task: Task) -> Path:
    """Fit once, and keep the model and, for a fold, the scores and logits of the unseen people."""
    import torch

    torch.set_num_threads(1)
    if task.fold is None and task.model.exists():
        return task.model
    windows = drawn(task.data, task.people)
    parts = None if task.fold is None else apply(folds_of(windows)[task.fold], windows)
    training, label_sets = training_windows(windows if parts is None else parts.training, SCHEME)
    recogniser = Recogniser(RECIPE, epochs=task.epochs, seed=SEED, device="cpu")
    checkpoint = task.folder / f"{task.name}.checkpoint.safetensors"
    began = time.monotonic()
    sets, hands = split_hands(training.label_names, label_sets)
    recogniser.fit(training, label_sets=sets, hands=hands, checkpoint=checkpoint)
    seconds = time.monotonic() - began
    recogniser.with_provenance({"label_scheme": SCHEME.name}).save(task.model)
    if parts is not None:
        known = sorted({name_posture(name) for name in training.labels_present & set(SCHEME.labels)})
        keep(task, recogniser, parts.test, known, seconds)
    checkpoint.unlink(missing_ok=True)
    return task.model


def keep(task: Task, recogniser: Recogniser, test: Windows, known: Sequence[str], seconds: float) -> None:
    """Write the logits and the scores of a fold's unseen people."""
    labelled = in_scheme(test, SCHEMES[TRUTH])
    single = recogniser.known(labelled[np.isin(labelled.labels, known)])
    FoldLogits(
        recogniser.predict_logits(single), single.label_codes, single.subjects, recogniser.specification_.labels
    ).write(task.model.with_suffix(".npz"))
    studies = {}
    for study in SCORED_STUDIES:
        theirs = test[test.studies == study]
        predicted = predicted_windows(trained_network(recogniser), theirs, SCHEME.labels)
        scores, confusion = score_windows(predicted, known=known)
        studies[study] = {**scores, "windows": len(theirs), "confusion": confusion}
    write_text(task.finding, json.dumps({"seconds": round(seconds), "known": known, "studies": studies}) + "\n")


def settings(windows: Windows, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that decides a fit, besides the code of training."""
    recipe = PRESETS[RECIPE]
    training = asdict(recipe.training) | ({"epochs": arguments.epochs} if arguments.epochs else {})
    return {
        "preset": recipe.as_dict() | {"training": training},
        "weights": weights_of(recipe),
        "label_scheme": asdict(SCHEME),
        "training_windows": describe_windows(training_windows(windows, SCHEME)[0])["fingerprint"],
        "folds": len(folds_of(windows)),
        "seed": SEED,
        "people_of_each_study": arguments.people,
    }


def weights_of(recipe: Preset) -> str:
    """A digest of the names and shapes of the weights, which changes when the network of this name changes."""
    sizes = {**recipe.sizes, "channels": len(recipe.channels or ()), "classes": 2}
    shapes = weight_shapes(layers_of(recipe.network_name, sizes) or ())
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def task_of(fold: int | None, decides: Mapping[str, Any], arguments: argparse.Namespace) -> Task:
    """The fit of a fold, or of all people. Other settings have another folder."""
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:10]
    folder: Path = arguments.work / f"fits_{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return Task(arguments.data, folder, fold, arguments.epochs, arguments.people)


def run_folds(arguments: argparse.Namespace) -> None:
    """Run the missing folds, and write the scores of new people."""
    windows = drawn(arguments.data, arguments.people)
    decides = settings(windows, arguments)
    tasks = [task_of(fold, decides, arguments) for fold in range(decides["folds"])]
    for _, done in in_processes(run, [task for task in tasks if not task.finding.exists()], arguments.workers):
        print(done, flush=True)
    made = made_with()
    result = {
        "commands": [_command(arguments, "--folds")],
        "commit": made["git_commit"],
        **{name: made[name] for name in ("machine", "versions")},
        "settings": decides,
        "activities": {study: SCHEME.names(find_study(study).info) for study in NINE_STUDIES},
        "new_people": new_people([json.loads(task.finding.read_text(encoding="utf-8")) for task in tasks]),
    }
    write_result(result, arguments)


def new_people(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The scores of the people of all folds, for JSON."""
    studies = {}
    for study in SCORED_STUDIES:
        parts = [fold["studies"][study] for fold in folds]
        people = {name: one for part in parts for name, one in part["people"].items()}
        confusion: dict[str, Counter[str]] = defaultdict(Counter)
        for truth, row in chain(*(part["confusion"].items() for part in parts)):
            confusion[truth].update(row)
        studies[study] = study_summary(people) | {
            "people": person_f1(people),
            "hands": hands_of([part["hands"] for part in parts]),
            "windows": sum(part["windows"] for part in parts),
            "confusion": confusion,
        }
    return {
        "fold_seconds": [fold["seconds"] for fold in folds],
        "main_score": float(np.mean([studies[study]["mean_f1"] for study in MAIN_STUDIES])),
        "studies": studies,
    }


def hands_of(folds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """The mean over the people of all folds of each score of busy hands."""
    names = dict.fromkeys(name for fold in folds for name in fold)
    means = {}
    for name in names:
        means_of, people = zip(
            *((fold[name]["mean"], fold[name]["people"]) for fold in folds if name in fold), strict=True
        )
        means[name] = {"mean": float(np.average(means_of, weights=people)), "people": sum(people)}
    return means


def fit(arguments: argparse.Namespace) -> None:
    """Train the packaged model on all people, and calibrate it on left-out studies."""
    if not arguments.json.exists():
        raise SystemExit(f"{arguments.json}: there are no scores; run --folds first")
    result = json.loads(arguments.json.read_text(encoding="utf-8"))
    every = drawn(arguments.data, None)
    windows = of_first_people(every, arguments.people)
    decides = json.loads(json.dumps(settings(windows, arguments)))
    if result["settings"] != decides:
        raise SystemExit(
            f"{arguments.json}: the folds were made with another recipe or other windows than the current ones; run "
            "--folds again"
        )
    left_out = read_run(
        arguments.studies, every, preset=PresetMethod(PRESETS[RECIPE], None, SEED).settings(), scheme=SCHEME
    )
    left_out["calibration"] = calibration(study_logits(arguments.studies, left_out["preset"], windows))
    recogniser = Recogniser.load(run(task_of(None, decides, arguments)), device="cpu")
    recogniser = keep_examples(recogniser, training_windows(windows, SCHEME)[0])
    recogniser = with_origin(recogniser, result["new_people"], left_out, arguments.data)
    arguments.model.parent.mkdir(parents=True, exist_ok=True)
    recogniser.save(arguments.model)
    of_folds = next(command for command in result["commands"] if "--folds" in command)
    result["commands"] = [left_out["command"], of_folds, _command(arguments, "--fit --studies RUN")]
    result["left_out"] = left_out
    result["model"] = {
        **model_facts(arguments.model, recogniser),
        "fingerprints": len(recogniser.fingerprints_.hashes),
        "examples": examples_by_label(recogniser),
        "training_people": {study: len(people) for study, people in people_of(windows).items()},
        "training_windows_by_label": recogniser.provenance_["training_windows_by_label"],
    }
    write_result(result, arguments)
    print(arguments.model)


def with_origin(recogniser: Recogniser, new: Mapping[str, Any], left_out: Mapping[str, Any], data: Path) -> Recogniser:
    """The recogniser with its temperature, its training recordings, their citations and the scores of its recipe."""
    learned = list(recordings(data, recogniser.provenance_["training_people"]))
    infos = [find_study(study).info for study in dict.fromkeys(one.study for one in learned)]
    provenance = {
        # As `mounted_recordings` turns all studies, and as their files are read.
        "x_points_to": "elbow",
        "gravity_sign": "positive",
        # A name in recordings of unknown wearers is no person.
        "training_people": sorted({one.subject for one in learned if one.study in SCORED_STUDIES}),
        "data": [{"subject": one.subject, "samples_fingerprint": one.samples_fingerprint} for one in learned],
        "attribution": [f"{info.citation} ({info.licence})" for info in infos],
        **scores_of(new, left_out),
    }
    temperature = left_out["calibration"]["temperature"]
    calibrated = recogniser.with_temperature(temperature, "unseen").with_provenance(provenance)
    return calibrated.with_fingerprints(Fingerprints.of(learned))


def scores_of(new: Mapping[str, Any], left_out: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scores of the recipe on the main studies, for the provenance. A group of labels that the published rule
    recognises better has no score there, so that no report leads with it."""
    ours, rule = (
        {study: left_out["methods"][method]["studies"][study]["known"] for study in MAIN_STUDIES}
        for method in (left_out["preset"], RULE)
    )
    borne = [group for group in GROUPS if group_mean(ours.values(), group) >= group_mean(rule.values(), group)]
    return {
        "scores_on_left_out_studies": {study: one["mean_f1"] for study, one in ours.items()},
        "f1_on_left_out_studies": {
            study: one["f1"] | {group: one["groups"][group] for group in borne if group in one["groups"]}
            for study, one in ours.items()
        },
        "scores_of_fold_models_on_unseen_people": {study: new["studies"][study]["mean_f1"] for study in MAIN_STUDIES},
    }


def examples_by_label(recogniser: Recogniser) -> dict[str, int]:
    """The number of training windows of which the model keeps the features, for each label."""
    examples = recogniser.model_.examples
    counts = Counter() if examples is None else Counter(examples.codes.tolist())
    return {label: counts[code] for code, label in enumerate(recogniser.specification_.labels)}


def group_mean(studies: Iterable[Mapping[str, Any]], group: str) -> float:
    """The mean of a group's F1 over the studies that have it."""
    return float(np.mean([one["groups"][group] for one in studies if group in one["groups"]]))


def write_result(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write the JSON, and the card that is made from it alone as soon as all its numbers are there."""
    thin = thin_result(result)
    write_committed(arguments.json, thin)
    if "model" in thin:
        arguments.card.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.card, card(thin))
        print(arguments.card)


def _command(arguments: argparse.Namespace, mode: str) -> str:
    """The command without the paths of this machine."""
    options = [f"--{name} {getattr(arguments, name)}" for name in ("epochs", "people") if getattr(arguments, name)]
    return " ".join(["python -m benchmarks.model.packaged_model --data DATA --work DIR", mode, *options])


def main() -> None:
    """Run the chosen modes."""
    parser = options_of(__doc__, "packaged_model.json", "data", "work", workers=2, epochs=None, people=None)
    parser.add_argument("--folds", action="store_true", help="train and score the fold models")
    parser.add_argument("--fit", action="store_true", help="train the packaged model")
    parser.add_argument("--studies", type=Path, help="with --fit: the directory of the run that leaves studies out")
    parser.add_argument("--card", type=Path, default=ROOT / "docs" / "model_card.md")
    parser.add_argument("--model", type=Path, default=PACKAGED_MODEL)
    arguments = parser.parse_args()
    if not (arguments.folds or arguments.fit) or (arguments.fit and arguments.studies is None):
        parser.error("name --folds, or --fit with --studies")
    if arguments.folds:
        run_folds(arguments)
    if arguments.fit:
        fit(arguments)


if __name__ == "__main__":
    main()
