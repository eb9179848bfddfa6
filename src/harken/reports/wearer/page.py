"""The page: a timeline and the quality of its recording, filled into the template and written as one file."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from harken import __version__
from harken.reports import page_template, script_hashes
from harken.reports.wearer.calendar import calendar_days, span_words
from harken.reports.wearer.pictures import activity_ceiling_mg, colours_of, packed, strip_of
from harken.reports.wearer.quality import RecordingQuality
from harken.reports.wearer.sentences import limit_in_words, quality_lines
from harken.reports.wearer.spells import GAP, NO_LABEL, NOT_WORN, spells_of
from harken.reports.wearer.tables import average_day, bout_summaries, bouts_by_day, hours_rows
from harken.support.files import write_text
from harken.timelines import Timeline

__all__ = ["write_wearer_report"]


@dataclass(frozen=True)
class Kind:
    """A kind of segment in a band: a label, or a reason for a missing label."""

    code: int
    name: str
    pattern: str

    @property
    def css(self) -> str:
        """The CSS class that fills its shapes."""
        return f"p-{self.pattern}" if self.pattern else f"k{self.code}"


def write_wearer_report(
    path: str | Path,
    *,
    timeline: Timeline,
    quality: RecordingQuality | None,
    model_card: tuple[str, str, str],
    bouts: pl.DataFrame | None = None,
    days: pl.DataFrame | None = None,
) -> None:
    """Write the report of a recording as one self-contained HTML file: it needs no network and no other file.

    The printed content does not need JavaScript. With JavaScript, the page can be zoomed and the bouts filtered.

    Args:
        path: the file to write, whole or not at all.
        timeline: the timeline of the recording, smoothed or not, in the wearer's time zone.
        quality: the quality of the recording; None if it is not known.
        model_card: three lines on the model: its training data, its scores on unseen people, its weaknesses.
        bouts: the result of ``timeline.bouts()``, which is computed if None.
        days: the result of ``timeline.daily()``, likewise.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    bouts = timeline.bouts() if bouts is None else bouts
    days = timeline.daily() if days is None else days
    content = _content(timeline, quality, model_card, bouts, days) | _scripts()
    write_text(Path(path), page_template("wearer").render(content))


def _content(
    timeline: Timeline,
    quality: RecordingQuality | None,
    card: tuple[str, str, str],
    bouts: pl.DataFrame,
    days: pl.DataFrame,
) -> dict[str, Any]:
    """The variables of the template, except the scripts."""
    spells = spells_of(timeline)
    zone, names = spells.timezone, spells.names
    first, last = int(spells.edges_ns[0]), int(spells.edges_ns[-1])
    calendar = calendar_days(spells.stretches_ns, zone)
    kinds, colours = _kinds(names, timeline.labels), colours_of(timeline.labels)
    ceiling = activity_ceiling_mg(spells)
    strips = [strip_of(spells, day, ceiling) for day in calendar]
    listed, not_listed = bouts_by_day(bouts, names, calendar, zone)
    present = {shape.code for strip in strips for shape in strip.shapes}
    adjustable = any(column.startswith("adjusted_hours_") for column in days.columns)
    adjusted = hours_rows(days, names, calendar, adjusted=True) if adjustable else []
    return {
        "version": __version__,
        "subject": timeline.subject,
        "span": span_words(first, last, zone),
        "zone": zone,
        "file": quality.file if quality else timeline.source,
        "warnings": quality.warnings if quality else (),
        "limits": [limit_in_words(limit) for limit in quality.limits] if quality else [],
        "kinds": kinds,
        "css": {kind.code: kind.css for kind in kinds},
        "patterned": {kind.code: bool(kind.pattern) for kind in kinds},
        "present": present,
        "colours": [colours.get(name) for name in names],
        "names": names,
        "never": spells.never,
        "average": average_day(days, names, calendar),
        "hours": hours_rows(days, names, calendar),
        "adjusted": adjusted,
        "adjusted_is_known": any(value is not None for row in adjusted for value in row.hours),
        "strips": strips,
        "ceiling": ceiling,
        "summaries": bout_summaries(bouts, names, calendar, zone),
        "bouts": listed,
        "bouts_not_listed": not_listed,
        "quality": quality_lines(quality) if quality else [],
        "notes": quality.notes if quality else (),
        "card": card,
        "smoothed": f"smoothed_{timeline.labels[0]}" in timeline.frame.columns,
        "zoom": packed(spells, calendar),
    }


def _kinds(names: tuple[str, ...], labels: tuple[str, ...]) -> list[Kind]:
    """The kinds of segments in a band, labels that occur first. ``unsure`` has a pattern unless it is a label."""
    shown = [Kind(code, name, "" if name in labels else "unsure") for code, name in enumerate(names)]
    return [
        *shown,
        Kind(NO_LABEL, "no label", "nothing"),
        Kind(NOT_WORN, "not worn", "off"),
        Kind(GAP, "not recorded", "gap"),
    ]


def _scripts() -> dict[str, Any]:
    """The scripts and styles of the page, and the hashes that let a browser run only these."""
    uplot = files("harken").joinpath("reports", "assets", "uplot")
    page = files("harken").joinpath("reports", "wearer")
    scripts = [
        folder.joinpath(name).read_text(encoding="utf-8")
        for folder, name in ((uplot, "uPlot.iife.min.js"), (page, "lanes.js"), (page, "zoom.js"), (page, "list.js"))
    ]
    return {
        "uplot_css": Markup(uplot.joinpath("uPlot.min.css").read_text(encoding="utf-8")),
        "scripts": [Markup(script) for script in scripts],
        "allowed": script_hashes(scripts),
    }
