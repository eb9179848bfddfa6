"""Reader of exports of Sensor Logger (Kelvin Choi's app for iPhone, Android and their watches).

Source: the app's documentation (github.com/tszheichoi/awesome-sensor-logger: README, UNITS, COORDINATES and
CROSSPLATFORM). The reader was run on real files of an Apple Watch (``WristMotion``,
``WatchAccelerometerUncalibrated``) and on a real folder of an iPhone (``AccelerometerUncalibrated``). It was never run
on real files of Android, on a real ``TotalAcceleration`` or ``Gravity``, or on a real archive.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harken.readers.app_columns import NO_GRAVITY
from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import (
    TURNED,
    add_gravity,
    add_gravity_of,
    columns_named,
    cut_short_note,
    first_look,
    never_run,
    owner,
)
from harken.readers.layout import SNIFFED_BYTES, UTF8_MARK, Columns, Layout
from harken.readers.options import AccelerationUnit, TableOptions, check_timezone
from harken.readers.table_source import TableSource
from harken.readers.units import recognise_unit
from harken.readers.unpacking import folder_files, is_zip, member_paths, opened
from harken.recordings.source import Source
from harken.support.errors import HarkenError

WATCH = ("WristMotion", "WatchAccelerometerUncalibrated")
PHONE = ("TotalAcceleration", "Accelerometer", "AccelerometerUncalibrated")
"""Files with acceleration: those of a watch first, and the best first in each group."""
NEVER_EXPORTED = (".cwa", ".gt3x", ".bin", ".parquet")
"""Endings of research watches' files and of Parquet, which exports of the app never contain."""
RUN_ON_REAL_FILES = (*WATCH, "AccelerometerUncalibrated")
"""Of an Apple Watch and an iPhone; none of Android."""
BESIDE = ("Gravity", "Metadata")
OTHER_AXES = re.compile(r"Gravity|Headphone|(Watch)?(Gyroscope|Magnetometer|\w*Orientation)(Uncalibrated)?")
"""Files with columns x, y and z that are not acceleration, or with acceleration that is not of a wrist."""
FIRST_COLUMNS = ["time", "seconds_elapsed"]
LAST_WORD = re.compile(r"(?:^|[^A-Za-z])([A-Za-z]+)$")
MOST_SHOWN = 5
WRIST_MOTION = tuple([f"{name}{axis}" for axis in "XYZ"] for name in ("acceleration", "gravity", "rotationRate"))
"""The columns of a watch's file, whose acceleration is the sum of gravity and movement."""
IN_METRES: dict[str, AccelerationUnit] = {"Accelerometer": "m/s2", "TotalAcceleration": "m/s2"}
"""Files whose unit is the same on all phones and with all settings."""
EVERYWHERE_ALIKE = (1, 63)
"""The first version of the app whose setting for Android's units and signs also applies to the watch."""

UNKNOWN_PHONE = (
    "The phone is unknown (Metadata.csv names it): on an iPhone, the signs of all three axes are reversed. If it is "
    "one, add --gravity-sign negative."
)
OLD_SWITCH = (
    "The app was set to write values as Android does, but its versions before 1.63 did this only "
    "for some values of a watch: the signs of all three axes may be wrong."
)
OF_A_PHONE = (
    "These are samples of a phone, not of a watch: models that were trained on wrists are not suitable for them."
)


Files = dict[str, Path]
"""The files of an export by the sensor in their names; the empty name is for a renamed file."""


def _metadata(files: Files) -> dict[str, str]:
    """The first row of ``Metadata.csv`` by its column names; empty if the file is missing or damaged. ``platform`` is
    ``ios`` or ``android``."""
    if "Metadata" not in files:
        return {}
    text = _beginning(files["Metadata"]).removeprefix(UTF8_MARK).decode("utf-8", errors="replace")
    try:
        names, values = list(csv.reader(text.splitlines()))[:2]
    except (csv.Error, ValueError):
        return {}
    metadata = {name.strip(): value.strip() for name, value in zip(names, values, strict=False)}
    return metadata | {name: value.lower() for name, value in metadata.items() if name == "platform"}


def recognises(path: Path, head: bytes) -> bool:
    """Whether a folder, or a file that begins with ``head``, was exported by Sensor Logger.

    For a folder, ``head`` is empty, and its files with acceleration are inspected, as are those of an archive. A folder
    that also contains files of research watches or Parquet files is not an export, although it may contain a file of an
    export.
    """
    if not path.is_dir() and not is_zip(head):
        return _begins_so(path, head)
    with suppress(HarkenError):
        candidates = _children(path)
        if any(file.name.lower().removesuffix(".gz").endswith(NEVER_EXPORTED) for file in candidates):
            return False
        accelerations = [file for file in candidates if _sensor_of(file) in WATCH + PHONE]
        return any(_begins_so(file, _beginning(file)) for file in accelerations[:MOST_SHOWN])
    return False


def _beginning(path: Path) -> bytes:
    with opened(path) as file:
        return file.read(SNIFFED_BYTES)


def _find_export(path: Path) -> Files:
    """The files of the one recording at ``path``: a folder, an archive, or a file of an export.

    For a single file, ``Metadata.csv`` and ``Gravity.csv`` in the same folder are used as well.

    Raises:
        HarkenError: when the archive is damaged, or does not contain exactly one recording.
    """
    if not path.is_dir():
        with path.open("rb") as start:
            if not is_zip(start.read(4)):
                return _single(path)
    recordings: dict[Path, Files] = {}
    for file in _children(path):
        files = recordings.setdefault(file.parent, {})
        sensor = _sensor_of(file)
        if sensor in files:
            raise HarkenError(
                f"contains several files of {sensor}, which are different recordings; name one of the files", path=path
            )
        if sensor in WATCH + PHONE + BESIDE:
            files[sensor] = file
    recordings = {folder: files for folder, files in recordings.items() if set(files) & set(WATCH + PHONE)}
    if len(recordings) > 1:
        names = [folder.relative_to(path).as_posix() for folder in recordings]
        shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
        raise HarkenError(
            f"contains {len(names)} recordings ({shown}); unpack it, and name one of the folders", path=path
        )
    if not recordings:
        raise HarkenError(f"has none of Sensor Logger's files with acceleration: {', '.join(WATCH + PHONE)}", path=path)
    return next(iter(recordings.values()))


def _sensor_of(path: Path) -> str:
    """The sensor in a file's name, such as ``ann_WristMotion.csv``; empty if it is not the name of a CSV file."""
    name = path.name.removesuffix(".gz")
    word = LAST_WORD.search(name.removesuffix(".csv"))
    return word[1] if word and name.endswith(".csv") else ""


def _single(path: Path) -> Files:
    sensor = _sensor_of(path)
    if OTHER_AXES.fullmatch(sensor):
        raise HarkenError(
            f"contains {sensor}, not the acceleration of a wrist; name the export's folder instead", path=path
        )
    if sensor not in WATCH + PHONE:
        return {"": path}
    beside = {other: path.with_name(path.name.replace(sensor, other)) for other in BESIDE}
    return {sensor: path} | {other: file for other, file in beside.items() if file.is_file()}


def _children(path: Path) -> Iterable[Path]:
    return folder_files(path) if path.is_dir() else member_paths(path)


def _begins_so(path: Path, head: bytes) -> bool:
    layout = first_look(path, head)
    return layout is not None and layout.header is not None and layout.header[:2] == FIRST_COLUMNS


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a folder, a zip archive or a CSV file of Sensor Logger. See ``harken.readers.read``.

    If there are several files with acceleration, the first in this order is used: ``WristMotion`` (gravity and
    acceleration summed, with rotation as ``gyro_x, gyro_y, gyro_z`` in rad/s), ``WatchAccelerometerUncalibrated``,
    ``TotalAcceleration``, ``Accelerometer`` (with ``Gravity`` added, interpolated to its times) and
    ``AccelerometerUncalibrated``. Signs are converted to those of Android and of research watches.

    Raises:
        HarkenError: when there is no file with acceleration, there are several recordings, or a file is damaged.
    """
    files = _find_export(path)
    metadata = _metadata(files)
    sensor, notes = _choose(path, files, metadata)
    options = _with_defaults(options, path, metadata)
    table, more = _table(files, sensor, options)
    notes += more
    acceleration = table.whole().signals[:, :3]
    unit = options.acceleration_unit or table.unit or recognise_unit(acceleration)
    if options.gravity_sign is None:
        turn, more = _signs(metadata, sensor, unit)
        notes += more
        if turn:
            acceleration *= -1
    if sensor in PHONE:
        notes.append(OF_A_PHONE)
    if sensor not in RUN_ON_REAL_FILES or metadata.get("platform") == "android":
        notes.append(never_run(f"Sensor Logger's {files[sensor].name}"))
    elif path.is_file() and path != files[sensor]:
        notes.append(never_run("Sensor Logger's archives"))
    return TableSource(table, options, path=path, notes=[*notes, *cut_short_note(files[sensor])])


def _choose(path: Path, files: Files, metadata: dict[str, str]) -> tuple[str, list[str]]:
    """The best sensor whose file has samples, and notes on the choice.

    A real export of an iPhone that sent no calibrated acceleration has one row of it, of zeros, days before the rest.
    """
    there = [sensor for sensor in ("", *WATCH, *PHONE) if sensor in files]
    rows = {sensor: _rows_seen(files[sensor]) for sensor in there}
    filled = [sensor for sensor in there if rows[sensor] > 1] or [sensor for sensor in there if rows[sensor]]
    if not filled:
        return there[0], []  # reading it raises the error
    notes = [_origin(files[filled[0]], metadata)] if metadata or files[filled[0]] != path else []
    for count, words in ((0, "no samples"), (1, "only one sample")):
        left = [files[sensor].name for sensor in there if rows[sensor] == count and sensor not in filled]
        if left:
            notes.append(f"These files of the export contain {words}: {', '.join(left)}.")
    if filled[1:]:
        left = [files[sensor].name for sensor in filled[1:]]
        notes.append(f"The export has more acceleration, which was not read: {', '.join(left)}.")
    return filled[0], notes


def _rows_seen(path: Path) -> int:
    """The number of rows at the beginning of a file, below its header."""
    head = _beginning(path)
    return 0 if first_look(path, head) is None else len(head.splitlines()) - 1


def _origin(path: Path, metadata: dict[str, str]) -> str:
    device = " ".join(word for word in (metadata.get("device name"), metadata.get("platform")) if word)
    version = f", Sensor Logger {metadata['appVersion']}" if metadata.get("appVersion") else ""
    by = f" ({device}{version})" if device else ""
    return f"Read from {path.name}{by}."


def _with_defaults(options: TableOptions, path: Path, metadata: dict[str, str]) -> TableOptions:
    timezone = options.timezone
    if timezone is None and (zone := metadata.get("recording timezone")):
        with suppress(HarkenError):
            check_timezone(zone)
            timezone = zone
    subject = options.subject or owner(path, (*WATCH, *PHONE))
    return replace(options, time_unit=options.time_unit or "ns", timezone=timezone, subject=subject)


def _table(files: Files, sensor: str, options: TableOptions) -> tuple[CsvTable, list[str]]:
    path = files[sensor]
    layout = layout_of(path)
    if sensor == "WristMotion" or (sensor == "" and "gravityX" in (layout.header or ())):
        table = CsvTable(path, layout, _columns(path, layout, *WRIST_MOTION))
        add_gravity(table)
        return table, []
    table = CsvTable(path, layout, _columns(path, layout, "xyz"), IN_METRES.get(sensor))
    table.whole()
    if sensor != "Accelerometer":
        return table, []
    gravity = files.get("Gravity")
    if gravity is None:
        return table, [NO_GRAVITY + " If Gravity.csv of the same export is beside it, gravity is added."]
    layout = layout_of(gravity)
    return table, add_gravity_of(table, CsvTable(gravity, layout, _columns(gravity, layout, "xyz")), options)


def _columns(path: Path, layout: Layout, *names: Sequence[str]) -> Columns:
    needed = ("time", *(name for some in names for name in some))
    missing = [name for name in needed if name not in (layout.header or ())]
    if missing:
        raise HarkenError(f"has no column {missing[0]}, which a file of Sensor Logger with acceleration has", path=path)
    return columns_named(layout, *names, time="time")


def _signs(metadata: dict[str, str], sensor: str, unit: AccelerationUnit | None) -> tuple[bool, list[str]]:
    """Whether the sign of acceleration must be reversed, and notes on it.

    Files in g, Apple's own unit, also have Apple's signs. In m/s², the signs of a watch are standardised, and those of
    a phone only with the app's setting.
    """
    platform = metadata.get("platform", "")
    standardised = metadata.get("standardisation", "").lower() == "true"  # written as on Android
    version = tuple(int(part) for part in re.findall(r"\d+", metadata.get("appVersion", ""))[:3])
    doubt = []
    if sensor in WATCH and platform != "android" and standardised and () < version < EVERYWHERE_ALIKE:
        doubt = [OLD_SWITCH]
    elif unit != "g" and not platform and sensor in ("Accelerometer", "AccelerometerUncalibrated", ""):
        doubt = [UNKNOWN_PHONE]
    turn = unit == "g"
    if platform == "android" or sensor == "TotalAcceleration":
        turn = False
    elif sensor == "Accelerometer":
        turn = platform == "ios" and not standardised
    return turn, [*([TURNED] if turn else []), *doubt]
