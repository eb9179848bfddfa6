"""A recording as a stream of mended parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.readers.parts.found import Found
from harken.readers.parts.survey import GAP_NS, Survey, Surveyed, deduplicated
from harken.recordings.mending import jump_notes
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.samples import Samples
from harken.recordings.sensor_faults import RANGE_TOLERANCE, largest_on_an_axis

__all__ = ["Listener", "Parts", "acceleration_channels", "parts_of", "surveyed_parts"]

ROWS_AT_ONCE = 1 << 18
Listener = Callable[[tuple[str, ...]], Callable[[Samples], None]]
"""The channels -> what is called with each piece of the file."""


@dataclass(frozen=True, eq=False)
class Parts:
    """One wearer's recording, mended, a part at a time. The labels that a file may hold are not read.

    Attributes:
        channels, subject, source, timezone, quality: as in a ``Recording``.
        sample_rate_hz: samples per second inside gap-free stretches.
        gap_limit_ns: two samples further apart than this have a gap between them.
        start_ns, end_ns: the first and the last sample.
        gaps_ns: int64 ``[gaps, 2]``, the samples before and after each gap.
        rows: samples in all parts.
        streamed: False where the whole recording is in memory, for want of a streaming reader.
        again: what ``parts`` calls.
        overheard: whether a listener (see ``open_parts``) has heard just these samples already.
    """

    channels: tuple[str, ...]
    subject: str
    source: str
    timezone: str
    quality: Quality
    sample_rate_hz: float
    gap_limit_ns: int
    start_ns: int
    end_ns: int
    gaps_ns: NDArray[np.int64]
    rows: int
    streamed: bool
    again: Callable[[], Iterator[Samples]]
    overheard: bool = False

    def parts(self) -> Iterator[Samples]:
        """The samples from the beginning, in the order of their times; as often as one likes."""
        return self.again()


def parts_of(recording: Recording, *, rows_at_once: int = ROWS_AT_ONCE) -> Parts:
    """A mended recording that is in memory, in parts; views, no copies.

    Raises:
        ValueError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise ValueError("only a mended recording has parts")
    every = Samples(
        recording.time_ns, recording.signals, np.full(len(recording), UNLABELLED, np.int16), recording.valid
    )

    def again() -> Iterator[Samples]:
        return (every.part(first, first + rows_at_once) for first in range(0, len(recording), rows_at_once))

    rows = recording.gap_rows
    return Parts(
        channels=recording.channels,
        subject=recording.subject,
        source=recording.source,
        timezone=recording.timezone,
        quality=recording.quality,
        sample_rate_hz=recording.sample_rate_hz,
        gap_limit_ns=recording.gap_limit_ns,
        start_ns=int(recording.time_ns[0]),
        end_ns=int(recording.time_ns[-1]),
        gaps_ns=np.stack([recording.time_ns[rows - 1], recording.time_ns[rows]], axis=1),
        rows=len(recording),
        streamed=False,
        again=again,
    )


def surveyed_parts(found: Found, sensor_range_g: float | None, listener: Listener | None = None) -> Parts:
    """Look at all of a file once, and give its parts as ``mend`` would mend the whole. Meanwhile a listener is told the
    samples; where none of them is marked or left out, they are those of the parts.

    Raises:
        CannotStreamError: when that takes the whole recording in memory.
        HarkenError: when the file is damaged.
    """
    axes = acceleration_channels(found.channels)
    survey = Survey(acceleration_channels=axes, range_g=sensor_range_g or found.quality.sensor_range_g)
    tell = listener(found.channels) if listener is not None else None
    for piece in found.pieces():
        survey.push(piece)
        # Samples with a missing value will be marked, so what the listener heard will not count.
        if tell is not None and not survey.missing:
            tell(piece)
    seen = survey.finish()
    quality = found.concluded() if found.concluded is not None else found.quality
    marked = found.marked is not None and found.marked()
    dropped = dict(quality.dropped) | ({"repeated time": seen.repeated} if seen.repeated else {})
    quality = replace(
        quality,
        rows=seen.rows + seen.repeated + sum(quality.dropped.values()),
        dropped=dropped,
        repeated_times=seen.repeated,
        missing=seen.missing,
        out_of_range=seen.out_of_range,
        stuck=seen.stuck,
        sensor_range_g=seen.range_g,
    ).noting(*jump_notes(seen.gaps_ns, seen.start_ns, found.timezone))
    return Parts(
        channels=found.channels,
        subject=found.subject,
        source=found.source,
        timezone=found.timezone,
        quality=quality,
        sample_rate_hz=seen.sample_rate_hz,
        gap_limit_ns=GAP_NS,
        start_ns=seen.start_ns,
        end_ns=seen.end_ns,
        gaps_ns=seen.gaps_ns,
        rows=seen.rows,
        streamed=True,
        again=lambda: _mended(found, seen, axes),
        overheard=tell is not None and not (marked or seen.repeated or seen.missing or seen.out_of_range or seen.stuck),
    )


def acceleration_channels(channels: tuple[str, ...]) -> int:
    """How many leading channels are acceleration."""
    return 3 if channels[:3] == ("x", "y", "z") else 0


def _mended(found: Found, seen: Surveyed, axes: int) -> Iterator[Samples]:
    pieces = deduplicated(found.pieces()) if seen.repeated else found.pieces()
    stuck = seen.stuck_ns.ravel()
    for piece in pieces:
        valid = piece.valid
        if seen.missing:
            valid = valid & np.isfinite(piece.signals).all(axis=1)
        if seen.out_of_range:
            valid = valid & (largest_on_an_axis(piece.signals[:, :axes]) <= seen.range_g * RANGE_TOLERANCE)
        if len(stuck):
            after = np.searchsorted(stuck, piece.time_ns, side="left")  # odd: past a begin, up to its end
            valid = valid & ~((after % 2 == 1) | np.isin(piece.time_ns, stuck))
        yield piece if valid is piece.valid else piece._replace(valid=valid)
