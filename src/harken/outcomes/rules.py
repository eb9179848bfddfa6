"""The rules by which tables and reports are made from the probabilities of a model, each an option of a command."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from harken.outcomes.choices import ENOUGH_WEAR_H, PUBLISHED, CutPoints, DiaryUse, RestThreshold
from harken.outcomes.segments import Segment, read_segments
from harken.support.options import Option, check_options

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
        cut_points: the limits between levels of intensity (``harken.outcomes.choices.CutPoints.of``).
        hand: whether the watch was worn on the dominant wrist; None: unknown. Published cut-points are for the wrist
            that is not.
        valid_day_h: the hours of wear of a valid day, at least.
        segments: named stretches of the day for ``segments.csv`` (``harken.outcomes.segments.read_segments``).
        exclude: people, days and nights that do not count (``harken.outcomes.exclusions``).
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
    csv: Annotated[
        bool, _option("Also write timeline.csv, for a spreadsheet: 23 MB a week (timeline.parquet has the same rows).")
    ] = False

    def __post_init__(self) -> None:
        check_options(self)
