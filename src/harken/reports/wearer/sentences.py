"""The quality of a recording, the limits of the model, and the model card (``docs/model_card.md``) in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.models.mounting import Mounting
from harken.models.wrist_check import Answer
from harken.networks.specification import Specification
from harken.recordings.recording import Placement
from harken.reports.wearer.quality import NIGHT_ENDS, NIGHT_STARTS, Gaps, Limit, LimitKind, RecordingQuality
from harken.reports.wearer.tables import hours_minutes, lasting, number
from harken.signals.gravity import GravityCalibration

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
STUDY_NAMES = {
    "hawthorne": "Hawthorne",
    "selfback": "selfBACK",
    "stress_predict": "Stress-Predict",
    "uci_har": "UCI HAR",
}
"""The studies whose proper names are not their names in ``harken.datasets`` in capitals."""


@dataclass(frozen=True)
class QualityLine:
    """A line of the table. ``heed`` is the reason why a reader should check it; empty if there is none."""

    name: str
    value: str
    heed: str = ""


def quality_lines(quality: RecordingQuality) -> list[QualityLine]:
    """The lines of the table. Unknown values have no line."""
    lines = [
        QualityLine("File", quality.file) if quality.file else None,
        _wear(quality),
        _gaps(quality.gaps),
        _rate(quality),
        _drift(quality.clock_drift),
        _calibration(quality.calibration),
        _placement(quality),
        _orientation(quality.orientation),
        QualityLine("Rows in the file", f"{quality.rows:,}"),
        _dropped(quality),
        _marked("Beyond the range", quality.out_of_range, quality.rows),
        _marked("Sensor stuck", quality.stuck, quality.rows),
        _clipped(quality),
        _marked("Missing values", quality.missing, quality.rows),
        QualityLine("SHA-256 of the file", quality.sha256) if quality.sha256 else None,
    ]
    return [line for line in lines if line is not None]


def _wear(quality: RecordingQuality) -> QualityLine | None:
    worn, off = quality.wear_hours, quality.non_wear_hours
    if worn is None or off is None:
        return None
    low = worn + off > 0 and worn / (worn + off) < LEAST_WORN
    return QualityLine(
        "Worn",
        f"{hours_minutes(worn)} hours; not worn {hours_minutes(off)}",
        "worn for less than three quarters of the time" if low else "",
    )


def _gaps(gaps: Gaps) -> QualityLine:
    if gaps.count == 0:
        return QualityLine("Gaps without samples", "none")
    many = "1 gap" if gaps.count == 1 else f"{gaps.count:,} gaps"
    longest = max((gap.seconds for gap in gaps.longest), default=0.0)
    which = f", the longest {lasting(longest)}" if longest and gaps.count > 1 else ""
    heed = "more than an hour was not recorded" if gaps.total_s > 3600 * MUCH_GAP_H else ""
    return QualityLine("Gaps without samples", f"{many}, {lasting(gaps.total_s)} in all{which}", heed)


def _rate(quality: RecordingQuality) -> QualityLine:
    measured, stated = quality.sample_rate_hz, quality.stated_rate_hz
    if stated is None:
        return QualityLine("Sample rate", f"{measured:.4g} Hz by the clock")
    off = abs(measured - stated) > MOST_RATE_ERROR * stated
    return QualityLine(
        "Sample rate",
        f"{measured:.4g} Hz by the clock, {stated:g} Hz stated",
        "the clock and the file disagree by more than 5%" if off else "",
    )


def _drift(ratio: float | None) -> QualityLine | None:
    if ratio is None:
        return None
    away = abs(ratio - 1)
    way = "fewer" if ratio < 1 else "more"
    text = (
        "as many samples a second as stated" if away < 5e-6 else f"{100 * away:.2g}% {way} samples a second than stated"
    )
    return QualityLine("Clock against the stated rate", f"{text} (by {ratio:.6g})")


def _calibration(calibration: GravityCalibration | None) -> QualityLine | None:
    if calibration is None:
        return None
    before, after = (
        error if math.isfinite(error) else None for error in (calibration.error_before_mg, calibration.error_after_mg)
    )
    if calibration.applied:
        heed = "still more than 10 mg" if after is not None and after > GOOD_CALIBRATION_MG else ""
        text = f"error {number(before, 'mg')} before, {number(after, 'mg')} after"
        return QualityLine("Calibration against gravity", text, heed)
    known = f"; error {number(before, 'mg')}" if before is not None else ""
    return QualityLine("Calibration against gravity", f"not applied{known}", calibration.reason)


def _placement(quality: RecordingQuality) -> QualityLine | None:
    placement, check = quality.placement, quality.wrist_check
    if placement is not Placement.UNKNOWN:
        return QualityLine("Worn on", placement, "" if placement is Placement.WRIST else "not a wrist")
    if check is None:
        return None
    return QualityLine("Worn on", WORN[check.answer], "not a wrist" if check.answer is Answer.ELSEWHERE else "")


def _orientation(orientation: Mounting | None) -> QualityLine | None:
    if orientation is None:
        return None
    heed = "the axes were turned to the model's" if orientation.quarters else ""
    heed = heed if orientation.known else "unknown"
    return QualityLine("How the watch was worn", orientation.reason, heed)


def _dropped(quality: RecordingQuality) -> QualityLine:
    kinds = [f"{count:,} {kind.replace('_', ' ')}" for kind, count in quality.dropped.items() if count]
    return QualityLine("Rows dropped", ", ".join(kinds) or "none")


def _marked(name: str, marked: int, rows: int) -> QualityLine:
    heed = "more than 1% of the samples" if rows and marked / rows > MOST_MARKED else ""
    return QualityLine(name, "none" if marked == 0 else f"{marked:,} samples, marked and not used", heed)


def _clipped(quality: RecordingQuality) -> QualityLine:
    marked, at_end = quality.clipped, quality.at_range_end
    line = _marked("At the end of the range", marked, quality.rows)
    if not at_end or at_end == marked:
        return line
    peaks = f"{at_end - marked:,} samples in cut-off peaks, used"
    return QualityLine(line.name, peaks if marked == 0 else f"{line.value}; {peaks}", line.heed)


def limit_in_words(limit: Limit, *, smoothed: bool) -> tuple[str, str]:
    """The heading and the text of a limit.

    Args:
        limit: the limit.
        smoothed: whether the labels are smoothed. Only then do sleep periods influence them
            (``harken.outcomes.nights.still_at_night_ns``).
    """
    hours, of_hours, lying = (_time(value) for value in (limit.hours, limit.of_hours, limit.lying_hours))
    match limit.kind:
        case LimitKind.NIGHTS:
            at_rest = " In a sleep period, a still arm counts as evidence for lying." if smoothed else ""
            return (
                "Nights",
                f"{hours} between {NIGHT_STARTS}:00 and {NIGHT_ENDS}:00 are labelled, {lying} of them as "
                "lying. The model was trained on people who lay still and awake in a laboratory. It may "
                f"label sleep as lying, sitting and standing in turn.{at_rest}",
            )
        case LimitKind.BUSY_HANDS:
            return (
                "Busy hands",
                f"{hours} are labelled other. The model labels hands at work as other, even while somebody sits, "
                "stands or walks, so the hours of sitting, standing and walking may be too few.",
            )
        case LimitKind.LITTLE_WALKING:
            found = f"{hours} of walking were found" if limit.hours else "No walking was found"
            return (
                "Little walking",
                f"{found} in {of_hours} worn. Most people walk more. If this wearer did, the sensor may have "
                "been worn in an unusual way, or not on a wrist, and other labels are wrong, too.",
            )
        case LimitKind.FEW_VALID_DAYS:
            many = "Only one day was" if limit.days else "No day was"
            return (
                "Few days",
                f"{many} worn for {limit.of_hours:g} hours or more. That says little about this wearer's usual days.",
            )


def _time(hours: float | None) -> str:
    """A duration as text. The nights of a week are in hours, not days."""
    return f"{hours:.3g} h" if hours and hours >= 1 else lasting(3600 * (hours or 0.0))


def model_card(specification: Specification, provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """Three lines on a model, from the specification and the provenance in its file: its training data, its scores on
    unseen people, and its weaknesses."""
    people = provenance.get("training_people") or []
    trained = f", trained on {len(people)} {'person' if len(people) == 1 else 'people'}" if people else ""
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
