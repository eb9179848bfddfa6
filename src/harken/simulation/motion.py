"""Postures -> the acceleration of the wrist at any times, in closed form: no sample depends on the one before it."""

import numpy as np
from numpy.typing import NDArray

from harken.simulation.day import SECOND_NS, Posture
from harken.simulation.wearer import Gait

__all__ = ["acceleration_g"]

MOVE_S = 1.5
"""How long it takes to get from one posture into the next."""
MOVE_G = 0.15
MOVE_HZ = 1.6

WANDER_PERIODS_S = np.array([7.0, 17.0, 41.0])
WANDER_CYCLES = np.array([0.03, 0.08, 0.2])
"""How far, in strides, a step may come early or late on each of these periods: a pace that changes by 5 %."""


def acceleration_g(
    postures: list[Posture], time_ns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]]:
    """The acceleration at increasing times ``[n]`` that lie within ``postures``, which follow one another.

    Returns:
        The acceleration in g, gravity included, float32 ``[n, 3]``; the size of its tremor in g, float32
        ``[n]``; and the label codes, int16 ``[n]``.
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


def _in_posture(posture: Posture, time_ns: NDArray[np.int64]) -> NDArray[np.float32]:
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


def _tones(posture: Posture, since_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Breath and slow movements ``[n, 3]``."""
    if not posture.tones_g.any():
        return np.zeros((len(since_s), 3), dtype=np.float32)
    cycles = since_s[:, None] * posture.tone_hz
    cycles -= np.floor(cycles)  # in double precision, so that the sine may be computed in single
    return np.sin((2 * np.pi * cycles + posture.tone_phase).astype(np.float32)) @ posture.tones_g


def _steps(gait: Gait, since_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """The acceleration of steps ``[n, 3]``: the stride's harmonics, at a pace and a strength that wander."""
    wander = np.sin(2 * np.pi * since_s[:, None] / WANDER_PERIODS_S + gait.wander)
    cycles = gait.stride_hz * since_s + wander @ WANDER_CYCLES
    fundamental = np.exp(2j * np.pi * (cycles - np.floor(cycles))).astype(np.complex64)
    powers = np.cumprod(np.broadcast_to(fundamental[:, None], (len(since_s), len(gait.harmonics_g))), axis=1)
    strength = _smooth_step(since_s / MOVE_S) * (1 + 0.1 * wander[:, 1])
    steps: NDArray[np.float32] = (powers @ gait.harmonics_g).real * strength.astype(np.float32)[:, None]
    return steps


def _move(posture: Posture, since_s: NDArray[np.float64], moving_s: float) -> NDArray[np.float32]:
    """Gravity while the arm turns into a posture, and the push that turns it, ``[n, 3]``."""
    done = _smooth_step(since_s / moving_s)[:, None]
    up = posture.before + done * (posture.up - posture.before)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-3)
    push = 4 * done * (1 - done) * np.sin(2 * np.pi * MOVE_HZ * since_s)[:, None]
    return np.asarray(up + MOVE_G * push * posture.push, dtype=np.float32)


def _smooth_step(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1, without a corner at either end."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)
