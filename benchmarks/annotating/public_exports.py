"""Labels and recordings that others published: which of them does harken read, and why not the rest?

    git clone https://github.com/bids-standard/bids-examples CLONES/bids-examples        (and the others of SOURCES)
    python -m benchmarks.annotating.public_exports CLONES [--json FILE]

The readers of these formats were written from documentation. Here they read real files: events of BIDS, label tracks of
Audacity, exports of ELAN, annotations of Sensor Logger, and recordings of an Apple Watch by Sensor Logger. Of the last
there are two files for each recording, one of which the app composed from gravity and movement. They must agree with
one another in units, signs and times. Nothing is copied from the repositories but counts. Only files of one commit are
read, and one with the same content as another only once. Files whose content a partial clone lacks count as missing.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

import harken
from benchmarks.paths import RESULTS, command
from harken.annotations.registry import read_annotations
from harken.evaluation.benchmark.directory import json_text
from harken.evaluation.benchmark.machine import made_with
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.files import write_text

COMPOSED, RAW = "WristMotion.csv", "WatchAccelerometerUncalibrated.csv"
GRID_NS = 10_000_000
MOST_REASONS = 8


@dataclass(frozen=True)
class Source:
    """Files of one kind in a public repository.

    Attributes:
        repository: its owner and name on GitHub. The clone is in a folder of this name without the owner.
        kind: what the files are.
        pattern: a regular expression for the whole path of each file.
        revision: the commit, as git names it: the clone's last one, or an earlier one if the files were moved away.
    """

    repository: str
    kind: str
    pattern: str
    revision: str = "HEAD"

    @property
    def name(self) -> str:
        """The folder of the clone."""
        return self.repository.partition("/")[2]


LABELS = (
    Source("bids-standard/bids-examples", "events of BIDS", r".*_events\.tsv"),
    Source("vocalpy/crowsetta", "label tracks of Audacity", r".*\.audacity\.txt"),
    Source(
        "joneavila/dissatisfaction-models",
        "exports of ELAN",
        r"annotations/.*\.txt",
        "HEAD^{/Move annotations to corpus repo}^",
    ),
    Source("Maxdeboer9/ML4QS-Python3", "annotations of Sensor Logger", r"(.*/)?Annotations?2?\.csv"),
)
WATCHES = Source("tinawan110/SwimmingData", "recordings of an Apple Watch by Sensor Logger", rf".*({COMPOSED}|{RAW})")
SOURCES = (*LABELS, WATCHES)


def files_of(clone: Path, source: Source) -> dict[str, str]:
    """The path of each file of the source's commit, with its object; one path for each object."""
    lines = git(clone, "ls-tree", "-r", source.revision).decode().splitlines()
    found = {}
    for line in lines:
        (_, _, key), path = line.partition("\t")[0].split(), line.partition("\t")[2]
        if re.fullmatch(source.pattern, path):
            found[key] = path
    return {path: key for key, path in found.items()}


def contents(clone: Path, files: Mapping[str, str]) -> Iterator[tuple[str, bytes | None]]:
    """Each path with the content of its file, which is None if the clone does not have it."""
    for path, key in files.items():
        asked = subprocess.run(["git", "-C", clone, "cat-file", "blob", key], capture_output=True, check=False)
        yield path, asked.stdout if asked.returncode == 0 else None


def git(clone: Path, *words: str) -> bytes:
    """What git prints.

    Raises:
        SystemExit: when the folder is no clone.
    """
    asked = subprocess.run(["git", "-C", clone, *words], capture_output=True, check=False)
    if asked.returncode:
        sys.exit(f"{clone}: {asked.stderr.decode().strip()}; clone the repository there")
    return asked.stdout


def reason_of(error: HarkenError, path: Path) -> str:
    """The message without the file, the line and numbers."""
    text = str(error).replace(str(path), "").lstrip(":, ")
    return re.sub(r"\d+", "N", re.sub(r"^line \d+: ", "", text))


def measure_labels(source: Source, clone: Path, folder: Path) -> dict[str, Any]:
    """How many files of labels are read, as which format, and why others are refused."""
    formats: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    missing = labels = 0
    for name, content in contents(clone, files_of(clone, source)):
        if content is None:
            missing += 1
            continue
        path = folder / PurePosixPath(name).name
        path.write_bytes(content)
        try:
            found = read_annotations(path)
            formats[f"{found.format}, {'points' if found.points else 'intervals'}"] += 1
            labels += len(found.entries)
        except HarkenError as error:
            refused[reason_of(error, path)] += 1
        path.unlink()
    return {
        "files": sum(formats.values()) + sum(refused.values()),
        "read": dict(formats.most_common()),
        "labels": labels,
        "refused": dict(refused.most_common(MOST_REASONS)),
        "missing": missing,
    }


def measure_watches(clone: Path, folder: Path) -> dict[str, Any]:
    """How many recordings are read, and how the two files of each agree."""
    missing = 0
    refused: Counter[str] = Counter()
    read: dict[tuple[str, str], Recording] = {}
    for name, content in contents(clone, files_of(clone, WATCHES)):
        if content is None:
            missing += 1
            continue
        kind = COMPOSED if name.endswith(COMPOSED) else RAW
        path = folder / kind  # the app's own name
        path.write_bytes(content)
        try:
            read[name.removesuffix(kind), kind] = harken.read(path)
        except HarkenError as error:
            refused[reason_of(error, path)] += 1
        path.unlink()
    pairs = [
        agreement(recording, read[name, RAW])
        for (name, kind), recording in read.items()
        if kind == COMPOSED and (name, RAW) in read
    ]
    correlations = np.array([pair[:3] for pair in pairs])
    return {
        "files": len(read) + sum(refused.values()),
        "read": dict(Counter(kind for _, kind in read)),
        "seconds": round(sum(recording.span_s for (_, kind), recording in read.items() if kind == RAW)),
        "refused": dict(refused),
        "missing": missing,
        "pairs": len(pairs),
        "correlation_of_x_y_z": {
            "lowest": correlations.min(axis=0).round(3).tolist(),
            "median": np.median(correlations, axis=0).round(3).tolist(),
        },
        "rms_difference_g": {"median": round(float(np.median([pair[3] for pair in pairs])), 3)},
    }


def agreement(one: Recording, other: Recording) -> tuple[float, float, float, float]:
    """The correlations of x, y and z of two recordings over their common time, and the RMS difference in g."""
    start = max(one.time_ns[0], other.time_ns[0])
    grid = np.arange(start, min(one.time_ns[-1], other.time_ns[-1]), GRID_NS)
    a, b = (_at(recording, grid, start) for recording in (one, other))
    x, y, z = (float(np.corrcoef(a[:, axis], b[:, axis])[0, 1]) for axis in range(3))
    return x, y, z, float(np.sqrt(np.mean((a - b) ** 2)))


def _at(recording: Recording, grid_ns: NDArray[np.int64], start_ns: np.int64) -> NDArray[np.float64]:
    columns = [recording.channels.index(axis) for axis in "xyz"]
    at = (recording.time_ns - start_ns) / 1e9
    return np.column_stack([np.interp((grid_ns - start_ns) / 1e9, at, recording.signals[:, i]) for i in columns])


def main() -> None:
    """Read the files of all clones, print the counts and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clones", type=Path, help="the folder of the clones: " + ", ".join(one.name for one in SOURCES))
    parser.add_argument("--json", type=Path, default=RESULTS / "public_exports.json")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in SOURCES:
            clone = arguments.clones / source.name
            commit = git(clone, "rev-parse", source.revision).decode().strip()
            measured = (
                measure_watches(clone, Path(folder))
                if source is WATCHES
                else measure_labels(source, clone, Path(folder))
            )
            found[source.kind] = {"repository": source.repository, "commit": commit, **measured}
            print(f"{source.kind} ({source.repository}): {measured}")
    result = {"command": command("annotating.public_exports", sys.argv[1:]), "made_with": made_with(), **found}
    write_text(arguments.json, json_text(result))


if __name__ == "__main__":
    main()
