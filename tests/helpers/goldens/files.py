"""What the frozen inputs share: an input is a file and its options; files are the same bytes on every run."""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Input:
    """A file, and the options that it is read with.

    Attributes:
        locate: from a folder to the file in it. A made-up file is written there first.
        options: as for ``harken.read``.
    """

    locate: Callable[[Path], Path]
    options: Mapping[str, Any] = field(default_factory=dict)


def content(data: bytes, name: str, **options: Any) -> Input:
    """A file of these bytes."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return Input(write, options)


def table(lines: Iterable[str], name: str = "ann.csv", **options: Any) -> Input:
    """A text file of these lines."""
    return content("\n".join([*lines, ""]).encode(), name, **options)


def same(given: Input, **options: Any) -> Input:
    """The same file, read with other options."""
    return Input(given.locate, options)


def gzipped(data: bytes) -> bytes:
    """Packed without the time of day."""
    return gzip.compress(data, mtime=0)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive whose members are as old as zip archives."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return made.getvalue()
