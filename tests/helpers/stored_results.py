"""Folders of results that a test changes as harken would have written them: their digests are written again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from harken.labelling.stored import DIGESTS, OWN_DIGEST, write_summary


def sign_results(folder: Path) -> None:
    """Write the digests of the files in a folder of results as they are now."""
    summary = json.loads((folder / "summary.json").read_text())
    write_summary(folder, {name: value for name, value in summary.items() if name not in (DIGESTS, OWN_DIGEST)})


def change_json(path: Path, **fields: Any) -> None:
    """Change fields of ``summary.json`` or ``quality.json``."""
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    sign_results(path.parent)


def change_table(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change a table of results."""
    change(pl.read_parquet(path)).write_parquet(path)
    sign_results(path.parent)
