"""A recording in parts whose clipped samples are marked invalid."""

from collections.abc import Iterator
from dataclasses import replace

from harken.readers.parts import Parts
from harken.recordings.samples import Samples
from harken.signals import Clipping

__all__ = ["Clipped"]


class Clipped:
    """A recording in parts whose clipped samples are marked; see ``harken.signals.Clipping``.

    Args:
        parts: the recording; acceleration in g is its first three channels, and its range is known.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._at_end = self._marked = 0

    @property
    def parts(self) -> Parts:
        """The recording. Its quality counts the samples once its parts were gone through to the end."""
        quality = replace(self._parts.quality, at_range_end=self._at_end, clipped=self._marked)
        return replace(self._parts, again=self._again, quality=quality)

    def _again(self) -> Iterator[Samples]:
        clipping = Clipping(self._parts.quality.sensor_range_g or 0.0)
        for part in self._parts.parts():
            yield clipping.push(part)
        yield clipping.flush()
        self._at_end, self._marked = clipping.at_end, clipping.marked
