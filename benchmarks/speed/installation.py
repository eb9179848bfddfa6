"""What an installation takes: megabytes on disk, and seconds and memory of short commands and of the first label.

    python -m benchmarks.speed.installation [--checkout DIR] [--beside DIR] [--extra NAME] [--repeat 7] [--json FILE]

``pip install CHECKOUT`` makes a fresh virtual environment, and with ``--beside`` a second one of another checkout. An
environment's size is that of all its files, without the links to Python itself; sizes of packages are those of the
files that pip recorded, with compiled bytecode. Then these run in turns, after one run that is not counted:

- ``harken --help``;
- ``harken inspect`` of a CSV file with ten simulated minutes at 50 Hz;
- ``harken label`` of that file, to a folder;
- in Python, from before ``import harken`` to the first probabilities of ``Recogniser.load().predict_proba``.

Wall seconds are of the whole process, except in Python. Medians are compared, and memory is the largest resident set.
Only the standard library is imported before the measurement ends, because Linux counts a parent's peak memory for its
children.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.paths import ROOT, command

MINUTES, RATE_HZ = 10, 50
LARGEST = 10
"""Packages that are listed by name."""
INSTALLERS = ("pip", "setuptools")
SIZES = """
import json
from importlib.metadata import distributions
print(json.dumps({one.name: sum(file.stat().st_size for file in map(one.locate_file, one.files or []) if file.is_file())
                  for one in distributions()}))
"""
FIRST_PROBABILITIES = """
import time
began = time.perf_counter()
import numpy as np
from harken import Recogniser, Windows
recogniser = Recogniser.load()
of = recogniser.specification_
recogniser.predict_proba(Windows(
    signals=np.zeros((1, of.window_length, len(of.channels)), np.float32), label_codes=np.zeros(1, np.int16),
    label_names=("none",), subjects=np.array(["nobody"]), starts_ns=np.zeros(1, np.int64),
    start_rows=np.zeros(1, np.int64), channels=of.channels, sample_rate_hz=of.sample_rate_hz))
print(time.perf_counter() - began)
"""


class Environment:
    """A fresh virtual environment with harken from a checkout."""

    def __init__(self, checkout: Path, folder: Path, extra: str | None) -> None:
        self.checkout = checkout
        self.python, self.harken = folder / "bin" / "python", folder / "bin" / "harken"
        venv.create(folder, with_pip=True)
        wanted = str(checkout.resolve()) + (f"[{extra}]" if extra else "")
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", wanted], check=True)
        self.runs: dict[str, list[dict[str, float]]] = {}
        self.size = self._size(folder)

    def _size(self, folder: Path) -> dict[str, Any]:
        """Megabytes (10^6 bytes) of everything, without the installers, and of the largest packages."""
        files = [path for path in folder.rglob("*") if not path.is_symlink() and path.is_file()]
        total = sum(path.stat().st_size for path in files)
        packages = package_sizes(self.python)
        installers = sum(packages.get(name, 0) for name in INSTALLERS)
        largest = sorted(packages, key=lambda name: -packages[name])[:LARGEST]
        return {
            "mb": total / 1e6,
            "mb_without_installers": (total - installers) / 1e6,
            "packages": len(packages),
            "largest_mb": {name: packages[name] / 1e6 for name in largest},
        }

    def run(self, recording: Path, out: Path) -> None:
        """Run everything once and note it."""
        words: dict[str, list[str | Path]] = {
            "help": [self.harken, "--help"],
            "inspect": [self.harken, "inspect", recording],
            "label": [self.harken, "label", recording, "--out", out],
            "first_probabilities": [self.python, "-c", FIRST_PROBABILITIES],
        }
        for name, of in words.items():
            self.runs.setdefault(name, []).append(measured(of))

    def found(self) -> dict[str, Any]:
        """Everything, for JSON."""
        counted = {name: runs[1:] for name, runs in self.runs.items()}
        return {
            "git_commit": git_commit(self.checkout),
            **self.size,
            "median": {
                name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
                for name, runs in counted.items()
            },
            "runs": counted,
        }


def package_sizes(python: Path) -> dict[str, int]:
    """The bytes of each package that this Python has, by name."""
    listed = subprocess.run([python, "-c", SIZES], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, int] = json.loads(listed.stdout)
    return found


def measured(words: Sequence[str | Path]) -> dict[str, float]:
    """Wall and processor seconds and the peak memory of a command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HARKEN_"))}
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=printed, stderr=errors, env=kept)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it
        printed.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(map(str, words))} failed:\n{errors.read()}")
        if "-c" in words:
            wall_s = float(printed.read())
    unit = 1 if sys.platform == "darwin" else 1024
    return {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss * unit / 1e6}


def git_commit(checkout: Path) -> str:
    """The commit of a checkout, with ``+ changes`` if there are any."""
    git = ["git", "-C", str(checkout), "--no-optional-locks"]
    said = [
        subprocess.run([*git, *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        for words in (("rev-parse", "HEAD"), ("status", "--porcelain"))
    ]
    return said[0] + (" + changes" if said[1] else "")


def table(environments: dict[str, dict[str, Any]]) -> str:
    """The printed table."""
    lines = [f"{'':24}" + "".join(f"{name:>24}" for name in environments)]
    for key in ("mb", "mb_without_installers"):
        lines.append(f"{key:24}" + "".join(f"{of[key]:>24,.0f}" for of in environments.values()))
    for name in next(iter(environments.values()))["median"]:
        medians = [of["median"][name] for of in environments.values()]
        shown = [f"{of['wall_s']:.2f} s, {of['peak_mb']:.0f} MB" for of in medians]
        lines.append(f"{name:24}" + "".join(f"{text:>24}" for text in shown))
    for name, of in environments.items():
        largest = ", ".join(f"{package} {mb:.1f}" for package, mb in of["largest_mb"].items())
        lines.append(f"largest packages {name}, MB: {largest}")
    return "\n".join(lines)


def main() -> None:
    """Install, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="of harken; this one by default")
    parser.add_argument("--beside", type=Path, help="another checkout, to compare with")
    parser.add_argument("--extra", help="install this extra, too, such as train")
    parser.add_argument("--repeat", type=int, default=7, help="runs of each, of which the median counts")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    checkouts = {"here": arguments.checkout} | ({"beside": arguments.beside} if arguments.beside else {})
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        recording = folder / "small.csv"
        made = {name: Environment(of, folder / name, arguments.extra) for name, of in checkouts.items()}
        simulated = ["simulate", "--days", str(MINUTES / 1440), "--rate", str(RATE_HZ), "--out", str(recording)]
        subprocess.run([made["here"].harken, *simulated], check=True, stdout=subprocess.DEVNULL)
        for _ in range(1 + arguments.repeat):
            for environment in made.values():
                with tempfile.TemporaryDirectory() as out:  # files that are already labelled are skipped
                    environment.run(recording, Path(out) / "labels")
    environments = {name: environment.found() for name, environment in made.items()}
    print(table(environments))
    if arguments.json:
        from harken.evaluation.benchmark.machine import made_with

        result = {
            "command": command("speed.installation", sys.argv[1:]),
            "made_with": made_with(),
            "load_average": os.getloadavg(),
            "extra": arguments.extra,
            "repeat": arguments.repeat,
            "environments": environments,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
