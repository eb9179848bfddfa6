"""Choose the label scheme and the recipe for unseen studies, on training studies alone.

    python -m benchmarks.recognition.study_choices --data DATA --work DIR [--only NAME ...] [--workers 2]

``DATA`` holds the five studies (``harken datasets``), or nine with ``--protocol pairs-of-nine-choosing``. Each
candidate is trained three times, for 12 epochs, without two of the three main studies (the protocol
``studies/pairs-choosing``). The choice for a left-out study rests on the other study of each pair, which was unseen as
well: neither the people of the left-out study nor its windows affect it.

The candidates were named before the first of them was trained. Results stay in ``DIR``, one folder for each candidate,
so the command can be stopped and repeated. The summary is ``docs/results/study_choices.json``.
"""

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.command import options_of
from harken.datasets.label_schemes import DEFAULT_SCHEME
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.methods import PresetMethod, TrainedMethod, trained_network
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.tasks import Finished
from harken.evaluation.protocols.studies import MAIN_STUDIES, evenly
from harken.models.known_labels import NO_SETS, LabelSets
from harken.models.recogniser import Recogniser
from harken.signals.orientation import turned_signals
from harken.support.files import write_text
from harken.training.augmentation import Augmentation
from harken.training.presets import PRESETS, Preset
from harken.windows.windows import Windows

EVERYDAY = PRESETS["everyday"]
EPOCHS = 12
KEPT = ("mean_f1", "interval", "f1", "groups", "allowed_share", "hands")
"""The scores of a study that the summary keeps."""


@dataclass(frozen=True)
class OtherWatches(Augmentation):
    """``Augmentation`` that also imitates other watches.

    Attributes:
        slower: the share of windows that are sampled at a lower rate, down to ``least_rate`` of their own.
        least_rate: the lowest rate, as a share of the window's rate.
        clipped: the share of windows with a range of 2 g.
        coarse: the share of windows with a resolution of 1/64 g.
    """

    slower: float = 0.0
    least_rate: float = 1 / 3
    clipped: float = 0.0
    coarse: float = 0.0

    def __call__(self, signals: Tensor, vectors: Any = ((0, False),)) -> Tensor:
        """See ``Augmentation``."""
        signals = super().__call__(signals, vectors)
        n = len(signals)
        if self.slower:
            chosen = torch.rand(n) < self.slower
            rate = self.least_rate + (1 - self.least_rate) * torch.rand(n)
            signals = torch.where(chosen[:, None, None], _held(signals, rate), signals)
        if self.clipped:
            chosen = torch.rand(n) < self.clipped
            signals = torch.where(chosen[:, None, None], signals.clamp(-2, 2), signals)
        if self.coarse:
            chosen = torch.rand(n) < self.coarse
            signals = torch.where(chosen[:, None, None], (signals * 64).round() / 64, signals)
        return signals


def _held(signals: Tensor, rate: Tensor) -> Tensor:
    """Each window as a sensor of a lower rate (a share of its own, ``[n]``) measures it, interpolated linearly."""
    length = signals.shape[1]
    places = torch.arange(length) * rate[:, None]
    first = places.floor()
    ends = [(at / rate[:, None]).round().clamp(0, length - 1).long() for at in (first, first + 1)]
    before, after = (signals.gather(1, at[..., None].expand_as(signals)) for at in ends)
    share = (places - first)[..., None]
    return before + (after - before) * share


@dataclass(frozen=True)
class Candidate:
    """A recipe and a way to prepare its training windows. It is a ``Method`` of a benchmark.

    Attributes:
        name: the name in tables and files.
        reason: why it might help.
        recipe: the preset.
        scheme: the label scheme of training.
        one_way_round: turn each training person's watch so that x measures +1 g while the arm hangs in walking.
        as_classes: busy hands are classes of their own of the network, and not a second answer of it.
        balanced: repeat windows so that every label has at least half as many as the most frequent one, and the
            studies that have a label have equal shares of it.
        epochs, seed: the epochs and the seed of training.
    """

    name: str
    reason: str
    recipe: Preset = EVERYDAY
    scheme: str = DEFAULT_SCHEME
    one_way_round: bool = False
    as_classes: bool = False
    balanced: bool = False
    epochs: int = EPOCHS
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """See ``Method``."""
        return {
            **self._method().settings(),
            "kind": "candidate",
            "one_way_round": self.one_way_round,
            **({"as_classes": True} if self.as_classes else {}),
            "balanced": self.balanced,
        }

    def effort(self, training_windows: int) -> float:
        """See ``Method``."""
        return self._method().effort(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """See ``Method``."""
        training = one_way_round(training) if self.one_way_round else training
        training = balanced_between_studies(training) if self.balanced else training
        if self.as_classes:
            recogniser = Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device="cpu")
            return trained_network(recogniser.fit(training, label_sets=label_sets))
        return self._method().fit(training, label_sets)

    def _method(self) -> PresetMethod:
        return PresetMethod(self.recipe, self.epochs, self.seed)


def other_watches() -> Preset:
    """``everyday`` with augmentation that imitates other watches."""
    ours = asdict(EVERYDAY.training.augmentation)
    return EVERYDAY.trained(augmentation=OtherWatches(**ours, slower=0.5, clipped=0.2, coarse=0.2))


SCHEME_CANDIDATES = tuple(
    Candidate(f"scheme_{name}", "the label scheme alone", scheme=name) for name in ("other", "posture", "sets", "hands")
)
CANDIDATES = (
    Candidate(
        "hands_answer",
        "a second answer of the network says whether the hands are busy, and every posture is taught as one label",
        scheme="hands",
    ),
    Candidate(
        "hands_classes",
        "sitting and standing with busy hands move otherwise than at rest, so each may need a class of its own",
        scheme="hands",
        as_classes=True,
    ),
    Candidate(
        "half_shorter",
        "a fourth halving of the time axis and a narrower stem cost half; a step of the LSTM is then half a second",
        recipe=replace(EVERYDAY, sizes={**EVERYDAY.sizes, "stem": 32, "halvings": 4}),
        scheme="hands",
    ),
    Candidate(
        "half_narrower",
        "narrower everywhere, with the time axis as it is, costs half as much, too",
        recipe=replace(EVERYDAY, sizes={**EVERYDAY.sizes, "stem": 32, "width": 80, "units": 48}),
        scheme="hands",
    ),
    Candidate(
        "one_way_round",
        "a watch worn the other way round changes the sign of x, which tells a hanging arm from a raised one; the "
        "label walking shows the sign in training, and harken label finds it in walking",
        one_way_round=True,
    ),
    Candidate(
        "other_watches",
        "sensors differ in rate, range and resolution",
        recipe=other_watches(),
    ),
    Candidate(
        "balanced",
        "lying is rare, and one study must not outweigh the others",
        balanced=True,
    ),
)


def one_way_round(windows: Windows) -> Windows:
    """The windows with each person's watch turned by half where x is negative in the person's walking."""
    x = windows.signals[:, :, 0].mean(axis=1)
    walking = windows.labels == "walking"
    signals = windows.signals.copy()
    for person in np.unique(windows.subjects[walking]).tolist():
        theirs = windows.subjects == person
        if np.median(x[theirs & walking]) < 0:
            signals[theirs] = turned_signals(signals[theirs], 2)
    return replace(windows, signals=signals)


def balanced_between_studies(windows: Windows) -> Windows:
    """The windows with repetitions, see ``Candidate``. No label gets fewer windows in sum than it has."""
    counts = np.bincount(windows.label_codes, minlength=len(windows.label_names))
    least = math.ceil(counts.max() / 2)
    kept: list[NDArray[np.int64]] = []
    for code in np.flatnonzero(counts).tolist():
        studies = np.unique(windows.studies[windows.label_codes == code]).tolist()
        share = math.ceil(max(counts[code], least) / len(studies))
        for study in studies:
            rows = np.flatnonzero((windows.label_codes == code) & (windows.studies == study))
            kept.append(evenly(rows, share))
    return windows[np.sort(np.concatenate(kept))]


class Lines:
    """Prints a line for each finished task."""

    def begins(self, *, tasks: int, done: int) -> None:
        """See ``BenchmarkDisplay``."""
        print(f"{tasks - done} of {tasks} to train", flush=True)

    def finished(self, finished: Finished) -> None:
        """See ``BenchmarkDisplay``."""
        print(f"{finished.method}, {finished.fold}: {finished.mean_person_macro_f1:.4f}, {finished.seconds:.0f} s")


def measured(candidate: Candidate, arguments: argparse.Namespace) -> dict[str, Any]:
    """The result of a candidate, from its folder or from new fits."""
    settings = BenchmarkSettings(
        dataset="studies",
        protocol=arguments.protocol,
        out=arguments.work / candidate.name,
        folders=(arguments.data,),
        preset=None,
        baselines=(candidate,),
        label_scheme=candidate.scheme,
        workers=arguments.workers,
        resume=True,
    )
    return run_benchmark(settings, Lines())


def choosing_scores(result: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Left-out study -> the scores on which its choice rests: on the other main studies, unseen together with it."""
    folds = result["methods"][name]["folds"]
    found: dict[str, dict[str, Any]] = {}
    for left_out in MAIN_STUDIES:
        each = {}
        for fold in folds.values():
            if left_out in fold["studies"]:
                (other,) = set(fold["studies"]) - {left_out}
                each[other] = fold["studies"][other]
        found[left_out] = {
            mounting: float(np.mean([one[mounting]["mean_f1"] for one in each.values()]))
            for mounting in ("known", "found")
        } | {"walking": {study: one["known"]["f1"].get("walking") for study, one in each.items()}}
    return found


def main() -> None:
    """Measure the candidates and write the summary."""
    parser = options_of(__doc__, "study_choices.json", "data", "work", workers=2)
    protocols = ("pairs-choosing", "pairs-of-nine-choosing")
    parser.add_argument("--protocol", choices=protocols, default=protocols[0], help="the studies and the folds")
    parser.add_argument("--only", nargs="+", help="these candidates alone")
    arguments = parser.parse_args()
    every = [one for one in (*SCHEME_CANDIDATES, *CANDIDATES) if not arguments.only or one.name in arguments.only]
    content: dict[str, Any] = json.loads(arguments.json.read_text("utf-8")) if arguments.json.exists() else {}
    for candidate in every:
        result = measured(candidate, arguments)
        scores = choosing_scores(result, candidate.name)
        content[candidate.name] = {
            "reason": candidate.reason,
            "scheme": candidate.scheme,
            "settings": candidate.settings(),
            "choosing": scores,
            "folds": {
                name: {
                    study: {mounting: {key: one[mounting][key] for key in KEPT} for mounting in ("known", "found")}
                    for study, one in fold["studies"].items()
                }
                for name, fold in result["methods"][candidate.name]["folds"].items()
            },
            "made_with": result["made_with"],
            "seconds_of_training": result["timing"]["methods"][candidate.name]["fit_s"],
        }
        print(candidate.name, {study: round(one["known"], 4) for study, one in scores.items()}, flush=True)
        write_text(arguments.json, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
