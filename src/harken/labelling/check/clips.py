"""The clips of a check: half a minute each, drawn at random from the labelled time of a study.

The folder ``check`` of a study has two files. ``design.json`` says how the clips were drawn, and which labels the model
gave to each; harken reads it back. ``clips.csv`` is for whoever names them: it has no label of the model, and its rows
are in random order.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypedDict

import msgspec
import numpy as np
import polars as pl

from harken.annotations.spelling import spelling
from harken.labelling.check.estimates import Frame, NamedClips, allocate_clips, list_labels
from harken.labelling.stored import NIGHTS, StoredResults, results_digest
from harken.labelling.study import results_in
from harken.outcomes.tables import sleep_periods_ns
from harken.support.arrays import BoolArray, Float64Array, Int64Array, is_in_spans
from harken.support.errors import HarkenError
from harken.support.files import make_folder, read_json, write_text
from harken.support.printable import printable
from harken.support.tables import spans_ns, times, write_csv, zone_of
from harken.support.text_rows import file_content, line_error, named_rows
from harken.timelines import UNSURE
from harken.timelines.timeline import PROBABILITY

CHECK = "check"
"""The folder of a check, in that of a study."""
DESIGN, CLIPS = "design.json", "clips.csv"
LAYOUT = 1
CLIP_S = 30
CLIP_NS = CLIP_S * 10**9
LEAST_LABELLED_S = 15.0
"""Half a minute counts as a clip if the model labels so much of it."""
USUAL_CLIPS = 60
MOST_CLIPS = 10_000
CANNOT_TELL = "cannot tell"
"""What ``clips.csv`` says of a clip that nobody could name."""
WHAT = "table of clips"
NS_PER_HOUR = 3.6e12


@dataclass(frozen=True)
class CheckSettings:
    """How clips are drawn.

    Attributes:
        clips: how many.
        seed: of the random numbers.
        nights: whether clips are drawn from the sleep periods, too.
    """

    clips: int = USUAL_CLIPS
    seed: int = 0
    nights: bool = True


class Clip(msgspec.Struct, frozen=True):
    """A clip.

    Attributes:
        number: its row in ``clips.csv``, from 1.
        folder: the name of the folder of results.
        file: the recording, as it was named when it was labelled.
        subject: the wearer.
        start_ns: when it begins, ns since 1970 (UTC). It lasts ``CLIP_S``.
        timezone: the wearer's.
        stratum: the label that the model gives to most of it.
        seconds: the seconds with each label of the model.
    """

    number: int
    folder: str
    file: str
    subject: str
    start_ns: int
    timezone: str
    stratum: str
    seconds: dict[str, float]

    @property
    def end_ns(self) -> int:
        """When it ends, ns since 1970 (UTC)."""
        return self.start_ns + CLIP_NS


class Person(msgspec.Struct, frozen=True):
    """The time of a person from which clips are drawn.

    Attributes:
        subject: the wearer.
        stratum_hours: the hours of the clips of each stratum.
        label_hours: the hours with each label.
    """

    subject: str
    stratum_hours: dict[str, float]
    label_hours: dict[str, float]


class Design(msgspec.Struct, frozen=True):
    """How the clips of a study were drawn.

    Attributes:
        layout: the number of the form of this file.
        clips_wanted, seed, nights: the settings.
        labels: the labels of the model, which are the strata.
        probabilities: the mean probability of each label in each stratum, in their order.
        people: the people of the study.
        results: a digest of each folder of results, as it was when the clips were drawn.
        left_out: folders of results that were not drawn from, and why.
        clips: the clips.
    """

    layout: int
    clips_wanted: int
    seed: int
    nights: bool
    labels: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]
    people: tuple[Person, ...]
    results: dict[str, str]
    left_out: dict[str, str]
    clips: tuple[Clip, ...]

    @property
    def settings(self) -> CheckSettings:
        """The settings."""
        return CheckSettings(self.clips_wanted, self.seed, self.nights)

    def make_frame(self, named: Sequence[str]) -> Frame:
        """Return the time from which the clips were drawn.

        Args:
            named: the labels that somebody gave.
        """
        true_labels = list_labels(self.labels, named)
        probabilities = np.zeros((len(self.labels), len(true_labels)))
        probabilities[:, : len(self.labels)] = self.probabilities
        return Frame(
            self.labels,
            true_labels,
            tuple(person.subject for person in self.people),
            _make_table([person.stratum_hours for person in self.people], self.labels),
            _make_table([person.label_hours for person in self.people], self.labels),
            probabilities,
        )


class _DesignFile(TypedDict):
    """The fields of ``design.json``."""

    layout: int
    clips: list[Clip]


class Tiles(NamedTuple):
    """The half minutes of a recording from which clips are drawn.

    Attributes:
        start_ns: when each begins, int64 ``[tiles]``, ns since 1970 (UTC).
        seconds: the seconds with each label of the model, float64 ``[tiles, labels]``.
        probabilities: the mean probability of each label, float64 ``[tiles, labels]``.
        timezone: the wearer's.
    """

    start_ns: Int64Array
    seconds: Float64Array
    probabilities: Float64Array
    timezone: str

    @property
    def stratum(self) -> Int64Array:
        """The label that the model gives to most of each, int64 ``[tiles]``."""
        return np.asarray(self.seconds.argmax(axis=1), np.int64)


def open_results(out: Path) -> tuple[list[StoredResults], dict[str, str]]:
    """Open the results of a study whose wearers count.

    Returns:
        The results; and the folders that are left out, with the reason.

    Raises:
        HarkenError: when there are none.
    """
    opened: list[StoredResults] = []
    left_out: dict[str, str] = {}
    for folder in results_in(out):
        try:
            stored = StoredResults.open(folder)
        except HarkenError as error:
            left_out[folder.name] = str(error)
            continue
        if stored.summary["excluded"]:
            left_out[folder.name] = f"not included: {stored.summary['excluded']}"
        else:
            opened.append(stored)
    if not opened:
        raise HarkenError(f"{out} holds no results of harken label that count" if out.is_dir() else f"no folder {out}")
    return opened, left_out


def find_labels(results: Sequence[StoredResults]) -> tuple[str, ...]:
    """Return the labels of the models of a study, in the order in which they first occur, and ``unsure`` if given."""
    labels = dict.fromkeys(label for stored in results for label in stored.summary["model"]["labels"])
    if any(stored.summary["seconds_by_label"].get(UNSURE) for stored in results):
        labels[UNSURE] = None
    return tuple(labels)


def cut_tiles(stored: StoredResults, labels: Sequence[str], *, nights: bool) -> Tiles:
    """Cut the labelled time of a recording into half minutes that count from 1970.

    What the wearer taught is left out: the model has learned from it.

    Args:
        stored: its results.
        labels: the labels of the study.
        nights: whether the sleep periods are part of it.

    Raises:
        HarkenError: when the results cannot be read.
    """
    own = [label for label in stored.summary["model"]["labels"] if label in labels]
    rows = stored.read_timeline(own)
    span_ns = spans_ns(rows)
    middle_ns = span_ns.mean(axis=1).astype(np.int64)
    counts = rows["label"].is_not_null().to_numpy() & _is_drawn_from(stored, middle_ns, nights=nights)
    rows = rows.filter(counts)
    span_ns = span_ns[counts]
    code_of = {label: code for code, label in enumerate(labels)}
    codes = rows["label"].replace_strict(code_of, return_dtype=pl.Int64).to_numpy()
    probabilities = np.zeros((len(rows), len(labels)))
    for label in own:
        probabilities[:, code_of[label]] = rows[PROBABILITY + label].fill_null(0.0).to_numpy()
    tile_ns = span_ns[:, 0] // CLIP_NS * CLIP_NS
    start_ns, tile = np.unique(tile_ns, return_inverse=True)
    seconds_of_row = (span_ns[:, 1] - span_ns[:, 0]) / 1e9
    seconds = np.zeros((len(start_ns), len(labels)))
    np.add.at(seconds, (tile, codes), seconds_of_row)
    means = np.zeros((len(start_ns), len(labels)))
    np.add.at(means, tile, probabilities * seconds_of_row[:, None])
    total = seconds.sum(axis=1)
    means /= total[:, None]
    enough = total >= LEAST_LABELLED_S
    return Tiles(start_ns[enough], seconds[enough], means[enough], zone_of(rows["start"]))


def _is_drawn_from(stored: StoredResults, time_ns: Int64Array, *, nights: bool) -> BoolArray:
    taught = stored.read_taught()
    drawn_from = np.ones(len(time_ns), bool)
    if taught is not None and taught.kept and taught.all_spans:
        drawn_from &= ~is_in_spans(time_ns, np.array(sorted(taught.all_spans), np.int64))
    if not nights and NIGHTS in stored.digests:
        drawn_from &= ~is_in_spans(time_ns, sleep_periods_ns(stored.read_table(NIGHTS)))
    return drawn_from


@dataclass(frozen=True)
class _Measured:
    """What is known of a recording before clips are drawn.

    Attributes:
        stored: its results.
        tiles: how many half minutes are in each stratum, int64 ``[labels]``.
    """

    stored: StoredResults
    tiles: Int64Array


def draw_clips(out: Path, settings: CheckSettings, *, on_share: Callable[[float], None] = lambda _: None) -> Design:
    """Draw the clips of a study.

    The strata are the labels of the model. In each, the half minutes stand in the order of the people, who are
    shuffled, and then of time; every k-th is drawn, from a random one on. So each half minute of a stratum is equally
    likely, and the clips are spread over people and time.

    Args:
        out: the folder of the study.
        settings: how to draw.
        on_share: called with the share that is done.

    Raises:
        HarkenError: when no results can be read, or nothing is labelled.
    """
    results, left_out = open_results(out)
    labels = find_labels(results)
    random = np.random.default_rng(settings.seed)
    measured: list[_Measured] = []
    people: dict[str, tuple[Float64Array, Float64Array]] = {}
    probability_sums = np.zeros((len(labels), len(labels)))
    for number, stored in enumerate(results):
        on_share(number / len(results) / 2)
        try:
            tiles = cut_tiles(stored, labels, nights=settings.nights)
        except HarkenError as error:
            left_out[stored.folder.name] = str(error)
            continue
        stratum = tiles.stratum
        counts = np.bincount(stratum, minlength=len(labels))
        np.add.at(probability_sums, stratum, tiles.probabilities)
        measured.append(_Measured(stored, counts))
        # The same hours, once by stratum and once by label.
        stratum_hours = np.bincount(stratum, tiles.seconds.sum(axis=1), len(labels)) / 3600
        label_hours = tiles.seconds.sum(axis=0) / 3600
        subject = stored.summary["subject"]
        before = people.get(subject, (np.zeros(len(labels)), np.zeros(len(labels))))
        people[subject] = (before[0] + stratum_hours, before[1] + label_hours)
    total = sum((file.tiles for file in measured), start=np.zeros(len(labels), np.int64))
    if not total.sum():
        raise HarkenError(f"{out}: nothing is labelled, so there is nothing to check")
    divisor = np.maximum(total, 1)[:, None]
    probabilities = probability_sums / divisor
    allocated = allocate_clips(total, np.diag(probabilities), settings.clips)
    places = _choose_places(measured, allocated, random)
    drawn: list[Clip] = []
    for number, (file, of_file) in enumerate(zip(measured, places, strict=True)):
        on_share(0.5 + number / len(measured) / 2)
        if of_file:
            drawn += _read_clips(file.stored, labels, of_file, nights=settings.nights)
    order = random.permutation(len(drawn))
    clips = [msgspec.structs.replace(drawn[place], number=number) for number, place in enumerate(order, 1)]
    return Design(
        layout=LAYOUT,
        clips_wanted=settings.clips,
        seed=settings.seed,
        nights=settings.nights,
        labels=labels,
        probabilities=tuple(tuple(row) for row in probabilities.tolist()),
        people=tuple(
            Person(subject, _name_hours(labels, stratum_hours), _name_hours(labels, label_hours))
            for subject, (stratum_hours, label_hours) in people.items()
        ),
        results={file.stored.folder.name: results_digest(file.stored.summary, rules=True) for file in measured},
        left_out=left_out,
        clips=tuple(clips),
    )


def _choose_places(
    measured: Sequence[_Measured], allocated: Int64Array, random: np.random.Generator
) -> list[list[tuple[int, int]]]:
    """Choose the half minutes of each recording: the number of the stratum, and the place among the recording's own of
    this stratum."""
    chosen: list[list[tuple[int, int]]] = [[] for _ in measured]
    subjects = [file.stored.summary["subject"] for file in measured]
    for stratum, clips in enumerate(allocated.tolist()):
        if not clips:
            continue
        shuffled = random.permutation(sorted(set(subjects)))
        rank = {subject: place for place, subject in enumerate(shuffled.tolist())}
        order = sorted(range(len(measured)), key=lambda number: (rank[subjects[number]], number))
        counts = np.array([measured[number].tiles[stratum] for number in order])
        ends = np.cumsum(counts)
        step = ends[-1] / clips
        wanted = np.floor(random.uniform(0, step) + step * np.arange(clips)).astype(np.int64)
        wanted = np.minimum(wanted, ends[-1] - 1)
        for place in wanted.tolist():
            at = int(np.searchsorted(ends, place, side="right"))
            chosen[order[at]].append((stratum, place - int(ends[at] - counts[at])))
    return chosen


def _read_clips(
    stored: StoredResults, labels: Sequence[str], places: Sequence[tuple[int, int]], *, nights: bool
) -> Iterator[Clip]:
    tiles = cut_tiles(stored, labels, nights=nights)
    stratum_of_tile = tiles.stratum
    for stratum, place in places:
        tile = int(np.flatnonzero(stratum_of_tile == stratum)[place])
        yield Clip(
            number=0,
            folder=stored.folder.name,
            file=stored.summary["file"],
            subject=stored.summary["subject"],
            start_ns=int(tiles.start_ns[tile]),
            timezone=tiles.timezone,
            stratum=labels[stratum],
            seconds=_name_hours(labels, tiles.seconds[tile]),
        )


def _name_hours(labels: Sequence[str], amounts: Float64Array) -> dict[str, float]:
    """Return the amounts above 0 by their label."""
    return {label: float(amount) for label, amount in zip(labels, amounts, strict=True) if amount > 0}


def _make_table(rows: Sequence[dict[str, float]], labels: Sequence[str]) -> Float64Array:
    return np.array([[row.get(label, 0.0) for label in labels] for row in rows]).reshape(len(rows), len(labels))


def write_design(out: Path, design: Design) -> None:
    """Write how the clips were drawn, and the table in which somebody names them."""
    folder = out / CHECK
    make_folder(folder)
    write_named(out, design, {})
    write_text(folder / DESIGN, msgspec.json.format(msgspec.json.encode(design).decode(), indent=2) + "\n")


def read_design(out: Path) -> Design | None:
    """Read how the clips of a study were drawn; None if none were.

    Raises:
        HarkenError: when the file is damaged.
    """
    path = out / CHECK / DESIGN
    if not os.path.lexists(path):
        return None
    advice = f"move the folder {path.parent} to another place to draw new clips"
    content = read_json(path, _DesignFile, advice=advice)
    if content["layout"] != LAYOUT:
        raise HarkenError(f"was written by another version of harken; {advice}", path=path, colon=False)
    try:
        return msgspec.convert(content, Design)
    except msgspec.ValidationError as error:
        raise HarkenError(f"was not written by harken ({error}); {advice}", path=path, colon=False) from error


def write_named(out: Path, design: Design, named: dict[int, str]) -> None:
    """Write ``clips.csv``: the clips, and what somebody named them.

    Args:
        out: the folder of the study.
        design: how the clips were drawn.
        named: the label of each clip, or ``CANNOT_TELL``, by its number.
    """
    starts = [_format_time(clip.start_ns, clip.timezone) for clip in design.clips]
    ends = [_format_time(clip.end_ns, clip.timezone) for clip in design.clips]
    table = pl.DataFrame(
        {
            "clip": [clip.number for clip in design.clips],
            "subject": [clip.subject for clip in design.clips],
            "file": [clip.file for clip in design.clips],
            "start": starts,
            "end": ends,
            "label": [named.get(clip.number) for clip in design.clips],
        },
        schema_overrides={"label": pl.String},
    )
    write_csv(table, out / CHECK / CLIPS)


def read_named(out: Path, design: Design) -> dict[int, str]:
    """Read what somebody named the clips: a label or ``CANNOT_TELL``, by the number of the clip.

    Raises:
        HarkenError: when the file cannot be read, a row is for no clip, or two rows are for the same. The message has
            the line.
    """
    path = out / CHECK / CLIPS
    numbers = {clip.number for clip in design.clips}
    labels = {spelling(label): label for label in design.labels}
    named: dict[int, str] = {}
    lines: dict[int, int] = {}
    content = file_content(path, what=WHAT)
    for line, row in named_rows(path, content, what=WHAT, needs=("clip", "label")):
        if not row["clip"].isdecimal() or int(row["clip"]) not in numbers:
            raise line_error(path, line, f"there is no clip {row['clip'] or '(empty)'}; there are 1 to {len(numbers)}")
        number = int(row["clip"])
        if number in lines:
            raise line_error(path, line, f"clip {number} stands in line {lines[number]}, too")
        lines[number] = line
        if row["label"]:
            text = printable(row["label"].lstrip("'"))
            named[number] = CANNOT_TELL if spelling(text) == spelling(CANNOT_TELL) else labels.get(spelling(text), text)
    return named


def _format_time(time_ns: int, timezone: str) -> str:
    moment: datetime = times(np.array([time_ns]), timezone)[0]
    return moment.isoformat()


def list_changed(design: Design, out: Path) -> list[str]:
    """Return the folders whose results have changed since the clips were drawn, or are gone."""
    changed: list[str] = []
    for name, digest in design.results.items():
        try:
            now = results_digest(StoredResults.open(out / name).summary, rules=True)
        except HarkenError:
            changed.append(name)
            continue
        if now != digest:
            changed.append(name)
    return changed


def list_named_clips(design: Design, named: dict[int, str]) -> tuple[Frame, NamedClips]:
    """Return the frame and the clips that were named, for ``estimate_check``.

    A clip that is named has one true label. Clips that nobody has looked at yet are not among them.
    """
    frame = design.make_frame([label for label in named.values() if label != CANNOT_TELL])
    clips = [clip for clip in design.clips if clip.number in named]
    known = {label: code for code, label in enumerate(frame.labels)}
    true = {label: code for code, label in enumerate(frame.true_labels)}
    people = {person: place for place, person in enumerate(frame.people)}
    shares = np.zeros((len(clips), len(frame.labels), len(frame.true_labels)))
    for place, clip in enumerate(clips):
        label = named[clip.number]
        if label == CANNOT_TELL:
            continue
        total = sum(clip.seconds.values())
        for of_model, seconds in clip.seconds.items():
            shares[place, known[of_model], true[label]] = seconds / total
    return frame, NamedClips(
        np.array([people[clip.subject] for clip in clips], np.int64),
        np.array([known[clip.stratum] for clip in clips], np.int64),
        shares,
    )
