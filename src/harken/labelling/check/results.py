"""What the check of a study says, for everybody and for each group and site; its files and its words."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from harken.annotations.folders import CHECK, CHECKED, PERSON
from harken.labelling.check.clips import CANNOT_TELL, CLIP_S, CLIPS, Design, list_named_clips
from harken.labelling.check.estimates import (
    CheckEstimates,
    Estimate,
    Frame,
    LabelEstimates,
    NamedClips,
    estimate_check,
)
from harken.labelling.check.survey import Survey
from harken.labelling.check.truth import Truth
from harken.labelling.stored import TIMELINE, StoredResults
from harken.reports.study import CheckRow, CheckTable, StudyCheck
from harken.reports.words import hours_minutes
from harken.support.arrays import BoolArray
from harken.support.errors import HarkenError
from harken.support.files import make_folder, read_record, write_record
from harken.support.printable import duration_text, listed, percent, percent_number, plural, printable
from harken.support.tables import write_csv

TABLE = "check.csv"
LAYOUT = 1
GROUP_COLUMNS = ("group", "site")
"""Columns of the table of people by which the check is divided, too."""
ALL_LABELS = "all labels"
MOST_NAMED = 3
NOT_KNOWN = "–"


class CheckedPeople(msgspec.Struct, frozen=True):
    """What the check says of some people.

    Attributes:
        column: the column of the table of people that chooses them; empty for everybody.
        value: its value; empty for everybody.
        people: how many there are.
        checked: how many of them have a clip that somebody could tell.
        estimates: what was estimated.
    """

    column: str
    value: str
    people: int
    checked: int
    estimates: CheckEstimates

    @property
    def title(self) -> str:
        """Who they are, in words."""
        return f"{self.column.capitalize()} {self.value}" if self.column else "Everybody"


class CheckResults(msgspec.Struct, frozen=True):
    """What the check of a study says.

    Attributes:
        layout: the number of the form of the file.
        source: the file with the truth, or ``clips.csv``.
        drawn: whether the clips were drawn at random. Otherwise they are all for which there is a truth.
        clips: how many clips there are.
        looked_at: how many of them somebody looked at.
        cannot_tell: how many of these nobody could tell.
        parts: everybody, then each group and site that was checked; empty if nothing was.
        not_checked: groups and sites without a clip that somebody could tell.
        left_out: people who are excluded now.
        timelines: the SHA-256 of the timeline in each folder of results, as it was checked.
    """

    layout: int
    source: str
    drawn: bool
    clips: int
    looked_at: int
    cannot_tell: int
    parts: tuple[CheckedPeople, ...]
    not_checked: tuple[str, ...]
    left_out: tuple[str, ...]
    timelines: dict[str, str]


class _Wearers(NamedTuple):
    """What the results of a study say of its people now.

    Attributes:
        excluded: who is excluded.
        values: the value of each person in each of ``GROUP_COLUMNS`` that the table of people has.
    """

    excluded: frozenset[str]
    values: Mapping[str, Mapping[str, str]]


def measure_clips(out: Path, design: Design, named: Mapping[int, str]) -> CheckResults:
    """Return what the clips say that somebody named.

    Args:
        out: the folder of the study.
        design: how the clips were drawn.
        named: the label of each clip, or ``CANNOT_TELL``, by its number.

    Returns:
        The check. It has no ``parts`` if no clip has a label.
    """
    frame, clips = list_named_clips(design, dict(named))
    wearers = _read_wearers(out, design.timelines)
    checked = _Checked(frame, clips, wearers)
    return CheckResults(
        layout=LAYOUT,
        source=str(out / CHECK / CLIPS),
        drawn=True,
        clips=len(design.clips),
        looked_at=len(named),
        cannot_tell=sum(label == CANNOT_TELL for label in named.values()),
        parts=checked.parts,
        not_checked=checked.not_checked,
        left_out=checked.left_out,
        timelines=design.timelines,
    )


def measure_truth(out: Path, survey: Survey, truth: Truth, source: str) -> CheckResults:
    """Return what a truth from files says.

    Args:
        out: the folder of the study.
        survey: the study.
        truth: the truth of some of its time.
        source: where the truth is, in words.
    """
    wearers = _read_wearers(out, survey.timelines)
    checked = _Checked(truth.frame, truth.clips, wearers)
    clips = int(truth.clips.count.sum())
    return CheckResults(
        layout=LAYOUT,
        source=source,
        drawn=False,
        clips=clips,
        looked_at=clips,
        cannot_tell=0,
        parts=checked.parts,
        not_checked=checked.not_checked,
        left_out=checked.left_out,
        timelines=survey.timelines,
    )


class _Checked:
    """The estimates of everybody and of each group and site.

    Attributes:
        parts: those with a clip that somebody could tell.
        not_checked: the others.
        left_out: people who are excluded.
    """

    def __init__(self, frame: Frame, clips: NamedClips, wearers: _Wearers) -> None:
        self._frame, self._clips = frame, clips
        self.parts: tuple[CheckedPeople, ...] = ()
        self.not_checked: tuple[str, ...] = ()
        self.left_out = tuple(person for person in frame.people if person in wearers.excluded)
        is_included = np.array([person not in wearers.excluded for person in frame.people])
        self._add("", "", is_included)
        if not self.parts:
            self.not_checked = ()
            return
        for column, values in wearers.values.items():
            of_people = [values.get(person, "") for person in frame.people]
            for value in sorted({value for value in of_people if value}):
                self._add(column, value, is_included & (np.array(of_people) == value))

    def _add(self, column: str, value: str, chosen: BoolArray) -> None:
        clips = self._clips.of_people(chosen)
        checked = len(np.unique(clips.person[clips.is_named]))
        if not checked:
            self.not_checked += (f"{column} {value}",)
            return
        estimates = estimate_check(self._frame.select(chosen), clips)
        self.parts += (CheckedPeople(column, value, int(chosen.sum()), checked, estimates),)


def _read_wearers(out: Path, folders: Mapping[str, str]) -> _Wearers:
    excluded: set[str] = set()
    for name in folders:
        try:
            summary = StoredResults.open(out / name).summary
        except HarkenError:  # ``find_changed`` tells
            continue
        if summary["excluded"]:
            excluded.add(summary["subject"])
    return _Wearers(frozenset(excluded), _read_groups(out))


def _read_groups(out: Path) -> dict[str, dict[str, str]]:
    """Return the group and site of each person; nothing if the table of people cannot be read."""
    try:
        table = pl.read_parquet(out / PERSON)
    except (OSError, pl.exceptions.PolarsError):
        return {}
    present = [column for column in GROUP_COLUMNS if column in table.columns]
    values: dict[str, dict[str, str]] = {}
    for column in present:
        known = table.filter(pl.col(column).is_not_null())
        values[column] = dict(zip(known["subject"], known[column].cast(pl.String), strict=True))
    return values


def find_changed(out: Path, timelines: Mapping[str, str]) -> list[str]:
    """Find the folders whose labels have changed since they were checked, or that are gone."""
    changed: list[str] = []
    for name, digest in timelines.items():
        try:
            now = StoredResults.open(out / name).digests.get(TIMELINE)
        except HarkenError:
            now = None
        if now != digest:
            changed.append(name)
    return changed


def write_check(out: Path, results: CheckResults) -> None:
    """Write what the check says, as a table and as JSON, which harken reads back."""
    folder = out / CHECK
    make_folder(folder)
    write_csv(make_check_table(results), folder / TABLE)
    write_record(folder / CHECKED, results)


def read_check(out: Path) -> CheckResults | None:
    """Read what the check of a study says; None if it was not checked.

    Raises:
        HarkenError: when the file is damaged.
    """
    advice = f"make it again with: harken check {out}"
    return read_record(out / CHECK / CHECKED, CheckResults, layout=LAYOUT, advice=advice)


def make_check_table(results: CheckResults) -> pl.DataFrame:
    """Return a row for each label and each group of labels, of everybody and of each group and site of people."""
    rows: list[dict[str, object]] = []
    for part in results.parts:
        estimates = part.estimates
        whom = {"people_of": f"{part.column} {part.value}".strip() or "everybody", "people": part.people}
        together = LabelEstimates(
            ALL_LABELS,
            sum(label.drawn for label in estimates.labels),
            sum(label.named for label in estimates.labels),
            estimates.right,
            estimates.right,
            sum(label.hours for label in estimates.labels),
            _sum_hours(estimates.labels),
        )
        untold = _name_columns("cannot_tell", estimates.cannot_tell)
        rows.append({**whom, **_make_columns(together), **untold})
        rows += [{**whom, **_make_columns(label)} for label in (*estimates.labels, *estimates.groups)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _sum_hours(labels: Sequence[LabelEstimates]) -> Estimate:
    """Return the sum of the corrected hours, which is known: the time that is labelled."""
    hours = sum(label.hours for label in labels)
    return Estimate(hours, hours, hours)


def _make_columns(label: LabelEstimates) -> dict[str, object]:
    return {
        "label": label.label,
        "clips": label.drawn,
        "named": label.named,
        **_name_columns("precision", label.precision),
        **_name_columns("recall", label.recall),
        "hours": label.hours,
        **_name_columns("corrected_hours", label.corrected_hours),
    }


def _name_columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_lowest": None, f"{name}_highest": None}
    return {name: estimate.value, f"{name}_lowest": estimate.lowest, f"{name}_highest": estimate.highest}


def describe_check(results: CheckResults, changed: Sequence[str]) -> StudyCheck:
    """Say in words what the check says.

    Args:
        results: the check.
        changed: the folders whose labels have changed since (``find_changed``).
    """
    everybody = results.parts[0]
    right = _show_share(everybody.estimates.right)
    sentences = [
        _describe_source(results, everybody),
        f"Of the labelled time, {right} has the right label. Precision is the share of the time with a label that has "
        "it rightly; recall is the share of the time that should have it and has it. The intervals hold the value for "
        "people like these in 95 of 100 checks. Corrected hours are the hours of this study without the model's "
        "confusions.",
    ]
    if results.not_checked:
        sentences.append(f"No clip could be told of {listed(results.not_checked)}.")
    if results.left_out:
        sentences.append(f"Without {listed(results.left_out)}, who are excluded now.")
    return StudyCheck(tuple(sentences), _warn_of_changes(changed), tuple(map(_make_shown_table, results.parts)))


def _describe_source(results: CheckResults, everybody: CheckedPeople) -> str:
    if not results.drawn:
        time = duration_text(results.clips * CLIP_S)
        return (
            f"The labels were compared with {results.source}: {time} of {everybody.checked} of "
            f"{plural(everybody.people, 'person', 'people')}."
        )
    told = results.looked_at - results.cannot_tell
    text = (
        f"{results.clips} half minutes were drawn at random from the labelled time of "
        f"{plural(everybody.people, 'person', 'people')}. Somebody named {told} of them, of "
        f"{plural(everybody.checked, 'person', 'people')}, without seeing the model’s labels."
    )
    if results.cannot_tell:
        share = _show_share(everybody.estimates.cannot_tell)
        text += f" Nobody could tell {results.cannot_tell}, which stands for {share} of the time."
    missing = results.clips - results.looked_at
    if missing:
        text += f" Nobody has looked at {'the other one' if missing == 1 else f'the other {missing}'} yet."
    return text


def _warn_of_changes(changed: Sequence[str]) -> str:
    if not changed:
        return ""
    more = [f"{len(changed) - MOST_NAMED} more"] if len(changed) > MOST_NAMED else []
    names = listed([*changed[:MOST_NAMED], *more])
    return f"The labels of {names} have changed since they were checked. The numbers are those of the labels of then."


def _make_shown_table(part: CheckedPeople) -> CheckTable:
    rows = tuple(_list_rows(part.estimates))
    title = printable(part.title)
    if part.column:
        title += f": {_show_share(part.estimates.right)} right, {part.checked} of {part.people} people"
    return CheckTable(title, rows)


def _list_rows(estimates: CheckEstimates) -> Iterator[CheckRow]:
    for label in (*estimates.labels, *estimates.groups):
        corrected = label.corrected_hours
        lowest, highest = hours_minutes(corrected.lowest), hours_minutes(corrected.highest)
        yield CheckRow(
            label=printable(label.label).replace("_", " "),
            named=str(label.named) if label.named == label.drawn else f"{label.named} of {label.drawn}",
            precision=_show_number(label.precision),
            recall=_show_number(label.recall),
            hours=hours_minutes(label.hours),
            corrected_hours=f"{hours_minutes(corrected.value)} ({lowest} to {highest})",
        )


def _show_share(estimate: Estimate) -> str:
    """Return a share with its interval: ``83 % (70 to 91 %)``."""
    value = percent(estimate.value, decimals=0)
    if estimate.lowest == estimate.highest:
        return value
    return f"{value} ({percent_number(estimate.lowest, decimals=0)} to {percent(estimate.highest, decimals=0)})"


def _show_number(estimate: Estimate | None) -> str:
    """Return a share in per cent without its sign: ``83 (70 to 91)``."""
    return NOT_KNOWN if estimate is None else _show_share(estimate).replace(" %", "")
