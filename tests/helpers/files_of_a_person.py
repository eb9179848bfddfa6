"""Results of several files of one person, cut out of one timeline, as ``harken label`` would have written them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken import __version__
from harken.labelling.summary import LabelledFile, Measured, ModelFacts
from harken.outcomes.rules import Rules
from harken.timelines import Timeline
from wearers_week import MODEL_CARD, PLAIN_QUALITY, labelled_week, tables_of

HOUR_NS = 3600 * 10**9


def measured_days(days: float, *, subject: str = "eva", seed: int = 1) -> Measured:
    """What a recording of a simulated wearer gives before any rule is applied."""
    timeline = labelled_week(days=days, seed=seed, subject=subject, timezone="UTC", smoothed=False, unsure_below=None)
    return measured_of(timeline, tables_of(timeline).movement)


def measured_of(timeline: Timeline, movement: pl.DataFrame | None, *, file: str = "whole.cwa") -> Measured:
    """What a recording with these rows gives."""
    quality = replace(
        PLAIN_QUALITY,
        file=file,
        subject=timeline.subject,
        timezone=timeline.timezone,
        wear_hours=timeline.worn_s / 3600,
    )
    model = ModelFacts(timeline.labels, MODEL_CARD, ())
    key = {"harken_version": __version__, "sha256": file, "model_sha256": "of the model", "reading": {}}
    rows = None if movement is None else movement.drop("steps", strict=False)
    return Measured(timeline, rows, quality, model, key)


def cut_out(measured: Measured, begin_h: float, end_h: float, *, file: str) -> Measured:
    """The same from one hour to another since the beginning, in a file of its own."""
    timeline, movement = measured.timeline, measured.movement
    first_ns = int(timeline.frame["start"].to_physical()[0])
    begin_ns, end_ns = (first_ns + round(hours * HOUR_NS) for hours in (begin_h, end_h))
    cut = timeline.cut_at(np.array([begin_ns, end_ns])).frame
    rows = cut.filter(pl.col("start").to_physical().is_between(begin_ns, end_ns, closed="left"))
    if movement is not None:
        movement = movement.filter(pl.col("start").to_physical().is_between(begin_ns, end_ns, closed="left"))
    return measured_of(replace(timeline, frame=rows), movement, file=file)


def write_results(measured: Measured, folder: Path, rules: Rules | None = None) -> Path:
    """Write the results of a file."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    LabelledFile.of(measured, rules or Rules()).write(folder)
    return folder
