"""The job of *Learn*: it runs ``harken.train`` or adapts, as the commands do, and puts the new model in place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.annotations.labelled_files import LabelledFiles
from harken.annotations.options import LabelOptions
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.plugins import import_object
from harken.support.resources import usable_cores
from harken.training.adaptation import Adapted, adapt
from harken.training.held_out import sum_labelled_seconds
from harken.web import jobs
from harken.web.learned import CrossValidation, How, Learned, Shares, report_beside

if TYPE_CHECKING:
    from harken.networks.training_loop import Progress

STAGES = {"model": "model", "blocked": "test", "held_out": "people"}
"""A fit of a training -> the stage of the job."""
OnProgress = Callable[[str, float], None]
"""Takes the stage, and the share of the whole job that is done."""


@dataclass(frozen=True)
class LearnSettings:
    """The settings of a job, as plain values for its process.

    Attributes:
        how: ``adapt`` fits the last layer of ``before`` again; ``train`` trains a new model.
        paths: recordings, each with its labels in the file beside it, or else in itself.
        out: the model file to write.
        work: a folder for the run of a training, which the server removes.
        before: the starting model, a file; None if there is none.
        reading: the fields of ``TableOptions``.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it by walking.
        training: arguments of ``harken.train``. A preset may be ``module:name``.
    """

    how: How
    paths: Sequence[str]
    out: str
    work: str
    before: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    forearm_axis: ForearmAxis | None = None
    training: Mapping[str, Any] = field(default_factory=dict)


class JobDisplay:
    """Passes the progress of a training on as that of the job: a ``harken.training.run.TrainingDisplay``."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress

    def show(self, sentence: str) -> None:
        """Show nothing: the report has the sentences."""

    def fitting(self, fit: str, number: int, fits: int) -> Callable[["Progress"], None]:
        """Pass on when a fit begins, and return what passes on its progress."""
        stage = STAGES[fit]
        self._on_progress(stage, (number - 1) / fits)
        return lambda done: self._on_progress(stage, (number - 1 + done.iteration / done.iterations) / fits)


def learn_from(send: jobs.Send, settings: Mapping[str, Any]) -> None:
    """Learn, and send ``progress`` (stage, share of the whole job) and ``learned`` (outcome).

    Args:
        send: see ``harken.web.jobs``.
        settings: the fields of ``LearnSettings``.

    Raises:
        HarkenError: as ``harken.train`` and ``harken.training.adaptation.adapt``.
    """
    learned = learn(LearnSettings(**settings), jobs.Progress(send))
    send(type="learned", outcome=learned.as_dict())


def learn(settings: LearnSettings, on_progress: OnProgress) -> Learned:
    """Adapt the starting model or train a new one, and save the new model.

    Raises:
        HarkenError: as ``harken.train`` and ``harken.training.adaptation.adapt``.
    """
    on_progress("read", 0.0)
    if settings.how == "adapt":
        return adapt_before(settings, on_progress)
    return train_new(settings, on_progress)


def adapt_before(settings: LearnSettings, on_progress: OnProgress) -> Learned:
    """Adapt the starting model, and save the new one if it is kept."""
    if settings.before is None:
        raise HarkenError("there is no model to adapt; train a new one")
    recordings = _read_labelled([Path(path) for path in settings.paths], TableOptions(**settings.reading))
    adapted = adapt(
        Recogniser.load(settings.before),
        recordings,
        forearm_axis=settings.forearm_axis,
        several_wearers=True,
        on_progress=on_progress,
    )
    out = Path(settings.out)
    if adapted.kept:
        adapted.recogniser.save(out)
    return Learned(
        how="adapt",
        labels=adapted.recogniser.specification_.labels,
        seconds_by_label=_round_seconds(recordings),
        tests=adapted.tests,
        cannot_show=adapted.limits,
        kept=adapted.kept,
        reason=adapted.reason,
        model_path=out if adapted.kept else None,
        has_report=False,
        cross_validation=_validation_of(adapted),
    )


def _validation_of(adapted: Adapted) -> CrossValidation | None:
    """Return the shares that were recognised in cross-validation; None if there was too little data for one."""
    before, after = adapted.before, adapted.after
    if before is None or after is None:
        return None
    labels = {label: Shares(before.recall[label], after.recall[label]) for label in before.recall}
    return CrossValidation(before.balanced_accuracy, after.balanced_accuracy, adapted.between_bouts, labels)


def train_new(settings: LearnSettings, on_progress: OnProgress) -> Learned:
    """Train a new model, and save it with its report."""
    # They import PyTorch, which an adaptation does without.
    from harken.training.report import write_report
    from harken.training.run import MODEL_FILE, MissingChannelsError, train

    options = {"threads": max(1, usable_cores() - 1)} | dict(settings.training)  # a core is left to watches' labels
    if ":" in str(options.get("preset", "")):
        options["preset"] = import_object(options["preset"])
    run, out = Path(settings.work) / "run", Path(settings.out)
    try:
        outcome = train(
            settings.paths,
            out=run,
            reading=TableOptions(**settings.reading),
            before=settings.before,
            forearm_axis=settings.forearm_axis,
            device="cpu",
            display=JobDisplay(on_progress),
            **options,
        )
    except MissingChannelsError as error:
        raise error.with_lines(
            f"has no channel {', '.join(error.channels)}, which the model in use reads; learn from recordings that "
            "have all of its channels"
        ) from error
    assert outcome is not None  # the run is a new one
    write_report(report_beside(out), outcome, model_file=out.name)
    Recogniser.load(run / MODEL_FILE).save(out)
    return Learned(
        how="train",
        labels=outcome.specification.labels,
        seconds_by_label=_round_seconds([reading.mended for reading in outcome.data.training]),
        tests=outcome.comparisons,
        cannot_show=outcome.limits,
        kept=True,
        reason=f"trained on {outcome.training_windows:,} windows",
        model_path=out,
        has_report=True,
    )


def _read_labelled(files: Sequence[Path], reading: TableOptions) -> list[Recording]:
    """Read the recordings of all people.

    Raises:
        HarkenError: when a file cannot be read or has no label.
    """
    labelled = LabelledFiles(files, reading, LabelOptions())
    recordings = [recording for file in files for recording in labelled.read(file)]
    for recording in recordings:
        if not recording.label_names:
            raise HarkenError("has no label; label it first, or remove it", path=recording.source, colon=False)
    return recordings


def _round_seconds(recordings: Sequence[Recording]) -> dict[str, float]:
    return {label: round(seconds, 3) for label, seconds in sum_labelled_seconds(recordings).items()}
