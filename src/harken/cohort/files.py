"""Which files there are, and which of them are a shard's."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from harken.errors import HarkenError
from harken.readers.sensor_logger import looks_like_sensor_logger

__all__ = ["recordings_in", "shard_of"]

ENDINGS = (".cwa", ".gt3x", ".bin", ".csv", ".txt", ".parquet", ".zip")
TRUTH = ".truth.parquet"
"""What ``harken simulate`` writes beside a recording."""
Item = TypeVar("Item")


def recordings_in(paths: Sequence[str | Path], *, out: str | Path | None = None) -> list[Path]:
    """The files named, and of each folder all files in and below it whose ending may be a recording's, sorted.

    Left out in folders are hidden files, truths of simulated recordings, and whatever lies in ``out``. A folder that
    Sensor Logger exported is one recording.

    Raises:
        HarkenError: for a folder without any such file.
    """
    found: dict[Path, None] = {}
    apart = None if out is None else Path(out).absolute()
    for path in map(Path, paths):
        if not path.is_dir() or looks_like_sensor_logger(path, b""):
            found[path] = None
            continue
        inside = list(_inside(path, apart))
        if not inside:
            raise HarkenError(f"{path}: there is no recording in this folder (no file ending in {', '.join(ENDINGS)})")
        found |= dict.fromkeys(inside)
    return list(found)


def _inside(folder: Path, apart: Path | None) -> list[Path]:
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        at = Path(here)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (at / name).absolute() != apart)
        if at != folder and looks_like_sensor_logger(at, b""):
            found.append(at)
            folders.clear()
            continue
        for name in sorted(files):
            plain = name.lower().removesuffix(".gz")
            if plain.endswith(ENDINGS) and not plain.endswith(TRUTH) and not name.startswith("."):
                found.append(at / name)
    return sorted(found)


def shard_of(items: Sequence[Item], shard: str) -> list[Item]:
    """Of ``i/n`` every n-th item from the i-th on (counted from 1): all shards together are all items, each once.

    Raises:
        HarkenError: when it is no such pair.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", shard)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of:
        raise HarkenError(f"--shard {shard}: give the number of this shard and of all, such as 3/20")
    return list(items[number - 1 :: of])
