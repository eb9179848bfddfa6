"""WISDM 2019: eighteen everyday activities of 51 people, three minutes each, from a watch on the dominant hand.

``read_wisdm`` returns recordings. ``read_wisdm_rows`` returns the unchanged rows of the files, which some protocols
need. The facts about clocks and rates were measured on the files of 46 of the 51 people; those of 1629 and 1637 to 1640
were not available.
"""

from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.info import clock_of, files_of, info_of, of_first_copy, readable
from harken.readers.layout import WISDM_CODES
from harken.recordings.mending import mend
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED, Quality, Recording
from harken.recordings.sessions import offsets_in_turn
from harken.support.arrays import BoolArray, Int16Array, Int64Array
from harken.support.errors import HarkenError

INFO = info_of("wisdm")

FILES = "data_*_accel_watch.txt"

BURST_STEP_NS = 30_000_000
"""The intervals between samples are about 50 ms, or 10 ms in a burst."""
USUAL_STEP_NS = 49_900_000
"""The watch's usual 20 Hz consist of every fifth of about 100 samples a second."""

LEAST_PAUSE_NS = 10**9
"""The shortest pause between two pieces. With a shorter pause, windows might span both."""


def read_wisdm(folder: Path | None = None) -> list[Recording]:
    """The watch's acceleration, one recording for each person, sorted by the people's numbers.

    Activities are in the order in which they were done, with the times of the watch and therefore the true pauses. An
    activity that begins before the end of another, or less than a second after it, is moved to a minute after that end.
    If a row is in the file twice, one copy is kept; if the two copies have different activities, it is unlabelled.
    Bursts of about 100 samples a second are reduced to the usual 20 (every fifth is kept). All of these changes are
    counted in ``quality``.

    ``subject`` is ``wisdm_1600`` to ``wisdm_1650``; channels are ``x, y, z`` in g.

    Args:
        folder: the published set, or any folder within it down to ``raw/watch/accel``; by default ``wisdm`` in the
            folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, it contains no file of the set, or a row cannot be read.
    """
    files = _files(folder)
    recordings = []
    for rows in _rows(files).partition_by("subject", maintain_order=True):
        name = FILES.replace("*", str(rows["subject"][0]))
        recordings.append(_recording(rows, str(files[0].with_name(name))))
    return recordings


def read_wisdm_rows(folder: Path | None = None) -> pl.DataFrame:
    """The unchanged rows of the published files, in the order of the files.

    Columns are ``subject`` (int, 1600 to 1650), ``code`` (the letter), ``label`` (its word), ``time_ns`` (int,
    since the watch was switched on), and ``x, y, z`` (float64, m/s²). Files follow one another by number.

    Raises:
        HarkenError: as ``read_wisdm`` does.
    """
    return _rows(_files(folder))


def _files(folder: Path | None) -> list[Path]:
    """The files, all of one folder."""
    return of_first_copy(files_of(INFO, folder, FILES), 0)


def _rows(files: list[Path]) -> pl.DataFrame:
    return pl.concat([_file_rows(path) for path in files])


def _file_rows(path: Path) -> pl.DataFrame:
    schema = {"subject": pl.Int32, "code": pl.String, "time_ns": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    with readable(path, "not rows of subject,code,time,x,y,z; as they are published"):
        frame = pl.read_csv(path, has_header=False, schema=schema | {"z": pl.String})
    frame = frame.with_columns(
        pl.col("code").replace_strict(WISDM_CODES, default=None, return_dtype=pl.String).alias("label"),
        pl.col("z").str.strip_chars(" ;").cast(pl.Float64, strict=False),
    )
    holed = frame.select(pl.any_horizontal(pl.all().is_null())).to_series().arg_true()
    if len(holed):
        row = int(holed[0])
        raise HarkenError(
            f"{','.join(map(str, frame.row(row)[:6]))} is not a whole row of "
            f"subject,code,time,x,y,z; with a code among {''.join(WISDM_CODES)}. Fetch the file again, or remove the "
            "row",
            path=path,
            place=f"row {row + 1}",
        )
    return frame.select(
        "subject",
        pl.col("code").cast(pl.Enum(list(WISDM_CODES))),
        pl.col("label").cast(pl.Enum(INFO.labels)),
        "time_ns",
        "x",
        "y",
        "z",
    )


def _recording(rows: pl.DataFrame, source: str) -> Recording:
    """One person's activities in the order in which they were done."""
    unrepeated, dropped, twice_labelled = _without_repeats(rows)
    by_watch_ns, first, backward = _cut(unrepeated)
    kept = _without_bursts(by_watch_ns, first)
    dropped["faster than 20 Hz"] = int((~kept).sum())
    time_ns, moved = _in_turn(by_watch_ns, first)
    order = np.flatnonzero(kept)
    order = order[np.argsort(time_ns[order], kind="stable")]
    label_names, codes = _codes(unrepeated)
    recording = Recording(
        time_ns=time_ns[order],
        signals=(unrepeated.select("x", "y", "z").to_numpy()[order] / STANDARD_GRAVITY).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=codes[order],
        label_names=label_names,
        subject=f"{INFO.name}_{rows['subject'][0]}",
        source=source,
        quality=Quality(
            rows=len(rows),
            dropped={reason: count for reason, count in dropped.items() if count},
            backward_times=backward,
            acceleration_unit="m/s2",
            notes=(clock_of(INFO.name), *_notes(moved, twice_labelled, label_names)),
        ),
        as_found=True,
    )
    return mend(recording)


def _without_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int], int]:
    """The rows without repeats and with a column ``doubtful``; the numbers of dropped rows; and the number of doubtful
    rows.

    Doubtful rows are in the file under two activities. One of the two labels is wrong, and it is unknown which.
    """
    if rows["time_ns"].n_unique() == len(rows):
        return rows.with_columns(pl.lit(False).alias("doubtful")), {}, 0
    sample = ["time_ns", "x", "y", "z"]
    once = rows.unique([*sample, "code"], keep="first", maintain_order=True)
    marked = once.with_columns(pl.struct(sample).is_duplicated().alias("doubtful"))
    single = marked.unique(sample, keep="first", maintain_order=True)
    dropped = {"repeated row": len(rows) - len(once), "row under a second activity": len(once) - len(single)}
    return single, dropped, int(single["doubtful"].sum())


def _cut(rows: pl.DataFrame) -> tuple[Int64Array, BoolArray, int]:
    """The times ``[n]``; which rows begin a piece, where the activity changes or the time decreases, bool ``[n]``; and
    how often it decreases."""
    time_ns = rows["time_ns"].to_numpy()
    code = rows["code"].to_physical().to_numpy()
    changes = code[1:] != code[:-1]
    backward = (np.diff(time_ns) < 0) & ~changes
    return time_ns, np.concatenate([[True], changes | backward]), int(backward.sum())


def _without_bursts(time_ns: Int64Array, first: BoolArray) -> BoolArray:
    """Which rows are kept, bool ``[n]``, so that bursts have the same rate as other rows."""
    steps = np.diff(time_ns, prepend=time_ns[0])
    burst = (steps < BURST_STEP_NS) & ~first
    rows = np.arange(len(burst))
    begins = np.maximum.accumulate(np.where(burst, 0, rows))
    elapsed = time_ns - time_ns[begins]
    tick = (elapsed + USUAL_STEP_NS // 20) // USUAL_STEP_NS
    return ~burst | (np.diff(tick, prepend=0) > 0)


def _in_turn(time_ns: Int64Array, first: BoolArray) -> tuple[Int64Array, int]:
    """Times ``[n]`` without overlapping pieces, and how many pieces were moved."""
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(first))
    order = np.argsort(time_ns[starts], kind="stable")
    begin = time_ns[starts][order]
    end = time_ns[ends - 1][order] + LEAST_PAUSE_NS
    offsets = np.empty(len(starts), dtype=np.int64)
    offsets[order] = offsets_in_turn(end.tolist(), begin.tolist())
    return time_ns + np.repeat(offsets, ends - starts), int((offsets != 0).sum())


def _codes(rows: pl.DataFrame) -> tuple[tuple[str, ...], Int16Array]:
    """The activities of these rows, and label codes; doubtful rows are unlabelled."""
    every = rows["label"].to_physical().to_numpy()
    present = np.unique(every)
    codes = np.searchsorted(present, every).astype(np.int16)
    codes[rows["doubtful"].to_numpy()] = UNLABELLED
    return tuple(INFO.labels[code] for code in present), codes


def _notes(moved: int, twice_labelled: int, label_names: tuple[str, ...]) -> list[str]:
    notes = []
    if moved:
        notes.append(
            f"{moved} activities begin, by their times, before another has ended, or did once that one was moved; "
            "they were moved to a minute after it."
        )
    if twice_labelled:
        notes.append(f"{twice_labelled} samples stand under two activities and are left without a label.")
    missing = sorted(set(INFO.labels) - set(label_names))
    if missing:
        notes.append(f"There is no {' and no '.join(missing)} of this person.")
    return notes
