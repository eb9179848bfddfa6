"""Outcomes: what health researchers compute from the acceleration of a week, besides the labels.

``movement_rows`` sums up the acceleration in rows of five seconds, from which all others are computed. ``rest`` finds
sleep periods in their angles, ``nights`` makes a table of them, ``diary`` reads what people wrote about their sleep.
"""

from harken.outcomes.movement_rows import ROW_S, MovementMeter, MovementRows

__all__ = ["ROW_S", "MovementMeter", "MovementRows"]
