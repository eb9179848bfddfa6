"""The page of all people of a study, filled into the template and written as one file: the outcomes of each person with
their distributions as small histograms, and strips of days with one letter for each ten minutes."""

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes.rules import ENOUGH_WEAR_H
from harken.outcomes.taught import GENERAL, PERSONAL, UNUSED, Taught
from harken.reports.caveats import LEAST_F1, Caveat, CaveatKind, reliable, score_words
from harken.reports.colours import colours_of
from harken.reports.wearer.days import midnight_ns
from harken.reports.words import Content, clock, number, write_page
from harken.support.arrays import Int64Array, between, most_in
from harken.support.printable import percent, plural
from harken.support.tables import spans_ns, zone_of
from harken.timelines import UNSURE
from harken.windows.known_labels import GROUPS

SCRIPTS = ("reports/study/strips.js", "reports/study/people.js")
MOST_NAMED = 12
"""The people whom each doubt and each reason names, and the reasons that the page names; the list below has all."""
DIGITS = 4
CELL_S = 600
STRIP_COLUMNS = ["start", "end", "label", "recorded", "wear"]
"""The columns of a timeline that strips are made from."""
OUTSIDE, GAP, NOT_WORN, NO_LABEL, NOT_SURE = " .-?!"
"""Letters for time that has no label: before or after the recording, not recorded, not worn, worn without a label, and
``unsure``."""
FIRST_LABEL = ord("A")
"""The letter of the first label; the others follow in the order of Unicode."""
HOURS, LABELS_AFTER = "hours_", ("Wear", "Day")
STEPS_OF_HOURS = (1 / 12, 1 / 6, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0)
MOST_BARS, FEWEST_BARS = 24, 6
HALF = 0.5
FINEST = 1e-6
"""The smallest width of a bar, relative to the largest value, and the smallest value for that."""
Form: TypeAlias = Literal["hours", "clock", "share", "count", "number"]
"""How values are shown: as ``7 h 05 min``, as a time of day, in per cent, as a whole number, or with three digits."""


class PersonOutcome(NamedTuple):
    """A column of the table of people, as it is shown: its group, the column, its title, form and unit."""

    group: str
    column: str
    title: str
    form: Form
    unit: str


_SHOWN = tomllib.loads(files("harken.reports").joinpath("study", "outcomes.toml").read_text(encoding="utf-8"))
OUTCOMES = tuple(PersonOutcome(*outcome) for outcome in _SHOWN["outcomes"])
"""The outcomes on the page, besides the hours of each label."""


@dataclass(frozen=True)
class DayStrip:
    """One day of a person.

    Attributes:
        date: the day.
        cells: a letter for each ``CELL_S`` from midnight to midnight, by what took most of it. A day on which clocks
            change has more or fewer.
        valid: whether the watch was worn long enough.
        nights: the parts of sleep periods in this day, each from and to in thousandths of the day.
    """

    date: date
    cells: str
    valid: bool = True
    nights: tuple[tuple[int, int], ...] = ()


class Failure(NamedTuple):
    """A file that could not be labelled, or not again, why, and a digest of the results that it had then
    (``harken.labelling.stored.results_digest``); empty if it had none."""

    file: str
    reason: str
    results: str = ""


@dataclass(frozen=True)
class StudyFile:
    """A labelled file.

    Attributes:
        name: the name of the folder with its results, as the page shows it.
        report: the address of its report, relative to the page.
        doubts: reasons to doubt its labels.
        folder: the folder of its results.
        file: the file.
        subject: the wearer.
        labels: the labels of the model.
        valid_day_h: the hours of wear of a valid day.
        made_up: whether the recording is simulated.
        excluded: why the wearer is excluded; empty for most.
        taught: what the wearer taught; None if the study was not taught, or the wearer has no labels.
        digests: of the settings of its results, of labelling and of all (``harken.labelling.stored.results_digest``).
        unseen_f1: the scores of the labels and groups of its model, see ``harken.models.scores.unseen_f1``.
    """

    name: str
    report: str
    doubts: tuple[Caveat, ...] = ()
    folder: Path = Path()
    file: str = ""
    subject: str = ""
    labels: tuple[str, ...] = ()
    valid_day_h: float = ENOUGH_WEAR_H
    made_up: bool = False
    excluded: str = ""
    taught: Taught | None = None
    digests: tuple[str, ...] = ()
    unseen_f1: Mapping[str, float] = field(default_factory=dict)

    @property
    def elsewhere(self) -> str:
        """In words, that the sensor was not on a wrist; empty if it was."""
        return next((doubt.words for doubt in self.doubts if doubt.kind is CaveatKind.PLACEMENT), "")


def kinds_of(doubts: Iterable[Caveat]) -> list[CaveatKind]:
    """The kinds of doubt, the worst first, each once."""
    found = {doubt.kind for doubt in doubts}
    return [kind for kind in CaveatKind if kind in found]


@dataclass(frozen=True)
class Person:
    """A person on the page.

    Attributes:
        subject: the name.
        files: the person's files.
        days: the strips of the first days.
        days_not_shown: the number of further days.
        doubts: doubts that do not come from a single file.
        why_not: why the person's outcomes are in no distribution; empty if they are.
    """

    subject: str
    files: tuple[StudyFile, ...]
    days: tuple[DayStrip, ...]
    days_not_shown: int = 0
    doubts: tuple[Caveat, ...] = ()
    why_not: str = ""

    @property
    def taught(self) -> Taught | None:
        """What the person taught; None if the study was not taught, or the person has no labels."""
        for file in self.files:
            if file.taught is not None:
                return file.taught
        return None

    @property
    def kinds(self) -> list[CaveatKind]:
        """The kinds of doubt, the worst first, each once."""
        return kinds_of([*self.doubts, *(doubt for file in self.files for doubt in file.doubts)])

    @property
    def sentences(self) -> list[str]:
        """The doubts in words; those of one file of several with the name of the file."""
        named = len(self.files) > 1
        return [
            *(doubt.words for doubt in self.doubts),
            *(f"{file.name}: {doubt.words}" if named else doubt.words for file in self.files for doubt in file.doubts),
        ]


class CheckRow(NamedTuple):
    """A label in a check of the study, as text: how many clips were named, and the estimates with their intervals."""

    label: str
    named: str
    precision: str
    recall: str
    hours: str
    corrected_hours: str


class CheckTable(NamedTuple):
    """What a check says of everybody, or of the people of a group or site.

    Attributes:
        title: who they are.
        rows: each label and each group of labels.
    """

    title: str
    rows: tuple[CheckRow, ...]


class StudyCheck(NamedTuple):
    """What a check of the study says.

    Attributes:
        sentences: how it was made, and what the numbers are.
        warning: that labels have changed since; empty if not.
        tables: everybody, then each group and site.
    """

    sentences: tuple[str, ...]
    warning: str
    tables: tuple[CheckTable, ...]


@dataclass(frozen=True, eq=False)
class Study:
    """What the page shows.

    Attributes:
        title: its heading.
        labels: the labels in the order of their letters (``FIRST_LABEL``).
        people: the people with a row.
        table: the outcomes of all people: the table ``harken.outcomes.tables.people_table``.
        failures: the files that could not be labelled.
        kept: the files that could not be labelled or summarised again; their earlier results are on the page.
        unread: the folders of results of which something could not be read, which is not on the page.
        made_up: the number of simulated recordings.
        valid_day_h: the hours of wear of a valid day; None if the files differ.
        first, last: the first and the last date; None without any.
        check: what a check of the labels says; None if there was none.
    """

    title: str
    labels: tuple[str, ...]
    people: Sequence[Person]
    table: pl.DataFrame
    failures: Sequence[Failure] = ()
    kept: Sequence[Failure] = ()
    unread: Sequence[Failure] = ()
    made_up: int = 0
    valid_day_h: float | None = None
    first: date | None = None
    last: date | None = None
    check: StudyCheck | None = None

    @property
    def unseen_f1(self) -> Mapping[str, float]:
        """The scores of the model; empty if the files have different models."""
        scores = [file.unseen_f1 for person in self.people for file in person.files]
        first = scores[0] if scores else {}
        return first if all(one == first for one in scores) else {}


def write_study_page(path: str | Path, study: Study) -> None:
    """Write the page of a study as one self-contained HTML file: it needs no network, and of other files only the
    reports to which it links.

    Without JavaScript, the page has the doubts, the distributions and the numbers of each person, but no strips.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    write_page(path, "reports/study", _content(study), SCRIPTS)


def _content(study: Study) -> Content:
    """The variables of the template, except the scripts."""
    outcomes = outcomes_of(study.table.columns, study.unseen_f1)
    people, values = _in_order(study, outcomes)
    colours = colours_of(study.labels)
    return {
        "study": study,
        "counts": _counts(study),
        "doubts": _doubts(people),
        "faulty": _describe_faulty_samples(people),
        "not_included": _not_included(study),
        "taught": _count_taught(study.table),
        "gain_not_shown": _find_not_shown(people),
        "distributions": _distributions(study.table, outcomes),
        "least_f1": LEAST_F1,
        "outcomes": outcomes,
        "people": list(zip(people, values, strict=True)),
        "shown": shown,
        "labels": [(label, colours[label]) for label in study.labels],
        "data": {
            "labels": list(study.labels),
            "colours": [[colours[label].light, colours[label].dark] for label in study.labels],
            "outcomes": [[outcome.column, outcome.form, outcome.title, outcome.unit] for outcome in outcomes],
            "people": [
                {
                    "values": list(row.values()),
                    "kinds": person.kinds,
                    "included": not person.why_not,
                    "days": [(day.date.isoformat(), day.cells, int(day.valid), day.nights) for day in person.days],
                }
                for person, row in zip(people, values, strict=True)
            ],
        },
    }


def _in_order(study: Study, outcomes: Sequence[PersonOutcome]) -> tuple[list[Person], list[dict[str, float | None]]]:
    """The people with most doubts first, then by name, and the outcomes of each, by column."""
    numbers = study.table.select(pl.col([outcome.column for outcome in outcomes]).cast(pl.Float64))
    rows = dict(zip(study.table["subject"], numbers.iter_rows(named=True), strict=True))
    people = sorted(study.people, key=lambda person: (-len(person.kinds), person.subject))
    values = [
        {name: None if value is None else round(value, DIGITS) for name, value in rows[person.subject].items()}
        for person in people
    ]
    return people, values


def _counts(study: Study) -> dict[str, int]:
    """The numbers at the top of the page; valid days and nights are those of the people who are included."""
    table, included = study.table, study.table.filter("included")
    sums = {name: int(table[name].sum()) if name in table.columns else 0 for name in ("days", "files")}
    sums |= {name: int(included[name].sum()) if name in table.columns else 0 for name in ("valid_days", "nights")}
    return sums | {"people": len(table), "included": len(included), "not_shown": len(table) - len(study.people)}


def _not_included(study: Study) -> list[tuple[str, int, list[Person]]]:
    """The most frequent reasons why people are not included, each for how many, and the first of them."""
    rows = {person.subject: person for person in study.people}
    left_out = study.table.filter(~pl.col("included"))
    by_reason = left_out.group_by("why_not", maintain_order=True).agg("subject", pl.len())
    most = by_reason.sort("len", descending=True, maintain_order=True).head(MOST_NAMED)
    return [
        (why, number, [rows[subject] for subject in subjects if subject in rows][:MOST_NAMED])
        for why, subjects, number in most.iter_rows()
    ]


def _find_not_shown(people: Iterable[Person]) -> str:
    """Return what the scores of somebody who taught do not show; empty if there is nothing."""
    for person in people:
        if person.taught is not None and person.taught.not_shown:
            return person.taught.not_shown
    return ""


def _count_taught(table: pl.DataFrame) -> dict[str, int]:
    """Return how many people have labels (``people``), how many of them are labelled by a personal model
    (``personal``), for how many it is worse (``left``), and the labels of how many cannot be used (``unused``)."""
    taught = table["taught"].drop_nulls().to_list() if "taught" in table.columns else []
    return {
        "people": len(taught),
        "personal": taught.count(PERSONAL),
        "left": taught.count(GENERAL),
        "unused": taught.count(UNUSED),
    }


def _distributions(table: pl.DataFrame, outcomes: Sequence[PersonOutcome]) -> list[Content]:
    """The distributions over the people who are included and, if others are not, over all: the number of ``people``,
    the histograms in ``groups``, and the titles of the outcomes ``without`` a value."""
    included, found = table.filter("included"), []
    for people in (included, table) if len(included) < len(table) else (table,):
        drawn = [(outcome, distribution(outcome, people[outcome.column])) for outcome in outcomes]
        groups: dict[str, list[Any]] = {}
        for outcome, histogram in drawn:
            if histogram is not None:
                groups.setdefault(outcome.group, []).append(histogram)
        without = [outcome.title for outcome, histogram in drawn if histogram is None]
        found.append({"people": len(people), "groups": groups, "without": without})
    return found


def _doubts(people: Sequence[Person]) -> list[tuple[CaveatKind, int, list[Person]]]:
    """For each kind that occurs: how many people have it, and the first of them."""
    count = Counter(kind for person in people for kind in person.kinds)
    return [
        (kind, count[kind], [person for person in people if kind in person.kinds][:MOST_NAMED])
        for kind in CaveatKind
        if count[kind]
    ]


def _describe_faulty_samples(people: Iterable[Person]) -> str:
    """A sentence with the largest share of a recording that one kind of fault has; empty without faults."""
    doubts = [doubt for person in people for file in person.files for doubt in file.doubts]
    shares = [doubt.share for doubt in doubts if doubt.kind is CaveatKind.SENSOR]
    if not shares:
        return ""
    most = percent(max(shares))
    where = f"{most} of the samples" if len(shares) == 1 else f"Up to {most} of the samples of a recording"
    return f"{where} are marked as faulty and were not used."


def outcomes_of(columns: Iterable[str], unseen_f1: Mapping[str, float]) -> list[PersonOutcome]:
    """The outcomes in a table of people, in the order of the page.

    The hours of each label follow the wear and the groups. Those labels and groups that are recognised less well come
    last among them, with the score in their unit.
    """
    present = list(columns)
    known = [outcome for outcome in OUTCOMES if outcome.column in present]
    first = [outcome for outcome in known if outcome.group in LABELS_AFTER]
    others = [outcome for outcome in known if outcome.group not in LABELS_AFTER]
    names = {f"{group}_hours": group for group in GROUPS}
    for column in present:
        if column.startswith(HOURS):
            names[column] = column.removeprefix(HOURS)
            title = names[column].replace("_", " ").capitalize()
            first.append(PersonOutcome("Hours", column, title, "hours", "a day"))
    doubtful = []
    for outcome in list(first):
        name = names.get(outcome.column)
        if name is not None and not reliable(name, unseen_f1):
            first.remove(outcome)
            unit = f"{outcome.unit}; {score_words(name, unseen_f1)}"
            doubtful.append(outcome._replace(group="Doubtful", unit=unit))
    return [*first, *doubtful, *others]


def shown(value: float | None, form: Form) -> str:
    """A value as text; a dash if it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    if form == "hours":
        minutes = round(60 * value)
        return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
    if form == "clock":
        return clock(value)
    return f"{100 * value:.0f} %" if form == "share" else number(value)


def distribution(outcome: PersonOutcome, values: pl.Series) -> Content | None:
    """The histogram of an outcome; None if nobody has a value.

    Args:
        outcome: the outcome.
        values: of each person; null where it is not known.

    Returns:
        the ``outcome``; the number of ``people`` with a value; as text their ``middle``, which is the median and the
        quartiles or the value that all share, and the ``first`` and ``last`` end of the axis; the place of the
        ``median`` in per cent of the axis; ``bars``, the place, width and height of each in per cent and a sentence,
        empty if all values are the same.
    """
    known = values.drop_nulls().cast(pl.Float64).to_numpy()
    if len(known) == 0:
        return None
    form = outcome.form
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    edges = _edges(known.min(), known.max(), len(known), form)
    inside = HALF if form == "count" else 0.0
    counts, _ = np.histogram(known, edges)
    span = edges[-1] - edges[0]
    most = counts.max()
    bars = [
        (
            round(100 * (left - edges[0]) / span, 2),
            round(100 * (right - left) / span, 2),
            round(100 * float(count / most), 1),
            f"{_held(left, right, form)}: {plural(count, 'person', 'people')}",
        )
        for left, right, count in zip(edges[:-1], edges[1:], counts.tolist(), strict=True)
        if count
    ]
    same = known.min() == known.max()
    quartiles = f" ({shown(low, form)} to {shown(high, form)})" if not same else ""
    return {
        "outcome": outcome,
        "people": len(known),
        "middle": f"{shown(middle, form)}{quartiles}",
        "first": shown(edges[0] + inside, form),
        "last": shown(edges[-1] - inside, form),
        "median": round(100 * (middle - edges[0]) / span, 2),
        "bars": [] if same else bars,
    }


def _edges(low: float, high: float, people: int, form: Form) -> Sequence[float]:
    """The edges of bars of a round width."""
    wanted = min(max(math.ceil(math.sqrt(people)), FEWEST_BARS), MOST_BARS)
    least = (high - low) / wanted
    if form in ("hours", "clock"):
        widths = list(STEPS_OF_HOURS)
    else:
        least = max(least or abs(low) / wanted, FINEST * max(abs(low), abs(high), FINEST))
        scale = 10.0 ** math.floor(math.log10(least))
        scale = max(scale, 1.0) if form == "count" else scale
        widths = [scale * factor for factor in (1.0, 2.0, 5.0, 10.0)]
    width = next((width for width in widths if width >= least), widths[-1])
    first = math.floor(low / width)
    if form == "count":  # the edges lie between whole numbers
        return [place * width - HALF for place in range(first, math.floor(high / width) + 2)]
    last = max(math.ceil(high / width - 1e-9), first + 1)
    inner = [place * width for place in range(first + 1, last)]
    return [min(first * width, low), *inner, max(last * width, high)]


def _held(left: float, right: float, form: Form) -> str:
    """What a bar holds."""
    if form == "count":
        first, last = left + HALF, right - HALF
        return f"{first:.0f}" if last <= first else f"{first:.0f} to {last:.0f}"
    return f"{shown(left, form)} to {shown(right, form)}"


def day_strips(
    rows: pl.DataFrame,
    labels: Sequence[str],
    *,
    valid: dict[date, bool],
    nights_ns: Int64Array,
) -> list[DayStrip]:
    """The strips of some days.

    Args:
        rows: the rows of a timeline, with ``STRIP_COLUMNS``.
        labels: the labels in the order of their letters.
        valid: the days, with whether each is valid.
        nights_ns: onset and wake of each night in ns since 1970 (UTC), int64 ``[nights, 2]``.
    """
    zone = ZoneInfo(zone_of(rows["start"]))
    letters, rows_ns = _letters(rows, labels), spans_ns(rows)
    strips = []
    for day, is_valid in sorted(valid.items()):
        begin = midnight_ns(day, zone)
        end = midnight_ns(date.fromordinal(day.toordinal() + 1), zone)
        cells_ns = between(np.append(np.arange(begin, end, CELL_S * 10**9), end))
        cells = most_in(cells_ns, rows_ns, letters, outside=ord(OUTSIDE))
        nights = np.rint(1000 * (np.clip(nights_ns, begin, end) - begin) / (end - begin)).astype(int)
        parts = tuple((first, last) for first, last in nights.tolist() if first < last)
        strips.append(DayStrip(day, "".join(map(chr, cells)), is_valid, parts))
    return strips


def _letters(rows: pl.DataFrame, labels: Sequence[str]) -> NDArray[np.int32]:
    """The letter of each row, int32 ``[n]``."""
    letters = {UNSURE: ord(NOT_SURE)} | {label: FIRST_LABEL + number for number, label in enumerate(labels)}
    label = rows["label"].replace_strict(letters, default=ord(NO_LABEL), return_dtype=pl.Int32).to_numpy()
    worn = rows["wear"].fill_null(True).to_numpy()
    letter = np.where(worn, label, ord(NOT_WORN))
    return np.where(rows["recorded"].to_numpy(), letter, ord(GAP)).astype(np.int32)
