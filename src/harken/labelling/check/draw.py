"""Clips are drawn at random from the labelled time of a study."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harken.labelling.check.clips import LAYOUT, CheckSettings, Clip, Design
from harken.labelling.check.estimates import allocate_clips
from harken.labelling.check.survey import (
    Survey,
    SurveyedFile,
    cut_tiles,
    name_amounts,
    read_labelled_rows,
    survey_study,
)
from harken.support.arrays import Int64Array


class Place(NamedTuple):
    """A half minute of a recording.

    Attributes:
        stratum: the number of its stratum.
        number: its number among the half minutes of this stratum in the recording, from 0.
    """

    stratum: int
    number: int


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
    survey = survey_study(out, nights=settings.nights, on_share=lambda share: on_share(share / 2))
    random = np.random.default_rng(settings.seed)
    total = sum((file.clips for file in survey.files), start=np.zeros(len(survey.labels), np.int64))
    allocated = allocate_clips(total, np.diag(survey.probabilities), settings.clips)
    places = _choose_places(survey.files, allocated, random)
    drawn: list[Clip] = []
    for number, (file, of_file) in enumerate(zip(survey.files, places, strict=True)):
        on_share(0.5 + number / len(survey.files) / 2)
        if of_file:
            drawn += _read_clips(file, survey, of_file)
    order = random.permutation(len(drawn))
    clips = [drawn[place].with_number(number) for number, place in enumerate(order, 1)]
    return Design(
        layout=LAYOUT,
        clips_wanted=settings.clips,
        seed=settings.seed,
        nights=settings.nights,
        labels=survey.labels,
        probabilities=tuple(tuple(row) for row in survey.probabilities.tolist()),
        people=survey.people,
        timelines=survey.timelines,
        left_out=survey.left_out,
        clips=tuple(clips),
    )


def _choose_places(
    files: Sequence[SurveyedFile], allocated: Int64Array, random: np.random.Generator
) -> list[list[Place]]:
    """Choose the half minutes of each recording."""
    chosen: list[list[Place]] = [[] for _ in files]
    subjects = [file.stored.summary["subject"] for file in files]
    for stratum, clips in enumerate(allocated.tolist()):
        if not clips:
            continue
        shuffled = random.permutation(sorted(set(subjects)))
        rank = {subject: place for place, subject in enumerate(shuffled.tolist())}
        order = sorted(range(len(files)), key=lambda number: (rank[subjects[number]], number))
        counts = np.array([files[number].clips[stratum] for number in order])
        ends = np.cumsum(counts)
        step = ends[-1] / clips
        wanted = np.floor(random.uniform(0, step) + step * np.arange(clips)).astype(np.int64)
        wanted = np.minimum(wanted, ends[-1] - 1)
        for number in wanted.tolist():
            at = int(np.searchsorted(ends, number, side="right"))
            chosen[order[at]].append(Place(stratum, number - int(ends[at] - counts[at])))
    return chosen


def _read_clips(file: SurveyedFile, survey: Survey, places: Sequence[Place]) -> Iterator[Clip]:
    stored = file.stored
    tiles = cut_tiles(read_labelled_rows(stored, survey.labels, nights=survey.nights))
    stratum_of_tile = tiles.stratum
    for place in places:
        tile = int(np.flatnonzero(stratum_of_tile == place.stratum)[place.number])
        yield Clip(
            number=0,
            folder=stored.folder.name,
            file=stored.summary["file"],
            subject=stored.summary["subject"],
            start_ns=int(tiles.start_ns[tile]),
            timezone=tiles.timezone,
            stratum=survey.labels[place.stratum],
            seconds=name_amounts(survey.labels, tiles.seconds[tile]),
        )
