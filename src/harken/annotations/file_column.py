"""The column ``file`` of a file of labels: which of its fields mean a recording."""

import ntpath
import os
import posixpath
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath, PureWindowsPath

Parts = tuple[str, ...]
"""The parts of a path, from its end."""


class FileColumn:
    """The fields of a column ``file``, which are found by the names of a recording.

    A field means a recording if as many folders as both have are the same: ``anna/day.csv`` is not ``ben/day.csv``.
    The fields are kept by their ends, because a table may be for thousands of recordings.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        self._whole: dict[Parts, list[str]] = {}
        self._longer: dict[Parts, list[str]] = {}
        written = {field: _parts(field) for field in fields}
        for field, parts in (written | _from_shared_folder(written)).items():
            self._whole.setdefault(parts, []).append(field)
            for length in range(1, len(parts)):
                self._longer.setdefault(parts[:length], []).append(field)
        self._lengths = sorted({len(parts) for parts in self._whole} - {0})

    def of(self, names: Sequence[str]) -> set[str]:
        """The fields that mean a recording with these names (``harken.annotations.labelling.recording_names``)."""
        found: set[str] = set()
        for parts in map(_parts, names):
            found.update(self._longer.get(parts, ()))
            for length in self._lengths:
                if length <= len(parts):
                    found.update(self._whole.get(parts[:length], ()))
        return found

    def told_apart(self, name: str) -> str:
        """The end of a recording's name that shows in what it differs from each field."""
        parts = _parts(name)
        shown = 1
        for own in self._whole:
            shown = max(shown, min(len(own), max(_alike(parts, own) + 1, 2)))
        return str(Path(*reversed(parts[:shown])))


def _from_shared_folder(written: dict[str, Parts]) -> dict[str, Parts]:
    """The parts of whole paths of another computer, from the last folder that all of them share.

    What is above it differs between computers. If a folder of one of them exists here, all are taken as they are.
    """
    whole = {field: parts for field, parts in written.items() if _is_absolute(field)}
    places = {Path(field).parent for field in whole if Path(field).is_absolute()}
    if not whole or any(os.path.isdir(place) for place in places):  # noqa: PTH112 - Path.is_dir raises for names too long
        return {}
    folders = [parts[:0:-1] for parts in whole.values()]
    above = max(_alike(min(folders), max(folders)) - 1, 1)  # at least the root
    return {field: parts[: max(len(parts) - above, 2)] for field, parts in whole.items()}


def _alike(one: Parts, other: Parts) -> int:
    """How many parts are the same, from the first."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _is_absolute(path: str) -> bool:
    return any(kind(path).is_absolute() for kind in (Path, PureWindowsPath, PurePosixPath))


def _parts(path: str) -> Parts:
    """The parts of a path of any system. It may be relative to any folder, so ``../`` at its beginning is left out."""
    parts = Path(os.path.normpath(path)).parts
    if not Path(path).is_absolute():
        if PureWindowsPath(path).is_absolute():
            parts = PureWindowsPath(ntpath.normpath(path)).parts
        elif PurePosixPath(path).is_absolute():
            parts = PurePosixPath(posixpath.normpath(path)).parts
    return tuple(part for part in reversed(parts) if part != os.pardir)
