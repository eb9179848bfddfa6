"""Files of people's recordings, with their labels: each person's recording is read."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harken.annotations.find import label_recordings, refuse_shared_rows
from harken.annotations.options import LabelOptions
from harken.readers import file_errors, open_source, recording_of
from harken.readers.options import TableOptions
from harken.readers.table_recordings import holds_several, read_several
from harken.readers.table_source import TableSource
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError


def read_people(
    path: str | Path,
    options: TableOptions,
    *,
    as_found: bool = False,
    labels: LabelOptions | None = None,
    of_several: bool = False,
    one_person: bool = False,
) -> list[Recording]:
    """Read every person's recording in a file, with the labels in a file of labels, else its own.

    A file of one person gives one recording, as ``harken.read`` does. A table with several names in its subject column
    gives one recording for each person, sorted by name; ``source`` then ends in the person's name. A table with
    sessions or placements gives one recording for each person and placement, as ``harken.datasets.tidy.read_tidy``
    does. Such tables are read once, into memory.

    Args:
        path: the file.
        options: how to read a table. With ``subject`` only this person's recordings are read.
        as_found: give recordings with all rows in the file's order, not mended.
        labels: where the labels are. None: in the file beside the recording if there is one
            (``harken.annotations.folders.side_file``), else in the recording. Labels are not renamed here.
        of_several: whether other files are read with the same ``labels``.
        one_person: refuse a table with several names, as ``harken.read`` does.

    Raises:
        HarkenError: when the file cannot be read, or a person has no readable row; as
            ``harken.annotations.find.label_recordings``.
    """
    recordings = _people(path, options, as_found=as_found, one_person=one_person)
    zone_known = options.timezone is not None
    return label_recordings(
        recordings, Path(path), labels or LabelOptions(), of_several=of_several, zone_known=zone_known
    )


def read_values(path: str | Path, options: TableOptions, column: str) -> dict[str, tuple[str, ...]]:
    """Read which values a column of a table has for each person, sorted; empty cells do not count.

    Args:
        path: the table.
        options: how to read it.
        column: the name of the column.

    Raises:
        HarkenError: as ``read_people``, and when there is no such column.
    """
    values: dict[str, set[str]] = {}
    # The column is read in place of that of the labels, which also has a text for each row.
    for recording in _people(path, replace(options, label_column=column), as_found=True, one_person=False):
        values.setdefault(recording.subject, set()).update(recording.label_names)
    return {person: tuple(sorted(names)) for person, names in values.items()}


class LabelledFiles:
    """Reads the labelled recordings of files, one file after the other, and notes what concerns all of them.

    Args:
        paths: the files for which the labels are.
        reading: how to read tables.
        labels: where the labels are.
        as_found: give recordings with all rows in the file's order, not mended.
        one_person: refuse a table with several names.

    Attributes:
        paths, labels: as above.
        people: the file and the wearer of each recording that was read.
        label_names: the labels of all recordings, before they are renamed.
        label_sources: each file whose labels are in another file: that file, and its format.

    Raises:
        HarkenError: when a row of the file of labels may be for two of the files.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        reading: TableOptions,
        labels: LabelOptions,
        *,
        as_found: bool = False,
        one_person: bool = False,
    ) -> None:
        refuse_shared_rows(paths, labels)
        self.paths, self.labels, self._reading = paths, labels, reading
        self._as_found, self._one_person = as_found, one_person
        self.people: list[tuple[Path, str]] = []
        self.label_names: set[str] = set()
        self.label_sources: dict[tuple[Path, str], None] = {}

    def read(self, path: Path) -> list[Recording]:
        """The recordings of all people in one of the files. Raises as ``read_people``, and for a single sample."""
        several = len(self.paths) > 1
        recordings = read_people(
            path,
            self._reading,
            as_found=self._as_found,
            labels=self.labels,
            of_several=several,
            one_person=self._one_person,
        )
        for recording in recordings:
            if len(recording) < 2:
                raise HarkenError("one sample is too short for a window", path=recording.source or path)
            self.people.append((path, recording.subject))
            self.label_names.update(recording.label_names)
            if recording.label_source:
                self.label_sources[path, recording.label_source] = None
        return recordings


def _people(path: str | Path, options: TableOptions, *, as_found: bool, one_person: bool) -> list[Recording]:
    source = open_source(path, options)
    of_a_table = isinstance(source, TableSource) and holds_several(source, options)
    if not isinstance(source, TableSource) or not of_a_table or (one_person and not source.table.tidy):
        return [recording_of(source, options, as_found=as_found)]
    with file_errors(path):
        return read_several(source, options, as_found=as_found)
