"""A simulated wearer's week as a timeline, as a recogniser might have told it: for tests of what is made of it."""

import math
from copy import copy
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from harken.datasets.simulated import Simulation
from harken.labelling.settings import LabelSettings
from harken.outcomes.intensity import with_steps
from harken.outcomes.movement_rows import movement_table
from harken.outcomes.nights import nights
from harken.outcomes.outcomes import Outcomes
from harken.outcomes.recording_quality import Gap, GapSummary, Limit, LimitKind, RecordingQuality
from harken.recordings.recording import Placement
from harken.signals.gravity import GravityCalibration
from harken.support.tables import zone_of
from harken.timelines import Timeline

LABELS = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
ACTIVITY_MG = {"lying": 4.0, "sitting": 14.0, "standing": 30.0, "walking": 130.0, "running": 700.0}
STEP_NS = 5 * 10**9
SURENESS = 3.0
CADENCE = {"walking": 108.0, "stairs": 90.0, "running": 160.0}
TURNS_EVERY_ROWS = 240
"""Somebody who lies turns every twenty minutes; else the arm moves all the time."""
MODEL_CARD = (
    "harken everyday: eight labels from windows of 10 s, learned from 54 people of two public data sets.",
    "On unseen people: macro F1 .823 on one data set, .877 on the other.",
    "It takes standing still for sitting more often than anything else.",
)


def labelled_week(
    *,
    days: float = 7,
    seed: int = 1,
    timezone: str = "Europe/London",
    start: datetime | None = None,
    subject: str = "wearer 1",
    smoothed: bool = True,
    unsure_below: float | None = 0.45,
) -> Timeline:
    """A row every 5 seconds, gaps and non-wear as the simulation's truth has them, probabilities with noise.

    ``start`` moves the whole week to begin there.
    """
    simulation = Simulation(days=days, sample_rate_hz=20, seed=seed)
    truth = simulation.truth()
    begins, ends = (truth[name].dt.epoch("ns").to_numpy() for name in ("start", "end"))
    gaps = truth.filter(~truth["recorded"])
    grid = np.arange(begins[0], ends[-1], STEP_NS)
    edges = np.union1d(grid, gaps.select("start", "end").to_numpy().astype("datetime64[ns]").astype(np.int64).ravel())
    edges = edges[edges < ends[-1]]
    row = np.searchsorted(begins, edges, side="right") - 1
    recorded, wear = truth["recorded"].to_numpy()[row], truth["wear"].to_numpy()[row]
    # Within a gap there is one row, not one every 5 seconds.
    kept = recorded | np.concatenate([[True], recorded[:-1]])
    edges, row, recorded, wear = edges[kept], row[kept], recorded[kept], wear[kept]
    label = truth["label"].fill_null("lying").to_numpy()[row]
    rng = np.random.default_rng(seed)
    codes = np.array([LABELS.index(name) for name in label])
    logits = rng.gumbel(size=(len(edges), len(LABELS)))
    logits[np.arange(len(edges)), codes] += SURENESS
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[~recorded] = np.nan
    level = np.array([ACTIVITY_MG[name] for name in label]) * rng.lognormal(sigma=0.5, size=len(edges))
    shift = 0 if start is None else round(start.timestamp()) * 10**9 - int(begins[0])
    timeline = Timeline.of(
        edges + shift,
        probabilities,
        end_ns=int(ends[-1]) + shift,
        recorded=recorded,
        labels=LABELS,
        subject=subject,
        source="week.cwa",
        timezone=timezone,
        wear=wear,
        activity_mg=np.where(wear, level, 1.0),
    )
    timeline = timeline.smoothed() if smoothed else timeline
    return timeline.with_unsure_below(unsure_below)


PLAIN_QUALITY = RecordingQuality(
    file="week.cwa",
    sha256="5f2c" * 16,
    subject="somebody",
    made_up=False,
    placement=Placement.UNKNOWN,
    wrist_check=None,
    training_share=None,
    timezone="UTC",
    start="2024-01-01T00:00:00.000+00:00",
    end="2024-01-08T00:00:00.000+00:00",
    sample_rate_hz=100.0,
    stated_rate_hz=None,
    rows=60_480_000,
    dropped={},
    backward_times=0,
    gaps=GapSummary(0, 0.0, ()),
    wear_hours=None,
    non_wear_hours=None,
    calibration=None,
    orientation=None,
    sensor_range_g=8.0,
    out_of_range=0,
    at_range_end=0,
    clipped=0,
    stuck=0,
    broken=0,
    broken_axes=(),
    missing=0,
    unseen_f1={},
    limits=(),
    notes=(),
)
"""Of a recording with nothing to mend."""


def not_applied(reason: str, *, error_before_mg: float = math.nan) -> GravityCalibration:
    """A calibration that changes nothing."""
    nothing = np.zeros(3)
    return GravityCalibration(nothing, nothing + 1, nothing, 0.0, error_before_mg, error_before_mg, 0, False, reason)


def quality_of(timeline: Timeline) -> RecordingQuality:
    """The quality of the recording, with something in every line."""
    gaps = timeline.frame.filter(~timeline.frame["recorded"])
    seconds = (gaps["end"] - gaps["start"]).dt.total_nanoseconds() / 1e9
    worn = float(timeline.seconds[timeline.frame["wear"].fill_null(False).to_numpy()].sum())
    return replace(
        PLAIN_QUALITY,
        subject=timeline.subject,
        timezone="Europe/London",
        start=f"{timeline.frame['start'][0]}",
        end=f"{timeline.frame['end'][-1]}",
        sample_rate_hz=99.871,
        stated_rate_hz=100.0,
        dropped={"duplicate_times": 12, "unreadable_blocks": 0},
        gaps=GapSummary(
            len(gaps),
            float(seconds.sum()),
            tuple(
                Gap(f"{start}", f"{end}", length)
                for start, end, length in zip(gaps["start"], gaps["end"], seconds, strict=True)
            ),
        ),
        wear_hours=worn / 3600,
        non_wear_hours=timeline.not_worn_s / 3600,
        calibration=GravityCalibration(
            offset_g=np.array([0.012, -0.003, 0.021]),
            gain=np.array([1.003, 0.998, 1.011]),
            temperature_slope=np.zeros(3),
            temperature_mean=0.0,
            error_before_mg=38.2,
            error_after_mg=3.4,
            blocks_used=1000,
            applied=True,
            reason="",
        ),
        at_range_end=1204,
        clipped=310,
        limits=(
            Limit(LimitKind.NIGHTS, hours=48.2, lying_hours=31.5),
            Limit(LimitKind.BUSY_HANDS, hours=12.25),
        ),
        notes=("Times without a zone were taken to be of Europe/London.",),
    )


def tables_of(timeline: Timeline, settings: LabelSettings | None = None) -> Outcomes:
    """The outcomes of a timeline with a row every 5 seconds: the arm is still where the label is lying."""
    settings = settings or LabelSettings()
    frame = timeline.frame
    begins = frame["start"].dt.epoch("ns").to_numpy()
    start_ns = np.arange(-(-begins[0] // STEP_NS) * STEP_NS, begins[-1], STEP_NS)
    row = np.searchsorted(begins, start_ns, side="right") - 1
    recorded = frame["recorded"].to_numpy()[row]
    start_ns, row = start_ns[recorded], row[recorded]
    label = frame["label"].fill_null("").to_numpy()[row]
    rng = np.random.default_rng(len(row))
    turns = rng.uniform(-80, 80, len(row))[np.arange(len(row)) // TURNS_EVERY_ROWS * TURNS_EVERY_ROWS]
    still = (label == "lying") | (label == "unsure")
    angle = np.where(still, turns + rng.normal(0, 0.02, len(row)), rng.uniform(-80, 80, len(row)))
    enmo = frame["activity_mg"].fill_null(0.0).to_numpy()[row]
    cadence = np.array([CADENCE.get(name, math.nan) for name in label])
    columns = {
        "enmo_mg": enmo,
        "mad_mg": enmo,
        "angle_z_degrees": angle,
        "valid_s": np.full(len(row), 5.0),
        "second_mads_mg": np.full((len(row), 5), np.nan),
        "walking_cadence": cadence,
        "running_cadence": cadence,
    }
    rows = pl.DataFrame({"start_ns": start_ns} | {name: values.astype(np.float32) for name, values in columns.items()})
    off = frame.filter(~frame["wear"].fill_null(True)).select("start", "end")
    non_wear_ns = np.stack([off[name].dt.epoch("ns").to_numpy() for name in ("start", "end")], axis=1)
    movement = movement_table(rows, timezone=zone_of(frame["start"]), non_wear_ns=non_wear_ns)
    found = nights(movement)
    movement = with_steps(movement, frame, timeline.labels)
    return Outcomes(timeline, movement, found, settings)


def changed(outcomes: Outcomes, **tables: object) -> Outcomes:
    """The same outcomes with other tables."""
    result = copy(outcomes)
    vars(result).update(tables)
    return result
