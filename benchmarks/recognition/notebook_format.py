"""The notebook's task on files in its own format, with several seeds: its network and the recipe ``everyday``.

    python -m benchmarks.recognition.notebook_format --data DATA --out DIR [--seeds 5] [--workers 2] [--epochs 10]

``DATA`` holds ``notebook_format/merged_ab.csv`` (training) and ``merged_ef.csv`` (unseen people). The windows are the
notebook's: 512 rows drawn at random from the files as found, 10,000 from each file. The first 9,000 of the training
file are for training; its other 1,000 are the same-person test. They overlap the training windows, so this test is too
easy. Both methods use the same windows with every seed. A seed decides the first weights, the dropout and the order of
the windows:

notebook
    The preset's network and training, with fewer epochs (``--epochs``, 10 instead of 100), on all channels in m/s².
everyday
    The preset's network and training, on the notebook's windows instead of its own 10 s at 30 Hz: 512 samples as they
    are in the files, about 25 a second, with x, y and z in g.

**An illustration, not a measurement**: each file holds two wearers, so there is no interval over people. Mean, SD and
range are over seeds. They show how much of a score is luck with the same wearers.

Each worker is a process with one thread. Finished seeds are kept in ``--out``, and the same command continues with
them. ``--training-windows`` trains on fewer of the windows; the result records it. Writes notebook_format.json and .md
(the table) to ``--results``.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.paths import RESULTS
from benchmarks.recognition.fits import Fit, computed
from harken import Windows, random_windows, read
from harken.evaluation.benchmark.directory import BenchmarkDirectory, json_text
from harken.evaluation.benchmark.methods import Method, PresetMethod
from harken.evaluation.benchmark.result import describe_windows, distinct
from harken.learning.presets import PRESETS, Preset, RandomDraws
from harken.support.files import write_text
from harken.windows.windows import concatenate

TRAINING, UNSEEN = "merged_ab.csv", "merged_ef.csv"
TESTS = {
    "same_person": "the same wearers, overlapping windows (too easy)",
    "cross_person": "unseen people",
}
NUMBERS = {"accuracy": "{:.1%}", "macro_f1": "{:.3f}"}
MEASURES = (
    "The notebook's task on two files of two wearers each, trained with several seeds: how much a score changes by "
    "luck alone. With two unseen wearers it is an illustration and not a measurement: other people may be much easier "
    "or harder, and no interval shows by how much."
)


def draws() -> RandomDraws:
    """How the notebook draws windows."""
    found = PRESETS["notebook"].windows
    if not isinstance(found, RandomDraws):
        raise TypeError("the preset notebook does not draw windows at random")
    return found


def recipes() -> dict[str, Preset]:
    """Both methods, on the notebook's windows."""
    notebook = PRESETS["notebook"]
    everyday = replace(
        PRESETS["everyday"], sample_rate_hz=None, window_length=notebook.window_length, windows=notebook.windows
    )
    return {"notebook": notebook, "everyday": everyday}


def all_windows(data: Path) -> Windows:
    """The notebook's windows of both files: first those of the training file, then those of the unseen people."""
    drawn, length = draws(), PRESETS["notebook"].window_length
    files = ((TRAINING, drawn.training_seed), (UNSEEN, drawn.cross_seed))
    return concatenate(
        [
            random_windows(
                read(data / "notebook_format" / name, as_found=True), length=length, count=drawn.windows, seed=seed
            )
            for name, seed in files
        ]
    )


def with_channels(windows: Windows, channels: tuple[str, ...] | None) -> Windows:
    """The same windows with only these channels; None for all."""
    if channels is None:
        return windows
    columns = [windows.channels.index(name) for name in channels]
    return replace(windows, signals=windows.signals[:, :, columns], channels=channels)


def fit_of(one: Method, seed: int, training_windows: int | None) -> Fit:
    """A method's training and test windows, as rows of ``all_windows``."""
    drawn = draws()
    training = np.arange(drawn.training_windows)[:training_windows]
    tests = {
        "same_person": np.arange(drawn.training_windows, drawn.windows),
        "cross_person": np.arange(drawn.windows, 2 * drawn.windows),
    }
    return Fit(f"seed-{seed}", one, training, tests)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the missing fits. Returns the result for JSON."""
    directory = BenchmarkDirectory.open(options.out, resume=True)
    windows = all_windows(options.data)
    epochs = {"notebook": options.epochs, "everyday": options.everyday_epochs}
    found: dict[str, dict[str, Any]] = {}
    for name, recipe in recipes().items():
        every = [
            fit_of(PresetMethod(recipe, epochs[name], seed), seed, options.training_windows)
            for seed in range(options.seeds)
        ]
        kept = computed(every, with_channels(windows, recipe.channels), directory, workers=options.workers)
        found[name] = {division: one for (division, _), one in kept.items()}
    return {
        "measures": MEASURES,
        "files": {"training": TRAINING, "unseen": UNSEEN},
        "windows": describe_windows(windows),
        "draws": asdict(draws()),
        "training_windows": next(iter(found["notebook"].values()))["training_windows"],
        "seeds": list(range(options.seeds)),
        "methods": {name: method_result(seeds) for name, seeds in found.items()},
        "made_with": distinct([one["made_with"] for seeds in found.values() for one in seeds.values()]),
        "timing": {name: {seed: one["timing"] for seed, one in seeds.items()} for name, seeds in found.items()},
    }


def method_result(seeds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """For JSON: a method's scores with each seed, and their mean, SD and range. ``seeds``: ``seed-0`` -> its result."""
    settings = next(iter(seeds.values()))["decided_by"]["method"]
    tests = {}
    for test in TESTS:
        each = {seed: _scores(one["tests"][test]["scores"]) for seed, one in seeds.items()}
        tests[test] = {
            **{number: over_seeds([one[number] for one in each.values()]) for number in NUMBERS},
            "each": each,
        }
    return {"settings": settings, "tests": tests}


def _scores(people: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a file, which the notebook takes as one wearer."""
    (scores,) = people["people"].values()
    return {name: scores[name] for name in ("windows", *NUMBERS, "labels", "confusion")}


def over_seeds(values: Sequence[float]) -> dict[str, float | None]:
    """For JSON: mean, standard deviation (with n - 1; None for one seed) and range."""
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "min": min(values),
        "max": max(values),
    }


def table(result: Mapping[str, Any]) -> str:
    """The table: a row for each method and test."""
    lines = [
        f"| method | tested on | accuracy, mean ± SD (range) over {len(result['seeds'])} seeds | macro F1 |",
        "|---|---|---|---|",
    ]
    for name, one in result["methods"].items():
        epochs = one["settings"]["preset"]["training"]["epochs"]
        words = {"notebook": "the notebook's network", "everyday": "the everyday recipe"}[name]
        for test, tested in TESTS.items():
            cells = [_spread(one["tests"][test][number], shown) for number, shown in NUMBERS.items()]
            lines.append(f"| {words}, {epochs} epochs | {tested} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(found: Mapping[str, float | None], shown: str) -> str:
    mean, sd, low, high = ("–" if value is None else shown.format(value) for value in found.values())
    return f"{mean} ± {sd} ({low} to {high})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the missing fits, write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds notebook_format")
    parser.add_argument("--out", type=Path, required=True, help="where finished seeds are kept")
    parser.add_argument("--seeds", type=int, default=5, help="the number of seeds: 0, 1 and so on")
    parser.add_argument("--epochs", type=int, default=10, help="of the notebook's network")
    parser.add_argument("--everyday-epochs", type=int, help="of the recipe everyday instead of its own, for a trial")
    parser.add_argument("--training-windows", type=int, help="train only on the first so many")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0 runs everything in this process")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if options.everyday_epochs and options.results == RESULTS:
        parser.error("a trial must not overwrite the results: name another folder with --results")
    if options.seeds < 1 or (options.training_windows is not None and options.training_windows < 1):
        parser.error("--seeds and --training-windows must be 1 or more")
    words = [
        f"--{name.replace('_', '-')} {value}"
        for name in ("seeds", "epochs", "everyday_epochs", "training_windows")
        if (value := getattr(options, name)) is not None
    ]
    command = " ".join(["python -m benchmarks.recognition.notebook_format --data DATA --out DIR", *words])
    result = {"command": command, **run(options)}
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / "notebook_format.json"
    write_text(path, json_text(result))
    write_text(path.with_suffix(".md"), table(result))
    print(table(result))


if __name__ == "__main__":
    main()
