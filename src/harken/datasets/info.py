"""Facts about public data sets, the folders that contain them, and what their readers share.

The facts about harken's own data sets are in ``catalogue.toml``. Damaged tables are refused, and pieces of a recording
are joined on one clock: many data sets have no clock, or one for each of their files. No window spans two pieces.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from harken.recordings.forearm_axis import ForearmAxis, GravitySign
from harken.recordings.mending import mend
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.sessions import offsets_in_turn
from harken.support.arrays import Float32Array, Float64Array, Int64Array
from harken.support.errors import HarkenError

DATA_VARIABLE = "HARKEN_DATA"
"""The environment variable with the folder of all data sets. Each data set is in a subfolder of its own name."""
CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Archive:
    """A file that the publisher offers for download.

    Attributes:
        url: the address of the file.
        file_name: the name of the downloaded file.
        sha256: the SHA-256 that the publisher states, 64 hexadecimal digits; None if none is stated.
        size_bytes: the size of the file; None if it is unknown.
    """

    url: str
    file_name: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about one public data set.

    Attributes:
        name: the name of the data set in harken.
        title: a description in one line.
        licence: the licence of the data.
        citation: the publication to cite.
        url: the page of the publisher.
        how_to_get: the command or the steps to obtain it.
        people: the number of people who wore the watch; None if it is not known who wore it. Then the subjects of the
            recordings are no people, and no score by person is possible.
        sample_rate_hz: samples per second, as stated by the authors.
        labels: the data set's own names of the activities, sorted.
        placement: where the sensor was worn, as in "wrist of the dominant hand".
        forearm_axis: the axis of the sensor that points along the forearm towards the elbow, so that it measures about
            +1 g when the arm hangs, in most people of the study; None if the sensor was worn elsewhere or the axis is
            unknown.
        gravity_sign: the sign of z in the published files when the watch lies face up and still. Where it is
            ``negative``, harken's readers reverse all three axes.
        label_map: each of ``labels`` -> its common name (see ``harken.datasets.common_activities``).
        checked_on_real_files: whether the reader was run on the published files. If not, it is based only on the
            documentation.
        archives: the files to download; empty if it is obtained in another way (see ``how_to_get``).
        traps: whole sentences on pitfalls of the data set.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    how_to_get: str
    people: int | None
    sample_rate_hz: float
    labels: tuple[str, ...]
    placement: str
    label_map: Mapping[str, str] = field(hash=False)
    checked_on_real_files: bool
    archives: tuple[Archive, ...] = ()
    forearm_axis: ForearmAxis | None = None
    gravity_sign: GravitySign = "positive"
    traps: tuple[str, ...] = ()


def info_of(name: str) -> DatasetInfo:
    """The facts about one of harken's own data sets, from ``catalogue.toml``."""
    return make_info(name, catalogue()[name])


def make_info(name: str, facts: Mapping[str, Any]) -> DatasetInfo:
    """Return the facts about a data set from a table of values, such as a table of TOML.

    Args:
        name: the name of the data set.
        facts: the other attributes of ``DatasetInfo``. In place of ``labels`` and ``label_map`` it has ``activities``:
            each common name -> the data set's own labels. ``people`` is missing if the wearers are unknown.
    """
    label_map = {label: common for common, labels in facts["activities"].items() for label in labels}
    of_labels = {"labels": sorted(label_map), "label_map": dict(sorted(label_map.items()))}
    return msgspec.convert({"people": None, **facts, "name": name, **of_labels}, DatasetInfo)


def codes_of(name: str) -> dict[str, str]:
    """How the files of one of harken's own data sets name each activity, from ``catalogue.toml``."""
    return dict(catalogue()[name]["codes"])


def clock_of(name: str) -> str:
    """What the times of one of harken's own data sets are, a sentence from ``catalogue.toml``."""
    return str(catalogue()[name]["clock"])


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """The content of ``catalogue.toml``: the facts about harken's own data sets by their names."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def data_folder(info: DatasetInfo, path: Path | None) -> Path:
    """The folder of a data set: ``path``, or by default the subfolder with the set's name in the folder
    ``HARKEN_DATA``.

    Raises:
        HarkenError: when neither is given, or the folder does not exist.
    """
    every = os.environ.get(DATA_VARIABLE)
    folder = Path(every) / info.name if path is None and every else path
    if folder is None or not folder.is_dir():
        raise HarkenError(
            f"{folder or info.name}: there is no such folder; name it, or in {DATA_VARIABLE} the folder that holds "
            f"{info.name}. To get the data set: {info.how_to_get}"
        )
    return folder


class Piece(NamedTuple):
    """A part of a recording with one label (or none): times ``[n]`` in ns, and signals ``[n, channels]``."""

    label: str | None
    time_ns: Int64Array
    signals: Float32Array

    def moved(self, offset_ns: int) -> "Piece":
        """The same piece at later times."""
        return self._replace(time_ns=self.time_ns + offset_ns)


def of_first_copy(files: Sequence[Path], levels: int) -> list[Path]:
    """The files that lie ``levels`` folders below the same folder, where the publisher's layout is copied into several
    folders: of those the one that is least deep."""
    root = min((path.parents[levels] for path in files), key=lambda folder: len(folder.parts))
    return [path for path in files if path.parents[levels] == root]


def files_of(info: DatasetInfo, path: Path | None, *patterns: str, left_out: str = "__MACOSX") -> list[Path]:
    """The files of an unpacked data set, sorted for each pattern.

    Args:
        info: the facts about the data set.
        path: the folder in which they are searched, at any depth; by default that of ``data_folder``.
        patterns: the ends of their paths, such as ``Protocol/subject*.dat``.
        left_out: the end of the name of folders that are left out. The folder ``__MACOSX``, in which an archiver puts
            metadata, is always left out.

    Raises:
        HarkenError: when there is no such folder, or no such file in it.
    """
    folder = data_folder(info, path)
    ends = "__MACOSX", left_out
    files = [
        file
        for pattern in patterns
        for file in sorted(folder.rglob(pattern))
        if not any(part.endswith(ends) for part in file.relative_to(folder).parts[:-1])
    ]
    if not files:
        raise HarkenError(
            f"there is no {' or '.join(patterns)} in it, so it is not the data set {info.name}. "
            f"To get it: {info.how_to_get}",
            path=folder,
        )
    return files


def numbers_in(path: Path, info: DatasetInfo, *, columns: int) -> Float64Array:
    """The numbers in a text file, ``[rows, columns]``; there is a row.

    Raises:
        HarkenError: when the file is missing or has other content.
    """
    with readable(path, f"expected rows of {columns} numbers; to get the data set: {info.how_to_get}"):
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        if not any(map(str.strip, lines)):  # loadtxt only warns about an empty file
            raise ValueError("the file is empty")
        numbers = np.loadtxt(lines, dtype=np.float64, ndmin=2)
        if numbers.shape[1] != columns:
            raise ValueError(f"there are {numbers.shape[1]}")
    return numbers


@contextmanager
def readable(path: Path, refusal: str) -> Iterator[None]:
    """Raise a HarkenError with the path and ``refusal`` when what is read within the block cannot be read."""
    from harken.readers.table import POLARS_ERRORS, first_line  # takes time to load, and facts need no reader

    try:
        yield
    except (*POLARS_ERRORS, ValueError, OSError) as error:
        raise HarkenError(f"{refusal} ({getattr(error, 'strerror', None) or first_line(error)})", path=path) from error


def numbered_ns(rows: int, info: DatasetInfo) -> Int64Array:
    """The times of samples without a clock, from 0, by the rate that the authors state, int64 ``[rows]``."""
    return np.arange(rows, dtype=np.int64) * 10**9 // round(info.sample_rate_hz)


def numbered_in_turn(bouts: Sequence[tuple[str, Float32Array]], info: DatasetInfo) -> list[Piece]:
    """Pieces of bouts without a clock (label and signals), one after another from 1970 with a pause between them."""
    pieces = [Piece(label, numbered_ns(len(signals), info), signals) for label, signals in bouts]
    offsets = offsets_in_turn([int(piece.time_ns[-1]) for piece in pieces])
    return [piece.moved(offset) for piece, offset in zip(pieces, offsets, strict=True)]


def joined(
    pieces: Sequence[Piece],
    person: str,
    info: DatasetInfo,
    *,
    source: str,
    quality: Quality,
    notes: Sequence[str] = (),
    channels: tuple[str, ...] = ("x", "y", "z"),
) -> Recording:
    """The mended recording of a person's pieces, whose times are on one clock.

    Args:
        pieces: in the order of their times.
        person: the data set's name of the person. ``subject`` is this name after the name of the data set.
        info: the facts about the data set.
        source: the file or folder, with what distinguishes the recording from others in it.
        quality: how the values were read; ``rows`` is counted here.
        notes: sentences that are added to the quality after mending and after ``clock_of`` the data set.
        channels: the columns of the pieces' signals.
    """
    label_names = tuple(sorted({piece.label for piece in pieces if piece.label is not None}))
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(label_names)}
    codes = np.array([code_of.get(piece.label, UNLABELLED) for piece in pieces], dtype=np.int16)
    lengths = [len(piece.time_ns) for piece in pieces]
    recording = Recording(
        time_ns=np.concatenate([piece.time_ns for piece in pieces]),
        signals=np.concatenate([piece.signals for piece in pieces]),
        channels=channels,
        label_codes=np.repeat(codes, lengths),
        label_names=label_names,
        subject=f"{info.name}_{person}",
        source=source,
        quality=replace(quality, rows=sum(lengths)),
        as_found=True,
    )
    mended = mend(recording)
    return replace(mended, quality=mended.quality.noting(clock_of(info.name), *notes))
