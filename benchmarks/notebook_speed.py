"""The notebook's recipe on our own LSTM and on PyTorch's: passes a second, and the scores of several seeds.

    python benchmarks/notebook_speed.py --data DIR [--passes 100] [--seeds 0 1 2] [--json FILE]

DIR holds recordings in the notebook's CSV format, ``--me`` and ``--friend``. Every
training is the command ``harken train ME --cross FRIEND --preset notebook`` in a process of its own, one after
another, the two ways in turns. Ratios are of the seconds of the whole command, reading included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WAYS = {"harken": "1", "nn.LSTM": "0"}


def trained(arguments: argparse.Namespace, seed: int, native: str, out: Path) -> dict[str, Any]:
    """Seconds of the training, and its scores on each set of windows."""
    files = [str(arguments.data / arguments.me), "--cross", str(arguments.data / arguments.friend)]
    options = ["--preset", "notebook", "--passes", str(arguments.passes), "--seed", str(seed), "--out", str(out)]
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "harken", "train", *files, *options],
        check=True,
        env=os.environ | {"HARKEN_NATIVE": native},
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - began
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return {"seconds": seconds, "scores": run["scores"]}


def accuracies(scores: Any, at: str = "") -> dict[str, float]:
    """Every accuracy in the scores of a run, by where it stands."""
    if not isinstance(scores, dict):
        return {}
    found = {at or "accuracy": float(scores["accuracy"])} if isinstance(scores.get("accuracy"), int | float) else {}
    for name, inside in scores.items():
        found |= accuracies(inside, f"{at}.{name}" if at else name)
    return found


def main() -> None:
    """Train, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--me", default="merged_ab.csv")
    parser.add_argument("--friend", default="merged_ef.csv")
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for seed in arguments.seeds:
            for way, native in WAYS.items():
                ran = trained(arguments, seed, native, Path(folder, f"{way}-{seed}"))
                runs[way].append({"seed": seed, **ran})
                said = ", ".join(f"{name} {value:.4f}" for name, value in accuracies(ran["scores"]).items())
                print(
                    f"seed {seed} {way:10}{arguments.passes / ran['seconds']:8.3f} passes a second; {said}", flush=True
                )
    pairs = zip(runs["nn.LSTM"], runs["harken"], strict=True)
    ratio = statistics.median(theirs["seconds"] / ours["seconds"] for theirs, ours in pairs)
    print(f"nn.LSTM takes {ratio:.2f} times as long")
    if arguments.json:
        from harken.benchmarking.machine import made_with

        made = made_with()
        result = {
            "command": "python benchmarks/notebook_speed.py " + " ".join(sys.argv[1:]),
            "commit": made["git_commit"],
            "machine": made["machine"] | {"threads": os.cpu_count()},
            "versions": made["versions"],
            "passes": arguments.passes,
            "notebook_ratio": ratio,
            "runs": runs,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
