"""The timeline: rows of labelled time with the probability of each label, over a whole recording; its bouts, which are
the longest stretches of one label, and its days by the wearer's calendar."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.recordings.recording import POSTURES
from harken.support.arrays import BoolArray, Float64Array, Int64Array, is_in_spans, lengths_of, sums_in
from harken.support.errors import HarkenError
from harken.support.tables import nanoseconds, spans_ns, times, where_known, zone_of
from harken.timelines.calendar import QUARTER_NS, Quarters, parts_by_day
from harken.timelines.smoothing import HELD, SHORT, expected_bouts, pace, smooth, still_at_night_likelihood

PROBABILITY = "probability_"
"""The prefix of the columns with the model's probability of each label."""
HANDS = "hands"
"""The column with the probability of busy hands."""
LEAST_BUSY = 0.5
"""The hands count as busy where their probability is at least this."""
SMOOTHED = "smoothed_"
"""The prefix of the columns with the probability of each label given all rows."""
UNSURE = "unsure"
"""The label of rows with too small a probability."""
BRIDGED_GAP_S = 60.0
"""The longest time without a label that is bridged within a bout."""
WALKING = "walking"
NS_PER_MINUTE = 60 * 10**9


@dataclass(frozen=True, eq=False)
class Timeline:
    """The labels of a recording, from its first sample to its last, in the order of time.

    Every row ends where the next one begins, so the rows cover the whole time. A stretch without a result is one row
    without a label, however long. The columns of ``frame`` are

    - ``start``, ``end``: datetimes in nanoseconds, shown in the wearer's zone;
    - ``label``: the most probable label; in a smoothed timeline, the label in the most probable sequence. It is
      ``unsure`` where its probability is below the limit. It is null in gaps, in samples marked as not valid, in
      stretches shorter than a window, and in non-wear;
    - ``recorded``: False in gaps, where there are no samples;
    - ``wear``: False in non-wear, null in gaps, True elsewhere; also True where non-wear was not computed;
    - ``activity_mg``: how much the wearer moved: the mean of the acceleration's magnitude minus 1 g, and 0 where this
      is negative, in thousandths of g, float32; null in gaps and where it was not computed;
    - ``probability_LABEL`` for each of ``labels``, float32; null in gaps, in non-wear, in samples marked as not
      valid, and in stretches shorter than a window. ``unsure`` and smoothing do not change it;
    - ``hands``: the probability that the hands are busy, float32, if the model was taught that; null as above. It means
      something where the label is one of ``POSTURES``;
    - ``smoothed_LABEL`` for each of ``labels``, float32, in a smoothed timeline: the probability given all rows; null
      where there is no label.

    Attributes:
        frame: the rows.
        labels: the recogniser's labels, in the order of its probabilities.
        subject: who wore the watch.
        source: the file from which the recording was read.
        unsure_below: the limit below which a label is ``unsure``; None for none.
        expected_bout_s: the expected lengths of bouts used for smoothing, by label; None if not smoothed.
        still_at_night_ns: the stretches used for smoothing in which the arm was still in a sleep period; None if none
            were.
    """

    frame: pl.DataFrame
    labels: tuple[str, ...]
    subject: str
    source: str = ""
    unsure_below: float | None = None
    expected_bout_s: Mapping[str, float] | None = None
    still_at_night_ns: Int64Array | None = None

    @classmethod
    def of(
        cls,
        start_ns: Int64Array,
        probabilities: NDArray[np.floating],
        *,
        end_ns: int,
        recorded: BoolArray,
        labels: tuple[str, ...],
        subject: str,
        source: str = "",
        timezone: str = "UTC",
        wear: BoolArray | None = None,
        activity_mg: NDArray[np.floating] | None = None,
        hands: NDArray[np.floating] | None = None,
    ) -> "Timeline":
        """A timeline of rows whose labels are the most probable ones.

        Args:
            start_ns: where each row begins and the previous one ends, int64 ``[n]``, UTC since 1970.
            probabilities: ``[n, labels]``; a row of NaN where there is no result.
            end_ns: where the last row ends.
            recorded: False for gaps, bool ``[n]``.
            labels: the labels of the columns of ``probabilities``.
            subject, source, timezone: as in the recording.
            wear: False where the watch was not worn, bool ``[n]``; ignored in gaps. None: always worn.
            activity_mg: ``[n]``, NaN where it is unknown; ignored in gaps. None: unknown everywhere.
            hands: the probability of busy hands ``[n]``, NaN where ``probabilities`` are; None if the model has none.
        """
        here = pl.Series(recorded, dtype=pl.Boolean)
        worn = pl.Series(np.ones(len(start_ns), dtype=bool) if wear is None else wear)
        activity = np.full(len(start_ns), np.nan) if activity_mg is None else activity_mg
        columns: dict[str, pl.Series] = {
            "start": times(start_ns, timezone),
            "end": times(np.append(start_ns[1:], np.int64(end_ns)), timezone),
            "label": pl.Series([None] * len(start_ns), dtype=pl.String),
            "recorded": here,
            "wear": where_known(worn, here),
            "activity_mg": where_known(pl.Series(activity.astype(np.float32), nan_to_null=True), here),
        }
        for code, label in enumerate(labels):
            columns[PROBABILITY + label] = pl.Series(probabilities[:, code].astype(np.float32), nan_to_null=True)
        if hands is not None:
            columns[HANDS] = pl.Series(hands.astype(np.float32), nan_to_null=True)
        return cls(pl.DataFrame(columns), labels, subject, source)._labelled()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that rows may have: ``labels``, and ``unsure`` if there is a limit."""
        return (*self.labels, UNSURE) if self.unsure_below is not None else self.labels

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probability of each label in each row, float32 ``[n, labels]``; NaN where there is no result."""
        return matrix(self.frame, PROBABILITY, self.labels)

    @property
    def seconds(self) -> Float64Array:
        """How long each row lasts, float64 ``[n]``: elapsed time, independent of clock changes in the zone."""
        return np.asarray(lengths_of(spans_ns(self.frame)) / 1e9)

    @property
    def timezone(self) -> str:
        """The wearer's time zone."""
        return zone_of(self.frame["start"])

    @cached_property
    def quarters(self) -> Quarters:
        """The quarters of an hour of all days with samples."""
        recorded = self.frame.filter("recorded")
        return Quarters.of(spans_ns(recorded), self.timezone)

    def with_unsure_below(self, probability: float | None) -> "Timeline":
        """The same timeline with ``unsure`` where the label's probability is below a limit; None: nowhere.

        In a smoothed timeline, the smoothed probability is compared with the limit.

        Raises:
            HarkenError: when the limit is not a probability, or the recogniser has a label ``unsure``.
        """
        if probability is not None and not 0 <= probability <= 1:
            raise HarkenError(f"the limit for unsure must be a probability from 0 to 1, got {probability:g}")
        if probability is not None and UNSURE in self.labels:
            raise HarkenError(f"the model itself has a label {UNSURE!r}, so no limit for unsure can be given")
        return replace(self, unsure_below=probability)._labelled()

    def smoothed(
        self, expected_bout_s: Mapping[str, float] | None = None, *, still_at_night_ns: Int64Array | None = None
    ) -> "Timeline":
        """The most probable sequence of labels, from the probabilities and the expected lengths of bouts.

        A row that differs from its neighbours needs more evidence than one that agrees with them, and less of it where
        the arm moves. Of the evidence between postures, only a part is new in each row, and evidence of walking
        and stairs counts several times. Gaps and other rows without a result count as elapsed time: the longer it is,
        the less effect earlier rows have. Rows before non-wear have no effect on rows after it. A limit for ``unsure``
        is kept. See ``harken.timelines.smoothing`` for the method and the limits of its probabilities.

        Args:
            expected_bout_s: the expected length of a bout in seconds, by label. Labels that are not given have the
                length in ``harken.timelines.EXPECTED_BOUT_S``.
            still_at_night_ns: stretches in which the arm was still in a sleep period, in ns since 1970 (UTC), int64
                ``[k, 2]``, in order and apart (``harken.outcomes.nights.still_at_night_ns``). There, lying is more
                likely than the network says. None: nothing is known of the nights.

        Raises:
            HarkenError: when a name is not one of the labels, or a length is not a finite number above 0.
        """
        return replace(
            self, expected_bout_s=expected_bouts(self.labels, expected_bout_s), still_at_night_ns=still_at_night_ns
        )._labelled()

    def without_spans(self, left_out_ns: Int64Array) -> "Timeline":
        """Return the timeline as if nothing had been recorded in these spans.

        A row that lies partly in a span is split at its edge. Labels outside the spans do not change.

        Args:
            left_out_ns: where each span begins and ends, in ns since 1970 (UTC), int64 ``[k, 2]``.
        """
        cut = self.cut_at(left_out_ns.ravel())
        middle_ns = spans_ns(cut.frame).sum(axis=1) // 2
        counts = pl.Series(~is_in_spans(middle_ns, left_out_ns))
        known = pl.exclude("start", "end", "recorded")
        frame = cut.frame.with_columns(pl.when(counts).then(known), recorded=pl.col("recorded") & counts)
        return replace(self, frame=frame)

    def cut_at(self, edges_ns: Int64Array) -> "Timeline":
        """Return the timeline with each row split at the edges that lie in it.

        Args:
            edges_ns: times in ns since 1970 (UTC), int64 ``[k]``, in any order.
        """
        rows_ns = spans_ns(self.frame)
        first_ns, last_ns = rows_ns[0, 0], rows_ns[-1, 1]
        start_ns = np.union1d(rows_ns[:, 0], edges_ns[(edges_ns > first_ns) & (edges_ns < last_ns)])
        end_ns = np.append(start_ns[1:], last_ns)
        row = np.searchsorted(rows_ns[:, 0], start_ns, side="right") - 1
        frame = self.frame[row].with_columns(start=times(start_ns, self.timezone), end=times(end_ns, self.timezone))
        return replace(self, frame=frame)

    def bouts(self) -> pl.DataFrame:
        """The longest stretches of one label.

        Two rows of one label belong to one bout if at most ``BRIDGED_GAP_S`` without a label lie between them and the
        watch was not taken off. The columns are ``start``, ``end``, ``label`` (``unsure`` has its own bouts),
        ``seconds`` from start to end with bridged time, ``mean_probability`` of the label (not smoothed; where it is
        ``unsure``, the largest one), ``activity_mg``, and ``hands`` if the model was taught those. The last three are
        means over the time that has the label.
        """
        of_hands = [HANDS] if HANDS in self.frame.columns else []
        rows = self.frame.select(
            pl.col("start", "end", "label", "activity_mg", *of_hands),
            row=pl.int_range(pl.len()),
            probability=pl.Series(self.own_probability()).cast(pl.Float64),
            seconds=pl.Series(self.seconds),
        )
        labelled = rows.filter(pl.col("label").is_not_null())
        label = labelled["label"]
        joined = _follows(self.frame, labelled) & (label == label.shift(1)).fill_null(False).to_numpy()
        weight = pl.col("seconds")
        activity = pl.col("activity_mg").fill_null(0.0).cast(pl.Float64)
        moving_s = pl.when(pl.col("activity_mg").is_not_null()).then(weight).otherwise(0.0)
        lasting = pl.col("end").last() - pl.col("start").first()
        bouts = labelled.group_by(pl.Series("bout", np.cumsum(~joined)), maintain_order=True).agg(
            pl.col("start").first(),
            pl.col("end").last(),
            pl.col("label").first(),
            seconds=lasting.dt.total_nanoseconds(),
            mean_probability=(pl.col("probability") * weight).sum() / weight.sum(),
            activity_mg=pl.when(moving_s.sum() > 0).then((activity * moving_s).sum() / moving_s.sum()).cast(pl.Float32),
            **{name: ((pl.col(name) * weight).sum() / weight.sum()).cast(pl.Float32) for name in of_hands},
        )
        return bouts.drop("bout").with_columns(pl.Series("seconds", bouts["seconds"].to_numpy() / 1e9))

    def daily(self) -> pl.DataFrame:
        """One row a calendar day in the wearer's zone, in order. A day without samples has no row.

        The columns are

        - ``date``, and ``seconds_in_day``: 82,800 or 90,000 where clocks change;
        - ``recorded_hours``, ``wear_hours``;
        - ``hours_LABEL``: for each label, and for ``unsure`` if there is a limit;
        - ``busy_hands_hours_LABEL``: for each label of ``POSTURES``, how much of it was with busy hands; only if the
          model was taught that;
        - ``adjusted_hours_LABEL``: the same, adjusted for time without a label. The missing part of a quarter of an
          hour is divided in the proportions of the same quarter, by local time, on all other days together. It is null
          for a day with an incomplete quarter that has no label on any other day;
        - ``longest_bout_minutes_LABEL``: the longest bout of ``bouts()``; only the part that lies in the day counts;
        - ``transitions``: the number of changes from one label to another within a minute, with the watch worn;
        - ``first_walking``, ``last_walking``: the start of the first and the end of the last row with that label; null
          if there is none.
        """
        spans = spans_ns(self.frame)
        lengths = lengths_of(spans)
        recorded = self.frame["recorded"].fill_null(False).to_numpy()
        worn = self.frame["wear"].fill_null(False).to_numpy()
        quarters = self.quarters
        days_ns = quarters.days().edges_ns

        def seconds(chosen: BoolArray) -> Float64Array:
            return sums_in(quarters.edges_ns, spans, np.where(chosen, lengths, 0)) / 1e9

        of_labels = {name: (self.frame["label"] == name).fill_null(False).to_numpy() for name in self.names}
        seconds_of_labels = {name: seconds(chosen) for name, chosen in of_labels.items()}
        adjusted = adjusted_seconds(quarters, np.stack(list(seconds_of_labels.values())))
        walking = of_labels.get(WALKING, np.zeros(len(self), dtype=bool))
        _, day, begin, until = parts_by_day(spans[walking], days_ns)
        last, first = days_ns.T.copy()  # a day without walking begins it after its end
        np.minimum.at(first, day, begin)
        np.maximum.at(last, day, until)
        some = pl.Series(first < last)
        columns: dict[str, NDArray[np.generic] | pl.Series] = {
            "date": quarters.dates,
            "seconds_in_day": np.bincount(quarters.day, minlength=len(quarters.dates)) * (QUARTER_NS / 1e9),
            "recorded_hours": quarters.by_day(seconds(recorded)) / 3600,
            "wear_hours": quarters.by_day(seconds(recorded & worn)) / 3600,
        }
        columns |= {f"hours_{name}": quarters.by_day(of_name) / 3600 for name, of_name in seconds_of_labels.items()}
        for name, busy in self.busy_hands().items():
            columns[f"busy_hands_hours_{name}"] = quarters.by_day(seconds(busy)) / 3600
        for name, of_name in zip(self.names, adjusted, strict=True):
            columns[f"adjusted_hours_{name}"] = pl.Series(of_name / 3600, nan_to_null=True)
        for name, of_name in zip(self.names, self._longest_bout_minutes(days_ns), strict=True):
            columns[f"longest_bout_minutes_{name}"] = of_name
        columns["transitions"] = self._transitions(days_ns)
        for name, moments in (("first_walking", first), ("last_walking", last)):
            columns[name] = pl.select(pl.when(some).then(times(moments, self.timezone))).to_series()
        return pl.DataFrame(columns).filter(pl.col("recorded_hours") > 0)

    def busy_hands(self) -> dict[str, BoolArray]:
        """The rows of each label of ``POSTURES`` with busy hands, bool ``[n]``; empty without a column of hands."""
        if HANDS not in self.frame.columns:
            return {}
        busy = (self.frame[HANDS] >= LEAST_BUSY).fill_null(False)
        names = [name for name in POSTURES if name in self.labels]
        return {name: (busy & (self.frame["label"] == name)).fill_null(False).to_numpy() for name in names}

    def busy_hands_s(self) -> dict[str, float]:
        """Seconds with busy hands of each label of ``busy_hands``."""
        return {name: self.lasting_s(pl.Series(busy)) for name, busy in self.busy_hands().items()}

    def lasting_s(self, chosen: pl.Series) -> float:
        """How long the rows last for which ``chosen`` is true, and not null."""
        return float(self.seconds[chosen.fill_null(False).to_numpy()].sum())

    def seconds_by_label(self) -> dict[str, float]:
        """Seconds of each label, in the recogniser's order, and of ``unsure`` if any row is."""
        label = self.frame["label"]
        unsure = [UNSURE] if UNSURE not in self.labels and (label == UNSURE).any() else []
        return {name: self.lasting_s(label == name) for name in (*self.labels, *unsure)}

    @property
    def unlabelled_s(self) -> float:
        """Seconds of wear without a label: marked samples, and stretches shorter than a window."""
        return self.lasting_s(self.frame["label"].is_null() & self.frame["wear"])

    @property
    def worn_s(self) -> float:
        """Seconds with samples in which the watch was worn, or all of them if non-wear was not computed."""
        return self.lasting_s(self.frame["wear"])

    @property
    def not_worn_s(self) -> float:
        """Seconds with samples in which the watch was not worn."""
        return self.lasting_s(~self.frame["wear"])

    @property
    def gaps_s(self) -> float:
        """Seconds without samples, between the first and the last."""
        return self.lasting_s(~self.frame["recorded"])

    def own_probability(self, prefix: str = PROBABILITY) -> NDArray[np.float32]:
        """The probability of each row's label, ``[n]``; of the most probable label where it is ``unsure``, and NaN
        without a label.

        Args:
            prefix: of the columns of probabilities, ``PROBABILITY`` or ``SMOOTHED``.
        """
        label = self.frame["label"]
        own = np.full(len(self), np.nan, dtype=np.float32)
        for name in self.labels:  # one at a time, because all together need as much memory as the timeline
            of_name = (label == name).fill_null(False).to_numpy()
            own[of_name] = self.frame[prefix + name].to_numpy()[of_name]
        unsure = np.flatnonzero((~label.is_in(self.labels)).fill_null(False).to_numpy())
        if len(unsure):
            own[unsure] = matrix(self.frame[unsure], prefix, self.labels).max(axis=1)
        return own

    def _longest_bout_minutes(self, days_ns: Int64Array) -> Float64Array:
        """``[names, days]``; of a bout over midnight, each day has the part that lies in it."""
        bouts = self.bouts()
        codes = np.array([self.names.index(name) for name in bouts["label"]], dtype=np.int64)
        bout, day, begin, end = parts_by_day(spans_ns(bouts), days_ns)
        longest = np.zeros((len(self.names), len(days_ns)))
        np.maximum.at(longest, (codes[bout], day), (end - begin) / NS_PER_MINUTE)
        return longest

    def _transitions(self, days_ns: Int64Array) -> Int64Array:
        """The number of changes from one label to another, ``[days]``; ``unsure`` is treated as a gap."""
        rows = self.frame.select("start", "end", "label", row=pl.int_range(pl.len()))
        labelled = rows.filter(pl.col("label").is_in(self.labels))
        label = labelled["label"]
        other = (label != label.shift(1)).fill_null(False).to_numpy()
        changes = _follows(self.frame, labelled) & other
        days = np.searchsorted(days_ns[:, 0], nanoseconds(labelled, "start")[changes], side="right") - 1
        return np.bincount(days, minlength=len(days_ns))

    def _labelled(self) -> "Timeline":
        """This timeline with its labels and smoothed probabilities computed from the other fields."""
        worn = self.frame["wear"].fill_null(False).to_numpy()
        known = np.flatnonzero(~np.isnan(self.probabilities).any(axis=1) & worn)
        frame = self.frame
        chosen: NDArray[np.floating]
        if self.expected_bout_s is None:
            chosen = self.probabilities[known]
            own = chosen.argmax(axis=1) if len(known) else known
        else:
            expected = [self.expected_bout_s[label] for label in self.labels]
            still_ns, likelihood = self.still_at_night_ns, None
            if still_ns is not None and still_ns.size:
                likelihood = still_at_night_likelihood(self.labels, self._middle_ns(known), still_ns)
            # No variable here keeps the probabilities, which need as much memory as all other data.
            elapsed_s = self._elapsed_s(known) * pace(self.frame["activity_mg"].fill_null(np.nan).to_numpy())[known]
            held, short = (np.isin(self.labels, names) for names in (HELD, SHORT))
            chosen, own = smooth(self.probabilities[known], elapsed_s, expected, likelihood, held, short)
            frame = frame.with_columns(self._column(known, chosen[:, k], k) for k in range(len(self.labels)))
        codes = np.full(len(self), len(self.labels) + 1)
        codes[known] = own
        if self.unsure_below is not None:
            sure = np.take_along_axis(chosen, own[:, None], axis=1)[:, 0].astype(np.float32)
            codes[known[sure < np.float32(self.unsure_below)]] = len(self.labels)
        names = pl.Series([*self.labels, UNSURE, None], dtype=pl.String)
        return replace(self, frame=frame.with_columns(names.gather(codes).alias("label")))

    def _column(self, known: Int64Array, values: NDArray[np.floating], code: int) -> pl.Series:
        """``smoothed_LABEL``: the values in these rows, null in all others."""
        whole = np.full(len(self), np.nan, dtype=np.float32)
        whole[known] = values
        return pl.Series(SMOOTHED + self.labels[code], whole, nan_to_null=True)

    def _middle_ns(self, rows: Int64Array) -> Int64Array:
        """The middle of each of these rows, in ns since 1970."""
        return np.asarray((spans_ns(self.frame) // 2).sum(axis=1)[rows])

    def _elapsed_s(self, known: Int64Array) -> Float64Array:
        """Seconds from the middle of one of these rows to that of the next; infinite with non-wear in between."""
        middle = self._middle_ns(known)
        removals = np.cumsum(self.frame["wear"].fill_null(True).not_().to_numpy())[known]
        elapsed = np.diff(middle, prepend=middle[:1]) / 1e9
        return np.where(np.diff(removals, prepend=-1) != 0, np.inf, elapsed)


def matrix(frame: pl.DataFrame, prefix: str, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns ``prefixLABEL`` as float32 ``[n, labels]``; NaN where they are null."""
    return frame.select(pl.col(prefix + label).fill_null(float("nan")) for label in labels).to_numpy()


def _follows(frame: pl.DataFrame, labelled: pl.DataFrame) -> BoolArray:
    """Whether each row of ``labelled`` continues the previous one, bool ``[labelled]``.

    It does when at most ``BRIDGED_GAP_S`` lie between the two, and the watch was not taken off in between.

    Args:
        frame: the rows of a timeline.
        labelled: some of these rows, in order, with their number in ``frame`` as ``row``.
    """
    if len(labelled) == 0:
        return np.zeros(0, dtype=bool)
    spans = spans_ns(labelled)
    near = spans[1:, 0] - spans[:-1, 1] <= BRIDGED_GAP_S * 1e9
    removed = frame["wear"].fill_null(True).not_().to_numpy()
    removals = np.cumsum(removed)[labelled["row"].to_numpy()]
    return np.concatenate([[False], near & (np.diff(removals) == 0)])


def adjusted_seconds(quarters: Quarters, seconds_of_labels: Float64Array) -> Float64Array:
    """Seconds of each label and day, adjusted for time without a label, float64 ``[labels, days]``.

    The missing part of a quarter of an hour is divided among the labels in the proportions of the same quarter, by
    local time, on all other days together. The result is NaN for a day with an incomplete quarter that has no label on
    any other day. It follows A. Doherty and others, "Large scale population assessment of physical activity using wrist
    worn accelerometers: the UK Biobank study", PLoS ONE 12(2), 2017, who fill minutes with the mean of the same minute
    on other days.

    Args:
        quarters: the quarters of all days.
        seconds_of_labels: seconds of each label in each quarter, ``[labels, quarters]``.
    """
    missing = np.maximum(quarters.by_time_of_day(QUARTER_NS / 1e9 - seconds_of_labels.sum(axis=0)), 0)
    missing[missing < 1e-6] = 0
    spent = np.stack([quarters.by_time_of_day(one) for one in seconds_of_labels])
    elsewhere = spent.sum(axis=1, keepdims=True) - spent
    total = elsewhere.sum(axis=0)
    # Because of rounding, the difference may not be exactly 0.
    share = np.where(total > 1e-6, elsewhere / np.maximum(total, 1e-6), np.nan)
    filled = np.where(missing > 0, missing * share, 0)
    return np.asarray(spent.sum(axis=2) + filled.sum(axis=2))
