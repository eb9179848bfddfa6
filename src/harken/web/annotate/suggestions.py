"""What a model says of a recording: the label of each row of its timeline, and the bouts of one label."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from harken.readers.options import TableOptions
from harken.support.arrays import Int16Array, Int64Array
from harken.support.files import replacing
from harken.web.jobs import Progress, Send

if TYPE_CHECKING:
    from harken.timelines import Timeline

NO_LABEL, NOT_WORN = -1, -2
MS_NS = 10**6


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
            np.savez(
                file,
                labels=np.array(self.labels),
                start_ns=self.start_ns,
                code=self.code,
                probability=self.probability,
                warnings=np.array(self.warnings, dtype=np.str_),
            )

    @classmethod
    def read(cls, path: Path) -> "Suggestions | None":
        """The suggestions in a file; None if there is none, or it is damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                labels, warnings = (tuple(arrays[name].tolist()) for name in ("labels", "warnings"))
                found = cls(labels, arrays["start_ns"], arrays["code"], arrays["probability"], warnings)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        rows = len(found.code)
        whole = found.start_ns.shape == (rows + 1,) and found.probability.shape == (rows, len(labels))
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


def suggest(send: Send, path: str, options: dict[str, Any], model: str, file: str) -> None:
    """The job: label a recording as ``harken label`` does, and write the ``Suggestions`` to a file.

    Args:
        send: see ``harken.web.jobs``; sends the share of the recording that is labelled.
        path: the recording.
        options: the fields of ``TableOptions``.
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
        settings=LabelSettings(reading=TableOptions(**options)),
        on_share=lambda share: progress("label", share),
        cores=max(1, usable_cores() - 1),  # one is left for the page and its server
    )
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Suggestions.of(labelled.timeline, labelled.warnings).write(Path(file))
