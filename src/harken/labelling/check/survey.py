"""The labelled time of a study, from which clips are drawn: its half minutes, by person and by label of the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.labelling.check.clips import CLIP_NS, LEAST_LABELLED_S, Person
from harken.labelling.stored import NIGHTS, TIMELINE, StoredResults, results_in
from harken.outcomes.tables import sleep_periods_ns
from harken.support.arrays import BoolArray, Float64Array, Int64Array, is_in_spans
from harken.support.errors import HarkenError
from harken.support.tables import spans_ns, zone_of
from harken.timelines import UNSURE
from harken.timelines.timeline import PROBABILITY


class LabelledRows(NamedTuple):
    """The labelled rows of the timeline of a recording.

    Attributes:
        span_ns: when each begins and ends, int64 ``[rows, 2]``, ns since 1970 (UTC).
        code: the place of the label of the model among those of the study, int64 ``[rows]``.
        probabilities: the probability of each label of the study, float64 ``[rows, labels]``.
        timezone: the wearer's.
    """

    span_ns: Int64Array
    code: Int64Array
    probabilities: Float64Array
    timezone: str

    @property
    def seconds(self) -> Float64Array:
        """How long each lasts, float64 ``[rows]``."""
        return np.asarray((self.span_ns[:, 1] - self.span_ns[:, 0]) / 1e9)

    @property
    def middle_ns(self) -> Int64Array:
        """The middle of each, int64 ``[rows]``."""
        return np.asarray(self.span_ns[:, 0] + (self.span_ns[:, 1] - self.span_ns[:, 0]) // 2)


class Tiles(NamedTuple):
    """The half minutes of a recording from which clips are drawn. They count from 1970.

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


@dataclass(frozen=True)
class SurveyedFile:
    """A recording whose labelled time was counted.

    Attributes:
        stored: its results.
        clips: how many half minutes are in each stratum, int64 ``[labels]``.
    """

    stored: StoredResults
    clips: Int64Array


@dataclass(frozen=True, eq=False)
class Survey:
    """The labelled time of a study.

    Attributes:
        labels: the labels of its models, which are the strata.
        files: the recordings.
        people: the time of each person.
        probabilities: the mean probability of each label in each stratum, float64 ``[labels, labels]``.
        left_out: folders of results that do not count, and why.
        nights: whether the sleep periods are part of it.
    """

    labels: tuple[str, ...]
    files: tuple[SurveyedFile, ...]
    people: tuple[Person, ...]
    probabilities: Float64Array
    left_out: dict[str, str]
    nights: bool

    @property
    def timelines(self) -> dict[str, str]:
        """The SHA-256 of the timeline in each folder of results."""
        return {file.stored.folder.name: file.stored.digests[TIMELINE] for file in self.files}


def survey_study(out: Path, *, nights: bool, on_share: Callable[[float], None] = lambda _: None) -> Survey:
    """Count the labelled time of a study. People who are excluded do not count.

    Args:
        out: the folder of the study.
        nights: whether the sleep periods are part of it.
        on_share: called with the share that is done.

    Raises:
        HarkenError: when no results can be read, or nothing is labelled.
    """
    results, left_out = _open_results(out)
    labels = _find_labels(results)
    files: list[SurveyedFile] = []
    stratum_hours: dict[str, Float64Array] = {}
    label_hours: dict[str, Float64Array] = {}
    probability_sums = np.zeros((len(labels), len(labels)))
    for number, stored in enumerate(results):
        on_share(number / len(results))
        try:
            tiles = cut_tiles(read_labelled_rows(stored, labels, nights=nights))
        except HarkenError as error:
            left_out[stored.folder.name] = str(error)
            continue
        stratum = tiles.stratum
        np.add.at(probability_sums, stratum, tiles.probabilities)
        files.append(SurveyedFile(stored, np.bincount(stratum, minlength=len(labels))))
        # The same hours, once by stratum and once by label.
        by_stratum = np.bincount(stratum, tiles.seconds.sum(axis=1), len(labels)) / 3600
        by_label = tiles.seconds.sum(axis=0) / 3600
        subject = stored.summary["subject"]
        stratum_hours[subject] = stratum_hours.get(subject, 0.0) + by_stratum
        label_hours[subject] = label_hours.get(subject, 0.0) + by_label
    clips = sum((file.clips for file in files), start=np.zeros(len(labels), np.int64))
    if not clips.sum():
        raise HarkenError(f"{out}: nothing is labelled, so there is nothing to check")
    people = tuple(
        Person(subject, name_amounts(labels, hours), name_amounts(labels, label_hours[subject]))
        for subject, hours in stratum_hours.items()
    )
    probabilities = probability_sums / np.maximum(clips, 1)[:, None]
    return Survey(labels, tuple(files), people, probabilities, left_out, nights)


def _open_results(out: Path) -> tuple[list[StoredResults], dict[str, str]]:
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


def _find_labels(results: Sequence[StoredResults]) -> tuple[str, ...]:
    """Return the labels of the models of a study, in the order in which they first occur, and ``unsure`` if given."""
    labels = dict.fromkeys(label for stored in results for label in stored.summary["model"]["labels"])
    if any(stored.summary["seconds_by_label"].get(UNSURE) for stored in results):
        labels[UNSURE] = None
    return tuple(labels)


def read_labelled_rows(stored: StoredResults, labels: Sequence[str], *, nights: bool) -> LabelledRows:
    """Read the labelled rows of the timeline of a recording.

    What the wearer taught is left out: the model has learned from it.

    Args:
        stored: its results.
        labels: the labels of the study.
        nights: whether the sleep periods are part of it.

    Raises:
        HarkenError: when the results cannot be read.
    """
    own = [label for label in stored.summary["model"]["labels"] if label in labels]
    table = stored.read_timeline(own)
    span_ns = spans_ns(table)
    middle_ns = span_ns[:, 0] + (span_ns[:, 1] - span_ns[:, 0]) // 2
    counts = table["label"].is_not_null().to_numpy() & _is_drawn_from(stored, middle_ns, nights=nights)
    table = table.filter(counts)
    code_of = {label: code for code, label in enumerate(labels)}
    codes = table["label"].replace_strict(code_of, return_dtype=pl.Int64).to_numpy()
    probabilities = np.zeros((len(table), len(labels)))
    for label in own:
        probabilities[:, code_of[label]] = table[PROBABILITY + label].fill_null(0.0).to_numpy()
    return LabelledRows(span_ns[counts], codes, probabilities, zone_of(table["start"]))


def _is_drawn_from(stored: StoredResults, time_ns: Int64Array, *, nights: bool) -> BoolArray:
    taught = stored.read_taught()
    drawn_from = np.ones(len(time_ns), bool)
    if taught is not None and taught.kept and taught.all_spans:
        drawn_from &= ~is_in_spans(time_ns, np.array(sorted(taught.all_spans), np.int64))
    if not nights and NIGHTS in stored.digests:
        drawn_from &= ~is_in_spans(time_ns, sleep_periods_ns(stored.read_table(NIGHTS)))
    return drawn_from


def cut_tiles(rows: LabelledRows) -> Tiles:
    """Cut the labelled time of a recording into half minutes that count from 1970."""
    start_ns, tile = np.unique(rows.span_ns[:, 0] // CLIP_NS * CLIP_NS, return_inverse=True)
    shape = (len(start_ns), rows.probabilities.shape[1])
    seconds, means = np.zeros(shape), np.zeros(shape)
    np.add.at(seconds, (tile, rows.code), rows.seconds)
    np.add.at(means, tile, rows.probabilities * rows.seconds[:, None])
    total = seconds.sum(axis=1)
    means /= total[:, None]
    is_clip = total >= LEAST_LABELLED_S
    return Tiles(start_ns[is_clip], seconds[is_clip], means[is_clip], rows.timezone)


def name_amounts(labels: Sequence[str], amounts: Float64Array) -> dict[str, float]:
    """Return the amounts above 0 by their label."""
    return {label: float(amount) for label, amount in zip(labels, amounts, strict=True) if amount > 0}
