"""Reader of ActiGraph's ``.gt3x`` files: archives with a log of packets, or with the log of a GT3X+ before firmware 3.

Each kind of log has a source. What they share is in their base class: units, the clock's time zone, and the watch.
"""

import json
import zipfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harken.readers.device import DeviceSource, LocalSamples, RepeatedValues, said
from harken.readers.gt3x_log import (
    ACCEL_SCALE,
    ACTIVITY_3,
    BITS_OF_12,
    IMU,
    INFO,
    MOST_IN_A_SECOND,
    SAMPLE_RATE,
    Info,
    Log,
    encoded_float,
    parse_metadata,
    samples_of_12_bits,
)
from harken.readers.options import TableOptions
from harken.readers.time_columns import numbered_ns
from harken.readers.unpacking import HEAD_BYTES, MOST_PACKED, is_zip, opened_archive, opened_member
from harken.recordings.mending import DAY_NS
from harken.recordings.recording import Make, Quality, local_time
from harken.recordings.source import SourceChangedError
from harken.support.arrays import BoolArray, Int16Array, Int64Array, numbered
from harken.support.errors import HarkenError
from harken.support.printable import duration_text

LOG = "log.bin"
OLD_LOG = "activity.bin"
"""The log of a GT3X+ before firmware 3: samples without packets."""
CALIBRATION = "calibration.json"
DAMAGE = "the .gt3x file, which is a zip archive, is damaged, cut short or encrypted ({}). Copy or download it again"
MOST_BYTES = {INFO: 1 << 16, CALIBRATION: 1 << 16, LOG: 1 << 32, OLD_LOG: 1 << 28}
"""The largest members. An ActiGraph has at most 4 GB of memory; the documented maximum of an old log is 237.5 MB. A
watch that lies still repeats one value, so an old log may be packed to a very small size."""
MOST_RATIO = 8
"""Logs of worn watches are compressed to a third of their size or more."""
PIECE_BYTES = 9 << 18
"""A multiple of nine bytes, because nine bytes are two whole samples of an old log."""
PLAUSIBLE_SCALES = (16.0, float(1 << 15))
TURNED_DEVICE, TURNED_FIRMWARE = "MOS", "1.6.0"
"""A wGT3X-BT with this firmware has axes rotated by 90 degrees about z, according to ActiGraph's documentation."""
NS_PER_S = 10**9

Readings = tuple[Int64Array, Int16Array]
"""Times of samples in ns by the watch's clock ``[n]``, and x, y, z in sensor counts ``[n, 3]``."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a ``.gt3x``: a zip archive with ``info.txt`` and a log in it, else by its name.

    Args:
        path: the file. If it is a zip archive, its table of contents is read.
        head: its first bytes.
    """
    if path.suffix.lower() == ".gt3x":
        return True
    if not is_zip(head):
        return False
    try:
        with opened_archive(path, DAMAGE) as archive:
            return INFO in archive.NameToInfo and not {LOG, OLD_LOG}.isdisjoint(archive.NameToInfo)
    except (HarkenError, OSError):
        return False


def open_source(path: Path, options: TableOptions) -> "Gt3xSource":
    """Open an ActiGraph ``.gt3x`` file.

    It reads both kinds of packets (12 bits packed, and 16 bits) and the GT3X+'s old log without packets. Each packet
    contains one second, with its own time and checksum. Damaged packets are left out and counted in a note.

    **Idle sleep mode.** After ten still seconds (within +-40 mg) the watch may sleep until it is moved. According to
    ActiGraph's documentation, "the last sampled accelerometer value" then replaces measurements. A log of packets has
    *no* samples for this time; only ActiLife's exports repeat the value. Here these seconds are gaps, because nothing
    was measured, and no window spans a gap. A note states their total length. In the old log the repeated values are
    part of the file; they are kept and marked as not ``valid``.

    **Time.** The watch's clock was set to local time, or to UTC (CentrePoint, Study Admin), and ignores daylight
    saving. ``options.timezone`` has priority. Without it, the offset from UTC in the file is used, and the recording's
    time zone is a fixed one such as ``Etc/GMT+4``, four hours *behind* UTC. Without both, the clock is taken as UTC.
    Notes state which of these applies. If the clock showed a second twice, the first samples are kept.

    Args:
        path: the file.
        options: only ``timezone``, ``subject`` and ``sample_rate_hz`` are used; the others are for tables.

    Returns:
        Channels ``x, y, z`` in g, not rounded. The subject is ``options.subject``, else the subject's name in the file,
        else the file's stem. A name that equals the watch's serial number is ignored, because ActiLife writes it if no
        name is given. ``quality.sensor_range_g`` is the range in the file.

    Raises:
        HarkenError: for an archive that is damaged or far too large, or that lacks acceleration, rate or scale.
    """
    with opened_archive(path, DAMAGE) as archive:
        names = archive.NameToInfo
        if INFO not in names or (LOG not in names and OLD_LOG not in names):
            raise HarkenError(f"it contains no {INFO if INFO not in names else LOG}; is it a .gt3x file?", path=path)
        for name, most in MOST_BYTES.items():
            if name in names and names[name].file_size > most:
                raise HarkenError(
                    f"its {name} unpacks to {names[name].file_size:,} bytes, which is too large for a "
                    "recording; the file is damaged",
                    path=path,
                )
        if CALIBRATION in names:
            _refuse_uncalibrated(path, _text(path, archive, CALIBRATION))
        pairs = (line.partition(":") for line in _text(path, archive, INFO).splitlines())
        info = Info({key.strip().lower(): value.strip() for key, colon, value in pairs if colon})
        return (PacketLogSource if LOG in names else OldLogSource)(path, options, info, archive)


def _refuse_uncalibrated(path: Path, text: str) -> None:
    """Raise a HarkenError for uncalibrated values, which only ActiGraph's own software can scale."""
    try:
        calibration = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(calibration, dict) and calibration.get("isCalibrated") is False:
        raise HarkenError(
            "its values are not calibrated (for a CentrePoint Insight Watch, only ActiGraph's "
            "software does this), so harken cannot convert them to g; export them as CSV with "
            "CentrePoint or ActiLife",
            path=path,
        )


def _text(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    """A small member of an archive as text. Bytes that are not UTF-8 are replaced."""
    return b"".join(_pieces(path, archive, name, MOST_BYTES[name])).decode("utf-8-sig", errors="replace")


def _pieces(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> Iterator[bytes]:
    """The bytes of a member, ``size`` at a time; only the last piece may be shorter.

    Raises:
        HarkenError: when the archive is damaged; the zip checksum is compared at the member's end.
    """
    with opened_member(archive, name, path, DAMAGE, most_packed=MOST_PACKED if name == LOG else None) as file:
        while piece := file.read(size):
            yield piece


class LogFacts(NamedTuple):
    """Facts about all samples of a log.

    Attributes:
        rate_hz: samples per second.
        stated_rate_hz: the rate stated in the file; None if there is none.
        scale: sensor counts per g.
        subject: the wearer, according to the log; empty if it is not stated.
        limb: where the watch was worn, according to the log; empty if it is not stated.
        offset_s: the clock's offset from UTC in seconds, according to the log; None if it is not stated.
        in_utc: whether the clock was set to UTC.
        notes: sentences for the user about rate and scale.
    """

    rate_hz: float
    stated_rate_hz: float | None
    scale: float
    subject: str = ""
    limb: str = ""
    offset_s: int | None = None
    in_utc: bool = False
    notes: tuple[str, ...] = ()


class Gt3xSource(DeviceSource):
    """The samples of a log.

    ``options.timezone`` has priority. Without it, the clock is assumed to have the offset from UTC that the file
    states, and the recording's time zone is the fixed zone of that offset, if there is one. Otherwise the clock is
    taken as UTC.

    Args:
        path: the file.
        options: the user's options.
        info: the content of ``info.txt``.
        facts: the facts about the log.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, facts: LogFacts) -> None:
        self._info, self._facts = info, facts
        self._user_zone = options.timezone
        self._offset_s = info.offset_s if facts.offset_s is None else facts.offset_s
        self._outside = 0
        zone = options.timezone or (None if self._offset_s is None else _fixed_zone(self._offset_s))
        names = (info["Subject Name"], facts.subject)
        super().__init__(
            path,
            replace(options, timezone="UTC" if facts.in_utc else zone),
            channels=("x", "y", "z"),
            quality=Quality(make=Make.ACTIGRAPH, sensor_range_g=info.range_g, stated_rate_hz=facts.stated_rate_hz),
            subject=next((name for name in names if name and name != info["Serial Number"]), ""),
            worn_on=info["Limb"] or facts.limb,
        )
        self.timezone = zone or "UTC"

    @abstractmethod
    def readings(self) -> Iterator[Readings]:
        """The samples from the beginning of the log. May be called several times."""

    @abstractmethod
    def log_notes(self) -> list[str]:
        """Notes on the log. Called after all samples were read."""

    def local_samples(self) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        outside = 0
        for local_ns, values in self.readings():
            outside += _samples_outside(local_ns, self._info)
            yield local_ns, np.divide(values, np.float32(self._facts.scale), dtype=np.float32)
        self._outside = outside

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        info = self._info
        words = [f"{info['Device Type'] or 'device'} {info['Serial Number']}".strip()]
        words += [f"firmware {info['Firmware']}"] if info["Firmware"] else []
        words += [f"worn on: {info['Limb'].lower()}"] if info["Limb"] else []
        notes = [f"ActiGraph {', '.join(words)}; {self._facts.rate_hz:g} Hz, {self._facts.scale:g} steps per g."]
        notes += self.log_notes()
        if self._outside:
            notes.append(
                f"{duration_text(self._outside / self._facts.rate_hz)} are more than a day before the start or after "
                f"the end in {INFO}; was the watch's clock reset?"
            )
        return notes + self._about_zone()

    def _about_zone(self) -> list[str]:
        if self._facts.in_utc:
            notes = ["According to the file, the watch's clock was set to UTC."]
            if self._offset_s is not None and self._user_zone is not None:
                shown = local_time(self._earliest_ns or 0, self._user_zone).utcoffset()
                if shown != timedelta(seconds=self._offset_s):
                    notes.append(
                        f"The file gives the wearer's zone as {_offset_text(self._offset_s)}; times are shown in "
                        f"{self._user_zone}, as requested."
                    )
            return notes
        if self._offset_s is None:
            return []
        advice = "" if self._user_zone else "; give the wearer's time zone with --timezone"
        notes = [f"According to the file, the watch's clock was set to {_offset_text(self._offset_s)}{advice}."]
        used_s = self.offset_ns // NS_PER_S
        if self._user_zone is not None and self._offset_s != used_s:
            notes.append(f"It was read as {_offset_text(used_s)}, the offset of {self._user_zone}, as requested.")
        return notes


def _samples_outside(time_ns: Int64Array, info: Info) -> int:
    """How many samples lie more than a day outside the start and end in info.txt."""
    start = info.time_ns("Start Date")
    end = max((info.time_ns(key) or 0 for key in ("Last Sample Time", "Stop Date", "Download Date")), default=0)
    if start is None or end < start:
        return 0
    least, most = start - DAY_NS, end + DAY_NS
    if time_ns.min() >= least and time_ns.max() <= most:
        return 0
    return int(((time_ns < least) | (time_ns > most)).sum())


def _offset_text(offset_s: int) -> str:
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"UTC{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"


def _fixed_zone(offset_s: int) -> str | None:
    """The IANA zone with this fixed offset from UTC. Such zones exist only for whole hours."""
    hours, rest = divmod(offset_s, 3600)
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"  # the zones in Etc have the opposite sign


class PacketLogSource(Gt3xSource):
    """The samples of a ``log.bin``.

    The facts are taken from the beginning of the log, and compared with the whole log each time it was read.

    Raises:
        HarkenError: when the log is far too large, has no acceleration, or its scale is unknown.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, archive: zipfile.ZipFile) -> None:
        member = archive.getinfo(LOG)
        self._user_options, self._log = options, Log()
        self._most_samples = 8 * min(member.file_size, MOST_RATIO * member.compress_size) // BITS_OF_12
        try:
            facts = _facts_of(path, info, islice(_pieces(path, archive, LOG, HEAD_BYTES), 1))
        except HarkenError:  # possibly the facts only come later in the log
            facts = _facts_of(path, info, _pieces(path, archive, LOG, PIECE_BYTES))
        self._become(path, info, facts)

    def _become(self, path: Path, info: Info, facts: LogFacts) -> None:
        super().__init__(path, self._user_options, info, facts)
        self.capacity = self._most_samples

    def readings(self) -> Iterator[Readings]:
        """See ``Gt3xSource``.

        Raises:
            SourceChangedError: when the facts in the whole log differ from those in its beginning.
        """
        log, turned = Log(), _turns_its_axes(self._info)
        with opened_archive(self._path, DAMAGE) as archive:
            for values, seconds, counts in log.read(self._path, _pieces(self._path, archive, LOG, PIECE_BYTES)):
                local_ns = _times_ns(seconds, counts, self._facts.rate_hz)
                yield local_ns, np.stack([values[:, 1], -values[:, 0], values[:, 2]], axis=1) if turned else values
        facts = _facts(self._path, self._info, log)
        if facts != self._facts:
            self._become(self._path, self._info, facts)
            raise SourceChangedError
        self._log = log

    def log_notes(self) -> list[str]:
        """See ``Gt3xSource``."""
        log = self._log
        short = sum(int((counts < self._facts.rate_hz).sum()) for counts in log.counts)
        notes = {
            "Firmware 1.6.0 of this watch rotates the axes by 90 degrees; this was corrected.": (
                _turns_its_axes(self._info)
            ),
            **dict.fromkeys(_gaps(log), True),
            f"{duration_text(log.again)} have times that occur earlier in the file and were left out.": log.again,
            f"{duration_text(short)} of the recording contain fewer samples than the rate; these samples "
            "begin at the start of their second.": short,
            f"{log.lost_bytes:,} bytes in {log.lost_places:,} places of its {LOG} are damaged or "
            "incomplete packets; the samples in them are missing.": log.lost_bytes,
            f"{log.unusable:,} packets of acceleration have an impossible length and were left out.": log.unusable,
            "The file also contains data of the watch's second sensor (IMU), which harken does not read.": (
                log.kinds[IMU]
            ),
        }
        return [*self._facts.notes, *said(notes)]


def _facts_of(path: Path, info: Info, pieces: Iterable[bytes]) -> LogFacts:
    """The facts in a log, or in its beginning. See ``_facts``."""
    log = Log()
    for _ in log.read(path, pieces):
        pass
    return _facts(path, info, log)


def _facts(path: Path, info: Info, log: Log) -> LogFacts:
    """The facts in a log that was read.

    Raises:
        HarkenError: when the log has no acceleration, or its scale is unknown.
    """
    if not log.samples:
        other = ""
        if log.kinds[ACTIVITY_3]:
            other = "; it contains packets of a CentrePoint Insight Watch, which harken does not read"
        raise HarkenError(f"its {LOG} contains no acceleration{other}", path=path)
    rate = int(np.bincount(np.concatenate(log.counts)).argmax())
    stated_hz = info.number("Sample Rate") or float(log.parameters.get(SAMPLE_RATE, 0))
    scale, notes = _scale(path, info, log)
    if stated_hz not in (rate, 0):
        states = f"The file states {stated_hz:g} Hz, but its seconds contain {rate} samples each; this number was used."
        notes = [states, *notes]
    return LogFacts(float(rate), stated_hz or None, scale, notes=tuple(notes), **parse_metadata(log.remarks))


def _turns_its_axes(info: Info) -> bool:
    return info["Serial Number"].upper().startswith(TURNED_DEVICE) and info["Firmware"] == TURNED_FIRMWARE


def _scale(path: Path, info: Info, log: Log) -> tuple[float, list[str]]:
    """Counts per g: from the log's parameters, else from info.txt, else by the kind of device; and notes."""
    parameter = encoded_float(log.parameters[ACCEL_SCALE]) if ACCEL_SCALE in log.parameters else None
    scales = {"parameters": parameter, INFO: info.number("Acceleration Scale"), "documents": info.documented_scale}
    lowest, highest = PLAUSIBLE_SCALES
    sound = {where: scale for where, scale in scales.items() if scale is not None and lowest <= scale <= highest}
    if not sound:
        raise HarkenError("the file has no scale (steps of the sensor per g), so it cannot be read", path=path)
    where, scale = next(iter(sound.items()))
    if where == "parameters" and sound.get(INFO, scale) != scale:
        return scale, [
            f"Its parameters state {scale:g} steps per g and its {INFO} states {sound[INFO]:g}; the "
            "parameters were used."
        ]
    return scale, []


def _times_ns(seconds: Int64Array, counts: Int64Array, rate_hz: float) -> Int64Array:
    """The times of samples ``[samples]``. Each packet begins with its second. The samples of a packet with too many
    samples are spread over the second."""
    packet, place = numbered(counts)
    late = place * (NS_PER_S / np.maximum(counts, rate_hz))[packet]
    return np.asarray(np.rint(late, out=late).astype(np.int64) + (seconds * NS_PER_S)[packet])


def _gaps(log: Log) -> list[str]:
    """Notes on missing seconds: those in sleep mode, and others."""
    there = np.sort(np.concatenate(log.seconds))
    before = np.flatnonzero(np.diff(there) > 1)
    begin, end = there[before], there[before + 1]
    lengths = end - begin - 1
    asleep = np.sort(np.concatenate(log.asleep))
    docked = np.sort(np.concatenate(log.docked))
    slept = _within(begin, end, asleep)
    in_dock = _within(begin, end, docked)
    kinds = {
        "the watch was in idle sleep mode, in which ActiLife's exports repeat the last value": slept,
        "the watch was in its dock": in_dock & ~slept,
        "reason unknown": ~slept & ~in_dock,
    }
    notes = [
        f"{int(kind.sum()):,} gap{'s' * (int(kind.sum()) > 1)}, {duration_text(lengths[kind].sum())} in total: {why}."
        for why, kind in kinds.items()
        if kind.any()
    ]
    if len(asleep) and asleep[-1] >= there[-1]:
        notes.append("The watch was in idle sleep mode when the recording ended.")
    return notes


def _within(begin: Int64Array, end: Int64Array, times: Int64Array) -> BoolArray:
    """Which of the periods, ends included, contain one of the sorted times."""
    return np.searchsorted(times, end, "right") > np.searchsorted(times, begin)


class OldLogSource(Gt3xSource):
    """The samples of an ``activity.bin``.

    Raises:
        HarkenError: when it is far too large or empty, or start, rate or scale are unknown.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, archive: zipfile.ZipFile) -> None:
        samples = 8 * archive.getinfo(OLD_LOG).file_size // BITS_OF_12
        start, rate, scale = info.time_ns("Start Date"), info.number("Sample Rate"), info.documented_scale
        if start is None or rate is None or not 1 <= rate <= MOST_IN_A_SECOND or scale is None or samples == 0:
            raise HarkenError(
                f"its {OLD_LOG} has {samples:,} samples, for which {INFO} must state the start (it states "
                f"{info['Start Date']!r}), the rate ({info['Sample Rate']!r}) and the serial number of a GT3X+ "
                f"({info['Serial Number']!r}); copy or download the file again",
                path=path,
            )
        super().__init__(path, options, info, LogFacts(rate, rate, scale))
        self._start_ns, self.capacity = start, samples

    def readings(self) -> Iterator[Readings]:
        """See ``Gt3xSource``."""
        rate_hz, done = self._facts.rate_hz, 0
        repeats = RepeatedValues(rate_hz)
        with opened_archive(self._path, DAMAGE) as archive:
            for piece in _pieces(self._path, archive, OLD_LOG, PIECE_BYTES):
                values = samples_of_12_bits(np.frombuffer(piece, np.uint8)[np.newaxis])[0]
                repeats.push(values)
                yield self._start_ns + numbered_ns(done, len(values), rate_hz), values
                done += len(values)
        self.unusable = repeats.finish()

    def log_notes(self) -> list[str]:
        """See ``Gt3xSource``."""
        repeated = sum(end - begin for begin, end in self.unusable) / self._facts.rate_hz
        note = (
            f"{duration_text(repeated)} contain only repeated values, because the watch was in idle sleep "
            "mode. They are marked."
        )
        return said({note: self.unusable})
