"""The rules by which tables and reports are made from the probabilities of a model, each an option of a command: among
them cut-points, how nights are found, the use of a diary, and when a day is valid.

The help of the command needs them, so this loads nothing that takes time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import floor, isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from harken.outcomes.segments import Segment, read_segments
from harken.support.errors import HarkenError
from harken.support.options import Option, check_options

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

    >>> from harken.outcomes.rules import CutPoints
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

    def for_age(self, years: float) -> "CutPoints | None":
        """The published cut-points for people of this age and the watch of these cut-points.

        >>> from harken.outcomes.rules import CutPoints
        >>> CutPoints.of("adults-actigraph").for_age(9.5).name
        'children-actigraph'
        >>> CutPoints.of("adults-actigraph").for_age(15) is None
        True

        Returns:
            The cut-points; None if these are not published, or if none were validated for this age (``AGES``).
        """
        if not self.published:
            return None
        _, watch = self.name.split("-")
        for people, ages in AGES.items():
            if ages.least <= floor(years) <= ages.most:
                return PUBLISHED[f"{people}-{watch}"]
        return None

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


class AgeRange(NamedTuple):
    """The ages of the people for whom cut-points were validated, in completed years, both ends included."""

    least: int
    most: int


AGES: Mapping[str, AgeRange] = MappingProxyType({"adults": AgeRange(21, 61), "children": AgeRange(7, 11)})
"""For whom ``PUBLISHED`` was validated, by the beginning of the name: 30 adults and 30 children of these ages
(Hildebrand and others, 2014)."""

_option = partial(Option, panel="Nights, intensity and tables")


def _readable_diary(path: Path) -> Path:
    """The path; a broken diary is refused before anything is labelled."""
    from harken.outcomes.diary import read_diary  # takes time to load, which the help need not wait for

    read_diary(path)
    return path


def _readable_exclusions(path: Path) -> Path:
    """The path; a broken table of exclusions is refused before anything is labelled."""
    from harken.outcomes.exclusions import read_exclusions  # takes time to load, which the help need not wait for

    read_exclusions(path)
    return path


@dataclass(frozen=True)
class Rules:
    """How tables and reports are made from the probabilities of the model. The defaults are those of ``harken label``
    and ``harken summarise``.

    >>> import harken
    >>> harken.Rules(valid_day_h=10).cut_points.name
    'adults-geneactiv'

    Attributes:
        unsure_below: see ``Timeline.with_unsure_below``.
        smoothing: see ``Timeline.smoothed``; without it each row has its own most probable label.
        night_threshold: how the limit of rest is found by which nights are recognised (``harken.outcomes.nights``).
        diary: a sleep diary (``harken.outcomes.diary``); None: nights are found by movement alone.
        diary_use: whether the diary guides the search for rest, or overrides onset and wake.
        cut_points: the limits between levels of intensity (``CutPoints.of``).
        hand: whether the watch was worn on the dominant wrist; None: unknown. Published cut-points are for the wrist
            that is not.
        valid_day_h: the hours of wear of a valid day, at least.
        segments: named stretches of the day for ``segments.csv`` (``harken.outcomes.segments.read_segments``).
        exclude: people, days and nights that do not count (``harken.outcomes.exclusions``).
        leave_out_taught: whether the time that a wearer taught (``harken.outcomes.taught``) is left out of days, hours,
            bouts and rhythm.
        csv: whether the timeline is also written as CSV.

    Raises:
        HarkenError: when a value is out of bounds or not one of the words of its field.
    """

    unsure_below: Annotated[
        float | None,
        Option(
            "Label a row 'unsure' if its label is less probable than this (0 to 1): by the smoothed probability, or "
            "with --no-smoothing by the model's own.",
            metavar="P",
            least=0.0,
            most=1.0,
            refusal="the limit for unsure must be a probability from 0 to 1, got {:g}",
        ),
    ] = None
    smoothing: Annotated[bool, Option("Label each row by itself, without its neighbours.", off="--no-smoothing")] = True
    night_threshold: Annotated[
        RestThreshold,
        _option(
            "The limit of rest by which nights are found: 'published' (from each day's own movement) or the single "
            "threshold of 0.2 degrees."
        ),
    ] = "published"
    diary: Annotated[
        Path | None,
        _option(
            "A sleep diary: a CSV file with the columns subject, date, onset and wake. Nights may be missing.",
            metavar="FILE",
            read=_readable_diary,
        ),
    ] = None
    diary_use: Annotated[
        DiaryUse,
        _option("The diary guides the search for rest, or its onset and wake override what movement shows."),
    ] = "guide"
    cut_points: Annotated[
        CutPoints,
        _option(
            "The limits between inactive, light, moderate and vigorous. Published ones: adults-geneactiv, "
            "adults-actigraph, children-geneactiv, children-actigraph. Your own: three numbers in mg, such as "
            "40,100,400.",
            metavar="NAME|MG,MG,MG",
            kind=str,
            read=CutPoints.of,
            typed="adults-geneactiv",
        ),
    ] = PUBLISHED["adults-geneactiv"]
    hand: Annotated[
        Literal["dominant", "non-dominant"] | None,
        _option("The wrist on which the watch was worn. Published cut-points are for the non-dominant one."),
    ] = None
    valid_day_h: Annotated[
        float,
        _option(
            "The hours of wear of a valid day, at least.",
            flag="--valid-day",
            metavar="HOURS",
            least=0,
            most=24,
            refusal="a valid day needs from 0 to 24 hours of wear, got {:g}",
        ),
    ] = ENOUGH_WEAR_H
    segments: Annotated[
        tuple[Segment, ...],
        _option(
            "A CSV file of named segments, such as work and school: segment,days,start,end. Writes segments.csv.",
            metavar="FILE",
            kind=Path,
            read=read_segments,
        ),
    ] = ()
    exclude: Annotated[
        Path | None,
        _option(
            "Who does not count: a CSV file with the columns subject and reason; with a column day or night, only that "
            "day or night.",
            metavar="FILE",
            read=_readable_exclusions,
        ),
    ] = None
    leave_out_taught: Annotated[
        bool,
        _option(
            "Leave the minutes that a wearer taught (--teach) out of days, hours, bouts and rhythm, as if they had not "
            "been recorded."
        ),
    ] = False
    csv: Annotated[
        bool, _option("Also write timeline.csv, for a spreadsheet: 23 MB a week (timeline.parquet has the same rows).")
    ] = False

    def __post_init__(self) -> None:
        check_options(self)
