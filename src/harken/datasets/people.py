"""Files of people's recordings: tables with a column of subjects, and tidy tables, are read; CSV files are written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.annotations.find import label_recordings, refuse_shared_rows
from harken.annotations.options import LabelOptions
from harken.datasets.tidy import recordings_of_tables
from harken.readers import open_source, recording_of
from harken.readers.options import TableOptions, changed
from harken.readers.table_source import ANOTHER_SUBJECT, SeveralRecordingsError, TableSource
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.support.files import make_folder, write_text
from harken.support.printable import listed

OF_TIDY_TABLES = frozenset(
    {"label_column", "acceleration_unit", "gravity_sign", "sensor_range_g", "timezone", "subject"}
)
"""The fields of ``TableOptions`` that apply to tidy tables, whose other columns have fixed names."""


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
    gives one recording for each person, sorted by name; ``source`` then ends in the person's name. Such a table is held
    in memory together with the recordings. A table with sessions or placements is read by
    ``harken.datasets.tidy.read_tidy``, one recording for each person and placement.

    Args:
        path: the file.
        options: how to read a table. With ``subject`` only this person's recordings are read.
        as_found: give recordings with all rows in the file's order, not mended.
        labels: where the labels are. None: in the file beside the recording if there is one
            (``harken.annotations.find.side_file``), else in the recording. Labels are not renamed here.
        of_several: whether other files are read with the same ``labels``.
        one_person: refuse a table with several names, as ``harken.read`` does, before all of it is read.

    Raises:
        HarkenError: when the file cannot be read, a person has no readable row, or an option for columns or times is
            given for a tidy table; as ``harken.annotations.find.label_recordings``.
    """
    recordings = _people(path, options, as_found=as_found, one_person=one_person)
    zone_known = options.timezone is not None
    return label_recordings(
        recordings, Path(path), labels or LabelOptions(), of_several=of_several, zone_known=zone_known
    )


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
                raise HarkenError(f"{recording.source or path}: one sample is too short for a window")
            self.people.append((path, recording.subject))
            self.label_names.update(recording.label_names)
            if recording.label_source:
                self.label_sources[path, recording.label_source] = None
        return recordings


def _people(path: str | Path, options: TableOptions, *, as_found: bool, one_person: bool) -> list[Recording]:
    source = open_source(path, options)
    try:
        return [recording_of(source, options, as_found=as_found)]
    except SeveralRecordingsError as error:
        if error.tidy:
            return _tidy(path, options, as_found=as_found)
        if one_person or not isinstance(source, TableSource):
            raise
        return [
            _own(recording_of(source.of_person(name), options, as_found=as_found), f"{path}, {name}")
            for name in error.people
        ]


def _own(recording: Recording, source: str) -> Recording:
    """One person's recording in a table, without the counts and labels of other people's rows."""
    codes = np.unique(recording.label_codes)
    recording = recording.with_label_names(tuple(recording.label_names[code] for code in codes if code != UNLABELLED))
    quality = recording.quality
    dropped = dict(quality.dropped)
    own_rows = quality.rows - dropped.pop(ANOTHER_SUBJECT, 0)
    return replace(recording, source=source, quality=replace(quality, rows=own_rows, dropped=dropped))


def _tidy(path: str | Path, options: TableOptions, *, as_found: bool) -> list[Recording]:
    unfit = [name for name in changed(options) if name not in OF_TIDY_TABLES]
    if unfit:
        raise HarkenError(
            f"{path}: this is a table of several recordings, whose columns must have the names that "
            f"harken.datasets.tidy describes; it cannot be read with {', '.join(unfit)}"
        )
    recordings = recordings_of_tables(Path(path), options, as_found=as_found)
    chosen = [one for one in recordings if options.subject in (None, one.subject)]
    if not chosen:
        people = sorted({one.subject for one in recordings})
        raise HarkenError(f"{path}: has no subject {options.subject!r}; its subjects are {listed(people)}")
    return chosen


def write_recordings(recordings: Sequence[Recording], folder: Path) -> list[Path]:
    """Write each recording's acceleration, labels and subject as CSV, in the notebook's format without ``P``.

    The files are ``SUBJECT.csv``, and for further recordings of a person ``SUBJECT_2.csv`` and so on. An existing file
    is left as it is. Returns the paths in the order of the recordings.

    Raises:
        HarkenError: when ``folder`` cannot be made.
        OSError: when a file cannot be written.
    """
    make_folder(folder)
    written: dict[Path, None] = {}
    for recording in recordings:
        numbers = ("", *(f"_{number}" for number in range(2, len(recordings) + 1)))
        names = (folder / Path(f"{recording.subject}{number}.csv").name for number in numbers)
        path = next(name for name in names if name not in written)
        written[path] = None
        if not path.exists():
            write_text(path, _as_table(recording).write_csv())
    return list(written)


def _as_table(recording: Recording) -> pl.DataFrame:
    """A row for each sample: ms since 1970, m/s², label and subject."""
    labels = np.array([*recording.label_names, ""])
    acceleration = (recording.signals[:, :3].astype(np.float64) * STANDARD_GRAVITY).round(5)
    return pl.DataFrame(
        {
            "Timestamp": recording.time_ns // 10**6,
            **{axis.upper(): acceleration[:, i] for i, axis in enumerate("xyz")},
            "Label": labels[recording.label_codes],
            "Subject": np.full(len(recording), recording.subject),
        }
    )
