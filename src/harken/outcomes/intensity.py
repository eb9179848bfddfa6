"""Intensity: each row of movement is inactive, light, moderate or vigorous, and bouts of moderate or vigorous rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes.movement_rows import ROW_NS, ROW_S
from harken.support.errors import HarkenError
from harken.support.tables import nanoseconds, where_known

LEVELS = ("inactive", "light", "moderate", "vigorous")
BOUT_MINUTES = (1, 5, 10)
"""The lengths of bouts, as in GGIR."""
SHARE_PERCENT = 80
"""At least this share of a bout's rows must be moderate or vigorous."""
LONGEST_BREAK_S = 60
"""A bout has no longer break."""


LEAST_VIGOROUS_MG = 2.0
"""A lower limit is taken for g. Published limits of vigorous are above 400 mg."""


@dataclass(frozen=True)
class CutPoints:
    """The limits between levels of intensity, for the mean ENMO of a row.

    >>> from harken.outcomes import CutPoints
    >>> CutPoints.of("children-actigraph").moderate_mg
    201.4
    >>> CutPoints.of("40,100,400")
    CutPoints(name='40,100,400', light_mg=40.0, moderate_mg=100.0, vigorous_mg=400.0)

    Attributes:
        name: one of ``PUBLISHED``, or the three numbers.
        light_mg, moderate_mg, vigorous_mg: a row has a level if its ENMO is at or above the level's limit, in
            thousandths of g. Rows below ``light_mg`` are inactive.

    Raises:
        HarkenError: when the limits are not finite and increasing numbers above 0, or look like g.
    """

    name: str
    light_mg: float
    moderate_mg: float
    vigorous_mg: float

    def __post_init__(self) -> None:
        limits = self.limits_mg
        if not (all(map(isfinite, limits)) and 0 < limits[0] < limits[1] < limits[2]):
            raise HarkenError(
                f"cut-points {self.name}: the limits of light, moderate and vigorous must increase, all above 0"
            )
        if limits[2] < LEAST_VIGOROUS_MG:
            raise HarkenError(
                f"cut-points {self.name}: the limits are in thousandths of g (mg), and {limits[2]:g} mg is less than "
                "any movement; are these in g?"
            )

    @property
    def limits_mg(self) -> tuple[float, float, float]:
        """The limits of light, moderate and vigorous."""
        return self.light_mg, self.moderate_mg, self.vigorous_mg

    @property
    def published(self) -> bool:
        """Whether these are cut-points of ``PUBLISHED``."""
        return self.name in PUBLISHED

    @classmethod
    def of(cls, text: str) -> "CutPoints":
        """The published cut-points of this name, or those of three numbers in mg, such as ``40,100,400``.

        Raises:
            HarkenError: when it is neither.
        """
        if text in PUBLISHED:
            return PUBLISHED[text]
        numbers = text.split(",")
        try:
            light, moderate, vigorous = map(float, numbers)
        except ValueError as error:
            raise HarkenError(
                f"cut-points {text!r}: give {', '.join(PUBLISHED)}, or the limits of light, moderate and vigorous in "
                "mg, such as 40,100,400" + (f"; {len(numbers)} were given" if len(numbers) > 1 else "")
            ) from error
        return cls(text, light, moderate, vigorous)


PUBLISHED: Mapping[str, CutPoints] = MappingProxyType(
    {
        points.name: points
        for points in (
            CutPoints("adults-actigraph", 44.8, 100.6, 428.8),
            CutPoints("adults-geneactiv", 45.8, 93.2, 418.3),
            CutPoints("children-actigraph", 35.6, 201.4, 707.0),
            CutPoints("children-geneactiv", 56.3, 191.6, 695.8),
        )
    }
)
"""Cut-points for the non-dominant wrist: light from Hildebrand, Hansen, van Hees and Ekelund (Scandinavian Journal of
Medicine and Science in Sports 27, 2017), moderate and vigorous from Hildebrand, van Hees, Hansen and Ekelund (Medicine
and Science in Sports and Exercise 46, 2014). Adults were 21 to 61 years old, children 7 to 11. GGIR's page of
cut-points and scikit-digital-health have the same values."""


def with_intensity(movement: pl.DataFrame, cut_points: CutPoints) -> pl.DataFrame:
    """Rows of movement with their level of intensity, and whether they are in a bout.

    Args:
        movement: the result of ``MovementRows.frame``.
        cut_points: the limits.

    Returns:
        The rows with the columns ``level`` (0 to 3, the place in ``LEVELS``; null where the watch was not worn or
        without a valid sample) and ``mvpa_bout_N`` for each of ``BOUT_MINUTES``: see ``in_bouts``.
    """
    worn = movement["wear"].fill_null(False).to_numpy()
    enmo_mg = movement["enmo_mg"].fill_null(0.0).to_numpy()
    level = np.searchsorted(np.array(cut_points.limits_mg, dtype=np.float32), enmo_mg, side="right")
    active = worn & (level >= LEVELS.index("moderate"))
    pieces = np.flatnonzero(np.diff(nanoseconds(movement, "start")) > ROW_NS) + 1
    bouts = {
        f"mvpa_bout_{minutes}": np.concatenate(
            [in_bouts(piece, 60 * minutes // ROW_S) for piece in np.split(active, pieces)]
        )
        for minutes in BOUT_MINUTES
    }
    known = pl.Series(worn)
    return movement.with_columns(
        level=where_known(pl.Series(level, dtype=pl.Int8), known),
        **{name: pl.Series(rows) for name, rows in bouts.items()},
    )


def in_bouts(active: NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    """Which active rows are in a bout of at least so many rows, bool ``[n]``.

    A row is in a bout if a window of ``rows`` rows holds it that begins and ends with an active row, of which at least
    80 % are active, and in which no break is longer than a minute. Rows that are not active do not count. This is
    GGIR's ``bout.metric = 6`` without its search for the ends of a bout, which depends on the order of rows.

    Args:
        active: whether each row is moderate or vigorous, ``[n]``; there is no gap between rows.
        rows: the length of a bout.
    """
    count = len(active)
    if count < rows:
        return np.zeros(count, dtype=bool)
    edges = np.flatnonzero(np.diff(active, prepend=~active[:1]))
    lengths = np.diff(edges, append=count)
    long_break = np.repeat(~active[edges] & (lengths * ROW_S > LONGEST_BREAK_S), lengths)
    first = np.arange(count - rows + 1)
    actives, breaks = (np.concatenate([[0], np.cumsum(each)]) for each in (active, long_break))
    enough = 100 * (actives[first + rows] - actives[first]) >= SHARE_PERCENT * rows
    whole = enough & (breaks[first + rows] == breaks[first]) & active[first] & active[first + rows - 1]
    begun = np.concatenate([[0], np.cumsum(whole)])
    row = np.arange(count)
    within = begun[np.minimum(row + 1, len(whole))] > begun[np.clip(row + 1 - rows, 0, len(whole))]
    result: NDArray[np.bool_] = active & within
    return result
