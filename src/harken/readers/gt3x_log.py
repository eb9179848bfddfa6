"""Metadata of a ``.gt3x`` file and the packets of its ``log.bin``."""

import json
import math
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harken.readers.device import values_of_12_bits
from harken.support.arrays import BoolArray, Int16Array, Int64Array, UInt8Array
from harken.support.errors import HarkenError

INFO = "info.txt"
TICKS_OF_1970 = 621_355_968_000_000_000
NS_PER_TICK = 100
LATEST_TICKS = TICKS_OF_1970 + 200 * 31_557_600 * 10**7  # the year 2170
OFFSET = re.compile(r"([+-]?)(\d{1,2}):(\d{2})(?::\d{2})?")

WIDEST_RANGE_G = 64

ACCEL_SCALE = (0, 55)
SAMPLE_RATE = (1, 10)
"""The address space and the identifier of the parameters used here."""
DOCUMENTED_SCALES = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0}
"""Counts per g by the beginning of the serial number, for files without a scale. Source: ActiGraph's documentation."""
RANGES_G = {"NEO": 6.0, "CLE": 6.0, "MRA": 6.0, "MOS": 8.0, "TAS": 8.0}
"""The ranges of these devices. Source: ActiGraph's documentation, and files of a Link."""


class Info(dict[str, str]):
    """The lines of ``info.txt`` by their keys in lower case; empty for other keys."""

    def __getitem__(self, key: str) -> str:
        return self.get(key.lower(), "")

    def number(self, key: str) -> float | None:
        """The number in a line, with a decimal point or, in some files, a decimal comma."""
        try:
            value = float(self[key].replace(",", "."))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def time_ns(self, key: str) -> int | None:
        """The .NET ticks in a line, converted to ns since 1970 by the watch's clock; None if they are missing or 0."""
        digits = self[key]
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            return None
        ticks = int(digits)
        return (ticks - TICKS_OF_1970) * NS_PER_TICK if TICKS_OF_1970 < ticks <= LATEST_TICKS else None

    @property
    def offset_s(self) -> int | None:
        """The clock's offset from UTC in seconds, positive east of Greenwich."""
        return _offset(self["TimeZone"])

    @property
    def documented_scale(self) -> float | None:
        """Counts per g of this kind of device, according to ActiGraph's documentation."""
        return DOCUMENTED_SCALES.get(self["Serial Number"][:3].upper())

    @property
    def range_g(self) -> float | None:
        """The sensor's range in g: from the file, else by the kind of device."""
        stated_g = self.number("Acceleration Max")
        return stated_g if stated_g and 1 <= stated_g <= WIDEST_RANGE_G else range_of(self["Serial Number"])


def range_of(serial_number: str) -> float | None:
    """The range of a device in g, by its serial number."""
    return RANGES_G.get(serial_number[:3].upper())


def parse_metadata(payloads: Iterable[bytes]) -> dict[str, Any]:
    """Parse the metadata packets of a log: the fields ``subject``, ``limb``, ``offset_s`` and ``in_utc`` of
    ``LogFacts``. Packets that are not JSON are ignored."""
    by_type: dict[str, dict[str, Any]] = {}
    for payload in payloads:
        try:
            packet = json.loads(payload)
        except (ValueError, RecursionError):
            continue
        if isinstance(packet, dict):
            by_type.setdefault(str(packet.get("MetadataType")), packet)
    bio, local, subject = (by_type.get(name, {}) for name in ("Bio", "LocalTimeLog", "SubjectTimeLog"))
    offset_s = _offset(str(subject.get("UtcOffset", "")))
    return {
        "subject": str(bio.get("SubjectName") or "").strip(),
        "limb": str(bio.get("Limb") or "").strip(),
        "offset_s": _offset(str(local.get("UtcOffset", ""))) if offset_s is None else offset_s,
        "in_utc": local.get("UsedUtc") is True,
    }


def parameters_from(payload: bytes) -> dict[tuple[int, int], int]:
    """The pairs of a parameters packet: (address space, identifier) -> 32 bits."""
    pairs = struct.iter_unpack("<HHI", payload[: len(payload) // 8 * 8])
    return {(space, key): value for space, key, value in pairs}


def encoded_float(bits: int) -> float:
    """A floating-point parameter: three bytes of fraction, one byte of exponent, both in two's complement."""
    fraction = (bits & 0xFFFFFF) - (1 << 24) * (bits >> 23 & 1)
    exponent = (bits >> 24) - (1 << 8) * (bits >> 31)
    return math.ldexp(fraction, exponent - 23)


def _offset(text: str) -> int | None:
    offset = OFFSET.fullmatch(text.strip())
    if offset is None:
        return None
    seconds = int(offset[2]) * 3600 + int(offset[3]) * 60
    return -seconds if offset[1] == "-" else seconds


ACTIVITY, EVENT, METADATA, PARAMETERS, IMU, ACTIVITY_2, ACTIVITY_3 = 0, 3, 6, 21, 25, 26, 27
"""The kinds of packets that are read. An activity packet with a payload of one byte has no samples: the watch was
docked."""
ASLEEP = 8
"""The payload of the event at the start of sleep mode."""
MOST_IN_A_SECOND = 512
"""No ActiGraph is faster than 256 Hz."""
MOST_SAMPLES = 1 << 28
"""A month at 100 Hz, or three at 30 Hz: longer than the battery of any ActiGraph lasts."""
MOST_REMARKS = 1_000
"""The limit on metadata and parameter packets, which normally occur once at the beginning of a log."""
SEPARATOR = 0x1E
HEADER_BYTES = 8
"""Separator, type, four bytes of seconds, two bytes of length; little-endian."""
LONGEST_PACKET = HEADER_BYTES + 0xFFFF + 1
FEW_ZEROS = 16
"""According to ActiGraph's documentation, there may be a few zeros between packets. They are ignored."""
CHECKED = 0xFF
"""The XOR of all bytes of a packet. The checksum is the complement of the XOR of the other bytes."""
BITS_OF_12, BYTES_OF_16_BITS = 36, 6
"""The sizes of a sample of three axes: of 12 bits each, in bits, and of 16 bits each, in bytes."""


class Packets(NamedTuple):
    """The packets in a piece of a file, in their order; arrays are ``[packets]``.

    ``payloads`` int64, the first byte of each payload; ``sizes`` int64, the number of bytes in it; ``types`` uint8, the
    kind of each packet; ``seconds`` int64, its time in seconds since 1970 by the watch's clock.
    """

    payloads: Int64Array
    sizes: Int64Array
    types: UInt8Array
    seconds: Int64Array


def _checked(data: UInt8Array) -> tuple[Int64Array, Int64Array]:
    """The starts and the ends of all candidates: they have a separator, fit in the data, and have the right
    checksum."""
    n = len(data)
    starts = np.flatnonzero(data[: max(0, n - HEADER_BYTES)] == SEPARATOR)
    ends = starts + HEADER_BYTES + _little_endian(data, starts + 6, 2) + 1
    fits = ends <= n
    starts, ends = starts[fits], ends[fits]
    # The XOR of a range is the XOR of two cumulative values, so the time does not depend on the candidates' lengths.
    parity = np.zeros(n + 1, np.uint8)
    np.bitwise_xor.accumulate(data, out=parity[1:])
    right = parity[ends] ^ parity[starts] == CHECKED
    return starts[right], ends[right]


def _followed(data: UInt8Array, ends: Int64Array, *, final: bool) -> BoolArray:
    """Which of the ends are followed by a separator, by zeros and a separator, or by the end of the file."""
    padded = np.concatenate([data, np.full(FEW_ZEROS, SEPARATOR if final else 0, np.uint8)])
    after = padded[ends]
    followed: BoolArray = after == SEPARATOR
    zeros = np.flatnonzero(after == 0)
    stretches = padded[ends[zeros, np.newaxis] + np.arange(FEW_ZEROS)]
    first = stretches[np.arange(len(zeros)), (stretches != 0).argmax(axis=1)]
    followed[zeros] = (first == SEPARATOR) | (first == 0)  # more zeros than that are no packet's inside either
    return followed


def _little_endian(data: UInt8Array, places: Int64Array, size: int) -> Int64Array:
    """The unsigned numbers of ``size`` bytes at each of the places."""
    numbers = np.zeros(len(places), np.int64)
    for byte in range(size):
        numbers |= data[places + byte].astype(np.int64) << 8 * byte
    return numbers


def _first_of_overlapping(starts: Int64Array, ends: Int64Array) -> tuple[Int64Array, Int64Array]:
    """From the left, keep each packet that begins after the end of the last packet that was kept."""
    following = np.searchsorted(starts, ends)
    kept = np.ones(len(starts), bool)
    done = 0
    for candidate in np.flatnonzero(following > np.arange(1, len(starts) + 1)):  # rare: only overlapping candidates
        if candidate >= done:
            done = int(following[candidate])
            kept[candidate + 1 : done] = False
    return starts[kept], ends[kept]


def samples_of_12_bits(packed: UInt8Array) -> Int16Array:
    """Unpack rows of bytes ``[rows, size]`` to int16 ``[rows, samples, 3]``. Samples are ``y, x, z`` of 12 bits each,
    big-endian, two's complement, from the first bit of a row. Remaining bits are ignored."""
    rows, size = packed.shape
    samples = 8 * size // BITS_OF_12
    if size % 3:
        packed = np.pad(packed, ((0, 0), (0, 3 - size % 3)))
    return values_of_12_bits(packed)[:, : 3 * samples].reshape(rows, samples, 3)[..., [1, 0, 2]]


def samples_of_16_bits(packed: UInt8Array) -> Int16Array:
    """Unpack rows of bytes ``[rows, size]`` to int16 ``[rows, samples, 3]``. Samples are ``x, y, z`` of 16 bits each,
    little-endian. Remaining bytes are ignored."""
    samples = packed.shape[1] // BYTES_OF_16_BITS
    whole = np.ascontiguousarray(packed[:, : BYTES_OF_16_BITS * samples])
    return whole.view("<i2").astype(np.int16, copy=False).reshape(len(packed), samples, 3)


UNPACKED = {ACTIVITY: samples_of_12_bits, ACTIVITY_2: samples_of_16_bits}
"""Unpacks the samples of each kind of activity packet."""


class Activity(NamedTuple):
    """Some seconds of acceleration: ``values`` int16 ``[samples, 3]``, x, y, z; and the start and the number of samples
    of each packet, int64 ``[packets]``."""

    values: Int16Array
    seconds: Int64Array
    counts: Int64Array


class Log:
    """The content of a ``log.bin``, as far as it was read, except for the acceleration.

    Attributes:
        seconds: the start of each packet of acceleration, int64 pieces, in seconds since 1970 by the watch's clock.
        counts: the number of samples in each of them, int64 pieces.
        again: packets of acceleration that were left out because an earlier packet began with the same second.
        asleep: the starts of sleep mode, in the same seconds; int64 pieces.
        docked: the times at which it was put into its dock or on a cable; int64 pieces.
        kinds: the number of packets of each type.
        parameters: (address space, identifier) -> 32 bits.
        remarks: the JSON packets.
        unusable: packets of acceleration whose length is impossible for a second of samples.
        lost_bytes, lost_places: the numbers of bytes, and of places in the file, that belong to no complete packet.
        samples: the number of samples in all packets of acceleration.
    """

    def __init__(self) -> None:
        self.seconds, self.counts, self.asleep, self.docked = (list[Int64Array]() for _ in range(4))
        self.kinds = np.zeros(256, np.int64)
        self.parameters: dict[tuple[int, int], int] = {}
        self.remarks: list[bytes] = []
        self.again = self.unusable = self.samples = self.lost_bytes = self.lost_places = 0
        self._latest = -1  # of the seconds
        self._joined = True  # whether the last piece ended with a packet

    def read(self, path: Path, pieces: Iterable[bytes]) -> Iterator[Activity]:
        """The acceleration of a ``log.bin`` that is given in pieces, in the file's order. Only one piece is in memory
        at a time; of the other content, 16 bytes per second of recording are kept.

        If several packets begin with the same second, the first is used.

        Args:
            path: the file, for error messages.
            pieces: the bytes of the log, in pieces.

        Raises:
            HarkenError: when the log has more samples than possible.
        """
        data = np.empty(0, np.uint8)
        for piece in pieces:
            data = np.concatenate([data, np.frombuffer(piece, np.uint8)])
            packets, processed = self.packets(data, final=False)
            yield from self._take(path, data, packets)
            data = data[processed:]
        yield from self._take(path, data, self.packets(data, final=True)[0])

    def packets(self, data: UInt8Array, *, final: bool) -> tuple[Packets, int]:
        """The packets in ``data`` (uint8 ``[n]``), and the number of bytes that were processed.

        A packet is accepted if its checksum is right and it is followed by a separator, by zeros and a separator, or
        by the end of the file. The second condition is needed because the checksum has only one byte: without it, one
        damaged packet in 256 would be accepted. If two packets overlap, the first is used.

        Args:
            data: a piece of the file, with the rest of the previous piece before it.
            final: whether it is the last piece. If not, bytes near its end are left for the next piece, so that the
                result does not depend on the division into pieces.
        """
        starts, ends = _checked(data)
        limit = len(data) if final else max(0, len(data) - 2 * LONGEST_PACKET)
        accepted = _followed(data, ends, final=final) & (starts < limit)
        starts, ends = _first_of_overlapping(starts[accepted], ends[accepted])
        last = int(ends[-1]) if len(ends) else 0
        processed = max(limit, last)
        self._count_lost(data[:processed], starts, ends)
        self._joined = last == processed and (self._joined or last > 0)
        seconds = _little_endian(data, starts + 2, 4)
        return Packets(starts + HEADER_BYTES, ends - starts - HEADER_BYTES - 1, data[starts + 1], seconds), processed

    def _count_lost(self, data: UInt8Array, starts: Int64Array, ends: Int64Array) -> None:
        """Count the bytes between packets, and places with such bytes. A few zeros are documented and not counted."""
        begin = np.concatenate([[0], ends])
        end = np.concatenate([starts, [len(data)]])
        between = end > begin
        begin, end = begin[between], end[between]
        if len(begin):
            something = np.flatnonzero(data)
            damaged = np.searchsorted(something, end) > np.searchsorted(something, begin)
            goes_on = not self._joined and bool(damaged[0]) and begin[0] == 0
            self.lost_bytes += int((end - begin)[damaged].sum())
            self.lost_places += int(damaged.sum()) - goes_on

    def _take(self, path: Path, data: UInt8Array, packets: Packets) -> Iterator[Activity]:
        self.kinds += np.bincount(packets.types, minlength=256)
        for packet in np.flatnonzero((packets.types == METADATA) | (packets.types == PARAMETERS))[:MOST_REMARKS]:
            payload = data[packets.payloads[packet] :][: packets.sizes[packet]].tobytes()
            if packets.types[packet] == PARAMETERS:
                if len(self.parameters) < MOST_REMARKS:
                    self.parameters |= parameters_from(payload)
            elif len(self.remarks) < MOST_REMARKS:
                self.remarks.append(payload)
        events = (packets.types == EVENT) & (packets.sizes == 1)
        self.asleep.append(packets.seconds[events][data[packets.payloads[events]] == ASLEEP])
        activity = np.isin(packets.types, (ACTIVITY, ACTIVITY_2))
        self.docked.append(packets.seconds[activity & (packets.sizes == 1)])
        measured = self._activity(path, data, packets, np.flatnonzero(activity & (packets.sizes > 1)))
        if measured is None:
            return
        first = self._first_of_each_second(measured.seconds)
        if not first.all():
            self.again += int((~first).sum())
            measured = Activity(
                measured.values[np.repeat(first, measured.counts)], measured.seconds[first], measured.counts[first]
            )
        if first.any():
            self.seconds.append(measured.seconds)
            self.counts.append(measured.counts)
            yield measured

    def _first_of_each_second(self, seconds: Int64Array) -> BoolArray:
        """Which packets are the first of their second, bool ``[packets]``, including packets that were read before."""
        first = np.zeros(len(seconds), bool)
        first[np.unique(seconds, return_index=True)[1]] = True
        if seconds.min() <= self._latest:  # only if the clock was set back
            first &= ~np.isin(seconds, np.concatenate(self.seconds))
        self._latest = max(self._latest, int(seconds.max()))
        return first

    def _activity(self, path: Path, data: UInt8Array, packets: Packets, chosen: Int64Array) -> Activity | None:
        """Unpack the chosen packets. Packets of one kind and length, usually all packets, are unpacked together."""
        types, sizes = packets.types[chosen], packets.sizes[chosen]
        counts = np.where(types == ACTIVITY, 8 * sizes // BITS_OF_12, sizes // BYTES_OF_16_BITS)
        usable = (counts > 0) & (counts <= MOST_IN_A_SECOND)
        self.unusable += int((~usable).sum())
        chosen, types, sizes, counts = chosen[usable], types[usable], sizes[usable], counts[usable]
        self.samples += int(counts.sum())
        if self.samples > MOST_SAMPLES:
            raise HarkenError(
                f"it unpacks to more than {MOST_SAMPLES / 1e6:,.0f} million samples, which is longer "
                "than the battery of any ActiGraph lasts; harken does not read it",
                path=path,
            )
        if not len(chosen):
            return None
        ends = np.cumsum(counts)
        kinds = types.astype(np.int64) << 16 | sizes
        values = np.empty((ends[-1], 3), np.int16)
        for kind in np.unique(kinds):
            alike = np.flatnonzero(kinds == kind)
            packed = sliding_window_view(data, int(sizes[alike[0]]))[packets.payloads[chosen[alike]]]
            unpacked = UNPACKED[int(types[alike[0]])](packed)
            if len(alike) == len(chosen):
                values = unpacked.reshape(-1, 3)
            else:
                values[(ends - counts)[alike][:, np.newaxis] + np.arange(unpacked.shape[1])] = unpacked
        return Activity(values, packets.seconds[chosen], counts)
