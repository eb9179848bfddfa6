"""A simulated week at 100 Hz, from its file to timeline, bouts, days and report: time and memory of each stage.

    python -m benchmarks.speed.week [--days 1 7 28] [--rate 100] [--cores 2] [--folder DIR] [--json FILE] [--actipy]
        [--beside CHECKOUT] [--repeat 1]

Each recording is labelled by the packaged model in a process of its own, with everything that ``harken label`` does for
a single file: SHA-256 of the file, a first read to find what must be mended, statistics for calibration and non-wear,
the network over all windows in a thread for each core while the next windows are prepared, smoothing, and all files.
Seconds are measured after imports and loading the model, which are given apart. With ``--actipy``, ``preparation.py``
runs in the same call, on up to seven days, so that actipy's preparation alone can be compared with all of this. With
``--beside``, another checkout of harken labels each recording right before this one, ``--repeat`` times in turns, and
the fastest run of each is compared.

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

from benchmarks.paths import ROOT, command
from harken.evaluation.benchmark.machine import made_with
from harken.simulation import Simulation, write_simulation
from harken.support.files import write_text

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
    """Simulate, label, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, nargs="+", default=[1, 7, 28])
    parser.add_argument("--rate", type=float, default=100.0, help="samples per second")
    parser.add_argument("--cores", type=int, choices=(1, 2), default=2)
    parser.add_argument("--folder", type=Path, default=None, help="keep the simulated recordings here")
    parser.add_argument("--actipy", action="store_true", help="also run preparation.py")
    parser.add_argument("--beside", type=Path, help="another checkout of harken, to compare with")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the fastest counts")
    parser.add_argument("--json", type=Path, default=None, help="write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = arguments.folder or Path(aside)
        folder.mkdir(parents=True, exist_ok=True)
        ways = {} if arguments.beside is None else {"beside": arguments.beside}
        ways |= {"here": ROOT}
        found, compared = {}, {}
        for days in arguments.days:
            path = folder / f"days_{days:g}_at_{arguments.rate:g}.parquet"
            if not path.exists():
                print(f"simulating {days:g} days at {arguments.rate:g} Hz", file=sys.stderr)
                write_simulation(Simulation(days=days, sample_rate_hz=arguments.rate), path)
            runs: dict[str, list[dict[str, Any]]] = {}
            for _ in range(arguments.repeat):
                for name, checkout in ways.items():
                    measured = _labelled(path, Path(aside) / name, arguments.cores, checkout)
                    _print(f"{days:g} days {name}", measured)
                    runs.setdefault(name, []).append(measured)
            best = {name: min(of, key=lambda one: one["wall_s"]) for name, of in runs.items()}
            found[f"{days:g}"] = best["here"]
            if "beside" in best:
                compared[f"{days:g}"] = _compared(best["here"], best["beside"], runs)
                print({name: round(ratio, 3) for name, ratio in compared[f"{days:g}"]["ratios"].items()}, flush=True)
        beside = _actipy(min(7.0, max(arguments.days)), arguments.rate, Path(aside)) if arguments.actipy else None
    result = {
        "command": command("speed.week", sys.argv[1:]),
        "made_with": made_with(),
        "load_average_at_the_end": os.getloadavg(),
        "rate_hz": arguments.rate,
        "cores": arguments.cores,
        "days": found,
        "preparation": beside,
        "beside": None if arguments.beside is None else {"git_commit": _commit(arguments.beside), "days": compared},
    }
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


def _commit(checkout: Path) -> str:
    words = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _compared(here: dict[str, Any], beside: dict[str, Any], runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The fastest run of the other checkout, the ratios of this one to it, and the times of all runs."""
    return {
        "fastest": beside,
        "ratios": {name: here[name] / beside[name] for name in ("wall_s", "cpu_s", "peak_mb")},
        "wall_s": {name: [one["wall_s"] for one in of] for name, of in runs.items()},
    }


def _labelled(path: Path, out: Path, cores: int, checkout: Path) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": str(cores)}
    environment["PYTHONPATH"] = str(checkout.resolve() / "src")
    words = [sys.executable, "-c", ONE, str(path), str(out), str(cores)]
    ended = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found | {"report_bytes": (out / "report.html").stat().st_size}


def _actipy(days: float, rate_hz: float, folder: Path) -> Any:
    written = folder.resolve() / "preparation.json"
    words = [sys.executable, "-m", "benchmarks.speed.preparation", "--days", f"{days:g}", "--rate", f"{rate_hz:g}"]
    subprocess.run([*words, "--json", str(written)], check=True, cwd=ROOT)
    return json.loads(written.read_text(encoding="utf-8"))


def _print(name: str, measured: dict[str, Any]) -> None:
    print(f"{name}: {measured['wall_s']:.1f} s ({measured['cpu_s']:.1f} s CPU), at most {measured['peak_mb']:.0f} MB")
    for stage, took in measured["stages"].items():
        print(f"  {stage:<8} {took['wall_s']:7.1f} s {took['cpu_s']:7.1f} s CPU")
    print(
        f"  report.html {measured['report_bytes'] / 1e6:.2f} MB; imports and model before all this: "
        f"{measured['loading_s']:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
