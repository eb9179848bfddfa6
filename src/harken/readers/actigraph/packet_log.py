"""Reader of a ``log.bin`` of packets: rate, scale, times, and missing seconds with their reasons."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.actigraph.archive import Gt3xArchive, opened_archive
from harken.readers.actigraph.info import ACCEL_SCALE, INFO, SAMPLE_RATE, Info, Metadata, encoded_float
from harken.readers.actigraph.log import ACTIVITY_3, IMU, Log, read_log, whole_samples_of_12_bits
from harken.readers.actigraph.source import NS_PER_S, ActigraphSource, Readings, seconds_text
from harken.readers.clock import numbered_ns
from harken.readers.options import TableOptions
from harken.recordings.source import Room, SourceChangedError
from harken.support.errors import HarkenError

LOG = "log.bin"
HEAD_BYTES = 1 << 16
MOST_BYTES = 1 << 32
"""The largest memory of an ActiGraph, 4 GB."""
BOMB_BYTES, BOMB_RATIO = 1 << 24, 200
"""Packets with times and checksums cannot be compressed by this ratio; a zip bomb of zeros can."""
MOST_RATIO = 8
"""Logs of worn watches are compressed to a third of their size or more."""
PLAUSIBLE_SCALES = (16.0, float(1 << 15))
TURNED_DEVICE, TURNED_FIRMWARE = "MOS", "1.6.0"
"""A wGT3X-BT with this firmware has axes rotated by 90 degrees about z, according to ActiGraph's documentation."""


@dataclass(frozen=True)
class PacketFacts:
    """Facts in the packets of a log that apply to all of its samples.

    Attributes:
        rate_hz: samples per second.
        stated_rate_hz: the rate stated in the file; None if there is none.
        scale: sensor counts per g.
        metadata: the wearer and the clock, according to the log.
        notes: sentences for the user about rate and scale.
    """

    rate_hz: float
    stated_rate_hz: float | None
    scale: float
    metadata: Metadata
    notes: tuple[str, ...]


class PacketLogSource(ActigraphSource):
    """The samples of a ``log.bin``.

    The facts are taken from the beginning of the log, and compared with the whole log each time it was read.

    Raises:
        HarkenError: when the log is far too large, has no acceleration, or its scale is unknown.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, archive: Gt3xArchive) -> None:
        size = archive.unpacked_bytes(LOG)
        if size > MOST_BYTES or size > max(BOMB_BYTES, BOMB_RATIO * archive.packed_bytes(LOG)):
            raise HarkenError(
                f"{path}: its {LOG} unpacks to {size:,} bytes, which is too large for a recording; harken "
                "does not read it"
            )
        self._user_options, self._log = options, Log()
        self._most_samples = whole_samples_of_12_bits(min(size, MOST_RATIO * archive.packed_bytes(LOG)))
        try:
            facts = _facts_of(path, info, islice(archive.pieces(LOG, HEAD_BYTES), 1))
        except HarkenError:  # possibly the facts only come later in the log
            facts = _facts_of(path, info, archive.pieces(LOG))
        self._become(path, info, facts)

    def _become(self, path: Path, info: Info, facts: PacketFacts) -> None:
        super().__init__(path, self._user_options, info, facts.metadata, facts.stated_rate_hz)
        self._facts, self.rate_hz, self.scale = facts, facts.rate_hz, facts.scale
        self.capacity = self._most_samples

    def readings(self, room: Room) -> Iterator[Readings]:
        """See ``ActigraphSource``.

        Raises:
            SourceChangedError: when the facts in the whole log differ from those in its beginning.
        """
        log, turned = Log(), _turns_its_axes(self._info)
        with opened_archive(self._path) as archive:
            for values, seconds, counts in read_log(self._path, archive.pieces(LOG), log):
                local_ns, _ = room.next(len(values))
                _fill_times(seconds, counts, self.rate_hz, local_ns)
                yield local_ns, _turned_back(values) if turned else values
        facts = _facts(self._path, self._info, log)
        if facts != self._facts:
            self._become(self._path, self._info, facts)
            raise SourceChangedError
        self._log = log

    def log_notes(self) -> list[str]:
        """See ``ActigraphSource``."""
        log = self._log
        notes = list(self._facts.notes)
        if _turns_its_axes(self._info):
            notes.append("Firmware 1.6.0 of this watch rotates the axes by 90 degrees; this was corrected.")
        notes += _gaps(log)
        if log.again:
            notes.append(f"{seconds_text(log.again)} have times that occur earlier in the file and were left out.")
        if short := sum(int((counts < self.rate_hz).sum()) for counts in log.counts):
            notes.append(
                f"{seconds_text(short)} of the recording contain fewer samples than the rate; these samples "
                "begin at the start of their second."
            )
        if log.lost_bytes:
            notes.append(
                f"{log.lost_bytes:,} bytes in {log.lost_places:,} places of its {LOG} are damaged or "
                "incomplete packets; the samples in them are missing."
            )
        if log.unusable:
            notes.append(f"{log.unusable:,} packets of acceleration have an impossible length and were left out.")
        if log.kinds[IMU]:
            notes.append("The file also contains data of the watch's second sensor (IMU), which harken does not read.")
        return notes


def _facts_of(path: Path, info: Info, pieces: Iterable[bytes]) -> PacketFacts:
    """The facts in a log, or in its beginning. See ``_facts``."""
    log = Log()
    for _ in read_log(path, pieces, log):
        pass
    return _facts(path, info, log)


def _facts(path: Path, info: Info, log: Log) -> PacketFacts:
    """The facts in a log that was read.

    Raises:
        HarkenError: when the log has no acceleration, or its scale is unknown.
    """
    if not log.samples:
        other = "; it contains packets of a CentrePoint Insight Watch, which harken does not read"
        raise HarkenError(f"{path}: its {LOG} contains no acceleration" + (other if log.kinds[ACTIVITY_3] else ""))
    rate, of_rate = _rate(info, log)
    scale, of_scale = _scale(path, info, log)
    return PacketFacts(rate, _stated_rate(info, log) or None, scale, log.metadata, (*of_rate, *of_scale))


def _turns_its_axes(info: Info) -> bool:
    return info["Serial Number"].upper().startswith(TURNED_DEVICE) and info["Firmware"] == TURNED_FIRMWARE


def _turned_back(values: NDArray[np.int16]) -> NDArray[np.int16]:
    """Samples ``[n, 3]`` of a watch with rotated axes, in the axes of other watches."""
    return np.stack([values[:, 1], -values[:, 0], values[:, 2]], axis=1)


def _rate(info: Info, log: Log) -> tuple[float, list[str]]:
    """Samples per second, counted in the packets and compared with the stated rate; and notes."""
    counted = int(np.bincount(np.concatenate(log.counts)).argmax())
    stated_hz = _stated_rate(info, log)
    if stated_hz in (counted, 0):
        return float(counted), []
    return float(counted), [
        f"The file states {stated_hz:g} Hz, but its seconds contain {counted} samples each; this number was used."
    ]


def _stated_rate(info: Info, log: Log) -> float:
    """Samples per second, as stated in the file; 0 if there is no rate."""
    return info.number("Sample Rate") or float(log.parameters.get(SAMPLE_RATE, 0))


def _scale(path: Path, info: Info, log: Log) -> tuple[float, list[str]]:
    """Counts per g: from the log's parameters, else from info.txt, else by the kind of device; and notes."""
    parameter = encoded_float(log.parameters[ACCEL_SCALE]) if ACCEL_SCALE in log.parameters else None
    scales = {"parameters": parameter, INFO: info.number("Acceleration Scale"), "documents": info.documented_scale}
    lowest, highest = PLAUSIBLE_SCALES
    sound = {where: scale for where, scale in scales.items() if scale is not None and lowest <= scale <= highest}
    if not sound:
        raise HarkenError(f"{path}: the file has no scale (steps of the sensor per g), so it cannot be read")
    where, scale = next(iter(sound.items()))
    if where == "parameters" and sound.get(INFO, scale) != scale:
        return scale, [
            f"Its parameters state {scale:g} steps per g and its {INFO} states {sound[INFO]:g}; the "
            "parameters were used."
        ]
    return scale, []


def _fill_times(
    seconds: NDArray[np.int64], counts: NDArray[np.int64], rate_hz: float, time_ns: NDArray[np.int64]
) -> None:
    """Write times in ns into ``time_ns [samples]``. Each packet begins with its second. The samples of a packet with
    too many samples are spread over the second."""
    usual = int(rate_hz)
    if (counts == usual).all():
        np.add(seconds[:, np.newaxis] * NS_PER_S, numbered_ns(0, usual, usual), out=time_ns.reshape(-1, usual))
        return
    time_ns[:] = np.repeat(seconds * NS_PER_S, counts)
    within = np.arange(len(time_ns)) - np.repeat(np.cumsum(counts) - counts, counts)
    time_ns += np.rint(within * np.repeat(NS_PER_S / np.maximum(counts, usual), counts)).astype(np.int64)


def _gaps(log: Log) -> list[str]:
    """Notes on missing seconds: those in sleep mode, and others."""
    there = np.sort(np.concatenate(log.seconds))
    before = np.flatnonzero(np.diff(there) > 1)
    begin, end = there[before], there[before + 1]
    lengths = end - begin - 1
    asleep, docked = np.sort(np.concatenate(log.asleep)), np.sort(np.concatenate(log.docked))
    slept, in_dock = _within(begin, end, asleep), _within(begin, end, docked)
    kinds = {
        "the watch was in idle sleep mode, in which ActiLife's exports repeat the last value": slept,
        "the watch was in its dock": in_dock & ~slept,
        "reason unknown": ~slept & ~in_dock,
    }
    notes = [
        f"{int(kind.sum()):,} gap{'s' * (int(kind.sum()) > 1)}, {seconds_text(lengths[kind].sum())} in total: {why}."
        for why, kind in kinds.items()
        if kind.any()
    ]
    if len(asleep) and asleep[-1] >= there[-1]:
        notes.append("The watch was in idle sleep mode when the recording ended.")
    return notes


def _within(begin: NDArray[np.int64], end: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the periods, ends included, contain one of the sorted times."""
    return np.searchsorted(times, end, "right") > np.searchsorted(times, begin)
