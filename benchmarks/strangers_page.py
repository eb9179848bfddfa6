"""The page that tells how well strangers are recognised, made from the results beside it.

    python benchmarks/strangers_page.py [--take RUN NAME ...]

``--take runs/wisdm wisdm_harnet`` first copies a finished benchmark's result and picture into docs/results. Then
docs/results/strangers.md is written from what is there; what was not measured yet is said to be missing, not left out.
"""

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harken.benchmarking.page import TextTable, tables
from harken.files import write_text

RESULTS = Path(__file__).parent.parent / "docs" / "results"

SECTIONS = {
    "wisdm_harnet": (
        "WISDM: 18 activities, 43 people",
        "harken benchmark wisdm --protocol harnet --data DIR --out runs/wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "dsads_strangers": (
        "DSADS: lying, sitting, standing, walking, both arms",
        "harken benchmark dsads --protocol strangers --data DIR --out runs/dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "dsads_strangers_19": (
        "DSADS: all 19 activities",
        "harken benchmark dsads --protocol strangers-19 --data DIR --out runs/dsads19 "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "dsads_pairs": (
        "DSADS, right arm: what two people teach about six others",
        "harken benchmark dsads --protocol pairs --data DIR --out runs/pairs --baseline notebook:20",
    ),
    "dsads_to_wisdm": (
        "Learned on DSADS, tested on WISDM",
        "harken benchmark dsads --protocol to-wisdm --data DIR --data DIR --out runs/dsads-wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "wisdm_to_dsads": (
        "Learned on WISDM, tested on DSADS",
        "harken benchmark wisdm --protocol to-dsads --data DIR --data DIR --out runs/wisdm-dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
}

PUBLISHED = """For orientation, not for comparison (46 people where there are 43 here, and so other folds): Yuan et al.,
"Self-supervised learning for human activity recognition using 700,000 person-days of wearable data", npj Digital
Medicine 7:91, 2024, report for their protocol on this set a random forest at .711, a ResNet from scratch at .684, and
HARNet, pre-trained on 700,000 person-days, at .810."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", nargs=2, action="append", default=[], metavar=("RUN", "NAME"))
    for run, name in parser.parse_args().take:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}; there are {', '.join(SECTIONS)}")
        shutil.copyfile(Path(run) / "benchmark.json", RESULTS / f"{name}.json")
        shutil.copyfile(Path(run) / "confusion.png", RESULTS / f"{name}.png")
    write_text(RESULTS / "strangers.md", page())


def page() -> str:
    """The whole page, from the results that are there."""
    parts = [
        "# How well strangers are recognised",
        "Every number here is of people that the model never met, and every interval is over people, not over windows. "
        "The recipe `everyday` was chosen within the 12 people of WISDM whom none of its published folds tests "
        "([ablations](#what-each-part-is-worth)); then each table was computed once. Results as JSON, with everything "
        "needed to repeat them, lie beside this page; `--against FILE` compares a run with one of them.",
    ]
    for name, (title, command) in SECTIONS.items():
        parts += [f"## {title}", f"```console\n$ {command}\n```"]
        path = RESULTS / f"{name}.json"
        if not path.exists():
            parts.append("Not measured yet.")
            continue
        parts += section(json.loads(path.read_text(encoding="utf-8")), name)
        if name == "wisdm_harnet":
            parts.append(PUBLISHED)
    parts += ["## What each part is worth", *ablations()]
    return "\n\n".join(parts) + "\n"


def section(result: Mapping[str, Any], name: str) -> list[str]:
    """What a benchmark found: what it measures, who learned, its tables, its picture."""
    windows, folds = result["windows"], result["folds"]
    made = result["made_with"][0]
    asked = result["command"]
    return [
        result["measures"],
        f"{windows['windows']:,} windows of {windows['people']} people in {len(folds)} folds. Computed by `{asked}` at "
        f"commit {str(made.get('git_commit'))[:7]}, one thread a fold, on {made['machine']['processor']}.",
        *(in_markdown(table) for table in tables(result)),
        f"![What {result['preset']} takes for what]({name}.png)",
    ]


def in_markdown(table: TextTable) -> str:
    """A table under a small title."""
    lines = [
        f"### {table.title}",
        "",
        f"| {' | '.join(table.columns)} |",
        f"|{'---|' * len(table.columns)}",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]
    notes = " ".join(note for note in (table.note, table.page_note) if note)
    return "\n".join([*lines, "", notes] if notes else lines)


def ablations() -> list[str]:
    """The ablation table, made by benchmarks/ablations.py."""
    path = RESULTS / "ablations.md"
    said = [
        "Measured on the people that the recipe was chosen by, so the score of the recipe itself flatters; the "
        "differences are what counts.",
        "```console\n$ python benchmarks/ablations.py --data DIR --out runs/ablations\n```",
    ]
    return [*said, path.read_text(encoding="utf-8").strip() if path.exists() else "Not measured yet."]


if __name__ == "__main__":
    main()
