"""Reader of CSV files of Physics Toolbox (Vieyra Software's app). Never run on a real file.

Source: published example files. They have the columns ``time,gFx,gFy,gFz,TgF`` for the g-force meter, in g, or
``time,ax,ay,az,aT`` for the linear accelerometer, in m/s² and without gravity. Times are seconds from the start, or
text with a date. The file does not state the phone, and on an iPhone the signs of all three axes may be reversed.
"""

from pathlib import Path

from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import NO_GRAVITY, cut_short_note, first_look, never_run
from harken.readers.layout import Columns, Layout
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.table import TableSource
from harken.recordings.source import Source
from harken.support.errors import HarkenError

TIME = "time"
G_FORCE = ("gFx", "gFy", "gFz")
LINEAR = ("ax", "ay", "az")
LINEAR_TOTAL = "aT"
"""The column that distinguishes its linear acceleration from other tables with columns ax, ay and az."""
SIGNS = "The file does not name the phone: on an iPhone, the signs of all three axes may be reversed."


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` has the column names of Physics Toolbox."""
    layout = first_look(path, head)
    return layout is not None and _axes(layout) is not None


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a CSV file of Physics Toolbox. See ``harken.readers.read``.

    Raises:
        HarkenError: when the file has no acceleration columns of the app.
    """
    layout = layout_of(path)
    axes = _axes(layout)
    if axes is None or layout.header is None:
        raise HarkenError(
            f"{path}: has no columns {TIME} and {', '.join(G_FORCE)}, which a file of Physics Toolbox has"
        )
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
