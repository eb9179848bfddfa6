"""The page: a timeline and the quality of its recording, filled into the template and written as one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harken.outcomes.outcomes import Outcomes
from harken.outcomes.recording_quality import Limit, RecordingQuality
from harken.recordings.recording import local_time
from harken.reports.caveats import LEAST_F1, MUCH_GAP_H, quality_lines, reliable, score_words
from harken.reports.colours import colours_of
from harken.reports.wearer import days, tables
from harken.reports.wearer.days import CalendarDay, Spells, day_by_clock
from harken.reports.words import Content, hours_minutes, lasting, minutes_seconds, write_page
from harken.support.printable import listed, zone_in_words

SCRIPTS = ("reports/assets/uplot/uPlot.iife.min.js", "reports/wearer/zoom.js")


class SegmentKind(NamedTuple):
    """A kind of segment in a band: a label, or a reason for a missing label."""

    code: int
    name: str
    pattern: str

    @property
    def css(self) -> str:
        """The CSS class that fills its shapes."""
        return f"p-{self.pattern}" if self.pattern else f"k{self.code}"


@dataclass(frozen=True)
class FilesQuality:
    """What a report says of several files of one wearer.

    Attributes:
        files: the quality of each file, by its name.
        limits: the limits of the model that apply to the files together.
        doubts: sentences on the files together.
    """

    files: Mapping[str, RecordingQuality]
    limits: Sequence[Limit] = ()
    doubts: Sequence[str] = ()

    @classmethod
    def of(cls, quality: RecordingQuality) -> "FilesQuality":
        """Return the same for one file."""
        return cls({quality.file: quality}, quality.limits)

    @property
    def unseen_f1(self) -> Mapping[str, float]:
        """The scores of the model; empty if the files have different models."""
        scores = [quality.unseen_f1 for quality in self.files.values()]
        return scores[0] if all(score == scores[0] for score in scores) else {}

    def list_sentences(self, name: str) -> list[str]:
        """Return the warnings or notes of all files. One that only some files have begins with their names."""
        files_of: dict[str, list[str]] = {}
        for file, quality in self.files.items():
            for sentence in getattr(quality, name):
                files_of.setdefault(sentence, []).append(file)
        return [
            sentence if len(files) == len(self.files) else f"{listed(files)}: {sentence}"
            for sentence, files in files_of.items()
        ]


def write_wearer_report(
    path: str | Path, outcomes: Outcomes, *, quality: RecordingQuality | FilesQuality, model_card: tuple[str, str, str]
) -> None:
    """Write the report of a recording, or of the joined files of a wearer, as one self-contained HTML file: it needs no
    network and no other file.

    The printed content does not need JavaScript. With JavaScript, the page can be zoomed and the bouts filtered.

    Args:
        path: the file to write, whole or not at all.
        outcomes: the timeline of the recording, smoothed or not, in the wearer's time zone, and its tables.
        quality: the quality of the recording, or of each of several files.
        model_card: three lines on the model: its training data, its scores on unseen people, its weaknesses.

    Raises:
        HarkenError: when no sample was recorded, or there are more labels than a picture can show.
        OSError: when the folder is missing or cannot be written to.
    """
    spells = days.spells_of(outcomes.timeline)
    calendar = days.calendar_days(outcomes.days["date"], spells.timezone)
    if isinstance(quality, RecordingQuality):
        quality = FilesQuality.of(quality)
    content = (
        _description(outcomes, quality)
        | {"card": model_card}
        | _labels(spells, calendar, outcomes)
        | _outcomes(spells, calendar, outcomes, quality.unseen_f1)
    )
    write_page(path, "reports/wearer", content, SCRIPTS)


def _description(outcomes: Outcomes, quality: FilesQuality) -> Content:
    """The files and their quality."""
    gaps_s = sum(of_file.gaps.total_s for of_file in quality.files.values())
    timeline, excluded, taught = outcomes.timeline, outcomes.exclusions, outcomes.taught
    left_out = (f"{timeline.subject} is excluded: {excluded.person}",) if excluded.person else ()
    return {
        "subject": timeline.subject,
        "files": [of_file.file for of_file in quality.files.values()],
        "warnings": (
            *left_out,
            *quality.doubts,
            *quality.list_sentences("warnings"),
            *(() if taught is None else taught.warnings),
        ),
        "taught": "" if taught is None else taught.describe(),
        "gain_not_shown": "" if taught is None else taught.not_shown,
        "left_out": outcomes.describe_left_out(),
        "days_excluded": len(excluded.days),
        "limits": quality.limits,
        "quality": {name: quality_lines(of_file) for name, of_file in quality.files.items()},
        "notes": (*quality.list_sentences("notes"), *(() if taught is None else taught.notes)),
        "not_recorded": lasting(gaps_s) if gaps_s > 3600 * MUCH_GAP_H else "",
        "smoothed": timeline.expected_bout_s is not None,
    }


def _labels(spells: Spells, calendar: list[CalendarDay], outcomes: Outcomes) -> Content:
    """The kinds of segments and their colours, and the tables of hours and bouts."""
    zone, names, labels = spells.timezone, spells.names, outcomes.timeline.labels
    colours = colours_of(labels)
    format_hours = _choose_format(is_short=days.find_short_stretch(spells) is not None)
    bouts = tables.count_labelled_seconds(outcomes.bouts, spells)
    listed, not_listed = tables.bouts_by_day(bouts, names, calendar, zone)
    adjusted = tables.hours_rows(outcomes.days, names, calendar, adjusted=True)
    return {
        "long_date": days.long_date,
        "edges": [local_time(int(spells.edges_ns[row]), zone) for row in (0, -1)],
        "zone": zone_in_words(zone),
        "kinds": _kinds(names, labels),
        "colours": [colours.get(name) for name in names],
        "names": names,
        "never": spells.never,
        "average": tables.average_day(outcomes.valid_days, names, format_hours),
        "valid_days": list(map(days.long_date, outcomes.valid_days["date"])),
        "hours": tables.hours_rows(outcomes.days, names, calendar, format_hours),
        "adjusted": adjusted,
        "adjusted_is_known": any(value is not None for row in adjusted for value in row["hours"]),
        "summaries": tables.bout_summaries(bouts, names, zone),
        "bouts": listed,
        "bouts_not_listed": not_listed,
    }


def _outcomes(
    spells: Spells, calendar: list[CalendarDay], outcomes: Outcomes, unseen_f1: Mapping[str, float]
) -> Content:
    """The strips of the days, nights, movement, the average day by the clock, the key figures, the hours of groups, and
    which labels are recognised less well than others."""
    nights = tables.nights_shown(outcomes.nights)
    spans_ns = [] if nights is None else nights["spans_ns"]
    stretch = days.find_short_stretch(spells)
    stretches: list[CalendarDay] = calendar if stretch is None else [stretch]
    activity = days.activity_of_days(spells, stretches)
    ceiling = days.activity_ceiling_mg(activity)
    strips = [
        days.strip_of(spells, day, moved, ceiling, spans_ns) for day, moved in zip(stretches, activity, strict=True)
    ]
    is_short = stretch is not None
    format_hours = _choose_format(is_short=is_short)
    groups = tables.group_columns(outcomes.days, is_short=is_short)
    valid = set(outcomes.valid_days["date"].to_list())
    return {
        "is_short": is_short,
        "strips": strips,
        "present": {code for strip in strips for code, _, _ in strip["shapes"]},
        "ceiling": ceiling,
        "nights": nights,
        "night_columns": tables.NIGHT_COLUMNS,
        "valid_day_h": outcomes.rules.valid_day_h,
        "movement": tables.movement_shown(outcomes, format_hours),
        "by_clock": day_by_clock(spells, [day for day in calendar if day.date in valid], outcomes.rhythm, ceiling),
        "zoom": days.packed(spells, calendar, spans_ns),
        "figures": tables.key_figures(outcomes, unseen_f1, format_hours),
        "groups": list(groups.values()),
        "group_rows": tables.group_rows(outcomes.days, outcomes.averages, calendar, groups, format_hours),
        "doubtful": {
            code: score_words(name, unseen_f1)
            for code, name in enumerate(spells.names)
            if not reliable(name, unseen_f1)
        },
        "least_f1": LEAST_F1 if unseen_f1 else None,
    }


def _choose_format(*, is_short: bool) -> tables.FormatHours:
    return minutes_seconds if is_short else hours_minutes


def _kinds(names: tuple[str, ...], labels: tuple[str, ...]) -> dict[int, SegmentKind]:
    """The kinds of segments in a band, by code, labels first. ``unsure`` has a pattern unless it is a label."""
    kinds = [SegmentKind(code, name, "" if name in labels else "unsure") for code, name in enumerate(names)]
    kinds += [SegmentKind(days.NO_LABEL, "no label", "nothing"), SegmentKind(days.NOT_WORN, "not worn", "off")]
    kinds.append(SegmentKind(days.GAP, "not recorded", "gap"))
    return {kind.code: kind for kind in kinds}
