"""What ``harken evaluate`` does: a trained model on labelled files, one after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harken.evaluation.evaluation import Evaluation
from harken.evaluation.evaluation import evaluate as evaluate_recordings
from harken.labelling.cohort import recordings_in, without_path
from harken.models.recogniser import Recogniser
from harken.readers import read
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError, raise_failures
from harken.support.printable import printable

__all__ = ["EvaluatedFiles", "evaluate"]


@dataclass(frozen=True)
class EvaluatedFiles:
    """The scores of a model on files.

    Attributes:
        scores: of each person and of all together; see ``harken.evaluation.evaluation.Evaluation``.
        failures: each file that could not be read or scored, and why.
        warnings: each file with something that its reader must know, such as a sensor that was not worn on a wrist.
    """

    scores: Evaluation
    failures: tuple[tuple[Path, HarkenError], ...]
    warnings: tuple[tuple[Path, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """What ``harken evaluate --json`` prints."""
        failures = [
            {"file": printable(path), "reason": without_path(str(error), path)} for path, error in self.failures
        ]
        return self.scores.as_dict() | {"failures": failures}


def evaluate(
    model: str | Path | Recogniser,
    files: str | Path | Iterable[str | Path],
    *,
    ignore_labels: Sequence[str] = (),
    unsure_below: float | None = None,
    orientation: bool = True,
    reading: TableOptions | None = None,
    on_warning: Callable[[Path, str], None] | None = None,
) -> EvaluatedFiles:
    """Score a model on labelled files, as ``harken evaluate`` does: each person, and the mean over people.

    A file that cannot be read or scored does not stop the others; ``failures`` names it.

    >>> import harken
    >>> evaluated = harken.evaluate("packaged", ["alice.csv", "bob.csv"])
    >>> sorted(evaluated.scores.unseen.people)
    ['alice', 'bob']

    Args:
        model: a recogniser, a model file, a run directory, or ``"packaged"`` for the model that comes with harken.
        files: a labelled recording or several, or folders of them.
        ignore_labels: labels whose windows do not count.
        unsure_below: also count what is answered when windows with a smaller largest probability get no answer.
        orientation: whether a watch is turned about its face where the model recognises walking only then.
        reading: how to read tables; see ``harken.read``.
        on_warning: called with a file and a sentence when it is read.

    Raises:
        HarkenError: when the model cannot be read, ``unsure_below`` is no probability, or no file can be scored; of
            several reasons why not, all are in it.
    """
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"unsure_below must be a probability between 0 and 1, got {unsure_below:g}")
    recogniser = model if isinstance(model, Recogniser) else Recogniser.load(model)
    paths = recordings_in([files] if isinstance(files, str | Path) else list(files)).files
    failures: list[tuple[Path, HarkenError]] = []
    warnings: list[tuple[Path, str]] = []

    def warn(path: Path, sentence: str) -> None:
        warnings.append((path, sentence))
        if on_warning is not None:
            on_warning(path, sentence)

    def each_read() -> Iterator[Recording]:
        for path in paths:
            try:
                recording = read(path, **vars(reading or TableOptions()))
            except HarkenError as error:
                failures.append((path, error))
                continue
            for sentence in recording.warnings:
                warn(path, sentence)
            yield recording

    try:
        scores = evaluate_recordings(
            recogniser,
            each_read(),
            ignore_labels=ignore_labels,
            unsure_below=unsure_below,
            orientation=orientation,
            on_failure=lambda recording, error: failures.append((Path(recording.source), error)),
        )
    except HarkenError:
        raise_failures([error for _, error in failures], len(paths))
        raise
    return EvaluatedFiles(scores, tuple(failures), tuple(warnings))
