"""The same people with a noisier or coarser sensor: the scores of fold models on degraded test windows.

    harken benchmark SET --protocol PROTOCOL ... --out RUN      (or benchmarks.recognition.ablations, with its --out)
    python -m benchmarks.recognition.other_sensors RUN DATA/SET [DATA/SET ...] [--json FILE]

Data from a few kinds of sensor cannot show how a model does on another kind. So the models of every preset and fold
predict the fold's test windows as recorded, with white noise of 1, 4 and 10 mg, and rounded to steps of 1/64 g (the
resolution of an Empatica E4). For comparison, one step of an Axivity AX3 at 8 g is 1/256 g; rounding to it is like
noise of 1.1 mg. All models get the same degraded windows. Where the run is on people who may be used for choices, the
result may be used to choose a recipe. Writes the result and prints a table.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.paths import RESULTS
from benchmarks.recognition.fold_models import FinishedRun, summary
from harken import Windows
from harken.evaluation.benchmark.directory import json_text
from harken.evaluation.benchmark.machine import made_with
from harken.learning.scores import PeopleScores, score_people
from harken.support.files import write_text

SEED = 0
NOISES_G = (0.001, 0.004, 0.010)
STEP_G = 1 / 64


def noisy(windows: Windows, noise_g: float) -> Windows:
    """White noise with this standard deviation on every value, the same at every call."""
    noise = np.random.default_rng(SEED).standard_normal(windows.signals.shape, dtype=np.float32)
    return replace(windows, signals=windows.signals + np.float32(noise_g) * noise)


def rounded(windows: Windows, step_g: float) -> Windows:
    """Every value rounded to the nearest step."""
    return replace(windows, signals=np.round(windows.signals / np.float32(step_g)) * np.float32(step_g))


SENSORS: dict[str, Callable[[Windows], Windows]] = {
    "as recorded": lambda windows: windows,
    **{f"noise of {noise_g:g} g": partial(noisy, noise_g=noise_g) for noise_g in NOISES_G},
    "steps of 1/64 g": partial(rounded, step_g=STEP_G),
}


def measure(run: Path, data: Sequence[Path]) -> dict[str, Any]:
    """Each preset of the run -> each sensor -> scores over the people of all folds.

    Raises:
        HarkenError: when ``run`` is no benchmark or was made on other data, or a model was trained on its test people.
    """
    finished = FinishedRun.open(run, data=data)
    methods: dict[str, Any] = {}
    for name in finished.result["methods"]:
        if not finished.directory.model(next(iter(finished.folds)), name).exists():
            continue  # baselines keep no model
        found: dict[str, dict[str, PeopleScores]] = {sensor: {} for sensor in SENSORS}
        for fold in finished.folds:
            recogniser, test = finished.unseen(fold, name)
            for sensor, degraded in SENSORS.items():
                answers = recogniser.predict_proba(degraded(test)).argmax(axis=1)
                found[sensor][fold] = score_people(test.label_codes, answers, test.subjects, test.label_names)
        methods[name] = {sensor: summary(folds) for sensor, folds in found.items()}
    return {
        "command": "python -m benchmarks.recognition.other_sensors RUN DATA",
        "run": finished.about(),
        "made_with": made_with(),
        "methods": methods,
    }


def markdown(result: dict[str, Any]) -> str:
    """The table: a row for each method, a column for each sensor."""
    rows = [["recipe", *SENSORS], ["---"] * (1 + len(SENSORS))]
    for name, sensors in result["methods"].items():
        rows.append([name, *(f"{sensors[sensor]['mean_person_macro_f1']:.3f}" for sensor in SENSORS)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a directory of harken benchmark")
    parser.add_argument("data", type=Path, nargs="+", help="the data set's folder, as for harken benchmark")
    parser.add_argument(
        "--json", type=Path, help="default: docs/results/other_sensors_SET.json; a .md file is written beside it"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    result = measure(options.run, options.data)
    path = options.json or RESULTS / f"other_sensors_{result['run']['dataset']}.json"
    write_text(path, json_text(result))
    write_text(path.with_suffix(".md"), markdown(result))
    print(markdown(result), end="")


if __name__ == "__main__":
    main()
