"""Physics Toolbox's CSV file (Vieyra Software's app) -> a Recording. Never run on a real file.

From files that others show: ``time,gFx,gFy,gFz,TgF`` of its g-force meter, in g, and ``time,ax,ay,az,aT`` of its linear
accelerometer, in m/s² and without gravity. Times count in seconds from the start or are text with a date. Which
phone wrote it is not said, and on an iPhone all three axes may point the other way round.
"""

from pathlib import Path

from harken.readers.columns import Columns
from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import NO_GRAVITY, cut_short_note, first_look, never_run
from harken.readers.layout import Layout
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.table_source import TableSource
from harken.recordings.source import Source
from harken.support.errors import HarkenError

__all__ = ["open_source", "recognises"]

TIME = "time"
G_FORCE = ("gFx", "gFy", "gFz")
LINEAR = ("ax", "ay", "az")
LINEAR_TOTAL = "aT"
"""The column that tells its linear acceleration from anybody's table with columns ax, ay and az."""
SIGNS = "The file does not say which phone wrote it: on an iPhone all three axes may point the other way round."


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` has Physics Toolbox's names of columns."""
    layout = first_look(path, head)
    return layout is not None and _axes(layout) is not None


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a CSV file of Physics Toolbox. See ``harken.readers.read``.

    Raises:
        HarkenError: when it has none of the app's columns of acceleration.
    """
    layout = layout_of(path)
    axes = _axes(layout)
    if axes is None or layout.header is None:
        raise HarkenError(f"{path}: has no columns {TIME} and {', '.join(G_FORCE)}, as a file of Physics Toolbox has")
    time, x, y, z = (layout.header.index(name) for name in (TIME, *axes))
    unit: AccelerationUnit = "g" if axes == G_FORCE else "m/s2"
    table = CsvTable(path, layout, Columns(time=time, x=x, y=y, z=z), unit)
    notes = [NO_GRAVITY] if axes == LINEAR else []
    notes += [SIGNS, never_run("Physics Toolbox's files"), *cut_short_note(path)]
    return TableSource(table, options, notes=notes)


def _axes(layout: Layout) -> tuple[str, str, str] | None:
    header = set(layout.header or ())
    if {TIME, *G_FORCE} <= header:
        return G_FORCE
    return LINEAR if {TIME, *LINEAR, LINEAR_TOTAL} <= header else None
