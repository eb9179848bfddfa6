"""The rows of a timeline as arrays: each row has a label, or a reason for a missing label."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.support.tables import zone_of
from harken.timelines import UNSURE, Timeline

NOT_WORN, GAP, NO_LABEL, OUTSIDE = 251, 252, 253, 254
"""Codes that are not labels: the watch was not worn, it did not record, the samples have no label, and the time is
before or after the recording."""

MOST_LABELS = 200
LONG_GAP_NS = 22 * 3600 * 10**9
"""A gap that is shorter than the shortest day, on which clocks go forward."""


@dataclass(frozen=True, eq=False)
class Spells:
    """The rows of a timeline.

    Attributes:
        edges_ns: the start of each row and the end of the last one, int64 ``[n + 1]``, UTC since 1970.
        codes: the code of each row: a position in ``names``, or one of the codes above, uint8 ``[n]``.
        probability: the probability of the row's label, smoothed if available; NaN without a label, float32 ``[n]``.
        activity_mg: mean movement; NaN if it is not known, float32 ``[n]``.
        names: the labels that occur, in the recogniser's order, followed by ``unsure`` if a row is unsure.
        never: the labels that do not occur.
        timezone: the wearer's time zone.
    """

    edges_ns: NDArray[np.int64]
    codes: NDArray[np.uint8]
    probability: NDArray[np.float32]
    activity_mg: NDArray[np.float32]
    names: tuple[str, ...]
    never: tuple[str, ...]
    timezone: str

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The duration of each row, float64 ``[n]``."""
        return np.asarray((self.edges_ns[1:] - self.edges_ns[:-1]) / 1e9)

    @property
    def stretches_ns(self) -> list[tuple[int, int]]:
        """The start and end of each stretch of rows without a gap that may contain a whole day."""
        long = np.flatnonzero((self.codes == GAP) & (np.diff(self.edges_ns) >= LONG_GAP_NS))
        begins = np.append(self.edges_ns[0], self.edges_ns[long + 1])
        ends = np.append(self.edges_ns[long], self.edges_ns[-1])
        return [(begin, end) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True) if begin < end]

    def merged(self, count: int) -> "Spells":
        """Every ``count`` rows as one: the code and probability of the longest of them, and their mean movement."""
        if count == 1:
            return self
        first = np.arange(0, len(self.codes), count)
        last = np.minimum(first + count, len(self.codes))
        every = first[:, None] + np.arange(count)
        seconds = np.where(every < last[:, None], self.seconds[np.minimum(every, len(self.codes) - 1)], 0.0)
        longest = first + seconds.argmax(axis=1)
        edges_ns = np.append(self.edges_ns[first], self.edges_ns[-1])
        return replace(
            self,
            edges_ns=edges_ns,
            codes=self.codes[longest],
            probability=self.probability[longest],
            activity_mg=self.mean_activity_mg(edges_ns).astype(np.float32),
        )

    def at(self, moments_ns: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The code at each of these moments; ``OUTSIDE`` before the first row and after the last."""
        row = np.searchsorted(self.edges_ns, moments_ns, side="right") - 1
        inside = (row >= 0) & (row < len(self.codes))
        return np.asarray(np.where(inside, self.codes[np.where(inside, row, 0)], np.uint8(OUTSIDE)))

    def mean_activity_mg(self, edges_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean movement between consecutive edges; NaN if it is not known anywhere between them."""
        known = ~np.isnan(self.activity_mg)
        seconds, sums = self.sums(known, edges_ns), self.sums(np.where(known, self.activity_mg, 0.0), edges_ns)
        means = np.full(len(sums), np.nan)
        np.divide(sums, seconds, out=means, where=seconds > 1e-6)
        return means

    def sums(self, values: NDArray[np.floating | np.bool_], edges_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The sum of a value of each row times its seconds, between consecutive edges, float64 ``[edges - 1]``."""
        so_far = np.concatenate([[0.0], np.cumsum(values * self.seconds)])
        begin = self.edges_ns[0]
        return np.diff(np.interp((edges_ns - begin) / 1e9, (self.edges_ns - begin) / 1e9, so_far))


def spells_of(timeline: Timeline) -> Spells:
    """The rows of a timeline.

    Raises:
        HarkenError: when it has no rows, or more labels than a picture can show.
    """
    frame = timeline.frame
    if len(frame) == 0 or len(timeline.labels) > MOST_LABELS:
        raise HarkenError(
            f"{timeline.source or timeline.subject}: no report can be made of {len(frame)} rows with "
            f"{len(timeline.labels)} labels; it takes a row and at most {MOST_LABELS} labels"
        )
    label = frame["label"]
    occurring = set(label.drop_nulls().unique())
    names = [*(name for name in timeline.labels if name in occurring), *({UNSURE} & occurring - set(timeline.labels))]
    recorded = frame["recorded"].to_numpy()
    worn = frame["wear"].fill_null(True).to_numpy()
    codes = label.replace_strict(
        {name: code for code, name in enumerate(names)}, default=NO_LABEL, return_dtype=pl.UInt8
    ).to_numpy()
    codes = np.where(~recorded, np.uint8(GAP), np.where(~worn, np.uint8(NOT_WORN), codes))
    start, end = (frame[name].dt.epoch("ns").to_numpy() for name in ("start", "end"))
    activity = frame["activity_mg"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    zone = zone_of(frame["start"])
    return Spells(
        edges_ns=np.append(start, end[-1]),
        codes=codes,
        probability=_own(timeline),
        activity_mg=np.where(codes == GAP, np.float32("nan"), activity),
        names=tuple(names),
        never=tuple(name for name in timeline.labels if name not in occurring),
        timezone=str(zone or "UTC"),
    )


def _own(timeline: Timeline) -> NDArray[np.float32]:
    """The probability of each row's label; for an unsure row, that of the most probable label."""
    smoothed = f"smoothed_{timeline.labels[0]}" in timeline.frame.columns
    columns = [f"{'smoothed' if smoothed else 'probability'}_{label}" for label in timeline.labels]
    values = timeline.frame.select(pl.col(name).cast(pl.Float32).fill_null(float("nan")) for name in columns).to_numpy()
    codes = timeline.frame["label"].replace_strict(
        {name: code for code, name in enumerate(timeline.labels)}, default=-1, return_dtype=pl.Int16
    )
    own = np.full(len(codes), np.nan, dtype=np.float32)
    labelled, unsure = (
        np.flatnonzero(rows.to_numpy()) for rows in (codes >= 0, timeline.frame["label"].eq_missing(UNSURE))
    )
    own[unsure] = values[unsure].max(axis=1)
    own[labelled] = values[labelled, codes.to_numpy()[labelled]]
    return own
