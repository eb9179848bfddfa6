"""The rows of a text table in pieces, for the readers of CSV files of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from harken.readers.columns import Columns
from harken.readers.csv import TextTable
from harken.readers.layout import Layout
from harken.readers.parts.found import CannotStreamError, Found
from harken.recordings.source import SourceChangedError

__all__ = ["text_frames"]


def text_frames(
    path: Path, layout: Layout, columns: Columns, *, typed: bool, otherwise: Callable[[], Found]
) -> Iterator[pl.DataFrame]:
    """See ``harken.readers.csv.read_frames``.

    Args:
        path, layout, columns, typed: the file.
        otherwise: looks at the file anew, not ``typed``.

    Raises:
        CannotStreamError: when it takes the other way.
        HarkenError: as ``read_frames``.
    """
    table = TextTable(path, layout, columns)
    table._typed = typed
    try:
        yield from table.frames()
    except SourceChangedError as error:
        raise CannotStreamError("its numbers change form on the way", instead=otherwise) from error
