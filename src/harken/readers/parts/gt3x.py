"""An ActiGraph ``.gt3x`` in pieces."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.actigraph.archive import opened_archive
from harken.readers.actigraph.gt3x import about_watch, in_its_zone, info_of, limb_of, samples_outside, subject_of
from harken.readers.actigraph.log import read_activity
from harken.readers.actigraph.packet_log import LOG, packet_facts, sample_times, turned_back
from harken.readers.device import DeviceSamples
from harken.readers.options import TableOptions
from harken.readers.parts.device import found_device
from harken.readers.parts.found import CannotStreamError, Found
from harken.recordings.recording import Recording

__all__ = ["found_gt3x"]


def found_gt3x(path: Path, options: TableOptions) -> Found:
    """Go through the packets of a ``.gt3x``, of each of which some bytes are kept, for a second.

    Raises:
        CannotStreamError: for the GT3X+'s old log without packets.
        HarkenError: as ``harken.readers.actigraph.read_gt3x``.
    """
    return _Reading(path, options).found()


class _Reading:
    """A file, and what its packets say of all samples."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        self._path, self._options = path, options
        with opened_archive(path) as archive:
            self._info = info_of(path, archive)
            if LOG not in archive:
                raise CannotStreamError("the old log is looked at in one")
            _, self._facts = packet_facts(path, archive, self._info, values=False)
        self._outside: int | None = None

    def found(self) -> Found:
        return found_device(self._pieces, self._recording)

    def _pieces(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        facts = self._facts
        scale = np.float32(facts.scale)
        packets = outside = 0
        with opened_archive(self._path) as archive:
            for values, seconds, counts in read_activity(self._path, archive.pieces(LOG)):
                first = facts.first[packets : packets + len(seconds)]
                packets += len(seconds)
                if not first.all():
                    values, seconds, counts = values[np.repeat(first, counts)], seconds[first], counts[first]
                if facts.turned:
                    values = turned_back(values)
                times = sample_times(seconds, counts, facts.rate_hz)
                outside += samples_outside(times, self._info)
                yield times, np.divide(values, scale, dtype=np.float32)
        self._outside = outside

    def _recording(self, local_ns: NDArray[np.int64]) -> Recording:
        facts = self._facts
        samples = DeviceSamples(
            local_ns=local_ns,
            signals=np.zeros((len(local_ns), 3), dtype=np.float32),
            channels=("x", "y", "z"),
            range_g=self._info.range_g,
            subject=subject_of(self._info, facts.metadata),
            notes=about_watch(
                self._info,
                rate_hz=facts.rate_hz,
                scale=facts.scale,
                notes=facts.notes,
                outside=self._outside or 0,
            ),
            stated_rate_hz=facts.stated_rate_hz,
            worn_on=limb_of(self._info, facts.metadata),
        )
        return in_its_zone(self._path, samples, self._options, self._info, facts.metadata)
