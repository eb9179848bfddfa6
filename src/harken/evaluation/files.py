"""The job of ``harken evaluate``: score a trained model on labelled files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harken.annotations.labelling import refuse_shared_rows, refuse_trimmed_away, renamed, rows_of_nobody
from harken.annotations.options import LabelOptions
from harken.datasets.people import read_people
from harken.evaluation.evaluate import Evaluation
from harken.evaluation.evaluate import evaluate as evaluate_recordings
from harken.models.recogniser import Recogniser
from harken.readers.folders import recordings_in
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError, raise_failures
from harken.support.printable import printable, without_path


@dataclass(frozen=True)
class EvaluatedFiles:
    """The scores of a model on files.

    Attributes:
        scores: of each person and of all together; see ``harken.evaluation.evaluate.Evaluation``.
        failures: each file that could not be read or scored, and why. A file of several people has an entry for each
            person who could not be scored.
        warnings: each file with a warning, such as a sensor that was not worn on a wrist.
        label_sources: each file whose labels are in another file: that file, and its format.
    """

    scores: Evaluation
    failures: tuple[tuple[Path, HarkenError], ...]
    warnings: tuple[tuple[Path, str], ...]
    label_sources: tuple[tuple[Path, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The output of ``harken evaluate --json``."""
        failures = [
            {"file": printable(path), "reason": without_path(str(error), path)} for path, error in self.failures
        ]
        sources = {printable(path): source for path, source in self.label_sources}
        return self.scores.as_dict() | {"failures": failures} | ({"label_sources": sources} if sources else {})


def evaluate(
    model: str | Path | Recogniser,
    files: str | Path | Iterable[str | Path],
    *,
    ignore_labels: Sequence[str] = (),
    unsure_below: float | None = None,
    orientation: bool = True,
    forearm_axis: ForearmAxis | None = None,
    reading: TableOptions | None = None,
    labels: str | Path | None = None,
    labels_offset_s: float = 0.0,
    trim_s: float = 0.0,
    rename: Mapping[str, str] | None = None,
    on_warning: Callable[[Path, str], None] | None = None,
) -> EvaluatedFiles:
    """Score a model on labelled files, as ``harken evaluate`` does: each person, and the mean over people.

    A table with several names in its subject column has one recording for each person. If a file cannot be read or
    scored, the others are still scored, and ``failures`` has the file.

    >>> import harken
    >>> evaluated = harken.evaluate("packaged", ["alice.csv", "bob.csv"])
    >>> sorted(evaluated.scores.unseen.people)
    ['alice', 'bob']

    Args:
        model: a recogniser, a model file, a run directory, or ``"packaged"`` for the model that comes with harken.
        files: one or several labelled recordings, or folders of them.
        ignore_labels: labels whose windows do not count.
        unsure_below: also score the answered windows, if windows with a smaller largest probability get no answer.
        orientation: whether a watch is turned about its face if the model recognises walking only then.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it by walking.
        reading: how to read tables; see ``harken.read``.
        labels: a file of labels; None for the file beside each recording (``NAME.labels.csv``), or else the labels in
            it. ``docs/labels.md`` describes the formats.
        labels_offset_s: seconds added to each time in files of labels.
        trim_s: seconds without a label at both ends of each bout.
        rename: new names of labels, by the old ones.
        on_warning: called with a file and a sentence when the file is read.

    Raises:
        HarkenError: when the model cannot be read, ``unsure_below`` is not a probability, or no file can be scored. The
            message then has the reason for each file.
    """
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"unsure_below must be a probability between 0 and 1, got {unsure_below:g}")
    recogniser = model if isinstance(model, Recogniser) else Recogniser.load(model)
    paths = recordings_in(files).files
    options = LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s, rename=rename)
    refuse_shared_rows(paths, options)
    each = _Files(paths, reading or TableOptions(), options, on_warning)
    try:
        scores = evaluate_recordings(
            recogniser,
            each.recordings(),
            ignore_labels=ignore_labels,
            unsure_below=unsure_below,
            orientation=orientation,
            forearm_axis=forearm_axis,
            on_failure=each.note_failure,
        )
    except HarkenError:
        raise_failures([error for _, error in each.failures], len(paths))
        raise
    if not each.failures:
        options.refuse_unused(each.names, files=bool(each.label_sources))
        each.warn_of_unused()
    return EvaluatedFiles(scores, tuple(each.failures), tuple(each.warnings), tuple(each.label_sources))


class _Files:
    """Reads files one after the other, and keeps a list of files that cannot be read or scored."""

    def __init__(
        self,
        paths: Sequence[Path],
        reading: TableOptions,
        labels: LabelOptions,
        on_warning: Callable[[Path, str], None] | None,
    ) -> None:
        self._paths, self._reading, self._labels, self._on_warning = paths, reading, labels, on_warning
        self._path = Path()
        self._people: list[tuple[Path, str]] = []
        self.names: set[str] = set()
        self.label_sources: dict[tuple[Path, str], None] = {}
        self.failures: list[tuple[Path, HarkenError]] = []
        self.warnings: list[tuple[Path, str]] = []

    def recordings(self) -> Iterator[Recording]:
        """The recording of each person in the files that can be read."""
        for path in self._paths:
            self._path = path
            try:
                people = read_people(path, self._reading, labels=self._labels, of_several=len(self._paths) > 1)
            except HarkenError as error:
                self.failures.append((path, error))
                continue
            for recording in people:
                self._people.append((path, recording.subject))
                for sentence in recording.warnings:
                    self._warn(sentence)
                if recording.label_source:
                    self.label_sources[path, recording.label_source] = None
                self.names.update(recording.label_names)
                try:
                    refuse_trimmed_away(recording, self._labels)
                except HarkenError as error:
                    self.failures.append((path, error))
                    continue
                yield renamed(recording, self._labels.new_names(recording.label_names))

    def note_failure(self, _: Recording, error: HarkenError) -> None:
        """Record that the recording that was read last cannot be scored."""
        self.failures.append((self._path, error))

    def warn_of_unused(self) -> None:
        """Warn of rows in the file of labels that are for none of the recordings."""
        if self._labels.path is not None and (unused := rows_of_nobody(self._labels, self._people)):
            self._path = self._labels.path
            self._warn(unused)

    def _warn(self, sentence: str) -> None:
        self.warnings.append((self._path, sentence))
        if self._on_warning is not None:
            self._on_warning(self._path, sentence)
