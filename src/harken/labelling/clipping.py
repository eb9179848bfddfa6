"""A recording in parts whose clipped samples are marked invalid."""

from collections.abc import Iterator
from dataclasses import replace

from harken.recordings.mended_stream import MendedStream
from harken.recordings.source import Samples
from harken.signals import Clipping

__all__ = ["Clipped"]


class Clipped:
    """A stream whose clipped samples are marked; see ``harken.signals.Clipping``.

    Args:
        stream: the recording; acceleration in g is its first three channels, and its range is known.
    """

    def __init__(self, stream: MendedStream) -> None:
        self._stream = stream
        self._at_end = self._marked = 0

    @property
    def stream(self) -> MendedStream:
        """The recording. Its quality counts the samples once it was gone through to the end."""
        quality = replace(self._stream.quality, at_range_end=self._at_end, clipped=self._marked)
        return replace(self._stream, read=self._read, quality=quality)

    def _read(self) -> Iterator[Samples]:
        clipping = Clipping(self._stream.quality.sensor_range_g or 0.0)
        for part in self._stream.samples():
            yield clipping.push(part)
        yield clipping.flush()
        self._at_end, self._marked = clipping.at_end, clipping.marked
