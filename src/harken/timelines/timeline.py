"""Labelled time: one row a step, with the probability of each label, over the whole of a recording."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.support.files import replacing
from harken.timelines.bouts import BRIDGED_GAP_S, bouts
from harken.timelines.daily import daily
from harken.timelines.smoothing import expected_bouts, smooth
from harken.timelines.tables import PROBABILITY, SMOOTHED, UNSURE, matrix, nanoseconds, times, write_csv

__all__ = ["UNSURE", "Timeline"]


@dataclass(frozen=True, eq=False)
class Timeline:
    """What a recogniser says of a recording, from its first sample to its last, in the order of time.

    Every row ends where the next one begins, so nothing is left out: a stretch about which nothing can be said is a
    row too, however long, without a label. The columns of ``frame`` are

    - ``start``, ``end``: datetimes in nanoseconds, shown in the wearer's zone;
    - ``label``: the most probable one, or where the timeline is smoothed the one in the most probable sequence;
      ``unsure`` where its probability is below the asked-for limit; null where nothing can be said: in gaps, in
      samples marked as not valid, in stretches shorter than a window, and where the watch was not worn;
    - ``recorded``: False in gaps, where there are no samples;
    - ``wear``: False where the watch was not worn, null in gaps; True elsewhere, also where nobody looked for it;
    - ``activity_mg``: how much the wearer moved, the mean of the acceleration's magnitude less 1 g and not below 0, in
      thousandths of g, float32; null in gaps and where nobody looked for it;
    - ``probability_LABEL`` for each of ``labels``, float32, null where nothing can be said. Neither ``unsure``, nor
      non-wear, nor smoothing changes them;
    - ``smoothed_LABEL`` for each of ``labels``, float32, in a smoothed timeline: the probability given all other rows
      too; null where there is no label.

    Attributes:
        frame: the rows.
        labels: what the recogniser tells apart, in the order of its probabilities.
        subject: who wore the watch.
        source: the file the recording was read from.
        unsure_below: the limit below which a label is ``unsure``; None for none.
        expected_bout_s: what the smoother was told, by label; None where the timeline is not smoothed.
    """

    frame: pl.DataFrame
    labels: tuple[str, ...]
    subject: str
    source: str = ""
    unsure_below: float | None = None
    expected_bout_s: Mapping[str, float] | None = None

    @classmethod
    def of(
        cls,
        start_ns: NDArray[np.int64],
        probabilities: NDArray[np.floating],
        *,
        end_ns: int,
        recorded: NDArray[np.bool_],
        labels: tuple[str, ...],
        subject: str,
        source: str = "",
        timezone: str = "UTC",
        wear: NDArray[np.bool_] | None = None,
        activity_mg: NDArray[np.floating] | None = None,
    ) -> "Timeline":
        """A timeline of rows whose labels are the most probable ones.

        Args:
            start_ns: where each row begins, and so where the one before ends, int64 ``[n]``, UTC since 1970.
            probabilities: ``[n, labels]``; a row of NaN where nothing can be said.
            end_ns: where the last row ends.
            recorded: False for gaps, bool ``[n]``.
            labels: what the columns of ``probabilities`` stand for.
            subject, source, timezone: as in the recording.
            wear: False where the watch was not worn, bool ``[n]``; not looked at in gaps. None: worn throughout.
            activity_mg: ``[n]``, NaN where it is not known; not looked at in gaps. None: nowhere known.
        """
        told = pl.Series(~np.isnan(probabilities).any(axis=1))
        here = pl.Series(recorded, dtype=pl.Boolean)
        worn = pl.Series(np.ones(len(start_ns), dtype=bool) if wear is None else wear)
        activity = np.full(len(start_ns), np.nan) if activity_mg is None else activity_mg
        columns: dict[str, pl.Series] = {
            "start": times(start_ns, timezone),
            "end": times(np.append(start_ns[1:], np.int64(end_ns)), timezone),
            "label": pl.Series([None] * len(start_ns), dtype=pl.String),
            "recorded": here,
            "wear": worn.zip_with(here, pl.Series([None], dtype=pl.Boolean)),
            "activity_mg": pl.Series(activity.astype(np.float32), nan_to_null=True).zip_with(
                here, pl.Series([None], dtype=pl.Float32)
            ),
        }
        for code, label in enumerate(labels):
            values = pl.Series(probabilities[:, code].astype(np.float32))
            columns[PROBABILITY + label] = values.zip_with(told, pl.Series([None], dtype=pl.Float32))
        return cls(pl.DataFrame(columns), labels, subject, source)._labelled()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probability of each label in each row, float32 ``[n, labels]``; NaN where nothing can be said."""
        return matrix(self.frame, PROBABILITY, self.labels)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """How long each row lasts, float64 ``[n]``: elapsed time, whatever the clocks in the zone do meanwhile."""
        return np.asarray((nanoseconds(self.frame, "end") - nanoseconds(self.frame, "start")) / 1e9)

    def with_unsure_below(self, probability: float | None) -> "Timeline":
        """The same probabilities, with ``unsure`` wherever the label's is smaller than this; None: nowhere.

        In a smoothed timeline it is the smoothed probability that counts.

        Raises:
            HarkenError: for what is no probability, or when the recogniser itself has a label ``unsure``.
        """
        if probability is not None and not 0 <= probability <= 1:
            raise HarkenError(f"unsure below {probability:g} cannot be: probabilities go from 0 to 1")
        if probability is not None and UNSURE in self.labels:
            raise HarkenError(f"the model has a label {UNSURE!r} of its own; label without a limit")
        return replace(self, unsure_below=probability)._labelled()

    def smoothed(self, expected_bout_s: Mapping[str, float] | None = None) -> "Timeline":
        """The most probable sequence of labels, from the probabilities and the expected lengths of bouts.

        A step that is unlike its neighbours needs more evidence than one that is not. Gaps, and what nothing can be
        said of, count as the time that they last: the longer, the less is left of what was before them. Across a time
        in which the watch was not worn nothing is carried over. A limit for ``unsure`` stays. The method, and what its
        probabilities are worth: ``harken.timelines.smoothing``.

        Args:
            expected_bout_s: seconds that a bout is expected to last, by label. For the labels that are not named, and
                by default for all: ``harken.timelines.EXPECTED_BOUT_S``.

        Raises:
            HarkenError: for a label that there is not, or seconds that are none.
        """
        return replace(self, expected_bout_s=expected_bouts(self.labels, expected_bout_s))._labelled()

    def bouts(self, bridged_gap_s: float = BRIDGED_GAP_S) -> pl.DataFrame:
        """The longest stretches of one label.

        Between two rows of one label nothing may be said for ``bridged_gap_s`` and it is still one bout, unless the
        watch was taken off. The columns are ``start``, ``end``, ``label`` (``unsure`` has bouts of its own),
        ``seconds`` from start to end, bridged ones included, ``mean_probability`` of the label (not smoothed; the
        largest one where it is ``unsure``) and ``activity_mg``; both are means over the time that has the label.

        Raises:
            HarkenError: when ``bridged_gap_s`` is negative.
        """
        return bouts(self.frame, self.labels, bridged_gap_s)

    def daily(self) -> pl.DataFrame:
        """One row a calendar day in the wearer's zone, in order. A day without samples has no row.

        The columns are

        - ``date``, and ``seconds_in_day``: 82,800 or 90,000 where clocks change;
        - ``recorded_hours``, ``wear_hours``;
        - ``hours_LABEL``: of each label, and of ``unsure`` where a limit was asked for;
        - ``adjusted_hours_LABEL``: the same, had something been said of the whole day. What is missing of a quarter of
          an hour is shared out as the same quarter by the clock was on all other days together; null for a day with a
          quarter of which something is missing and no other day has anything;
        - ``longest_bout_minutes_LABEL``: of the bouts of ``bouts()``, the part that lies in the day;
        - ``transitions``: how often a label gave way to another within a minute, the watch worn;
        - ``first_walking``, ``last_walking``: when the first row of that label begins and the last one ends; null where
          there is none.
        """
        return daily(self.frame, self.labels, self._names)

    def seconds_by_label(self) -> dict[str, float]:
        """Seconds of each label, in the recogniser's order; and of ``unsure``, where a step is."""
        seconds, label = self.seconds, self.frame["label"]
        unsure = [UNSURE] if UNSURE not in self.labels and (label == UNSURE).any() else []
        return {
            name: float(seconds[(label == name).fill_null(False).to_numpy()].sum()) for name in (*self.labels, *unsure)
        }

    @property
    def unlabelled_s(self) -> float:
        """Seconds worn of which nothing could be said: marked samples, and stretches shorter than a window."""
        return float(
            self.seconds[(self.frame["label"].is_null() & self.frame["wear"].fill_null(False)).to_numpy()].sum()
        )

    @property
    def not_worn_s(self) -> float:
        """Seconds with samples in which the watch was not worn."""
        return float(self.seconds[self.frame["wear"].fill_null(True).not_().to_numpy()].sum())

    @property
    def gaps_s(self) -> float:
        """Seconds without samples, between the first and the last."""
        return float(self.seconds[~self.frame["recorded"].to_numpy()].sum())

    def to_parquet(self, path: str | Path) -> None:
        """Write the rows as Parquet, whole or not at all."""
        with replacing(path) as aside, aside.open("wb") as file:
            self.frame.write_parquet(file)

    def to_csv(self, path: str | Path) -> None:
        """Write the rows as CSV, whole or not at all; see ``harken.timelines.write_csv``."""
        write_csv(self.frame, path)

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.labels, UNSURE) if self.unsure_below is not None else self.labels

    def _labelled(self) -> "Timeline":
        """With the labels, and the smoothed probabilities, that follow from everything else."""
        worn = self.frame["wear"].fill_null(False).to_numpy()
        told = np.flatnonzero(~np.isnan(self.probabilities).any(axis=1) & worn)
        frame = self.frame
        chosen: NDArray[np.floating]
        if self.expected_bout_s is None:
            chosen = self.probabilities[told]
            own = chosen.argmax(axis=1) if len(told) else told
        else:
            expected = [self.expected_bout_s[label] for label in self.labels]
            # Nothing here keeps the probabilities, which need as much room as all else there is.
            chosen, own = smooth(self.probabilities[told], self._elapsed_s(told), expected)
            frame = frame.with_columns(self._column(told, chosen[:, k], k) for k in range(len(self.labels)))
        codes = np.full(len(self), len(self.labels) + 1)
        codes[told] = own
        if self.unsure_below is not None:
            sure = np.take_along_axis(chosen, own[:, None], axis=1)[:, 0].astype(np.float32)
            codes[told[sure < np.float32(self.unsure_below)]] = len(self.labels)
        names = pl.Series([*self.labels, UNSURE, None], dtype=pl.String)
        return replace(self, frame=frame.with_columns(names.gather(codes).alias("label")))

    def _column(self, told: NDArray[np.int64], values: NDArray[np.floating], code: int) -> pl.Series:
        """``smoothed_LABEL``, null in all rows but these."""
        whole = np.full(len(self), np.nan, dtype=np.float32)
        whole[told] = values
        return pl.Series(SMOOTHED + self.labels[code], whole, nan_to_null=True)

    def _elapsed_s(self, told: NDArray[np.int64]) -> NDArray[np.float64]:
        """From the middle of one of these rows to that of the next; infinite where the watch was taken off between."""
        middle = (nanoseconds(self.frame, "start") // 2 + nanoseconds(self.frame, "end") // 2)[told]
        taken_off = np.cumsum(self.frame["wear"].fill_null(True).not_().to_numpy())[told]
        elapsed = np.diff(middle, prepend=middle[:1]) / 1e9
        return np.where(np.diff(taken_off, prepend=-1) != 0, np.inf, elapsed)
