"""The truth of a study from files: labels of a video, of a diary, or of another sensor.

Where there is such a truth, nothing is drawn: all half minutes that it covers are compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harken.annotations.bouts import Intervals
from harken.annotations.folders import recording_names
from harken.annotations.formats import read_annotations
from harken.annotations.labelled_files import by_new_names, find_labels_beside, read_people
from harken.annotations.options import LabelOptions
from harken.annotations.spelling import spelling
from harken.annotations.times import Kind, Span
from harken.labelling.check.clips import CLIP_NS, LEAST_LABELLED_S, make_frame
from harken.labelling.check.estimates import Frame, NamedClips, list_labels
from harken.labelling.check.survey import LabelledRows, Survey, read_labelled_rows
from harken.labelling.stored import TIMELINE, StoredResults
from harken.readers.options import TableOptions
from harken.recordings.recording import UNLABELLED
from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import quoted


class Truth(NamedTuple):
    """The truth of some of the time of a study.

    Attributes:
        frame: all labelled time of the study.
        clips: the half minutes whose truth is known.
        files: how many recordings have a truth.
        without: recordings without a truth, and why.
    """

    frame: Frame
    clips: NamedClips
    files: int
    without: dict[str, str]


@dataclass(frozen=True)
class _Compared:
    """The half minutes of a recording whose truth is known, summed by stratum.

    Attributes:
        subject: the wearer.
        names: the labels of the truth.
        shares: how many clips have each label of the model and each label of the truth, float64 ``[labels, labels,
            names]``, by stratum.
        count: how many clips each stratum has, int64 ``[labels]``.
    """

    subject: str
    names: tuple[str, ...]
    shares: Float64Array
    count: Int64Array


def read_truth(
    survey: Survey,
    options: LabelOptions,
    reading: TableOptions,
    *,
    on_share: Callable[[float], None] = lambda _: None,
) -> Truth:
    """Compare the labels of a study with those of files.

    Args:
        survey: the study.
        options: where the truth is: a file for all recordings, or else the file beside each recording, or else the
            labels in the recording.
        reading: how to read recordings.
        on_share: called with the share that is done.

    Raises:
        HarkenError: when no recording has a truth. What is wrong with one recording does not stop the others.
    """
    compared: list[_Compared] = []
    without: dict[str, str] = {}
    first_error: HarkenError | None = None
    for number, file in enumerate(survey.files):
        on_share(number / len(survey.files))
        stored = file.stored
        try:
            rows = read_labelled_rows(stored, survey.labels, nights=survey.nights)
            true = _find_truth(stored, rows, options, reading)
            compared.append(_compare(stored, rows, true, survey.labels))
        except HarkenError as error:
            without[stored.folder.name] = str(error)
            first_error = first_error or error
    if not compared:
        assert first_error is not None, "a survey has files"
        raise first_error
    names = [name for file in compared for name in file.names]
    frame = make_frame(survey.labels, survey.people, survey.probabilities, names)
    return Truth(frame, _join(compared, frame), len(compared), without)


class _TrueBouts(NamedTuple):
    """Bouts of the truth of a recording, in order.

    Attributes:
        start_ns, end_ns: int64 ``[bouts]``, ns since 1970 (UTC).
        labels: of each.
    """

    start_ns: Int64Array
    end_ns: Int64Array
    labels: tuple[str, ...]


def _find_truth(stored: StoredResults, rows: LabelledRows, options: LabelOptions, reading: TableOptions) -> _TrueBouts:
    path, subject = Path(stored.summary["file"]), stored.summary["subject"]
    labels = options.path or find_labels_beside(path)
    if labels is None:
        return _find_own_labels(path, subject, options, reading)
    if not len(rows.span_ns):
        raise HarkenError("nothing of it is labelled", path=path)
    span = _find_span(stored, rows.timezone)
    annotations = read_annotations(labels).of_recording(recording_names(path), subject)
    if not annotations.points and annotations.kinds <= {Kind.INSTANT, Kind.LOCAL}:
        # A person may have several recordings, of which each has some of the rows.
        annotations = annotations.lying_in(span)
    placed = annotations.intervals(span, offset_s=options.offset_s, offset_flag=options.offset_flag)
    names = options.new_names(placed.label_names)
    intervals: Intervals = placed.trimmed(options.trim_s, names).renamed(names)
    return _TrueBouts(intervals.start_ns, intervals.end_ns, intervals.labels)


def _find_span(stored: StoredResults, timezone: str) -> Span:
    """Return the time of a recording."""
    times = stored.read_table(TIMELINE, ["start", "end"])
    start_ns = int(times["start"].dt.epoch("ns")[0])
    end_ns = int(times["end"].dt.epoch("ns")[-1])
    return Span(start_ns, end_ns, timezone)


def _find_own_labels(path: Path, subject: str, options: LabelOptions, reading: TableOptions) -> _TrueBouts:
    """Return the labels that a recording has itself."""
    for recording in read_people(path, reading, labels=options):
        if recording.subject == subject and recording.label_names:
            recording = by_new_names(recording, options)
            codes = recording.label_codes
            edges = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
            ends = np.append(edges[1:], len(codes) - 1)
            is_labelled = codes[edges] != UNLABELLED
            edges, ends = edges[is_labelled], ends[is_labelled]
            names = tuple(recording.label_names[code] for code in codes[edges].tolist())
            return _TrueBouts(recording.time_ns[edges], recording.time_ns[ends], names)
    raise HarkenError(
        "has no labels: give the truth as a file beside it, NAME.labels.csv, or as one file with --labels",
        path=path,
        colon=False,
    )


def _compare(stored: StoredResults, rows: LabelledRows, true: _TrueBouts, labels: Sequence[str]) -> _Compared:
    """Compare the rows of a recording whose middle has a true label. Half minutes with less than ``LEAST_LABELLED_S``
    of them do not count."""
    spelt = {spelling(label): label for label in labels}
    true_of_bout = [spelt.get(spelling(label), label) for label in true.labels]
    names = list_labels([], true_of_bout)
    code_of_bout = np.array([names.index(label) for label in true_of_bout], np.int64)
    if not len(names):
        raise HarkenError(f"its labels cover nothing of {quoted(stored.folder.name)}", path=stored.summary["file"])
    bout = np.searchsorted(true.start_ns, rows.middle_ns, side="right") - 1
    has_truth = (bout >= 0) & (rows.middle_ns < true.end_ns[bout])
    tile_ns = rows.span_ns[:, 0] // CLIP_NS
    start_ns, tile = np.unique(tile_ns, return_inverse=True)
    of_model = np.zeros((len(start_ns), len(labels)))
    np.add.at(of_model, (tile, rows.code), rows.seconds)
    both = np.zeros((len(start_ns), len(labels), len(names)))
    known = np.flatnonzero(has_truth)
    np.add.at(both, (tile[known], rows.code[known], code_of_bout[bout[known]]), rows.seconds[known])
    covered_s = both.sum(axis=(1, 2))
    is_clip = covered_s >= LEAST_LABELLED_S
    if not is_clip.any():
        raise HarkenError("its truth covers nothing that harken labelled", path=stored.summary["file"])
    stratum = of_model[is_clip].argmax(axis=1)
    shares = np.zeros((len(labels), len(labels), len(names)))
    np.add.at(shares, stratum, both[is_clip] / covered_s[is_clip, None, None])
    return _Compared(stored.summary["subject"], names, shares, np.bincount(stratum, minlength=len(labels)))


def _join(compared: Sequence[_Compared], frame: Frame) -> NamedClips:
    """Return the half minutes of all recordings, a row for each person and stratum."""
    person_of = {person: place for place, person in enumerate(frame.people)}
    true_of = {label: code for code, label in enumerate(frame.true_labels)}
    strata = len(frame.labels)
    shares = np.zeros((len(frame.people), strata, strata, len(frame.true_labels)))
    count = np.zeros((len(frame.people), strata), np.int64)
    for file in compared:
        place = person_of[file.subject]
        columns = [true_of[name] for name in file.names]
        shares[place][:, :, columns] += file.shares
        count[place] += file.count
    people, stratum = np.nonzero(count)
    return NamedClips(people, stratum, shares[people, stratum], count[people, stratum], drawn=False)
