"""Outcomes: what health researchers compute from the acceleration of a week, besides the labels.

``movement_rows`` sums up the acceleration in rows of five seconds, from which all others are computed. ``intensity``
gives each row a level, ``cadence`` and ``steps`` count footsteps, and ``rhythm`` compares days. ``stretches``,
``segments`` and ``tables`` sum them up by day, hour and named segment. ``rest`` finds sleep periods in the angles,
``nights`` makes a table of them, and ``diary`` reads what people wrote about their sleep.
"""

from harken.outcomes.intensity import PUBLISHED, CutPoints, with_intensity
from harken.outcomes.movement_rows import ROW_S, MovementMeter, MovementRows

__all__ = ["PUBLISHED", "ROW_S", "CutPoints", "MovementMeter", "MovementRows", "with_intensity"]
