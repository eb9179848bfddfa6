"""The data-quality table: what the file held, what was mended, and what a reader of the results must know of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.recordings.recording import Placement, warnings_of
from harken.reports.wearer.amounts import hours_minutes, lasting, number

__all__ = ["Fact", "quality_facts", "quality_notes", "quality_warnings"]

MUCH_GAP_H = 1.0
LEAST_WORN = 0.75
GOOD_CALIBRATION_MG = 10.0
"""After calibration a still watch's reading is off by less than this (van Hees and others, 2014)."""
MOST_MARKED = 0.01


@dataclass(frozen=True)
class Fact:
    """A line of the table; ``heed`` says why it deserves a second look, and is empty where it does not."""

    name: str
    value: str
    heed: str = ""


def quality_facts(quality: Mapping[str, Any]) -> list[Fact]:
    """The lines of the table, from the content of ``quality.json``. What that does not say has no line."""
    facts = [
        _plain(quality, "file", "File"),
        _wear(quality),
        _gaps(quality.get("gaps")),
        _rate(quality),
        _drift(quality.get("clock_drift")),
        _calibration(quality.get("calibration")),
        _placement(quality.get("placement")),
        _orientation(quality.get("orientation")),
        _rows(quality),
        _dropped(quality.get("dropped")),
        *(
            _marked(quality, key, name)
            for key, name in (("out_of_range", "Beyond the range"), ("stuck", "Sensor stuck"))
        ),
        _clipped(quality),
        _marked(quality, "missing", "Missing values"),
        _plain(quality, "sha256", "SHA-256 of the file"),
    ]
    return [fact for fact in facts if fact is not None]


def quality_warnings(quality: Mapping[str, Any]) -> list[str]:
    """What a person must know before any label, a paragraph each."""
    placement = Placement(quality.get("placement") or Placement.UNKNOWN)
    return list(warnings_of(placement, made_up=bool(quality.get("made_up"))))


def quality_notes(quality: Mapping[str, Any]) -> list[str]:
    """What the reader of the file and the cleaning had to say, a sentence each."""
    return [str(note) for note in quality.get("notes") or []]


def _plain(quality: Mapping[str, Any], key: str, name: str) -> Fact | None:
    return Fact(name, str(quality[key])) if quality.get(key) else None


def _wear(quality: Mapping[str, Any]) -> Fact | None:
    worn, off = _number(quality.get("wear_hours")), _number(quality.get("non_wear_hours"))
    if worn is None:
        return None
    said = f"{hours_minutes(worn)} hours"
    if off is None:
        return Fact("Worn", said)
    low = worn + off > 0 and worn / (worn + off) < LEAST_WORN
    return Fact(
        "Worn", f"{said}; not worn {hours_minutes(off)}", "worn for less than three quarters of the time" if low else ""
    )


def _gaps(gaps: Any) -> Fact | None:
    """``gaps`` holds a ``count``, a ``total`` in seconds, and the longest ones as ``list``; a bare list counts too."""
    if gaps is None:
        return None
    if not isinstance(gaps, Mapping):
        gaps = {"list": list(gaps)}
    listed = gaps.get("list") or []
    each = [seconds for one in listed if (seconds := _number(one.get("seconds"))) is not None]
    count = int(_number(gaps.get("count")) or len(each))
    total = _first(gaps, "total", "total_s", "seconds")
    total = sum(each) if total is None else total
    if count == 0:
        return Fact("Gaps without samples", "none")
    many = "1 gap" if count == 1 else f"{count:,} gaps"
    longest = f", the longest {lasting(max(each))}" if each and count > 1 else ""
    heed = "more than an hour was not recorded" if total > 3600 * MUCH_GAP_H else ""
    return Fact("Gaps without samples", f"{many}, {lasting(total)} in all{longest}", heed)


def _rate(quality: Mapping[str, Any]) -> Fact | None:
    measured, stated = _number(quality.get("sample_rate_hz")), _number(quality.get("stated_rate_hz"))
    if measured is None:
        return None
    if stated is None:
        return Fact("Sample rate", f"{measured:.4g} Hz by the clock")
    off = abs(measured - stated) > 0.05 * stated
    return Fact(
        "Sample rate",
        f"{measured:.4g} Hz by the clock, {stated:g} Hz stated",
        "the clock and the file disagree by more than 5%" if off else "",
    )


def _drift(ratio: Any) -> Fact | None:
    """``clock_drift`` is the rate by the clock over the rate that the file states."""
    found = _number(ratio)
    if found is None:
        return None
    away = abs(found - 1)
    way = "fewer" if found < 1 else "more"
    said = (
        "as many samples a second as stated" if away < 5e-6 else f"{100 * away:.2g}% {way} samples a second than stated"
    )
    return Fact("Clock against the stated rate", f"{said} (by {found:.6g})")


def _calibration(calibration: Any) -> Fact | None:
    if not isinstance(calibration, Mapping):
        return None
    before, after = (_number(calibration.get(f"error_{when}_mg")) for when in ("before", "after"))
    reason = str(calibration.get("reason") or "")
    if calibration.get("applied"):
        heed = "still more than 10 mg" if after is not None and after > GOOD_CALIBRATION_MG else ""
        said = f"error {number(before, 'mg')} before, {number(after, 'mg')} after"
        return Fact("Calibration against gravity", said, heed)
    known = f"; error {number(before, 'mg')}" if before is not None else ""
    return Fact("Calibration against gravity", f"not applied{known}", reason or "no reason is given")


def _placement(said: Any) -> Fact | None:
    """What the file does not say has no line."""
    if said in (None, Placement.UNKNOWN):
        return None
    return Fact("Worn on", str(said), "" if said == Placement.WRIST else "not a wrist")


def _orientation(orientation: Any) -> Fact | None:
    if not isinstance(orientation, Mapping):
        return None
    degrees, reason = _number(orientation.get("turned_degrees")), str(orientation.get("reason") or "")
    if not degrees:
        return Fact("How the watch sat", reason or "left as it is")
    return Fact("How the watch sat", reason, "the axes were turned to the model's")


def _rows(quality: Mapping[str, Any]) -> Fact | None:
    rows = _number(quality.get("rows"))
    return None if rows is None else Fact("Rows in the file", f"{rows:,.0f}")


def _dropped(dropped: Any) -> Fact | None:
    if not isinstance(dropped, Mapping):
        return None
    kinds = [
        f"{count:,.0f} {str(kind).replace('_', ' ')}" for kind, value in dropped.items() if (count := _number(value))
    ]
    return Fact("Rows dropped", ", ".join(kinds) or "none")


def _marked(quality: Mapping[str, Any], key: str, name: str) -> Fact | None:
    marked, rows = _number(quality.get(key)), _number(quality.get("rows"))
    if marked is None:
        return None
    heed = "more than 1% of the samples" if rows and marked / rows > MOST_MARKED else ""
    return Fact(name, "none" if marked == 0 else f"{marked:,.0f} samples, marked and not used", heed)


def _clipped(quality: Mapping[str, Any]) -> Fact | None:
    marked, at_end = _number(quality.get("clipped")), _number(quality.get("at_range_end"))
    if marked is None:
        return None
    fact = _marked(quality, "clipped", "At the end of the range")
    if fact is None or not at_end or at_end == marked:
        return fact
    peaks = f"{at_end - marked:,.0f} samples in cut-off peaks, used"
    return Fact(fact.name, peaks if marked == 0 else f"{fact.value}; {peaks}", fact.heed)


def _first(values: Mapping[str, Any], *keys: str) -> float | None:
    return next((found for key in keys if (found := _number(values.get(key))) is not None), None)


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
