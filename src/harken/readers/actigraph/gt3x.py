"""A ``.gt3x`` file -> a Recording."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.actigraph.archive import Archive, opened_archive
from harken.readers.actigraph.found import NS_PER_S, Found, seconds_text
from harken.readers.actigraph.info import INFO, Info, Metadata, parse_info
from harken.readers.actigraph.old_log import OLD_LOG, from_old_log
from harken.readers.actigraph.packet_log import LOG, from_packet_log
from harken.readers.actigraph.zone import recording_in_zone
from harken.readers.device import DeviceSamples
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = [
    "about_watch",
    "in_its_zone",
    "info_of",
    "limb_of",
    "looks_like_gt3x",
    "read_gt3x",
    "samples_outside",
    "subject_of",
]

ZIP = b"PK\x03\x04"
CALIBRATION = "calibration.json"
MOST_INFO_BYTES = 1 << 16
DAY_NS = 86_400 * NS_PER_S


def looks_like_gt3x(path: Path, head: bytes) -> bool:
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


def read_gt3x(path: Path, options: TableOptions) -> Recording:
    """Read an ActiGraph ``.gt3x`` file as it was found.

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
        info = info_of(path, archive)
        found = from_packet_log(path, archive, info) if LOG in archive else from_old_log(path, archive, info)
    return _recording(path, options, info, found)


def info_of(path: Path, archive: Archive) -> Info:
    """What an archive says of itself.

    Raises:
        HarkenError: when it holds no recording, or one that is not calibrated.
    """
    if INFO not in archive or not (LOG in archive or OLD_LOG in archive):
        raise HarkenError(f"{path}: there is no {INFO if INFO not in archive else LOG} in it; is it a .gt3x file?")
    info = parse_info(archive.text(INFO, MOST_INFO_BYTES))
    _refuse_uncalibrated(path, archive)
    return info


def about_watch(info: Info, *, rate_hz: float, scale: float, notes: list[str], outside: int) -> list[str]:
    """The watch in a sentence, the ``notes`` of its log, and what there is to say about ``outside`` samples."""
    words = [f"{info['Device Type'] or 'device'} {info['Serial Number']}".strip()]
    words += [f"firmware {info['Firmware']}"] if info["Firmware"] else []
    words += [f"worn on: {info['Limb'].lower()}"] if info["Limb"] else []
    told = [f"ActiGraph {', '.join(words)}; {rate_hz:g} Hz, {scale:g} steps in a g.", *notes]
    if outside:
        told.append(
            f"{seconds_text(outside / rate_hz)} lie more than a day before the start or after the end that {INFO} "
            "gives; was the watch's clock reset?"
        )
    return told


def subject_of(info: Info, metadata: Metadata) -> str:
    """The subject's name, unless it is just the watch's serial number."""
    serial = info["Serial Number"]
    return next((name for name in (info["Subject Name"], metadata.subject) if name and name != serial), "")


def limb_of(info: Info, metadata: Metadata) -> str:
    """Where the watch was worn, in the words of the file; empty where it does not say it."""
    return info["Limb"] or metadata.limb


def in_its_zone(path: Path, samples: DeviceSamples, options: TableOptions, info: Info, metadata: Metadata) -> Recording:
    """Build a recording as found, see ``recording_in_zone``."""
    offset_s = info.offset_s if metadata.offset_s is None else metadata.offset_s
    return recording_in_zone(path, samples, options, offset_s=offset_s, in_utc=metadata.in_utc)


def _recording(path: Path, options: TableOptions, info: Info, found: Found) -> Recording:
    outside = samples_outside(found.local_ns, info)
    notes = about_watch(info, rate_hz=found.rate_hz, scale=found.scale, notes=found.notes, outside=outside)
    signals = np.empty((len(found.local_ns), 3), dtype=np.float32)
    done = 0
    while found.values:  # one piece after another is let go, so that both forms are never there at once
        piece = found.values.pop(0)
        np.divide(piece, np.float32(found.scale), out=signals[done : done + len(piece)])
        done += len(piece)
    samples = DeviceSamples(
        local_ns=found.local_ns,
        signals=signals,
        channels=("x", "y", "z"),
        range_g=info.range_g,
        subject=subject_of(info, found.metadata),
        notes=notes,
        unusable=found.held,
        stated_rate_hz=found.stated_rate_hz,
        worn_on=limb_of(info, found.metadata),
    )
    return in_its_zone(path, samples, options, info, found.metadata)


def samples_outside(time_ns: NDArray[np.int64], info: Info) -> int:
    """How many samples lie more than a day outside of what info.txt says about start and end."""
    start = info.time_ns("Start Date")
    end = max((info.time_ns(key) or 0 for key in ("Last Sample Time", "Stop Date", "Download Date")), default=0)
    if start is None or end < start:
        return 0
    return int(((time_ns < start - DAY_NS) | (time_ns > end + DAY_NS)).sum())


def _refuse_uncalibrated(path: Path, archive: Archive) -> None:
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
