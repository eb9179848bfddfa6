"""The job of ``harken train`` and ``harken demo``: train on files and write a run directory, resumable at any moment.

The order is: read and check, take windows, fit the model, fit the honest same-person test, fit a model without the
held-out people, calibrate the model on those people, score, draw, write. Each fit has a checkpoint. The later steps are
fast and are repeated when a run is resumed.
"""

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from harken import __version__
from harken.annotations.options import LabelOptions
from harken.models.calibration import ProbabilityScores
from harken.models.recogniser import Recogniser
from harken.models.scores import score, score_people
from harken.networks.pytorch import resolve_device
from harken.networks.specification import DEFAULT_PRESET
from harken.readers.folders import recordings_in
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import Fingerprints
from harken.reports.figures.confusion import confusion_picture
from harken.reports.figures.curves import coverage_picture, learning_curves
from harken.reports.figures.style import save_png
from harken.reports.run import write_report
from harken.support.errors import HarkenError, first_difference
from harken.support.files import not_left_empty, write_text, written_alone
from harken.support.printable import printable
from harken.training.data import RunData, read_run_data
from harken.training.directory import RunDirectory
from harken.training.loop import Interrupted, Progress
from harken.training.outcome import Fits, Outcome
from harken.training.presets import Preset
from harken.training.settings import RunSettings
from harken.training.windows import RunWindows, draw_run_windows
from harken.windows.people import Split
from harken.windows.windows import Windows

MODEL_FIT, BLOCKED_FIT, HELD_OUT_FIT = "model", "blocked", "held_out"


class TrainingDisplay(Protocol):
    """Shows the progress of a run."""

    def show(self, sentence: str) -> None:
        """Called with a sentence for the user."""

    def fitting(self, fit: str, number: int, fits: int) -> Callable[[Progress], None]:
        """Called when fit ``number`` of ``fits`` begins. Returns the function to call after each iteration."""


class _Silent:
    """Shows nothing."""

    def show(self, sentence: str) -> None:
        """Nothing."""

    def fitting(self, fit: str, number: int, fits: int) -> Callable[[Progress], None]:  # noqa: ARG002
        """A function that does nothing."""
        return lambda _: None


def train(
    files: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    cross: str | Path | Iterable[str | Path] = (),
    preset: str | Preset = DEFAULT_PRESET,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    channels: Sequence[str] | None = None,
    ignore_labels: Sequence[str] = (),
    reading: TableOptions | None = None,
    labels: str | Path | None = None,
    cross_labels: str | Path | None = None,
    labels_offset_s: float = 0.0,
    trim_s: float = 0.0,
    rename: Mapping[str, str] | None = None,
    threads: int | None = None,
    resume: bool = False,
    display: TrainingDisplay | None = None,
) -> Outcome | None:
    """Train a recogniser on labelled files and write its run directory, as ``harken train`` does.

    >>> import harken
    >>> outcome = harken.train("alice.csv", cross=["bob.csv"], out="first-run", epochs=1)
    >>> 0 <= outcome.cross.accuracy <= 1
    True
    >>> harken.Recogniser.load("first-run").specification_.labels
    ('lying', 'sitting', 'walking')

    Args:
        files: labelled recordings of the training people, or folders of them.
        out: the run directory. It holds the model, its history, its scores, pictures and the report.
        cross: recordings of unseen people to test the model on, or folders of them.
        preset, epochs, seed, device: see ``Recogniser``.
        channels: which channels to read; None for every channel of the first file.
        ignore_labels: labels to treat as unlabelled, in all files.
        reading: how to read tables; see ``harken.read``.
        labels: a file of labels for ``files``; None for the file beside each recording (``NAME.labels.csv``), or else
            the labels in it. ``docs/labels.md`` describes the formats.
        cross_labels: the same for ``cross``.
        labels_offset_s: seconds added to each time in files of labels.
        trim_s: seconds without a label at both ends of each bout.
        rename: new names of labels, by the old ones, in all files.
        threads: the number of threads on a CPU; None for the fastest number, which is measured first.
        resume: continue the run in ``out``.
        display: receives the progress that ``harken train`` shows on the screen.

    Returns:
        All scores and their data, or None if ``resume`` found a finished run, which is not changed.

    Raises:
        HarkenError: for a user's mistake: unreadable or unlabelled files, invalid settings, a run directory that holds
            something else.
    """
    settings = RunSettings(
        files=tuple(recordings_in(files, out=out).files),
        cross=tuple(recordings_in(cross, out=out).files),
        out=Path(out),
        preset=preset,
        epochs=epochs,
        seed=seed,
        device=device,
        channels=tuple(channels) if channels is not None else None,
        ignore_labels=tuple(ignore_labels),
        reading=reading or TableOptions(),
        labels=LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s, rename=rename),
        cross_labels=None if cross_labels is None else Path(cross_labels),
        threads=threads,
        resume=resume,
    )
    return train_run(settings, display or _Silent())


def train_run(
    settings: RunSettings, display: TrainingDisplay, *, should_stop: Callable[[], bool] = lambda: False
) -> Outcome | None:
    """Train a recogniser and write its run directory.

    Returns:
        The outcome, or None if a resumed run was finished already; it is not changed.

    Raises:
        HarkenError: for a user's mistake; see ``read_run_data`` and ``draw_run_windows``. Also when settings or data
            differ from those of the run to resume, or another process writes to the run directory.
        Interrupted: when ``should_stop`` is true. The run directory then holds the model so far, with its report.
    """
    with written_alone(settings.out), not_left_empty(settings.out / "checkpoint"):
        return _train_run(settings, display, should_stop)


def _train_run(settings: RunSettings, display: TrainingDisplay, should_stop: Callable[[], bool]) -> Outcome | None:
    recogniser = settings.recogniser()
    recogniser.settings()  # raises for invalid settings before files are read or written
    settings = replace(settings, device=resolve_device(settings.device))
    data = read_run_data(settings)
    for sentence in (*data.label_sources, *data.spellings):
        display.show(printable(sentence))
    windows = draw_run_windows(data, settings.recipe)
    directory = RunDirectory.open(settings.out, resume=settings.resume)
    record = _record(settings, data)
    before = directory.read_record()
    if before is not None:
        _refuse_changes(before, record)
        if before.get("status") == "finished":
            display.show(f"{printable(directory.path)} already holds this run, finished.")
            directory.drop_checkpoints()
            return None
        record["started"] = before.get("started", record["started"])
    directory.write_record(record)

    tests = {"same_person": windows.overlapping.test} if len(windows.overlapping.test) else {}
    if windows.cross is not None:
        tests["cross_person"] = windows.cross
    jobs: dict[str, tuple[Split, Mapping[str, Windows]]] = {MODEL_FIT: (windows.overlapping, tests)}
    if (split := windows.blocked) is not None:
        jobs[BLOCKED_FIT] = split, {"blocked_same_person": split.test}
    if (split := windows.held_out) is not None:
        jobs[HELD_OUT_FIT] = split, {"held_out_people": split.test}
    interrupted: Interrupted | None = None

    def fit(learner: Recogniser, name: str) -> Recogniser:
        split, tests = jobs[name]
        return learner.fit(
            split.training,
            tests=tests,
            threads=settings.threads if learner is recogniser else recogniser.history_.threads or None,
            checkpoint=directory.checkpoint(name),
            on_progress=display.fitting(name, list(jobs).index(name) + 1, len(jobs)),
            should_stop=should_stop,
        )

    fits = Fits(recogniser)
    try:
        fit(recogniser, MODEL_FIT)
        if BLOCKED_FIT in jobs:
            fits.blocked = fit(settings.recogniser(), BLOCKED_FIT)
        if HELD_OUT_FIT in jobs:
            fits.held_out = fit(settings.recogniser(), HELD_OUT_FIT)
    except Interrupted as stop:
        interrupted = stop
    except (HarkenError, OSError):
        directory.drop_unbegun()
        raise
    fits.calibrate(windows)
    outcome = _outcome(settings, data, windows, fits)
    _write(directory, fits.model, outcome, record, "interrupted" if interrupted else "finished")
    if interrupted is not None:
        raise interrupted
    directory.drop_checkpoints()
    return outcome


def _outcome(settings: RunSettings, data: RunData, windows: RunWindows, fits: Fits) -> Outcome:
    recogniser = fits.model
    specification = recogniser.specification_
    training = recogniser.settings()
    cross = cross_people = cross_probabilities = None
    if windows.cross is not None:
        known = recogniser.known(windows.cross)
        probabilities = recogniser.predict_proba(known)
        predicted = probabilities.argmax(axis=1)
        cross_probabilities = ProbabilityScores.of(probabilities, known.label_codes)
        cross = score(known.label_codes, predicted, specification.labels)
        cross_people = score_people(known.label_codes, predicted, known.subjects, specification.labels)
    return Outcome(
        settings=settings,
        specification=specification,
        training=training,
        training_windows=len(windows.overlapping.training),
        parameters=sum(parameter.numel() for parameter in recogniser.network_.parameters()),
        data=data,
        history=recogniser.history_,
        same_person=recogniser.evaluate(windows.overlapping.test) if len(windows.overlapping.test) else None,
        cross=cross,
        cross_people=cross_people,
        cross_probabilities=cross_probabilities,
        blocked=fits.blocked_scores(windows),
        blocked_history=fits.blocked.history_ if fits.blocked is not None else None,
        held_out_people=fits.held_out_scores(windows),
        missing=windows.missing,
        iterations_done=len(recogniser.history_.train_loss),
        iterations=training.iterations(len(windows.overlapping.training)),
    )


def _write(
    directory: RunDirectory, recogniser: Recogniser, outcome: Outcome, record: dict[str, Any], status: str
) -> None:
    """Write all files except the checkpoint. ``run.json`` is written last and marks the run as finished."""
    scores = outcome.scores_as_dict()
    provenance = {
        "data": [
            {
                "subject": one.mended.subject,
                "fingerprint": one.as_found.fingerprint,
                "samples_fingerprint": one.mended.samples_fingerprint,
            }
            for one in outcome.data.training
        ],
        "scores": scores,
        "iterations": outcome.iterations_done,
    }
    fingerprints = Fingerprints.of(one.mended for one in outcome.data.training)
    recogniser.with_provenance(provenance).with_fingerprints(fingerprints).save(directory.model)
    batch = outcome.training.batch_windows
    write_text(directory.history, outcome.history.to_csv(batch))
    pictures = {"learning_curves": learning_curves(outcome.history, batch_windows=batch)}
    if outcome.same_person is not None:
        pictures["confusion_same_person"] = confusion_picture(
            outcome.same_person, title="Same person, overlapping windows"
        )
    if outcome.blocked is not None:
        pictures["confusion_blocked_same_person"] = confusion_picture(
            outcome.blocked, title="Same person, no overlap with training"
        )
    if outcome.cross is not None:
        pictures["confusion_cross_person"] = confusion_picture(outcome.cross, title="Unseen people")
    if outcome.cross_probabilities is not None:
        pictures["coverage"] = coverage_picture(outcome.cross_probabilities.curve)
    for name, picture in pictures.items():
        save_png(picture, directory.picture(name))
    write_report(directory.report, outcome)
    machine = record["machine"] | {"threads": outcome.history.threads}
    directory.write_record(
        record | {"status": status, "iterations": outcome.iterations_done, "machine": machine, "scores": scores}
    )


def _record(settings: RunSettings, data: RunData) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {
        "status": "training",
        "harken_version": __version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings.what_decides_the_result(),
        "data": {
            "training": [one.as_dict() for one in data.training],
            "cross": [one.as_dict() for one in data.cross],
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "polars", "scikit-learn", "torch")},
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": settings.threads,  # None until it was measured
        },
    }


def _refuse_changes(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise a HarkenError if a run would be resumed with other settings or data."""
    for name, value in now["settings"].items():
        changed = first_difference(before["settings"].get(name), value, name)
        if changed is not None:
            where, earlier, later = changed
            raise HarkenError(
                f"this run began with {where} = {earlier!r}, not {later!r}; resume it with the same settings, "
                "or choose another --out"
            )
    for role in ("training", "cross"):
        earlier = [one["fingerprint"] for one in before["data"][role]]
        files = [one["fingerprint"] for one in now["data"][role]]
        if earlier != files:
            raise HarkenError(
                f"the {role} recordings are not those this run began with; resume it with the same ones in the same "
                "order, and with the same labels, or choose another --out"
            )
