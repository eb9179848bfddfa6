"""A wearer's day: bouts of activities, gaps of the watch, and the postures within each bout."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.datasets.simulated.wearer import ACTIVITIES, Gait, Purpose, Wearer, draw_direction
from harken.recordings.recording import UNLABELLED

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

# An arm that is awake changes its angle by more than 5 degrees once in 40 to 70 s, measured in selfBACK.
POSTURE_S = {LYING: 900.0, RUNNING: 60.0, SITTING: 60.0, STANDING: 40.0, WALKING: 40.0}
POSTURE_SPREAD = {LYING: 0.5, RUNNING: 0.1, SITTING: 0.2, STANDING: 0.1, WALKING: 0.1}
FIDGET_G = {LYING: 0.001, RUNNING: 0.04, SITTING: 0.008, STANDING: 0.012, WALKING: 0.02}
BREATH_G = 0.003
MOST_FIDGET_G = 0.15
SWAY_G = {LYING: 0.0, RUNNING: 0.02, SITTING: 0.02, STANDING: 0.02, WALKING: 0.02}
"""The arm of somebody who is awake is never quite at rest: from one five seconds to the next its angle changes by half
a degree, as in the sitting of selfBACK and Stress-Predict. In sleep it rests."""
SWAY_HZ = 0.02, 0.06
TREMOR_G = {LYING: 0.0, RUNNING: 0.10, SITTING: 0.001, STANDING: 0.003, WALKING: 0.03}


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
    edges_ns: NDArray[np.int64]
    codes: NDArray[np.int16]
    gaps_ns: NDArray[np.int64]
    bout_scale: float


@dataclass(frozen=True, eq=False)
class Posture:
    """A period in which the arm rests or moves in one way.

    Attributes:
        start_ns, end_ns: the start and the end of the period.
        code: the activity, or ``NOT_WORN``.
        bout_start_ns: the start of the bout that contains this posture.
        before, up: the unit vectors ``[3]`` that the watch measures at rest before and in the posture, in g.
        push: the direction of the movement into the posture, ``[3]``.
        tone_hz, tone_phase: frequency and phase of four slow movements (the first is breathing, the last the sway of an
            arm awake), ``[4]`` each.
        tones_g: their amplitudes in g, ``[4 movements, 3 axes]``.
        tremor_g: the amplitude in g of irregular movements.
        gait: the footsteps, if any.
    """

    start_ns: int
    end_ns: int
    code: int
    bout_start_ns: int
    before: NDArray[np.float64]
    up: NDArray[np.float64]
    push: NDArray[np.float64]
    tone_hz: NDArray[np.float64]
    tone_phase: NDArray[np.float64]
    tones_g: NDArray[np.float32]
    tremor_g: float
    gait: Gait | None


def draw_day(wearer: Wearer, number: int, start_ns: int, length_s: float, sample_rate_hz: float) -> SimulatedDay:
    """Draw one day of ``length_s`` seconds: a night around a waking day in which every activity occurs.

    In a day shorter than 24 h, activities that occur once a day shrink in proportion to its length. Repeated bouts
    shrink with the square root of the length: there are fewer bouts, and they are slightly shorter.
    """
    rng = wearer.random_numbers(Purpose.DAY, number)
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
    rng, sway_rng = (wearer.random_numbers(purpose, day.number) for purpose in (Purpose.POSTURES, Purpose.SWAY))
    postures: list[Posture] = []
    asleep = wearer.up[ACTIVITIES[LYING]]
    up = asleep
    for code, start_ns, end_ns in zip(day.codes.tolist(), day.edges_ns[:-1], day.edges_ns[1:], strict=True):
        gait = wearer.gaits.get(ACTIVITIES[code]) if code != NOT_WORN else None
        gait = gait.varied(rng) if gait else None
        starts = _draw_posture_starts(rng, code, int(start_ns), int(end_ns), day.bout_scale)
        for index, (begin, end) in enumerate(zip(starts, [*starts[1:], int(end_ns)], strict=True)):
            at_midnight = (index == 0 and start_ns == day.edges_ns[0]) or end == day.edges_ns[-1]
            before, up = up, asleep if at_midnight else _draw_up(rng, wearer, code)
            posture = _draw_posture(rng, wearer, code, begin, end, int(start_ns), before, up, gait)
            postures.append(_swaying(sway_rng, posture))
    return postures


def _draw_bouts(rng: np.random.Generator, length_s: float, liveliness: float) -> tuple[list[int], NDArray[np.float64]]:
    """Codes and durations in s of a day's bouts; together they last ``length_s``."""
    share = length_s / DAY_S
    shortest_s = min(SHORTEST_BOUT_S, length_s / 30)
    waking_s, bed_s = (length_s / 24 * float(np.clip(rng.normal(*h), h[0] - 1, h[0] + 0.9)) for h in (WAKING_H, BED_H))
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
        again.append((code, max(shortest_s, min(left_s, usual * rng.lognormal(0, BOUT_SPREAD)))))
        left_s -= again[-1][1]
    for code, duration_s in once.items():
        again.insert(int(rng.integers(1, len(again))), (code, duration_s))

    codes = [code for code, _ in again]
    durations = np.array([duration_s for _, duration_s in again])
    durations *= awake_s / durations.sum()
    return [LYING, *codes, LYING], np.concatenate([[waking_s], durations, [length_s - bed_s]])


def _draw_gaps(rng: np.random.Generator, length_s: float, share: float, shortest_s: float) -> NDArray[np.int64]:
    """Draw the gaps of the watch, in ns from the day's start, ``[gaps, 2]``; never near midnight."""
    count = 1 + int(rng.poisson(GAPS_A_DAY))
    durations_s = np.maximum(shortest_s, MEDIAN_GAP_S * share**0.5 * rng.lognormal(0, 1, count))
    durations_s = np.minimum(durations_s, max(shortest_s, length_s / 50))
    starts_s = np.sort(rng.uniform(0.02, 0.95, count) * length_s)
    # A gap that would begin within or right after the previous gap is left out.
    apart = np.concatenate([[True], starts_s[1:] > np.maximum.accumulate(starts_s + durations_s)[:-1] + shortest_s])
    edges_s = np.stack([starts_s, starts_s + durations_s], axis=1)[apart]
    return _on_edges(edges_s)


def _on_edges(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Convert seconds to nanoseconds, rounded to ``EDGE_NS``."""
    tenths: NDArray[np.int64] = np.rint(time_s * (SECOND_NS / EDGE_NS)).astype(np.int64)
    return tenths * EDGE_NS


def _draw_posture_starts(rng: np.random.Generator, code: int, start_ns: int, end_ns: int, scale: float) -> list[int]:
    """Draw the start times of the postures of one bout. The first begins with the bout. A watch that is not worn has
    one posture."""
    if code == NOT_WORN:
        return [start_ns]
    changes = int(rng.poisson((end_ns - start_ns) / SECOND_NS / (POSTURE_S[code] * scale)))
    later = np.sort(rng.uniform(start_ns, end_ns, changes)).astype(np.int64)
    return [start_ns, *later.tolist()]


def _draw_up(rng: np.random.Generator, wearer: Wearer, code: int) -> NDArray[np.float64]:
    if code == NOT_WORN:
        # The watch lies on its back or its side: any direction is possible.
        return draw_direction(rng, np.zeros(3), 1.0)
    return draw_direction(rng, wearer.up[ACTIVITIES[code]], POSTURE_SPREAD[code])


def _draw_posture(
    rng: np.random.Generator,
    wearer: Wearer,
    code: int,
    start_ns: int,
    end_ns: int,
    bout_start_ns: int,
    before: NDArray[np.float64],
    up: NDArray[np.float64],
    gait: Gait | None,
) -> Posture:
    """Draw how the arm moves in a posture."""
    worn = code != NOT_WORN
    fidget_g = min(MOST_FIDGET_G, FIDGET_G[code] * wearer.liveliness * rng.lognormal(0, 0.8)) if worn else 0.0
    sizes_g = np.array([BREATH_G if worn else 0.0, fidget_g, fidget_g])
    return Posture(
        start_ns=start_ns,
        end_ns=end_ns,
        code=code,
        bout_start_ns=bout_start_ns,
        before=before,
        up=up,
        push=draw_direction(rng, np.zeros(3), 1.0),
        tone_hz=np.array([rng.uniform(0.2, 0.3), rng.uniform(0.3, 1.2), rng.uniform(1.0, 3.0)]),
        tone_phase=rng.uniform(0, 2 * np.pi, 3),
        tones_g=(sizes_g[:, None] * rng.standard_normal((3, 3))).astype(np.float32),
        tremor_g=TREMOR_G[code] if worn else 0.0,
        gait=gait,
    )


def _swaying(rng: np.random.Generator, posture: Posture) -> Posture:
    """The posture with the sway of an arm awake, across gravity, so that the arm turns and is not pushed."""
    sway_g = (SWAY_G[posture.code] if posture.code != NOT_WORN else 0.0) * rng.standard_normal(3)
    sway_g -= (sway_g @ posture.up) * posture.up
    return replace(
        posture,
        tone_hz=np.append(posture.tone_hz, rng.uniform(*SWAY_HZ)),
        tone_phase=np.append(posture.tone_phase, rng.uniform(0, 2 * np.pi)),
        tones_g=np.vstack([posture.tones_g, sway_g.astype(np.float32)]),
    )
