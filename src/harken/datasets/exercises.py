"""Smartwatch recordings of seven shoulder exercises, from the seglearn wheel.

They are the only real watch recordings known to us that are installed by ``pip install``. ``harken demo`` therefore
begins with them. The data file of the wheel is a pickled NumPy dictionary. It is read from the installed package,
without importing the package, and only if its bytes are those of the file that every release of seglearn contains. A
pickle is a program, so harken reads no other one, and nothing but arrays from this one.

Units, names of exercises and sides are as stated by the authors
(https://github.com/dmbee/SPAR-dataset). They were checked in two ways. The magnitude of the acceleration at rest is
1.05. After correction for the rotation, integrated as rad/s, the mean acceleration of a repetition differs by at most
0.1 from that of the next, for every person and wrist; with any other signs of the gyroscope's axes it differs more.
"""

import hashlib
import pickle
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from harken.datasets.info import codes_of, info_of, joined, numbered_in_turn, readable
from harken.recordings.recording import Quality, Recording
from harken.support.errors import HarkenError
from harken.support.plugins import install_command

UNSEEN = ("exercises_08", "exercises_09", "exercises_10")
"""The people on whom the models of ``harken demo`` and ``harken serve --demo`` are not trained: the last three of the
ten, chosen before any result was seen."""

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")

EXERCISES = codes_of("exercises")
"""The abbreviations in the file, and the authors' names of the exercises."""

INFO = info_of("exercises")

DISTRIBUTION = "seglearn"
DATA_FILE = "seglearn/data/watch_dataset.npy"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
MEND = f"{install_command('--force-reinstall', '--no-deps', 'seglearn')} repairs it"
HEADER_BYTES = 128
"""Of NumPy's format, before the pickle in the file."""
OF_ARRAYS = ("numpy ndarray", "numpy dtype", "numpy.core.multiarray _reconstruct", "_codecs encode")
"""What the pickle of an array refers to."""
SIDES = ("left", "right")
SIDE_APART_NS = 3600 * 10**9
"""The distance between one person's two recordings, which must not overlap. Each is about twelve minutes long."""


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
    sides = table["side"].astype(int).tolist()
    worn = sorted(set(zip(table["subject"].tolist(), sides, strict=True)))
    return [_recording(table, person, side) for person, side in worn]


def _installed_file() -> Path:
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        raise HarkenError(
            f"the data set exercises needs {DISTRIBUTION}, which is not installed: {install_command('harken[demo]')}"
        ) from None
    path = next((Path(str(file.locate())) for file in files if file.as_posix() == DATA_FILE), None)
    if path is None or not path.exists():
        raise HarkenError(f"seglearn is installed without its {DATA_FILE}; {MEND}")
    return path


def _read(path: Path) -> dict[str, Any]:
    """The content of the file: for each of ``n`` bouts a series ``[samples, 6]`` (``X``), its exercise (``y``), wearer
    (``subject``) and side; and the abbreviations of the exercises (``y_labels``)."""
    with readable(path, "this is not the file of seglearn"):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise HarkenError(f"is not what seglearn installs; {MEND}", path=path, colon=False)
    return dict(_ArrayUnpickler(BytesIO(content[HEADER_BYTES:])).load().item())


class _ArrayUnpickler(pickle.Unpickler):
    """Reads a pickle of arrays, lists, texts and numbers; everything else that a pickle may refer to is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module} {name}" not in OF_ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return super().find_class(module, name)


def _recording(table: dict[str, Any], person: int, side: int) -> Recording:
    """The bouts of one person at one wrist, in the order of the exercise numbers, with pauses between them."""
    codes = table["y"]
    names = [EXERCISES[abbreviation] for abbreviation in table["y_labels"]]
    theirs = np.flatnonzero((table["subject"] == person) & (table["side"] == side))
    theirs = theirs[np.argsort(codes[theirs], kind="stable")]
    bouts = [(names[codes[bout]], np.asarray(table["X"][bout], dtype=np.float32)) for bout in theirs]
    return joined(
        [piece.moved(side * SIDE_APART_NS) for piece in numbered_in_turn(bouts, INFO)],
        f"{person:02d}",
        INFO,
        source=f"seglearn's watch_dataset.npy, person {person}, {SIDES[side]} wrist",
        quality=Quality(),
        channels=CHANNELS,
    )
