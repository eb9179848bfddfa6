"""How many passes over the training windows a recipe needs, on people that choosing is allowed by.

    python -m benchmarks.recognition.epochs RECIPE wisdm|dsads --data DATA --passes 40
                                                [--fold 0] [--checkpoint FILE] [--json FILE]

``DATA`` holds the data sets' folders. Trains the recipe once on a fold of ``wisdm/harnet-choosing`` or of
``dsads/strangers-choosing`` and prints, after every pass, how many of the windows of the fold's strangers are
recognised: none of them is tested by a published fold of WISDM, nor alone by one of DSADS. A recipe whose rate falls
on a schedule (everyday) must be trained for every number of passes on its own; that is what ``harken benchmark`` does
with ``--baseline NAME:PASSES``. With ``--checkpoint`` a training that was stopped goes on.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.recognition.ablations import PROTOCOLS
from harken import Recogniser
from harken.benchmarking.job import alone_on_one_thread
from harken.benchmarking.machine import made_with
from harken.files import write_text
from harken.presets import PRESETS
from harken.splits import apply
from harken.splits.protocols import protocol
from harken.training import Progress


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    constant = [name for name, recipe in PRESETS.items() if not recipe.training.one_cycle]
    parser.add_argument("recipe", choices=constant)
    parser.add_argument("set", choices=list(PROTOCOLS))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets' folders")
    parser.add_argument("--passes", type=int, default=40)
    parser.add_argument("--fold", type=int, default=0, help="its number, from 0")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)

    choosing = protocol(asked.set, PROTOCOLS[asked.set])
    windows = choosing.windows(asked.data / asked.set)
    fold = choosing.folds(windows)[asked.fold]
    parts = apply(fold, windows)
    recipe = PRESETS[asked.recipe]
    batch = recipe.training.batch_windows
    # An evaluation is due where whole batches end.
    a_pass = len(parts.training) // batch * batch
    recipe = recipe.trained(passes=asked.passes, fewest_steps=0, evaluate_every_windows=a_pass)
    recogniser = Recogniser(recipe, device="cpu")
    with alone_on_one_thread():
        recogniser.fit(parts.training, tests={"strangers": parts.test}, checkpoint=asked.checkpoint, on_progress=_say())
    history = recogniser.history_
    if asked.json:
        found = {
            "command": f"python -m benchmarks.recognition.epochs {asked.recipe} {asked.set} --data DATA "
            f"--passes {asked.passes} --fold {asked.fold}",
            **made_with(),
            "protocol": f"{asked.set}/{choosing.name}",
            "fold": fold.name,
            "training_windows": len(parts.training),
            "strangers": sorted(set(parts.test.subjects.tolist())),
            "steps": history.evaluated_steps,
            "accuracy": history.test_accuracy["strangers"],
            "loss": history.test_loss["strangers"],
        }
        write_text(asked.json, json.dumps(found, indent=1) + "\n")


def _say() -> Callable[[Progress], None]:
    """A line for every pass."""
    said = 0

    def say(progress: Progress) -> None:
        nonlocal said
        if progress.tested_at > said:
            said = progress.tested_at
            loss, accuracy = progress.tests["strangers"]
            print(f"step {said}: {accuracy:.1%} of the strangers' windows, loss {loss:.3f}", flush=True)

    return say


if __name__ == "__main__":
    main()
