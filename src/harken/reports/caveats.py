"""What a reader must know before using a result: the quality of a recording as lines of a table, the caveats where it
is bad, and the model card (``docs/model_card.md``) in words."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

from harken.mounting.turns import Mounting
from harken.mounting.wrist_check import Answer
from harken.networks.specification import Specification
from harken.outcomes.recording_quality import GapSummary, RecordingQuality
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.mending import JUMP_NS
from harken.recordings.recording import Placement
from harken.reports.words import hours_minutes, lasting, minutes_seconds, number
from harken.signals.gravity import GOOD_G, GravityCalibration
from harken.support.printable import percent, percent_number, plural

MUCH_GAP_H = 1.0
WORN = {
    Answer.WRIST: "wrist, as it moves",
    Answer.ELSEWHERE: "a leg or the trunk, as it moves",
    Answer.UNDECIDED: "unknown: too little movement to tell",
}
LEAST_WORN = 0.75
MOST_RATE_ERROR = 0.05
GOOD_CALIBRATION_MG = 10.0
"""The largest error of a still watch after a good calibration (van Hees and others, 2014)."""
MOST_MARKED = 0.01
LEAST_F1 = 0.7
"""Reports lead with labels and groups that have this F1 or more on people whom the model was not trained on. Where
mistakes of both kinds are equally frequent, seven of ten hours are then right (``docs/report.md``)."""
MOST_DATES = 3
"""The dates that a caveat about days or nights names."""
STUDY_NAMES = {
    "exam_stress": "Exam Stress",
    "hawthorne": "Hawthorne",
    "lmu_harlab": "LMU HAR Lab",
    "pebble_steps": "Pebble",
    "selfback": "selfBACK",
    "stress_predict": "Stress-Predict",
    "uci_har": "UCI HAR",
    "wearable_exercise": "Wearable Exercise",
}
"""The studies whose proper names are not their names in ``harken.datasets`` in capitals."""


class CaveatKind(StrEnum):
    """What a caveat concerns, the worst first."""

    PLACEMENT = "placement"
    MOUNTING = "mounting"
    TRAINING = "training"
    CALIBRATION = "calibration"
    WEAR = "wear"
    CLOCK = "clock"
    SENSOR = "sensor"
    NIGHTS = "nights"
    STEPS = "steps"


@dataclass(frozen=True)
class Caveat:
    """A reason to doubt the labels or the outcomes of a recording, in words that begin with a small letter.

    ``share`` is the share of the samples that are marked as faulty; 0 for kinds other than ``SENSOR``.
    """

    kind: CaveatKind
    words: str
    share: float = 0.0


NO_VALID_DAY = Caveat(CaveatKind.WEAR, "no valid day, so there are no averages")
"""The caveat about a person without a valid day."""


def caveats_at(kind: CaveatKind, table: pl.DataFrame | None) -> Iterator[Caveat]:
    """The caveats in the column ``caveat`` of days or nights that are not excluded, each with its dates."""
    if table is None or not {"caveat", "excluded"} <= set(table.columns):
        return
    counted = table.filter(pl.col("caveat").is_not_null() & pl.col("excluded").is_null())
    for (words,), rows in counted.group_by("caveat", maintain_order=True):
        dates = [f"{day}" for day in rows["date"]]
        more = [f"{len(dates) - MOST_DATES} more"] if len(dates) > MOST_DATES else []
        yield Caveat(kind, f"{words}: {', '.join(dates[:MOST_DATES] + more)}")


@dataclass(frozen=True)
class Line:
    """A line of a table. ``heed`` is the reason why a reader should check it; empty if there is none."""

    name: str
    value: str
    heed: str = ""


def reliable(name: str, unseen_f1: Mapping[str, float]) -> bool:
    """Whether a label or group has a good score, or the model has no scores at all.

    Args:
        name: the label or group.
        unseen_f1: the scores of the model, see ``harken.models.scores.unseen_f1``.
    """
    return not unseen_f1 or unseen_f1.get(name, 0.0) >= LEAST_F1


def score_words(name: str, unseen_f1: Mapping[str, float]) -> str:
    """The score of a label or group, such as ``F1 0.30``."""
    return f"F1 {unseen_f1[name]:.2f}" if name in unseen_f1 else "no score"


def quality_lines(quality: RecordingQuality) -> list[Line]:
    """The lines of the table. Unknown values have no line."""
    return [found for found in _findings(quality) if isinstance(found, Line)]


def caveats_of(quality: RecordingQuality) -> tuple[Caveat, ...]:
    """The caveats about a recording, the worst first; empty for most recordings."""
    order = list(CaveatKind)
    caveats = [found for found in _findings(quality) if isinstance(found, Caveat)]
    return tuple(sorted(caveats, key=lambda caveat: order.index(caveat.kind)))


def _findings(quality: RecordingQuality) -> Iterator[Line | Caveat]:
    """The lines and the caveats, each caveat after the line that shows it."""
    if quality.file:
        yield Line("File", quality.file)
    yield from _wear(quality.wear_hours, quality.non_wear_hours)
    yield from _gaps(quality.gaps)
    yield from _clock(quality)
    yield from _calibration(quality.calibration)
    yield from _placement(quality)
    if quality.orientation is not None:
        yield _orientation(quality.orientation)
    yield Line("Rows in the file", f"{quality.rows:,}")
    dropped = [f"{count:,} {kind.replace('_', ' ')}" for kind, count in quality.dropped.items() if count]
    yield Line("Rows dropped", ", ".join(dropped) or "none")
    yield from _broken_axes(quality)
    peaks = quality.at_range_end - quality.clipped if quality.at_range_end else 0
    for name, where, marked, unmarked in (
        ("Beyond the range", "beyond its range", quality.out_of_range, 0),
        ("Sensor stuck", "stuck", quality.stuck, 0),
        ("At the end of the range", "at the end of its range", quality.clipped, peaks),
        ("Missing values", "without a value", quality.missing, 0),
    ):
        used = [f"{marked:,} samples, marked and not used"] if marked else []
        used += [f"{unmarked:,} samples in cut-off peaks, used"] if unmarked else []
        marked_share = marked / quality.rows if quality.rows else 0.0
        much = marked_share > MOST_MARKED
        yield Line(name, "; ".join(used) or "none", "more than 1 % of the samples" if much else "")
        if much:
            words = f"{where} in {percent_number(marked_share)} % of the samples"
            yield Caveat(CaveatKind.SENSOR, words, marked_share)
    if quality.sha256:
        yield Line("SHA-256 of the file", quality.sha256)
    if (share := quality.training_share) is not None and share > SAME_RECORDING:
        part = f"{percent_number(share, decimals=0)} % of this recording"
        yield Caveat(CaveatKind.TRAINING, f"the model was trained on {part}")


def _broken_axes(quality: RecordingQuality) -> Iterator[Line | Caveat]:
    if not quality.broken_axes:
        yield Line("Broken axes", "none")
        return
    parts, shares = [], []
    for axis in quality.broken_axes:
        share = axis.samples / max(quality.rows, axis.samples)
        parts.append(f"{axis.axis} stays at {axis.value_g:.2f} g in {percent(share)} of the samples")
        shares.append(share)
    yield Line("Broken axes", f"{'; '.join(parts)}; marked and not used", "the sensor is broken")
    yield Caveat(CaveatKind.SENSOR, f"broken: {'; '.join(parts)}", max(shares))


def _wear(worn: float | None, off: float | None) -> Iterator[Line | Caveat]:
    if worn is None or off is None:
        return
    low = worn + off > 0 and worn / (worn + off) < LEAST_WORN
    heed = "worn for less than three quarters of the time" if low else ""
    if worn + off < 1:
        value = f"{minutes_seconds(worn)}; not worn {minutes_seconds(off)}"
    else:
        value = f"{hours_minutes(worn)} hours; not worn {hours_minutes(off)}"
    yield Line("Worn", value, heed)
    if low:
        share = percent_number(worn / (worn + off), decimals=0)
        yield Caveat(CaveatKind.WEAR, f"worn for {share} % of the time recorded")


def _gaps(gaps: GapSummary) -> Iterator[Line | Caveat]:
    """Gaps; those that are jumps of the clock, which are among the longest, are no time that was not recorded."""
    if gaps.count == 0:
        yield Line("Gaps without samples", "none")
        return
    many = "1 gap" if gaps.count == 1 else f"{gaps.count:,} gaps"
    longest = max((gap.seconds for gap in gaps.longest), default=0.0)
    which = f", the longest {lasting(longest)}" if longest and gaps.count > 1 else ""
    heed = "more than an hour was not recorded" if gaps.total_s > 3600 * MUCH_GAP_H else ""
    yield Line("Gaps without samples", f"{many}, {lasting(gaps.total_s)} in all{which}", heed)
    jumps_s = [gap.seconds for gap in gaps.longest if gap.seconds * 1e9 > JUMP_NS]
    if (missing_s := gaps.total_s - sum(jumps_s)) > 3600 * MUCH_GAP_H:
        yield Caveat(CaveatKind.WEAR, f"{lasting(missing_s)} not recorded")
    for jump_s in jumps_s:
        yield Caveat(CaveatKind.CLOCK, f"the clock jumps forward by {lasting(jump_s)}")


def _clock(quality: RecordingQuality) -> Iterator[Line | Caveat]:
    if quality.backward_times:
        times = "time" if quality.backward_times == 1 else "times"
        yield Caveat(CaveatKind.CLOCK, f"the clock runs backwards {quality.backward_times:,} {times}; rows were sorted")
    measured, stated, drift = quality.sample_rate_hz, quality.stated_rate_hz, quality.clock_drift
    by_the_clock = f"{measured:.4g} Hz by the clock"
    if stated is None:
        yield Line("Sample rate", by_the_clock)
        return
    off = abs(measured - stated) > MOST_RATE_ERROR * stated
    heed = "the clock and the file disagree by more than 5 %" if off else ""
    yield Line("Sample rate", f"{by_the_clock}, {stated:g} Hz stated", heed)
    if off:
        yield Caveat(CaveatKind.CLOCK, f"{by_the_clock}, but {stated:g} Hz stated")
    if drift is not None:
        away = abs(drift - 1)
        text = f"{100 * away:.2g} % {'fewer' if drift < 1 else 'more'} samples a second than stated (ratio {drift:.6g})"
        text = "as many samples a second as stated" if away < 5e-6 else text
        yield Line("Clock against the stated rate", text)


def _calibration(calibration: GravityCalibration | None) -> Iterator[Line | Caveat]:
    """A calibration; a caveat if it was refused although the error was not small already."""
    if calibration is None:
        return
    name, before, after = "Calibration against gravity", calibration.error_before_mg, calibration.error_after_mg
    if calibration.applied:
        heed = "still more than 10 mg" if after > GOOD_CALIBRATION_MG else ""
        yield Line(name, f"error {number(before, 'mg')} before, {number(after, 'mg')} after", heed)
        return
    known = f"error {number(before, 'mg')}" if math.isfinite(before) else ""
    yield Line(name, f"not applied{known and f'; {known}'}", calibration.reason)
    if not before < 1000 * GOOD_G:
        yield Caveat(CaveatKind.CALIBRATION, f"not calibrated{known and f' ({known})'}: {calibration.reason}")


def _placement(quality: RecordingQuality) -> Iterator[Line | Caveat]:
    """Where the sensor was, and for a wrist whether it is known how it sat on the arm."""
    placement, check, mounting = quality.placement, quality.wrist_check, quality.orientation
    elsewhere = ""
    if placement is not Placement.UNKNOWN:
        elsewhere = "" if placement is Placement.WRIST else f"the file states that the sensor was on the {placement}"
        yield Line("Worn on", placement, "not a wrist" if elsewhere else "")
    elif check is not None:
        elsewhere = "the sensor moved as on a leg or the trunk" if check.answer is Answer.ELSEWHERE else ""
        yield Line("Worn on", WORN[check.answer], "not a wrist" if elsewhere else "")
    if elsewhere:
        yield Caveat(CaveatKind.PLACEMENT, elsewhere)
    elif mounting is not None and mounting.warning is not None:
        doubt = f"how it sat on the arm is unknown; it was {mounting.reason}"
        if mounting.contradicted_by:
            doubt = f"walking contradicts the stated forearm axis: {mounting.contradicted_by}"
        yield Caveat(CaveatKind.MOUNTING, doubt)


def _orientation(orientation: Mounting) -> Line:
    heed = "the axes were turned to the model's" if orientation.changes_samples else ""
    if orientation.contradicted_by:
        heed = "walking contradicts it"
    elif orientation.warning:
        heed = "unknown"
    return Line("How the watch was worn", orientation.reason, heed)


def model_card(specification: Specification, provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """Three lines on a model, from the specification and the provenance in its file: its training data, its scores on
    unseen people, and its weaknesses."""
    people = provenance.get("training_people") or []
    trained = f", trained on {plural(len(people), 'person', 'people')}" if people else ""
    summary = (
        f"A recogniser of {', '.join(specification.labels)} ({specification.preset}), from windows of "
        f"{specification.window_length_s:.3g} s at {specification.sample_rate_hz:.3g} Hz{trained}."
    )
    unseen = _unseen(provenance)
    if specification.calibrated_on == "unseen":
        calibration = "Its probabilities were calibrated on unseen people. "
    else:
        calibration = "Its probabilities were not calibrated on unseen people, and may be too high. "
    limits = "Not for decisions about anybody's health; activities that it was not trained on get one of its labels."
    return summary, unseen, calibration + limits


def _unseen(provenance: Mapping[str, Any]) -> str:
    new_people = _listed(provenance.get("scores_of_fold_models_on_unseen_people"))
    left_out = _listed(provenance.get("scores_on_left_out_studies"))
    if left_out and new_people:
        return (
            "Models trained in the same way, on people of studies that were left out of training: mean F1 "
            f"{left_out}; on new people of the training studies: {new_people}."
        )
    if new_people:
        return f"Models trained in the same way, on unseen people: mean of each person's macro F1 {new_people}."
    # The scores of an adapted model are those of its weights before the adaptation.
    own = None if "adaptation" in provenance else provenance.get("scores")
    tested = own.get("cross_people") if isinstance(own, Mapping) else None
    if isinstance(tested, Mapping) and tested.get("people"):
        count, mean = len(tested["people"]), float(tested["mean_person_macro_f1"])
        if count == 1:
            return (
                f"On the one unseen person of its test: macro F1 {mean:.2f}. One person is not enough for a conclusion."
            )
        return f"On the {count} unseen people of its test: mean of each person's macro F1 {mean:.2f}."
    return "Its file has no scores on unseen people: harken evaluate measures them."


def _listed(scores: Any) -> str:
    """The score of each study; an empty text without scores."""
    if not isinstance(scores, Mapping):
        return ""
    return ", ".join(
        f"{float(score):.2f} in {STUDY_NAMES.get(name, name.upper())}" for name, score in sorted(scores.items())
    )
