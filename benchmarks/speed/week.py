"""A simulated week at 100 Hz, from its file to timeline, bouts, days and report: time and memory of each stage.

    python -m benchmarks.speed.week [--days 1 7 28] [--rate 100] [--cores 2] [--folder DIR] [--json FILE] [--actipy]
        [--beside CHECKOUT] [--repeat 1] [--instructions avx2] [--neighbour]

Each recording is labelled by the packaged model in a process of its own, with everything that ``harken label`` does for
a single file: SHA-256 of the file, a first read to find what must be mended, statistics for calibration and non-wear,
the network over all windows in a thread for each core while the next windows are prepared, smoothing, and all files.
Seconds are measured after imports and loading the model, which are given apart.

Others take turns with it, ``--repeat`` times, and the fastest run of each is compared. With ``--beside``, another
checkout of harken labels each recording. With ``--actipy``, actipy prepares the same samples, of up to seven days, as
in ``preparation.py``: from two binary files, on one core (its functions do not use more), and without any labels.

Simulated recordings are kept in ``--folder`` for the next call.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.command import ROOT, command, options_of, write_result
from benchmarks.conditions import add_conditions, conditions
from benchmarks.speed.preparation import in_a_process, prepared, write_samples

MOST_DAYS_OF_ACTIPY = 7.0
"""It needs 2.5 GB for a week."""
Runs = dict[str, list[dict[str, Any]]]
ONE = """
import json, resource, sys, time
path, folder, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
began = time.perf_counter()
import polars
import harken
import harken.readers.parquet  # imported with the first file otherwise

recogniser, label_file = harken.Recogniser.load(), harken.label_file
unit = 1 if sys.platform == "darwin" else 1024
stages, last = {}, []

def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime

def begin(stage):
    there = now()
    if last:
        before, *at = last.pop()
        stages[before] = {"wall_s": there[0] - at[0], "cpu_s": there[1] - at[1]}
    last.append((stage, *there))

loading_s = time.perf_counter() - began
begin("hash")
summary = label_file(path, model=recogniser, out=folder, on_stage=begin, cores=cores).summary
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
wall_s, cpu_s = (sum(stage[name] for stage in stages.values()) for name in ("wall_s", "cpu_s"))
print(json.dumps({"loading_s": loading_s, "stages": stages, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb,
                  "seconds_by_label": summary["seconds_by_label"], "wear_hours": summary["wear_hours"]}))
"""


def main() -> None:
    """Simulate, label and write."""
    parser = options_of(__doc__, None, rate=100.0, repeat=1)
    parser.add_argument("--days", type=float, nargs="+", default=[1, 7, 28])
    parser.add_argument("--cores", type=int, choices=(1, 2), default=2)
    parser.add_argument("--folder", type=Path, default=None, help="keep the simulated recordings here")
    parser.add_argument("--actipy", action="store_true", help="also measure actipy's preparation")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has actipy")
    parser.add_argument("--beside", type=Path, help="another checkout of harken, to compare with")
    add_conditions(parser)
    arguments = parser.parse_args()
    ways = {} if arguments.beside is None else {"beside": arguments.beside}
    ways |= {"here": ROOT}
    programs = ("harken", "NumPy", "OpenBLAS")
    with tempfile.TemporaryDirectory() as aside, conditions(arguments, programs) as found_conditions:
        folder = arguments.folder or Path(aside)
        runs = {f"{days:g}": _in_turns(days, ways, arguments, folder, Path(aside)) for days in arguments.days}
    content = {
        "conditions": found_conditions,
        "load_average_at_the_end": os.getloadavg(),
        "rate_hz": arguments.rate,
        "cores": arguments.cores,
        "days": {days: _fastest(of["here"]) for days, of in runs.items()},
        "actipy": _compared(runs, "actipy") if arguments.actipy else None,
        "beside": None
        if arguments.beside is None
        else {"git_commit": _commit(arguments.beside), "days": _compared(runs, "beside")},
    }
    write_result(arguments.json, command("speed.week"), content)


def _in_turns(days: float, ways: dict[str, Path], arguments: argparse.Namespace, folder: Path, aside: Path) -> Runs:
    """The runs of each program on one recording."""
    rate_hz = arguments.rate
    path = recorded(folder, days, rate_hz)
    with_actipy = arguments.actipy and days <= MOST_DAYS_OF_ACTIPY
    samples = aside / "times", aside / "axes"
    if with_actipy:
        in_a_process(write_samples, *samples, days, rate_hz, 0)
    runs: Runs = {}
    for _ in range(arguments.repeat):
        for name, checkout in ways.items():
            measured = _labelled(path, aside / name, arguments.cores, checkout)
            print(f"{days:g} days {name}:", measured, flush=True)
            runs.setdefault(name, []).append(measured)
        if with_actipy:
            measured = prepared("actipy", *samples, rate_hz, python=arguments.peers_python)
            runs.setdefault("actipy", []).append(measured)
    return runs


def recorded(folder: Path, days: float, rate_hz: float) -> Path:
    """A simulated recording in the folder, which is made if there is none."""
    path = folder / f"days_{days:g}_at_{rate_hz:g}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        print(f"simulating {days:g} days at {rate_hz:g} Hz", file=sys.stderr)
        in_a_process(write_recording, path, days, rate_hz)
    return path


def write_recording(path: Path, days: float, rate_hz: float) -> None:
    """Simulate a recording."""
    from harken.datasets.simulated import Simulation, write_simulation

    write_simulation(Simulation(days=days, sample_rate_hz=rate_hz), path)


def _commit(checkout: Path) -> str:
    words = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _fastest(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return min(runs, key=lambda one: one["wall_s"])


def _ratios(here: dict[str, Any], beside: dict[str, Any]) -> dict[str, float]:
    return {name: here[name] / beside[name] for name in ("wall_s", "cpu_s", "peak_mb")}


def _compared(runs: dict[str, Runs], beside: str) -> dict[str, Any]:
    """For each recording: the fastest run of another program, the ratios of ours to it, and the times of all runs."""
    return {
        days: {
            "fastest": _fastest(of[beside]),
            "ratios": _ratios(_fastest(of["here"]), _fastest(of[beside])),
            "wall_s": {name: [one["wall_s"] for one in of[name]] for name in (beside, "here")},
        }
        for days, of in runs.items()
        if beside in of
    }


def _labelled(path: Path, out: Path, cores: int, checkout: Path) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": str(cores)}
    environment["PYTHONPATH"] = str(checkout.resolve() / "src")
    words = [sys.executable, "-c", ONE, str(path), str(out), str(cores)]
    ended = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found | {"report_bytes": (out / "report.html").stat().st_size}


if __name__ == "__main__":
    main()
