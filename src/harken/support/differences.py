"""Differences between settings: a run or a benchmark is resumed only with the settings with which it began."""

from typing import Any

__all__ = ["first_difference"]


def first_difference(before: Any, now: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """The first place at which two JSON values differ, as a dotted path, and both values there; None if equal."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            inside = f"{where}.{key}" if where else key
            if (key in before) != (key in now):
                return inside, before.get(key), now.get(key)
            found = first_difference(before[key], now[key], inside)
            if found is not None:
                return found
        return None
    return None if before == now else (where, before, now)
