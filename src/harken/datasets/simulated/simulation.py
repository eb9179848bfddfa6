"""One synthetic wearer's recording, its truth, and its files. Each part can be computed separately, in blocks.

Memory does not grow with the length of a file.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from harken.datasets.simulated.wearer import (
    ACTIVITIES,
    DAY_S,
    LYING,
    NOT_WORN,
    SECOND_NS,
    Gait,
    Posture,
    Purpose,
    SimulatedDay,
    draw_day,
    draw_postures,
    draw_wearer,
    random_numbers,
)
from harken.recordings.recording import STANDARD_GRAVITY, Quality, Recording
from harken.recordings.source import Samples, joined
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int16Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.files import replacing

START_NS = 1_704_067_200 * SECOND_NS  # Monday, 1 January 2024, 00:00 UTC
SHORTEST_S = 60.0
LONGEST_DAYS = 36_500.0
SLOWEST_HZ, FASTEST_HZ = 1.0, 1000.0

BLOCK_ROWS = 1 << 16
"""Random numbers are drawn for blocks of this many samples, counted from the recording's start."""
SENSOR_RANGE_G = 4.0
STEPS_PER_G = 1024
SENSOR_NOISE_G = 0.003
JITTER = 0.2
"""The largest deviation of a sample's time, as a share of the sampling interval."""
MOVE_S = 1.5
"""The duration of a change of posture."""
MOVE_G = 0.15
MOVE_HZ = 1.6

WANDER_PERIODS_S = np.array([7.0, 17.0, 41.0])
WANDER_CYCLES = np.array([0.03, 0.08, 0.2])
"""How early or late a step may be, in strides, for each of the periods: the pace changes by 5 %."""


class Simulation:
    """One synthetic wearer's recording. Samples are computed on demand.

    It begins on Monday, 1 January 2024, 00:00 UTC. A recording shorter than a day is a shortened day in which every
    activity occurs.

    Attributes:
        wearer: the wearer of the watch.
        sample_rate_hz: the nominal rate. The watch's true clock is up to 1 % off.
        rows: the number of samples before gaps are removed.

    Raises:
        HarkenError: for an impossible length, rate, seed or person.
    """

    def __init__(self, *, days: float, sample_rate_hz: float, seed: int = 0, person: int = 0) -> None:
        _check(days, sample_rate_hz, seed, person)
        self.wearer = draw_wearer(seed, person)
        self.sample_rate_hz = sample_rate_hz
        length_s = days * DAY_S
        self._day_s = min(DAY_S, length_s)
        self._days = math.ceil(length_s / self._day_s)
        self._end_ns = START_NS + round(length_s * SECOND_NS)
        self._interval_ns = SECOND_NS / (sample_rate_hz * self.wearer.clock_ratio)
        self.rows = int(length_s * SECOND_NS / self._interval_ns)
        self._recent: dict[int, tuple[SimulatedDay, list[Posture]]] = {}

    @property
    def true_rate_hz(self) -> float:
        """Samples per second by an exact clock."""
        return SECOND_NS / self._interval_ns

    def samples(self, first: int, last: int) -> Samples:
        """The samples ``first`` to ``last`` (exclusive), counted as if there were no gaps, without those in gaps.

        Signals are ``x, y, z`` in g; a label code is a position in ``ACTIVITIES``, or -1 where the watch is not worn.
        """
        blocks = range(first // BLOCK_ROWS, -(-last // BLOCK_ROWS))
        return joined([self._part_of_block(block, first, last) for block in blocks])

    def truth(self) -> pl.DataFrame:
        """The true activities from the start to the end, without interruption.

        Columns ``start`` and ``end`` (UTC, exclusive), ``label`` (null when not worn), ``wear``, and
        ``recorded``: False in a gap, in which the watch did not record.
        """
        days = [self._day(number) for number in range(self._days)]
        bouts = np.concatenate([day.edges_ns[:-1] for day in days])
        gaps = self._gaps(days)
        starts = np.unique(np.concatenate([bouts, gaps.ravel()]))
        starts = starts[starts < self._end_ns]
        of_bouts = np.concatenate([day.codes for day in days])
        codes = of_bouts[np.searchsorted(bouts, starts, side="right") - 1]
        recorded = _outside(gaps, starts)
        changed = (np.diff(codes) != 0) | (np.diff(recorded) != 0)
        new = np.concatenate([[True], changed])
        starts, codes, recorded = starts[new], codes[new], recorded[new]
        time = pl.Datetime("ns", "UTC")
        return pl.DataFrame(
            {
                "start": pl.Series(starts).cast(time),
                "end": pl.Series(np.concatenate([starts[1:], [self._end_ns]])).cast(time),
                "label": [None if code == NOT_WORN else ACTIVITIES[code] for code in codes],
                "wear": codes != NOT_WORN,
                "recorded": recorded,
            }
        )

    def nights(self) -> pl.DataFrame:
        """The true nights: the stretches of lying. Columns ``onset`` and ``wake`` (UTC), and ``complete``: False for a
        night in which the recording begins or ends.

        >>> from harken.datasets.simulated import Simulation
        >>> Simulation(days=3, sample_rate_hz=25).nights()["complete"].to_list()
        [False, True, True, False]
        """
        lying = pl.col("label") == ACTIVITIES[LYING]
        truth = self.truth().with_columns(asleep=lying.fill_null(False))
        number = pl.col("asleep").rle_id().alias("bout")
        bouts = truth.group_by(number, maintain_order=True)
        spans = bouts.agg(pl.col("asleep", "start").first(), pl.col("end").last()).filter("asleep")
        begins_inside = pl.col("start") > truth["start"][0]
        ends_inside = pl.col("end") < truth["end"][-1]
        return spans.select(onset="start", wake="end", complete=begins_inside & ends_inside)

    def footsteps(self) -> pl.DataFrame:
        """The true number of footsteps of each bout of walking and running, two for each stride.

        Columns ``start`` and ``end`` (UTC), ``label``, and ``steps``, float64: the last one may be incomplete. Steps in
        gaps of the recording count, too.

        >>> from harken.datasets.simulated import Simulation
        >>> steps = Simulation(days=0.1, sample_rate_hz=25).footsteps()
        >>> bool(steps["steps"].min() > 0), sorted(set(steps["label"]))
        (True, ['running', 'walking'])
        """
        end_ns = self._end_ns
        rows = [
            (posture.bout_start_ns, min(posture.end_ns, end_ns), ACTIVITIES[posture.code], _strides(posture, end_ns))
            for number in range(self._days)
            for posture in self._day_and_postures(number)[1]
            if posture.gait is not None and posture.start_ns < end_ns
        ]
        each = pl.DataFrame(
            rows, schema={"start": pl.Int64, "end": pl.Int64, "label": pl.String, "steps": pl.Float64}, orient="row"
        )
        bouts = each.group_by("start", "label", maintain_order=True)
        bouts_steps = bouts.agg(pl.col("end").max(), pl.col("steps").sum() * 2)
        time = pl.Datetime("ns", "UTC")
        return bouts_steps.select(pl.col("start", "end").cast(time), "label", "steps")

    def recording(self) -> Recording:
        """The whole recording in memory, as ``harken.read`` returns it for a file."""
        samples = self.samples(0, self.rows)
        # Readers sort the label names that occur. Here all label names occur; otherwise the codes would differ.
        whole = Recording(
            time_ns=samples.time_ns,
            signals=samples.signals,
            channels=("x", "y", "z"),
            label_codes=samples.label_codes,
            label_names=ACTIVITIES,
            subject=self.wearer.subject,
            source=f"simulation of {self.wearer.subject}",
            quality=Quality(rows=len(samples.time_ns), sensor_range_g=SENSOR_RANGE_G),
        )
        present = np.unique(samples.label_codes[samples.label_codes != NOT_WORN])
        return whole.with_label_names(tuple(ACTIVITIES[code] for code in present))

    def _day(self, number: int) -> SimulatedDay:
        start_ns = START_NS + number * round(DAY_S * SECOND_NS)
        return draw_day(self.wearer, number, start_ns, self._day_s, self.sample_rate_hz)

    def _day_and_postures(self, number: int) -> tuple[SimulatedDay, list[Posture]]:
        day = self._day(number)
        return day, draw_postures(self.wearer, day)

    def _gaps(self, days: Sequence[SimulatedDay]) -> Int64Array:
        """The gaps of some days that end within the recording, ``[gaps, 2]``."""
        gaps = np.concatenate([day.gaps_ns for day in days])
        return gaps[gaps[:, 1] < self._end_ns]

    def _part_of_block(self, block: int, first: int, last: int) -> Samples:
        """The samples of one block that lie between ``first`` and ``last``."""
        rng = random_numbers(self.wearer.seed, self.wearer.person, Purpose.SAMPLES, block)
        early_or_late = rng.uniform(-JITTER, JITTER, BLOCK_ROWS)
        noise = rng.standard_normal((BLOCK_ROWS, 3), dtype=np.float32)
        begin = block * BLOCK_ROWS
        part = slice(max(first, begin) - begin, min(last, begin + BLOCK_ROWS) - begin)
        intervals = np.arange(begin + part.start, begin + part.stop) + 0.5 + early_or_late[part]
        time_ns = START_NS + np.rint(intervals * self._interval_ns).astype(np.int64)
        return self._at(time_ns, noise[part])

    def _at(self, time_ns: Int64Array, noise: Float32Array) -> Samples:
        """The samples at ``time_ns`` ``[n]``, with the given noise ``[n, 3]`` of standard deviation 1."""
        day_ns = round(DAY_S * SECOND_NS)
        first_day = int(time_ns[0] - START_NS) // day_ns
        last_day = int(time_ns[-1] - START_NS) // day_ns
        numbers = range(first_day, last_day + 1)
        # Neighbouring samples belong to the same day, so only the last days are kept.
        self._recent = {number: self._recent.get(number) or self._day_and_postures(number) for number in numbers}
        postures = [posture for _, of_day in self._recent.values() for posture in of_day]
        motion, tremor_g, codes = _acceleration_g(postures, time_ns)
        motion += noise * (SENSOR_NOISE_G + tremor_g)[:, None]
        measured = np.clip(motion * self.wearer.gain + self.wearer.offset_g, -SENSOR_RANGE_G, SENSOR_RANGE_G)
        steps = np.rint(measured * np.float32(STEPS_PER_G))
        measured = np.asarray(steps / np.float32(STEPS_PER_G), dtype=np.float32)
        kept = _outside(self._gaps([day for day, _ in self._recent.values()]), time_ns)
        return Samples(time_ns, measured, codes, kept).chosen(kept)


def simulate(*, days: float, sample_rate_hz: float, seed: int = 0, person: int = 0) -> tuple[Recording, pl.DataFrame]:
    """A synthetic wearer's recording in memory, and its truth (see ``Simulation.truth``).

    Use it for tests and examples: 0.02 days (29 minutes) contain every activity. Write long recordings to a file
    (``write_simulation``), which needs little memory.

    Args:
        days: the length in days, at least a minute.
        sample_rate_hz: the nominal rate, 1 to 1000; the watch's true clock is up to 1 % off.
        seed: the seed of all random numbers.
        person: the number of the wearer; each number gives another wearer.

    Raises:
        HarkenError: for an impossible length, rate, seed or person.
    """
    simulation = Simulation(days=days, sample_rate_hz=sample_rate_hz, seed=seed, person=person)
    return simulation.recording(), simulation.truth()


def _outside(gaps_ns: Int64Array, time_ns: Int64Array) -> BoolArray:
    """Which of the times lie outside all of the sorted gaps ``[gaps, 2]``, bool ``[n]``."""
    behind = np.searchsorted(gaps_ns.ravel(), time_ns, side="right")
    return np.asarray(behind % 2 == 0)


def _check(days: float, sample_rate_hz: float, seed: int, person: int) -> None:
    if not SHORTEST_S / DAY_S <= days <= LONGEST_DAYS:
        raise HarkenError(f"--days must be {SHORTEST_S / DAY_S:.4f} (a minute) to {LONGEST_DAYS:g}, got {days:g}")
    if not SLOWEST_HZ <= sample_rate_hz <= FASTEST_HZ:
        raise HarkenError(f"--rate must be {SLOWEST_HZ:g} to {FASTEST_HZ:g} samples per second, got {sample_rate_hz:g}")
    if seed < 0 or person < 0:
        raise HarkenError(f"a seed and a person must be whole numbers from 0, got {min(seed, person)}")


def _acceleration_g(postures: list[Posture], time_ns: Int64Array) -> tuple[Float32Array, Float32Array, Int16Array]:
    """The acceleration at increasing times ``[n]`` within the consecutive ``postures``.

    Returns:
        The acceleration in g with gravity, float32 ``[n, 3]``; the amplitude of the tremor in g, float32 ``[n]``; and
        the label codes, int16 ``[n]``.
    """
    n = len(time_ns)
    motion = np.empty((n, 3), dtype=np.float32)
    tremor = np.empty(n, dtype=np.float32)
    codes = np.empty(n, dtype=np.int16)
    edges = np.searchsorted(time_ns, [posture.start_ns for posture in postures])
    for posture, first, last in zip(postures, edges, [*edges[1:], n], strict=True):
        if first < last:
            motion[first:last] = _in_posture(posture, time_ns[first:last])
            tremor[first:last] = posture.tremor_g
            codes[first:last] = posture.code
    return motion, tremor, codes


def _in_posture(posture: Posture, time_ns: Int64Array) -> Float32Array:
    """The acceleration in g within one posture, float32 ``[n, 3]``."""
    since_s = (time_ns - posture.start_ns) / SECOND_NS
    motion = _tones(posture, since_s)
    if posture.gait is not None:
        motion += _steps(posture.gait, (time_ns - posture.bout_start_ns) / SECOND_NS)
    moving_s = min(MOVE_S, (posture.end_ns - posture.start_ns) / SECOND_NS)
    moving = int(np.searchsorted(since_s, moving_s))
    motion[:moving] += _move(posture, since_s[:moving], moving_s)
    motion[moving:] += posture.up.astype(np.float32)
    return motion


def _tones(posture: Posture, since_s: Float64Array) -> Float32Array:
    """The acceleration in g of breathing and slow movements, ``[n, 3]``."""
    cycles = since_s[:, None] * posture.tone_hz
    cycles -= np.floor(cycles)  # in double precision, so that single precision is enough for the sine
    phase = 2 * np.pi * cycles + posture.tone_phase
    return np.sin(phase.astype(np.float32)) @ posture.tones_g


def _steps(gait: Gait, since_s: Float64Array) -> Float32Array:
    """The acceleration of footsteps in g, ``[n, 3]``: harmonics of the stride, with slowly varying pace and
    strength."""
    wander = _wander(gait, since_s)
    cycles = gait.stride_hz * since_s + wander @ WANDER_CYCLES
    fundamental = np.exp(2j * np.pi * (cycles - np.floor(cycles))).astype(np.complex64)
    shape = (len(since_s), len(gait.harmonics_g))
    powers = np.cumprod(np.broadcast_to(fundamental[:, None], shape), axis=1)
    strength = _smooth_step(since_s / MOVE_S) * (1 + 0.1 * wander[:, 1])
    steps: Float32Array = (powers @ gait.harmonics_g).real * strength.astype(np.float32)[:, None]
    return steps


def _wander(gait: Gait, since_s: Float64Array) -> Float64Array:
    """The slow changes of pace and strength, ``[n, 3]``."""
    return np.asarray(np.sin(2 * np.pi * since_s[:, None] / WANDER_PERIODS_S + gait.wander))


def _strides(posture: Posture, end_ns: int) -> float:
    """The strides within a posture with a gait, up to ``end_ns``."""
    assert posture.gait is not None
    last_ns = min(posture.end_ns, end_ns)
    span_ns = np.array([posture.start_ns, last_ns])
    since_s = (span_ns - posture.bout_start_ns) / SECOND_NS
    cycles = posture.gait.stride_hz * since_s + _wander(posture.gait, since_s) @ WANDER_CYCLES
    return float(cycles[1] - cycles[0])


def _move(posture: Posture, since_s: Float64Array, moving_s: float) -> Float32Array:
    """Gravity while the arm turns into a posture, plus the acceleration of that movement, in g, ``[n, 3]``."""
    done = _smooth_step(since_s / moving_s)[:, None]
    up = posture.before + done * (posture.up - posture.before)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-3)
    push = 4 * done * (1 - done) * np.sin(2 * np.pi * MOVE_HZ * since_s)[:, None]
    return np.asarray(up + MOVE_G * push * posture.push, dtype=np.float32)


def _smooth_step(share: Float64Array) -> Float64Array:
    """A smooth function from 0 to 1 whose slope is 0 at both ends."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)


ROWS_AT_ONCE = BLOCK_ROWS
"""Samples that are written at once; the content of a file does not depend on it."""
NS_PER_MS = 10**6
FASTEST_CSV_HZ = 500.0
"""Times in milliseconds are not distinct at higher rates."""
CSV_DECIMALS = 4
ROW_GROUP_ROWS = 1 << 20
"""Large groups, because polars keeps the metadata of all groups in memory until the end."""

Progress = Callable[[float], None]
"""A function that is called with the share of the samples that are computed."""


def output_paths(out: str | Path, people: int) -> list[Path]:
    """The file of each wearer: ``out`` for one wearer, else ``NAME_1.csv``, ``NAME_2.csv`` and so on for ``NAME.csv``.

    Raises:
        HarkenError: when ``people`` is less than 1, the ending is neither ``.csv`` nor ``.parquet``, the folder does
            not exist, or a file (or its truth) already exists.
    """
    out = Path(out)
    if people < 1:
        raise HarkenError(f"--people must be at least 1, got {people}")
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise HarkenError("the file name must end in .csv or .parquet", path=out)
    if not out.parent.is_dir():
        raise HarkenError(f"there is no folder {out.parent}; create it first", path=out)
    digits = len(str(people))
    numbers = [""] if people == 1 else [f"_{number:0{digits}d}" for number in range(1, people + 1)]
    paths = [out.with_name(f"{out.stem}{number}{out.suffix}") for number in numbers]
    for path in paths:
        for written in (path, truth_path(path)):
            if written.exists():
                raise HarkenError("exists already; choose another --out, or remove it first", path=written, colon=False)
    return paths


def truth_path(path: Path) -> Path:
    """The path of a recording's truth: ``NAME.truth.parquet`` beside ``NAME.csv``."""
    return path.with_suffix(".truth.parquet")


def write_simulation(simulation: Simulation, path: str | Path, *, progress: Progress | None = None) -> None:
    """Write a recording and its truth beside it. Either both files are complete, or none is written.

    The columns are ``Timestamp,X,Y,Z,Label,Subject``, with acceleration in m/s², so that ``harken.read`` needs no
    options. Times are whole milliseconds since 1970 in CSV and whole nanoseconds in Parquet.

    Raises:
        HarkenError: as ``output_paths``, for times too close for CSV, or when the files cannot be written.
    """
    (path,) = output_paths(path, 1)
    parquet = path.suffix.lower() == ".parquet"
    if not parquet and simulation.sample_rate_hz > FASTEST_CSV_HZ:
        raise HarkenError(
            f"a CSV file's times are whole milliseconds, too coarse for {simulation.sample_rate_hz:g} Hz "
            f"(at most {FASTEST_CSV_HZ:g}); write a .parquet file",
            path=path,
        )
    schema = _schema(simulation)
    frames = _frames(simulation, schema, 1 if parquet else NS_PER_MS, progress)
    try:
        with replacing(truth_path(path)) as truth, replacing(path) as recording:
            with truth.open("wb") as file:
                simulation.truth().write_parquet(file)
            if parquet:
                _write_parquet(frames, schema, recording)
            else:
                _write_csv(frames, recording)
    except OSError as error:
        raise HarkenError(f"cannot write there ({error.strerror or error})", path=path) from error


def _frames(
    simulation: Simulation, schema: pl.Schema, ns_per_tick: int, progress: Progress | None
) -> Iterator[pl.DataFrame]:
    for first in range(0, simulation.rows, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, simulation.rows)
        samples = simulation.samples(first, last)
        labels = pl.Series(samples.label_codes.astype(np.int64))
        columns = (
            samples.time_ns // ns_per_tick,
            *(samples.signals * np.float32(STANDARD_GRAVITY)).T,
            labels.replace_strict(dict(enumerate(ACTIVITIES)), default=None, return_dtype=schema["Label"]),
            pl.repeat(simulation.wearer.subject, len(labels), dtype=schema["Subject"], eager=True),
        )
        yield pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)
        if progress is not None:
            progress(last / simulation.rows)


def _schema(simulation: Simulation) -> pl.Schema:
    """Column names and types. The encoding of an Enum does not depend on earlier steps of the process, unlike that of a
    Categorical."""
    return pl.Schema(
        {
            "Timestamp": pl.Int64(),
            **dict.fromkeys("XYZ", pl.Float32()),
            "Label": pl.Enum(ACTIVITIES),
            "Subject": pl.Enum([simulation.wearer.subject]),
        }
    )


def _write_csv(frames: Iterator[pl.DataFrame], path: Path) -> None:
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            # Polars before 2 reports no error when the disk is full, so polars formats the rows and Python writes them.
            text = frame.write_csv(include_header=number == 0, float_precision=CSV_DECIMALS)
            file.write(text.encode())


def _write_parquet(frames: Iterator[pl.DataFrame], schema: pl.Schema, path: Path) -> None:
    # polars writes Parquet in pieces only from an IO source. The arguments of the source select rows and columns; they
    # are all None here, which selects everything.
    source = register_io_source(lambda *_: frames, schema=schema)
    with path.open("wb") as file:  # polars cannot open paths that are not UTF-8
        source.sink_parquet(file, row_group_size=ROW_GROUP_ROWS)
