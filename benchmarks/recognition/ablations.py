"""What each part of the everyday recipe is worth, and what was tried beside it, on people that choosing is allowed by.

    python -m benchmarks.recognition.ablations wisdm --data DATA --out runs/ablations-wisdm [--resume] [--only NAME ...]
    python -m benchmarks.recognition.ablations dsads --data DATA --out runs/ablations-dsads [--resume] [--only NAME ...]

``DATA`` holds the data sets' folders. Every variant differs from the recipe in one thing and is trained and tested on
the same folds. Those of ``wisdm/harnet-choosing`` lie within the 12 people whom no published fold tests; those of
``dsads/strangers-choosing`` leave out two people each, so that for every person there is a choice that nothing learned
from them, and no score of theirs, had a part in: the table's last column counts these choices.
These are the folds that the recipe was chosen by, so its own score here flatters it; the differences are what the
tables are for. Writes docs/results/ablations_SET.json and .md from what is in --out.
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
from harken.benchmarking import BenchmarkSettings, run_benchmark
from harken.files import write_text
from harken.presets import PRESETS, Preset

PROTOCOLS = {"wisdm": "harnet-choosing", "dsads": "strangers-choosing"}
BASELINES = ("random_forest",)
"""Beside the variants, where they are asked for with --only: what they are up against on the same folds."""


def variants(recipe: Preset) -> dict[str, tuple[str, Preset]]:
    """Name -> what is different, in words, and the recipe that differs."""
    augmentation = recipe.training.augmentation

    def augmented(**changes: float) -> Preset:
        return recipe.trained(augmentation=replace(augmentation, **changes))

    return {
        "no-augmentation": (
            "no augmentation at all",
            recipe.trained(augmentation=type(augmentation)()),
        ),
        "no-arms": ("without the other arm and the other way round", augmented(other_arm=0, other_way_round=0)),
        "never-round": ("without the other way round", augmented(other_way_round=0)),
        "often-round": ("half of the windows the other way round instead of a tenth", augmented(other_way_round=0.5)),
        "no-strap": ("without the turns of a loose strap", augmented(strap_deg=0)),
        "no-turns": (
            "without both turns: a loose strap's and those about the forearm",
            augmented(strap_deg=0, roll_deg=0),
        ),
        "turns-20": ("turns of 20 degrees, and of 15 about the forearm", augmented(strap_deg=20, roll_deg=15)),
        "no-roll": ("without the turns about the forearm", augmented(roll_deg=0)),
        "no-gain-noise": ("without gain and noise", augmented(gain=0, noise_g=0)),
        "no-noise": ("without noise", augmented(noise_g=0)),
        "noise-3mg": ("noise of .003 g at most", augmented(noise_g=0.003)),
        "no-tempo-start": ("without changes of tempo and start", augmented(tempo=0, start=0)),
        "inside-wrist": ("half of the windows with the watch inside the wrist as well", augmented(inside_wrist=0.5)),
        "missing": ("a missing moment in a third of the windows as well", augmented(missing=0.3)),
        "no-smoothing": ("without label smoothing", recipe.trained(label_smoothing=0.0)),
        "passes-50": ("50 passes instead of 25", recipe.trained(passes=50)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(PROTOCOLS))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets' folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--only", nargs="*", help="only these variants")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--name", default="ablations", help="what the written files' names begin with")
    arguments = parser.parse_args()
    recipe = PRESETS["everyday"]
    every = variants(recipe)
    asked = arguments.only or list(every)
    for name in asked:
        if name not in every and name not in BASELINES:
            parser.error(f"there is no variant {name}; there are {', '.join([*every, *BASELINES])}")
    result = run_benchmark(
        BenchmarkSettings(
            dataset=arguments.set,
            protocol=PROTOCOLS[arguments.set],
            folders=(arguments.data / arguments.set,),
            out=arguments.out,
            preset=recipe,
            baselines=tuple(replace(every[name][1], name=name) if name in every else name for name in asked),
            workers=arguments.workers,
            resume=arguments.resume,
        )
    )
    result["command"] = (
        f"python -m benchmarks.recognition.ablations {arguments.set} --data DATA --out DIR --only {' '.join(asked)}"
    )
    if arguments.name != parser.get_default("name"):
        result["command"] += f" --name {arguments.name}"
    if arguments.set == "dsads":
        result["chosen_for"] = chosen_for(result)
    write_text(RESULTS / f"{arguments.name}_{arguments.set}.json", json.dumps(result, indent=2) + "\n")
    words = {name: every[name][0] if name in every else name for name in asked}
    write_text(RESULTS / f"{arguments.name}_{arguments.set}.md", page(result, words))


def chosen_for(result: Mapping[str, Any]) -> dict[str, str]:
    """Each person -> the variant by which those score best who were strangers beside them.

    Only folds that test the person count, for none of their models has met them, and of these only the scores of the
    others. Baselines are no choice.
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
    """The table: each variant's score, and how far it lies from the recipe, person by person."""
    recipe = result["methods"][result["preset"]]
    chosen = Counter(result["chosen_for"].values()) if "chosen_for" in result else None
    columns = [
        "what differs from the recipe",
        "mean per-person macro F1",
        "recipe minus this (95 % interval)",
    ]
    rows = [["nothing: the recipe itself", f"{recipe['mean_person_macro_f1']:.3f}", ""]]
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
        columns.append("people it would be chosen for")
        for name, row in zip([result["preset"], *words], rows, strict=True):
            row.append("" if name in BASELINES else str(chosen[name]))
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
