"""Time and memory to read the notebook's larger file: 3.5 million rows in its format.

    python -m benchmarks.speed.csv_reading [--rows 3500000] [--rounds 5] [--json FILE]

The file is made from a seed: a 50 Hz clock in ms, m/s² with five significant digits, ``P``, four labels in bouts, one
row in a hundred unlabelled (``""``). Every read has a process of its own, so that imports count and memory is the peak
of the whole process. The readers take turns, so that other work on the machine slows all of them. harken gives a mended
recording: clock, units, labels and bad samples are checked, and incomplete rows are found. The other readers, where
they are installed, give a table as it is in the file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

START_MS, STEP_MS = 1_519_170_400_000, 20
LABELS = ("laying_down", "sitting", "standing", "walking")
BOUT_ROWS = 15_000
UNLABELLED = 0.01
GRAVITY = (1.7, 3.5, 8.9)

CONTESTANTS = {
    "harken.read": "import harken; rows = len(harken.read(path))",
    "harken.read as_found": "import harken; rows = len(harken.read(path, as_found=True))",
    "polars.read_csv": "import polars; rows = polars.read_csv(path).height",
    "pandas.read_csv": "import pandas; rows = len(pandas.read_csv(path))",
    "pyarrow.csv.read_csv": "import pyarrow.csv; rows = pyarrow.csv.read_csv(path).num_rows",
}
PROGRAM = """
import json, resource, sys, time
path = sys.argv[1]
began = time.perf_counter()
{read}
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({{"rows": rows, "seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime,
                   "peak_mb": used.ru_maxrss * unit / 2**20}}))
"""


def write_file(path: Path, rows: int, seed: int) -> None:
    """Write a file in the notebook's format."""
    random = np.random.default_rng(seed)
    labels = np.repeat(random.integers(0, len(LABELS), rows // BOUT_ROWS + 1), BOUT_ROWS)[:rows]
    labels[random.random(rows) < UNLABELLED] = len(LABELS)
    axes = {
        name: _five_digits(mean + 0.5 * random.standard_normal(rows)) for name, mean in zip("XYZ", GRAVITY, strict=True)
    }
    pl.DataFrame(
        {
            "Timestamp": START_MS + STEP_MS * np.arange(rows),
            **axes,
            "P": random.integers(2, 4, rows),
            "Label": np.array([*LABELS, ""])[labels],
        }
    ).write_csv(path)


def _five_digits(values: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    scale = 10.0 ** (4 - np.floor(np.log10(np.abs(values))))
    rounded: np.ndarray[Any, np.dtype[np.float64]] = np.round(values * scale) / scale
    return rounded


def read_in_a_process(name: str, path: Path) -> dict[str, float]:
    """Read once in a new interpreter, from its start to the rows in memory."""
    program = PROGRAM.format(read=CONTESTANTS[name])
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(ran.stdout)
    return measured


def machine() -> dict[str, Any]:
    """The machine and the versions."""
    load = os.getloadavg()[0]
    # Not at the top: it imports PyTorch, and Linux counts a parent's peak memory for its children.
    from harken.evaluation.benchmark.machine import made_with

    made = made_with()
    return {
        "cpu": made["machine"]["processor"],
        "cpus": made["machine"]["cores"],
        "load": load,
        "python": made["versions"]["python"],
        "polars": pl.__version__,
        "numpy": made["versions"]["numpy"],
        "commit": made["git_commit"],
    }


def main() -> None:
    """Measure, print a table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()

    installed = [name for name in CONTESTANTS if find_spec(name.split(".")[0])]
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in installed}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "merged.csv"
        # In a process of its own, because Linux counts a parent's peak memory for its children.
        writer = get_context("spawn").Process(target=write_file, args=(path, arguments.rows, arguments.seed))
        writer.start()
        writer.join()
        megabytes = path.stat().st_size / 2**20
        for _ in range(arguments.rounds):
            for name in installed:
                measured[name].append(read_in_a_process(name, path))

    results = {
        name: {
            "rows": int(rounds[0]["rows"]),
            "first_seconds": rounds[0]["seconds"],
            "median_seconds": statistics.median(one["seconds"] for one in rounds),
            "best_seconds": min(one["seconds"] for one in rounds),
            "median_cpu_seconds": statistics.median(one["cpu_seconds"] for one in rounds),
            "peak_mb": max(one["peak_mb"] for one in rounds),
        }
        for name, rounds in measured.items()
    }
    print(f"{arguments.rows:,} rows, {megabytes:.0f} MB, {arguments.rounds} rounds; seconds include the import\n")
    print(f"{'':24}{'first':>8}{'median':>8}{'best':>8}{'CPU':>8}{'peak MB':>10}")
    for name, one in results.items():
        times = (one["first_seconds"], one["median_seconds"], one["best_seconds"], one["median_cpu_seconds"])
        print(f"{name:24}" + "".join(f"{seconds:8.2f}" for seconds in times) + f"{one['peak_mb']:10.0f}")
    report = {
        "command": "python -m benchmarks.speed.csv_reading",
        "machine": machine(),
        "file_mb": megabytes,
        "rounds": arguments.rounds,
        "results": results,
    }
    print()
    print(json.dumps(report["machine"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
