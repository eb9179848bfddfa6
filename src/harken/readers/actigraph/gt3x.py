"""A ``.gt3x`` file: an archive with a log of either age -> a ``Source``."""

import json
from pathlib import Path

from harken.readers.actigraph.archive import Gt3xArchive, opened_archive
from harken.readers.actigraph.info import INFO, Info, parse_info
from harken.readers.actigraph.old_log import OLD_LOG, OldLogSource
from harken.readers.actigraph.packet_log import LOG, PacketLogSource
from harken.readers.actigraph.source import ActigraphSource
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["open_source", "recognises"]

ZIP = b"PK\x03\x04"
CALIBRATION = "calibration.json"
MOST_INFO_BYTES = 1 << 16


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a ``.gt3x``: a zip archive with ``info.txt`` and a log in it, else by its name.

    Args:
        path: the file. Its table of contents is looked at when it is a zip archive.
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

    Both kinds of packets are read (12 bits packed, and 16 bits) and the GT3X+'s old log without packets. Every packet
    is a second, with its own time and checksum; packets that are damaged are left out and counted in a note.

    **Idle sleep mode.** After ten still seconds (nothing beyond +-40 mg) such a watch may sleep until it is moved; as
    ActiGraph documents it, "the last sampled accelerometer value" then stands for what it would have measured. A log
    of packets holds *nothing* for that time: only ActiLife's exports repeat the value. Here these seconds stay gaps,
    and a note says how long they were: nothing was measured, and no window spans a gap. In the old log the repeated
    values are part of the file; they are kept and marked as not ``valid``.

    **Time.** The watch's clock was set to somebody's wall clock, or (CentrePoint, Study Admin) to UTC, and knows of no
    daylight saving. ``options.timezone`` counts most; else the distance from UTC that the file gives (then the
    recording's zone is a fixed one such as ``Etc/GMT+4``, four hours *behind* UTC); else the clock is taken as UTC.
    All of it is in the notes. Of seconds that the clock showed twice, the first stay.

    Args:
        path: the file.
        options: of which ``timezone``, ``subject`` and ``sample_rate_hz`` count; the others describe tables.

    Returns:
        Channels ``x, y, z`` in g, not rounded. The subject is ``options.subject``, else the subject's name in the
        file, unless it is just the watch's serial number (which ActiLife puts there when nobody gives a name), else
        the file's stem. ``quality.sensor_range_g`` is the range that the file gives.

    Raises:
        HarkenError: for an archive that is damaged or absurdly large, and where there is no acceleration, rate or
            scale in it.
    """
    with opened_archive(path) as archive:
        info = _info_of(path, archive)
        return (PacketLogSource if LOG in archive else OldLogSource)(path, options, info, archive)


def _info_of(path: Path, archive: Gt3xArchive) -> Info:
    """What an archive says of itself.

    Raises:
        HarkenError: when it holds no recording, or one that is not calibrated.
    """
    if INFO not in archive or not (LOG in archive or OLD_LOG in archive):
        raise HarkenError(f"{path}: there is no {INFO if INFO not in archive else LOG} in it; is it a .gt3x file?")
    info = parse_info(archive.text(INFO, MOST_INFO_BYTES))
    _refuse_uncalibrated(path, archive)
    return info


def _refuse_uncalibrated(path: Path, archive: Gt3xArchive) -> None:
    """Raise a HarkenError for values that only ActiGraph's own software knows how to scale."""
    if CALIBRATION not in archive:
        return
    try:
        calibration = json.loads(archive.text(CALIBRATION, MOST_INFO_BYTES))
    except (ValueError, RecursionError):
        return
    if isinstance(calibration, dict) and calibration.get("isCalibrated") is False:
        raise HarkenError(
            f"{path}: its values are not calibrated (a CentrePoint Insight Watch leaves that to ActiGraph's software), "
            "so harken cannot read them in g; export them as CSV with CentrePoint or ActiLife"
        )
