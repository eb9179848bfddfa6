"""Search for the packets of a ``log.bin`` by separator, length and checksum, and unpacking of their samples to int16
``[..., samples, 3]`` in the order x, y, z. Both are vectorised."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Packets",
    "find_packets",
    "samples_of_12_bits",
    "samples_of_16_bits",
    "whole_samples_of_12_bits",
    "whole_samples_of_16_bits",
]

SEPARATOR = 0x1E
HEADER_BYTES = 8
"""Separator, type, four bytes of seconds, two bytes of length; little-endian."""
LONGEST_PACKET = HEADER_BYTES + 0xFFFF + 1
FEW_ZEROS = 16
"""According to ActiGraph's documentation, there may be a few zeros between packets. They are ignored."""
CHECKED = 0xFF
"""The XOR of all bytes of a packet. The checksum is the complement of the XOR of the other bytes."""
Size = TypeVar("Size", int, NDArray[np.int64])


@dataclass(frozen=True)
class Packets:
    """The packets in a piece of a file, in their order; arrays are ``[packets]``.

    Attributes:
        payloads: the first byte of each payload, int64.
        sizes: the number of bytes in each payload, int64.
        types: the kind of each packet, uint8.
        seconds: each packet's time in seconds since 1970 by the watch's clock, int64.
        consumed: the number of bytes that were processed; the rest must be put before the next piece.
        joined: whether a packet ended exactly there, so that the next piece begins with a packet.
        lost_bytes: the number of processed bytes that belong to no packet and are not a few zeros.
        lost_places: the number of places with lost bytes.
    """

    payloads: NDArray[np.int64]
    sizes: NDArray[np.int64]
    types: NDArray[np.uint8]
    seconds: NDArray[np.int64]
    consumed: int
    joined: bool
    lost_bytes: int
    lost_places: int


def find_packets(data: NDArray[np.uint8], *, joined: bool, final: bool) -> Packets:
    """Find the packets in ``data`` (uint8 ``[n]``).

    A packet is accepted if its checksum is right and it is followed by a separator, by zeros and a separator, or by the
    end of the file. The second condition is needed because the checksum has only one byte: without it, one damaged
    packet in 256 would be accepted. If two packets overlap, the first is used.

    Args:
        data: a piece of the file, with the rest of the previous piece before it.
        joined: whether the piece begins at the end of a packet or at the beginning of the file.
        final: whether it is the last piece. If not, bytes near its end are left for the next piece, so that the result
            does not depend on the division into pieces.
    """
    n = len(data)
    starts, ends = _checked(data)
    accepted = _followed(data, ends, final=final)
    limit = n if final else max(0, n - 2 * LONGEST_PACKET)
    accepted &= starts < limit
    starts, ends = _first_of_overlapping(starts[accepted], ends[accepted])

    last = int(ends[-1]) if len(ends) else 0
    consumed = max(limit, last)
    lost_bytes, lost_places = _lost(data, starts, ends, consumed, joined=joined)
    return Packets(
        payloads=starts + HEADER_BYTES,
        sizes=ends - starts - HEADER_BYTES - 1,
        types=data[starts + 1],
        seconds=_little_endian(data, starts + 2, 4),
        consumed=consumed,
        joined=last == consumed and (joined or last > 0),
        lost_bytes=lost_bytes,
        lost_places=lost_places,
    )


def _checked(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The starts and the ends of all candidates: they have a separator, fit in the data, and have the right
    checksum."""
    n = len(data)
    starts = np.flatnonzero(data[: max(0, n - HEADER_BYTES)] == SEPARATOR)
    ends = starts + HEADER_BYTES + _little_endian(data, starts + 6, 2) + 1
    fits = ends <= n
    starts, ends = starts[fits], ends[fits]
    # The XOR of a range is the XOR of two cumulative values, so the time does not depend on the candidates' lengths.
    parity = np.zeros(n + 1, dtype=np.uint8)
    np.bitwise_xor.accumulate(data, out=parity[1:])
    right = parity[ends] ^ parity[starts] == CHECKED
    return starts[right], ends[right]


def _followed(data: NDArray[np.uint8], ends: NDArray[np.int64], *, final: bool) -> NDArray[np.bool_]:
    """Which of the ends are followed by a separator, by zeros and a separator, or by the end of the file."""
    padded = np.concatenate([data, np.full(FEW_ZEROS, SEPARATOR if final else 0, dtype=np.uint8)])
    after = padded[ends]
    followed: NDArray[np.bool_] = after == SEPARATOR
    zeros = np.flatnonzero(after == 0)
    stretches = padded[ends[zeros, np.newaxis] + np.arange(FEW_ZEROS)]
    first = stretches[np.arange(len(zeros)), (stretches != 0).argmax(axis=1)]
    followed[zeros] = (first == SEPARATOR) | (first == 0)  # more zeros than that are no packet's inside either
    return followed


def _little_endian(data: NDArray[np.uint8], places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The unsigned numbers of ``size`` bytes at each of the places."""
    numbers = np.zeros(len(places), dtype=np.int64)
    for byte in range(size):
        numbers |= data[places + byte].astype(np.int64) << 8 * byte
    return numbers


def _first_of_overlapping(
    starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From the left, keep each packet that begins after the end of the last packet that was kept."""
    following = np.searchsorted(starts, ends)
    kept = np.ones(len(starts), dtype=bool)
    done = 0
    for candidate in np.flatnonzero(following > np.arange(1, len(starts) + 1)):  # rare: only overlapping candidates
        if candidate >= done:
            done = int(following[candidate])
            kept[candidate + 1 : done] = False
    return starts[kept], ends[kept]


def _lost(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], consumed: int, *, joined: bool
) -> tuple[int, int]:
    """The number of bytes between packets, and of places with such bytes. A few zeros are documented and not
    counted."""
    begin = np.concatenate([[0], ends])
    end = np.concatenate([starts, [consumed]])
    between = end > begin
    begin, end = begin[between], end[between]
    if not len(begin):
        return 0, 0
    something = np.flatnonzero(data[:consumed])
    damaged = np.searchsorted(something, end) > np.searchsorted(something, begin)
    goes_on = not joined and bool(damaged[0]) and begin[0] == 0
    return int((end - begin)[damaged].sum()), int(damaged.sum()) - goes_on


def whole_samples_of_12_bits(size: Size) -> Size:
    """The number of whole samples of 36 bits in ``size`` bytes."""
    return size * 8 // 36


def whole_samples_of_16_bits(size: Size) -> Size:
    """The number of whole samples of 48 bits in ``size`` bytes."""
    return size // 6


def samples_of_12_bits(packed: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Unpack rows of bytes ``[rows, size]`` to int16 ``[rows, samples, 3]``. Samples are ``y, x, z`` of 12 bits each,
    big-endian, two's complement, from the first bit of a row. Remaining bits are ignored."""
    rows, size = packed.shape
    samples = whole_samples_of_12_bits(size)
    if size % 3:
        packed = np.pad(packed, ((0, 0), (0, 3 - size % 3)))
    first, second, third = (packed[:, place::3] for place in range(3))
    # Three bytes contain two values. Each is put into the upper 12 bits of 16, and shifted down with its sign.
    values = np.empty((*first.shape, 2), dtype=np.int16)
    values[..., 0] = (first.astype(np.int16) << 8 | second) >> 4
    values[..., 1] = (second.astype(np.int16) << 12 | third.astype(np.int16) << 4) >> 4
    return values.reshape(rows, -1)[:, : 3 * samples].reshape(rows, samples, 3)[..., [1, 0, 2]]


def samples_of_16_bits(packed: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Unpack rows of bytes ``[rows, size]`` to int16 ``[rows, samples, 3]``. Samples are ``x, y, z`` of 16 bits each,
    little-endian. Remaining bytes are ignored."""
    samples = whole_samples_of_16_bits(packed.shape[1])
    whole = np.ascontiguousarray(packed[:, : 6 * samples])
    return whole.view("<i2").astype(np.int16, copy=False).reshape(len(packed), samples, 3)
