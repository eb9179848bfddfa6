"""The labelled recordings to learn from, which are read and checked against one another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from harken.annotations.find import renamed
from harken.annotations.options import LabelOptions
from harken.datasets.people import read_people
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.printable import listed, percent, printable


@dataclass(frozen=True)
class LabelledFile:
    """A recording with labels.

    Attributes:
        path: the recording.
        reading: how to read it. ``subject`` says who wore the watch; without it, and without a column of subjects, each
            file counts as another person's.
        labels: where its labels are; by default in the file beside it (``NAME.labels.csv``).
    """

    path: Path
    reading: TableOptions = field(default_factory=TableOptions)
    labels: LabelOptions = field(default_factory=LabelOptions)


def read_labelled_files(files: Sequence[LabelledFile]) -> list[Recording]:
    """The mended recordings of all people, in the order of their starts; those without a label are left out.

    Raises:
        HarkenError: when a file cannot be read, no recording has a label, or two files hold the same recording.
    """
    found = [
        renamed(recording, file.labels.new_names(recording.label_names))
        for file in files
        for recording in read_people(file.path, file.reading, labels=file.labels)
        if recording.label_names
    ]
    if not found:
        where = ": " + listed([printable(file.path.name) for file in files]) if files else ""
        raise HarkenError(f"no recording has a label yet{where}; record or label at least two activities first")
    _refuse_same_recordings(found)
    return sorted(found, key=lambda recording: int(recording.time_ns[0]))


def _refuse_same_recordings(recordings: Sequence[Recording]) -> None:
    """Raise a HarkenError if a recording is there twice: a test on its copy would be a test on training data.

    Either may be a part of the other, and a copy may have another name or another clock.
    """
    fingerprints = [Fingerprints.of([recording]) for recording in recordings]
    for (one, ones), (other, others) in combinations(zip(recordings, fingerprints, strict=True), 2):
        if one.samples_fingerprint == other.samples_fingerprint:
            copies = [(1.0, other, one)]
        elif ones.may_share(others):
            copies = [(float(ones.known(other).mean()), other, one), (float(others.known(one).mean()), one, other)]
        else:
            continue
        share, copy, original = max(copies, key=lambda found: found[0])
        if share > SAME_RECORDING:
            raise HarkenError(
                f"{percent(share)} of {printable(copy.source)} is movement of {printable(original.source)}: it is the "
                "same recording, and a test on one of them would be a test on training data; remove one"
            )
