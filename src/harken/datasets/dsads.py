"""Daily and Sports Activities: nineteen activities of eight people, five minutes each, with sensors on both arms.

It is read from the published layout, ``data/a01/p1/s01.txt`` and so on, or from the tidy table ``dsads_arms.parquet``
if it is in the folder. Both give the same recordings.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.info import (
    Piece,
    codes_of,
    data_folder,
    files_of,
    info_of,
    joined,
    numbered_ns,
    of_first_copy,
    readable,
)
from harken.recordings.recording import STANDARD_GRAVITY, Quality, Recording
from harken.support.arrays import Float64Array
from harken.support.errors import HarkenError

ACTIVITIES = tuple(codes_of("dsads").values())
"""a01 to a19, in the order of the authors' list."""
LABELS = pl.Enum(ACTIVITIES)

INFO = info_of("dsads")

TIDY_FILE = "dsads_arms.parquet"
ARMS = {"right_arm": 9, "left_arm": 18}
"""The arms, and the first of the three acceleration columns (from 0) of each. The 45 columns are torso, right arm, left
arm, right leg, left leg, nine columns each, acceleration first."""
COLUMNS = 45
LAYOUT = re.compile(r"a(?P<activity>\d\d)/(?P<person>p\d+)/s(?P<segment>\d\d+)\.txt")
SEGMENT_ROWS = 125
SEGMENT_NS = 5 * 10**9
SLOT_NS = 360 * 10**9
"""From the beginning of one activity to the beginning of the next: five minutes and a pause of one minute."""


def read_dsads(folder: Path | None = None, *, arms: Sequence[str] = tuple(ARMS)) -> list[Recording]:
    """One recording for each person and arm: p1's right arm, p1's left arm, and so on.

    Channels are ``x, y, z`` in g. ``subject`` is ``dsads_p1`` to ``dsads_p8`` for both arms, and ``source`` contains
    the arm. A person's two recordings have the same times. Times are artificial (see ``quality``).

    Args:
        folder: the published set, its ``data``, or the folder of ``dsads_arms.parquet``; by default ``dsads`` in the
            folder ``HARKEN_DATA``.
        arms: which of ``ARMS``.

    Raises:
        HarkenError: when there is no such folder, it contains neither of the two, or a file in it is damaged.
    """
    folder = data_folder(INFO, folder)
    table = folder / TIDY_FILE
    tidy = table.is_file()
    samples, source = (_of_table(table), table) if tidy else (_of_segments(folder), folder)
    recordings = []
    for person in sorted(samples["subject"].unique()):
        for arm in arms:
            theirs = samples.filter(subject=person, placement=arm)
            if len(theirs) == 0:
                raise HarkenError(f"has no {arm} of {person}", path=source)
            # An Enum is sorted by the order of the authors' list.
            bouts = theirs.sort("label_orig", "time_ns").partition_by("label_orig", maintain_order=True)
            recording = joined(
                [_piece(bout) for bout in bouts],
                person,
                INFO,
                source=f"{source}, {person}, {arm.replace('_', ' ')}",
                quality=Quality(acceleration_unit="g" if tidy else "m/s2"),
            )
            recordings.append(recording)
    return recordings


def _piece(bout: pl.DataFrame) -> Piece:
    activity = int(bout["label_orig"].to_physical()[0])
    signals = bout.select("x", "y", "z").to_numpy()
    return Piece(ACTIVITIES[activity], bout["time_ns"].to_numpy(), signals).moved(activity * SLOT_NS)


def _of_table(path: Path) -> pl.DataFrame:
    """Columns ``subject``, ``placement``, ``label_orig``, ``time_ns`` from the activity's start, ``x, y, z`` in g."""
    with readable(path, f"this is not the arms of {INFO.name} as a tidy table"):
        frame = pl.read_parquet(path, columns=["subject", "placement", "t", "x", "y", "z", "label_orig"])
        return frame.with_columns(
            pl.col("subject", "placement").cast(pl.String),
            pl.col("label_orig").cast(pl.String).cast(LABELS),
            pl.col("x", "y", "z").cast(pl.Float32),
            time_ns=pl.Series(np.rint(frame["t"].to_numpy() * 1e9).astype(np.int64)),
        )


def _of_segments(folder: Path) -> pl.DataFrame:
    """The published layout in ``folder``, as ``_of_table``; a missing file leaves a gap."""
    files = of_first_copy(files_of(INFO, folder, "a[0-9][0-9]/p[0-9]*/s*.txt"), 2)
    schema = pl.Schema({"subject": pl.String(), "label_orig": LABELS, "begin": pl.Int64()})
    of_file = pl.DataFrame([_place(path) for path in files], schema=schema, orient="row")
    values = (np.concatenate([_read_segment(path) for path in files]) / STANDARD_GRAVITY).astype(np.float32)
    rows = of_file[np.repeat(np.arange(len(files)), SEGMENT_ROWS)]
    within_ns = np.tile(numbered_ns(SEGMENT_ROWS, INFO), len(files))
    samples = rows.select("subject", "label_orig", time_ns=pl.col("begin") + pl.Series(within_ns))
    return pl.concat(
        [
            samples.with_columns(placement=pl.lit(arm), **dict(zip("xyz", map(pl.Series, axes), strict=True)))
            for arm, axes in zip(ARMS, np.split(values.T, len(ARMS)), strict=True)
        ]
    )


def _place(path: Path) -> tuple[str, str, int]:
    """The person and the activity of a file, and the time of its first row from the activity's start."""
    place = LAYOUT.fullmatch("/".join(path.parts[-3:]))
    if place is None or not 1 <= int(place["activity"]) <= len(ACTIVITIES):
        raise HarkenError(f"the set's files are data/a01/p1/s01.txt to data/a{len(ACTIVITIES)}/p8/s60.txt", path=path)
    return place["person"], ACTIVITIES[int(place["activity"]) - 1], (int(place["segment"]) - 1) * SEGMENT_NS


def _read_segment(path: Path) -> Float64Array:
    """The acceleration of both arms in m/s², ``[125, 6]``."""
    columns = [first + axis for first in ARMS.values() for axis in range(3)]
    with readable(path, f"this is not {SEGMENT_ROWS} rows of {COLUMNS} numbers"):
        frame = pl.read_csv(
            path, has_header=False, schema={f"{column}": pl.Float64 for column in range(COLUMNS)}, columns=columns
        )
    if frame.shape != (SEGMENT_ROWS, len(columns)) or sum(frame.null_count().row(0)):
        raise HarkenError(
            f"holds {frame.height} whole or broken rows where {SEGMENT_ROWS} rows of {COLUMNS} numbers are "
            "expected; fetch the file again, or remove it (it leaves a gap)",
            path=path,
        )
    return frame.to_numpy()
