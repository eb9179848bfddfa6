"""Numbers and times as the report words them."""

import math

__all__ = ["hours_minutes", "lasting", "number"]


def hours_minutes(hours: float | None) -> str:
    """Hours as ``7:05``; nothing that was less than half a minute; a dash for what is not known."""
    if hours is None or not math.isfinite(hours):
        return "–"
    minutes = round(hours * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def lasting(seconds: float) -> str:
    """A length of time in its two largest units."""
    for unit, name, smaller, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            whole = round(seconds / smaller)
            many = unit // smaller
            rest = whole % many
            return f"{whole // many} {name}" + (f" {rest} {small}" if rest else "")
    return f"{seconds:.0f} s" if seconds >= 1 or seconds == 0 else f"{seconds:.2g} s"


def number(value: float | None, unit: str = "", *, digits: int = 3) -> str:
    """A number with as many digits as it deserves, and its unit; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 10**digits or float(value).is_integer() else f"{value:.{digits}g}"
    return f"{text} {unit}".strip()
