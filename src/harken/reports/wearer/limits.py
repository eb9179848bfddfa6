"""Where the model may be wrong for a recording: values that were computed from it, and the sentences they become."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harken.reports.wearer.amounts import lasting
from harken.reports.wearer.hours import ENOUGH_WEAR_H

__all__ = ["NIGHT_ENDS", "NIGHT_STARTS", "Limit", "LimitKind", "limit_in_words"]

NIGHT_STARTS, NIGHT_ENDS = 23, 6
"""Hours of the day by the wearer's clocks."""


class LimitKind(StrEnum):
    """What may be wrong.

    ``nights``: the model learned lying from people who lay still and awake. ``busy_hands``: it calls hands at work
    ``other``. ``little_walking``: it found less walking than most people walk. ``mounting_unknown``: how the watch sat
    could not be seen. ``few_valid_days``: at most one day was worn long enough.
    """

    NIGHTS = "nights"
    BUSY_HANDS = "busy_hands"
    LITTLE_WALKING = "little_walking"
    MOUNTING_UNKNOWN = "mounting_unknown"
    FEW_VALID_DAYS = "few_valid_days"


@dataclass(frozen=True)
class Limit:
    """One reason for care, with the amounts that belong to its kind; the others are None.

    Attributes:
        kind: the reason.
        hours: labelled at night; labelled ``other``; of walking.
        of_hours: worn, among which the ``hours`` of walking were found.
        lying_hours: of the ``hours`` at night, those labelled ``lying``.
        days: how many were worn long enough.
    """

    kind: LimitKind
    hours: float | None = None
    of_hours: float | None = None
    lying_hours: float | None = None
    days: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def limit_in_words(limit: Limit) -> tuple[str, str]:
    """A heading and some sentences."""
    hours, of_hours, lying = (_time(value) for value in (limit.hours, limit.of_hours, limit.lying_hours))
    match limit.kind:
        case LimitKind.NIGHTS:
            return (
                "Nights",
                f"{hours} between {NIGHT_STARTS}:00 and {NIGHT_ENDS}:00 are labelled, {lying} of them as lying. The "
                "model learned lying from people who lay still and awake in a laboratory. It may label sleep as lying, "
                "sitting and standing by turns.",
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
                f"{found} in {of_hours} worn. Most people walk more. If this wearer did, the sensor may have sat in an "
                "unusual way, or not on a wrist, and other labels are wrong, too.",
            )
        case LimitKind.MOUNTING_UNKNOWN:
            return (
                "How the watch sat",
                "This could not be seen from the recording. If the watch's x axis does not point along the forearm, "
                "most labels are wrong.",
            )
        case LimitKind.FEW_VALID_DAYS:
            many = "Only one day was" if limit.days else "No day was"
            return (
                "Few days",
                f"{many} worn for {ENOUGH_WEAR_H:g} hours or more. That says little about this wearer's usual days.",
            )


def _time(hours: float | None) -> str:
    """Nights of a week are hours, not days."""
    return f"{hours:.3g} h" if hours and hours >= 1 else lasting(3600 * (hours or 0.0))
