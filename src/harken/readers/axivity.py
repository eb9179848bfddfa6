"""Reader of ``.cwa`` files. Values and times of the samples are computed as by Open Movement's own converter.

A file is a header of 1,024 bytes and blocks of 512, each with its own time, number and checksum. The layout is
Open Movement's, "AX3/AX6 technical documentation". Libraries that read the samples do not verify the checksums.

A block contains the time of one of its samples and the configured rate. Its start and end are computed from these. The
true rate differs from the configured rate by a few per cent, so the end of a block differs from the start of the next.
A block that directly follows another therefore begins at the end of that one, and its samples are spread evenly up to
its own end.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from harken.readers.device import SMALLEST_G, DeviceSource, LocalSamples, pieces_without_gravity, said
from harken.readers.options import TableOptions
from harken.readers.unpacking import plain_file, plain_head
from harken.recordings.recording import ACCELERATION, ROTATION, Make, Quality
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, UInt8Array
from harken.support.errors import HarkenError

HEADER_BYTES = 1024
BLOCK_BYTES = 512
BLOCKS_AT_ONCE = 1 << 15
FIELDS = {
    "session": ("<u4", 6),
    "sequence": ("<u4", 10),
    "time": ("<u4", 14),
    "scales": ("<u2", 18),
    "temperature": ("<u2", 20),
    "rate": ("u1", 24),
    "form": ("u1", 25),
    "offset": ("<i2", 26),
    "samples": ("<u2", 28),
}
"""The fields of a block that are kept, with their offsets."""
START = np.dtype(
    {
        "names": ["mark", "length", *FIELDS],
        "formats": ["S2", "<u2", *(kind for kind, _ in FIELDS.values())],
        "offsets": [0, 2, *(offset for _, offset in FIELDS.values())],
        "itemsize": BLOCK_BYTES,
    }
)
MARK, LENGTH = b"AX", 508
SAMPLES_BYTES = 480
BYTES_PER_SAMPLE = {0x30: 4, 0x32: 6, 0x62: 12, 0x92: 18}
"""Bytes per sample by format. The upper four bits are the number of axes. The lower four bits are 0 (ten bits for each
axis and a shared exponent) or 2 (two bytes for each axis)."""
AXES_WITH_ROTATION = 6
TIME_PARTS = (26, 63), (22, 15), (17, 31), (12, 31), (6, 63), (0, 63)
"""The place and the bits of each part of a time."""
DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0])
FILE_MARK = b"MD\xfc\x03"
"""The mark of the header, followed by the length of the rest, 1,020 bytes."""
AX6 = 0x64
ANNOTATION = slice(64, 512)
FILLER = "\0\xff "
SUBJECT, SITE = "_sc", "_p"
"""OMGUI's names, among the annotations, for the subject's code and for where the watch is worn."""


@dataclass(frozen=True)
class Blocks:
    """The fields of a file's blocks.

    Attributes:
        found: the number of complete blocks in the file, including damaged ones.
        rows: int64 ``[whole]``, the numbers of the intact blocks.
        start: structured ``[whole]``, the ``FIELDS`` at the beginnings of the intact blocks.
        spare_bytes: bytes after the last complete block.
    """

    found: int
    rows: Int64Array
    start: NDArray[np.void]
    spare_bytes: int

    @cached_property
    def samples(self) -> Int64Array:
        """The number of samples in each intact block, ``[whole]``."""
        return self.start["samples"].astype(np.int64)

    @cached_property
    def axes(self) -> UInt8Array:
        """The number of axes in each intact block, ``[whole]``: 3, 6 or 9."""
        return np.asarray(self.start["form"] >> 4, dtype=np.uint8)

    @cached_property
    def has_rotation(self) -> bool:
        """Whether all intact blocks have the axes of a gyroscope."""
        return bool((self.axes >= AXES_WITH_ROTATION).all())

    @cached_property
    def header_rates_hz(self) -> Float64Array:
        """The configured rate of each intact block in Hz, ``[whole]``."""
        return np.asarray(3200.0 / 2.0 ** (15 - (self.start["rate"] & 15).astype(int)))

    @cached_property
    def follows(self) -> BoolArray:
        """For each intact block except the first, whether it directly follows the previous one, ``[whole - 1]``."""
        numbers = self.start["sequence"].astype(np.int64)
        return np.asarray((np.diff(numbers) == 1) & (np.diff(self.rows) == 1) & ~self.new_session)

    @cached_property
    def new_session(self) -> BoolArray:
        """For each intact block except the first, whether a new session begins with it, ``[whole - 1]``."""
        return np.asarray(self.start["session"][1:] != self.start["session"][:-1])

    @cached_property
    def spans_ns(self) -> tuple[Int64Array, Int64Array]:
        """The start and the end of the samples of each intact block, int64 ``[whole]`` by the watch's clock.

        A block begins at its own time if data are missing before it, even after a short gap, or if the clock was set
        back. In these cases the manufacturer's converter would spread the samples over the gap, or backwards.
        """
        period_ns = np.rint(SECOND_NS / self.header_rates_hz).astype(np.int64)
        starts = _wall_clock_ns(self.start["time"]) - self.start["offset"].astype(np.int64) * period_ns
        lasting_ns = self.samples * period_ns
        ends = starts + lasting_ns
        to_next_ns = np.diff(ends)
        glued = starts[1:] - ends[:-1] < LONGEST_STRETCH_NS
        glued &= (to_next_ns > 0) & (self.follows | (to_next_ns <= lasting_ns[1:]))
        starts[1:][glued] = ends[:-1][glued]
        return starts, ends


def find_blocks(path: Path, source: Path) -> Blocks:
    """Read the fields of all blocks of the file ``path``; errors name ``source``.

    Raises:
        HarkenError: when no block is intact.
    """
    blocks, spare = divmod(max(0, path.stat().st_size - HEADER_BYTES), BLOCK_BYTES)
    rows: list[Int64Array] = []
    starts: list[NDArray[np.void]] = []
    old = 0
    for first in range(0, blocks, BLOCKS_AT_ONCE):
        count = min(BLOCKS_AT_ONCE, blocks - first)
        content = np.fromfile(path, np.uint8, count * BLOCK_BYTES, offset=HEADER_BYTES + first * BLOCK_BYTES)
        start = content.view(START)
        whole = _whole(start, content)
        rows.append(np.flatnonzero(whole) + first)
        starts.append(repack_fields(start[list(FIELDS)])[whole])
        old += int(((start["mark"] == MARK) & (start["rate"] == 0)).sum())
    if not sum(map(len, rows)):
        if old and old > blocks // 2:
            raise HarkenError(
                "it was recorded with a very old firmware, whose blocks have neither a checksum "
                "nor a rate; export it as CSV with OMGUI, and read the export",
                path=source,
            )
        what = f"all of its {blocks:,} blocks are damaged" if blocks else "it ends before its first block"
        raise HarkenError(f"the .cwa file is damaged: {what}. Copy it from the watch again", path=source)
    return Blocks(blocks, np.concatenate(rows), np.concatenate(starts), spare)


def _whole(start: NDArray[np.void], content: UInt8Array) -> BoolArray:
    """Which blocks are intact, bool ``[blocks]``: the 16-bit words of an intact block have the sum 0."""
    words = content.view("<u2").reshape(len(start), BLOCK_BYTES // 2)
    whole = (start["mark"] == MARK) & (start["length"] == LENGTH) & (words.sum(axis=1, dtype=np.uint16) == 0)
    capacity = np.zeros(256, np.int64)
    for form, size in BYTES_PER_SAMPLE.items():
        capacity[form] = SAMPLES_BYTES // size
    whole &= (start["samples"] > 0) & (start["samples"] <= capacity[start["form"]])
    return np.asarray(whole & (start["rate"] & 15 > 0) & _is_time(start["time"]))


def _time_parts(packed: NDArray[np.uint32]) -> Iterator[Int64Array]:
    """Years since 2000, month, day, hour, minute and second of packed times."""
    return (packed.astype(np.int64) >> shift & mask for shift, mask in TIME_PARTS)


def _is_time(packed: NDArray[np.uint32]) -> BoolArray:
    """Whether packed times are possible."""
    year, month, day, hour, minute, second = _time_parts(packed)
    days = DAYS[month] + ((month == 2) & (year % 4 == 0))
    return np.asarray((day > 0) & (day <= days) & (hour < 24) & (minute < 60) & (second < 60))


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a ``.cwa``."""
    return head.startswith(FILE_MARK)


def read_header(head: bytes) -> tuple[str, float, str, str]:
    """Parse the first 1,024 bytes of a file, which have no checksum.

    Returns:
        A sentence on the watch, its rate in Hz, the wearer, and where it was worn. The last two are empty if they are
        missing.
    """
    upper = int.from_bytes(head[11:13], "little")
    device = int.from_bytes(head[5:7], "little") | (0 if upper == 0xFFFF else upper) << 16
    session = int.from_bytes(head[7:11], "little")
    annotations = parse_qs(head[ANNOTATION].decode("latin-1").strip(FILLER), errors="replace")
    return (
        f"Axivity {'AX6' if head[4] == AX6 else 'AX3'} {device}, firmware {head[41]}, session {session}, "
        f"range ±{16 >> (head[36] >> 6):g} g.",
        3200 / 2 ** (15 - (head[36] & 15)),
        _printable(annotations.get(SUBJECT, [""])[0]),
        _printable(annotations.get(SITE, [""])[0]),
    )


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()


WITH_MAGNETOMETER = 9
BLOCKS_LOOKED_AT = 100
FIRST_BYTE = 30
PACKED = 0x30
BLOCKS_READ_AT_ONCE = 4_000
BLOCKS_IN_CACHE = 250
"""The intermediate arrays for this number of blocks fit in the processor's cache."""
SECOND_NS = 10**9
LONGEST_STRETCH_NS = SECOND_NS
"""After a longer gap, a block begins at its own time."""
MONTHS_TO_2000 = 360


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
        self._plain = plain_file(self, path, looks_like_header, "an Axivity .cwa file")
        with self._plain.open("rb") as file:
            self._watch, self._rate_hz, subject, site = read_header(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"))
        self._blocks = find_blocks(self._plain, path)
        super().__init__(
            path,
            options,
            channels=(*ACCELERATION, *(ROTATION if self._blocks.has_rotation else ()), "temperature"),
            quality=Quality(
                make=Make.AXIVITY,
                sensor_range_g=float(16 >> (int(self._blocks.start["rate"].min()) >> 6)),  # the largest of all blocks
                stated_rate_hz=float(self._blocks.header_rates_hz[0]),
            ),
            subject=subject,
            worn_on=site,
        )
        self.capacity = int(self._blocks.samples.sum())
        self.unusable = self._interchanged() if self._blocks.has_rotation else []

    def local_samples(self) -> Iterator[LocalSamples]:
        """See ``DeviceSource``.

        Raises:
            HarkenError: when the file changed after its blocks were read.
        """
        return self._read(0, len(self._blocks.rows))

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        blocks = self._blocks
        lasting_s = float(np.diff(blocks.spans_ns[0])[blocks.follows].sum()) / 1e9
        # The true rate is computed from blocks that directly follow one another.
        rate_hz = float(blocks.samples[:-1][blocks.follows].sum()) / lasting_s if lasting_s > 0 else 0.0
        set_rates = " and ".join(f"{rate:g}" for rate in np.unique(blocks.header_rates_hz))
        damaged = blocks.found - len(blocks.rows)
        sessions = 1 + int(blocks.new_session.sum())
        jumps = np.diff(blocks.start["sequence"].astype(np.int64)) > 1
        missing = int((jumps & (np.diff(blocks.rows) == 1) & ~blocks.new_session).sum())
        seconds = sum(end - start for start, end in self.unusable) / float(blocks.header_rates_hz[0])
        notes = {
            self._watch: True,
            f"The watch was set to {set_rates} Hz; according to its clock, it recorded at {rate_hz:.5g} Hz.": (
                blocks.follows.any()
            ),
            f"{damaged:,} of {blocks.found:,} blocks of the file are damaged and were left out; "
            "there are gaps in their place.": damaged,
            "The file is incomplete: it ends in the middle of a block, which was left out.": blocks.spare_bytes,
            f"The file contains {sessions} sessions, with gaps between them.": sessions > 1,
            f"The block numbers jump in {missing:,} place{'s' * (missing > 1)}: blocks are missing in the file.": (
                missing
            ),
            "Only some of the blocks contain rotation, so rotation was left out.": (
                not blocks.has_rotation and (blocks.axes > 3).any()
            ),
            "The file contains values of a magnetometer, which were not read.": (
                (blocks.axes == WITH_MAGNETOMETER).any()
            ),
            f"The file's header states {self._rate_hz:g} Hz, which differs from its blocks.": (
                self._rate_hz not in blocks.header_rates_hz
            ),
            f"In the first {seconds:.3g} s, acceleration and rotation are exchanged, as gravity shows; "
            "these samples are marked.": self.unusable,
        }
        return said(notes)

    def _interchanged(self) -> list[tuple[int, int]]:
        """Ranges of samples at the beginnings of sessions in which gravity is in the gyroscope's channels and not in
        the accelerometer's.

        This was observed with firmware 53 and 54, in both available recordings, for 1 s and for 10 s. The number of
        samples is chosen so that the evidence is largest: gravity in the gyroscope's channels before it, and in the
        accelerometer's after it.
        """
        blocks = self._blocks
        firsts = [0, *(np.flatnonzero(blocks.new_session) + 1).tolist(), len(blocks.rows)]
        ranges = []
        for first, last in pairwise(firsts):
            last = min(last, first + BLOCKS_LOOKED_AT)
            signals = np.concatenate([signals for _, signals in self._read(first, last)])
            ends = np.cumsum(blocks.samples[first:last])
            of_blocks = zip(np.split(signals, ends[:-1]), blocks.start["scales"][first:last].tolist(), strict=True)
            if count := pieces_without_gravity([_score(some, scales) for some, scales in of_blocks]):
                start = int(blocks.samples[:first].sum())
                ranges.append((start, start + int(ends[count - 1])))
        return ranges

    def _read(self, first: int, last: int) -> Iterator[LocalSamples]:
        """Read the samples of the intact blocks ``first`` to ``last`` (exclusive), in g, rad/s and °C, a few thousand
        blocks at a time and in the file's order."""
        rows = self._blocks.rows[first:last]
        with self._plain.open("rb") as file:
            file.seek(HEADER_BYTES + int(rows[0]) * BLOCK_BYTES)
            for begin in range(int(rows[0]), int(rows[-1]) + 1, BLOCKS_READ_AT_ONCE):
                end = min(begin + BLOCKS_READ_AT_ONCE, int(rows[-1]) + 1)
                content = np.fromfile(file, np.uint8, (end - begin) * BLOCK_BYTES)
                if len(content) < (end - begin) * BLOCK_BYTES:
                    raise HarkenError("the file became shorter while it was read", path=self._path)
                here = slice(*np.searchsorted(rows, (begin, end)).tolist())
                some = slice(first + here.start, first + here.stop)
                if some.start < some.stop:
                    content = content.reshape(-1, BLOCK_BYTES)[rows[here] - begin]
                    yield _samples_of(self._blocks, some, content, len(self.channels))


def _score(signals: Float32Array, scales: int) -> float:
    """How much further a block's signals ``[samples, channels]`` are from 1 g as recorded than with interchanged
    sensors, in doublings."""
    counts_per_g = 2.0 ** (8 + (scales >> 13))
    radians_per_count = math.radians(8000 / 2 ** (scales >> 10 & 7)) / 2**15
    as_stored = np.median(np.linalg.norm(signals[:, :3], axis=1))
    in_counts = np.median(np.linalg.norm(signals[:, 3:6], axis=1)) / radians_per_count
    away, away_otherwise = (
        abs(math.log2(max(float(length), SMALLEST_G))) for length in (as_stored, in_counts / counts_per_g)
    )
    return away - away_otherwise


def _samples_of(blocks: Blocks, some: slice, content: UInt8Array, channels: int) -> LocalSamples:
    """The times and signals of ``some`` of the blocks, whose bytes are ``content``."""
    start, counts = blocks.start[some], blocks.samples[some]
    time_ns = np.empty(counts.sum(), np.int64)
    signals = np.empty((counts.sum(), channels), np.float32)
    starts_ns, ends_ns = (edges[some, np.newaxis] for edges in blocks.spans_ns)
    celsius = (start["temperature"] & 1023) * np.float32(75 / 256) - np.float32(50)
    scales = start["scales"] >> 10  # the lower bits are the light sensor
    same_form = np.diff(start["form"]) == 0
    alike = same_form & (np.diff(counts) == 0) & (np.diff(scales) == 0)
    edges = np.union1d(np.flatnonzero(~alike) + 1, [*range(0, len(counts), BLOCKS_IN_CACHE), len(counts)])
    done = 0
    for first, last in pairwise(edges.tolist()):
        form = int(start["form"][first])
        count = int(counts[first])
        rows = slice(done, done + (last - first) * count)
        values = signals[rows].reshape(last - first, count, signals.shape[1])
        times = time_ns[rows].reshape(last - first, count)
        data = content[first:last, FIRST_BYTE : FIRST_BYTE + count * BYTES_PER_SAMPLE[form]]
        _unpacked(np.ascontiguousarray(data), form, int(scales[first]), values)
        values[..., -1] = celsius[first:last, np.newaxis]
        late = (ends_ns[first:last] - starts_ns[first:last]) / count * np.arange(count)
        times[:] = np.rint(late, out=late)
        times += starts_ns[first:last]
        done = rows.stop
    return time_ns, signals


def _unpacked(data: UInt8Array, form: int, scales: int, values: Float32Array) -> None:
    """Write the values of blocks of one format and scale into ``values [blocks, samples, channels]``, by channel."""
    per_g = 8 + (scales >> 3)  # exponent of the counts per g, base 2
    if form == PACKED:
        words = data.view("<u4")
        # Powers of two as floats, built from the bits of each sample's exponent.
        size = ((words >> 30) + np.uint32(127 - per_g) << 23).view(np.float32)
        for axis in range(3):
            counts = (words << np.uint32(22 - 10 * axis)).view(np.int32) >> 22  # sign extension
            np.multiply(counts.astype(np.float32), size, out=values[..., axis])
        return
    axes = form >> 4
    counts = data.view("<i2").reshape(*values.shape[:2], axes)
    first = 0 if axes == len(ACCELERATION) else len(ROTATION)
    for axis in range(3):
        np.multiply(counts[..., first + axis].astype(np.float32), np.float32(2.0**-per_g), out=values[..., axis])
    if values.shape[2] > len(ACCELERATION) + 1:
        per_count = np.float32(math.radians(8000 / 2 ** (scales & 7)) / 2**15)
        for axis in range(3):
            np.multiply(counts[..., axis].astype(np.float32), per_count, out=values[..., 3 + axis])


def _wall_clock_ns(packed: NDArray[np.uint32]) -> Int64Array:
    """Convert packed times to ns since 1970."""
    year, month, day, hour, minute, second = _time_parts(packed)
    months = (MONTHS_TO_2000 + 12 * year + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return np.asarray((86_400 * days + 3600 * hour + 60 * minute + second) * SECOND_NS)
