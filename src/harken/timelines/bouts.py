"""Bouts: the longest stretches of one label."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.timelines.tables import PROBABILITY, matrix, nanoseconds

__all__ = ["BRIDGED_GAP_S", "bouts", "follows"]

BRIDGED_GAP_S = 60.0
"""The longest time without a label that is bridged within a bout."""


def bouts(frame: pl.DataFrame, labels: tuple[str, ...], bridged_gap_s: float = BRIDGED_GAP_S) -> pl.DataFrame:
    """The bouts in a timeline's rows; see ``Timeline.bouts``.

    Raises:
        HarkenError: when ``bridged_gap_s`` is negative or not a number.
    """
    if not bridged_gap_s >= 0:
        raise HarkenError(f"a gap of {bridged_gap_s:g} s cannot be bridged; give 0 seconds or more")
    rows = frame.select("start", "end", "label", "activity_mg", row=pl.int_range(pl.len()))
    told = rows.filter(pl.col("label").is_not_null())
    joined = follows(frame, told, bridged_gap_s) & (told["label"] == told["label"].shift(1)).fill_null(False).to_numpy()
    seconds = (nanoseconds(told, "end") - nanoseconds(told, "start")) / 1e9
    moving = told["activity_mg"].is_not_null().to_numpy()
    each = told.select(
        "start",
        "end",
        "label",
        bout=pl.Series(np.cumsum(~joined)),
        weight=pl.Series(seconds),
        probability=pl.Series(_of_label(frame, told, labels)),
        moving=pl.Series(np.where(moving, seconds, 0.0)),
        activity=pl.col("activity_mg").fill_null(0.0).cast(pl.Float64),
    )
    activity = (pl.col("activity") * pl.col("moving")).sum() / pl.col("moving").sum()
    found = each.group_by("bout", maintain_order=True).agg(
        pl.col("start", "label").first(),
        pl.col("end").last(),
        mean_probability=(pl.col("probability") * pl.col("weight")).sum() / pl.col("weight").sum(),
        activity_mg=pl.when(pl.col("moving").sum() > 0).then(activity).cast(pl.Float32),
    )
    lasting = pl.Series("seconds", (nanoseconds(found, "end") - nanoseconds(found, "start")) / 1e9)
    return found.select("start", "end", "label", lasting, "mean_probability", "activity_mg")


def follows(frame: pl.DataFrame, told: pl.DataFrame, bridged_gap_s: float) -> NDArray[np.bool_]:
    """Whether each row of ``told`` continues the previous one, bool ``[told]``.

    It does when at most ``bridged_gap_s`` lie between the two, and the watch was not taken off in between.

    Args:
        frame: the rows of a timeline.
        told: some of these rows, in order, with their number in ``frame`` as ``row``.
        bridged_gap_s: the longest time without a label that is bridged.
    """
    if len(told) == 0:
        return np.zeros(0, dtype=bool)
    start, end = nanoseconds(told, "start"), nanoseconds(told, "end")
    taken_off = np.cumsum(frame["wear"].fill_null(True).not_().to_numpy())[told["row"].to_numpy()]
    near = (start[1:] - end[:-1] <= bridged_gap_s * 1e9) & (np.diff(taken_off) == 0)
    return np.concatenate([[False], near])


def _of_label(frame: pl.DataFrame, told: pl.DataFrame, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The probability of each ``told`` row's label; where it is ``unsure``, of the most probable label."""
    rows, label = told["row"].to_numpy(), told["label"]
    own = np.zeros(len(told), dtype=np.float32)
    for name in labels:  # one at a time, because all together need as much memory as the timeline
        probable = frame[PROBABILITY + name].fill_null(float("nan")).to_numpy()[rows]
        mine = (label == name).to_numpy()
        own[mine] = probable[mine]
    unsure = ~label.is_in(labels).to_numpy()
    if unsure.any():
        own[unsure] = matrix(frame[rows[unsure]], PROBABILITY, labels).max(axis=1)
    return own.astype(np.float64)
