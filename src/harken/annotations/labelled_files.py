"""The recordings of all people in files, with their labels.

Labels are read from the file that the user names, else from the file beside the recording, else from the recording
itself.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harken.annotations.bouts import Annotations, laid_over, span_of, without_bout_ends
from harken.annotations.folders import recording_names, side_file
from harken.annotations.formats import annotations_in, read_annotations
from harken.annotations.options import LabelOptions
from harken.annotations.routine_start import correct_starts
from harken.annotations.spelling import nearly_alike, one_spelling, spelling
from harken.readers import file_errors, open_source, recording_of
from harken.readers.options import TableOptions
from harken.readers.table_recordings import holds_several, read_several
from harken.readers.table_source import TableSource
from harken.recordings.inspection import labelled_time
from harken.recordings.recording import READ_AS_UTC, Recording, recoded
from harken.support.errors import HarkenError
from harken.support.files import real_path
from harken.support.printable import duration_text, listed, printable, quoted
from harken.support.text_rows import line_error

MOST_NAMED = 5
SHORT_S = 10.0
"""A label that all recordings together have for less time than this may be a slip."""


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
        HarkenError: when the file cannot be read, or a person has no readable row; as ``label_recordings``.
    """
    recordings = _read_all(path, options, as_found=as_found, one_person=one_person)
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
    for recording in _read_all(path, replace(options, label_column=column), as_found=True, one_person=False):
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


def _read_all(path: str | Path, options: TableOptions, *, as_found: bool, one_person: bool) -> list[Recording]:
    source = open_source(path, options)
    of_a_table = isinstance(source, TableSource) and holds_several(source, options)
    if not isinstance(source, TableSource) or not of_a_table or (one_person and not source.table.tidy):
        return [recording_of(source, options, as_found=as_found)]
    with file_errors(path):
        return read_several(source, options, as_found=as_found)


def with_labels(
    recording: Recording,
    labels: str | Path,
    *,
    offset_s: float = 0.0,
    trim_s: float = 0.0,
    rename: Mapping[str, str] | None = None,
) -> Recording:
    """A recording with the labels of a file, in place of its own. Samples that the file does not cover have no label.

    >>> import harken
    >>> from pathlib import Path
    >>> from harken.annotations.labelled_files import with_labels
    >>> _ = Path("notes.csv").write_text("start,end,label\\n0,60,resting\\n60,120,walking\\n")
    >>> with_labels(harken.read("alice.csv"), "notes.csv", rename={"resting": "sitting"}).label_names
    ('sitting', 'walking')

    Args:
        recording: the recording, mended or as found.
        labels: the file of labels; see ``harken.annotations.formats.read_annotations``. If it has a column of files or
            subjects, only the rows of this recording count.
        offset_s: seconds added to each time of the file.
        trim_s: seconds without a label at both ends of each bout.
        rename: new names of labels, by the old ones.

    Raises:
        HarkenError: when the file cannot be read; when an interval overlaps another one, runs backward, or lies outside
            the recording; and when the samples do not show when a routine began. The message has the line.
    """
    options = LabelOptions.of(labels, offset_s=offset_s, trim_s=trim_s, rename=rename)
    laid = _laid(recording, Path(labels), Path(recording.file or recording.source), options)
    return renamed(laid, options.new_names(laid.label_names))


def label_recordings(
    recordings: Iterable[Recording],
    path: Path,
    options: LabelOptions,
    *,
    of_several: bool = False,
    zone_known: bool = False,
) -> list[Recording]:
    """The recordings of a file with the labels that ``options`` say, trimmed by their new names, but not renamed yet.

    Args:
        recordings: the recordings of all people in the file, mended or as found.
        path: the file.
        options: where the labels are.
        of_several: whether there are other recordings, so that a file of labels must say for which its rows are.
        zone_known: whether the user gave the time zone. Otherwise there is a note if local times are read as UTC.

    Raises:
        HarkenError: as ``with_labels``; and when a file of labels does not say for which of several recordings its
            rows are.
    """
    recordings = list(recordings)
    found = options.path or find_labels_beside(path)
    if found is None:
        return [
            without_bout_ends(recording, options.trim_s, _bout_names(options, recording.label_names))
            for recording in recordings
        ]
    several = len(recordings) > 1 or (of_several and options.path is not None)
    if several and not read_annotations(found).names:
        raise HarkenError(
            f"these labels are for several recordings; add a column file or subject that says for which "
            f"recording a row is, or put a file beside each recording, such as {side_file(path).name}",
            path=found,
        )
    return [_laid(recording, found, path, options, zone_known=zone_known) for recording in recordings]


def find_labels_beside(path: Path) -> Path | None:
    """Find the file of labels beside a recording, or in its folder or archive; None without one.

    Raises:
        HarkenError: when the folder or archive has several files of labels.
    """
    beside = side_file(path)
    try:
        return beside if beside.is_file() else annotations_in(path)
    except OSError:  # the reader of the recording has the error
        return None


def refuse_shared_rows(files: Iterable[str | Path], options: LabelOptions) -> None:
    """Check that each row of the file of labels that ``options`` name is for one of the recordings.

    A row with a subject is for the recordings of this wearer, who is not known yet.

    Raises:
        HarkenError: when the column ``file`` of a row without a subject fits two recordings; the message has the line.
    """
    recordings = {real_path(Path(file)): Path(file) for file in files}
    if options.path is None or len(recordings) < 2:
        return
    annotations = read_annotations(options.path)
    fitting: dict[str | None, list[Path]] = {}
    for path in recordings.values():
        for file in annotations.files_of(recording_names(path)):
            fitting.setdefault(file, []).append(path)
    for entry in annotations.entries:
        own = fitting.get(entry.file, [])
        if len(own) > 1 and entry.subject is None:
            sentence = f"the file {entry.file!r} may be {own[0]} or {own[1]}; write it with its folder and its ending"
            raise line_error(options.path, entry.line, sentence)


def rows_of_nobody(options: LabelOptions, recordings: Iterable[tuple[Path, str]]) -> str | None:
    """Which rows of the file of labels that ``options`` name are for none of these recordings, as a sentence.

    Args:
        options: where the labels are.
        recordings: the file and the wearer of each recording.

    Returns:
        The sentence; None if there are none, or all labels are elsewhere.
    """
    if options.path is None or not (annotations := read_annotations(options.path)).names:
        return None
    fitting: set[tuple[str | None, str | None]] = set()
    for path, subject in recordings:
        for file in (None, *annotations.files_of(recording_names(path))):
            fitting |= {(file, None), (file, subject)}
    lines: dict[str, set[int]] = {}  # a start of a routine is one row with several labels
    for entry in annotations.entries:
        if (entry.file, entry.subject) not in fitting:
            lines.setdefault(" of ".join(filter(None, (entry.file, entry.subject))), set()).add(entry.line)
    if not lines:
        return None
    count = sum(map(len, lines.values()))
    shown = listed([f"“{name}” (line {min(found)})" for name, found in list(lines.items())[:MOST_NAMED]])
    rows = "a row is" if count == 1 else f"{count:,} rows are"
    return f"{rows} for none of these recordings: {shown}{' and others' if len(lines) > MOST_NAMED else ''}"


def by_new_names(recording: Recording, options: LabelOptions) -> Recording:
    """The recording of ``label_recordings`` with the new names of its labels.

    Raises:
        HarkenError: when it had labels, and trimming left none.
    """
    had_labels = recording.label_names or recording.label_source
    if options.trim_s and had_labels and recording.unlabelled_rows == len(recording):
        raise HarkenError(
            f"no row has a label after --trim {options.trim_s:g}, which drops bouts of up to "
            f"{2 * options.trim_s:g} s; give fewer seconds",
            path=recording.source,
        )
    return renamed(recording, options.new_names(recording.label_names))


def renamed(recording: Recording, rename: Mapping[str, str]) -> Recording:
    """A recording with other names of labels. Labels that get the same name become one."""
    new = tuple(rename.get(name, name) for name in recording.label_names)
    if new == recording.label_names:
        return recording
    names = tuple(sorted(set(new)))
    return replace(recording, label_codes=recoded(recording.label_codes, new, names), label_names=names)


def label_spellings(*groups: Iterable[Recording]) -> tuple[dict[str, str], list[str]]:
    """One name for labels that differ in case or spaces alone, and sentences on labels that may be misspelt.

    Args:
        groups: mended recordings; for the name of a label, those of an earlier group count before those of a later one.

    Returns:
        The name that each label is used by, and the sentences: which names are one, which ones are nearly alike, and
        which ones last less than ten seconds in all recordings together.
    """
    seconds: list[dict[str, float]] = [{} for _ in groups]
    for group, of_group in zip(groups, seconds, strict=True):
        for recording in group:
            for name, time in labelled_time(recording)[1].items():
                of_group[name] = of_group.get(name, 0.0) + time.total_s
    used = one_spelling(*seconds)
    total = dict.fromkeys(used.values(), 0.0)
    for of_group in seconds:
        for name, length_s in of_group.items():
            total[used[name]] += length_s
    merged = [
        f"{quoted(sorted(names))} differ in case or spaces alone and are one label, “{name}”."
        for name in total
        if len(names := [each for each in used if used[each] == name]) > 1
    ]
    return used, [printable(sentence) for sentence in (*merged, *_slips(total))]


def _slips(seconds: Mapping[str, float]) -> Iterator[str]:
    """Sentences on labels that may be misspelt, with the option that renames them."""
    names = sorted(seconds, key=lambda name: (-seconds[name], name))
    lasting = {name: f"“{name}” ({duration_text(seconds[name])})" for name in names}
    near = [
        (name, alike)
        for place, name in enumerate(names)
        if (alike := next((other for other in names[:place] if nearly_alike(name, other)), None))
    ]
    for name, alike in near:
        rename = shlex.quote(f"{name}={alike}")
        yield f"Is {lasting[name]} the same as “{alike}”? If so, add --rename {rename} to harken train (old=new)."
    short = [name for name in names if seconds[name] < SHORT_S and name not in dict(near)]
    if short and seconds[names[0]] >= SHORT_S:  # else all labels are short, and none stands out
        few = [lasting[name] for name in short[:MOST_NAMED]]
        more = [f"{len(short) - MOST_NAMED:,} more labels"] if len(short) > MOST_NAMED else []
        rename = " ".join(f"--rename {shlex.quote(f'{name}=LABEL')}" for name in short[:MOST_NAMED])
        yield f"There is little of {listed(few + more)}. If it is another word for LABEL, train with {rename}."


def _laid(
    recording: Recording, labels: Path, path: Path, options: LabelOptions, *, zone_known: bool = False
) -> Recording:
    annotations = read_annotations(labels).of_recording(recording_names(path), recording.subject)
    return lay_rows(recording, annotations, options, zone_known=zone_known)


def lay_rows(
    recording: Recording, annotations: Annotations, options: LabelOptions, *, zone_known: bool = False
) -> Recording:
    """Return a recording with the labels of rows that are for it, in place of its own.

    Args:
        recording: the recording, mended or as found.
        annotations: the rows of a file of labels.
        options: how to shift, trim and rename the labels.
        zone_known: whether the user gave the time zone. Otherwise there is a note if local times are read as UTC.

    Raises:
        HarkenError: as ``with_labels``.
    """
    file_name = annotations.path.name
    annotations, notes = correct_starts(annotations, recording, offset_s=options.offset_s)
    intervals = annotations.intervals(span_of(recording), offset_s=options.offset_s, offset_flag=options.offset_flag)
    names = _bout_names(options, intervals.label_names)
    bouts = intervals.renamed(names)
    read_as_utc = recording.timezone == "UTC" and not zone_known and annotations.has_local_times
    if read_as_utc and READ_AS_UTC not in recording.quality.notes:
        notes.append(
            f"Times in {file_name} have no time zone and were read as UTC; give the wearer's time zone with --timezone."
        )
    if options.trim_s and (lost := len(bouts.joined()) - len(bouts.trimmed(options.trim_s))):
        notes.append(f"Bouts in {file_name} not longer than the {2 * options.trim_s:g} s that --trim drops: {lost:,}.")
    trimmed = intervals.trimmed(options.trim_s, names)
    return laid_over(replace(recording, quality=recording.quality.noting(*notes)), trimmed)


def _bout_names(options: LabelOptions, names: Iterable[str]) -> dict[str, str]:
    """The names by which neighbours are one bout, for each label."""
    return {old: spelling(new) for old, new in options.new_names(names).items()}
