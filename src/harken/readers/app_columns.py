"""The columns of apps whose names say more than which column is x, y or z: the unit, the sign, the gravity.

The names come from the apps' documentation and from programs that read their files. Of phone apps, no real file was at
hand.

**SensorLog** (Bernd Thomas' app for iPhone and Apple Watch). The user chooses its columns. ``loggingTime(txt)`` is the
time at which a row was written. ``accelerometerTimestamp_sinceReboot(s)`` is the time of the measurement, without a
date. The acceleration has Apple's sign.

**Physics Toolbox** (Vieyra Software's app). Its g-force meter writes ``time,gFx,gFy,gFz,TgF`` on Android, and
``time,gFx,gFy,gFz,gFTotal`` on an iPhone, with Apple's sign. Its linear accelerometer writes ``time,ax,ay,az,aT``.

**phyphox** (RWTH Aachen). Its header is in quotation marks, such as ``"Time (s)","Acceleration x (m/s^2)"``. Times
count from the start of the experiment. On an iPhone the app itself reverses the sign. In an archive of several sensors
all columns are called ``X (m/s^2)``, and the file's name says which sensor it is. (Source: the app's code,
github.com/phyphox, ``DataExport.java`` and ``ExperimentExport.swift``.)

**OMGUI** (Axivity). It writes the time, as text or in seconds since 1970, and acceleration with six decimals. Rotation
of an AX6 follows, and perhaps light, temperature, battery and events. Usually there is no header. Both forms of time
are the watch's clock.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harken.readers.options import AccelerationUnit, TableOptions
from harken.recordings.forearm_axis import GravitySign
from harken.support.errors import HarkenError

UNIT_BEHIND = re.compile(r"\s*[(\[](?:g|m/s2|m/s\^2|m/s²|ms|s|ns|us|µs)[)\]]$")
SIGN_UNKNOWN = (
    "The file does not name the phone: on an iPhone, the signs of all three axes may be reversed. If it is one, add "
    "--gravity-sign negative."
)
LINEAR_FILE = re.compile(r"(linear|(?<![a-z])lin)[ _-]?acc|without[ _-]?g", re.IGNORECASE)
"""What is in the name of a file of acceleration without gravity; not in ``berlin_acc``."""
OMGUI_TIME = re.compile(r"\d{9,10}\.\d{4}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
OMGUI_VALUE = re.compile(r"-?\d+\.\d{6}")
OMGUI_OTHER = re.compile(r"-?\d+(\.\d+)?|[rsdeFBIX]*")
"""The fields of OMGUI's rows: the time, a value of acceleration, and what follows them."""
OF_OMGUI = (
    "This looks like an export of OMGUI: of its columns, only times and acceleration were read. Its times are the "
    "watch's clock; if they are numbers, they were read as UTC. The watch's .cwa file has everything."
)
NO_GRAVITY = "This is acceleration without gravity: it shows movements but not postures, so lying looks like standing."


def plain_name(name: str) -> str:
    """A name in a header in lower case, without spaces and without a unit behind it."""
    return UNIT_BEHIND.sub("", name.strip().lower()).replace(" ", "_")


class AppColumns(NamedTuple):
    """The columns with which an app writes acceleration. All names are plain names.

    Attributes:
        app: the app, in words that a user knows.
        axes: x, y and z.
        unit: the unit of acceleration.
        gravity_sign: as in ``TableOptions``; None: it depends on the phone.
        has_gravity: False for "linear" or "user" acceleration.
        times: columns of times, the best first.
        beside: further columns by which the app is recognised.
        note: what a user should know of all its files.
    """

    app: str
    axes: tuple[str, str, str]
    unit: AccelerationUnit
    gravity_sign: GravitySign | None
    has_gravity: bool = True
    times: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    note: str = ""

    def is_in(self, names: Sequence[str]) -> bool:
        """Whether a table with columns of these plain names has the app's columns."""
        return {*self.axes, *self.beside} <= set(names)


class AppFacts(NamedTuple):
    """What the names of columns say of a table: the unit of acceleration (None: nothing), and notes for the user."""

    unit: AccelerationUnit | None
    notes: list[str]


APP_COLUMNS = (
    AppColumns(
        "SensorLog",
        ("accelerometeraccelerationx", "accelerometeraccelerationy", "accelerometeraccelerationz"),
        "g",
        gravity_sign="negative",
        times=("loggingtime(txt)", "accelerometertimestamp_sincereboot"),
    ),
    AppColumns(
        "SensorLog",
        ("motionuseraccelerationx", "motionuseraccelerationy", "motionuseraccelerationz"),
        "g",
        gravity_sign="negative",
        has_gravity=False,
        times=("loggingtime(txt)", "motiontimestamp_sincereboot"),
    ),
    AppColumns(
        "Physics Toolbox on an iPhone", ("gfx", "gfy", "gfz"), "g", gravity_sign="negative", beside=("gftotal",)
    ),
    AppColumns("Physics Toolbox", ("gfx", "gfy", "gfz"), "g", gravity_sign=None),
    AppColumns(
        "phyphox",
        ("acceleration_x", "acceleration_y", "acceleration_z"),
        "m/s2",
        gravity_sign="positive",
        beside=("absolute_acceleration",),
    ),
    AppColumns(
        "phyphox",
        ("linear_acceleration_x", "linear_acceleration_y", "linear_acceleration_z"),
        "m/s2",
        gravity_sign="positive",
        has_gravity=False,
    ),
    AppColumns("OMGUI", ("accel-x", "accel-y", "accel-z"), "g", gravity_sign="positive", note=OF_OMGUI),
    AppColumns("Physics Toolbox", ("ax", "ay", "az"), "m/s2", gravity_sign=None, has_gravity=False, beside=("at",)),
)
"""The tables of all apps. If a table has the columns of several of them, the first is read."""


def find_app_columns(header: Sequence[str]) -> dict[str, int]:
    """Find the columns of an app: positions of the roles ``x``, ``y``, ``z`` and ``time``. Empty for other tables."""
    names = [plain_name(name) for name in header]
    for app in APP_COLUMNS:
        if not app.is_in(names):
            continue
        columns = {role: names.index(name) for role, name in zip("xyz", app.axes, strict=True)}
        times = [names.index(name) for name in app.times if name in names]
        if times:
            columns["time"] = times[0]
        return columns
    return {}


def is_omgui_row(row: Sequence[str]) -> bool:
    """Whether a row of a table without a header has the form of OMGUI's rows."""
    time, *values = (field.strip() for field in row)
    return (
        len(values) >= 3
        and OMGUI_TIME.fullmatch(time) is not None
        and all(OMGUI_VALUE.fullmatch(value) for value in values[:3])
        and all(OMGUI_OTHER.fullmatch(value) for value in values[3:])
    )


def describe_app_columns(
    path: Path,
    header: Sequence[str] | None,
    first_row: Sequence[str],
    columns: Mapping[str, int],
    options: TableOptions,
) -> AppFacts:
    """Return what the names of a table's columns say of their values, or its first row if it has no header.

    Raises:
        HarkenError: when the app's sign of gravity is the opposite of harken's, and the user has not stated the sign.
    """
    if header is None:
        of_omgui = is_omgui_row(first_row) and [columns[axis] for axis in "xyz"] == [1, 2, 3]
        return AppFacts("g", [OF_OMGUI]) if of_omgui else AppFacts(None, [])
    names = [plain_name(name) for name in header]
    axes = tuple(names[columns[axis]] for axis in "xyz")
    app = next((app for app in APP_COLUMNS if app.axes == axes and app.is_in(names)), None)
    if app is None:
        return _describe_linear_file(path, header[columns["x"]])
    if app.gravity_sign == "negative" and options.gravity_sign is None:
        raise HarkenError(
            f"{app.app} writes acceleration with Apple's sign (z of a device that lies face up is -1 g), which "
            "harken must reverse. Confirm it with --gravity-sign negative, or keep the file's signs with "
            "--gravity-sign positive",
            path=path,
        )
    notes = [] if app.has_gravity else [NO_GRAVITY]
    if app.note:
        notes.append(app.note)
    if app.gravity_sign is None and options.gravity_sign is None:
        notes.append(SIGN_UNKNOWN)
    return AppFacts(app.unit, notes)


def _describe_linear_file(path: Path, x_name: str) -> AppFacts:
    """Return what the file's name says of a table whose columns do not say it."""
    if LINEAR_FILE.search(path.stem) is None:
        return AppFacts(None, [])
    return AppFacts("m/s2" if "m/s" in x_name else None, [NO_GRAVITY])
