"""Smartwatch recordings of seven shoulder exercises, from the seglearn wheel.

They are the only real watch recordings known to us that are installed by ``pip install``. ``harken demo`` therefore
begins with them. The data file of the wheel is a pickled NumPy dictionary. ``harken.datasets.unpickler`` reads it from
the installed package, without importing the package. Harken reads no other pickle. This one is acceptable for two
reasons. The user has installed the package that contains it, whose code is trusted already. The file is read only if
its SHA-256 is the one that the installer recorded. Do not use this function for files from other sources.

Units, names of exercises and sides are as stated by the authors
(https://github.com/dmbee/SPAR-dataset). They were checked in two ways. The magnitude of the acceleration at rest is
1.05. After correction for the rotation, integrated as rad/s, the mean acceleration of a repetition differs by at most
0.1 from that of the next, for every person and wrist; with any other signs of the gyroscope's axes it differs more.
"""

import hashlib
from base64 import urlsafe_b64encode
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.datasets.info import info_of
from harken.datasets.loading import joined, numbered_in_turn
from harken.datasets.unpickler import unpickle_arrays
from harken.recordings.recording import Quality, Recording
from harken.support.errors import HarkenError
from harken.support.plugins import install_command

UNSEEN = ("exercises_08", "exercises_09", "exercises_10")
"""The people on whom the models of ``harken demo`` and ``harken serve --demo`` are not trained: the last three of the
ten, chosen before any result was seen."""

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")

EXERCISES = {
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward_elevation",
    "IR": "internal_rotation",
    "ER": "external_rotation",
    "TRAP": "lower_trapezius_row",
    "ROW": "bent_over_row",
}
"""The abbreviations in the file, and the authors' names of the exercises."""

INFO = info_of("exercises")

DISTRIBUTION = "seglearn"
DATA_FILE = "seglearn/data/watch_dataset.npy"
MEND = f"{install_command('--force-reinstall', '--no-deps', 'seglearn')} repairs it"
FILE_KEYS = ("X", "X_labels", "y", "y_labels", "subject", "side")
FILE_CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]
SIDES = ("left", "right")
SIDE_APART_NS = 3600 * 10**9
"""The distance between one person's two recordings, which must not overlap. Each is about twelve minutes long."""

NO_CLOCK = (
    "the file has no clock: the recording is set at 1970 and numbered at 50 Hz, its exercises are in the file's "
    "numbering with 60 s between them, and the left wrist comes an hour before the right"
)


def exercises(path: Path | None = None) -> list[Recording]:
    """The exercises, one recording for each person and wrist: 20 recordings with 7 bouts each.

    Channels are ``x, y, z`` in g and ``gyro_x, gyro_y, gyro_z`` in rad/s; there is a gap between two bouts, so no
    window spans two exercises. Recordings are sorted by person, left wrist first. ``subject`` is the person,
    ``exercises_01`` to ``exercises_10``, and ``source`` contains the wrist. Times are artificial (see ``quality``).

    Args:
        path: the data file; by default the file in the installed seglearn package.

    Raises:
        HarkenError: when seglearn is not installed, or its file is damaged or not the expected one.
    """
    table = _read(_installed_file() if path is None else path)
    worn = sorted(set(zip(table.people.tolist(), table.sides.tolist(), strict=True)))
    return [_recording(table, person, side) for person, side in worn]


class _Table(NamedTuple):
    """The content of the file: for each of ``n`` bouts a series ``[samples, 6]``, its exercise, wearer and side."""

    series: list[NDArray[np.float32]]
    codes: NDArray[np.int64]
    people: NDArray[np.int64]
    sides: NDArray[np.int64]
    names: list[str]


def _installed_file() -> Path:
    """The data file of the installed package, after a check that its bytes are those that pip installed.

    The unpickler rejects harmful content, but NumPy crashes on some damaged array states.
    """
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        raise HarkenError(
            f"the recordings of exercises come with seglearn, which is not installed: {install_command(DISTRIBUTION)}"
        ) from None
    recorded = next((file for file in files if file.as_posix() == DATA_FILE), None)
    path = None if recorded is None else Path(str(recorded.locate()))
    if recorded is None or path is None or not path.exists():
        raise HarkenError(f"seglearn is installed without its {DATA_FILE}; {MEND}")
    if recorded.hash is not None and recorded.hash.mode == "sha256" and recorded.hash.value != _record_sha256(path):
        raise HarkenError(f"{path} is not what was installed; {MEND}")
    return path


def _record_sha256(path: Path) -> str:
    """SHA-256 in the form of a wheel's RECORD: URL-safe base64 without padding."""
    return urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def _read(path: Path) -> _Table:
    try:
        with path.open("rb") as file:
            _skip_header(file, path)
            content = unpickle_arrays(file, source=str(path))
    except OSError as error:
        raise HarkenError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _checked(content)
    except (AttributeError, TypeError, ValueError) as error:
        raise HarkenError(f"{path} does not hold the expected exercises: {error}") from error


def _skip_header(file: Any, path: Path) -> None:
    """Move ``file`` to the beginning of the pickle. ``numpy.save`` wrote one array without dimensions, of one
    object."""
    reading: Any = np.lib.format  # not typed in every version of NumPy
    try:
        version = reading.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        shape, _, dtype = reading.read_array_header_1_0(file)
        if shape != () or not dtype.hasobject:
            raise ValueError(f"shape {shape}, {dtype}")
    except ValueError as error:
        raise HarkenError(f"{path} is not a NumPy file of one pickled object ({error})") from error


def _checked(content: Any) -> _Table:
    """The table, after a check that its parts match. Raises one of several errors if they do not."""
    data = content.item()
    missing = [key for key in FILE_KEYS if key not in data]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    if list(data["X_labels"]) != FILE_CHANNELS:
        raise ValueError(f"its channels are {data['X_labels']}, not {FILE_CHANNELS}")
    unknown = [abbreviation for abbreviation in data["y_labels"] if abbreviation not in EXERCISES]
    if unknown:
        raise ValueError(f"it has exercises named {unknown}")
    names = [EXERCISES[abbreviation] for abbreviation in data["y_labels"]]
    with np.errstate(over="ignore"):  # values too large for float32 become infinite and are marked by mend
        series = [np.asarray(one, dtype=np.float32) for one in data["X"]]
    codes, people, sides = (_whole_numbers(data[key], len(series)) for key in ("y", "subject", "side"))
    if not series or any(one.ndim != 2 or one.shape[1] != len(CHANNELS) or len(one) == 0 for one in series):
        raise ValueError("there are no series, or one is not samples by six channels")
    if not (_within(codes, len(names)) and _within(sides, len(SIDES))):
        raise ValueError("an exercise or a side is not among those it names")
    return _Table(series, codes, people, sides, names)


def _whole_numbers(values: Any, count: int) -> NDArray[np.int64]:
    """``values`` as int64 ``[count]`` (the sides in the file are floating-point numbers)."""
    array = np.asarray(values, dtype=np.float64)
    whole = (array == np.round(array)) & (np.abs(array) < 2**31)
    if array.shape != (count,) or not whole.all():
        raise ValueError(f"{count} series, but {array.shape} exercises, people or sides, or not whole numbers")
    return array.astype(np.int64)


def _within(codes: NDArray[np.int64], count: int) -> bool:
    return bool(((codes >= 0) & (codes < count)).all())


def _recording(table: _Table, person: int, side: int) -> Recording:
    """The bouts of one person at one wrist, in the order of the exercise numbers, with pauses between them."""
    theirs = np.flatnonzero((table.people == person) & (table.sides == side))
    theirs = theirs[np.argsort(table.codes[theirs], kind="stable")]
    pieces = numbered_in_turn([(table.names[table.codes[bout]], table.series[bout]) for bout in theirs], INFO)
    return joined(
        [piece._replace(time_ns=piece.time_ns + side * SIDE_APART_NS) for piece in pieces],
        f"{person:02d}",
        INFO,
        source=f"seglearn's watch_dataset.npy, person {person}, {SIDES[side]} wrist",
        quality=Quality(),
        notes=(NO_CLOCK,),
        channels=CHANNELS,
    )
