"""Reader of ``.cwa`` files."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.axivity.blocks import HEADER_BYTES, Blocks, CwaHeader, find_blocks, looks_like_header, read_header
from harken.readers.axivity.samples import block_starts, channels_of, read_samples
from harken.readers.device import DeviceFacts, DeviceSource, LocalSamples, entered_for, plain_file, plain_head
from harken.readers.options import TableOptions
from harken.recordings.recording import Make
from harken.recordings.source import Room

__all__ = ["open_source", "recognises"]

WITH_MAGNETOMETER = 9
BLOCKS_LOOKED_AT = 100
SMALLEST = 1e-3
CERTAIN = 2.0
"""The required evidence, in doublings of the size of gravity, summed over all blocks taken as interchanged."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a ``.cwa``, by its first bytes ``head`` (gzipped or not), else by its name."""
    return looks_like_header(plain_head(head)) or path.name.lower().removesuffix(".gz").endswith(".cwa")


def open_source(path: Path, options: TableOptions) -> "AxivitySource":
    """Open an Axivity AX3's or AX6's ``.cwa``, gzipped or not.

    Channels are ``x, y, z`` in g; ``gyro_x, gyro_y, gyro_z`` in rad/s if the watch recorded them; and ``temperature``
    in °C, one value for each block (about a second). Light, battery and magnetometer are not read. The subject is the
    code that OMGUI wrote into the header.

    Blocks with a wrong checksum are left out, which leaves a gap, and are counted in a note. Without damage, the times
    are the same as those of Open Movement's converter, and the rate is computed from them.

    Raises:
        HarkenError: when the file is not a ``.cwa``, or no block is intact.
    """
    return AxivitySource(path, options)


class AxivitySource(DeviceSource):
    """The samples of a file's intact blocks. An unpacked copy of a gzipped file is kept while the source is in use."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        self._plain = entered_for(self, plain_file(path, looks_like_header, "Axivity .cwa file"))
        with self._plain.open("rb") as file:
            self._header = read_header(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"))
        self._blocks = find_blocks(self._plain, path)
        facts = DeviceFacts(
            channels=channels_of(self._blocks),
            make=Make.AXIVITY,
            range_g=_range_of(self._blocks),
            subject=self._header.subject,
            stated_rate_hz=float(self._blocks.header_rates_hz[0]),
            worn_on=self._header.site,
        )
        super().__init__(path, options, facts)
        self.capacity = int(self._blocks.samples.sum())
        self.unusable = self._interchanged() if self._blocks.has_rotation else []

    def local_samples(self, room: Room) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        return read_samples(self._plain, self._path, self._blocks, room)

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        return [
            self._header.description,
            *_about_rate(self._blocks),
            *_about_blocks(self._blocks, self._header),
            *_about_unusable(self.unusable, self._blocks),
        ]

    def _interchanged(self) -> list[tuple[int, int]]:
        """Ranges of samples at the beginnings of sessions in which the two sensors are interchanged."""
        blocks = self._blocks
        firsts = [0, *(np.flatnonzero(blocks.new_session) + 1).tolist(), len(blocks.rows)]
        ends = np.cumsum(blocks.samples)
        ranges = []
        for first, last in pairwise(firsts):
            part = blocks.part(first, min(last, first + BLOCKS_LOOKED_AT))
            room = Room(len(self.channels))
            signals = np.concatenate([signals for _, signals in read_samples(self._plain, self._path, part, room)])
            if count := _samples_interchanged(signals, part):
                start = int(ends[first] - blocks.samples[first])
                ranges.append((start, start + count))
        return ranges


def _range_of(blocks: Blocks) -> float:
    """The accelerometer's range in g, the largest of all blocks."""
    return float(16 >> (int(blocks.start["rate"].min()) >> 6))


def _about_rate(blocks: Blocks) -> list[str]:
    """Notes on the configured rate and the true rate, which is computed from blocks that directly follow one
    another."""
    counts = blocks.samples
    if not blocks.follows.any():
        return []
    lasting_s = float((np.diff(block_starts(blocks))[blocks.follows]).sum()) / 1e9
    rate_hz = float(counts[:-1][blocks.follows].sum()) / lasting_s if lasting_s > 0 else 0.0
    said = " and ".join(f"{rate:g}" for rate in np.unique(blocks.header_rates_hz))
    return [f"The watch was set to {said} Hz; by its clock it recorded at {rate_hz:.5g} Hz."]


def _about_blocks(blocks: Blocks, header: CwaHeader) -> list[str]:
    """Notes on damage, sessions, and unread channels."""
    notes = []
    if blocks.damaged:
        notes.append(
            f"{blocks.damaged:,} of {blocks.found:,} blocks of the file are damaged and were left out; what they held "
            "is a gap."
        )
    if blocks.spare_bytes:
        notes.append("The file was cut short: it ends inside a block, which was left out.")
    sessions = 1 + int(blocks.new_session.sum())
    if sessions > 1:
        notes.append(f"The file holds {sessions} sessions, one after the other; between them is a gap.")
    jumps = np.diff(blocks.start["sequence"].astype(np.int64))[(np.diff(blocks.rows) == 1) & ~blocks.new_session]
    if missing := int((jumps > 1).sum()):
        notes.append(f"In {missing:,} place{'s' * (missing > 1)} the blocks' numbers jump: some are not in the file.")
    if not blocks.has_rotation and (blocks.axes > 3).any():
        notes.append("Only some of the blocks hold rotation, so it was left out.")
    if (blocks.axes == WITH_MAGNETOMETER).any():
        notes.append("The file holds a magnetometer's values, which were not read.")
    if header.rate_hz not in blocks.header_rates_hz:
        notes.append(f"The file's header says {header.rate_hz:g} Hz, other than its blocks.")
    return notes


def _about_unusable(ranges: Sequence[tuple[int, int]], blocks: Blocks) -> list[str]:
    """Notes on samples with interchanged sensors."""
    if not ranges:
        return []
    seconds = sum(end - start for start, end in ranges) / float(blocks.header_rates_hz[0])
    return [
        f"For {seconds:.3g} s at the beginning the acceleration stands in the gyroscope's place and the rotation in "
        "the accelerometer's, as gravity shows; these samples are marked."
    ]


def _samples_interchanged(signals: NDArray[np.float32], blocks: Blocks) -> int:
    """The number of samples at the beginning of a session in which gravity is in the gyroscope's channels and not in
    the accelerometer's.

    This was observed with firmware 53 and 54, in both available recordings, for 1 s and for 10 s. The number is chosen
    so that the evidence is largest: gravity in the gyroscope's channels before it, and in the accelerometer's after it.

    Args:
        signals: ``[n, channels]``, acceleration in g and rotation in rad/s.
        blocks: the blocks of these signals: the first blocks of the session, at most ``BLOCKS_LOOKED_AT``, all with six
            or more axes.
    """
    ends = np.cumsum(blocks.samples)
    starts = ends - blocks.samples
    score = np.cumsum([_score(signals[starts[block] : ends[block]], blocks, block) for block in range(len(ends))])
    best = int(np.argmax(score))
    return int(ends[best]) if score[best] > CERTAIN else 0


def _score(signals: NDArray[np.float32], blocks: Blocks, block: int) -> float:
    """How much further a block is from 1 g as recorded than with interchanged sensors, in doublings."""
    scales = int(blocks.start["scales"][block])
    counts_per_g = float(2 ** (8 + (scales >> 13)))
    radians_per_count = math.radians(8000 / 2 ** (scales >> 10 & 7)) / 2**15
    as_it_stands = float(np.median(np.linalg.norm(signals[:, :3], axis=1)))
    other_way = float(np.median(np.linalg.norm(signals[:, 3:6], axis=1)) / radians_per_count / counts_per_g)
    return abs(math.log2(max(as_it_stands, SMALLEST))) - abs(math.log2(max(other_way, SMALLEST)))
