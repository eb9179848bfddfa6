"""Non-wear from acceleration alone: the times in which the sensor is at rest and shows no breathing."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from harken.recordings.recording import Recording
from harken.signals.movement import BLOCK_NS, MovementBlocks, movement_of
from harken.support.arrays import BoolArray, Float64Array, FloatArray, Int64Array, between, lengths_of

REST_G, REST_RANGE_G = 0.013, 0.050
REST_AXES = 2
"""At rest: standard deviation and range are below these limits on this many axes (van Hees 2011, and GGIR)."""
DEAF_WINDOW_S = 3600.0
QUIET_WINDOW_S = 1200.0
BREATH_G = 0.00025
"""Slow movement of a worn wrist, all axes together, is above this because of breathing. Measured in docs/signals.md."""
CHANCE = 3.0
"""The measured slow movement may be above the limit by this many standard errors."""
FINE_STEP_G = 0.005
"""A sensor with coarser steps cannot measure breathing."""
LEAST_NOISE_STEPS = 1 / 3
"""A sensor whose noise is below this share of its step cannot measure breathing."""
LEAST_FILLED = 0.5
"""A window with a smaller recorded share is not used."""
SHORT_REST_S = 270.0
"""The shortest rest in which a watch was taken off: five minutes, without the blocks in which they begin and end."""
STEADY_STEP_G = 0.005
"""In a short rest, the means of neighbouring blocks differ by less than this on each axis."""
HANDLED_G, HANDLED_WITHIN_S = 0.1, 60.0
"""A watch that is taken off or put on moves: a block so near to the rest has a larger standard deviation than this."""
AROUND_S, PAUSE_BLOCKS = 300.0, 6
"""Before and after a short rest, at most half of this time may consist of pauses: steady blocks, so many or more. A
sleeper turns, and then rests again."""
MOST_TILT_DEGREES = 5.0
"""On a table, the face is horizontal to this angle."""


def non_wear(blocks: MovementBlocks) -> Int64Array:
    """When the watch was not worn, int64 ``[k, 2]`` start and end in ns, in order, apart, on block boundaries.

    A window of time is non-wear if the sensor is at rest in it: its standard deviation is below 13 mg and its range
    below 50 mg on at least two of three axes (van Hees and others, PLoS ONE 6(7), 2011, whose window is 60 minutes in
    GGIR). This criterion alone takes quiet sleep as non-wear when the sleeper does not turn for an hour. Therefore
    there are three rules:

    - The sensor can measure breathing: a window of 20 minutes at rest without breathing is non-wear. Breathing is
      absent if the means of whole seconds vary by less than 0.25 mg (all axes together, root mean square over the
      window) more than their noise, with a tolerance of three standard errors. The noise is estimated in two ways, from
      the samples of a second and from its two halves, and the smaller estimate is used. An hour at rest with breathing
      is worn.
    - The sensor cannot measure breathing, because its steps are coarser than 5 mg or its noise is below a third of a
      step: a window of 60 minutes at rest is non-wear.

    - The watch was taken off for five minutes or longer: all axes are at rest and steady, the watch is handled within
      the minute before and the minute after, and the wearer moves for most of the five minutes before and after.
      Moreover the sensor cannot measure breathing, or there is none, or the face is horizontal to 5 degrees. A sleeper
      does not move for most of the minutes around a rest, and a wrist that is awake hardly ever rests so steadily.

    A window begins at every block, so the boundaries are exact to a block (10 s). Every moment in such a window is
    non-wear. Time that was not recorded is ignored. A window with less than half of its time recorded is not used, and
    non-wear does not begin or end with a gap. A watch that is carried or lies in a moving car is taken as worn, and so
    is a watch that is off for less than five minutes.
    """
    if len(blocks) == 0:
        return np.empty((0, 2), np.int64)
    slot = blocks.start_ns // BLOCK_NS
    longest = round(DEAF_WINDOW_S * 1e9 / BLOCK_NS)
    cuts = np.flatnonzero(np.diff(slot) > longest) + 1
    parts = np.split(np.arange(len(slot)), cuts)
    steps = blocks.step[np.isfinite(blocks.step)]
    # The sensor's step: the smallest difference that most blocks have in common. 0 where no samples differ.
    step = float(np.median(steps)) if len(steps) else 0.0
    off = np.concatenate([_off(blocks, rows, step) for rows in parts])
    for first, end in _find_short_rests(blocks, step):
        off[first:end] = True
    # A run of blocks that are off, over gaps no longer than a window.
    new = np.ones(len(off), bool)
    new[1:] = (np.diff(slot) > longest) | (off[1:] != off[:-1])
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(off)) - 1
    chosen = off[firsts]
    starts = blocks.start_ns[firsts[chosen]]
    ends = blocks.start_ns[lasts[chosen]] + BLOCK_NS
    return np.stack([starts, ends], axis=1)


def worn(times_ns: Int64Array, non_wear: Int64Array) -> BoolArray:
    """Whether the watch was worn at each time ``[n]``, given the result of ``non_wear``, ``[k, 2]``."""
    # Starts and ends alternate, so an odd number of them lies before a time of non-wear.
    behind = np.searchsorted(non_wear.reshape(-1), times_ns, side="right")
    return np.asarray(behind % 2 == 0)


def mark_non_wear(recording: Recording) -> Recording:
    """The recording with samples of non-wear marked as not ``valid``.

    The values are unchanged. A note contains how much was marked.

    Raises:
        HarkenError: when the recording is ``as_found`` or does not begin with ``x, y, z``.
    """
    intervals = non_wear(movement_of(recording))
    if len(intervals) == 0:
        return replace(recording, quality=recording.quality.noting("no time without the watch on the wrist was found"))
    hours = float(np.diff(intervals, axis=1).sum()) / 3.6e12
    times = "once" if len(intervals) == 1 else f"{len(intervals)} times"
    return replace(
        recording,
        valid=recording.valid & worn(recording.time_ns, intervals),
        quality=recording.quality.noting(f"the watch was not worn {times}, for {hours:.2f} h in all"),
    )


def _find_short_rests(blocks: MovementBlocks, step_g: float) -> Iterator[tuple[int, int]]:
    """The first block, and the end, of each rest of five minutes or longer for which the watch was taken off."""
    slot = blocks.start_ns // BLOCK_NS
    near, around, shortest = (round(s * 1e9 / BLOCK_NS) for s in (HANDLED_WITHIN_S, AROUND_S, SHORT_REST_S))
    deviation = blocks.standard_deviation.max(axis=1)
    runs = _find_steady_runs(blocks, deviation < REST_G, most_slots=near)
    pauses = np.zeros(len(slot), bool)
    for first, end in runs[lengths_of(runs) >= PAUSE_BLOCKS].tolist():
        pauses[first:end] = True
    for first, end in runs[slot[runs[:, 1] - 1] - slot[runs[:, 0]] + 1 >= shortest].tolist():
        if end - first < LEAST_FILLED * (slot[end - 1] - slot[first] + 1):
            continue
        begins_recording = slot[first] - slot[0] <= near
        ends_recording = slot[-1] - slot[end - 1] <= near
        near_before, before = np.searchsorted(slot, slot[first] - (near, around))
        near_after, after = np.searchsorted(slot, slot[end - 1] + (near, around), side="right")
        put_down = begins_recording or (
            deviation[near_before:first].max(initial=0) > HANDLED_G and _mostly_moves(pauses[before:first])
        )
        picked_up = ends_recording or (
            deviation[end:near_after].max(initial=0) > HANDLED_G and _mostly_moves(pauses[end:after])
        )
        alone = bool(begins_recording and ends_recording)
        if put_down and picked_up and _shows_no_wearer(blocks, slice(first, end), step_g, alone=alone):
            yield first, end


def _find_steady_runs(blocks: MovementBlocks, at_rest: BoolArray, *, most_slots: int) -> Int64Array:
    """The longest runs of blocks at rest whose means hardly differ from block to block, int64 ``[k, 2]``."""
    slot = blocks.start_ns // BLOCK_NS
    steady = np.abs(np.diff(blocks.mean, axis=0)).max(axis=1) < STEADY_STEP_G
    goes_on = at_rest[1:] & at_rest[:-1] & steady & (np.diff(slot) <= most_slots)
    runs = between(np.flatnonzero(np.concatenate([[True], ~goes_on, [True]])))
    return np.asarray(runs[at_rest[runs[:, 0]]])


def _mostly_moves(pauses: BoolArray) -> bool:
    return len(pauses) > 0 and 2 * int(np.count_nonzero(pauses)) < len(pauses)


def _shows_no_wearer(blocks: MovementBlocks, rest: slice, step_g: float, *, alone: bool) -> bool:
    """Whether the sensor cannot measure breathing, or there is none, or the face is horizontal in a rest.

    Args:
        blocks: all blocks.
        rest: the blocks of the rest.
        step_g: the sensor's step.
        alone: whether the rest is the whole recording. Then a sensor that cannot measure breathing shows nothing.
    """
    noise_g = float(np.sqrt((blocks.standard_deviation[rest] ** 2).mean()))
    mean = blocks.mean[rest].mean(axis=0)
    if abs(mean[2]) > math.cos(math.radians(MOST_TILT_DEGREES)) * float(np.sqrt((mean**2).sum())):
        return True
    if not _can_measure_breathing(step_g, noise_g):
        return not alone
    between_g2, by_samples_g2, by_halves_g2 = (
        float(array[rest].sum(axis=1).mean())
        for array in (blocks.second_variance, blocks.noise_by_samples, blocks.noise_by_halves)
    )
    return bool(_shows_no_breathing(between_g2, min(by_samples_g2, by_halves_g2), rest.stop - rest.start))


def _off(blocks: MovementBlocks, rows: Int64Array, step_g: float) -> BoolArray:
    """Which of these blocks lie in a window of non-wear, bool ``[rows]``. Neighbours are less than an hour apart."""
    slot = blocks.start_ns[rows] // BLOCK_NS
    slot -= slot[0]
    off = np.zeros(len(rows), bool)
    for window_s, quiet in ((QUIET_WINDOW_S, True), (DEAF_WINDOW_S, False)):
        width = round(window_s * 1e9 / BLOCK_NS)
        if slot[-1] + 1 < width:
            continue
        found = _windows(blocks, rows, slot, width, step_g=step_g, quiet=quiet)
        # A moment lies in a window that begins at most `width - 1` slots before it.
        begun = np.concatenate([[0], np.cumsum(found)])
        off |= begun[slot + 1] > begun[np.maximum(slot + 1 - width, 0)]
    return off


def _windows(
    blocks: MovementBlocks, rows: Int64Array, slot: Int64Array, width: int, *, step_g: float, quiet: bool
) -> BoolArray:
    """Whether the window of ``width`` slots that begins at each slot is non-wear, bool ``[slots]``."""
    slots = int(slot[-1]) + 1

    def spread(values: FloatArray, empty: float = 0.0) -> Float64Array:
        full = np.full((slots, *values.shape[1:]), empty)
        full[slot] = values
        return full

    def summed(values: FloatArray) -> Float64Array:
        running = np.cumsum(spread(values), axis=0)
        running = np.concatenate([np.zeros((1, *running.shape[1:])), running])
        ends = np.minimum(np.arange(slots) + width, slots)
        result: Float64Array = running[ends] - running[:-1]
        return result

    mean, deviation = blocks.mean[rows], blocks.standard_deviation[rows]
    samples = blocks.samples[rows].astype(np.float64)[:, None]
    filled = summed(np.ones(len(rows)))
    counted = np.maximum(summed(samples), 1)
    average = summed(samples * mean) / counted
    variance = summed(samples * (deviation**2 + mean**2)) / counted - average**2
    highest = _over_windows(np.maximum, spread(blocks.highest[rows], -np.inf), width)
    lowest = _over_windows(np.minimum, spread(blocks.lowest[rows], np.inf), width)
    whole = len(highest)  # the windows that begin later would end after the recording
    at_rest = (variance[:whole] < REST_G**2) & (highest - lowest < REST_RANGE_G)
    rest: BoolArray = np.zeros(slots, bool)
    rest[:whole] = (at_rest.sum(axis=1) >= REST_AXES) & (filled[:whole] >= LEAST_FILLED * width)
    noise = np.sqrt((summed(samples * deviation**2) / counted).mean(axis=1))
    fine_sensor = _can_measure_breathing(step_g, noise)
    if not quiet:
        still = rest & ~fine_sensor
    else:
        number = np.maximum(filled, 1)
        variance_of_seconds, left_samples, left_halves = (
            summed(array[rows].sum(axis=1)) / number
            for array in (blocks.second_variance, blocks.noise_by_samples, blocks.noise_by_halves)
        )
        still = (
            rest & fine_sensor & _shows_no_breathing(variance_of_seconds, np.minimum(left_samples, left_halves), number)
        )
    return np.asarray(still, dtype=bool)


def _can_measure_breathing(step_g: float, noise_g: Any) -> Any:
    """Whether a sensor with this step can, for each standard deviation of its noise."""
    return (step_g <= FINE_STEP_G) & (noise_g >= LEAST_NOISE_STEPS * step_g)


def _shows_no_breathing(variance_of_seconds: Any, noise_variance: Any, blocks: Any) -> Any:
    """Whether the means of whole seconds vary no more than noise; of windows with so many blocks each."""
    # Two variances are compared. Each is of about nine seconds per block, on three axes.
    error = noise_variance * 2 / np.sqrt(27 * blocks)
    return variance_of_seconds - noise_variance < BREATH_G**2 + CHANCE * error


def _over_windows(extreme: np.ufunc, values: Float64Array, width: int) -> Float64Array:
    """The largest or smallest of ``width`` values from each on, ``[n - width + 1, axes]``, by doubling the windows."""
    covered = 1
    while 2 * covered <= width:
        values = extreme(values[:-covered], values[covered:])
        covered *= 2
    rest = width - covered
    return values if rest == 0 else np.asarray(extreme(values[:-rest], values[rest:]))
