"""Choose the recipe for unseen studies on training studies alone.

    python -m benchmarks.recognition.study_choices --data DATA --work DIR [--only NAME ...] [--seed N] [--workers 2]

``DATA`` holds nine studies (``benchmarks.studies.data_sets``). Each candidate is trained three times, without two of
the three main studies (the protocol ``studies/pairs-of-nine-choosing``). The choice for a left-out study rests on the
other study of each pair, which was unseen as well: neither the people of the left-out study nor its windows affect it.

Results stay in ``DIR``, one folder for each candidate, so the command can be stopped and repeated;
``benchmarks.recognition.compare_recipes`` reads these folders and compares candidates label by label. The summary is
``docs/results/study_choices_nine.json``; candidates that are only there, and those of five studies
(``study_choices.json``), run at the commit that the result names.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.command import options_of, result_text
from benchmarks.studies.data_sets import MAIN_STUDIES
from benchmarks.studies.left_out import Lines, StudySettings
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.methods import PresetMethod
from harken.networks.presets import PRESETS
from harken.support.files import write_text

LIGHT = PRESETS["light"]
SCHEME = "hands"
KEPT = ("mean_f1", "interval", "f1", "groups", "allowed_share", "hands")
"""The scores of a study that the summary keeps."""


def with_seed(candidate: PresetMethod, seed: int) -> PresetMethod:
    """The candidate with another seed, which its name states."""
    if seed == candidate.seed:
        return candidate
    return PresetMethod(replace(candidate.recipe, name=f"{candidate.name}_seed_{seed}"), None, seed)


def make_candidate(
    name: str, reason: str, *, other_way_round: float, slow: float = 0.0, other_ends: float = 0.0
) -> tuple[PresetMethod, str]:
    """The recipe ``light`` with these changes of how other wearers are imitated, and why it might be better."""
    augmentation = replace(
        LIGHT.training.augmentation, other_way_round=other_way_round, slow=slow, other_ends=other_ends
    )
    recipe = replace(LIGHT.trained(augmentation=augmentation), name=name)
    return PresetMethod(recipe, None, seed=0), reason


def make_wider_candidate(name: str, reason: str, **sizes: int) -> tuple[PresetMethod, str]:
    """The recipe ``light`` with a network that differs in these sizes, and why it might be better."""
    recipe = replace(LIGHT, name=name, sizes={**LIGHT.sizes, **sizes})
    return PresetMethod(recipe, None, seed=0), reason


CANDIDATES = (
    make_candidate("one_end", "it learns mainly from the end of x that each study states", other_way_round=0.1),
    make_candidate(
        "either_end",
        "which end of x points to the elbow is often unknown, and may be wrong",
        other_way_round=0.5,
    ),
    make_candidate(
        "either_end_slow",
        "watches of 12.5 Hz exist, and aliased steps look otherwise",
        other_way_round=0.5,
        slow=0.3,
    ),
    make_candidate(
        "either_end_slow_mixed",
        "a day at home consists of walks of 5 to 30 s, so most windows of walking hold something else, too",
        other_way_round=0.5,
        slow=0.3,
        other_ends=0.3,
    ),
    make_candidate(
        "either_end_slow_some_mixed",
        "half as many mixed windows may keep the cycling that more of them lose",
        other_way_round=0.5,
        slow=0.3,
        other_ends=0.15,
    ),
    make_candidate(
        "mainly_one_end_some_mixed",
        "a walk mostly shows the end of x, and what is known of it may find more stairs",
        other_way_round=0.25,
        slow=0.3,
        other_ends=0.15,
    ),
    make_candidate(
        "mainly_one_end_few_mixed",
        "a few mixed windows may be enough for short walks, and keep the cycling",
        other_way_round=0.25,
        slow=0.3,
        other_ends=0.05,
    ),
    make_wider_candidate(
        "wide_some_mixed",
        "the wider network of everyday found more walking and running on unseen watches",
        stem=64,
        halvings=3,
    ),
    make_wider_candidate(
        "wide_stem_some_mixed",
        "of the wider network, the stem alone may be enough, for half of its time",
        stem=64,
    ),
    make_wider_candidate(
        "more_steps_some_mixed",
        "of the wider network, the finer steps of time alone may be enough",
        halvings=3,
    ),
)
"""Each with the reason why it might be better."""


def measured(candidate: PresetMethod, arguments: argparse.Namespace) -> dict[str, Any]:
    """The result of a candidate, from its folder or from new fits."""
    settings = StudySettings(
        protocol="pairs-of-nine-choosing",
        out=arguments.work / candidate.name,
        folders=(arguments.data,),
        preset=None,
        baselines=(candidate,),
        label_scheme=SCHEME,
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
    parser = options_of(__doc__, "study_choices_nine.json", "data", "work", workers=2)
    parser.add_argument("--only", nargs="+", help="these candidates alone")
    parser.add_argument("--seed", type=int, default=0, help="the seed of every candidate")
    arguments = parser.parse_args()
    chosen = [candidate for candidate in CANDIDATES if not arguments.only or candidate[0].name in arguments.only]
    content: dict[str, Any] = json.loads(arguments.json.read_text("utf-8")) if arguments.json.exists() else {}
    for of_first_seed, reason in chosen:
        candidate = with_seed(of_first_seed, arguments.seed)
        result = measured(candidate, arguments)
        scores = choosing_scores(result, candidate.name)
        content[candidate.name] = {
            "reason": reason,
            "scheme": SCHEME,
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
        write_text(arguments.json, result_text(content) + "\n")


if __name__ == "__main__":
    main()
