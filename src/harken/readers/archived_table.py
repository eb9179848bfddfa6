"""The table of acceleration in a zip archive of tables, such as an export of phyphox.

An archive of phyphox has one table for each sensor, and a folder ``meta`` with the times at which the experiment was
started and paused.
"""

import re
from pathlib import Path

from harken.readers.app_columns import LINEAR_FILE
from harken.readers.layout import SNIFFED_BYTES, find_columns, recognise_layout
from harken.readers.options import TableOptions
from harken.readers.unpacking import is_zip, member_paths, opened
from harken.support.errors import HarkenError
from harken.support.printable import listed

ENDINGS = (".csv", ".csv.gz")
META = "meta"
MOST_TABLES = 50
"""An export has about ten tables. An archive of thousands is slow to search."""
MOST_SHOWN = 5
GRAVITY_ALONE = re.compile(r"(?!.*acc).*grav", re.IGNORECASE)
"""How the name of a table of gravity alone begins; not ``acceleration including gravity``."""


def find_table(path: Path, options: TableOptions) -> Path:
    """Find the table in a file: the file itself, or the one table of acceleration in a zip archive.

    A table of acceleration with gravity is preferred to one without. An archive without any CSV file is returned
    itself: it may be an Excel sheet, and the reader of tables refuses it.

    Raises:
        HarkenError: when the archive is damaged, or has several tables of acceleration, or none.
    """
    with path.open("rb") as file:
        if not is_zip(file.read(4)):
            return path
    members = [member for member in member_paths(path) if _is_table(member.relative_to(path))][:MOST_TABLES]
    if not members:
        return path
    tables = []
    errors = []
    for member in members:
        try:
            _check_columns(member, options)
            tables.append(member)
        except HarkenError as error:
            errors.append(error)
    tables = [table for table in tables if LINEAR_FILE.search(table.stem) is None] or tables
    if not tables:
        raise errors[0]
    if len(tables) > 1:
        names = [table.relative_to(path).as_posix() for table in tables[:MOST_SHOWN]]
        raise HarkenError(
            f"contains several tables of acceleration, such as {listed(names)}; unpack the archive, and name "
            "one of them",
            path=path,
        )
    return tables[0]


def _is_table(name: Path) -> bool:
    return name.name.lower().endswith(ENDINGS) and META not in name.parts


def _check_columns(path: Path, options: TableOptions) -> None:
    """Raise a HarkenError when a file is not a table with columns of acceleration."""
    if GRAVITY_ALONE.match(path.stem):
        raise HarkenError("contains gravity alone, not acceleration", path=path)
    with opened(path) as file:
        head = file.read(SNIFFED_BYTES)
    lines = head.split(b"\n")[options.skip_rows :]
    layout = recognise_layout(path, b"\n".join(lines), options.skip_rows)
    find_columns(path, layout.header, layout.rows[0], options)
