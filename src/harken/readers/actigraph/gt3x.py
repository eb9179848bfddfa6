"""Reader of ``.gt3x`` files: archives with a log of packets, or with the log of a GT3X+ before firmware 3."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harken.readers.actigraph.archive import Gt3xArchive, opened_archive
from harken.readers.actigraph.info import INFO, Info, Metadata, parse_info
from harken.readers.actigraph.log import (
    MOST_IN_A_SECOND,
    refuse_absurd_length,
    samples_of_12_bits,
    whole_samples_of_12_bits,
)
from harken.readers.actigraph.packet_log import LOG, PacketLogSource
from harken.readers.actigraph.repeats import RepeatedValues
from harken.readers.actigraph.source import ActigraphSource, Readings, seconds_text
from harken.readers.clock import numbered_ns
from harken.readers.options import TableOptions
from harken.recordings.source import Room
from harken.support.errors import HarkenError

ZIP = b"PK\x03\x04"
CALIBRATION = "calibration.json"
MOST_INFO_BYTES = 1 << 16
OLD_LOG = "activity.bin"
"""The log of a GT3X+ before firmware 3: samples without packets."""
MOST_BYTES = 1 << 28
"""The largest old log. The documented maximum is 237.5 MB. A watch that lies still repeats one value, so the packed
size may be very small."""
PIECE_BYTES = 9 << 19
"""A multiple of nine bytes, because nine bytes are two whole samples."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a ``.gt3x``: a zip archive with ``info.txt`` and a log in it, else by its name.

    Args:
        path: the file. If it is a zip archive, its table of contents is read.
        head: its first bytes.
    """
    if path.suffix.lower() == ".gt3x":
        return True
    if not head.startswith(ZIP):
        return False
    try:
        with opened_archive(path) as archive:
            return INFO in archive and (LOG in archive or OLD_LOG in archive)
    except (HarkenError, OSError):
        return False


def open_source(path: Path, options: TableOptions) -> ActigraphSource:
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
    with opened_archive(path) as archive:
        info = _info_of(path, archive)
        return (PacketLogSource if LOG in archive else OldLogSource)(path, options, info, archive)


def _info_of(path: Path, archive: Gt3xArchive) -> Info:
    """The content of an archive's ``info.txt``.

    Raises:
        HarkenError: when the archive has no recording, or an uncalibrated one.
    """
    if INFO not in archive or not (LOG in archive or OLD_LOG in archive):
        raise HarkenError(f"{path}: it contains no {INFO if INFO not in archive else LOG}; is it a .gt3x file?")
    info = parse_info(archive.text(INFO, MOST_INFO_BYTES))
    _refuse_uncalibrated(path, archive)
    return info


def _refuse_uncalibrated(path: Path, archive: Gt3xArchive) -> None:
    """Raise a HarkenError for uncalibrated values, which only ActiGraph's own software can scale."""
    if CALIBRATION not in archive:
        return
    try:
        calibration = json.loads(archive.text(CALIBRATION, MOST_INFO_BYTES))
    except (ValueError, RecursionError):
        return
    if isinstance(calibration, dict) and calibration.get("isCalibrated") is False:
        raise HarkenError(
            f"{path}: its values are not calibrated (for a CentrePoint Insight Watch, only ActiGraph's "
            "software does this), so harken cannot convert them to g; export them as CSV with "
            "CentrePoint or ActiLife"
        )


class OldLogSource(ActigraphSource):
    """The samples of an ``activity.bin``.

    Raises:
        HarkenError: when it is far too large or empty, or start, rate or scale are unknown.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, archive: Gt3xArchive) -> None:
        size = archive.unpacked_bytes(OLD_LOG)
        if size > MOST_BYTES:
            raise HarkenError(
                f"{path}: its {OLD_LOG} unpacks to {size:,} bytes, which is too large for a recording; harken "
                "does not read it"
            )
        refuse_absurd_length(path, whole_samples_of_12_bits(size))
        start, rate = info.time_ns("Start Date"), info.number("Sample Rate")
        if start is None or rate is None or not 1 <= rate <= MOST_IN_A_SECOND:
            raise HarkenError(
                f"{path}: its {INFO} has no {'rate' if start else 'start'}, and its {OLD_LOG} never has one"
            )
        if whole_samples_of_12_bits(size) == 0:
            raise HarkenError(f"{path}: its {OLD_LOG} contains no acceleration")
        scale = info.documented_scale
        if scale is None:
            raise HarkenError(
                f"{path}: its log has the format of a GT3X+, but its serial number is {info['Serial Number']!r}"
            )
        super().__init__(path, options, info, Metadata(), rate)
        self._start_ns, self.rate_hz, self.scale = start, rate, scale
        self.capacity = whole_samples_of_12_bits(size)

    def readings(self, room: Room) -> Iterator[Readings]:
        """See ``ActigraphSource``."""
        repeats, done = RepeatedValues(self.rate_hz), 0
        with opened_archive(self._path) as archive:
            for piece in archive.pieces(OLD_LOG, PIECE_BYTES):
                values = samples_of_12_bits(np.frombuffer(piece, dtype=np.uint8)[np.newaxis])[0]
                repeats.push(values)
                local_ns, _ = room.next(len(values))
                np.add(self._start_ns, numbered_ns(done, len(values), self.rate_hz), out=local_ns)
                yield local_ns, values
                done += len(values)
        self.unusable = repeats.finish()

    def log_notes(self) -> list[str]:
        """See ``ActigraphSource``."""
        repeated = sum(end - begin for begin, end in self.unusable) / self.rate_hz
        note = (
            f"{seconds_text(repeated)} contain only repeated values, because the watch was in idle sleep "
            "mode. They are marked."
        )
        return [note] if self.unusable else []
