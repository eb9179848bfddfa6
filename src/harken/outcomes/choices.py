"""What people choose about outcomes: cut-points, how nights are found, the use of a diary, and when a day is valid.

The settings of labelling need it for the help of the command, so it loads nothing that takes time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Literal

from harken.support.errors import HarkenError

RestThreshold = Literal["published", "ggir-0.2"]
"""``published``: the 10th percentile of the unrest, times 15, within 0.13 and 0.5 degrees (step 6 of the paper; also
what GGIR 3.3-7 computes without other settings). ``ggir-0.2``: 0.2 degrees, the single threshold that GGIR's
documentation describes as the current one, and that wristpy uses."""
DiaryUse = Literal["guide", "override"]
"""What a diary does: ``guide`` limits the search for rest to the night in the diary, as in van Hees 2015 and GGIR;
``override`` takes onset and wake from it."""

ENOUGH_WEAR_H = 16.0
"""The hours of wear of a valid day, as in GGIR and as is usual in studies of physical activity."""
LEAST_VIGOROUS_MG = 2.0
"""A lower limit is taken for g. Published limits of vigorous are above 400 mg."""


@dataclass(frozen=True)
class CutPoints:
    """The limits between levels of intensity, for the mean ENMO of a row.

    >>> from harken.outcomes.choices import CutPoints
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
