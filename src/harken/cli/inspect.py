"""``harken inspect``: what is in these recordings."""

from harken.cli.options import Files, Json, with_reading_options
from harken.readers.options import TableOptions

__all__ = ["inspect"]


@with_reading_options
def inspect(files: Files, *, reading: TableOptions, json: Json = False) -> None:
    """Show what is in recordings: rows, rate, gaps, ranges, labels, and what was mended."""
    raise NotImplementedError
