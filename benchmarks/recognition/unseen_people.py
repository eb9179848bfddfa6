"""The spread between unseen people: the notebook's recipe on ten ordered pairs of single people of DSADS.

    python -m benchmarks.recognition.unseen_people --data DATA [--epochs 4] [--workers 2] [--json FILE]

``DATA`` holds ``dsads/dsads_arms.parquet`` (Altun, Barshan and Tuncel 2010, the arm units; see the licence there). Each
model is trained on one person (right arm; lying, sitting, standing, walking) and tested on another. A seed fixes the
pairs before anything runs. The JSON keeps finished pairs, so the same command continues a run that was stopped. Each
worker is a process with one thread.
"""

import argparse
import itertools
import json
import multiprocessing
import random
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import polars as pl

from harken import Recogniser, random_windows, read
from harken.evaluation.benchmark.machine import made_with
from harken.windows.splits import overlapping_same_person

PAIRS, PAIRS_SEED = 10, 2018
LABELS = {"lying": "laying_down", "sitting": "sitting", "standing": "standing", "walking": "walking"}
START_MS = 1_519_170_400_000
BETWEEN_SESSIONS_MS = 600_000
GRAVITY = 9.80665


def pairs(people: list[str]) -> list[tuple[str, str]]:
    """Ten ordered pairs of different people, always the same for the same people."""
    return random.Random(PAIRS_SEED).sample(list(itertools.permutations(people, 2)), PAIRS)


def write_people(data: Path, folder: Path) -> list[str]:
    """Write each person's right arm in the notebook's format, ten minutes between two sessions."""
    table = (
        pl.scan_parquet(data / "dsads" / "dsads_arms.parquet")
        .with_columns(pl.col("subject", "session", "placement", "label").cast(pl.String))
        .filter((pl.col("placement") == "right_arm") & pl.col("label").is_in(list(LABELS)))
        .collect()
    )
    people = sorted(table["subject"].unique().to_list())
    for person in people:
        sessions = table.filter(pl.col("subject") == person).partition_by("session", maintain_order=True)
        start, parts = START_MS, []
        for session in sessions:
            stamp = (pl.col("t") * 1000).round().cast(pl.Int64)
            parts.append(
                session.select(
                    (stamp + start).alias("Timestamp"),
                    *((pl.col(axis) * GRAVITY).alias(axis.upper()) for axis in "xyz"),
                    pl.col("label").replace_strict(LABELS).alias("Label"),
                )
            )
            start = int(parts[-1]["Timestamp"][-1]) + BETWEEN_SESSIONS_MS
        pl.concat(parts).write_csv(folder / f"{person}.csv")
    return people


def run_pair(training: Path, unseen: Path, epochs: int) -> dict[str, float]:
    """Train on one person with the notebook's recipe. Returns accuracy and macro F1 on both people."""
    import torch

    torch.set_num_threads(1)
    one, other = (read(path, as_found=True) for path in (training, unseen))
    split = overlapping_same_person(random_windows(one, length=512, count=10_000, seed=1337), training=9_000)
    cross = random_windows(other, length=512, count=10_000, seed=101)
    recogniser = Recogniser("notebook", epochs=epochs).fit(split.training)
    same, other_scores = recogniser.evaluate(split.test), recogniser.evaluate(cross)
    return {
        "same_accuracy": same.accuracy,
        "same_macro_f1": same.macro_f1,
        "cross_accuracy": other_scores.accuracy,
        "cross_macro_f1": other_scores.macro_f1,
    }


def main() -> None:
    """Run the missing pairs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds dsads")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--json", type=Path, default=Path("unseen_people.json"), help="write the result here")
    arguments = parser.parse_args()
    command = f"python -m benchmarks.recognition.unseen_people --epochs {arguments.epochs}"
    result: dict[str, Any] = {"command": command, "pairs": {}}
    if arguments.json.exists():
        result = json.loads(arguments.json.read_text())
    made = made_with()
    result |= {"machine": made["machine"], "versions": made["versions"], "commit": made["git_commit"]}
    done: dict[str, dict[str, float]] = result["pairs"]
    with tempfile.TemporaryDirectory() as folder:
        people = write_people(arguments.data, Path(folder))
        chosen = {f"{one} -> {other}": (one, other) for one, other in pairs(people)}
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(arguments.workers, mp_context=spawn) as pool:
            running = {
                pool.submit(run_pair, Path(folder, f"{one}.csv"), Path(folder, f"{other}.csv"), arguments.epochs): name
                for name, (one, other) in chosen.items()
                if name not in done
            }
            for finished in as_completed(running):
                done[running[finished]] = finished.result()
                arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    result["pairs"] = done = {name: done[name] for name in chosen}
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    for name, scores in done.items():
        print(f"{name}: same {scores['same_accuracy']:.3f}, unseen {scores['cross_accuracy']:.3f}")
    for kind in ("same", "cross"):
        values = [scores[f"{kind}_accuracy"] for scores in done.values()]
        print(
            f"{kind}: mean {statistics.mean(values):.3f}, SD {statistics.stdev(values):.3f}, "
            f"{min(values):.3f} to {max(values):.3f} over {len(values)} pairs"
        )


if __name__ == "__main__":
    main()
