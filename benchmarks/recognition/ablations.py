"""What each part of the recipe ``everyday`` contributes, measured on people who may be used for such choices.

    python -m benchmarks.recognition.ablations wisdm --data DATA --out runs/ablations-wisdm [--resume] [--only NAME ...]
    python -m benchmarks.recognition.ablations dsads --data DATA --out runs/ablations-dsads [--resume] [--only NAME ...]

``DATA`` holds the data sets' folders. Every variant differs from the recipe in one thing, and all variants are trained
and tested on the same folds:

- ``wisdm/harnet-choosing`` uses only the 12 people whom no published fold tests;
- ``dsads/unseen-choosing`` leaves out two people in each fold. For each person there is then a choice of recipe in
  which neither training on this person nor this person's scores had a part. The last column counts these choices.

The recipe was chosen on these folds, so its own score here is too good; the differences are the result. Writes
docs/results/ablations_SET.json and .md from what is in ``--out``.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.paths import RESULTS
from harken.evaluation.benchmark import BenchmarkSettings, run_benchmark
from harken.learning.presets import PRESETS, Preset
from harken.support.files import write_text

PROTOCOLS = {"wisdm": "harnet-choosing", "dsads": "unseen-choosing"}
BASELINES = ("random_forest",)
"""May be named with --only as well, to compare the variants with them on the same folds."""


def variants(recipe: Preset) -> dict[str, tuple[str, Preset]]:
    """Name -> the difference in words, and the changed recipe."""
    augmentation = recipe.training.augmentation

    def augmented(**changes: float) -> Preset:
        return recipe.trained(augmentation=replace(augmentation, **changes))

    return {
        "no-augmentation": (
            "no augmentation at all",
            recipe.trained(augmentation=type(augmentation)()),
        ),
        "no-arms": (
            "without the other arm and the watch worn the other way round",
            augmented(other_arm=0, other_way_round=0),
        ),
        "never-round": ("without the watch worn the other way round", augmented(other_way_round=0)),
        "often-round": (
            "half of the windows, not a tenth, with the watch worn the other way round",
            augmented(other_way_round=0.5),
        ),
        "no-strap": ("without the rotation of a loose strap", augmented(strap_deg=0)),
        "no-turns": (
            "without both rotations: a loose strap's and those about the forearm",
            augmented(strap_deg=0, roll_deg=0),
        ),
        "turns-20": ("rotations of 20 degrees, and of 15 about the forearm", augmented(strap_deg=20, roll_deg=15)),
        "no-roll": ("without the rotations about the forearm", augmented(roll_deg=0)),
        "no-gain-noise": ("without gain and noise", augmented(gain=0, noise_g=0)),
        "no-noise": ("without noise", augmented(noise_g=0)),
        "noise-3mg": ("noise of at most .003 g", augmented(noise_g=0.003)),
        "no-tempo-start": ("without changes of tempo and start", augmented(tempo=0, start=0)),
        "inside-wrist": (
            "with the watch on the inside of the wrist in half of the windows",
            augmented(inside_wrist=0.5),
        ),
        "missing": ("with a short gap in a third of the windows", augmented(missing=0.3)),
        "no-smoothing": ("without label smoothing", recipe.trained(label_smoothing=0.0)),
        "epochs-50": ("50 epochs instead of 25", recipe.trained(epochs=50)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(PROTOCOLS))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets' folders")
    parser.add_argument("--out", type=Path, required=True, help="where finished fits are kept")
    parser.add_argument("--resume", action="store_true", help="continue with what is in --out")
    parser.add_argument("--only", nargs="*", help="only these variants or baselines")
    parser.add_argument("--workers", type=int, help="processes")
    parser.add_argument("--name", default="ablations", help="the first part of the names of the written files")
    arguments = parser.parse_args()
    recipe = PRESETS["everyday"]
    every = variants(recipe)
    names = arguments.only or list(every)
    for name in names:
        if name not in every and name not in BASELINES:
            parser.error(f"there is no variant {name}; there are {', '.join([*every, *BASELINES])}")
    result = run_benchmark(
        BenchmarkSettings(
            dataset=arguments.set,
            protocol=PROTOCOLS[arguments.set],
            folders=(arguments.data / arguments.set,),
            out=arguments.out,
            preset=recipe,
            baselines=tuple(replace(every[name][1], name=name) if name in every else name for name in names),
            workers=arguments.workers,
            resume=arguments.resume,
        )
    )
    result["command"] = (
        f"python -m benchmarks.recognition.ablations {arguments.set} --data DATA --out DIR --only {' '.join(names)}"
    )
    if arguments.name != parser.get_default("name"):
        result["command"] += f" --name {arguments.name}"
    if arguments.set == "dsads":
        result["chosen_for"] = chosen_for(result)
    write_text(RESULTS / f"{arguments.name}_{arguments.set}.json", json.dumps(result, indent=2) + "\n")
    words = {name: every[name][0] if name in every else name for name in names}
    write_text(RESULTS / f"{arguments.name}_{arguments.set}.md", page(result, words))


def chosen_for(result: Mapping[str, Any]) -> dict[str, str]:
    """Each person -> the variant with the best scores of other unseen people.

    Only folds that test this person count, because their models were not trained on this person. Of these folds only
    the scores of the other people count. Baselines cannot be chosen.
    """
    presets = {name: one["folds"] for name, one in result["methods"].items() if name not in BASELINES}
    folds = {name: one["test"] for name, one in result["folds"].items()}
    choices = {}
    for person in sorted({person for tested in folds.values() for person in tested}):
        beside = [(fold, other) for fold, tested in folds.items() if person in tested for other in tested]
        scores = {
            name: fmean(found[fold]["people"][other]["macro_f1"] for fold, other in beside if other != person)
            for name, found in presets.items()
        }
        choices[person] = max(scores, key=scores.__getitem__)
    return choices


def page(result: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The table: each variant's score, and its difference to the recipe over the same people."""
    recipe = result["methods"][result["preset"]]
    chosen = Counter(result["chosen_for"].values()) if "chosen_for" in result else None
    columns = [
        "difference to the recipe",
        "mean per-person macro F1",
        "recipe minus this (95 % interval)",
    ]
    rows = [["none: the recipe itself", f"{recipe['mean_person_macro_f1']:.3f}", ""]]
    for name, differs in words.items():
        difference = result["differences"][name]
        low, high = difference["mean_person_macro_f1_interval"]
        rows.append(
            [
                differs,
                f"{result['methods'][name]['mean_person_macro_f1']:.3f}",
                f"{difference['mean_person_macro_f1']:+.3f} ({low:+.3f} to {high:+.3f})",
            ]
        )
    if chosen is not None:
        columns.append("people for whom it would be chosen")
        for name, row in zip([result["preset"], *words], rows, strict=True):
            row.append("" if name in BASELINES else str(chosen[name]))
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
