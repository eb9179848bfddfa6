"""The clips of a check: half a minute each, drawn at random from the labelled time of a study.

The folder ``check`` of a study has two files. ``design.json`` says how the clips were drawn, and which labels the model
gave to each; harken reads it back. ``clips.csv`` is for whoever names them: it has no label of the model, and its rows
are in random order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from harken.annotations.folders import CHECK, DESIGN
from harken.annotations.spelling import spelling
from harken.labelling.check.estimates import Frame, NamedClips, list_labels
from harken.support.arrays import Float64Array
from harken.support.files import make_folder, read_record, write_record
from harken.support.printable import printable
from harken.support.tables import times, write_csv
from harken.support.text_rows import file_content, line_error, named_rows

CLIPS = "clips.csv"
LAYOUT = 1
CLIP_S = 30
CLIP_NS = CLIP_S * 10**9
LEAST_LABELLED_S = 15.0
"""Half a minute counts as a clip if the model labels so much of it."""
USUAL_CLIPS = 60
CANNOT_TELL = "cannot tell"
"""What ``clips.csv`` says of a clip that nobody could name."""
WHAT = "table of clips"


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

    def with_number(self, number: int) -> "Clip":
        """Return the clip with a number."""
        return msgspec.structs.replace(self, number=number)


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
        timelines: the SHA-256 of the timeline in each folder of results, as it was when the clips were drawn.
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
    timelines: dict[str, str]
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
        return make_frame(self.labels, self.people, np.array(self.probabilities), named)


def make_frame(
    labels: Sequence[str], people: Sequence[Person], probabilities: Float64Array, named: Sequence[str]
) -> Frame:
    """Return the labelled time of a study.

    Args:
        labels: the labels of the model, which are the strata.
        people: the time of each person.
        probabilities: the mean probability of each label in each stratum, ``[labels, labels]``.
        named: the labels that somebody gave.
    """
    true_labels = list_labels(labels, named)
    of_true = np.zeros((len(labels), len(true_labels)))
    of_true[:, : len(labels)] = probabilities
    return Frame(
        tuple(labels),
        true_labels,
        tuple(person.subject for person in people),
        _make_table([person.stratum_hours for person in people], labels),
        _make_table([person.label_hours for person in people], labels),
        of_true,
    )


def _make_table(rows: Sequence[dict[str, float]], labels: Sequence[str]) -> Float64Array:
    return np.array([[row.get(label, 0.0) for label in labels] for row in rows]).reshape(len(rows), len(labels))


def write_design(out: Path, design: Design) -> None:
    """Write how the clips were drawn, and the table in which somebody names them."""
    folder = out / CHECK
    make_folder(folder)
    write_named(out, design, {})
    write_record(folder / DESIGN, design)


def read_design(out: Path) -> Design | None:
    """Read how the clips of a study were drawn; None if none were.

    Raises:
        HarkenError: when the file is damaged.
    """
    folder = out / CHECK
    advice = f"move the folder {folder} to another place to draw new clips"
    return read_record(folder / DESIGN, Design, layout=LAYOUT, advice=advice)


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
            named[number] = match_label(design, row["label"].lstrip("'"))
    return named


def match_label(design: Design, text: str) -> str:
    """Return what somebody named a clip, spelt as the label of the study or as ``CANNOT_TELL`` if it is one."""
    label = printable(text)
    for known in (CANNOT_TELL, *design.labels):
        if spelling(label) == spelling(known):
            return known
    return label


def _format_time(time_ns: int, timezone: str) -> str:
    moment: datetime = times(np.array([time_ns]), timezone)[0]
    return moment.isoformat()


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
        np.ones(len(clips), np.int64),
    )
