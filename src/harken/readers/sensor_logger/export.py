"""What a Sensor Logger export holds: a folder or a zip archive with a CSV file a sensor, or one of these by itself."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harken.readers.archive import is_zip, member_paths
from harken.readers.blocks import opened
from harken.readers.exports import first_look
from harken.readers.layout import SNIFFED_BYTES, UTF8_MARK
from harken.support.errors import HarkenError

__all__ = ["PHONE", "WATCH", "Export", "find_export", "recognises", "sensor_of"]

WATCH = ("WristMotion", "WatchAccelerometerUncalibrated")
PHONE = ("TotalAcceleration", "Accelerometer", "AccelerometerUncalibrated")
"""Files with acceleration, those of a wrist first and in each group the best first."""
NEVER_EXPORTED = (".cwa", ".gt3x", ".bin", ".parquet")
"""Endings of research watches' files and of Parquet, which no export of the app holds."""
BESIDE = ("Gravity", "Metadata")
OTHER_AXES = re.compile(r"Gravity|Headphone|(Watch)?(Gyroscope|Magnetometer|\w*Orientation)(Uncalibrated)?")
"""Files that have columns x, y and z, or acceleration, and not that of a wrist."""
FIRST_COLUMNS = ["time", "seconds_elapsed"]
LAST_WORD = re.compile(r"(?:^|[^A-Za-z])([A-Za-z]+)$")
MOST_SHOWN = 5


@dataclass(frozen=True)
class Export:
    """``files`` by the sensor whose name they bear; the empty name is that of a file that somebody renamed."""

    root: Path
    files: dict[str, Path]

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The first row of ``Metadata.csv`` by the names above it; empty where there is none or it is damaged."""
        path = self.files.get("Metadata")
        if path is None:
            return {}
        with opened(path) as file:
            text = file.read(SNIFFED_BYTES).removeprefix(UTF8_MARK).decode("utf-8", errors="replace")
        try:
            names, values = list(csv.reader(text.splitlines()))[:2]
        except (csv.Error, ValueError):
            return {}
        return {name.strip(): value.strip() for name, value in zip(names, values, strict=False)}

    @property
    def platform(self) -> str:
        """``ios``, ``android``, or nothing where nobody says."""
        return self.metadata.get("platform", "").lower()

    @property
    def standardised(self) -> bool:
        """Whether the app was told to write an iPhone's and an Apple Watch's samples as Android does."""
        return self.metadata.get("standardisation", "").lower() == "true"

    @property
    def app_version(self) -> tuple[int, ...]:
        """The app's version, such as 1, 63; empty where nobody says."""
        return tuple(int(part) for part in re.findall(r"\d+", self.metadata.get("appVersion", ""))[:3])


def recognises(path: Path, head: bytes) -> bool:
    """Whether a folder, or a file that begins with ``head``, was exported by Sensor Logger.

    A folder has no ``head``; its files with acceleration are looked into, as are an archive's. One that holds files of
    research watches or Parquet as well is no export but a drawer, in which an export's file may lie.
    """
    if not path.is_dir() and not is_zip(head):
        return _begins_so(path, head)
    try:
        candidates = _children(path)
        if any(file.name.lower().removesuffix(".gz").endswith(NEVER_EXPORTED) for file in candidates):
            return False
        accelerations = [file for file in candidates if sensor_of(file) in WATCH + PHONE]
        for file in accelerations[:MOST_SHOWN]:
            with opened(file) as content:
                if _begins_so(file, content.read(SNIFFED_BYTES)):
                    return True
    except HarkenError:
        return False
    return False


def find_export(path: Path) -> Export:
    """The files of the one recording that lies at ``path``: a folder, an archive, or a file of an export.

    Beside a single file, the export's ``Metadata.csv`` and ``Gravity.csv`` are looked for.

    Raises:
        HarkenError: when the archive is damaged, or there are several recordings, or none.
    """
    if not path.is_dir():
        with path.open("rb") as start:
            if not is_zip(start.read(4)):
                return _single(path)
    recordings: dict[Path, dict[str, Path]] = {}
    for file in _children(path):
        files = recordings.setdefault(file.parent, {})
        sensor = sensor_of(file)
        if sensor in files:
            raise HarkenError(f"{path}: has several files of {sensor}, so of several recordings; name one of the files")
        if sensor in WATCH + PHONE + BESIDE:
            files[sensor] = file
    recordings = {folder: files for folder, files in recordings.items() if set(files) & set(WATCH + PHONE)}
    if len(recordings) > 1:
        names = [folder.relative_to(path).as_posix() for folder in recordings]
        shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
        raise HarkenError(f"{path}: holds {len(names)} recordings ({shown}); unpack it and name one of the folders")
    if not recordings:
        raise HarkenError(f"{path}: has none of Sensor Logger's files with acceleration: {', '.join(WATCH + PHONE)}")
    return Export(path, next(iter(recordings.values())))


def sensor_of(path: Path) -> str:
    """The sensor that a file is named after, as ``ann_WristMotion.csv``; nothing where it is no CSV file's name."""
    name = path.name.removesuffix(".gz")
    word = LAST_WORD.search(name.removesuffix(".csv"))
    return word[1] if word and name.endswith(".csv") else ""


def _single(path: Path) -> Export:
    sensor = sensor_of(path)
    if OTHER_AXES.fullmatch(sensor):
        raise HarkenError(
            f"{path}: holds {sensor} and not the acceleration of a wrist; name the export's folder instead"
        )
    if sensor not in WATCH + PHONE:
        return Export(path, {"": path})
    beside = {other: path.with_name(path.name.replace(sensor, other)) for other in BESIDE}
    return Export(path, {sensor: path} | {other: file for other, file in beside.items() if file.is_file()})


def _children(path: Path) -> Iterable[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else member_paths(path)


def _begins_so(path: Path, head: bytes) -> bool:
    layout = first_look(path, head)
    return layout is not None and layout.header is not None and layout.header[:2] == FIRST_COLUMNS
