"""Finished levels in the user's cache folder, so that a recording that is opened again is there at once.

An entry is a folder whose name is a digest of what it was made from. It is written aside and renamed when all of it is
on the disk, so a half-written entry is never found.
"""

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from harken import __version__
from harken.readers.options import TableOptions
from harken.support.files import is_aside
from harken.web.annotate.levels import file_names

FACTS = "facts.json"
"""The file of an entry with all but the levels."""
MOST_BYTES = 4 << 30
"""The size of all entries: two months at any rate above 50 Hz."""
FORMAT = 2
"""Changes when the form of an entry does."""


def cache_folder() -> Path:
    """The folder for entries, by the conventions of the system. It may not exist."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        base = Path(named)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    else:
        base = Path.home() / ".cache"
    return base / "harken" / "annotate"


def entry_name(path: Path, reading: TableOptions) -> str:
    """The name of a recording's entry: it differs for another file, content, version, or way of reading.

    The content of a file is known by its size and the time of its last change; that of a folder by those of its files.

    Raises:
        OSError: when the file does not exist.
    """
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    content = [(str(each), (found := each.stat()).st_size, found.st_mtime_ns) for each in files]
    made_from = (FORMAT, __version__, str(path.resolve()), content, asdict(reading))
    return sha256(repr(made_from).encode(errors="surrogateescape")).hexdigest()[:32]


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Complete an entry whose levels are written. ``facts`` must have ``blocks``."""
    sizes = [(folder / name).stat().st_size for name in file_names()]
    content = orjson.dumps(facts | {"sizes": sizes}, option=orjson.OPT_SERIALIZE_NUMPY)
    with (folder / FACTS).open("wb") as file:
        file.write(sha256(content).hexdigest().encode() + b"\n" + content)
        file.flush()
        os.fsync(file.fileno())


def read_facts(folder: Path) -> dict[str, Any] | None:
    """The facts of a complete entry, which counts as used now; None if there is none, or it is damaged."""
    try:
        digest, _, content = (folder / FACTS).read_bytes().partition(b"\n")
        if sha256(content).hexdigest().encode() != digest:
            return None
        facts: dict[str, Any] = orjson.loads(content)
        if facts["sizes"] != [(folder / name).stat().st_size for name in file_names()]:
            return None
        os.utime(folder)
    except (OSError, ValueError, KeyError):
        return None
    return facts


def remove_oldest(cache: Path, *, keep: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
    """Remove the entries that were used longest ago until the others take at most ``most_bytes``.

    A process that has an entry open can read it until it closes the files.

    Args:
        cache: the folder of entries.
        keep: an entry that is not removed.
        most_bytes: the size of all entries.
    """
    entries = []
    with suppress(OSError):
        for entry in cache.iterdir():
            if entry.is_dir() and not is_aside(entry):
                with suppress(OSError):
                    size = sum(file.stat().st_size for file in entry.iterdir())
                    entries.append((entry.stat().st_mtime, size, entry))
    kept = 0
    for _, size, entry in sorted(entries, reverse=True):
        kept += size
        if kept > most_bytes and entry != keep:
            shutil.rmtree(entry, ignore_errors=True)
            kept -= size
