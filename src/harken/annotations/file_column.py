"""The column ``file`` of a file of labels: which of its fields mean a recording."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["FileColumn", "path_parts"]

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
        for field in dict.fromkeys(fields):
            parts = path_parts(field)
            self._whole.setdefault(parts, []).append(field)
            for length in range(1, len(parts)):
                self._longer.setdefault(parts[:length], []).append(field)
        self._lengths = sorted({len(parts) for parts in self._whole} - {0})

    def of(self, names: Sequence[str]) -> set[str]:
        """The fields that mean a recording with these names (``harken.annotations.labelling.recording_names``)."""
        found: set[str] = set()
        for parts in map(path_parts, names):
            found.update(self._longer.get(parts, ()))
            for length in self._lengths:
                if length <= len(parts):
                    found.update(self._whole.get(parts[:length], ()))
        return found


def path_parts(path: str) -> Parts:
    """The parts of a path, from its end. It may be relative to any folder, so ``../`` at its beginning is left out."""
    return tuple(part for part in reversed(Path(os.path.normpath(path)).parts) if part != os.pardir)
