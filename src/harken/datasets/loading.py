"""What readers of data sets share: damaged tables are refused, and pieces of a recording are joined on one clock.

Many data sets have no clock, or one for each of their files. No window spans two pieces.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.datasets.info import DatasetInfo
from harken.readers.table import POLARS_ERRORS, first_line
from harken.recordings.mending import mend
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.support.errors import HarkenError

PAUSE_NS = 60 * 10**9
"""The pause between two pieces. It counts as a gap (``harken.recordings.recording.gap_limit_ns``)."""


class Piece(NamedTuple):
    """A part of a recording with one label (or none): times ``[n]`` in ns, and signals ``[n, channels]``."""

    label: str | None
    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]


@contextmanager
def readable(path: Path, refusal: str) -> Iterator[None]:
    """Raise a HarkenError with the path and ``refusal`` when polars cannot read what is read within the block."""
    try:
        yield
    except (*POLARS_ERRORS, ValueError) as error:
        raise HarkenError(f"{path}: {refusal} ({first_line(error)})") from error
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error


def numbered_ns(rows: int, info: DatasetInfo) -> NDArray[np.int64]:
    """The times of samples without a clock, from 0, by the rate that the authors state, int64 ``[rows]``."""
    return np.arange(rows, dtype=np.int64) * 10**9 // round(info.sample_rate_hz)


def offsets_in_turn(lengths_ns: Sequence[int]) -> NDArray[np.int64]:
    """The offsets to add to the times of pieces whose clocks begin at 0 and end at ``lengths_ns``, int64 ``[pieces]``.
    Each piece then begins one pause after the end of the previous piece."""
    steps = np.array(lengths_ns, dtype=np.int64) + PAUSE_NS
    return np.cumsum(steps) - steps


def offsets_where_they_overlap(starts_ns: Sequence[int], ends_ns: Sequence[int]) -> NDArray[np.int64]:
    """The offsets to add to the times of pieces that are sorted by their starts, int64 ``[pieces]``.

    A piece that begins before the end of the previous piece is moved to one pause after that end. All other pieces keep
    their times.
    """
    offsets = np.zeros(len(starts_ns), dtype=np.int64)
    last_end: int | None = None
    for piece, (start, end) in enumerate(zip(starts_ns, ends_ns, strict=True)):
        if last_end is not None and start <= last_end:
            offsets[piece] = last_end + PAUSE_NS - start
        last_end = end + int(offsets[piece])
    return offsets


def numbered_in_turn(bouts: Sequence[tuple[str, NDArray[np.float32]]], info: DatasetInfo) -> list[Piece]:
    """Pieces of bouts without a clock (label and signals), one after another from 1970 with a pause between them."""
    times = [numbered_ns(len(signals), info) for _, signals in bouts]
    offsets = offsets_in_turn([int(time_ns[-1]) for time_ns in times])
    return [
        Piece(label, time_ns + offset, signals)
        for (label, signals), time_ns, offset in zip(bouts, times, offsets, strict=True)
    ]


def joined(
    pieces: Sequence[Piece],
    person: str,
    info: DatasetInfo,
    *,
    source: str,
    quality: Quality,
    notes: Sequence[str],
    channels: tuple[str, ...] = ("x", "y", "z"),
) -> Recording:
    """The mended recording of a person's pieces, whose times are on one clock.

    Args:
        pieces: in the order of their times.
        person: the data set's name of the person. ``subject`` is this name after the name of the data set.
        info: the facts about the data set.
        source: the file or folder, with what distinguishes the recording from others in it.
        quality: how the values were read; ``rows`` is counted here.
        notes: sentences that are added to the quality after mending.
        channels: the columns of the pieces' signals.
    """
    label_names = tuple(sorted({piece.label for piece in pieces if piece.label is not None}))
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(label_names)}
    codes = np.array([code_of.get(piece.label, UNLABELLED) for piece in pieces], dtype=np.int16)
    lengths = [len(piece.time_ns) for piece in pieces]
    recording = Recording(
        time_ns=np.concatenate([piece.time_ns for piece in pieces]),
        signals=np.concatenate([piece.signals for piece in pieces]),
        channels=channels,
        label_codes=np.repeat(codes, lengths),
        label_names=label_names,
        subject=f"{info.name}_{person}",
        source=source,
        quality=replace(quality, rows=sum(lengths)),
        as_found=True,
    )
    mended = mend(recording)
    return replace(mended, quality=mended.quality.noting(*notes))
