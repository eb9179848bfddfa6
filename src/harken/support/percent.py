"""Shares as a person reads them, in per cent: what is not quite nothing or everything never reads as if it were."""

__all__ = ["percent", "percent_number"]


def percent(share: float) -> str:
    """A share (0..1) with one decimal and its sign: ``63.5%``, ``0%``, ``<0.1%``."""
    return f"{percent_number(share)}%"


def percent_number(share: float, *, decimals: int = 1) -> str:
    """A share (0..1) in per cent without the sign; ``0`` or ``100`` only when it is exactly so.

    Args:
        share: what part it is of the whole.
        decimals: how many follow the point.
    """
    if share in (0.0, 1.0):
        return "100" if share else "0"
    text = f"{share:.{decimals}%}"[:-1]
    least = 10.0**-decimals
    if float(text) == 0:
        return f"<{least:.{decimals}f}"
    return f">{100 - least:.{decimals}f}" if float(text) == 100 else text
