"""The job of *Learn*: read, test honestly, learn from all labelled minutes, save.

The order is: divide the recordings, fit a model without the test part and score it there once, fit models without some
of the people (if there are several) and score them on these, fit the model to save to everything. Nothing is chosen by
these scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harken.models.recogniser import Recogniser
from harken.networks import DEFAULT_PRESET
from harken.support.errors import HarkenError
from harken.support.plugins import need_training
from harken.support.printable import quoted
from harken.training.learn.division import divided
from harken.training.learn.files import LabelledFile, read_labelled_files
from harken.training.learn.fits import Adapting, Training, Way
from harken.training.learn.limits import cannot_show, seconds_by_label
from harken.training.learn.testing import OnProgress, Tested, Tests
from harken.training.presets import Preset
from harken.training.presets import preset as preset_of

How = Literal["adapt", "train"]


@dataclass(frozen=True, eq=False)
class Learned:
    """The result of learning.

    Attributes:
        how: how the model was made.
        recogniser: the new model, made from all labelled minutes; the previous model if the adapted one is not better.
        kept: whether the new model differs from the previous model.
        reason: why, in a sentence.
        labels: the labels of the model.
        seconds_by_label: the labelled seconds, of all people.
        test: the honest test; None if too few bouts are long enough for one.
        other_people: the same for people who were left out: what it measures, the names of the people, and their scores
            with the previous model and with models that were made without them; None for one person.
        cannot_show: what the recordings cannot show, in sentences.
        model_path: the model file that was written; None if the previous model is kept.
    """

    how: How
    recogniser: Recogniser
    kept: bool
    reason: str
    labels: tuple[str, ...]
    seconds_by_label: dict[str, float]
    test: Tested | None
    other_people: dict[str, Any] | None
    cannot_show: tuple[str, ...]
    model_path: Path | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the ``outcome`` of ``GET /api/learn``."""
        return {
            "how": self.how,
            "labels": list(self.labels),
            "seconds_by_label": self.seconds_by_label,
            "test": self.test and self.test.as_dict(),
            "other_people": self.other_people,
            "cannot_show": list(self.cannot_show),
            "kept": self.kept,
            "reason": self.reason,
            "model_path": None if self.model_path is None else str(self.model_path),
        }


def learn(
    files: Sequence[LabelledFile | str | Path],
    *,
    before: Recogniser | str | Path | None,
    how: How,
    out: str | Path,
    preset: str | Preset = DEFAULT_PRESET,
    epochs: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    orientation: bool = True,
    on_progress: OnProgress = lambda _, __: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Learned:
    """Adapt a model to labelled recordings, or train a new one on them, and test it honestly beside the previous model.

    >>> import harken
    >>> from harken.training.learn.job import learn
    >>> learned = learn(["alice.csv"], before="packaged", how="adapt", out="alice.safetensors")
    >>> learned.test.comparison.labels
    ('lying', 'sitting', 'walking')

    Args:
        files: labelled recordings.
        before: the model to adapt, and to compare with: a recogniser, a model file, or ``"packaged"``; None: there is
            none, and ``how`` is ``"train"``.
        how: ``"adapt"`` fits the last layer of ``before`` again, in seconds; ``"train"`` trains a new model, in
            minutes, and can learn labels that ``before`` does not know.
        out: the model file to write (``.safetensors``).
        preset, epochs, seed, threads: how to train; see ``harken.train``.
        orientation: whether watches are turned, as ``harken label`` turns them. False for a model that labels live.
        on_progress: called with the stage (``read``, ``test``, ``people``, ``model``) and the share of the whole job.
        should_stop: called often; when it returns true, training raises ``Interrupted``.

    Raises:
        HarkenError: when a file cannot be read, fewer than two labels are recorded, ``adapt`` meets a label that the
            previous model does not know, or a package is missing.
    """
    need_training("learning from labels")
    if isinstance(before, str | Path):
        before = Recogniser.load(before)
    way = _way(before, how, Training(preset_of(preset), epochs, seed, threads, should_stop), orientation=orientation)
    on_progress("read", 0.0)
    recordings = read_labelled_files(
        [one if isinstance(one, LabelledFile) else LabelledFile(Path(one)) for one in files]
    )
    seconds = seconds_by_label(recordings)
    _refuse_labels(list(seconds), before, how)
    tests = Tests(recordings, before, way, orientation, on_progress)
    division = divided(recordings, window_length_s=tests.window_length_s)
    test, held_out = tests.test(division)
    other_people, unseen = tests.other_people()
    fit = way.finished(tests.fit_all(), recordings, unseen or held_out, "unseen" if unseen else "the same person")
    path = Path(out) if fit.kept else None
    if path is not None:
        fit.recogniser.save(path)
    labels = fit.recogniser.specification_.labels
    limits = cannot_show(
        division,
        tested={} if test is None else test.seconds_by_label,
        labels=labels,
        before_labels=() if before is None else before.specification_.labels,
        adapted=how == "adapt",
        left_out=() if other_people is None else other_people["people"],
    )
    if before is not tests.comparable:
        limits.insert(0, "The previous model was trained on these recordings, so it cannot be compared on them.")
    return Learned(
        how=how,
        recogniser=fit.recogniser,
        kept=fit.kept,
        reason=fit.reason,
        labels=labels,
        seconds_by_label={label: round(spent_s, 3) for label, spent_s in seconds.items()},
        test=test,
        other_people=other_people,
        cannot_show=tuple(limits),
        model_path=path,
    )


def _way(before: Recogniser | None, how: How, training: Training, *, orientation: bool) -> Way:
    if how == "train":
        return training
    if before is None:
        raise HarkenError("there is no model to adapt; train a new one")
    return Adapting(before, orientation)


def _refuse_labels(labels: Sequence[str], before: Recogniser | None, how: How) -> None:
    """Raise a HarkenError when there are too few labels, or a model that is to be adapted does not know one of them."""
    if len(labels) < 2:
        raise HarkenError(f"only {quoted(labels) if labels else 'nothing'} is labelled; learning needs two activities")
    if how == "adapt" and before is not None:
        known = before.specification_.labels
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise HarkenError(
                f"the model does not know {quoted(unknown)}, only {quoted(sorted(known))}, and adapting adds no label; "
                "train a new model"
            )
