"""The job of ``harken inspect``: the facts about the recordings in one file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harken.annotations.labelled_files import label_spellings, read_people, renamed
from harken.annotations.options import LabelOptions
from harken.mounting.forearm import CalmMoments, along_forearm
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import training_warning
from harken.recordings.inspection import Inspection, inspect_recording, list_label_doubts
from harken.recordings.mending import mend
from harken.recordings.recording import Placement, Recording, acceleration_channels
from harken.signals.movement import movement_of
from harken.signals.non_wear import non_wear
from harken.support.errors import HarkenError
from harken.support.files import check_recording_path

if TYPE_CHECKING:
    from harken.models.recogniser import Recogniser


def inspect(
    path: str | Path,
    *,
    reading: TableOptions | None = None,
    model: "str | Path | Recogniser | None" = None,
    labels: str | Path | None = None,
    labels_offset_s: float = 0.0,
    trim_s: float = 0.0,
) -> Inspection:
    """The facts about a recording: rows, rate, gaps, ranges, labels, and what was mended.

    >>> import harken
    >>> facts = harken.inspect("alice.csv")
    >>> facts.channels, sorted(facts.labels)
    (('x', 'y', 'z', 'P'), ['lying', 'sitting', 'walking'])

    Args:
        path: a recording in any format that harken reads.
        reading: how to read tables; see ``harken.read``.
        model: a model file, a run directory or a recogniser. There is a warning if it was trained on this recording.
        labels: a file of labels; None for the file beside the recording (``NAME.labels.csv``), or else the labels in
            it. ``docs/labels.md`` describes the formats.
        labels_offset_s: seconds added to each time in files of labels.
        trim_s: seconds without a label at both ends of each bout.

    Returns:
        The facts that ``harken inspect`` prints; ``as_dict()`` is the output with ``--json``.

    Raises:
        HarkenError: when the file cannot be read, or contains several recordings.
    """
    check_recording_path(path)
    options = LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s)
    people = inspect_people(path, reading or TableOptions(), options, one_person=True, model=model)
    (facts, _), *others = people
    if others:
        raise HarkenError(
            f"contains several recordings, the first of {facts.subject}; choose a person with "
            "reading=TableOptions(subject=NAME), or read all with harken.datasets.tidy.read_tidy",
            path=path,
        )
    return facts


def inspect_people(
    path: str | Path,
    reading: TableOptions,
    labels: LabelOptions,
    *,
    of_several: bool = False,
    one_person: bool = False,
    model: "str | Path | Recogniser | None" = None,
) -> list[tuple[Inspection, Recording]]:
    """The facts about each recording in a file, and the recording itself, mended, from one reading. ``labels``,
    ``of_several``, ``one_person``: as for ``harken.annotations.labelled_files.read_people``; ``model``: as for
    ``inspect``."""
    if model is not None:
        from harken.models.recogniser import Recogniser  # loading it takes longer than to inspect a short recording

        model = Recogniser.load(model)
    people = read_people(path, reading, as_found=True, labels=labels, of_several=of_several, one_person=one_person)
    if not of_several:
        used = {name for as_found in people for name in as_found.label_names}
        labels.refuse_unused(used, files=any(as_found.label_source for as_found in people))
    mended = [mend(as_found, sensor_range=reading.sensor_range_g) for as_found in people]
    names, notes = label_spellings(mended)
    inspected = []
    for as_found, recording in zip(people, mended, strict=True):
        recording = renamed(replace(recording, quality=recording.quality.noting(*notes)), names)
        facts = inspect_recording(recording, as_found=renamed(as_found, names))
        facts = replace(facts, along_forearm=_along_forearm(recording))
        warnings = [*facts.warnings, *list_label_doubts(recording, trim_s=labels.trim_s)]
        if model is not None:
            warning = training_warning(float(model.trained_samples(recording).mean()))
            warnings += [] if warning is None else [warning]
        facts = replace(facts, warnings=tuple(warnings))
        inspected.append((facts, recording))
    return inspected


def _along_forearm(recording: Recording) -> dict[str, float]:
    """See ``Inspection.along_forearm``."""
    wrist = recording.quality.placement in (Placement.WRIST, Placement.UNKNOWN)
    if not wrist or not acceleration_channels(recording.channels):
        return {}
    blocks = movement_of(recording)
    calm = CalmMoments.of(blocks, non_wear(blocks))
    return along_forearm(calm, recording.quality.make) if calm.blocks else {}
