"""How many epochs a recipe needs, measured on people who may be used for such choices.

    python -m benchmarks.recognition.epochs RECIPE wisdm|dsads --data DATA --epochs 40
                                            [--fold 0] [--checkpoint FILE] [--json FILE]

``DATA`` holds the data sets' folders. The script trains the recipe once on a fold of ``wisdm/harnet-choosing`` or
``dsads/unseen-choosing`` and prints the accuracy on the fold's unseen people after each epoch. No published fold of
WISDM tests these people, and no published fold of DSADS tests one of them alone.

A recipe whose learning rate follows a schedule (everyday) needs one training for each number of epochs:
``harken benchmark ... --baseline NAME:EPOCHS`` does that. With ``--checkpoint`` a training that was stopped continues.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.recognition.ablations import PROTOCOLS
from harken import Recogniser
from harken.evaluation.benchmark.machine import made_with
from harken.evaluation.benchmark.tasks import alone_on_one_thread
from harken.learning.presets import PRESETS
from harken.learning.training import Progress
from harken.support.files import write_text
from harken.windows.splits import apply
from harken.windows.splits.protocols import protocol

UNSEEN = "unseen"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    constant = [name for name, recipe in PRESETS.items() if not recipe.training.one_cycle]
    parser.add_argument("recipe", choices=constant)
    parser.add_argument("set", choices=list(PROTOCOLS))
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets' folders")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--fold", type=int, default=0, help="the fold's number, from 0")
    parser.add_argument("--checkpoint", type=Path, help="continue from this file, and write it")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args(arguments)

    choosing = protocol(options.set, PROTOCOLS[options.set])
    windows = choosing.windows(options.data / options.set)
    fold = choosing.folds(windows)[options.fold]
    parts = apply(fold, windows)
    recipe = PRESETS[options.recipe]
    batch = recipe.training.batch_windows
    # Evaluations happen between batches, so this is the number of windows in the whole batches of an epoch.
    epoch_windows = len(parts.training) // batch * batch
    recipe = recipe.trained(epochs=options.epochs, min_iterations=0, evaluate_every_windows=epoch_windows)
    recogniser = Recogniser(recipe, device="cpu")
    with alone_on_one_thread():
        recogniser.fit(
            parts.training, tests={UNSEEN: parts.test}, checkpoint=options.checkpoint, on_progress=_printer()
        )
    history = recogniser.history_
    if options.json:
        found = {
            "command": f"python -m benchmarks.recognition.epochs {options.recipe} {options.set} --data DATA "
            f"--epochs {options.epochs} --fold {options.fold}",
            **made_with(),
            "protocol": f"{options.set}/{choosing.name}",
            "fold": fold.name,
            "training_windows": len(parts.training),
            "unseen_people": sorted(set(parts.test.subjects.tolist())),
            "iterations": history.evaluated_iterations,
            "accuracy": history.test_accuracy[UNSEEN],
            "loss": history.test_loss[UNSEEN],
        }
        write_text(options.json, json.dumps(found, indent=1) + "\n")


def _printer() -> Callable[[Progress], None]:
    """Print one line for each epoch."""
    printed = 0

    def show(progress: Progress) -> None:
        nonlocal printed
        if progress.tested_at > printed:
            printed = progress.tested_at
            loss, accuracy = progress.tests[UNSEEN]
            print(f"iteration {printed}: {accuracy:.1%} of the unseen people's windows, loss {loss:.3f}", flush=True)

    return show


if __name__ == "__main__":
    main()
