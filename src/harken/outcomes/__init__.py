"""Outcomes: what health researchers compute from the acceleration of a week, besides the labels.

``movement_rows`` sums up the acceleration in rows of five seconds, with the cadence of footsteps; all others are
computed from them. ``intensity`` gives each row a level, ``steps`` counts footsteps, and ``rhythm`` compares days.
``segments`` and ``tables`` sum them up by day, hour, named segment and person. ``nights`` finds sleep periods in the
angles and makes a table of them, and ``diary`` reads what people wrote about their sleep.
"""

from harken.outcomes.intensity import PUBLISHED, CutPoints, with_intensity
from harken.outcomes.movement_rows import ROW_S, MovementMeter, MovementRows

__all__ = ["PUBLISHED", "ROW_S", "CutPoints", "MovementMeter", "MovementRows", "with_intensity"]
