"""Real files of research watches, read by harken and by other readers that install without Java.

    python -m benchmarks.speed.device_reading [FILE...] [--rounds 5] [--json FILE]

Without files, all ``.cwa``, ``.gt3x`` and GENEActiv ``.bin`` files of at least 1 MB in ``HARKEN_DATA/devices`` are
read. Each reader runs in a process of its own with one thread. The result is the best of some rounds, after one
warm-up. harken gives a mended recording in UTC (blocks checked, gaps kept, a stuck sensor marked); ``open_stream``
gives the same as a stream that is read to its end. The other readers give less. A reader that fails, or gives no
samples of the accelerometer, is named with the reason.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text

LEAST_BYTES = 1_000_000
READERS = {
    "harken": ("harken", "from harken import read\ndef reading(path): return len(read(path))"),
    "harken, as a stream": (
        "harken",
        "from harken.readers import open_stream\n"
        "def reading(path): return sum(len(part.time_ns) for part in open_stream(path).samples())",
    ),
    "cwa-reader-rs": (
        "cwa_reader_rs",
        "import cwa_reader_rs\ndef reading(path): return len(cwa_reader_rs.read_cwa_file(path))",
    ),
    "actfast": (
        "actfast",
        "import actfast\n"
        "def reading(path):\n"
        "    tables = actfast.read(path, lenient=True)['timeseries']\n"
        "    return len(tables.get('high_frequency', {}).get('datetime', ()))",
    ),
    "pygt3x": (
        "pygt3x",
        "from pygt3x.reader import FileReader\n"
        "def reading(path):\n"
        "    with FileReader(path) as reader: return len(reader.to_pandas())",
    ),
    "scikit-digital-health": (
        "skdh",
        "from skdh.io import ReadCwa, ReadBin\n"
        "def reading(path): return len((ReadCwa() if path.endswith('cwa') else ReadBin()).predict(file=path)['time'])",
    ),
}
KINDS = {
    ".cwa": ("harken", "harken, as a stream", "cwa-reader-rs", "actfast", "scikit-digital-health"),
    ".gt3x": ("harken", "harken, as a stream", "actfast", "pygt3x"),
    ".bin": ("harken", "harken, as a stream", "actfast", "scikit-digital-health"),
}
TIMING = """
import json, sys, time
path, rounds = sys.argv[1], int(sys.argv[2])
samples, best = reading(path), []
for _ in range(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    samples = reading(path)
    best.append((time.process_time() - cpu, time.perf_counter() - wall))
print(json.dumps({"samples": samples, "cpu_s": min(each[0] for each in best), "wall_s": min(each[1] for each in best)}))
"""


def main() -> None:
    """Read, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=None, help="write the result here")
    arguments = parser.parse_args()
    files = arguments.files or _real_files()
    found: dict[str, dict[str, Any]] = {}
    for path in files:
        found[path.name] = {}
        for name in KINDS[path.suffix.lower()]:
            module, code = READERS[name]
            measured = _measured(path, code, arguments.rounds) if find_spec(module) else {"failed": "not installed"}
            found[path.name][name] = measured
            text = measured.get("failed") or f"{measured['cpu_s']:8.3f} s CPU  {measured['samples']:>12,} samples"
            print(f"{path.name:<36} {name:<22} {text}", flush=True)
    if arguments.json is not None:
        content = {
            "command": "python -m benchmarks.speed.device_reading",
            "made_with": made_with(),
            "load_average_at_the_end": os.getloadavg(),
            "files": found,
        }
        write_text(arguments.json, json.dumps(content, indent=2) + "\n")


def _real_files() -> list[Path]:
    folder = os.environ.get("HARKEN_DATA")
    if not folder:
        raise SystemExit("name files, or set HARKEN_DATA to the folder of real recordings")
    each = sorted((Path(folder) / "devices").iterdir())
    return [path for path in each if path.suffix in KINDS and path.stat().st_size >= LEAST_BYTES]


def _measured(path: Path, code: str, rounds: int) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", f"{code}\n{TIMING}", str(path), str(rounds)]
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return {"failed": "ran for more than ten minutes"}
    if ended.returncode != 0:
        return {"failed": (ended.stderr.strip().splitlines() or ["died"])[-1][:200]}
    measured: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return measured if measured["samples"] else {"failed": "gave no samples"}


if __name__ == "__main__":
    main()
