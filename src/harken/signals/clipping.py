"""Clipped samples: those of a sensor that stays at the end of its range, where it no longer measures."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harken.recordings.mending import MendedStream
from harken.recordings.recording import MINIMUM_GAP_S, Quality, Recording, acceleration_channels
from harken.recordings.source import ROWS_AT_ONCE, Samples, joined
from harken.recordings.survey import RangeGuess, largest_on_an_axis
from harken.support.errors import HarkenError

END = 0.99
"""The share of the range at which its end begins. A sensor's offset can keep it from reaching the last hundredth."""
CLIPPED_S = 1.0
"""A stay of this length is marked. Cut-off peaks of walking or running last 0.1 to 0.3 s, never a whole second."""


class Clipping:
    """Marks the samples of a stream at which the sensor stays at the end of its range for a second or longer.

    Shorter stays are cut-off peaks. They are the wearer's movement and are not marked. ``push`` returns the samples
    that it is given, except those of a stay that has not ended and may still become long enough. These are returned by
    the next push; they cover at most one second.

    Args:
        range_g: the sensor's range.

    Attributes:
        at_end: the number of samples at the end of the range.
        marked: the number of marked samples.

    Raises:
        HarkenError: when the range is not above 0.
    """

    def __init__(self, range_g: float) -> None:
        if not range_g > 0:
            raise HarkenError(f"clipping needs a sensor's range above 0, not {range_g:g} g")
        self._end_g = np.float32(END * range_g)
        self._waiting: Samples | None = None
        self._stays = False  # whether the last sample belongs to a stay that is marked already
        self._last_ns = 0
        self.at_end = self.marked = 0

    def push(self, samples: Samples) -> Samples:
        """Add samples, later than all before; acceleration in g is the first three channels."""
        if self._waiting is not None and len(self._waiting.time_ns):
            samples = joined([self._waiting, samples])
        return self._out(samples, over=False)

    def flush(self) -> Samples:
        """The remaining samples, as if a gap followed. The next push begins a new stream.

        Raises:
            ValueError: when no samples were pushed.
        """
        if self._waiting is None:
            raise ValueError("nothing was pushed")
        last, self._waiting = self._waiting, None
        last = self._out(last, over=True)
        self._stays = False
        return last

    def _out(self, samples: Samples, *, over: bool) -> Samples:
        n = len(samples.time_ns)
        ends = largest_on_an_axis(samples.signals[:, :3]) >= self._end_g
        kept, stays = n, self._stays and n == 0
        if ends.any():
            gap = np.diff(samples.time_ns, prepend=self._last_ns) > MINIMUM_GAP_S * 1e9
            begins = ends & (gap | ~np.concatenate([[self._stays], ends[:-1]]))
            goes_on = bool(ends[0] and not begins[0])
            begins[0] |= goes_on
            firsts = np.flatnonzero(begins)
            lasts = np.flatnonzero(ends & np.append(begins[1:] | ~ends[1:], True))
            long = samples.time_ns[lasts] - samples.time_ns[firsts] >= CLIPPED_S * 1e9
            long[0] |= goes_on
            if ends[-1] and not over and not long[-1]:
                kept = int(firsts[-1])
            marked = ends & long[np.cumsum(begins) - 1]
            samples = samples._replace(valid=samples.valid & ~marked)
            self.marked += int(marked.sum())
            self.at_end += int(ends[:kept].sum())
            stays = bool(marked[-1])
        self._stays = stays
        self._waiting = joined([samples.part(kept, n)])
        if kept:
            self._last_ns = int(samples.time_ns[kept - 1])
        return samples.part(0, kept)


def mark_clipped(recording: Recording) -> Recording:
    """Mark the samples at which the sensor stays at the end of its range for a second or longer.

    A note counts them, and the cut-off peaks that are not marked. A recording without either is returned unchanged.

    Raises:
        HarkenError: when the recording does not begin with ``x, y, z``.
    """
    if not acceleration_channels(recording.channels):
        name = recording.source or recording.subject
        raise HarkenError("clipping needs acceleration as the first channels, x, y, z", path=name)
    guess = RangeGuess(recording.quality.sensor_range_g)
    guess.push(largest_on_an_axis(recording.signals[:, :3]))
    clipping, samples = Clipping(guess.range_g), Samples.of(recording)
    parts = [clipping.push(part).valid for part in samples.pieces(ROWS_AT_ONCE)]
    valid = np.concatenate([*parts, clipping.flush().valid])
    if not clipping.at_end:
        return recording
    note = (
        f"{clipping.at_end:,} samples lie at the end of the sensor's range of {guess.range_g:g} g; {clipping.marked:,} "
        f"of them, where it stayed there for {CLIPPED_S:g} s or longer, are marked"
    )
    quality = replace(recording.quality, at_range_end=clipping.at_end, clipped=clipping.marked)
    return replace(recording, valid=valid, quality=quality.noting(note))


class Clipped:
    """A stream whose clipped samples are marked; see ``harken.signals.Clipping``.

    Args:
        stream: the recording. With acceleration in g as its first three channels, its range is known. Without
            acceleration, no sample is marked.
    """

    def __init__(self, stream: MendedStream) -> None:
        self._stream = stream
        self._at_end = 0
        self._marked = 0

    def samples(self) -> Iterator[Samples]:
        """Yield the samples of the stream, in order."""
        if not acceleration_channels(self._stream.channels):
            yield from self._stream.samples()
            return
        clipping = Clipping(self._stream.quality.sensor_range_g or 0.0)
        for part in self._stream.samples():
            yield clipping.push(part)
        yield clipping.flush()
        self._at_end = clipping.at_end
        self._marked = clipping.marked

    def count_in(self, quality: Quality) -> Quality:
        """Return the quality with the counts of these samples, after they were read to the end."""
        return replace(quality, at_range_end=self._at_end, clipped=self._marked)
