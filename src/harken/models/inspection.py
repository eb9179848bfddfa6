"""The job of ``harken inspect``: the facts about one file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harken.annotations.find import label_recordings, label_spellings, renamed
from harken.annotations.options import LabelOptions
from harken.readers import read
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import training_warning
from harken.recordings.inspection import Inspection, inspect_recording
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

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
        HarkenError: when the file cannot be read.
    """
    options = LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s)
    return read_and_inspect(path, reading or TableOptions(), options, model=model)[0]


def read_and_inspect(
    path: str | Path,
    reading: TableOptions,
    labels: LabelOptions,
    *,
    of_several: bool = False,
    model: "str | Path | Recogniser | None" = None,
) -> tuple[Inspection, Recording]:
    """The facts about a file and its mended recording, from one reading. ``labels``, ``of_several``: as for
    ``harken.datasets.people.read_people``; ``model``: as for ``inspect``."""
    try:
        as_found = read(path, as_found=True, **vars(reading))
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    zone_known = reading.timezone is not None
    (as_found,) = label_recordings([as_found], Path(path), labels, of_several=of_several, zone_known=zone_known)
    if not of_several:
        labels.refuse_unused(set(as_found.label_names), files=bool(as_found.label_source))
    recording = mend(as_found, sensor_range=reading.sensor_range_g)
    names, notes = label_spellings([recording])
    recording = renamed(replace(recording, quality=recording.quality.noting(*notes)), names)
    facts = inspect_recording(recording, as_found=renamed(as_found, names))
    if model is not None:
        from harken.models.recogniser import Recogniser  # loading it takes longer than to inspect a short recording

        recogniser = model if isinstance(model, Recogniser) else Recogniser.load(model)
        warning = training_warning(float(recogniser.trained_samples(recording).mean()))
        facts = replace(facts, warnings=facts.warnings if warning is None else (*facts.warnings, warning))
    return facts, recording
