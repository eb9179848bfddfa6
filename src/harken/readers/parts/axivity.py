"""An Axivity ``.cwa`` in pieces."""

import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.axivity.blocks import HEADER_BYTES, Blocks, find_blocks
from harken.readers.axivity.header import Header, looks_like_header, read_header
from harken.readers.axivity.interchange import interchanged
from harken.readers.axivity.reading import about_blocks, about_rate, about_unusable, range_of
from harken.readers.axivity.samples import Piece, channels_of, read_pieces
from harken.readers.device import DeviceSamples, device_recording, plain_file
from harken.readers.options import TableOptions
from harken.readers.parts.found import CannotStreamError, Found
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.samples import Samples

__all__ = ["found_axivity"]


def found_axivity(path: Path, options: TableOptions) -> Found:
    """Look at the blocks of a ``.cwa``, gzipped or not. What had to be unpacked lies aside for as long as it is used.

    Raises:
        CannotStreamError: when rotation was recorded in several sessions.
        HarkenError: as ``harken.readers.axivity.read_axivity``.
    """
    with ExitStack() as stack:
        plain = stack.enter_context(plain_file(path, looks_like_header, "Axivity .cwa file"))
        with plain.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"))
        blocks = find_blocks(plain, path)
        reading = _Reading(plain, path, header, blocks, options)
        weakref.finalize(reading, stack.pop_all().close)
        return reading.found()
    raise AssertionError  # for the type checker: an ExitStack may swallow exceptions, and this one swallows none


class _Reading:
    """A file, what was read of it, and what to say about it."""

    def __init__(self, plain: Path, path: Path, header: Header, blocks: Blocks, options: TableOptions) -> None:
        self._plain, self._path, self._header, self._blocks, self._options = plain, path, header, blocks, options
        self._unusable: list[tuple[int, int]] = []
        self._starts_ns: NDArray[np.int64] | None = None
        self._last_ns = 0
        self._offset_ns = 0

    def found(self) -> Found:
        times, signals = next(self._pieces())
        if self._blocks.has_rotation:
            if self._blocks.new_session.any():
                raise CannotStreamError("where sensors stand in one another's places is looked for in each session")
            inside = int(np.searchsorted(np.cumsum(self._blocks.samples), len(times), side="right"))
            self._unusable = interchanged(signals, self._blocks.part(0, inside))
        recording = self._recording(times[:1])
        self._offset_ns = int(times[0] - recording.time_ns[0])
        return Found(
            pieces=self.pieces,
            channels=recording.channels,
            subject=recording.subject,
            source=recording.source,
            timezone=recording.timezone,
            quality=recording.quality,
            concluded=self.concluded,
        )

    def pieces(self) -> Iterator[Samples]:
        """The samples in UTC."""
        counts = self._blocks.samples
        starts: list[NDArray[np.int64]] = []
        done, block = 0, 0
        for times, signals in self._pieces():
            count = len(times)
            if self._starts_ns is None:
                last = int(np.searchsorted(np.cumsum(counts[block:]), count, side="right")) + block
                starts.append(times[np.cumsum(counts[block:last]) - counts[block:last]])
                block, self._last_ns = last, int(times[-1])
            valid = np.ones(count, dtype=bool)
            for start, end in self._unusable:
                valid[max(0, start - done) : max(0, end - done)] = False
            yield Samples(times - self._offset_ns, signals, np.full(count, UNLABELLED, np.int16), valid)
            done += count
        if self._starts_ns is None:
            self._starts_ns = np.concatenate(starts)

    def concluded(self) -> Quality:
        """What to say, once all was read."""
        return self._recording(np.array([self._first_ns, self._last_ns])).quality

    @property
    def _first_ns(self) -> int:
        return int(self._starts_ns[0]) if self._starts_ns is not None else 0

    def _pieces(self) -> Iterator[Piece]:
        return read_pieces(self._plain, self._path, self._blocks)

    def _recording(self, local_ns: NDArray[np.int64]) -> Recording:
        """A recording of a few samples at these times, whose zone and notes are those of the whole."""
        channels, blocks = channels_of(self._blocks), self._blocks
        samples = DeviceSamples(
            local_ns=local_ns.copy(),
            signals=np.zeros((len(local_ns), len(channels)), dtype=np.float32),
            channels=channels,
            range_g=range_of(blocks),
            subject=self._header.subject,
            notes=[
                self._header.description,
                *(about_rate(self._starts_ns, blocks) if self._starts_ns is not None else []),
                *about_blocks(blocks, self._header),
                *about_unusable(self._unusable, blocks),
            ],
            stated_rate_hz=float(blocks.header_rates_hz[0]),
            worn_on=self._header.site,
        )
        recording = device_recording(self._path, samples, self._options)
        return replace(recording, quality=replace(recording.quality, rows=0))
