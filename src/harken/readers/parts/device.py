"""A watch's samples in pieces, by its own clock -> what a streaming reader gives."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harken.readers.parts.found import CannotStreamError, Found
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.samples import Samples

__all__ = ["LocalPieces", "found_device"]

LocalPieces = Callable[[], Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]]
"""The file's samples from its beginning, some at a time: the watch's clock in ns ``[n]``, signals ``[n, channels]``."""
Ranges = list[tuple[int, int]]


def found_device(
    pieces: LocalPieces,
    recording: Callable[[NDArray[np.int64]], Recording],
    unusable: Callable[[], Ranges] = list,
) -> Found:
    """Give a watch's samples as its reader of whole files does.

    Args:
        pieces: the samples. Once they were gone through to their end, the others are asked for anew.
        recording: makes a recording as found, by ``device_recording``, of no more than the samples at these times: its
            zone and notes are those of the whole.
        unusable: ranges of samples, ``[start, end)``, ascending and apart, that no window may use.

    Raises:
        CannotStreamError: when there are no samples.
    """
    return _Device(pieces, recording, unusable).found()


class _Device:
    def __init__(
        self, pieces: LocalPieces, recording: Callable[[NDArray[np.int64]], Recording], unusable: Callable[[], Ranges]
    ) -> None:
        self._local, self._recording, self._unusable = pieces, recording, unusable
        self._span = 0, 0
        self._offset_ns = 0

    def found(self) -> Found:
        first_ns = next((int(times[0]) for times, _ in self._local() if len(times)), None)
        if first_ns is None:
            raise CannotStreamError("it is empty")
        self._span = first_ns, first_ns
        recording = self._about()
        self._offset_ns = first_ns - int(recording.time_ns[0])
        return Found(
            pieces=self.pieces,
            channels=recording.channels,
            subject=recording.subject,
            source=recording.source,
            timezone=recording.timezone,
            quality=recording.quality,
            concluded=self.concluded,
            marked=lambda: bool(self._unusable()),
        )

    def pieces(self) -> Iterator[Samples]:
        """The samples in UTC."""
        edges = np.array(self._unusable(), dtype=np.int64).ravel()
        done, last_ns = 0, 0
        for times, signals in self._local():
            count = len(times)
            if not count:
                continue
            valid = np.ones(count, dtype=bool)
            if len(edges):
                valid = np.searchsorted(edges, np.arange(done, done + count), side="right") % 2 == 0
            yield Samples(times - self._offset_ns, signals, np.full(count, UNLABELLED, np.int16), valid)
            done, last_ns = done + count, int(times[-1])
        self._span = self._span[0], last_ns

    def concluded(self) -> Quality:
        """What to say, once all was read."""
        return self._about().quality

    def _about(self) -> Recording:
        recording = self._recording(np.array(self._span, dtype=np.int64))
        return replace(recording, quality=replace(recording.quality, rows=0))
