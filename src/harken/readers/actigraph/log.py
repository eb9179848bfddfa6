"""The content of a ``log.bin``: seconds of acceleration, metadata, parameters, and periods of sleep mode."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harken.readers.actigraph.info import Metadata, parameters_from, parse_metadata
from harken.readers.actigraph.packets import (
    Packets,
    find_packets,
    samples_of_12_bits,
    samples_of_16_bits,
    whole_samples_of_12_bits,
    whole_samples_of_16_bits,
)
from harken.support.errors import HarkenError

__all__ = ["ACTIVITY_3", "IMU", "Activity", "Log", "read_log", "refuse_absurd_length"]

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
UNPACKED = {ACTIVITY: samples_of_12_bits, ACTIVITY_2: samples_of_16_bits}


class Activity(NamedTuple):
    """Some seconds of acceleration: ``values`` int16 ``[samples, 3]``, x, y, z; and the start and the number of samples
    of each packet, int64 ``[packets]``."""

    values: NDArray[np.int16]
    seconds: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass
class Log:
    """The content of a ``log.bin``, as far as it was read, except for the acceleration.

    Attributes:
        seconds: the start of each packet of acceleration, int64 pieces, in seconds since 1970 by the watch's clock.
        counts: the number of samples in each of them, int64 pieces.
        latest: the latest of these seconds; -1 before the first.
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

    seconds: list[NDArray[np.int64]] = field(default_factory=list)
    counts: list[NDArray[np.int64]] = field(default_factory=list)
    latest: int = -1
    again: int = 0
    asleep: list[NDArray[np.int64]] = field(default_factory=list)
    docked: list[NDArray[np.int64]] = field(default_factory=list)
    kinds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    parameters: dict[tuple[int, int], int] = field(default_factory=dict)
    remarks: list[bytes] = field(default_factory=list)
    unusable: int = 0
    lost_bytes: int = 0
    lost_places: int = 0
    samples: int = 0

    @property
    def metadata(self) -> Metadata:
        """The content of the JSON packets."""
        return parse_metadata(self.remarks)


def read_log(path: Path, pieces: Iterable[bytes], log: Log) -> Iterator[Activity]:
    """The acceleration of a ``log.bin`` that is given in pieces, in the file's order. Only one piece is in memory at a
    time.

    If several packets begin with the same second, the first is used.

    Args:
        path: the file, for error messages.
        pieces: the bytes of the log, in pieces.
        log: the rest of the content is added to it, 16 bytes per second of recording.

    Raises:
        HarkenError: when the log has more samples than possible.
    """
    rest = np.empty(0, dtype=np.uint8)
    joined = True
    for piece in pieces:
        data = np.concatenate([rest, np.frombuffer(piece, dtype=np.uint8)])
        packets = find_packets(data, joined=joined, final=False)
        yield from _take(path, log, data, packets)
        rest, joined = data[packets.consumed :], packets.joined
    yield from _take(path, log, rest, find_packets(rest, joined=joined, final=True))


def refuse_absurd_length(path: Path, samples: int) -> None:
    """Raise a HarkenError for more samples than the battery of any ActiGraph allows."""
    if samples > MOST_SAMPLES:
        raise HarkenError(
            f"{path}: it unpacks to more than {MOST_SAMPLES / 1e6:,.0f} million samples, which is longer "
            "than the battery of any ActiGraph lasts; harken does not read it"
        )


def _take(path: Path, log: Log, data: NDArray[np.uint8], packets: Packets) -> Iterator[Activity]:
    log.lost_bytes += packets.lost_bytes
    log.lost_places += packets.lost_places
    log.kinds += np.bincount(packets.types, minlength=256)
    for packet in np.flatnonzero((packets.types == METADATA) | (packets.types == PARAMETERS))[:MOST_REMARKS]:
        payload = data[packets.payloads[packet] :][: packets.sizes[packet]].tobytes()
        if packets.types[packet] == PARAMETERS:
            if len(log.parameters) < MOST_REMARKS:
                log.parameters |= parameters_from(payload)
        elif len(log.remarks) < MOST_REMARKS:
            log.remarks.append(payload)
    events = (packets.types == EVENT) & (packets.sizes == 1)
    log.asleep.append(packets.seconds[events][data[packets.payloads[events]] == ASLEEP])
    activity = np.isin(packets.types, (ACTIVITY, ACTIVITY_2))
    log.docked.append(packets.seconds[activity & (packets.sizes == 1)])
    found = _activity(path, log, data, packets, np.flatnonzero(activity & (packets.sizes > 1)))
    if found is None:
        return
    first = _first_of_each_second(found.seconds, log)
    if not first.all():
        log.again += int((~first).sum())
        found = Activity(found.values[np.repeat(first, found.counts)], found.seconds[first], found.counts[first])
    log.seconds.append(found.seconds)
    log.counts.append(found.counts)
    yield found


def _first_of_each_second(seconds: NDArray[np.int64], log: Log) -> NDArray[np.bool_]:
    """Which packets are the first of their second, bool ``[packets]``, including packets that were read before."""
    first = np.zeros(len(seconds), dtype=bool)
    first[np.unique(seconds, return_index=True)[1]] = True
    least, most = int(seconds.min()), int(seconds.max())
    if least <= log.latest:  # only if the clock was set back
        for before in log.seconds:
            if len(before) and before.min() <= most and before.max() >= least:
                first &= ~np.isin(seconds, before)
    log.latest = max(log.latest, most)
    return first


def _activity(
    path: Path, log: Log, data: NDArray[np.uint8], packets: Packets, chosen: NDArray[np.int64]
) -> Activity | None:
    """Unpack the chosen packets. Packets of one kind and length, usually all packets, are unpacked together."""
    types, sizes = packets.types[chosen], packets.sizes[chosen]
    counts = np.where(types == ACTIVITY, whole_samples_of_12_bits(sizes), whole_samples_of_16_bits(sizes))
    usable = (counts > 0) & (counts <= MOST_IN_A_SECOND)
    log.unusable += int((~usable).sum())
    chosen, types, sizes, counts = chosen[usable], types[usable], sizes[usable], counts[usable]
    log.samples += int(counts.sum())
    refuse_absurd_length(path, log.samples)
    if not len(chosen):
        return None
    ends = np.cumsum(counts)
    values = np.empty((ends[-1], 3), dtype=np.int16)
    for alike in _alike(types.astype(np.int64) << 16 | sizes):
        packed = sliding_window_view(data, int(sizes[alike[0]]))[packets.payloads[chosen[alike]]]
        unpacked = UNPACKED[int(types[alike[0]])](packed)
        if len(alike) == len(chosen):
            values = unpacked.reshape(-1, 3)
        else:
            rows = (ends - counts)[alike][:, np.newaxis] + np.arange(unpacked.shape[1])
            values[rows] = unpacked
    return Activity(values, packets.seconds[chosen], counts)


def _alike(keys: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The indices of each distinct key, ascending."""
    if (keys == keys[0]).all():
        return [np.arange(len(keys))]
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
