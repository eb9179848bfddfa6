"""Put a finished run, and the two benchmarks beside it, into ``docs/results``: JSON, pictures, and the page's tables.

    harken train DATA/notebook_format/merged_ab.csv --cross DATA/notebook_format/merged_ef.csv \\
        --preset notebook --out runs/notebook
    python -m benchmarks.recognition.unseen_people --data DATA --json docs/results/unseen_people.json
    python -m benchmarks.speed.training_step --json docs/results/training_step.json
    python -m benchmarks.recognition.notebook_page runs/notebook

Only what stands between the markers ``<!-- NAME -->`` and ``<!-- /NAME -->`` of ``docs/results/notebook.md`` is
written; the words around them are for people to keep true.
"""

import argparse
import json
import re
import shutil
import statistics
from pathlib import Path
from typing import Any

from benchmarks.paths import RESULTS

PAGE = RESULTS / "notebook.md"
TESTS = {
    "same_person": "same person, overlapping windows (flatters)",
    "blocked_same_person": "same person, honest",
    "cross_person": "people never met",
}
PICTURES = ("learning_curves", "confusion_same_person", "confusion_blocked_same_person", "confusion_cross_person")


def scores_table(scores: dict[str, Any]) -> str:
    """The three tests, a line each."""
    columns = ("accuracy", "weighted_precision", "weighted_recall", "weighted_f1", "macro_f1", "cohen_kappa")
    head = (
        "| test | windows | accuracy | precision | recall | F1 | macro F1 | kappa |\n|---|---|---|---|---|---|---|---|"
    )
    lines = [
        f"| {name} | {scores[test]['windows']:,} | {scores[test]['accuracy']:.2%} | "
        + " | ".join(f"{scores[test][column]:.3f}" for column in columns[1:])
        + " |"
        for test, name in TESTS.items()
        if test in scores
    ]
    return "\n".join([head, *lines])


def confusion_tables(scores: dict[str, Any]) -> str:
    """Every confusion matrix in windows."""
    parts = []
    for test, name in TESTS.items():
        labels, rows = scores[test]["labels"], scores[test]["confusion"]
        head = f"| {name}: true label | " + " | ".join(labels) + " |\n|" + "---|" * (len(labels) + 1)
        lines = [f"| {label} | " + " | ".join(map(str, row)) + " |" for label, row in zip(labels, rows, strict=True)]
        parts.append("\n".join([head, *lines]))
    return "\n\n".join(parts)


def strangers_table(result: dict[str, Any]) -> str:
    """Each pair, and the spread."""
    head = "| learned from → met | same person | stranger | stranger's macro F1 |\n|---|---|---|---|"
    pairs = result["pairs"]
    lines = [
        f"| {name.replace('->', '→')} | {one['same_accuracy']:.1%} | {one['cross_accuracy']:.1%} "
        f"| {one['cross_macro_f1']:.3f} |"
        for name, one in pairs.items()
    ]
    spread = []
    for kind in ("same_accuracy", "cross_accuracy", "cross_macro_f1"):
        values = [one[kind] for one in pairs.values()]
        shown = "{:.3f}" if kind.endswith("f1") else "{:.1%}"
        mean, deviation = shown.format(statistics.mean(values)), shown.format(statistics.stdev(values))
        spread.append(f"{mean} ± {deviation}")
    return "\n".join([head, *lines, f"| **mean ± SD** | {' | '.join(f'**{one}**' for one in spread)} |"])


def steps_table(result: dict[str, Any]) -> str:
    """Milliseconds a step, side by side."""
    head = "| | median ms a step | times the bare loop |\n|---|---|---|"
    lines = [
        f"| {name} | {milliseconds:.0f} | {result['median_ratio_to_bare'][name]:.3f} |"
        for name, milliseconds in result["median_milliseconds"].items()
    ]
    machine = result["machine"]
    return "\n".join(
        [head, *lines, "", f"{machine['cores']} cores, {machine['processor']}, commit {result['commit']}; "
         f"`{result['command']}`, {len(next(iter(result['milliseconds'].values())))} rounds taking turns."]
    )  # fmt: skip


def put(page: str, name: str, text: str) -> str:
    """Replace what stands between the markers of ``name``."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE} has no place for {name}")
    return pattern.sub(lambda found: found[1] + text + "\n" + found[2], page)


def main() -> None:
    """Copy and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run directory")
    run = parser.parse_args().run
    record = json.loads((run / "run.json").read_text())
    if record["status"] != "finished":
        raise SystemExit(f"{run} is {record['status']}")
    for role in ("training", "cross"):  # where the files lay is nobody's business
        for one in record["data"][role]:
            one["file"] = Path(one["file"]).name
            one["quality"].pop("notes", None)
    (RESULTS / "notebook.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    shutil.copy(run / "history.csv", RESULTS / "notebook_history.csv")
    for picture in PICTURES:
        shutil.copy(run / f"{picture}.png", RESULTS / f"notebook_{picture}.png")
    page = PAGE.read_text()
    page = put(page, "scores", scores_table(record["scores"]))
    page = put(page, "confusion", confusion_tables(record["scores"]))
    page = put(page, "strangers", strangers_table(json.loads((RESULTS / "unseen_people.json").read_text())))
    page = put(page, "steps", steps_table(json.loads((RESULTS / "training_step.json").read_text())))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
