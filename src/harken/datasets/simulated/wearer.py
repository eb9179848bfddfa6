"""A synthetic person, the person's watch, and the person's days: all drawn from a seed."""

import tomllib
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED, made_up_subject
from harken.support.arrays import Float32Array, Float64Array, Int16Array, Int64Array

USUAL = tomllib.loads(Path(__file__).with_name("wearer.toml").read_text(encoding="utf-8"))
"""What is usual in each activity, the activities sorted: ``wearer.toml``."""
ACTIVITIES = tuple(USUAL)
"""The labels, sorted. A label code is an index into this tuple."""

RIGHT_WRIST_SHARE = 0.2
UPSIDE_DOWN_SHARE = 0.25
TILT_RAD = 0.15
CLOCK_SPREAD = 0.003
MOST_CLOCK_ERROR = 0.01


class Purpose(IntEnum):
    """The purposes of random numbers. Each purpose has its own generator, so that one does not affect another."""

    WEARER = 0
    DAY = 1
    POSTURES = 2
    SAMPLES = 3
    SWAY = 4


@dataclass(frozen=True, eq=False)
class Gait:
    """The footsteps of a person: the stride frequency, and the acceleration at its multiples.

    Attributes:
        stride_hz: strides (two steps each) a second.
        harmonics_g: complex64 ``[harmonics, 3]`` in g: amplitude and phase at 1, 2, ... times ``stride_hz``.
        wander: three phases in rad of the slow changes of pace, float64 ``[3]``.
    """

    stride_hz: float
    harmonics_g: NDArray[np.complex64]
    wander: Float64Array

    def varied(self, rng: Generator) -> "Gait":
        """The same person's gait on another occasion, with another pace and strength."""
        return replace(
            self,
            stride_hz=self.stride_hz * (1 + 0.03 * rng.standard_normal()),
            harmonics_g=self.harmonics_g * np.float32(np.exp(0.1 * rng.standard_normal())),
            wander=rng.uniform(0, 2 * np.pi, 3),
        )


@dataclass(frozen=True, eq=False)
class Wearer:
    """One wearer and one watch. Vectors are in the axes of the watch as it is worn.

    Attributes:
        seed, person: the numbers from which the wearer was drawn.
        subject: the name in the recording's ``Subject`` column, unique for each seed and person.
        up: for each activity, the unit vector ``[3]`` that the watch measures in the usual posture, in g.
        gaits: the wearer's walking and running.
        liveliness: the share of the day on the feet and the amount of arm movement, relative to the usual, which is 1.
        clock_ratio: the watch's true rate as a share of the nominal one, within 1 % of 1.
        gain, offset_g: the calibration errors of the sensor, ``[3]`` each.
    """

    seed: int
    person: int
    subject: str
    up: dict[str, Float64Array]
    gaits: dict[str, Gait]
    liveliness: float
    clock_ratio: float
    gain: Float32Array
    offset_g: Float32Array


def draw_wearer(seed: int, person: int) -> Wearer:
    """Draw a wearer: wrist, mounting, posture, pace, strength, habits, and the watch's clock and sensor.

    Args:
        seed: 0 or more.
        person: 0 or more; each number gives another wearer.
    """
    rng = random_numbers(seed, person, Purpose.WEARER, 0)
    mounting = _draw_mounting(rng)
    strength = float(np.exp(0.2 * rng.standard_normal()))
    walking_hz = float(np.clip(rng.normal(0.93, 0.06), 0.75, 1.1))
    running_hz = float(np.clip(rng.normal(1.36, 0.06), 1.2, 1.5))
    return Wearer(
        seed=seed,
        person=person,
        subject=made_up_subject(seed, person),
        up={
            name: mounting @ draw_direction(rng, np.array(usual["up"]), usual["habit_spread"])
            for name, usual in USUAL.items()
        },
        gaits={
            "walking": _draw_gait(rng, walking_hz, strength * np.array(USUAL["walking"]["steps_g"]), mounting),
            "running": _draw_gait(rng, running_hz, strength * np.array(USUAL["running"]["steps_g"]), mounting),
        },
        liveliness=float(np.exp(0.25 * rng.standard_normal())),
        clock_ratio=1 + float(np.clip(CLOCK_SPREAD * rng.standard_normal(), -MOST_CLOCK_ERROR, MOST_CLOCK_ERROR)),
        gain=(1 + 0.005 * rng.standard_normal(3)).astype(np.float32),
        offset_g=(0.01 * rng.standard_normal(3)).astype(np.float32),
    )


def draw_direction(rng: Generator, around: Float64Array, spread: float) -> Float64Array:
    """Draw a unit vector ``[3]`` near ``around``; the distance grows with ``spread``."""
    direction = around + spread * rng.standard_normal(3)
    return direction / np.linalg.norm(direction)


def random_numbers(seed: int, person: int, purpose: Purpose, number: int) -> Generator:
    """A separate generator for each wearer, purpose and number (of a day or of a block of samples)."""
    sequence = np.random.SeedSequence(seed, spawn_key=(person, int(purpose), number))
    return np.random.default_rng(sequence)


def _draw_mounting(rng: Generator) -> Float64Array:
    """Draw the rotation ``[3, 3]`` from the axes of ``wearer.toml`` to the watch's: wrist, orientation and tilt."""
    wrist = np.diag([1.0, -1.0, 1.0]) if rng.random() < RIGHT_WRIST_SHARE else np.eye(3)
    way_round = np.diag([-1.0, -1.0, 1.0]) if rng.random() < UPSIDE_DOWN_SHARE else np.eye(3)
    tilt = _rotation(TILT_RAD * rng.standard_normal(3))
    return np.asarray(tilt @ way_round @ wrist)


def _rotation(vector_rad: Float64Array) -> Float64Array:
    """The rotation ``[3, 3]`` about a vector ``[3]`` by its length, by Rodrigues' formula."""
    angle_rad = np.linalg.norm(vector_rad)
    x, y, z = vector_rad / angle_rad
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle_rad) * across + (1 - np.cos(angle_rad)) * across @ across)


def _draw_gait(rng: Generator, stride_hz: float, sizes_g: Float64Array, mounting: Float64Array) -> Gait:
    """Draw one person's gait: amplitudes near the usual ones ``[harmonics, 3]``, and random phases."""
    log_size = 0.2 * rng.standard_normal(sizes_g.shape)
    phase = 2j * np.pi * rng.random(sizes_g.shape)
    own = sizes_g * np.exp(log_size + phase)
    return Gait(stride_hz, (own @ mounting.T).astype(np.complex64), np.zeros(3))


DAY_S = 86_400.0
SECOND_NS = 10**9
EDGE_NS = SECOND_NS // 10
"""Bouts and gaps begin and end at tenths of a second, so that truncating times to milliseconds never moves a sample
across an edge."""

LYING, RUNNING, SITTING, STANDING, WALKING = range(len(ACTIVITIES))
NOT_WORN = UNLABELLED

SHORTEST_BOUT_S = 30.0
MEDIAN_BOUT_S = {SITTING: 1200.0, STANDING: 240.0, WALKING: 240.0}
BOUT_SPREAD = 0.8
ONCE_A_DAY_S = {RUNNING: 1500.0, NOT_WORN: 2700.0}
WAKING_H, BED_H = (7.0, 0.5), (23.0, 0.4)
"""The hour of the day, mean and spread."""

GAPS_A_DAY = 1.5
"""The mean number of gaps in addition to the one of every day."""
MEDIAN_GAP_S = 40.0
SHORTEST_GAP_S = 2.0
INTERVALS_IN_A_GAP = 10
"""A gap is at least this many samples long: twice harken's gap limit."""

BREATH_G = 0.003
MOST_FIDGET_G = 0.15
FIDGETS_APART_HZ = 0.1
"""The distance of the frequencies of the two movements of a fidgeting arm, at least."""
LEAST_ON_AN_AXIS = 0.15
"""Fidgeting moves each axis of the watch at least by this share of the axis that it moves most.

In a real recording no axis is steady for two minutes while the others move; such an axis counts as broken. So the
two movements together may not be too small on an axis, and may not cancel each other on it."""
SWAY_HZ = 0.02, 0.06


@dataclass(frozen=True, eq=False)
class SimulatedDay:
    """The truth of one day. A recording shorter than a day is one short day.

    Attributes:
        number: days since the beginning of the recording.
        edges_ns: the starts of the bouts, followed by the end of the day, int64 ``[bouts + 1]``.
        codes: the activity of each bout, or ``NOT_WORN``, int16 ``[bouts]``.
        gaps_ns: begin and end of each gap of the watch, int64 ``[gaps, 2]``, disjoint and sorted.
        bout_scale: the length of this day's bouts as a share of the usual length, at most 1.
    """

    number: int
    edges_ns: Int64Array
    codes: Int16Array
    gaps_ns: Int64Array
    bout_scale: float


@dataclass(frozen=True, eq=False)
class Posture:
    """A period in which the arm rests or moves in one way.

    Attributes:
        code: the activity, or ``NOT_WORN``.
        start_ns, end_ns: the start and the end of the period.
        bout_start_ns: the start of the bout that contains this posture.
        before, up: the unit vectors ``[3]`` that the watch measures at rest before and in the posture, in g.
        push: the direction of the movement into the posture, ``[3]``.
        tone_hz, tone_phase: frequency and phase of four slow movements (the first is breathing, the last the sway of an
            arm awake), ``[4]`` each.
        tones_g: their amplitudes in g, ``[4 movements, 3 axes]``.
        tremor_g: the amplitude in g of irregular movements.
        gait: the footsteps, if any.
    """

    code: int
    start_ns: int
    end_ns: int
    bout_start_ns: int
    before: Float64Array
    up: Float64Array
    push: Float64Array
    tone_hz: Float64Array
    tone_phase: Float64Array
    tones_g: Float32Array
    tremor_g: float
    gait: Gait | None


def draw_day(wearer: Wearer, number: int, start_ns: int, length_s: float, sample_rate_hz: float) -> SimulatedDay:
    """Draw one day of ``length_s`` seconds: a night around a waking day in which every activity occurs.

    In a day shorter than 24 h, activities that occur once a day shrink in proportion to its length. Repeated bouts
    shrink with the square root of the length: there are fewer bouts, and they are slightly shorter.
    """
    rng = random_numbers(wearer.seed, wearer.person, Purpose.DAY, number)
    share = length_s / DAY_S
    codes, durations_s = _draw_bouts(rng, length_s, wearer.liveliness)
    inner_ns = _on_edges(np.cumsum(durations_s)[:-1])
    edges_ns = start_ns + np.concatenate([[0], inner_ns, [round(length_s * SECOND_NS)]])
    shortest_gap_s = max(SHORTEST_GAP_S, INTERVALS_IN_A_GAP / sample_rate_hz)
    gaps_ns = start_ns + _draw_gaps(rng, length_s, share, shortest_gap_s)
    return SimulatedDay(number, edges_ns, np.array(codes, dtype=np.int16), gaps_ns, share**0.5)


def draw_postures(wearer: Wearer, day: SimulatedDay) -> list[Posture]:
    """Draw the postures of a day, one after another without interruption.

    A day begins and ends in the wearer's usual lying posture, so that consecutive days fit together.
    """
    purposes = Purpose.POSTURES, Purpose.SWAY
    rng, sway_rng = (random_numbers(wearer.seed, wearer.person, purpose, day.number) for purpose in purposes)
    postures: list[Posture] = []
    asleep = wearer.up[ACTIVITIES[LYING]]
    up = asleep
    bouts = zip(day.codes.tolist(), day.edges_ns[:-1], day.edges_ns[1:], strict=True)
    for code, start_ns, end_ns in bouts:
        gait = wearer.gaits.get(ACTIVITIES[code]) if code != NOT_WORN else None
        gait = gait.varied(rng) if gait else None
        starts = _draw_posture_starts(rng, code, int(start_ns), int(end_ns), day.bout_scale)
        ends = [*starts[1:], int(end_ns)]
        for index, (begin, end) in enumerate(zip(starts, ends, strict=True)):
            at_midnight = (index == 0 and start_ns == day.edges_ns[0]) or end == day.edges_ns[-1]
            before, up = up, asleep if at_midnight else _draw_up(rng, wearer, code)
            times_ns = (begin, end, int(start_ns))
            posture = _draw_posture(rng, sway_rng, wearer, code, times_ns, (before, up), gait)
            postures.append(posture)
    return postures


def _draw_bouts(rng: Generator, length_s: float, liveliness: float) -> tuple[list[int], Float64Array]:
    """Codes and durations in s of a day's bouts; together they last ``length_s``."""
    share = length_s / DAY_S
    shortest_s = min(SHORTEST_BOUT_S, length_s / 30)
    waking_s, bed_s = (
        length_s / 24 * float(np.clip(rng.normal(mean_h, spread_h), mean_h - 1, mean_h + 0.9))
        for mean_h, spread_h in (WAKING_H, BED_H)
    )
    awake_s = bed_s - waking_s

    once = {code: max(shortest_s, usual * share * rng.lognormal(0, 0.3)) for code, usual in ONCE_A_DAY_S.items()}
    again: list[tuple[int, float]] = []
    to_come = rng.permutation(list(MEDIAN_BOUT_S)).tolist()
    left_s = awake_s - sum(once.values())
    while left_s > 0 or to_come:
        others = [code for code in MEDIAN_BOUT_S if not again or code != again[-1][0]]
        code = to_come.pop() if to_come else int(rng.choice(others))
        usual = MEDIAN_BOUT_S[code] * (1 if code == SITTING else liveliness) * share**0.5
        # The day's last bout is cut at bedtime, so it does not shorten the others.
        drawn_s = usual * rng.lognormal(0, BOUT_SPREAD)
        again.append((code, max(shortest_s, min(left_s, drawn_s))))
        left_s -= again[-1][1]
    for code, duration_s in once.items():
        again.insert(int(rng.integers(1, len(again))), (code, duration_s))

    codes = [code for code, _ in again]
    durations = np.array([duration_s for _, duration_s in again])
    durations *= awake_s / durations.sum()
    return [LYING, *codes, LYING], np.concatenate([[waking_s], durations, [length_s - bed_s]])


def _draw_gaps(rng: Generator, length_s: float, share: float, shortest_s: float) -> Int64Array:
    """Draw the gaps of the watch, in ns from the day's start, ``[gaps, 2]``; never near midnight."""
    count = 1 + int(rng.poisson(GAPS_A_DAY))
    durations_s = np.maximum(shortest_s, MEDIAN_GAP_S * share**0.5 * rng.lognormal(0, 1, count))
    durations_s = np.minimum(durations_s, max(shortest_s, length_s / 50))
    starts_s = np.sort(rng.uniform(0.02, 0.95, count) * length_s)
    # A gap that would begin within or right after the previous gap is left out.
    latest_end_s = np.maximum.accumulate(starts_s + durations_s)[:-1]
    apart = np.concatenate([[True], starts_s[1:] > latest_end_s + shortest_s])
    edges_s = np.stack([starts_s, starts_s + durations_s], axis=1)[apart]
    return _on_edges(edges_s)


def _on_edges(time_s: Float64Array) -> Int64Array:
    """Convert seconds to nanoseconds, rounded to ``EDGE_NS``."""
    tenths: Int64Array = np.rint(time_s * (SECOND_NS / EDGE_NS)).astype(np.int64)
    return tenths * EDGE_NS


def _draw_posture_starts(rng: Generator, code: int, start_ns: int, end_ns: int, scale: float) -> list[int]:
    """Draw the start times of the postures of one bout. The first begins with the bout. A watch that is not worn has
    one posture."""
    if code == NOT_WORN:
        return [start_ns]
    usual_s = USUAL[ACTIVITIES[code]]["posture_s"]
    changes = int(rng.poisson((end_ns - start_ns) / SECOND_NS / (usual_s * scale)))
    later = np.sort(rng.uniform(start_ns, end_ns, changes)).astype(np.int64)
    return [start_ns, *later.tolist()]


def _draw_up(rng: Generator, wearer: Wearer, code: int) -> Float64Array:
    if code == NOT_WORN:
        # The watch lies on its back or its side: any direction is possible.
        return draw_direction(rng, np.zeros(3), 1.0)
    activity = ACTIVITIES[code]
    return draw_direction(rng, wearer.up[activity], USUAL[activity]["posture_spread"])


def _draw_posture(
    rng: Generator,
    sway_rng: Generator,
    wearer: Wearer,
    code: int,
    times_ns: tuple[int, int, int],
    ups: tuple[Float64Array, Float64Array],
    gait: Gait | None,
) -> Posture:
    """Draw how the arm moves in a posture with these start, end and start of its bout, and ``before`` and ``up``.

    The sway of an arm awake is across gravity, so that the arm turns and is not pushed.
    """
    worn = code != NOT_WORN
    usual = USUAL[ACTIVITIES[code]] if worn else {"sway_g": 0.0, "tremor_g": 0.0}
    fidget_g = 0.0
    if worn:
        drawn_g = usual["fidget_g"] * wearer.liveliness * rng.lognormal(0, 0.8)
        fidget_g = min(MOST_FIDGET_G, drawn_g)
    sizes_g = np.array([BREATH_G if worn else 0.0, fidget_g, fidget_g])
    sway_g = usual["sway_g"] * sway_rng.standard_normal(3)
    sway_g -= (sway_g @ ups[1]) * ups[1]
    push = draw_direction(rng, np.zeros(3), 1.0)
    tone_hz = [rng.uniform(0.2, 0.3), rng.uniform(0.3, 1.2), rng.uniform(1.0, 3.0), sway_rng.uniform(*SWAY_HZ)]
    tone_hz[2] = max(tone_hz[2], tone_hz[1] + FIDGETS_APART_HZ)
    tone_phase = np.append(rng.uniform(0, 2 * np.pi, 3), sway_rng.uniform(0, 2 * np.pi))
    moving_g = sizes_g[:, None] * rng.standard_normal((3, 3))
    if fidget_g > 0:
        on_axes_g = np.linalg.norm(moving_g[1:], axis=0)
        moving_g[1:] *= np.maximum(1, LEAST_ON_AN_AXIS * on_axes_g.max() / on_axes_g)
    tones_g = np.vstack([moving_g, sway_g]).astype(np.float32)
    return Posture(code, *times_ns, *ups, push, np.array(tone_hz), tone_phase, tones_g, usual["tremor_g"], gait)
