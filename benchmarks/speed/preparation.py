"""Preparation of a simulated week (calibration, non-wear, resampling without aliases), beside actipy's functions.

    python -m benchmarks.speed.preparation [--days 7] [--rate 100] [--rounds 1] [--json FILE]

The samples are those of ``harken simulate``: a clock with jitter, gaps, a sensor with offset and gain. They are in two
binary files (times in nanoseconds; x, y and z in g), from which both programs start.

harken reads them twice in blocks: once for the statistics of ten seconds from which calibration and non-wear are
computed, and once to resample to 30 Hz by the clock and to calibrate the result. actipy reads them into one table and
runs ``actipy.processing``'s ``lowpass`` (20 Hz), ``calibrate_gravity``, ``flag_nonwear`` and ``resample`` (30 Hz, the
nearest sample), with its own defaults, and in place where its own reader works in place.

Each program has a process of its own with one thread, and the measurement starts after its imports. Compare the CPU
seconds (user and system): other work on the machine changes them little, unlike the wall seconds.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from benchmarks.command import command, options_of, write_result

NEW_RATE_HZ = 30.0
RATIOS = ("user", "cpu")
ROWS_AT_ONCE = 1 << 16
ENDING = """
used = resource.getrusage(resource.RUSAGE_SELF)
wall_s = time.perf_counter() - began
user_s, system_s = used.ru_utime - before.ru_utime, used.ru_stime - before.ru_stime
found |= {"wall_s": wall_s, "user_s": user_s, "system_s": system_s, "cpu_s": user_s + system_s,
          "peak_mb": used.ru_maxrss / (2**20 / unit)}
print(json.dumps(found))
"""
BEGINNING = """
import json, resource, sys, time
unit = 1 if sys.platform == "darwin" else 1024
times, axes, rate, new_rate, rows = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:5]), int(sys.argv[5])
"""
STARTING = "before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()\n"
HARKEN = (
    """
import numpy as np
from harken.signals import MovementStatistics, Resampler, Samples, gravity_calibration, non_wear, worn
import scipy.ndimage
"""
    + STARTING
    + """
def blocks():
    with open(times, "rb") as time_file, open(axes, "rb") as axes_file:
        while len(time_ns := np.fromfile(time_file, np.int64, rows)):
            signals = np.fromfile(axes_file, np.float32, 3 * rows).reshape(-1, 3)
            codes = np.full(len(time_ns), -1, np.int16)
            yield Samples(time_ns, signals, codes, np.ones(len(time_ns), bool))

statistics = MovementStatistics()
for block in blocks():
    statistics.push(block)
movement = statistics.finish()
calibration, off = gravity_calibration(movement), non_wear(movement)
resampler = Resampler(new_rate, source_rate_hz=rate)
samples, not_worn = 0, 0
def take(new):
    global samples, not_worn
    signals = calibration.apply(new.signals)
    samples += len(signals)
    not_worn += int((~worn(new.time_ns, off)).sum())
for block in blocks():
    for first in range(0, len(block.time_ns), resampler.rows_at_once):
        take(resampler.push(block.part(first, first + resampler.rows_at_once)))
take(resampler.flush())
found = {"samples": samples, "non_wear_h": not_worn / new_rate / 3600, "error_after_mg": calibration.error_after_mg}
"""
)
ACTIPY = (
    """
import numpy as np, pandas as pd
from actipy import processing
"""
    + STARTING
    + """
axes = np.fromfile(axes, np.float32).reshape(-1, 3)
data = pd.DataFrame({name: np.ascontiguousarray(axes[:, k]) for k, name in enumerate("xyz")},
                    index=pd.DatetimeIndex(np.fromfile(times, np.int64)), copy=False)
del axes
data, _ = processing.lowpass(data, rate, 20, _inplace=True)
data, calibrated = processing.calibrate_gravity(data, _inplace=True)
data, off = processing.flag_nonwear(data, _inplace=True)
data, _ = processing.resample(data, new_rate)
found = {"samples": len(data), "non_wear_h": 24 * off["NonwearTime(days)"],
         "error_after_mg": float(calibrated["CalibErrorAfter(mg)"])}
"""
)
CONTESTANTS = {"harken": HARKEN, "actipy": ACTIPY}


def write_samples(times: Path, axes: Path, days: float, rate_hz: float, seed: int) -> None:
    """The samples of one simulated wearer, block by block."""
    from harken.datasets.simulated import Simulation

    simulation = Simulation(days=days, sample_rate_hz=rate_hz, seed=seed)
    with times.open("wb") as time_file, axes.open("wb") as axes_file:
        for first in range(0, simulation.rows, ROWS_AT_ONCE):
            samples = simulation.samples(first, min(first + ROWS_AT_ONCE, simulation.rows))
            samples.time_ns.tofile(time_file)
            samples.signals.tofile(axes_file)


def in_a_process(function: Callable[..., None], *arguments: object) -> None:
    """Call a function in a process of its own, because Linux counts a parent's peak memory for its later children."""
    process = get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{function.__name__} failed")


def prepared(name: str, times: Path, axes: Path, rate_hz: float, *, python: str = sys.executable) -> dict[str, float]:
    """One contestant, once, in a process of its own, with the Python that has it."""
    program = [python, "-c", BEGINNING + CONTESTANTS[name] + ENDING]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    ran = subprocess.run(
        [*program, str(times), str(axes), str(rate_hz), str(NEW_RATE_HZ), str(ROWS_AT_ONCE)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | threads,
    )
    if ran.returncode:
        sys.exit(f"{name} failed:\n{ran.stderr}")
    measured: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Measure and write."""
    parser = options_of(__doc__, None, days=7.0, rate=100.0, seed=0, rounds=1)
    arguments = parser.parse_args()
    names = [name for name in CONTESTANTS if find_spec(name)]
    if "actipy" not in names:
        print("actipy is not installed (pip install actipy), so only harken is measured", file=sys.stderr)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        times, axes = Path(folder) / "times", Path(folder) / "axes"
        in_a_process(write_samples, times, axes, arguments.days, arguments.rate, arguments.seed)
        samples = times.stat().st_size // 8
        for _ in range(arguments.rounds):
            for name in names:
                rounds[name].append(prepared(name, times, axes, arguments.rate))

    results = {name: {key: median(one[key] for one in each) for key in each[0]} for name, each in rounds.items()}
    pairs = list(zip(rounds["harken"], rounds.get("actipy", ()), strict=False))
    ratios = {key: median(theirs[f"{key}_s"] / ours[f"{key}_s"] for ours, theirs in pairs) for key in RATIOS if pairs}
    content = {
        "samples": samples,
        "load_average": os.getloadavg(),
        "results": results,
        "rounds": rounds,
        "actipy_over_harken": ratios,
    }
    write_result(arguments.json, command("speed.preparation"), content)


if __name__ == "__main__":
    main()
