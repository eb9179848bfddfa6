"""The made-up files that are too long to be stored. What is special about each stands after a first block or piece."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from actigraph_files import RATE, export_header
from research_watches import geneactiv
from tables import START_MS, acceleration, write

START = datetime(2018, 2, 20, 23, 46, 40, tzinfo=UTC)
ROWS = 125_000
"""Rows that take more than a block of 16 MiB, in which a table is read, and more than are looked at in advance."""
FILLING = "n" * 100
MORE_ROWS = (1 << 20) + 10_000
"""More than a piece of a Parquet file."""


def long_file(name: str, folder: Path) -> Path:
    """Write the file of this name, as in ``goldens.json``."""
    kind, _, case = name.removeprefix("made up/").partition(": ")
    if kind == "csv longer than a block":
        return _csv(folder, case)
    others: dict[str, Callable[[Path], Path]] = {
        "parquet": _parquet,
        "actilife": _actilife,
        "geneactiv": _geneactiv,
    }
    return others[kind](folder)


def _csv(folder: Path, case: str) -> Path:
    """Times, samples and columns of which something is only known in the second block."""
    g = acceleration(ROWS)
    ms = [START_MS + 20 * row for row in range(ROWS)]
    texts = [f"{START + timedelta(milliseconds=20 * row):%Y-%m-%d %H:%M:%S.%f}" for row in range(ROWS)]
    marked, steps = g.copy(), np.full(ROWS, 20)
    marked[90_000:ROWS] = marked[90_000]
    marked[[50, 80_000], 0], marked[[60, 85_000], 1] = np.nan, 15.9
    steps[[40, 70_000, 109_000]], steps[[50, 60_000]] = 60_000, 0
    labels = {"label": [["walking", "", "lying", "sitting"][row // 15_000 % 4] for row in range(ROWS)]}
    people = {"subject": ["cid"] * (ROWS - 500) + ["dan"] * 500}
    cases: dict[str, tuple[Sequence[object], NDArray[np.float64], dict[str, list[str]]]] = {
        "gaps, repeated times, marks and labels": ((START_MS + np.cumsum(steps)).tolist(), marked, labels),
        "unordered at the end": ([*ms[:-500], *reversed(ms[-500:])], g, labels),
        "text times that change their form at the end": ([*texts[:-1], f"{texts[-1]}Z"], g, {}),
        "text times with nine digits at the end": ([*texts[:-500], *(f"{time}000" for time in texts[-500:])], g, {}),
        "a missing value in words at the end": (ms, g, {"P": ["3"] * (ROWS - 500) + ["null"] * 500}),
        "a second person at the end": (ms, g, people),
        "a second person at the end, the first chosen": (ms, g, people),
        "nobody at the end": (ms, g, {"subject": ["cid"] * (ROWS - 500) + [""] * 500}),
        "an error at the end": (ms, g, {"P": ["3"] * (ROWS - 500) + ["high"] + ["3"] * 499}),
        "no time at the end": ([*ms[:-3], "", "nan", ms[-1]], g, {}),
        "another unit from the second block on": (
            [START_MS + 20 * row for row in range(2 * ROWS)],
            np.vstack([g * 9.80665, g]),
            {},
        ),
    }
    times, samples, columns = cases[case]
    rows = zip(times, samples, *columns.values(), [FILLING] * len(times), strict=True)
    lines = [",".join([str(time), *(f"{value:.9g}" for value in axes), *more]) for time, axes, *more in rows]
    return write(folder, [",".join(["time", "x", "y", "z", *columns, "note"]), *lines], "ann.csv")


def _parquet(folder: Path) -> Path:
    steps = np.full(MORE_ROWS, 20)
    steps[[40, MORE_ROWS - 5_000]], steps[[50, MORE_ROWS - 6_000]] = 60_000, 0
    g = acceleration(MORE_ROWS).astype(np.float32)
    g[MORE_ROWS - 12_000 : MORE_ROWS - 7_000] = g[MORE_ROWS - 12_000]
    g[[50, MORE_ROWS - 300], 0], g[[60, MORE_ROWS - 200], 1] = np.nan, 15.9
    frame = pl.DataFrame({"time": START_MS + np.cumsum(steps), **dict(zip("xyz", g.T, strict=True))})
    frame.write_parquet(folder / "ann.parquet")
    return folder / "ann.parquet"


def _actilife(folder: Path) -> Path:
    """With a second in which nothing was measured every 300 rows, and two minutes of that at the end of a block."""
    nothing = ["0,0,0"] * RATE
    lines = [*(f"{x:g},{y:g},{z:g}" for x, y, z in acceleration(300)[:-RATE].round(3)), *nothing]
    axes = "Accelerometer X,Accelerometer Y,Accelerometer Z"
    return write(folder, [*export_header(), axes, *lines * 3_000, *nothing * 120, *lines * 300], "ann.csv")


def _geneactiv(folder: Path) -> Path:
    header, pages = geneactiv(520, last_samples=100)
    return write(folder, header + b"".join(pages), "watch.bin")
