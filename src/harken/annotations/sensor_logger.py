"""Annotations of Sensor Logger: the file ``Annotation.csv`` of an export.

Source: the app's documentation (github.com/tszheichoi/awesome-sensor-logger, UNITS.md): ``time`` is in nanoseconds
since 1970, ``seconds_elapsed`` in seconds since the start of the recording, ``text`` what the user entered, and
``millisecond_press_duration`` how long the button was pressed. Never read on a real export.
"""

from harken.annotations.columns import Columns, Rows
from harken.annotations.entries import Annotations

__all__ = ["FORMAT", "MEMBER", "read"]

FORMAT = "annotations of Sensor Logger"
MEMBER = "Annotation.csv"
"""The name of the file in an export."""
NEEDED = {"time", "seconds_elapsed", "text"}


def read(table: Rows) -> Annotations | None:
    """Read such a file; None if it is of another format. Annotations are points; see ``Annotations.points``."""
    names = table.rows[0][1]
    if not set(names) >= NEEDED:
        return None
    positions = {"start": names.index("time"), "label": names.index("text")}
    columns = Columns(table.path, positions, max(positions.values()) + 1)
    return Annotations(table.path, FORMAT, tuple(columns.entry(*row) for row in table.rows[1:]), points=True)
