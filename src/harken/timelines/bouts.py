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
        raise HarkenError(f"bridged_gap_s must be 0 or more, got {bridged_gap_s:g}")
    rows = frame.select("start", "end", "label", "activity_mg", row=pl.int_range(pl.len()))
    labelled = rows.filter(pl.col("label").is_not_null())
    same_label = (labelled["label"] == labelled["label"].shift(1)).fill_null(False).to_numpy()
    joined = follows(frame, labelled, bridged_gap_s) & same_label
    seconds = (nanoseconds(labelled, "end") - nanoseconds(labelled, "start")) / 1e9
    moving = labelled["activity_mg"].is_not_null().to_numpy()
    each = labelled.select(
        "start",
        "end",
        "label",
        bout=pl.Series(np.cumsum(~joined)),
        weight=pl.Series(seconds),
        probability=pl.Series(_of_label(frame, labelled, labels)),
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


def follows(frame: pl.DataFrame, labelled: pl.DataFrame, bridged_gap_s: float) -> NDArray[np.bool_]:
    """Whether each row of ``labelled`` continues the previous one, bool ``[labelled]``.

    It does when at most ``bridged_gap_s`` lie between the two, and the watch was not taken off in between.

    Args:
        frame: the rows of a timeline.
        labelled: some of these rows, in order, with their number in ``frame`` as ``row``.
        bridged_gap_s: the longest time without a label that is bridged.
    """
    if len(labelled) == 0:
        return np.zeros(0, dtype=bool)
    start, end = nanoseconds(labelled, "start"), nanoseconds(labelled, "end")
    removals = np.cumsum(frame["wear"].fill_null(True).not_().to_numpy())[labelled["row"].to_numpy()]
    near = (start[1:] - end[:-1] <= bridged_gap_s * 1e9) & (np.diff(removals) == 0)
    return np.concatenate([[False], near])


def _of_label(frame: pl.DataFrame, labelled: pl.DataFrame, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The probability of each ``labelled`` row's label; where it is ``unsure``, of the most probable label."""
    rows, label = labelled["row"].to_numpy(), labelled["label"]
    own = np.zeros(len(labelled), dtype=np.float32)
    for name in labels:  # one at a time, because all together need as much memory as the timeline
        probable = frame[PROBABILITY + name].fill_null(float("nan")).to_numpy()[rows]
        of_name = (label == name).to_numpy()
        own[of_name] = probable[of_name]
    unsure = ~label.is_in(labels).to_numpy()
    if unsure.any():
        own[unsure] = matrix(frame[rows[unsure]], PROBABILITY, labels).max(axis=1)
    return own.astype(np.float64)
