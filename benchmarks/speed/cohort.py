"""Many simulated one-day files, labelled one at a time, in two processes, and on a Dask cluster of two workers.

    python -m benchmarks.speed.cohort [--files 200] [--days 1] [--rate 50] [--lanes 2] [--folder DIR] [--json FILE]

Every file is the day of a different wearer. The packaged model labels them with everything that ``harken label`` does.
Seconds count from the start of the command to its last table, so they include the start of processes, but not that of
the Dask cluster, which runs before. The results of the three runs are compared byte by byte.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.paths import command
from harken.evaluation.benchmark.machine import made_with
from harken.simulation import Simulation, write_simulation
from harken.support.files import write_text

COMPARED = ("timeline.parquet", "bouts.csv", "days.csv")
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def main() -> None:
    """Simulate, label three times, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--days", type=float, default=1.0, help="of each file")
    parser.add_argument("--rate", type=float, default=50.0, help="samples per second")
    parser.add_argument("--lanes", type=int, default=2, help="processes, and workers of the cluster")
    parser.add_argument("--folder", type=Path, default=None, help="keep the simulated files here")
    parser.add_argument("--json", type=Path, default=None, help="write the result here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = arguments.folder or Path(aside) / "files"
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"person_{number:03d}" for number in range(arguments.files)]
        for number, name in enumerate(names):
            if not (folder / f"{name}.parquet").exists():
                simulation = Simulation(days=arguments.days, sample_rate_hz=arguments.rate, person=number)
                write_simulation(simulation, folder / f"{name}.parquet")
        files = [folder / f"{name}.parquet" for name in names]
        seconds, outs = {}, {}
        ways: dict[str, list[str]] = {
            "one process": ["--workers", "1"],
            "processes": ["--workers", str(arguments.lanes)],
        }
        for way, options in ways.items():
            outs[way] = Path(aside) / way.replace(" ", "_")
            seconds[way] = _seconds(files, outs[way], options)
        with _cluster(Path(aside), arguments.lanes) as address:
            outs["dask"] = Path(aside) / "dask"
            seconds["dask"] = _seconds(files, outs["dask"], ["--scheduler", address])
        same = all(
            (outs["one process"] / name / file).read_bytes() == (out / name / file).read_bytes()
            for out in outs.values()
            for name in names
            for file in COMPARED
        )
    for way, took in seconds.items():
        print(f"{way:<12} {took:8.1f} s  {seconds['one process'] / took:.2f} x")
    print(f"the same results: {same}")
    result = {
        "command": command("speed.cohort", sys.argv[1:]),
        "made_with": made_with(),
        "load_average_at_the_end": os.getloadavg(),
        "files": arguments.files,
        "days": arguments.days,
        "rate_hz": arguments.rate,
        "lanes": arguments.lanes,
        "seconds": seconds,
        "speed_up": {way: seconds["one process"] / took for way, took in seconds.items()},
        "same_results": same,
    }
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


def _seconds(files: list[Path], out: Path, options: list[str]) -> float:
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, "-m", "harken", "label", *map(str, files), "--out", str(out), "--json", *options]
    began = time.perf_counter()
    subprocess.run(words, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[str]:
    """A scheduler and workers with one thread each, in processes of their own. Yields the scheduler's address."""
    address_file = folder / "scheduler.json"
    common = ["--scheduler-file", str(address_file), "--no-dashboard"]
    commands = [["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common]]
    commands += [["distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *common]] * workers
    processes = []
    try:
        for words in commands:
            processes.append(
                subprocess.Popen([sys.executable, "-m", *words], cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
            )
        while not address_file.exists():
            time.sleep(0.1)
        distributed = importlib.import_module("distributed")
        address: str = json.loads(address_file.read_text(encoding="utf-8"))["address"]
        with distributed.Client(address) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
