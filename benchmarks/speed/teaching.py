"""How much longer a study takes when everybody in it is taught: ``harken label --teach`` beside ``harken label``.

    python -m benchmarks.speed.teaching [--people 20] [--days 1] [--rate 50] [--repeat 2] [--workers 2] [--json FILE]

Everybody is simulated, begins the recording with forty seconds of each activity, and has a file of labels beside it.
The two commands take turns, each in a process of its own and into an empty folder, ``--repeat`` times, and the fastest
run of each is compared. Seconds on the clock and of the processor, with the start of Python and of the workers.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.command import command, options_of, write_result
from harken.annotations.folders import side_file

WAYS: dict[str, tuple[str, ...]] = {"not_taught": (), "taught": ("--teach",)}
LABELLED_S, EDGE_S = 40, 5
"""The seconds of each activity that are labelled, and those at the beginning of a bout that are not."""


class Seconds(NamedTuple):
    """How long a command took, with its workers."""

    wall_s: float
    processor_s: float


def main() -> None:
    """Simulate, label in turns, and write."""
    parser = options_of(__doc__, "teaching_speed.json", people=20, days=1.0, rate=50.0, repeat=2, workers=2)
    arguments = parser.parse_args()
    runs: dict[str, list[Seconds]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as aside:
        study = Path(aside) / "study"
        study.mkdir()
        write_study(study, arguments.people, arguments.days, arguments.rate)
        for turn in range(arguments.repeat):
            for way, options in WAYS.items():
                out = Path(aside) / f"{way}_{turn}"
                words = ("label", study, "--out", out, "--workers", arguments.workers, *options)
                runs[way].append(measure(*words))
                print(f"{way}: {runs[way][-1]}", flush=True)
        kept = count_kept(Path(aside) / "taught_0")
    plain, taught = (Seconds(*map(min, zip(*runs[way], strict=True))) for way in WAYS)
    content: dict[str, Any] = {
        "people": arguments.people,
        "days": arguments.days,
        "rate_hz": arguments.rate,
        "workers": arguments.workers,
        "personal_models": kept,
        "runs": {way: [measured._asdict() for measured in of_way] for way, of_way in runs.items()},
        "taught_to_not_taught": {
            "wall": taught.wall_s / plain.wall_s,
            "processor": taught.processor_s / plain.processor_s,
        },
    }
    write_result(arguments.json, command("speed.teaching"), content)


def write_study(folder: Path, people: int, days: float, rate_hz: float) -> None:
    """Write simulated recordings, and a file of labels beside each."""
    path = folder / "wearer.parquet"
    measure("simulate", "--people", people, "--days", days, "--rate", rate_hz, "--out", path)
    for truth in sorted(folder.glob("*.truth.parquet")):
        recording = truth.with_name(truth.name.replace(".truth", ""))
        write_labels(recording, pl.read_parquet(truth))
        truth.unlink()


def write_labels(recording: Path, truth: pl.DataFrame) -> None:
    """Let a simulated wearer begin with some time of each activity, copied from later in the day, and label it."""
    samples = pl.read_parquet(recording)
    times_s = samples["Timestamp"].to_numpy() / 1e9
    length_s = LABELLED_S + 2 * EDGE_S
    seconds = (pl.col("end") - pl.col("start")).dt.total_seconds()
    long = truth.drop_nulls("label").filter(seconds >= length_s)
    bouts = long.unique("label", keep="first", maintain_order=True).select("start", "label")
    length = int(np.searchsorted(times_s, times_s[0] + length_s))
    rows = ["start,end,label"]
    parts = []
    for number, (start, label) in enumerate(bouts.iter_rows()):
        first = int(np.searchsorted(times_s, start.timestamp()))
        parts.append(samples[first : first + length].select("X", "Y", "Z"))
        start_s = times_s[number * length] + EDGE_S
        rows.append(f"{start_s:.3f},{start_s + LABELLED_S:.3f},{label}")
    routine = pl.concat(parts)
    moved = pl.concat([routine, samples[routine.height :].select("X", "Y", "Z")])
    samples.select("Timestamp", "Subject").hstack(moved).write_parquet(recording)
    side_file(recording).write_text("\n".join(rows) + "\n", encoding="utf-8")


def measure(*words: object) -> Seconds:
    """Run a command of harken, and measure it with its workers."""
    used_s, began_s = read_processor_s(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "harken", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return Seconds(round(time.perf_counter() - began_s, 2), round(read_processor_s() - used_s, 2))


def read_processor_s() -> float:
    """Read the processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count_kept(out: Path) -> int:
    """Count the personal models that are used."""
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/summary.json")]
    return sum(summary["taught"] is not None and summary["taught"]["kept"] for summary in summaries)


if __name__ == "__main__":
    main()
