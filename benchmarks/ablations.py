"""What each part of the everyday recipe is worth, and what was tried beside it.

    python benchmarks/ablations.py --data DATA/wisdm --out runs/ablations [--resume] [--only NAME ...]

Every variant differs from the recipe in one thing and is trained and tested on the same folds: those of the protocol
wisdm/harnet-choosing, within the 12 people whom no published fold tests. These are the folds that the recipe was
chosen by, so its own score here flatters it; the differences are what the table is for.
Writes docs/results/ablations.json and docs/results/ablations.md from what is in --out.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harken.benchmarking import BenchmarkSettings, run_benchmark
from harken.files import write_text
from harken.presets import PRESETS, Preset

RESULTS = Path(__file__).parent.parent / "docs" / "results"


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
        "no-wrists": ("without the other wrist and the other way round", augmented(other_wrist=0, other_way_round=0)),
        "no-strap": ("without the turns of a loose strap", augmented(strap_deg=0)),
        "no-turns": (
            "without both turns: a loose strap's and those about the forearm",
            augmented(strap_deg=0, roll_deg=0),
        ),
        "strap-10": ("both turns of 10 degrees", augmented(strap_deg=10, roll_deg=10)),
        "strap-30": ("a loose strap's turns of 30 degrees instead of 20", augmented(strap_deg=30)),
        "no-roll": ("without the turns about the forearm", augmented(roll_deg=0)),
        "no-gain-noise": ("without gain and noise", augmented(gain=0, noise_g=0)),
        "no-tempo-start": ("without changes of tempo and start", augmented(tempo=0, start=0)),
        "inside-wrist": ("half of the windows with the watch inside the wrist as well", augmented(inside_wrist=0.5)),
        "missing": ("a missing moment in a third of the windows as well", augmented(missing=0.3)),
        "no-smoothing": ("without label smoothing", recipe.trained(label_smoothing=0.0)),
        "passes-50": ("50 passes instead of 25", recipe.trained(passes=50)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of WISDM")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--only", nargs="*", help="only these variants")
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    recipe = PRESETS["everyday"]
    every = variants(recipe)
    chosen = {name: every[name] for name in arguments.only or every}
    result = run_benchmark(
        BenchmarkSettings(
            dataset="wisdm",
            protocol="harnet-choosing",
            folders=(arguments.data,),
            out=arguments.out,
            preset=recipe,
            baselines=tuple(replace(variant, name=name) for name, (_, variant) in chosen.items()),
            workers=arguments.workers,
            resume=arguments.resume,
        )
    )
    result["command"] = "python benchmarks/ablations.py --data DIR --out DIR"
    write_text(RESULTS / "ablations.json", json.dumps(result, indent=2) + "\n")
    write_text(RESULTS / "ablations.md", page(result, {name: words for name, (words, _) in chosen.items()}))


def page(result: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The table: each variant's score, and how far it lies from the recipe, person by person."""
    recipe = result["methods"][result["preset"]]
    lines = [
        "| what differs from the recipe | mean per-person macro F1 | recipe minus this (95 % interval over people) |",
        "|---|---|---|",
        f"| nothing: the recipe itself | {recipe['mean_person_macro_f1']:.3f} | |",
    ]
    for name, differs in words.items():
        difference = result["differences"][name]
        low, high = difference["mean_person_macro_f1_interval"]
        lines.append(
            f"| {differs} | {result['methods'][name]['mean_person_macro_f1']:.3f} "
            f"| {difference['mean_person_macro_f1']:+.3f} ({low:+.3f} to {high:+.3f}) |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
