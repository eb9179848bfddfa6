"""Labelled time: one row a step, with the probability of each label, over the whole of a recording."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.files import replacing

__all__ = ["UNSURE", "Timeline"]

UNSURE = "unsure"
"""What stands in place of a label whose probability is too small."""

PROBABILITY = "probability_"
CSV_TIME = "%Y-%m-%dT%H:%M:%S%.3f%:z"
CSV_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Timeline:
    """What a recogniser says of a recording, from its first sample to its last, in the order of time.

    Every row ends where the next one begins, so nothing is left out: a stretch about which nothing can be said is a
    row too, however long, without a label. The columns of ``frame`` are

    - ``start``, ``end``: datetimes in nanoseconds, shown in the wearer's zone;
    - ``label``: the most probable one; ``unsure`` where its probability is below the asked-for limit; null where
      nothing can be said: in gaps, in samples marked as not valid, and in stretches shorter than a window;
    - ``recorded``: False in gaps, where there are no samples;
    - ``probability_LABEL`` for each of ``labels``, float32, null where nothing can be said. ``unsure`` does not
      change them.

    Attributes:
        frame: the rows.
        labels: what the recogniser tells apart, in the order of its probabilities.
        subject: who wore the watch.
        source: the file the recording was read from.
    """

    frame: pl.DataFrame
    labels: tuple[str, ...]
    subject: str
    source: str = ""

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
    ) -> "Timeline":
        """A timeline of rows whose labels are the most probable ones.

        Args:
            start_ns: where each row begins, and so where the one before ends, int64 ``[n]``, UTC since 1970.
            probabilities: ``[n, labels]``; a row of NaN where nothing can be said.
            end_ns: where the last row ends.
            recorded: False for gaps, bool ``[n]``.
            labels: what the columns of ``probabilities`` stand for.
            subject, source, timezone: as in the recording.
        """
        told = ~np.isnan(probabilities).any(axis=1)
        columns: dict[str, pl.Series] = {
            "start": _times(start_ns, timezone),
            "end": _times(np.append(start_ns[1:], np.int64(end_ns)), timezone),
            "label": pl.Series([None] * len(start_ns), dtype=pl.String),
            "recorded": pl.Series(recorded, dtype=pl.Boolean),
        }
        for code, label in enumerate(labels):
            values = pl.Series(probabilities[:, code].astype(np.float32))
            columns[PROBABILITY + label] = values.zip_with(pl.Series(told), pl.Series([None], dtype=pl.Float32))
        return cls(pl.DataFrame(columns), labels, subject, source).with_unsure_below(None)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probability of each label in each row, float32 ``[n, labels]``; NaN where nothing can be said."""
        columns = self.frame.select(pl.col(PROBABILITY + label).fill_null(float("nan")) for label in self.labels)
        return columns.to_numpy()

    @property
    def seconds(self) -> NDArray[np.float64]:
        """How long each row lasts, float64 ``[n]``: elapsed time, whatever the clocks in the zone do meanwhile."""
        start, end = (self.frame[name].to_physical().to_numpy() for name in ("start", "end"))
        return np.asarray((end - start) / 1e9)

    def with_unsure_below(self, probability: float | None) -> "Timeline":
        """The same probabilities, with ``unsure`` wherever the largest one is smaller than this; None: nowhere.

        Raises:
            HarkenError: for what is no probability, or when the recogniser itself has a label ``unsure``.
        """
        if probability is not None and not 0 <= probability <= 1:
            raise HarkenError(f"unsure below {probability:g} cannot be: probabilities go from 0 to 1")
        if probability is not None and UNSURE in self.labels:
            raise HarkenError(f"the model has a label {UNSURE!r} of its own; label without a limit")
        probabilities = self.probabilities
        told = ~np.isnan(probabilities).any(axis=1)
        codes = np.full(len(self), len(self.labels) + 1)
        codes[told] = probabilities[told].argmax(axis=1)
        if probability is not None:
            codes[told & (probabilities.max(axis=1) < np.float32(probability))] = len(self.labels)
        names = pl.Series([*self.labels, UNSURE, None], dtype=pl.String)
        return replace(self, frame=self.frame.with_columns(names.gather(codes).alias("label")))

    def seconds_by_label(self) -> dict[str, float]:
        """Seconds of each label, in the recogniser's order; and of ``unsure``, where a step is."""
        seconds, label = self.seconds, self.frame["label"]
        unsure = [UNSURE] if UNSURE not in self.labels and (label == UNSURE).any() else []
        return {
            name: float(seconds[(label == name).fill_null(False).to_numpy()].sum()) for name in (*self.labels, *unsure)
        }

    @property
    def unlabelled_s(self) -> float:
        """Seconds with samples of which nothing could be said: marked ones, and stretches shorter than a window."""
        return float(self.seconds[(self.frame["label"].is_null() & self.frame["recorded"]).to_numpy()].sum())

    @property
    def gaps_s(self) -> float:
        """Seconds without samples, between the first and the last."""
        return float(self.seconds[~self.frame["recorded"].to_numpy()].sum())

    def to_parquet(self, path: str | Path) -> None:
        """Write the rows as Parquet, whole or not at all."""
        with replacing(path) as aside:
            self.frame.write_parquet(aside)

    def to_csv(self, path: str | Path) -> None:
        """Write the rows as CSV, whole or not at all.

        Times are ISO 8601 in milliseconds with their offset from UTC; probabilities have four decimals; what cannot
        be said is empty.
        """
        with replacing(path) as aside:
            self.frame.write_csv(aside, datetime_format=CSV_TIME, float_precision=CSV_DECIMALS)


def _times(time_ns: NDArray[np.int64], timezone: str) -> pl.Series:
    return pl.Series(time_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(timezone)
