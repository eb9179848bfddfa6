"""The recordings of a run, which are read once and checked against one another before the training."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harken.annotations.labelling import by_new_names, label_spellings, refuse_shared_rows, renamed, rows_of_nobody
from harken.annotations.spelling import spelling
from harken.datasets.people import LabelledFiles
from harken.networks.specification import check_rate
from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.files import real_path
from harken.support.printable import percent, printable
from harken.training.settings import RunSettings


@dataclass(frozen=True)
class Read:
    """One recording of one person, both as the notebook read it and mended. A file may have several people."""

    path: Path
    as_found: Recording
    mended: Recording

    @property
    def name(self) -> str:
        """The name in messages: the file's path, and the person if the file has several."""
        source = self.mended.source
        return source if source.startswith(f"{self.path}, ") else str(self.path)

    @property
    def short_name(self) -> str:
        """The same without folders."""
        return self.path.name + self.name.removeprefix(str(self.path))

    def changed(self, change: Callable[[Recording], Recording]) -> "Read":
        """With the same change of the recording as found and mended."""
        return replace(self, as_found=change(self.as_found), mended=change(self.mended))

    def as_dict(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {
            "file": printable(self.path),
            "subject": self.mended.subject,
            "fingerprint": self.as_found.fingerprint,
            "rows": len(self.as_found),
            "sample_rate_hz": self.mended.sample_rate_hz,
            "unlabelled_rows": self.as_found.unlabelled_rows,
            "gaps": len(self.mended.gap_rows),
            "labels": list(self.mended.label_names),
            "label_source": self.mended.label_source,
            "channels": list(self.mended.channels),
            "quality": asdict(self.mended.quality),
        }


@dataclass(frozen=True)
class RunData:
    """The recordings of the training people, and of unseen people."""

    training: list[Read]
    cross: list[Read]
    unused_labels: tuple[str, ...] = ()
    """Sentences on rows of files of labels that are for none of the recordings."""
    spellings: tuple[str, ...] = ()
    """Sentences on names of labels that are one, and on those that may be misspelt."""

    @property
    def label_sources(self) -> list[str]:
        """Sentences on the labels of each recording; empty if all labels are in the recordings' own files."""
        every = self.training + self.cross
        if not any(one.mended.label_source for one in every):
            return []
        sources = [f"Labels of {one.name}: {one.mended.label_source or 'those in the file'}" for one in every]
        return [*sources, *self.unused_labels]

    @property
    def sample_rate_hz(self) -> float:
        """The median rate of the training recordings."""
        return float(np.median([read.mended.sample_rate_hz for read in self.training]))


def read_run_data(settings: RunSettings) -> RunData:
    """Read a run's files.

    Raises:
        HarkenError: when a file cannot be read, is given twice or has no label; when a person or a recording is in both
            the training and the cross files; or when rates or channels do not fit.
    """
    if not settings.files:
        raise HarkenError("there is no recording to train on")
    if settings.cross_labels is not None and not settings.cross:
        raise HarkenError("--cross-labels is for the recordings of unseen people; give them with --cross")
    of_unseen = replace(settings.labels, path=settings.cross_labels)
    own, other = settings.labels.path, settings.cross_labels
    tables = [(settings.labels, settings.files), (of_unseen, settings.cross)]
    if own is not None and other is not None and real_path(own) == real_path(other):
        tables = [(settings.labels, (*settings.files, *settings.cross))]
    for labels, files in tables:
        refuse_shared_rows(files, labels)
    sides = [
        LabelledFiles(files, settings.reading, labels, as_found=True)
        for labels, files in ((settings.labels, settings.files), (of_unseen, settings.cross))
    ]
    training, cross = (_read_all(files, settings) for files in sides)
    names = sides[0].label_names | sides[1].label_names
    settings.labels.refuse_unused(names, files=any(files.label_sources for files in sides))
    new_names, spellings = label_spellings(*([one.mended for one in reads] for reads in (training, cross)))
    training, cross = (
        [one.changed(lambda recording: renamed(recording, new_names)) for one in reads] for reads in (training, cross)
    )
    _refuse_repeated(training + cross)
    _refuse_shared_people(training, cross)
    data = RunData(training, cross)
    if settings.recipe.sample_rate_hz is None:
        for one in training + cross:
            check_rate(one.mended.sample_rate_hz, data.sample_rate_hz, one.mended.source)
    channels = settings.channels or settings.recipe.channels or training[0].mended.channels
    training, cross = ([_select(one, channels) for one in reads] for reads in (training, cross))
    unused = []
    for labels, files in tables:
        people = [(path, person) for side in sides for path, person in side.people if path in files]
        if (rows := rows_of_nobody(labels, people)) is not None:
            unused.append(f"{labels.path}: {rows}")
    return RunData(training, cross, tuple(unused), tuple(spellings))


def _read_all(files: LabelledFiles, settings: RunSettings) -> list[Read]:
    """The recordings of all people in files, by the new names of their labels."""
    ignored = {*map(spelling, settings.ignore_labels)}
    reads = []
    for path in files.paths:
        for found in files.read(path):
            found = by_new_names(found, files.labels)
            if ignored:
                found = found.with_label_names(
                    tuple(name for name in found.label_names if spelling(name) not in ignored)
                )
            if not found.label_names:
                raise HarkenError(
                    f"{found.source}: no row has a label; name the column of labels with --label-column, or a "
                    "file of labels with --labels"
                )
            reads.append(Read(path, found, mend(found, sensor_range=settings.reading.sensor_range_g)))
    return reads


def _select(one: Read, channels: Sequence[str]) -> Read:
    try:
        return one.changed(lambda recording: recording.select_channels(tuple(channels)))
    except HarkenError as error:
        raise HarkenError(f"{error}; --channels x,y,z reads only what every file has") from error


def _refuse_repeated(reads: list[Read]) -> None:
    counts = Counter(one.as_found.fingerprint for one in reads)
    for fingerprint, count in counts.items():
        if count > 1:
            names = " and ".join(one.name for one in reads if one.as_found.fingerprint == fingerprint)
            raise HarkenError(f"{names} hold the same recording, so no score on them would be right; give it once")


def _refuse_shared_people(training: list[Read], cross: list[Read]) -> None:
    for trained in training:
        fingerprints = Fingerprints.of([trained.mended]) if cross else Fingerprints.none()
        for unseen in cross:
            if trained.mended.subject == unseen.mended.subject:
                raise HarkenError(
                    f"{trained.name} and {unseen.name} are both of {trained.mended.subject!r}, and a person cannot "
                    "be both a training person and unseen. A person's name is the file's own unless it has a "
                    "Subject column: if these are two people, rename one of the files"
                )
            share = _shared_share(trained.mended, unseen.mended)
            if share > SAME_RECORDING:
                raise HarkenError(
                    f"{unseen.name} shares {share:.0%} of its rows with {trained.name}, times and values: it is the "
                    "same recording, and a score on it would be a score on training data"
                )
            share = float(fingerprints.known(unseen.mended).mean())
            if share > SAME_RECORDING:
                raise HarkenError(
                    f"{unseen.name} holds movement of {trained.name} in {percent(share)} of its samples, in another "
                    "unit or at another time: it is the same recording, and a score on it would be a score on "
                    "training data"
                )


def _shared_share(trained: Recording, unseen: Recording) -> float:
    """The share of the unseen person's rows that are also in the other recording, with equal time and acceleration."""
    _, here, there = np.intersect1d(unseen.time_ns, trained.time_ns, assume_unique=True, return_indices=True)
    axes = min(3, unseen.signals.shape[1], trained.signals.shape[1])
    same = (unseen.signals[here, :axes] == trained.signals[there, :axes]).all(axis=1)
    return float(same.sum()) / len(unseen)
