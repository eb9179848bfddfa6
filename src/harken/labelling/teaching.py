"""A study whose wearers are taught: who has labels, and a personal model of each of them.

Each wearer's personal model is made by the first process that labels one of the wearer's files. It is stored, and made
again only when the labels, the recordings with labels, the general model or the settings change.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np

from harken.annotations.bouts import Annotations
from harken.annotations.folders import TAUGHT, recording_names
from harken.annotations.formats import read_annotations
from harken.annotations.labelled_files import find_labels_beside, lay_rows, refuse_shared_rows, rows_of_nobody
from harken.annotations.options import LabelOptions
from harken.annotations.spelling import spelling
from harken.annotations.times import SECOND_NS, Span
from harken.labelling.file import PreparedFile, prepare_file
from harken.labelling.settings import LabelSettings, file_sha256, reading_key
from harken.models.recogniser import Recogniser
from harken.outcomes.taught import LabelledSpans, Score, Taught
from harken.readers import open_source
from harken.readers.options import TableOptions
from harken.readers.table_source import TableSource
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.inspection import list_label_doubts
from harken.recordings.labelled_time import find_labelled_spans, select_samples
from harken.recordings.mending import MendedStream
from harken.recordings.recording import UNLABELLED, Recording
from harken.recordings.source import Samples, joined
from harken.signals.gravity import calibrate_samples
from harken.support.arrays import Int64Array, is_in_spans
from harken.support.errors import HarkenError
from harken.support.files import Json, write_text, writing_in_turn
from harken.support.printable import listed, printable, quoted

MARGIN_S = 180.0
"""Seconds around labels that are read, too: a start that was written down may be wrong by a minute."""
PAUSE_S = 30.0
"""A longer pause between two labels is not part of a routine."""
LONGEST_NAME = 150
MOST_NAMED = 5


@dataclass(frozen=True)
class Lesson:
    """The recordings of a wearer that have labels.

    Attributes:
        person: the wearer.
        files: these recordings.
        labels: the file of labels of the whole study; None: a file beside each recording.
        place: where the personal model is stored, without an ending.
    """

    person: str
    files: tuple[Path, ...]
    labels: Path | None
    place: Path

    @property
    def model(self) -> Path:
        """The personal model."""
        return self.place.with_name(f"{self.place.name}.safetensors")

    @property
    def facts(self) -> Path:
        """What was taught, as JSON."""
        return self.place.with_name(f"{self.place.name}.json")


class Learned(NamedTuple):
    """What came of a lesson.

    Attributes:
        taught: what was taught.
        model_sha256: the digest of the file of the personal model; None if the general model labels.
        rows_sha256: a digest of the labels.
        prepared: the file that will be labelled, if it was read for its labels; else None.
    """

    taught: Taught
    model_sha256: str | None
    rows_sha256: str
    prepared: PreparedFile | None


class Lessons(NamedTuple):
    """Who teaches.

    Attributes:
        by_file: the lesson of each file whose wearer has labels.
        unused: a sentence on rows of the file of labels that are for none of the recordings; empty without such rows.
    """

    by_file: dict[Path, Lesson]
    unused: str = ""

    @property
    def people(self) -> list[str]:
        """The wearers with labels."""
        return list(dict.fromkeys(lesson.person for lesson in self.by_file.values()))


def find_lessons(files: Sequence[Path], reading: TableOptions, labels: Path | None, out: Path) -> Lessons:
    """Find who has labels, and which files are of the same wearer.

    Args:
        files: the recordings.
        reading: how to read tables.
        labels: a file of labels for all of them; None: the file beside each recording.
        out: the folder for the results of the study.

    Raises:
        HarkenError: when the file of labels cannot be read, does not say for which of several recordings a row is, or
            has a row that may be for two recordings.
    """
    annotations = None if labels is None else read_annotations(labels)
    options = LabelOptions(path=labels)
    if annotations is not None and not annotations.names and len(files) > 1:
        raise HarkenError(
            "these labels are for several recordings; add a column file or subject that says for which recording a "
            "row is",
            path=labels,
        )
    refuse_shared_rows(files, options)
    of_person: dict[str, list[Path]] = {}
    labelled: dict[str, list[Path]] = {}
    for path in files:
        try:
            person = find_wearer(path, reading)
        except HarkenError:  # labelling the file has the error
            continue
        of_person.setdefault(person, []).append(path)
        if _has_labels(path, person, annotations):
            labelled.setdefault(person, []).append(path)
    by_file: dict[Path, Lesson] = {}
    for person, own in labelled.items():
        lesson = Lesson(person, tuple(sorted(own)), labels, out / TAUGHT / _file_name(person))
        by_file |= dict.fromkeys(of_person[person], lesson)
    known = [(path, person) for person, paths in of_person.items() for path in paths]
    return Lessons(by_file, rows_of_nobody(options, known) or "")


def find_wearer(path: Path, reading: TableOptions) -> str:
    """Find the wearer of a recording, as labelling will, from the beginning of the file.

    Raises:
        HarkenError: when the file cannot be read.
    """
    source = open_source(path, reading)
    if reading.subject is not None or not isinstance(source, TableSource) or "subject" not in source.table.columns:
        return source.subject
    next(source.table.rows(), None)
    names = source.table.names("subject")
    return printable(names[0]) if names else source.subject


def _has_labels(path: Path, person: str, annotations: Annotations | None) -> bool:
    if annotations is None:
        try:
            return find_labels_beside(path) is not None
        except HarkenError:  # several files of labels, about which learning from them says what to do
            return True
    try:
        annotations.of_recording(recording_names(path), person)
    except HarkenError:
        return False
    return True


def _file_name(person: str) -> str:
    """A name of a file for a person. A long one is cut and gets a digest."""
    name = quote(person, safe=" ")
    if len(name) > LONGEST_NAME or name.startswith("."):
        name = f"{name[:LONGEST_NAME].lstrip('.')}-{sha256(os.fsencode(person)).hexdigest()[:8]}"
    return name


def learn(
    lesson: Lesson, general: Recogniser, model_sha256: str, settings: LabelSettings, *, own: Path, own_sha256: str
) -> Learned:
    """Make the personal model of a wearer, or find the stored one. Other processes that need it wait meanwhile.

    Labels that cannot be used raise no error: then the general model labels, and ``Taught.warnings`` says why.

    Args:
        lesson: the recordings with labels.
        general: the model to adapt.
        model_sha256: the digest of its file.
        settings: the settings of labelling.
        own: the file that will be labelled with it.
        own_sha256: the digest of this file.
    """
    digests = {own: own_sha256}
    try:
        for path in lesson.files:
            digests.setdefault(path, file_sha256(path))
        rows = {digests[path]: _digest_rows(_find_rows(lesson, path)) for path in lesson.files}
    except HarkenError as error:
        return Learned(_leave(lesson.person, error), None, "", None)
    key = {"model_sha256": model_sha256, **reading_key(settings), "recordings": rows}
    stored = _read_stored(lesson, key)
    if stored is not None:
        return stored
    with writing_in_turn(lesson.place):
        stored = _read_stored(lesson, key)  # another process may have made it in the meantime
        if stored is not None:
            return stored
        prepared: dict[Path, PreparedFile] = {}
        try:
            taught, personal = _teach(lesson, general, settings, digests, prepared)
        except HarkenError as error:
            return Learned(_leave(lesson.person, error), None, _digest(rows), prepared.get(own))
        personal_sha256 = None
        if taught.kept:
            personal.save(lesson.model)
            personal_sha256 = file_sha256(lesson.model)
        facts = {"key": key, "taught": asdict(taught), "model_sha256": personal_sha256}
        write_text(lesson.facts, json.dumps(facts, indent=2, allow_nan=False) + "\n")
    return Learned(taught, personal_sha256, _digest(rows), prepared.get(own))


def _find_rows(lesson: Lesson, path: Path) -> Annotations:
    """Return the labels of a recording as they are written."""
    labels = lesson.labels or find_labels_beside(path)
    if labels is None:
        raise HarkenError("its file of labels was removed", path=path)
    return read_annotations(labels).of_recording(recording_names(path), lesson.person)


def _digest_rows(annotations: Annotations) -> str:
    """Return a digest of rows of a file of labels. It does not depend on other rows."""
    return _digest([annotations.points, [repr(replace(entry, line=0)) for entry in annotations.entries]])


def _digest(content: object) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_stored(lesson: Lesson, key: Json) -> Learned | None:
    """Return what is stored, if it was made from the same; None otherwise, or if it is damaged."""
    try:
        content = json.loads(lesson.facts.read_bytes())
        if content["key"] != json.loads(json.dumps(key)):
            return None
        taught = msgspec.convert(content["taught"], Taught)
        personal_sha256 = content["model_sha256"]
        if taught.kept and file_sha256(lesson.model) != personal_sha256:
            return None
    except (HarkenError, OSError, ValueError, TypeError, KeyError, msgspec.ValidationError):
        return None
    return Learned(taught, personal_sha256 if taught.kept else None, _digest(key["recordings"]), None)


def _leave(person: str, error: HarkenError) -> Taught:
    """Return that a wearer is left as it is, because the labels cannot be used."""
    reason = str(error)
    warning = f"The labels of {person} cannot be used, so the general model labels: {reason}"
    return Taught(person, kept=False, reason=reason, seconds={}, warnings=(printable(warning),))


def _teach(
    lesson: Lesson,
    general: Recogniser,
    settings: LabelSettings,
    digests: Mapping[Path, str],
    prepared: dict[Path, PreparedFile],
) -> tuple[Taught, Recogniser]:
    """Adapt the general model to the labelled time. ``prepared`` receives the recordings with labels."""
    from harken.training.adaptation import adapt  # takes time to load, which other files need not wait for
    from harken.training.held_out_test import TESTED_ON

    as_found: list[Recording] = []
    recordings: list[Recording] = []
    warnings: dict[str, None] = {}
    notes: dict[str, None] = {}
    spans: dict[str, LabelledSpans] = {}
    for path in lesson.files:
        prepared[path] = prepare_file(path, general, settings)
        recording = read_labelled_time(lesson, path, prepared[path], settings)
        if recording is None:
            continue
        warnings |= dict.fromkeys(list_label_doubts(recording))
        # What was noted while the labels were laid over the samples, such as a start that was moved.
        known_notes = prepared[path].stream.quality.notes
        notes |= dict.fromkeys(note for note in recording.quality.notes if note not in known_notes)
        _refuse_trained(general, recording)
        spans_ns = find_labelled_spans(recording, pause_s=PAUSE_S)
        spans[digests[path]] = tuple((start_ns, end_ns) for start_ns, end_ns in spans_ns.tolist())
        as_found.append(recording)
        recordings.append(_turn_as_labelled(recording, prepared[path]))
    if not recordings:
        raise HarkenError(f"no label of {lesson.person} begins in one of these recordings", path=lesson.labels)
    if stray := _find_stray_lines(lesson, prepared):
        warnings[f"Labels of {lesson.person} begin in none of these recordings: {stray}."] = None
    known = {*map(spelling, general.specification_.labels)}
    names = {name for recording in recordings for name in recording.label_names}
    unknown = sorted(name for name in names if spelling(name) not in known)
    if names == set(unknown):
        raise HarkenError(f"the model does not know {quoted(unknown)}")
    if unknown:
        warnings[f"The model does not know {quoted(unknown)}, so these labels taught nothing."] = None
    # The watch was turned above, by all of the recording, as it will be when the personal model labels it.
    adapted = adapt(general, recordings, ignore_labels=unknown, orientation=False, as_found=as_found)
    test = next((test for test in adapted.tests if test.before is not None), None)
    recognised = tested = None
    if adapted.before is not None and adapted.after is not None:
        recognised = Score(adapted.before.balanced_accuracy, adapted.after.balanced_accuracy)
    if test is not None and test.before is not None:
        tested = Score(test.before.mean_f1, test.after.mean_f1)
    taught = Taught(
        lesson.person,
        kept=adapted.kept,
        reason=adapted.reason,
        seconds=adapted.labelled_s,
        recognised=recognised,
        tested=tested,
        tested_on="" if test is None else TESTED_ON[test.held_out],
        tested_occasion=test is not None and test.held_out == "occasion",
        files=tuple(recording.source for recording in as_found),
        spans=spans,
        warnings=tuple(map(printable, warnings)),
        notes=tuple(map(printable, notes)),
    )
    return taught, adapted.recogniser


def read_labelled_time(lesson: Lesson, path: Path, prepared: PreparedFile, settings: LabelSettings) -> Recording | None:
    """Read the labelled time of a recording, with its labels and ``MARGIN_S`` around them, and nothing after it.

    The labels are those that the whole recording would get. If the table of labels names a wearer of several
    recordings, each label is for the recording in which it begins; None if there is none for this one.

    Raises:
        HarkenError: as ``lying_in`` and ``intervals`` of ``harken.annotations.bouts.Annotations``, and when no sample
            has a label.
    """
    stream = prepared.stream
    span = Span(stream.start_ns, stream.end_ns, stream.timezone)
    rows = _find_rows(lesson, path)
    if lesson.labels is not None and len(lesson.files) > 1:
        rows = rows.lying_in(span)
    if not rows.entries:
        return None
    intervals = rows.intervals(span)
    margin_ns = round(MARGIN_S * SECOND_NS)
    wanted_ns = np.stack([intervals.start_ns - margin_ns, intervals.end_ns + margin_ns], axis=1)
    recording = _read_times(stream, wanted_ns)
    zone_known = settings.reading.timezone is not None
    labelled = lay_rows(recording, rows, LabelOptions(), zone_known=zone_known)
    if labelled.unlabelled_rows == len(labelled):
        raise HarkenError("no sample has a label", path=path)
    return select_samples(labelled, is_in_spans(labelled.time_ns, wanted_ns))


def _find_stray_lines(lesson: Lesson, prepared: Mapping[Path, PreparedFile]) -> str:
    """Return which rows of a table of labels begin in no recording of a wearer of several, such as ``line 5``."""
    if lesson.labels is None or len(lesson.files) < 2:
        return ""
    written: set[int] = set()
    used: set[int] = set()
    for path in lesson.files:
        stream = prepared[path].stream
        rows = _find_rows(lesson, path)
        written.update(entry.line for entry in rows.entries)
        span = Span(stream.start_ns, stream.end_ns, stream.timezone)
        used.update(entry.line for entry in rows.lying_in(span).entries)
    stray = sorted(written - used)
    named = [f"line {line}" for line in stray[:MOST_NAMED]]
    if len(stray) > MOST_NAMED:
        named.append(f"{len(stray) - MOST_NAMED} more")
    return listed(named) if named else ""


def _read_times(stream: MendedStream, wanted_ns: Int64Array) -> Recording:
    """Read some times of a recording, int64 ``[k, 2]``, and its two ends, so that it still begins and ends there.

    Nothing is read after the last of these times: the last sample is one without a value, if it is later.
    """
    pieces: list[Samples] = []
    last_ns = int(wanted_ns.max())
    for samples in stream.samples():
        is_wanted = is_in_spans(samples.time_ns, wanted_ns)
        if not pieces:
            is_wanted[:1] = True
        pieces.append(samples.chosen(is_wanted))
        if samples.time_ns[-1] > last_ns:
            break
    together = joined(pieces)
    if together.time_ns[-1] < stream.end_ns:
        end = Samples(
            np.array([stream.end_ns]),
            np.zeros((1, len(stream.channels)), np.float32),
            np.array([UNLABELLED], np.int16),
            np.array([False]),
        )
        together = joined([together, end])
    without_labels = np.full(len(together.time_ns), UNLABELLED, np.int16)
    return Recording(
        **together._replace(label_codes=without_labels)._asdict(),
        channels=stream.channels,
        subject=stream.subject,
        source=stream.source,
        timezone=stream.timezone,
        label_names=(),
        quality=stream.quality,
    )


def _refuse_trained(general: Recogniser, recording: Recording) -> None:
    """Raise a HarkenError if the general model was trained on the recording."""
    if general.measure_trained_labels(recording) > SAME_RECORDING:
        raise HarkenError(
            "the model was trained on this recording, so it would not show whether teaching helps; label with the "
            "model from before that",
            path=recording.source,
        )


def _turn_as_labelled(recording: Recording, prepared: PreparedFile) -> Recording:
    """Calibrate and turn a recording as the whole file will be when it is labelled."""
    findings = prepared.findings
    (samples,) = calibrate_samples([Samples.of(recording)], findings.calibration, recording.channels)
    recording = replace(recording, signals=samples.signals)
    return recording if findings.mounting is None else findings.mounting.turned(recording)
