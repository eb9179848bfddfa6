"""The job of ``harken train`` and ``harken demo``: train on files and write a run directory, resumable at any moment.

The order stands in ``_train_run``: read, divide, make windows, fit, calibrate, score, write. The fits are the model, a
model for the honest same-person test, and a model without a few people. Each fit has a checkpoint. The later steps are
fast and are repeated when a run is resumed.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np

from harken import __version__
from harken.annotations.folders import RUN_HISTORY, RUN_RECORD, recordings_in
from harken.annotations.options import LabelOptions
from harken.models.calibration import coverage, fit_temperature
from harken.models.recogniser import Recogniser, described_data
from harken.models.scores import score, score_people
from harken.models.worst_bouts import LabelledBouts, WrongBout, find_wrong_bouts, rank_bouts
from harken.networks import DEFAULT_PRESET
from harken.networks.presets import Preset
from harken.networks.pytorch import resolve_device
from harken.networks.specification import CalibratedOn
from harken.networks.training_loop import Interrupted, Progress
from harken.readers.options import TableOptions
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.reports.figures.confusion import confusion_picture
from harken.reports.figures.curves import coverage_picture, learning_curves, test_title
from harken.reports.figures.style import save_png
from harken.support.aside import is_aside
from harken.support.errors import HarkenError, first_difference
from harken.support.files import (
    Json,
    make_folder,
    not_left_empty,
    read_json,
    refuse_occupied,
    write_text,
    written_alone,
)
from harken.support.printable import printable
from harken.training.comparison import Comparison, reply, score_replies
from harken.training.data import (
    BLOCKED,
    HELD_OUT,
    MODEL,
    Read,
    RunData,
    RunWindows,
    divide_run_data,
    draw_run_windows,
    find_window_length_s,
    read_run_data,
)
from harken.training.held_out import Division, hold_out_people, list_limits
from harken.training.held_out_test import NOT_COMPARED, HeldOut, HeldOutTest
from harken.training.output_layer import keep_examples
from harken.training.report import write_report
from harken.training.run_outcome import BLOCKED_SAME_PERSON, HELD_OUT_PEOPLE, LAST_OCCASION, UNSEEN_PEOPLE, Outcome
from harken.training.settings import RunSettings
from harken.windows.windows import Windows

CHECKPOINTS = "checkpoint"
"""The folder of the checkpoints in a run directory."""
MODEL_FILE = "model.safetensors"
CALIBRATED_ON: dict[str, CalibratedOn] = {HELD_OUT: "unseen", BLOCKED: "the same person"}
"""The fits whose test windows give the model's temperature, the best first."""


class _Read(TypedDict):
    fingerprint: str


class Record(TypedDict):
    """What a resumed run needs of ``run.json``."""

    status: str
    started: str
    settings: Json
    data: dict[str, list[_Read]]


SECONDS_BETWEEN_SENTENCES = 30.0
"""Of reading. Files that are read sooner are not named."""


class MissingChannelsError(HarkenError):
    """A recording lacks channels that the model in use reads, so the new model cannot be compared with it.

    Attributes:
        channels: those that the recording lacks.
    """

    def __init__(self, *lines: object, path: object = None, channels: tuple[str, ...] = ()) -> None:
        super().__init__(*lines, path=path, colon=False)
        self.channels = channels


class TrainingDisplay(Protocol):
    """Shows the progress of a run."""

    def show(self, sentence: str) -> None:
        """Called with a sentence for the user."""

    def fitting(self, fit: str, number: int, fits: int) -> Callable[[Progress], None]:  # noqa: ARG002
        """Called when fit ``number`` of ``fits`` begins. Returns the function to call after each iteration."""
        return lambda _: None


class _Silent(TrainingDisplay):
    """Shows nothing."""

    def show(self, sentence: str) -> None:
        """Nothing."""


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
    cross_labels_offset_s: float = 0.0,
    trim_s: float = 0.0,
    rename: Mapping[str, str] | None = None,
    threads: int | None = None,
    before: str | Path | None = None,
    forearm_axis: ForearmAxis | None = None,
    resume: bool = False,
    display: TrainingDisplay | None = None,
) -> Outcome | None:
    """Train a recogniser on labelled files and write its run directory, as ``harken train`` does.

    >>> import harken
    >>> outcome = harken.train("alice.csv", cross=["bob.csv"], out="first-run", epochs=1)
    >>> 0 <= outcome.cross.accuracy <= 1
    True

    Args:
        files, cross: labelled recordings of the training people and of unseen people for the test, or their folders.
        out: the run directory. It holds the model, its history, its scores, pictures and the report.
        preset, epochs, seed, device, threads: see ``Recogniser`` and its ``fit``.
        channels: which channels to read; None for every channel of the first file.
        ignore_labels: labels to treat as unlabelled, in all files.
        cross_labels, cross_labels_offset_s: for ``cross``, as ``labels`` and ``labels_offset_s`` are for ``files``.
        reading, labels, labels_offset_s, trim_s, rename: see ``harken.evaluate``.
        before, forearm_axis: the model in use, with which the new one is compared on what was held out of training; and
            the axis along the forearm to which watches are turned for that, None to find it by walking.
        resume, display: continue the run in ``out`` (None is returned if it is finished); what receives the progress.

    Raises:
        HarkenError: for unreadable or unlabelled files, invalid settings, or a run directory that holds something else.
    """
    settings = RunSettings(
        files=tuple(recordings_in(files, out=out).files),
        out=Path(out),
        cross=tuple(recordings_in(cross, out=out).files),
        preset=preset,
        epochs=epochs,
        seed=seed,
        device=device,
        threads=threads,
        channels=None if channels is None else tuple(channels),
        ignore_labels=tuple(ignore_labels),
        reading=reading or TableOptions(),
        labels=LabelOptions.of(labels, offset_s=labels_offset_s, trim_s=trim_s, rename=rename),
        cross_labels=None if cross_labels is None else Path(cross_labels),
        cross_labels_offset_s=float(cross_labels_offset_s),
        resume=resume,
        before=None if before is None else Path(before),
        forearm_axis=forearm_axis,
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
    with written_alone(settings.out), not_left_empty(settings.out / CHECKPOINTS):
        return _train_run(settings, display, should_stop)


def _train_run(settings: RunSettings, display: TrainingDisplay, should_stop: Callable[[], bool]) -> Outcome | None:
    settings.recogniser().settings()  # raises for invalid settings before files are read or written
    settings = replace(settings, device=resolve_device(settings.device))
    data = read_run_data(settings, _tell_reading(settings, display))
    for sentence in (*data.label_sources, *data.label_doubts):
        display.show(printable(sentence))
    comparison = _prepare_comparison(settings, data)
    division = divide_run_data(data, settings.recipe, before_window_s=comparison.window_length_s if comparison else 0.0)
    windows = draw_run_windows(data, division, settings.recipe)
    record = _begin_record(settings, data, display)
    if record is None:
        return None
    fits, interrupted = _fit(settings, windows, display, should_stop)
    model = keep_examples(_calibrate(fits, windows), windows.splits[MODEL].training)
    outcome = _score(settings, data, windows, fits, model)
    outcome = replace(outcome, limits=_list_run_limits(settings, division, windows, fits, model))
    if comparison is not None:
        outcome = _compare(outcome, comparison, division, windows, fits)
    _write(settings.out, model, outcome, record | {"status": "interrupted" if interrupted else "finished"})
    if interrupted is not None:
        raise interrupted
    shutil.rmtree(settings.out / CHECKPOINTS, ignore_errors=True)
    return outcome


def _prepare_comparison(settings: RunSettings, data: RunData) -> Comparison | None:
    """Prepare how the new model is compared with the model in use; None if there is none.

    Raises:
        HarkenError: when the model in use cannot be read, or reads a channel that a recording lacks.
    """
    if settings.before is None:
        return None
    before = settings.model_before
    recordings = _select_channels_of_both(data, before.specification_.channels)
    own_s = find_window_length_s(data, settings.recipe)
    length_s = max(own_s, before.specification_.window_length_s)
    return Comparison(before, length_s, recordings, forearm_axis=settings.forearm_axis)


def _select_channels_of_both(data: RunData, of_before: Sequence[str]) -> list[Recording]:
    """Select the channels of the new model, and then those that only the model in use reads."""
    of_new = data.training[0].mended.channels
    of_both = (*of_new, *(name for name in of_before if name not in of_new))
    for recording in data.with_all_channels:
        missing = tuple(name for name in of_both if name not in recording.channels)
        if missing:
            raise MissingChannelsError(
                f"has no channel {', '.join(missing)}; it has {', '.join(recording.channels)}; the model in use reads "
                f"{', '.join(of_before)}: leave out --before, or train on recordings that have these channels",
                path=recording.source or recording.subject,
                channels=missing,
            )
    return [recording.select_channels(of_both) for recording in data.with_all_channels]


def _begin_record(settings: RunSettings, data: RunData, display: TrainingDisplay) -> Json | None:
    """Make or open the run directory and write the record of the run; None if the run is finished already.

    Raises:
        HarkenError: when the directory holds something else, or a run with other settings or data.
    """
    out = settings.out
    _open_directory(out, resume=settings.resume)
    record = _record(settings, data)
    if (out / RUN_RECORD).exists():
        before = read_json(out / RUN_RECORD, Record, advice="start again in an empty folder")
        _refuse_changes(before, record)
        if before["status"] == "finished":
            display.show(f"{printable(out)} already holds this run, finished.")
            shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
            return None
        record["started"] = before["started"]
    _write_record(out, record)
    return record


def _fit(
    settings: RunSettings, windows: RunWindows, display: TrainingDisplay, should_stop: Callable[[], bool]
) -> tuple[dict[str, Recogniser], Interrupted | None]:
    """Fit the recognisers of a run, by the names of their splits: those that were reached, and the interruption.

    The fit in which a run is interrupted is left out, except for the model itself.
    """
    out, checkpoints = settings.out, settings.out / CHECKPOINTS
    recogniser = settings.recogniser()
    fits = {MODEL: recogniser}
    try:
        for number, name in enumerate(windows.splits, 1):
            learner = recogniser if name == MODEL else settings.recogniser()
            learner.fit(
                windows.splits[name].training,
                tests=_tests(windows, name),
                threads=settings.threads if name == MODEL else recogniser.history_.threads or None,
                checkpoint=checkpoints / f"{name}.safetensors",
                on_progress=display.fitting(name, number, len(windows.splits)),
                should_stop=should_stop,
            )
            fits[name] = learner
    except Interrupted as stop:
        return fits, stop
    except (HarkenError, OSError):
        # Without a record, another run can begin in the directory of one that failed before its training.
        if not (out / MODEL_FILE).exists() and checkpoints.is_dir() and not any(checkpoints.iterdir()):
            (out / RUN_RECORD).unlink(missing_ok=True)
        raise
    return fits, None


def _tell_reading(settings: RunSettings, display: TrainingDisplay) -> Callable[[Path], None]:
    """Return the function to call with each file before it is read. It shows a sentence every half minute."""
    files, begun, last_s = len(settings.files) + len(settings.cross), 0, time.monotonic()

    def tell(path: Path) -> None:
        nonlocal begun, last_s
        begun += 1
        if time.monotonic() - last_s >= SECONDS_BETWEEN_SENTENCES:
            last_s = time.monotonic()
            display.show(f"Reading {printable(path.name)}, {begun} of {files} files.")

    return tell


def _tests(windows: RunWindows, name: str) -> dict[str, Windows]:
    """The tests of a fit."""
    test = windows.splits[name].test
    tests = {_name_test(windows, name): test} if len(test) else {}
    if name == MODEL and windows.cross is not None:
        tests["cross_person"] = windows.cross
    return tests


def _name_test(windows: RunWindows, name: str) -> str:
    """Name the test of a fit, as in its history."""
    honest = LAST_OCCASION if windows.by_occasion else BLOCKED_SAME_PERSON
    return {MODEL: "same_person", BLOCKED: honest, HELD_OUT: "held_out_people"}[name]


def _open_directory(out: Path, *, resume: bool) -> None:
    """Make an empty run directory, or open one to resume the run in it.

    Raises:
        HarkenError: when it is not empty and ``resume`` is False, or when it is not a run directory.
    """
    occupied = out.is_dir() and any(_is_of_a_run(one) for one in out.iterdir())
    refuse_occupied(out, "run", occupied=occupied, own=(out / RUN_RECORD).exists(), resume=resume)
    for folder in (out, out / CHECKPOINTS):
        make_folder(folder)


def _is_of_a_run(path: Path) -> bool:
    """False for what is aside and an empty checkpoint folder, which a run leaves if it is killed before it writes."""
    return not is_aside(path) and not (path.name == CHECKPOINTS and path.is_dir() and not any(path.iterdir()))


def _write_record(out: Path, record: Json) -> None:
    write_text(out / RUN_RECORD, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _calibrate(fits: Mapping[str, Recogniser], windows: RunWindows) -> Recogniser:
    """Return the model of a run with the temperature of another fit: of the one without a few people on these people,
    or else of the honest same-person test's on later moments of the same people.

    The people in the run's cross files are not used.
    """
    for name, calibrated_on in CALIBRATED_ON.items():
        if name in fits:
            known = fits[name].known(windows.splits[name].test)
            temperature = fit_temperature((fits[name].predict_logits(known), known.label_codes))
            return fits[MODEL].with_temperature(temperature, calibrated_on)
    return fits[MODEL].with_temperature(1.0, "nobody")


def _score(
    settings: RunSettings, data: RunData, windows: RunWindows, fits: Mapping[str, Recogniser], model: Recogniser
) -> Outcome:
    """Score the fits of a run in its tests.

    Args:
        settings, data, windows: of the run.
        fits: the fits so far, by the names of their splits.
        model: the calibrated model.
    """
    tests = {name: windows.splits[name].test for name in fits}
    blocked = fits.get(BLOCKED)
    cross = cross_people = cross_probabilities = held_out_people = None
    if windows.cross is not None:
        known = model.known(windows.cross)
        probabilities = model.predict_proba(known)
        answers = known.label_codes, probabilities.argmax(axis=1)
        cross = score(*answers, known.label_names)
        cross_people = score_people(*answers, known.subjects, known.label_names)
        cross_probabilities = coverage(probabilities, known.label_codes)
    if HELD_OUT in fits:
        known = fits[HELD_OUT].known(tests[HELD_OUT])
        predicted = fits[HELD_OUT].predict_proba(known).argmax(axis=1)
        held_out_people = score_people(known.label_codes, predicted, known.subjects, known.label_names)
    return Outcome(
        settings=settings,
        specification=model.specification_,
        training=model.settings(),
        training_windows=len(windows.splits[MODEL].training),
        parameters=sum(parameter.numel() for parameter in model.network_.parameters()),
        data=data,
        history=model.history_,
        same_person=model.evaluate(tests[MODEL]) if len(tests[MODEL]) else None,
        cross=cross,
        cross_people=cross_people,
        cross_probabilities=cross_probabilities,
        blocked=blocked.evaluate(tests[BLOCKED]) if blocked is not None else None,
        blocked_history=blocked.history_ if blocked is not None else None,
        held_out_people=held_out_people,
        missing=windows.missing,
        iterations_done=len(model.history_.train_loss),
        iterations=model.history_.iterations,
        by_occasion=windows.by_occasion,
        worst_bouts=_find_worst_bouts(settings, data, windows, fits, model),
    )


def _find_worst_bouts(
    settings: RunSettings, data: RunData, windows: RunWindows, fits: Mapping[str, Recogniser], model: Recogniser
) -> tuple[WrongBout, ...]:
    """Find the bouts that were recognised worst, with the commands that show them; see ``Outcome.worst_bouts``."""
    tests: list[tuple[str, Recogniser, Windows, list[Read]]] = []
    if windows.cross is not None:
        tests.append((UNSEEN_PEOPLE, model, windows.cross, data.cross))
    if HELD_OUT in fits:
        tests.append((HELD_OUT_PEOPLE, fits[HELD_OUT], windows.splits[HELD_OUT].test, data.training))
    if not tests and BLOCKED in fits:
        name = "the last occasion" if windows.by_occasion else "the honest same-person test"
        tests.append((name, fits[BLOCKED], windows.splits[BLOCKED].test, data.training))
    bouts: list[WrongBout] = []
    for name, fit, test, reads in tests:
        known = fit.known(test)
        probabilities, labels = fit.predict_proba(known), fit.specification_.labels
        for read in reads:
            bouts += find_wrong_bouts(LabelledBouts.of(read.mended), known, probabilities, labels, test=name)
    options = ("--model", str(settings.out))
    ranked = rank_bouts(bouts)
    return tuple(bout.with_command(settings.reading, options, forearm_axis=settings.forearm_axis) for bout in ranked)


def _compare(
    outcome: Outcome, comparison: Comparison, division: Division, windows: RunWindows, fits: Mapping[str, Recogniser]
) -> Outcome:
    """Compare the model in use with the fits that were made without a part of the recordings, on that part."""
    tests: list[HeldOutTest | None] = []
    if BLOCKED in fits:
        held_out: HeldOut = "occasion" if division.by_occasion else "bouts"
        trained = windows.splits[BLOCKED].training.labels_present
        parts = [
            replace(part, whole=recording)  # the division has only the channels of the new model
            for part, recording in zip(division.parts, comparison.recordings, strict=True)
        ]
        tests.append(score_replies(reply(fits[BLOCKED], parts, trained, comparison), held_out, comparison))
    if HELD_OUT in fits:
        split = windows.splits[HELD_OUT]
        parts = hold_out_people(comparison.recordings, np.unique(split.test.subjects).tolist())
        replies = reply(fits[HELD_OUT], parts, split.training.labels_present, comparison)
        tests.append(score_replies(replies, "people", comparison))
    limits = outcome.limits if comparison.before is comparison.compared else (NOT_COMPARED, *outcome.limits)
    return replace(outcome, comparisons=tuple(test for test in tests if test is not None), limits=limits)


def _list_run_limits(
    settings: RunSettings, division: Division, windows: RunWindows, fits: Mapping[str, Recogniser], model: Recogniser
) -> tuple[str, ...]:
    """List what the recordings of a run cannot show."""
    limits = list_limits(
        division,
        tested=windows.splits[BLOCKED].test.labels_present if BLOCKED in fits else (),
        left_out=np.unique(windows.splits[HELD_OUT].test.subjects).tolist() if HELD_OUT in fits else (),
        labels=model.specification_.labels,
        before_labels=() if settings.before is None else settings.model_before.specification_.labels,
        adapted=False,
    )
    return tuple(limits)


def _write(out: Path, model: Recogniser, outcome: Outcome, record: Json) -> None:
    """Write all files except the checkpoint. ``run.json`` is written last and marks the run as finished."""
    scores = outcome.scores_as_dict()
    reads = outcome.data.training
    data = [described_data(reading.mended, reading.as_found) for reading in reads]
    provenance = {"data": data, "scores": scores, "iterations": outcome.iterations_done}
    fingerprints = Fingerprints.of(reading.mended for reading in reads)
    model.with_provenance(provenance).with_fingerprints(fingerprints).save(out / MODEL_FILE)
    batch = outcome.training.batch_windows
    write_text(out / RUN_HISTORY, outcome.history.to_csv(batch))
    pictures = {"learning_curves": learning_curves(outcome.history, batch_windows=batch)}
    for name, tested in outcome.tests.items():
        pictures[f"confusion_{name}"] = confusion_picture(tested, title=test_title(name))
    if outcome.cross_probabilities is not None:
        pictures["coverage"] = coverage_picture(outcome.cross_probabilities)
    for name, picture in pictures.items():
        save_png(picture, out / f"{name}.png")
    write_report(out / "report.html", outcome)
    machine = record["machine"] | {"threads": outcome.history.threads}
    results = {"scores": scores, "worst_bouts": [bout.as_dict() for bout in outcome.worst_bouts]}
    _write_record(out, record | {"iterations": outcome.iterations_done, "machine": machine} | results)


def _record(settings: RunSettings, data: RunData) -> Json:
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
            "threads": settings.threads,  # None until the training has chosen
        },
    }


def _refuse_changes(before: Json, now: Json) -> None:
    """Raise a HarkenError if a run would be resumed with other settings or data."""
    changed = first_difference(before["settings"], now["settings"])
    if changed is not None:
        where, earlier, later = changed
        raise HarkenError(
            f"this run began with {where} = {earlier!r}, not {later!r}; resume it with the same settings, "
            "or choose another --out"
        )
    for role, reads in now["data"].items():
        if [one["fingerprint"] for one in before["data"].get(role, [])] != [one["fingerprint"] for one in reads]:
            raise HarkenError(
                f"the {role} recordings are not those this run began with; resume it with the same ones in the same "
                "order, and with the same labels, or choose another --out"
            )
