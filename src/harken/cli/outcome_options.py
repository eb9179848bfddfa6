"""The options of ``harken label`` for nights, intensity and tables, as the settings of labelling."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from harken.cli.options import with_options

if TYPE_CHECKING:
    from harken.outcomes import CutPoints
    from harken.outcomes.segments import Segment

PANEL = "Nights, intensity and tables"

NightThreshold = Annotated[
    Literal["published", "ggir-0.2"],
    typer.Option(
        rich_help_panel=PANEL,
        help="The limit of rest by which nights are found: 'published' (from each day's own movement) or the single "
        "threshold of 0.2 degrees.",
    ),
]
DiaryFile = Annotated[
    Path | None,
    typer.Option(
        "--diary",
        rich_help_panel=PANEL,
        help="A sleep diary: a CSV file with the columns subject, date, onset and wake. Nights may be missing.",
        metavar="FILE",
        show_default=False,
    ),
]
DiaryUse = Annotated[
    Literal["guide", "override"],
    typer.Option(
        rich_help_panel=PANEL,
        help="The diary guides the search for rest, or its onset and wake override what movement shows.",
    ),
]
CutPointsOption = Annotated[
    str,
    typer.Option(
        "--cut-points",
        rich_help_panel=PANEL,
        help="The limits between inactive, light, moderate and vigorous. Published ones: adults-geneactiv, "
        "adults-actigraph, children-geneactiv, children-actigraph. Your own: three numbers in mg, such as 40,100,400.",
        metavar="NAME|MG,MG,MG",
    ),
]
Hand = Annotated[
    Literal["dominant", "non-dominant"] | None,
    typer.Option(
        rich_help_panel=PANEL,
        help="The wrist on which the watch was worn. Published cut-points are for the non-dominant one.",
        show_default=False,
    ),
]
ValidDay = Annotated[
    float,
    typer.Option(
        "--valid-day",
        rich_help_panel=PANEL,
        help="The hours of wear of a valid day, at least.",
        metavar="HOURS",
        min=0,
        max=24,
    ),
]
Segments = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=PANEL,
        help="A CSV file of named segments, such as work and school: segment,days,start,end. Writes segments.csv.",
        metavar="FILE",
        show_default=False,
    ),
]


class OutcomeOptions(TypedDict):
    """Some of the fields of ``harken.LabelSettings``."""

    night_threshold: Literal["published", "ggir-0.2"]
    diary: Path | None
    diary_use: Literal["guide", "override"]
    cut_points: "CutPoints"
    hand: Literal["dominant", "non-dominant"] | None
    valid_day_h: float
    segments: "tuple[Segment, ...]"


def with_outcome_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which receives ``OutcomeOptions`` as one argument named ``outcomes``."""
    options = {
        "night_threshold": (NightThreshold, "published"),
        "diary": (DiaryFile, None),
        "diary_use": (DiaryUse, "guide"),
        "cut_points": (CutPointsOption, "adults-geneactiv"),
        "hand": (Hand, None),
        "valid_day": (ValidDay, 16.0),
        "segments": (Segments, None),
    }
    return with_options("outcomes", options, _read)(command)


def _read(
    *,
    night_threshold: Literal["published", "ggir-0.2"],
    diary: Path | None,
    diary_use: Literal["guide", "override"],
    cut_points: str,
    hand: Literal["dominant", "non-dominant"] | None,
    valid_day: float,
    segments: Path | None,
) -> OutcomeOptions:
    """The settings. A broken diary, unknown cut-points or broken segments are refused before anything is labelled."""
    from harken.outcomes import CutPoints
    from harken.outcomes.diary import read_diary
    from harken.outcomes.segments import read_segments

    if diary is not None:
        read_diary(diary)
    return OutcomeOptions(
        night_threshold=night_threshold,
        diary=diary,
        diary_use=diary_use,
        cut_points=CutPoints.of(cut_points),
        hand=hand,
        valid_day_h=valid_day,
        segments=() if segments is None else read_segments(segments),
    )
