"""What is labelled in the recordings that there are to learn from, without reading their samples."""

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.annotations.bouts import Intervals
from harken.annotations.formats import read_annotations
from harken.annotations.times import Span
from harken.readers.folders import is_side_file, side_file
from harken.readers.unpacking import stem
from harken.recordings.mending import LATEST_NS
from harken.support.errors import HarkenError
from harken.training.learn.files import LabelledFile

EVER = Span(0, LATEST_NS, "UTC")
"""Longer than any recording; only the lengths of its intervals are used."""


class LabelsOfFile(NamedTuple):
    """The labels of one recording.

    Attributes:
        wearer: the name of the wearer.
        seconds: the labelled seconds, by label.
        longest_s: the longest bout, by label.
        readable: whether the file of labels can be read.
    """

    wearer: str
    seconds: dict[str, float]
    longest_s: dict[str, float]
    readable: bool = True

    @classmethod
    def of(cls, wearer: str, intervals: Intervals) -> "LabelsOfFile":
        """The labels in intervals; a point that holds until the end of the recording has no known length."""
        bouts = intervals.joined()
        known = bouts.end_ns <= LATEST_NS
        labels = [label for label, some in zip(bouts.labels, known.tolist(), strict=True) if some]
        names = list(dict.fromkeys(labels))
        codes = np.array([*map(dict(zip(names, range(len(names)), strict=True)).__getitem__, labels)], np.int64)
        lengths_s = (bouts.end_ns - bouts.start_ns)[known] / 1e9
        seconds, longest_s = np.bincount(codes, lengths_s, minlength=len(names)), np.zeros(len(names))
        np.maximum.at(longest_s, codes, lengths_s)
        by_label = [dict(zip(names, each.tolist(), strict=True)) for each in (seconds, longest_s)]
        return cls(wearer, by_label[0], by_label[1])


class LabelsOfFiles:
    """Reads the files of labels beside recordings, each again when it has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], LabelsOfFile]] = {}

    def of(self, file: LabelledFile) -> LabelsOfFile:
        """The labels of a recording; without seconds if its file of labels cannot be read."""
        path = file.labels.path or side_file(file.path)
        try:
            found = path.stat()
        except OSError:
            return LabelsOfFile(_wearer(file), {}, {}, readable=False)
        state = found.st_mtime_ns, found.st_size
        known = self._known.get(path)
        if known is None or known[0] != state:
            labels = LabelsOfFile(_wearer(file), {}, {}, readable=False)
            with contextlib.suppress(HarkenError):
                labels = LabelsOfFile.of(labels.wearer, read_annotations(path).intervals(EVER))
            known = self._known[path] = state, labels
        return known[1]


def labelled_files_in(folder: Path) -> list[LabelledFile]:
    """The recordings in a folder that have a file of labels beside them."""
    if not folder.is_dir():
        return []
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and not is_side_file(path)]
    return [LabelledFile(path) for path in paths if side_file(path).is_file()]


def _wearer(file: LabelledFile) -> str:
    """The name of the wearer, without reading the samples: in tables of several people, that of the first row."""
    if file.reading.subject is not None:
        return file.reading.subject
    if file.path.suffix == ".parquet":
        with contextlib.suppress(pl.exceptions.PolarsError, OSError):
            return str(pl.scan_parquet(file.path).select("Subject").head(1).collect().item())
    return stem(file.path)
