"""``log.bin`` -> the seconds of acceleration in it, its metadata and parameters, and where the watch slept."""

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
"""Kinds of packets that are looked at. Activity with a payload of one byte is no reading: the watch was docked."""
ASLEEP = 8
"""The payload of the event that a watch goes to sleep."""
MOST_IN_A_SECOND = 512
"""No ActiGraph is faster than 256 Hz."""
MOST_SAMPLES = 1 << 28
"""A month at 100 Hz, or three at 30 Hz: longer than the battery of any ActiGraph lasts."""
MOST_REMARKS = 1_000
"""Metadata and parameters stand once at the beginning of a log."""
UNPACKED = {ACTIVITY: samples_of_12_bits, ACTIVITY_2: samples_of_16_bits}


class Activity(NamedTuple):
    """Some seconds of acceleration: ``values`` int16 ``[samples, 3]``, x, y, z; when each packet began and how many
    samples it holds, int64 ``[packets]``."""

    values: NDArray[np.int16]
    seconds: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass
class Log:
    """What is in a ``log.bin`` as far as it was read, beside the acceleration itself.

    Attributes:
        seconds: when each packet of acceleration began, int64 pieces, in seconds since 1970 by the watch's clock.
        counts: how many samples each of them holds, int64 pieces.
        latest: the latest of these seconds; -1 before the first.
        again: packets of acceleration that were left out since another one before them began with the same second.
        asleep: when the watch went to sleep, in the same seconds; int64 pieces.
        docked: when it was put into its dock or on a cable; int64 pieces.
        kinds: how many packets there are of each type.
        parameters: (address space, identifier) -> 32 bits.
        remarks: the JSON packets.
        unusable: packets of acceleration whose length no second of samples has.
        lost_bytes, lost_places: what belongs to no whole packet.
        samples: of all packets of acceleration.
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
        """What the JSON packets say."""
        return parse_metadata(self.remarks)


def read_log(path: Path, pieces: Iterable[bytes], log: Log) -> Iterator[Activity]:
    """The acceleration of a ``log.bin`` that comes in pieces, in the file's order, in memory of one piece.

    Of the packets that begin with the same second, the first counts.

    Args:
        path: the file, for errors.
        pieces: the log.
        log: takes what else there is, 16 bytes a second.

    Raises:
        HarkenError: when it holds more samples than can be.
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
    """Raise a HarkenError for more samples than any ActiGraph's battery lasts for."""
    if samples > MOST_SAMPLES:
        raise HarkenError(
            f"{path}: unpacks to more than {MOST_SAMPLES / 1e6:,.0f} million samples, more than the battery of any "
            "ActiGraph lasts for; it is refused"
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
    """Which packets are the first of their second, ``[packets]``, also among those that were read before."""
    first = np.zeros(len(seconds), dtype=bool)
    first[np.unique(seconds, return_index=True)[1]] = True
    least, most = int(seconds.min()), int(seconds.max())
    if least <= log.latest:  # only where the clock was set back
        for before in log.seconds:
            if len(before) and before.min() <= most and before.max() >= least:
                first &= ~np.isin(seconds, before)
    log.latest = max(log.latest, most)
    return first


def _activity(
    path: Path, log: Log, data: NDArray[np.uint8], packets: Packets, chosen: NDArray[np.int64]
) -> Activity | None:
    """Unpack the chosen packets: all of one kind and length, which is nearly always all there are, at once."""
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
    """The places of each key, ascending."""
    if (keys == keys[0]).all():
        return [np.arange(len(keys))]
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
