"""A made-up day of a real person: bouts of what they were recorded doing, in an order and for lengths that are drawn.

What is assumed of a day stands here in full. A walking bout's median and spread are such that 57 % last less than half
a minute and 81 % less than a minute, about what M. S. Orendurff and others measured ("How humans walk: bout duration,
steps per bout, and rest duration", J. Rehabilitation Research and Development 45(7), 2008). The other numbers are
assumptions, made before anything was computed: minutes of sitting with a heavy tail, a minute of standing, a flight of
stairs, an outing or two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.signals import resample
from harken.signals.grid import Grid

__all__ = ["DAY_S", "LENGTHS", "Length", "Piece", "compose", "draw_bouts", "pieces_of"]

DAY_S = 16 * 3600.0
"""Waking hours, from seven o'clock to eleven."""
START_S = 1_704_697_200
"""2024-01-08 07:00 UTC."""
SHORTEST_BOUT_S = 5.0
SHORTEST_PIECE_S = 20.0


@dataclass(frozen=True)
class Length:
    """How long bouts of a label last: log-normal around a median; and how often one begins, beside the others.

    ``times`` is a weight among the labels that come again and again, or, with ``outing``, how many there are in a day.
    """

    median_s: float
    spread: float
    times: float
    outing: bool = False


LENGTHS: Mapping[str, Length] = {
    "sitting": Length(median_s=600, spread=1.0, times=1.0),
    "standing": Length(median_s=60, spread=1.0, times=3.0),
    "walking": Length(median_s=25, spread=1.0, times=4.0),
    "stairs": Length(median_s=12, spread=0.5, times=0.6),
    "other": Length(median_s=120, spread=1.0, times=2.0),
    "lying": Length(median_s=2400, spread=0.7, times=1, outing=True),
    "running": Length(median_s=1500, spread=0.4, times=1, outing=True),
    "cycling": Length(median_s=900, spread=0.6, times=2, outing=True),
}


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of one activity as it was recorded, without a gap and without a marked sample.

    Attributes:
        label: the common word.
        signals: at the model's rate, float32 ``[n, channels]``.
    """

    label: str
    signals: NDArray[np.float32]


def pieces_of(recording: Recording, label_map: Mapping[str, str], rate_hz: float) -> list[Piece]:
    """All that a recording holds of each activity, in the data set's own words, at least 20 s long."""
    even = resample(recording, sample_rate_hz=rate_hz)
    codes = np.where(even.valid, even.label_codes, -1)
    edges = np.unique(np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, even.gap_rows, [len(even)]]))
    return [
        Piece(label_map[even.label_names[codes[first]]], even.signals[first:last])
        for first, last in pairwise(edges)
        if codes[first] >= 0 and last - first >= SHORTEST_PIECE_S * rate_hz
    ]


def draw_bouts(labels: Sequence[str], scale: float, random: np.random.Generator) -> list[tuple[str, float]]:
    """Labels and seconds of a day's bouts, none followed by one of its own label.

    Args:
        labels: those that the person was recorded doing.
        scale: how long bouts are as a multiple of what is assumed. The day is as long whatever this is, so longer bouts
            are fewer; outings are as many.
        random: where chance comes from.
    """

    def seconds(label: str) -> float:
        length = LENGTHS[label]
        return float(max(SHORTEST_BOUT_S, scale * length.median_s * random.lognormal(0, length.spread)))

    outings = [label for label in labels if LENGTHS[label].outing for _ in range(round(LENGTHS[label].times))]
    again = [label for label in labels if not LENGTHS[label].outing]
    once = [(label, seconds(label)) for label in outings]
    left_s = DAY_S - sum(length for _, length in once)
    bouts: list[tuple[str, float]] = []
    while left_s > 0:
        others = [label for label in again if not bouts or label != bouts[-1][0]]
        weights = np.array([LENGTHS[label].times for label in others])
        label = str(random.choice(others, p=weights / weights.sum()))
        bouts.append((label, min(seconds(label), max(left_s, SHORTEST_BOUT_S))))
        left_s -= bouts[-1][1]
    # At different places, so that no two outings follow one another.
    for place, outing in sorted(
        zip(random.choice(np.arange(1, len(bouts)), len(once), replace=False), once, strict=True)
    )[::-1]:
        bouts.insert(int(place), outing)
    return bouts


def compose(
    pieces: Sequence[Piece],
    bouts: Sequence[tuple[str, float]],
    *,
    channels: tuple[str, ...],
    rate_hz: float,
    subject: str,
    random: np.random.Generator,
) -> Recording:
    """The day as a recording with its labels.

    Each bout is a piece of that label, drawn with the length as its chance, from a place in it that is drawn too; where
    the piece ends it begins again. One bout follows on the other from one sample to the next.
    """
    signals, codes = [], []
    names = tuple(sorted({label for label, _ in bouts}))
    for label, seconds in bouts:
        of_label = [piece for piece in pieces if piece.label == label]
        lengths = np.array([len(piece.signals) for piece in of_label])
        piece = of_label[int(random.choice(len(of_label), p=lengths / lengths.sum()))]
        rows = (random.integers(len(piece.signals)) + np.arange(round(seconds * rate_hz))) % len(piece.signals)
        signals.append(piece.signals[rows])
        codes.append(np.full(len(rows), names.index(label), dtype=np.int16))
    grid = Grid(rate_hz)
    first = grid.at_or_after(np.array([START_S * 10**9]))
    label_codes = np.concatenate(codes)
    return Recording(
        time_ns=grid.times_ns(first + np.arange(len(label_codes))),
        signals=np.concatenate(signals),
        channels=channels,
        label_codes=label_codes,
        label_names=names,
        subject=subject,
        source=f"a composed day of {subject}",
    )
