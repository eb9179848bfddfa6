"""Files of a simulation, CSV or Parquet, and its truth. Written in blocks: memory does not grow with the length."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from harken.datasets.simulated.simulation import BLOCK_ROWS, SimulatedSamples, Simulation
from harken.datasets.simulated.wearer import ACTIVITIES
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from harken.support.files import replacing

NS_PER_MS = 10**6
FASTEST_CSV_HZ = 500.0
"""Times in milliseconds are not distinct at higher rates."""
CSV_DECIMALS = 4
ROW_GROUP_ROWS = 1 << 20
"""Large groups, because polars keeps the metadata of all groups in memory until the end."""

Progress = Callable[[int], None]
"""A function that is called with the number of samples computed since the last call."""


def output_paths(out: str | Path, people: int) -> list[Path]:
    """The file of each wearer: ``out`` for one wearer, else ``NAME_1.csv``, ``NAME_2.csv`` and so on for ``NAME.csv``.

    Raises:
        HarkenError: when ``people`` is less than 1, the ending is neither ``.csv`` nor ``.parquet``, the folder does
            not exist, or a file (or its truth) already exists.
    """
    out = Path(out)
    if people < 1:
        raise HarkenError(f"--people must be at least 1, got {people}")
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise HarkenError(f"{out}: the file name must end in .csv or .parquet")
    if not out.parent.is_dir():
        raise HarkenError(f"{out}: there is no folder {out.parent}; create it first")
    digits = len(str(people))
    numbers = [""] if people == 1 else [f"_{number:0{digits}d}" for number in range(1, people + 1)]
    paths = [out.with_name(f"{out.stem}{number}{out.suffix}") for number in numbers]
    for path in paths:
        for written in (path, truth_path(path)):
            if written.exists():
                raise HarkenError(f"{written} exists already; choose another --out, or remove it first")
    return paths


def truth_path(path: Path) -> Path:
    """The path of a recording's truth: ``NAME.truth.parquet`` beside ``NAME.csv``."""
    return path.with_suffix(".truth.parquet")


def write_simulation(
    simulation: Simulation, path: str | Path, *, progress: Progress | None = None, rows_at_once: int = BLOCK_ROWS
) -> None:
    """Write a recording and its truth beside it. Either both files are complete, or none is written.

    The columns are ``Timestamp,X,Y,Z,Label,Subject``, with acceleration in m/s², so that ``harken.read`` needs no
    options. Times are whole milliseconds since 1970 in CSV and whole nanoseconds in Parquet. The content does not
    depend on ``rows_at_once``.

    Raises:
        HarkenError: as ``output_paths``, for times too close for CSV, or when the files cannot be written.
    """
    (path,) = output_paths(path, 1)
    parquet = path.suffix.lower() == ".parquet"
    if not parquet and simulation.sample_rate_hz > FASTEST_CSV_HZ:
        raise HarkenError(
            f"{path}: a CSV file's times are whole milliseconds, too coarse for {simulation.sample_rate_hz:g} Hz "
            f"(at most {FASTEST_CSV_HZ:g}); write a .parquet file"
        )
    frames = _frames(simulation, 1 if parquet else NS_PER_MS, rows_at_once, progress)
    try:
        with replacing(truth_path(path)) as truth, replacing(path) as recording:
            with truth.open("wb") as file:
                simulation.truth().write_parquet(file)
            if parquet:
                _write_parquet(frames, _schema(simulation), recording)
            else:
                _write_csv(frames, recording)
    except OSError as error:
        raise HarkenError(f"{path}: cannot write there ({error.strerror or error})") from error


def _frames(
    simulation: Simulation, ns_per_tick: int, rows_at_once: int, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    schema = _schema(simulation)
    for first in range(0, simulation.rows, rows_at_once):
        last = min(first + rows_at_once, simulation.rows)
        yield _frame(simulation.samples(first, last), simulation.wearer.subject, ns_per_tick, schema)
        if progress is not None:
            progress(last - first)


def _frame(samples: SimulatedSamples, subject: str, ns_per_tick: int, schema: pl.Schema) -> pl.DataFrame:
    acceleration = samples.acceleration_g * np.float32(STANDARD_GRAVITY)
    labels = pl.Series(samples.label_codes.astype(np.int64))
    return pl.DataFrame(
        {
            "Timestamp": samples.time_ns // ns_per_tick,
            "X": acceleration[:, 0],
            "Y": acceleration[:, 1],
            "Z": acceleration[:, 2],
            "Label": labels.replace_strict(dict(enumerate(ACTIVITIES)), default=None, return_dtype=schema["Label"]),
            "Subject": pl.repeat(subject, len(labels), dtype=schema["Subject"], eager=True),
        },
        schema=schema,
    )


def _schema(simulation: Simulation) -> pl.Schema:
    """Column names and types. The encoding of an Enum does not depend on earlier steps of the process, unlike that of a
    Categorical."""
    return pl.Schema(
        {
            "Timestamp": pl.Int64(),
            "X": pl.Float32(),
            "Y": pl.Float32(),
            "Z": pl.Float32(),
            "Label": pl.Enum(ACTIVITIES),
            "Subject": pl.Enum([simulation.wearer.subject]),
        }
    )


def _write_csv(frames: Iterator[pl.DataFrame], path: Path) -> None:
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            # Polars before 2 reports no error when the disk is full, so polars formats the rows and Python writes them.
            text = frame.write_csv(include_header=number == 0, float_precision=CSV_DECIMALS)
            file.write(text.encode())


def _write_parquet(frames: Iterator[pl.DataFrame], schema: pl.Schema, path: Path) -> None:
    # polars writes Parquet in pieces only from an IO source. The arguments of the source select rows and columns; they
    # are all None here, which selects everything.
    source = register_io_source(lambda *_: frames, schema=schema)
    with path.open("wb") as file:  # polars cannot open paths that are not UTF-8
        source.sink_parquet(file, row_group_size=ROW_GROUP_ROWS)
