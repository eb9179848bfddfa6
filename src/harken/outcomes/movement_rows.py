"""Movement in rows of five seconds, from a stream of calibrated acceleration: ENMO, MAD (also of each second), angle z,
and the cadence of footsteps, from the stride with which the arm's movement repeats."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from harken.recordings.source import Samples, joined
from harken.signals.non_wear import worn
from harken.support.arrays import Float32Array, Float64Array, FloatArray, Int64Array, is_in_spans, numbered
from harken.support.tables import nanoseconds, times, zone_of

GRID_HZ = 20
WINDOW = 100
"""Points in a row."""
ROW_NS = WINDOW * 10**9 // GRID_HZ
"""The length of a row."""
TRANSFORM = 256
"""The length of the Fourier transform: at least twice a row, so that the correlation does not wrap around."""
LOWEST_HZ, HIGHEST_HZ = 0.6, 5.0
"""Slower movement is posture, faster movement is impacts."""
WALKING_STRIDE_S, RUNNING_STRIDE_S = (0.75, 2.0), (0.56, 1.0)
"""The limits of a stride (two steps) in walking and on stairs, and in running."""
NEARLY_HIGHEST = 0.95
"""The first peak that reaches this share of the highest one is the stride: later ones are two strides or three."""
LEAST_MAD_MG = 20.0
"""Rows with less movement have no cadence: the arm is still."""
DECIMALS = 2


def cadences(points: Float64Array) -> tuple[Float32Array, Float32Array]:
    """The cadence of each row if the wearer walks, and if they run, in steps a minute, float32 ``[rows]`` each.

    The movement of an arm repeats with every stride, and less well with every step. The stride is the lag at which the
    autocorrelation of the acceleration, all axes together, from 0.6 to 5 Hz, has its first high peak. It is searched
    from 0.75 to 2 s (60 to 160 steps a minute) in walking, and from 0.56 to 1 s (120 to 200) in running. Without a peak
    the cadence is NaN. The limits were chosen on half of the people of selfBACK; ``docs/intensity.md`` has the errors
    on the other half, beside the peaks of Verisense.

    Args:
        points: acceleration in g, 20 points a second, float64 ``[3, rows, 100]``.
    """
    moving = points - points.mean(axis=2, keepdims=True)
    spectrum = np.fft.rfft(moving, TRANSFORM)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=0)
    frequency_hz = np.fft.rfftfreq(TRANSFORM, 1 / GRID_HZ)
    power[:, (frequency_hz < LOWEST_HZ) | (frequency_hz > HIGHEST_HZ)] = 0
    lags = np.arange(int(WALKING_STRIDE_S[1] * GRID_HZ) + 2)
    correlation = np.fft.irfft(power, TRANSFORM, axis=1)[:, lags] / (WINDOW - lags)
    return _cadence(correlation, WALKING_STRIDE_S), _cadence(correlation, RUNNING_STRIDE_S)


def _on_grid(time_ns: Int64Array, signals: Float32Array, counts: Int64Array) -> Float64Array:
    """The mean acceleration of each twentieth of a second, float64 ``[3, rows, 100]``.

    The acceleration is taken as linear between two samples of a row. Each row depends on its own samples alone.

    Args:
        time_ns: the times of the samples of all rows, int64 ``[n]``, in order.
        signals: their acceleration in g, ``[n, 3]``.
        counts: the number of samples in each row, at least 2, int64 ``[rows]``.
    """
    lasts = np.cumsum(counts) - 1
    firsts = lasts + 1 - counts
    time_s = (time_ns - time_ns[0]) / 1e9
    begins_s = (time_ns[firsts] // ROW_NS * ROW_NS - time_ns[0]) / 1e9
    edges_s = begins_s[:, None] + np.arange(WINDOW + 1) / GRID_HZ
    first_s = time_s[firsts][:, None]
    last_s = time_s[lasts][:, None]
    within_s = np.clip(edges_s, first_s, last_s)
    covered_s = np.diff(within_s, axis=1)
    outside = covered_s <= 0  # before the first and after the last sample of a row
    covered_s[outside] = np.inf
    points = np.empty((3, len(counts), WINDOW))
    for axis in range(3):
        values = signals[:, axis].astype(np.float64)
        parts = np.diff(time_s) * (values[1:] + values[:-1]) / 2
        area = np.concatenate([[0.0], np.cumsum(parts)])
        points[axis] = np.diff(np.interp(within_s, time_s, area), axis=1) / covered_s
        points[axis][outside] = np.interp(within_s[:, 1:][outside], time_s, values)
    return points


def _mads_of_seconds(points: Float64Array) -> Float32Array:
    """The mean distance of the acceleration's length from its mean over each second, in mg, float32 ``[rows, 5]``."""
    length_g = np.sqrt(np.square(points).sum(axis=0)).reshape(-1, ROW_S, GRID_HZ)
    away = np.abs(length_g - length_g.mean(axis=2, keepdims=True))
    mads_mg = np.round(MG * away.mean(axis=2))  # for the same reason as cadences
    return np.asarray(mads_mg, dtype=np.float32)


def _cadence(correlation: Float64Array, stride_s: tuple[float, float]) -> Float32Array:
    """Steps a minute from the autocorrelation ``[rows, lags]``, by its peaks within the limits of a stride."""
    first = int(np.ceil(stride_s[0] * GRID_HZ))
    last = int(stride_s[1] * GRID_HZ)
    before, here, after = (correlation[:, first + shift : last + 1 + shift] for shift in (-1, 0, 1))
    height = np.where((here > before) & (here >= after), here, -np.inf)
    highest = height.max(axis=1)
    known = highest > 0
    best = (height >= NEARLY_HIGHEST * highest[:, None]).argmax(axis=1)
    rows = np.arange(len(best))
    left, top, right = before[rows, best], here[rows, best], after[rows, best]
    bend = np.where(known, left - 2 * top + right, -1.0)  # the parabola through the three points
    lag = first + best + (left - right) / (2 * bend)
    cadence = 2 * 60 * GRID_HZ / lag
    # Rounded, so that the order in which areas were summed up does not matter.
    return np.where(known, np.round(cadence, DECIMALS), np.nan).astype(np.float32)


ROW_S = ROW_NS // 10**9
"""The length of a row in seconds: 5, as in GGIR and wristpy."""
ROWS_A_MINUTE, ROWS_AN_HOUR, ROWS_A_DAY = 60 // ROW_S, 3600 // ROW_S, 86400 // ROW_S
LONGEST_FILLED_GAP = ROWS_A_DAY
"""A longer gap has no rows. After a reset of the clock, a gap can be decades."""
MOST_MISSING_ROWS = 366 * ROWS_A_DAY
"""If all gaps together have more rows, none of them has any: samples that are hours apart must not fill the memory."""
SAMPLES_AT_ONCE = 1 << 16
"""Samples computed at once, few enough for the processor's cache."""
MG = 1000.0


def movement_table(rows: pl.DataFrame, *, timezone: str, non_wear_ns: Int64Array | None = None) -> pl.DataFrame:
    """Rows of movement, and rows without values in gaps of up to a day.

    The columns are

    - ``start``: where the row begins, a datetime in nanoseconds, shown in the wearer's zone. The row ends 5 s later;
    - ``enmo_mg``, ``mad_mg``, ``angle_z_degrees``: see ``MovementMeter.finish``; float32, null without a valid sample;
    - ``valid_s``: likewise; float32, 0 without a valid sample;
    - ``wear``: False in non-wear, null without a valid sample, True elsewhere; also True where non-wear was not
      computed;
    - ``second_mads_mg``: see ``MovementMeter.finish``; an array of five float32, null where unknown;
    - ``walking_cadence``, ``running_cadence``: likewise; float32, null where unknown.

    Args:
        rows: the result of ``MovementMeter.finish``.
        timezone: the wearer's zone.
        non_wear_ns: the result of ``harken.signals.non_wear``, int64 ``[k, 2]``; None: always worn.
    """
    start_ns = rows["start_ns"].to_numpy()
    moved = pl.col("second_mads_mg").arr.first().is_not_nan()
    values = rows.select(
        "enmo_mg",
        "mad_mg",
        "angle_z_degrees",
        "valid_s",
        wear=pl.Series(np.ones(len(rows), bool) if non_wear_ns is None else worn(start_ns, non_wear_ns)),
        second_mads_mg=pl.when(moved).then("second_mads_mg"),
        walking_cadence=pl.col("walking_cadence").fill_nan(None),
        running_cadence=pl.col("running_cadence").fill_nan(None),
    )
    return fill_gaps(values.insert_column(0, times(start_ns, timezone).alias("start")))


def fill_gaps(recorded: pl.DataFrame) -> pl.DataFrame:
    """Return these rows of movement, and rows without values in gaps of up to a day.

    Args:
        recorded: rows with the columns of ``movement_table``, in order, each with a valid sample.
    """
    start_ns = nanoseconds(recorded, "start")
    steps = np.diff(start_ns // ROW_NS)
    missing = np.where(steps <= LONGEST_FILLED_GAP, steps - 1, 0)
    counts = np.ones(len(recorded), dtype=np.int64)
    if missing.sum() <= MOST_MISSING_ROWS:
        counts[:-1] += missing
    row, later = numbered(counts)
    has_values = pl.lit(pl.Series(later == 0))
    start = times(start_ns[row] + later * ROW_NS, zone_of(recorded["start"]))
    filled = recorded[row].select(pl.when(has_values).then(pl.exclude("start")))
    return filled.with_columns(pl.col("valid_s").fill_null(0.0)).insert_column(0, start.alias("start"))


def row_spans_ns(movement: pl.DataFrame) -> Int64Array:
    """Where each row of movement begins and ends, int64 ``[n, 2]``, in ns since 1970 (UTC)."""
    return np.asarray(nanoseconds(movement, "start")[:, None] + np.array([0, ROW_NS]))


def without_spans(movement: pl.DataFrame, spans_ns: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """Return the rows of movement whose middle lies in none of the spans, given in ns since 1970 (UTC)."""
    if not spans_ns:
        return movement
    middle_ns = nanoseconds(movement, "start") + ROW_NS // 2
    return movement.filter(~is_in_spans(middle_ns, np.array(spans_ns)))


class MovementMeter:
    """Takes a stream of calibrated samples in the order of their times, and gives its movement in rows of five seconds.

    The rows are the same to the bit however the stream is cut. Between two pushes, the samples of the open row are
    kept, and 52 bytes for each complete row: 6 MB a week.

    >>> import numpy as np
    >>> import polars as pl
    >>> from harken.outcomes.movement_rows import MovementMeter
    >>> from harken.recordings.source import Samples
    >>> meter = MovementMeter(sample_rate_hz=100)
    >>> n = 500
    >>> signals = np.tile(np.float32([0, 0.6, 0.8]), (n, 1))
    >>> signals[::2] *= 1.5  # every second sample is 1.5 g long, the others 1 g
    >>> meter.push(Samples(np.arange(n) * 10**7, signals, np.full(n, -1, np.int16), np.ones(n, bool)))
    >>> rows = meter.finish()
    >>> rows.select(pl.col("enmo_mg", "mad_mg", "angle_z_degrees").round()).row(0)
    (250.0, 250.0, 53.0)

    Args:
        sample_rate_hz: samples per second inside gap-free stretches.
    """

    def __init__(self, *, sample_rate_hz: float) -> None:
        self._row_samples = ROW_S * sample_rate_hz
        self._open = Samples.empty(0, 3)
        self._done: list[pl.DataFrame] = []

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before. Acceleration in g is the first three channels."""
        for part in samples._replace(signals=samples.signals[:, :3]).pieces(SAMPLES_AT_ONCE):
            self._push(part if part.valid.all() else part.chosen(part.valid))

    def finish(self) -> pl.DataFrame:
        """The rows that have a valid sample; the last one may be incomplete. Afterwards there are none left.

        Row ``k`` covers ``[k, k + 1) * 5 s`` since 1970 (UTC), so rows begin at whole multiples of five seconds by
        every clock. The columns are, float32 but for the first one,

        - ``start_ns``: where each row begins, in ns since 1970 (UTC), increasing;
        - ``enmo_mg``: the mean of the acceleration's length minus 1 g, and 0 where this is negative, in thousandths of
          g. (van Hees and others, PLoS ONE 8(4), 2013.)
        - ``mad_mg``: the mean distance of the acceleration's length from its mean over the row, in thousandths of g.
          (Vähä-Ypyä and others, Clinical Physiology and Functional Imaging 35, 2015.)
        - ``angle_z_degrees``: the mean angle between the acceleration and the plane of the watch's face, -90 to 90
          degrees. 90: the face points up. (van Hees and others, PLoS ONE 10(11), 2015.) As in wristpy, the angle of
          each sample is averaged; GGIR and scikit-digital-health take the angle of a rolling median first, which hides
          movements that last less than half a row;
        - ``valid_s``: how much of each row has valid samples, above 0 to 5 s;
        - ``second_mads_mg``: the same as ``mad_mg`` for each second by itself, in whole thousandths of g, an array of
          five; NaN where the arm hardly moves in the whole row;
        - ``walking_cadence``, ``running_cadence``: steps a minute if the wearer walks, or runs, in the row; NaN where
          the arm hardly moves or does not repeat its movement. See ``cadences``.
        """
        self._end(self._open)
        self._open = self._open.part(0, 0)
        done, self._done = self._done, []
        return pl.concat(done, rechunk=True)

    def _push(self, samples: Samples) -> None:
        if len(samples.time_ns) == 0:
            return
        every = joined([self._open, samples])
        complete = int(np.searchsorted(every.time_ns, every.time_ns[-1] // ROW_NS * ROW_NS))
        self._open = every.part(complete, len(every.time_ns))
        self._end(every.part(0, complete))

    def _end(self, done: Samples) -> None:
        """Compute the rows of these samples, which are complete."""
        x, y, z = done.signals.T
        across = np.square(x)
        across += np.square(y)
        length_g = np.sqrt(across + np.square(z))
        angle = np.arctan2(z, np.sqrt(across, out=across))
        row = done.time_ns // ROW_NS
        firsts = np.flatnonzero(np.diff(row, prepend=row[:1] - 1))
        counts = np.diff(firsts, append=len(row))

        def mean(values: Float32Array) -> Float64Array:
            if len(row) == 0:
                return np.empty(0)
            sums = np.add.reduceat(values, firsts, dtype=np.float64)
            return np.asarray(sums / counts)

        away = np.abs(length_g - np.repeat(mean(length_g).astype(np.float32), counts))
        mad_mg = MG * mean(away)
        full = counts >= self._row_samples - 1
        walking, running = np.full((2, len(counts)), np.nan, dtype=np.float32)
        seconds = np.full((len(counts), ROW_S), np.nan, dtype=np.float32)
        moving = mad_mg >= LEAST_MAD_MG
        if moving.any():
            moved = done.chosen(np.repeat(moving, counts))
            points = _on_grid(moved.time_ns, moved.signals, counts[moving])
            seconds[moving] = _mads_of_seconds(points)
            walking[moving], running[moving] = cadences(points)
            walking[~full] = running[~full] = np.nan
        columns: dict[str, FloatArray] = {
            "enmo_mg": MG * mean(np.maximum(length_g - 1, 0)),
            "mad_mg": mad_mg,
            "angle_z_degrees": np.degrees(mean(angle)),
            "valid_s": np.where(full, ROW_S, ROW_S * counts / self._row_samples),
            "second_mads_mg": seconds,
            "walking_cadence": walking,
            "running_cadence": running,
        }
        columns = {name: values.astype(np.float32, copy=False) for name, values in columns.items()}
        self._done.append(pl.DataFrame({"start_ns": row[firsts] * ROW_NS, **columns}))


def median_of_known(values: Float64Array) -> tuple[Float64Array, Int64Array]:
    """The median of the known values in each line, float64 ``[n]``, NaN without any; and their number, int64 ``[n]``.

    Args:
        values: ``[n, k]``; NaN where a value is unknown.
    """
    ordered = np.sort(values, axis=1)  # NaN comes last
    known = np.isfinite(ordered).sum(axis=1)
    lines = np.arange(len(ordered))
    low = ordered[lines, np.maximum(known - 1, 0) // 2]
    high = ordered[lines, known // 2]
    return (low + high) / 2, known
