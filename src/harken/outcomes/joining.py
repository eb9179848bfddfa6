"""The rows of one person's files as the rows of one recording, so that days and nights go over the seams.

At each moment one file counts. A file that was worn and labelled there comes before one that was worn, then one that
recorded, and of two alike the one that was worn longer in all. Where no file recorded, there is a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.outcomes.movement_rows import ROW_NS, fill_gaps
from harken.support.arrays import BoolArray, Int64Array, is_in_spans, runs_of_true
from harken.support.tables import nanoseconds, spans_ns
from harken.timelines import Timeline
from harken.timelines.timeline import PROBABILITY, SMOOTHED

LEAST_DIFFERENT_S = 60.0
"""Two files differ if they have other labels for at least this long: rows at a seam often do for some seconds."""
RECORDED, WORN, LABELLED = 1, 2, 3
"""What a row is worth when one of several files must be chosen; without samples it is worth 0."""


class FileRows(NamedTuple):
    """The rows of one file.

    Attributes:
        name: the name of the file for people, which no other file of the person has.
        timeline: the rows with probabilities and labels.
        movement: the rows of movement (``harken.outcomes.movement_rows.movement_table``); None without acceleration.
    """

    name: str
    timeline: Timeline
    movement: pl.DataFrame | None


@dataclass(frozen=True)
class Overlap:
    """Two files that were worn at the same time.

    Attributes:
        counted: the file that counts where both were worn.
        other: the file that does not.
        worn_s: for how long both were worn.
        different_s: for how long of that they have different labels.
    """

    counted: str
    other: str
    worn_s: float
    different_s: float

    @property
    def differs(self) -> bool:
        """Whether a reader must know of it."""
        return self.different_s >= LEAST_DIFFERENT_S


class JoinedRows(NamedTuple):
    """The rows of all files of a person.

    Attributes:
        timeline: in the zone of the file that begins first, with the labels of all models.
        movement: rows of movement; None if no file has any.
        overlaps: the files that were worn at the same time, in the order in which they begin.
    """

    timeline: Timeline
    movement: pl.DataFrame | None
    overlaps: tuple[Overlap, ...]


def join_rows(files: Sequence[FileRows]) -> JoinedRows:
    """Join the rows of all files of a person. The order of the files makes no difference.

    The labels of the timeline are those of the files, without smoothing; ``Timeline.smoothed`` goes over the seams.

    >>> import numpy as np
    >>> from harken.outcomes.joining import FileRows, join_rows
    >>> from harken.timelines import Timeline
    >>> def record(start_s, label):
    ...     rows = start_s + 5 * np.arange(2)
    ...     shares = np.tile(np.float32([label == "walking", label == "lying"]), (2, 1))
    ...     return Timeline.of(rows * 10**9, shares, end_ns=(start_s + 10) * 10**9, recorded=np.ones(2, bool),
    ...                        labels=("walking", "lying"), subject="eva")
    >>> files = [FileRows("b", record(30, "lying"), None), FileRows("a", record(0, "walking"), None)]
    >>> join_rows(files).timeline.frame["label"].to_list()
    ['walking', 'walking', None, 'lying', 'lying']

    Args:
        files: the files, at least one, of one subject.
    """
    ordered = sorted(files, key=lambda file: (int(spans_ns(file.timeline.frame)[0, 0]), file.name))
    preferred = sorted(ordered, key=lambda file: -file.timeline.worn_s)
    owned_ns = _divide_time([file.timeline for file in preferred])
    first = ordered[0].timeline
    labels = tuple(dict.fromkeys(label for file in ordered for label in file.timeline.labels))
    timelines: list[pl.DataFrame] = []
    movements: list[pl.DataFrame] = []
    for number, file in enumerate(preferred):
        own_ns = owned_ns[number]
        timelines.append(_select_rows(file.timeline, own_ns, labels, first.timezone))
        if file.movement is not None:
            others_ns = np.concatenate([np.empty((0, 2), np.int64), *owned_ns[:number], *owned_ns[number + 1 :]])
            movements.append(_select_movement(file.movement, own_ns, others_ns, first.timezone))
    frame = _with_gap_rows(pl.concat(timelines, how="diagonal").sort("start"))
    movement = _join_movement(movements)
    timeline = Timeline(frame, labels, first.subject, ", ".join(file.name for file in ordered))
    return JoinedRows(timeline, movement, _find_overlaps(ordered, preferred))


def _divide_time(timelines: Sequence[Timeline]) -> list[Int64Array]:
    """Return the spans in which each timeline counts, int64 ``[k, 2]``, in order and apart.

    Args:
        timelines: those that come first are preferred.
    """
    rows_ns = [spans_ns(timeline.frame) for timeline in timelines]
    edges_ns = np.unique(np.concatenate([own_ns.ravel() for own_ns in rows_ns]))
    owner = np.full(len(edges_ns) - 1, -1)
    best = np.zeros(len(owner), dtype=np.int64)
    for number, (timeline, own_ns) in enumerate(zip(timelines, rows_ns, strict=True)):
        worth = _rate_rows(timeline)
        row = np.searchsorted(own_ns[:, 0], edges_ns[:-1], side="right") - 1
        inside = (row >= 0) & (edges_ns[:-1] < own_ns[-1, 1])
        here = np.where(inside, worth[np.maximum(row, 0)], 0)
        better = here > best
        owner[better] = number
        best = np.maximum(best, here)
    owned = [runs_of_true(owner == number) for number in range(len(timelines))]
    return [edges_ns[runs] for runs in owned]


def _rate_rows(timeline: Timeline) -> Int64Array:
    """Return what each row is worth, from 0 to ``LABELLED``."""
    frame = timeline.frame
    recorded = frame["recorded"].to_numpy()
    is_worn = recorded & frame["wear"].fill_null(False).to_numpy()
    is_labelled = is_worn & frame["label"].is_not_null().to_numpy()
    return np.select([is_labelled, is_worn, recorded], [LABELLED, WORN, RECORDED], 0)


def _select_rows(timeline: Timeline, own_ns: Int64Array, labels: Sequence[str], timezone: str) -> pl.DataFrame:
    """Return the rows of a timeline in some spans, in a zone. Where the model has a label, it gives labels that it does
    not know the probability 0."""
    cut = timeline.cut_at(own_ns.ravel()).frame
    middle_ns = spans_ns(cut).sum(axis=1) // 2
    chosen = cut.filter(is_in_spans(middle_ns, own_ns)).select(pl.exclude(f"^{SMOOTHED}.*$"))
    known = pl.col(PROBABILITY + timeline.labels[0]).is_not_null()
    unknown_labels = [label for label in labels if label not in timeline.labels]
    none = pl.when(known).then(pl.lit(0.0, dtype=pl.Float32))
    chosen = chosen.with_columns(none.alias(PROBABILITY + label) for label in unknown_labels)
    return chosen.with_columns(pl.col("start", "end").dt.convert_time_zone(timezone))


def _select_movement(movement: pl.DataFrame, own_ns: Int64Array, others_ns: Int64Array, timezone: str) -> pl.DataFrame:
    """Return the rows of movement with a valid sample, in a zone, except those whose middle is in the spans of others.

    The middle of the last row before a gap may be in the gap, which is nobody's.
    """
    middle_ns = nanoseconds(movement, "start") + ROW_NS // 2
    counts = is_in_spans(middle_ns, own_ns) | ~is_in_spans(middle_ns, others_ns)
    chosen = movement.filter(pl.Series(counts) & (pl.col("valid_s") > 0))
    return chosen.with_columns(pl.col("start").dt.convert_time_zone(timezone))


def _join_movement(movements: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """Return the rows of movement of all files, the preferred file first; None without any."""
    if not any(map(len, movements)):
        return None
    # The middle of a row may be where one file ends and the next begins; then both have the row.
    rows = pl.concat(movements).unique("start", keep="first", maintain_order=True)
    return fill_gaps(rows.sort("start"))


def _with_gap_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in order, with a row that was not recorded wherever one does not end where the next begins."""
    gaps = rows.select(start="end", end=pl.col("start").shift(-1), recorded=pl.lit(False))
    gaps = gaps.filter(pl.col("end") > pl.col("start"))
    return pl.concat([rows, gaps], how="diagonal").sort("start")


def _find_overlaps(ordered: Sequence[FileRows], preferred: Sequence[FileRows]) -> tuple[Overlap, ...]:
    """Return the pairs of files that were worn at the same time."""
    overlaps = []
    for number, first in enumerate(ordered):
        for second in ordered[number + 1 :]:
            counted, other = sorted((first, second), key=preferred.index)
            worn_s, different_s = _compare(counted.timeline, other.timeline)
            if worn_s > 0:
                overlaps.append(Overlap(counted.name, other.name, worn_s, different_s))
    return tuple(overlaps)


def _compare(first: Timeline, second: Timeline) -> tuple[float, float]:
    """Return for how many seconds both were worn, and for how many of these their labels differ."""
    first_ns, second_ns = spans_ns(first.frame), spans_ns(second.frame)
    begin = max(first_ns[0, 0], second_ns[0, 0])
    end = min(first_ns[-1, 1], second_ns[-1, 1])
    if begin >= end:
        return 0.0, 0.0
    starts_ns = np.union1d(first_ns[:, 0], second_ns[:, 0])
    edges_ns = np.unique(np.append(starts_ns[(starts_ns > begin) & (starts_ns < end)], [begin, end]))
    is_worn: list[BoolArray] = []
    labels: list[pl.Series] = []
    for timeline, rows_ns in ((first, first_ns), (second, second_ns)):
        row = np.searchsorted(rows_ns[:, 0], edges_ns[:-1], side="right") - 1
        is_worn.append((_rate_rows(timeline) >= WORN)[row])
        labels.append(timeline.frame["label"].gather(row))
    seconds = np.diff(edges_ns) / 1e9
    both = is_worn[0] & is_worn[1]
    different = both & (labels[0] != labels[1]).fill_null(False).to_numpy()
    return float(seconds[both].sum()), float(seconds[different].sum())
