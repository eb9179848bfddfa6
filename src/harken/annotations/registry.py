"""Reading of a file of labels, whose format is recognised by its content, within limits."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from harken.annotations import elan, exports, plain
from harken.annotations.columns import Rows
from harken.annotations.entries import Annotations
from harken.readers.folders import SIDE
from harken.readers.unpacking import folder_files, is_zip, member_paths, opened
from harken.support.errors import HarkenError
from harken.support.text_rows import content_of, text_rows

READERS: tuple[Callable[[Rows], Annotations | None], ...] = (
    exports.read_sensor_logger,
    exports.read_bids,
    elan.read,
    exports.read_audacity,
    plain.read,
)
"""In the order of recognition. The last one reads every table."""


def read_annotations(path: str | Path) -> Annotations:
    """Read a file of labels: a plain table, annotations of Sensor Logger, a label track of Audacity, a tab-delimited
    export of ELAN, or events of BIDS. ``docs/labels.md`` describes them.

    >>> from pathlib import Path
    >>> from harken.annotations.registry import read_annotations
    >>> _ = Path("notes.csv").write_text("start,end,label\\n0,60,lying\\n60,120,walking\\n")
    >>> notes = read_annotations("notes.csv")
    >>> notes.format, [entry.label for entry in notes.entries]
    ('plain table', ['lying', 'walking'])

    Args:
        path: the file, or an export of Sensor Logger (a folder or a zip archive) that contains one.

    Raises:
        HarkenError: when the file cannot be read, is larger than 16 MiB, has more than 100,000 rows, or has a broken
            line; the message has the line and what to do.
    """
    path = Path(path)
    try:
        if (found := annotations_in(path)) is not None:
            path = found
        with opened(path) as file:
            content = content_of(path, file, what="file of labels")
    except FileNotFoundError as error:
        raise HarkenError(f"{path}: there is no such file of labels") from error
    except OSError as error:
        raise HarkenError(f"{path}: the labels cannot be read ({error.strerror or error})") from error
    return _parsed(path, content)


def annotations_in(path: Path) -> Path | None:
    """The file of labels in a folder or a zip archive: ``*.labels.csv``, or the annotations of Sensor Logger.

    Raises:
        HarkenError: when there are several such files.
    """
    if path.is_dir():
        files = folder_files(path)
    elif not path.is_file() or not is_zip(_head(path)):
        return None
    else:
        try:
            files = member_paths(path)
        except HarkenError:  # the reader of the recording has the error, unless it can read the archive nevertheless
            return None
    for ending in (SIDE, exports.SENSOR_LOGGER_MEMBER):
        found = [file for file in files if file.name.endswith(ending)]
        if len(found) > 1:
            names = " and ".join(file.relative_to(path).as_posix() for file in found[:2])
            raise HarkenError(f"{path}: contains several files of labels, {names}; name one with --labels")
        if found:
            return found[0]
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


@lru_cache(maxsize=4)  # the same file may serve many recordings
def _parsed(path: Path, content: bytes) -> Annotations:
    rows: list[tuple[int, list[str]]] = []
    remarks = False
    if b"\0" in content:
        raise HarkenError(f"{path}: this is not a text table (it contains zero bytes); save it as CSV in UTF-8")
    for line, fields in text_rows(path, content, what="file of labels"):
        if fields[0].startswith("#"):
            remarks = True
        else:
            rows.append((line, fields))
    if not rows:
        raise HarkenError(f"{path}: the file of labels is empty")
    table = Rows(path, rows, tabs=b"\t" in content.splitlines()[rows[0][0] - 1], remarks=remarks)
    return next(found for read in READERS if (found := read(table)) is not None)
