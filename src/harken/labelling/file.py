"""Labelling a file from its samples to its report, in memory that does not grow with the recording."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.labelling.card import model_card
from harken.labelling.clipping import Clipped
from harken.labelling.limits import limits_of
from harken.labelling.quality import quality_of
from harken.labelling.settings import SUMMARY, LabelSettings, asked_of
from harken.models.mounting import Mounting, mounting_of_walks
from harken.models.recogniser import Recogniser
from harken.readers import open_stream
from harken.recordings.mended_stream import MendedStream
from harken.recordings.recording import is_made_up, warnings_of
from harken.recordings.samples import Samples
from harken.reports.wearer import write_wearer_report
from harken.signals.gravity_calibration import GravityCalibration, gravity_calibration
from harken.signals.movement import EpochStatistics
from harken.signals.non_wear import non_wear
from harken.signals.walks import Walks
from harken.support.errors import HarkenError
from harken.support.files import appearing, write_text
from harken.support.memory import hand_back
from harken.support.printable import printable
from harken.support.threads import computing_threads
from harken.timelines import Timeline, label_stream, write_csv
from harken.timelines.labelling import Calibrate

__all__ = ["FileTimeline", "Step", "label_file", "timeline_of_file"]

AXES = ("x", "y", "z")


class Step:
    """Told which step of the work begins; the one of this class does nothing with it."""

    def __call__(self, name: str) -> None:
        """``read``, ``epochs``, ``label``, ``smooth`` or ``write`` begins now; ``done``: all is there."""


class FileTimeline(NamedTuple):
    """A file's timeline, and what was found out on the way.

    Attributes:
        timeline: the labels.
        stream: the recording that they are of.
        calibration: of the sensor; None where it was not asked for, as with the next two.
        non_wear_ns: the stretches when it was not worn, int64 ``[k, 2]``.
        mounting: how the watch sat on the arm.
    """

    timeline: Timeline
    stream: MendedStream
    calibration: GravityCalibration | None
    non_wear_ns: NDArray[np.int64] | None
    mounting: Mounting | None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person must know before any label. See ``harken.recordings.recording.warnings_of``."""
        return warnings_of(self.stream.quality.placement, made_up=is_made_up(self.stream.subject))

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the labels should know: what was mended, and whether the watch was turned."""
        if self.mounting is None or self.mounting.quarters == 0:
            return self.stream.quality.notes
        return (*self.stream.quality.notes, f"the watch was {self.mounting.reason}")


def label_file(
    path: str | Path,
    recogniser: Recogniser,
    folder: str | Path,
    *,
    settings: LabelSettings | None = None,
    model_sha256: str = "",
    asked: dict[str, Any] | None = None,
    step: Step | None = None,
    cores: int = 1,
) -> dict[str, Any]:
    """Label a file and write what came out of it to a folder, whole or not at all.

    The folder holds ``timeline.parquet`` and ``timeline.csv``, ``bouts.csv``, ``days.csv``, ``quality.json``,
    ``report.html`` and ``summary.json``, which is also what is given back. They are written aside first; then the
    folder appears under its name, in place of an unfinished one.

    Args:
        path: the file.
        recogniser: what labels it.
        folder: where to write; the folder that it lies in exists.
        settings: how; the defaults if None.
        model_sha256: of the recogniser's file, for the summary.
        asked: what ``asked_of`` said of the file, where that is known already.
        step: told how far the work is.
        cores: how many to use: the same result, sooner.

    Raises:
        HarkenError: when the file cannot be read or labelled, or the folder not written.
    """
    path, folder, settings, step = Path(path), Path(folder), settings or LabelSettings(), step or Step()
    asked = asked or asked_of(path, model_sha256, settings)
    # Threads of one call wait for one another at every layer: whole batches side by side take less time.
    with computing_threads(1):
        found = timeline_of_file(path, recogniser, settings, step=step, cores=cores)
    timeline, stream = found.timeline, found.stream
    step("write")
    bouts, days = timeline.bouts(), timeline.daily()
    specification, provenance = recogniser.specification_, recogniser.provenance_
    quality = quality_of(
        stream,
        timeline,
        file=printable(path),
        sha256=asked["sha256"],
        calibration=found.calibration,
        non_wear=found.non_wear_ns is not None,
        mounting=found.mounting,
        limits=limits_of(timeline, days, found.mounting, specification=specification, provenance=provenance),
    )
    summary = asked | _summary(found, quality)
    card = model_card(specification, provenance)
    try:
        with appearing(folder) as aside:
            _write(aside, timeline, quality, card, bouts, days)
            write_text(aside / SUMMARY, _json(summary))
    except OSError as error:
        raise HarkenError(f"{folder}: cannot write there ({error.strerror or error})") from error
    step("done")
    return summary


def timeline_of_file(
    path: str | Path, recogniser: Recogniser, settings: LabelSettings, *, step: Step | None = None, cores: int = 1
) -> FileTimeline:
    """Label a file and write nothing: calibrated, turned as the model learned, with non-wear, and smoothed, as far as
    it is asked for. Samples of a sensor that stays at the end of its range are marked.

    Args:
        path, recogniser, settings, step, cores: as in ``label_file``.

    Raises:
        HarkenError: when the file cannot be read or labelled.
    """
    step = step or Step()
    stream, calibration, off_ns, mounting = _opened(path, recogniser, settings, step)
    step("label")
    stream = replace(stream, read=partial(_handing_back, stream.read))
    clipped = Clipped(stream) if stream.channels[:3] == AXES else None
    timeline = label_stream(
        recogniser.specification_,
        stream if clipped is None else clipped.stream,
        recogniser.predict_proba,
        calibrate=_prepared(calibration, mounting),
        non_wear_ns=off_ns,
        lanes=cores if cores > 1 else 0,
    )
    stream = stream if clipped is None else clipped.stream
    step("smooth")
    hand_back()
    if settings.smoothing:
        timeline = timeline.smoothed()
        hand_back()
    if settings.unsure_below is not None:
        timeline = timeline.with_unsure_below(settings.unsure_below)
    return FileTimeline(timeline, stream, calibration, off_ns, mounting)


def _prepared(calibration: GravityCalibration | None, mounting: Mounting | None) -> Calibrate | None:
    """What is done to the signals before they are labelled; None: nothing."""
    calibrate = calibration.apply if calibration is not None and calibration.applied else None
    if mounting is None or mounting.quarters == 0:
        return calibrate
    turn = mounting.apply
    if calibrate is None:
        return lambda signals, _: turn(signals)
    return lambda signals, temperature: turn(calibrate(signals, temperature))


def _opened(
    path: str | Path, recogniser: Recogniser, settings: LabelSettings, step: Step
) -> tuple[MendedStream, GravityCalibration | None, NDArray[np.int64] | None, Mounting | None]:
    """The recording, and what its epochs tell of it; then they are not needed any more."""
    step("read")
    first_look = _Epochs(walks=settings.orientation)
    asked_for = settings.calibration or settings.non_wear or settings.orientation
    stream = open_stream(path, observer=first_look.observe if asked_for else None, **asdict(settings.reading))
    step("epochs")
    return stream, *_looked_over(stream, recogniser, first_look, settings)


def _handing_back(read: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
    """The stream, with memory handed back after each: what little is kept of a part would hold on to much else."""
    for part in read():
        yield part
        hand_back()


class _Epochs:
    """Epochs, computed while the file is read for the first time, and what in it looks like walking.

    A file that turns out to be of another kind than it seemed is read again from its beginning, and so ``observe``
    may be called again: it begins anew.
    """

    statistics: EpochStatistics
    walks: Walks | None = None

    def __init__(self, *, walks: bool) -> None:
        self._asks_walks = walks

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        self.walks = Walks() if self._asks_walks else None
        heat = channels.index("temperature") if "temperature" in channels else None
        self.statistics = EpochStatistics(temperature_channel=heat, listener=self.walks)
        return self.statistics.push if channels[:3] == AXES else lambda _: None


def _looked_over(
    stream: MendedStream, recogniser: Recogniser, first_look: _Epochs, settings: LabelSettings
) -> tuple[GravityCalibration | None, NDArray[np.int64] | None, Mounting | None]:
    """What the raw acceleration says of its sensor and of when and how the watch was worn; None for what was not asked
    for."""
    if stream.channels[:3] != AXES or not (settings.calibration or settings.non_wear or settings.orientation):
        return None, None, None
    if not stream.observed:
        tell = first_look.observe(stream.channels)
        for part in stream.samples():
            tell(part)
    epochs = first_look.statistics.finish()
    return (
        gravity_calibration(epochs) if settings.calibration else None,
        non_wear(epochs) if settings.non_wear else None,
        None
        if first_look.walks is None
        else mounting_of_walks(recogniser.specification_, first_look.walks, recogniser.predict_proba),
    )


def _write(
    folder: Path,
    timeline: Timeline,
    quality: dict[str, Any],
    card: tuple[str, str, str],
    bouts: pl.DataFrame,
    days: pl.DataFrame,
) -> None:
    timeline.to_parquet(folder / "timeline.parquet")
    timeline.to_csv(folder / "timeline.csv")
    write_csv(bouts, folder / "bouts.csv")
    write_csv(days, folder / "days.csv")
    write_text(folder / "quality.json", _json(quality))
    write_wearer_report(
        folder / "report.html", timeline=timeline, quality=quality, model_card=card, bouts=bouts, days=days
    )


def _summary(found: FileTimeline, quality: dict[str, Any]) -> dict[str, Any]:
    timeline, stream = found.timeline, found.stream
    return {
        "subject": timeline.subject,
        "start": timeline.frame["start"][0].isoformat(timespec="milliseconds"),
        "end": timeline.frame["end"][-1].isoformat(timespec="milliseconds"),
        "timezone": stream.timezone,
        "sample_rate_hz": stream.sample_rate_hz,
        "seconds_by_label": timeline.seconds_by_label(),
        "unlabelled_s": timeline.unlabelled_s,
        "gaps_s": timeline.gaps_s,
        "wear_hours": quality["wear_hours"],
        "non_wear_hours": quality["non_wear_hours"],
        "warnings": list(found.warnings),
        "notes": list(found.notes),
    }


def _json(content: dict[str, Any]) -> str:
    return dumps(content, indent=2, allow_nan=False) + "\n"
