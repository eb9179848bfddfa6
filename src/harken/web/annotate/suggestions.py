"""What a model says of a recording: the label of each row of its timeline, the bouts of one label, and the moments at
which a label would teach the model most.

These are moments of which the model cannot say which of two labels is right: the difference between the two largest
probabilities, its *margin*, is small. Margin sampling is by Scheffer, Decomain and Wrobel (Advances in Intelligent Data
Analysis, 2001), and section 3.1 of Settles (Active Learning Literature Survey, Technical Report 1648, University of
Wisconsin-Madison, 2009) compares it with entropy and least confidence. The margin is preferred here because a person
who answers decides between two labels, both of which are shown.

Two things differ from the literature. The probabilities are first averaged over half a minute, because single rows are
unsure at each change of activity, where a label says nothing about the activities themselves. And the recording is cut
into equal parts of time, of which each gives its least sure moment: the least sure moments of all are often neighbours
that show the same. Of two that overlap at the edge of two parts, the less sure one is kept.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.arrays import BoolArray, Int16Array, Int64Array
from harken.support.files import replacing
from harken.web.jobs import Progress, Send

if TYPE_CHECKING:
    from harken.timelines import Timeline

NO_LABEL, NOT_WORN = -1, -2
MS_NS = 10**6
MOMENT_S = 30.0
"""The length of a moment: long enough for a person to see what was done."""
PARTS = 50
"""At most so many moments of a recording."""
LARGEST_MARGIN = 0.5
"""With a larger margin, the most probable label is more than twice as probable as any other."""
Moment = dict[str, Any]
"""A time of which the model is not sure: ``start_ms`` and ``end_ms`` since 1970, ``label`` and ``other``, the two most
probable labels, and ``probability`` and ``other_probability``, their means."""


@dataclass(frozen=True, eq=False)
class Suggestions:
    """The rows of a smoothed timeline. Each ends where the next one begins.

    Attributes:
        labels: the model's labels.
        start_ns: where each row begins, and where the last one ends, int64 ``[rows + 1]``.
        code: the smoothed label of each row, int16 ``[rows]``: its number, ``NO_LABEL`` or ``NOT_WORN``.
        probability: the model's own probability of each label, float16 ``[rows, labels]``; NaN where there is none.
        warnings: what a person must know before using the labels. See ``LabelledFile.warnings``.
    """

    labels: tuple[str, ...]
    start_ns: Int64Array
    code: Int16Array
    probability: NDArray[np.float16]
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, timeline: "Timeline", warnings: tuple[str, ...] = ()) -> "Suggestions":
        """The suggestions of a timeline."""
        from harken.support.tables import nanoseconds

        frame = timeline.frame
        numbers = {label: number for number, label in enumerate(timeline.labels)}
        code = frame["label"].replace_strict(numbers, default=NO_LABEL).fill_null(NO_LABEL).to_numpy().astype(np.int16)
        code[~frame["wear"].fill_null(True).to_numpy()] = NOT_WORN
        ends = nanoseconds(frame, "end")
        start_ns = np.append(nanoseconds(frame, "start"), ends[-1])
        return cls(timeline.labels, start_ns, code, timeline.probabilities.astype(np.float16), warnings)

    def write(self, path: Path) -> None:
        """Write a file, whole or not at all.

        Raises:
            OSError: when it cannot be written.
        """
        with replacing(path) as aside, aside.open("wb") as file:
            np.savez(file, **asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Suggestions | None":
        """The suggestions in a file; None if there is none, or it is damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = cls(**arrays)
            found = replace(found, labels=tuple(map(str, found.labels)), warnings=tuple(map(str, found.warnings)))
        except (OSError, ValueError, TypeError, EOFError, BadZipFile):
            return None
        rows = len(found.code)
        whole = found.start_ns.shape == (rows + 1,) and found.probability.shape == (rows, len(found.labels))
        return found if whole else None

    @cached_property
    def bouts(self) -> dict[str, list[Any]]:
        """The answer to ``GET model``: bouts in order, with the mean probability of their label over time."""
        code = self.code
        firsts = np.flatnonzero(np.diff(code, prepend=np.int16(-3)))
        lasts = np.append(firsts[1:], len(code))[: len(firsts)]
        own = np.take_along_axis(self.probability, np.maximum(code, 0)[:, None].astype(np.int64), axis=1)[:, 0]
        length = np.diff(self.start_ns).astype(np.float64)
        own = np.where(code >= 0, own.astype(np.float64), 0)
        mean = np.add.reduceat(own * length, firsts) / np.add.reduceat(length, firsts) if len(firsts) else own
        return {
            "labels": list(self.labels),
            "start_ms": (self.start_ns[firsts] // MS_NS).tolist(),
            "end_ms": (self.start_ns[lasts] // MS_NS).tolist(),
            "code": code[firsts].tolist(),
            "probability": np.where(code[firsts] >= 0, mean, 0).round(4).tolist(),
        }


def suggest(
    send: Send, path: str, options: dict[str, Any], forearm_axis: ForearmAxis | None, model: str, file: str
) -> None:
    """The job: label a recording as ``harken label`` does, and write the ``Suggestions`` to a file.

    Args:
        send: see ``harken.web.jobs``; sends the share of the recording that is labelled.
        path: the recording.
        options: the fields of ``TableOptions``.
        forearm_axis: the axis of the sensor that points along the forearm; None to find it.
        model: the model file.
        file: the file to write.

    Raises:
        HarkenError: when the recording cannot be labelled.
        OSError: when the file cannot be written.
    """
    from harken.labelling.file import label_file
    from harken.labelling.settings import LabelSettings
    from harken.support.resources import usable_cores

    progress = Progress(send)
    labelled = label_file(
        path,
        model=model,
        settings=LabelSettings(reading=TableOptions(**options), forearm_axis=forearm_axis),
        on_share=lambda share: progress("label", share),
        cores=max(1, usable_cores() - 1),  # one is left for the page and its server
    )
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Suggestions.of(labelled.timeline, labelled.warnings).write(Path(file))


def next_unsure(suggestions: Suggestions, labelled: Intervals, *, after_ms: int | None) -> Moment | None:
    """The first moment that begins after ``after_ms``, else the first one of all; without ``after_ms``, that of which
    the model is least sure. None if there is none."""
    moments = unsure_moments(suggestions, labelled)
    if after_ms is None:
        return min(moments, key=lambda each: each["probability"] - each["other_probability"], default=None)
    return next((each for each in moments if each["start_ms"] > after_ms), moments[0] if moments else None)


def unsure_moments(suggestions: Suggestions, labelled: Intervals) -> list[Moment]:
    """The least sure moment in each part of a recording, in order, as the answer to ``GET unsure``.

    Args:
        suggestions: what the model says.
        labelled: the labels there are; moments lie outside them, and outside gaps and non-wear.
    """
    start_ns = suggestions.start_ns
    if len(suggestions.labels) < 2 or len(start_ns) < 2:
        return []
    known = (suggestions.code >= 0) & ~np.isnan(suggestions.probability).any(axis=1) & ~_covered(start_ns, labelled)
    rows = round(MOMENT_S * 1e9 / max(float(np.median(np.diff(start_ns)[known])), 1.0)) if known.any() else 0
    rows = max(1, rows)
    first = _runs_of(known, rows)
    if len(first) == 0:
        return []
    summed = np.zeros((len(known) + 1, len(suggestions.labels)))
    np.cumsum(np.nan_to_num(suggestions.probability, nan=0.0), axis=0, dtype=np.float64, out=summed[1:])
    mean = (summed[first + rows] - summed[first]) / rows
    two = np.argpartition(mean, -2, axis=1)[:, -2:]
    values = np.take_along_axis(mean, two, axis=1)
    margin = np.abs(values[:, 1] - values[:, 0])
    length_ns = int(start_ns[-1] - start_ns[0])
    parts = int(np.clip(length_ns / (2 * MOMENT_S * 1e9), 1, PARTS))
    part = np.minimum((start_ns[first] - start_ns[0]) // max(1, length_ns // parts), parts - 1)
    order = np.lexsort((margin, part))
    least = order[np.flatnonzero(np.diff(part[order], prepend=-1))]
    overlapping = np.diff(first[least]) < rows
    before = margin[least][:-1]
    after = margin[least][1:]
    kept = margin[least] <= LARGEST_MARGIN
    kept[1:] &= ~overlapping | (after < before)
    kept[:-1] &= ~overlapping | (before <= after)
    order = np.argsort(-values, axis=1, kind="stable")
    labels = np.take_along_axis(two, order, axis=1)
    probability = np.take_along_axis(values, order, axis=1)
    return [
        {
            "start_ms": int(start_ns[first[each]]) // MS_NS,
            "end_ms": int(start_ns[first[each] + rows]) // MS_NS,
            "label": suggestions.labels[labels[each, 0]],
            "other": suggestions.labels[labels[each, 1]],
            "probability": round(float(probability[each, 0]), 4),
            "other_probability": round(float(probability[each, 1]), 4),
        }
        for each in least[kept]
    ]


def _runs_of(known: BoolArray, rows: int) -> Int64Array:
    """The rows at which ``rows`` known rows begin."""
    counted = np.concatenate([[0], np.cumsum(known)])
    if len(known) < rows:
        return np.empty(0, np.int64)
    return np.flatnonzero(counted[rows:] - counted[:-rows] == rows)


def _covered(start_ns: Int64Array, labelled: Intervals) -> BoolArray:
    """Whether any of each row has a label."""
    begun = np.searchsorted(labelled.start_ns, start_ns[1:], side="left")
    ended = np.searchsorted(labelled.end_ns, start_ns[:-1], side="right")
    return np.asarray(begun > ended)
