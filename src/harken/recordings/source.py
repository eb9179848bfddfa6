"""The result of a reader: facts about one recording, and its samples as found, in pieces."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harken.recordings.recording import Quality, Recording, recoded
from harken.support.arrays import BoolArray, Float32Array, Int16Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.resources import hand_back, need_memory

ROWS_AT_ONCE = 1 << 18
IN_PARTS = "divide the file into shorter ones, or use a machine with more memory"
"""Advice for a recording that does not fit in memory."""
FREE_SAMPLES, SAMPLES_A_BYTE = 1 << 24, 4
"""A file that is collected has at most this many samples, and this many more for each of its bytes. A week of a watch
that lay still has some two samples a byte when it is compressed; one block that repeats has 17 or more."""


class Samples(NamedTuple):
    """Samples in the order of their times, as in a ``Recording``; there may be none.

    ``time_ns`` int64 ``[n]``, ``signals`` float32 ``[n, channels]``, ``label_codes`` int16 ``[n]``, ``valid`` bool
    ``[n]``.
    """

    time_ns: Int64Array
    signals: Float32Array
    label_codes: Int16Array
    valid: BoolArray

    @classmethod
    def empty(cls, rows: int, channels: int) -> "Samples":
        """Room for so many samples, with arbitrary content."""
        return cls(
            np.empty(rows, np.int64),
            np.empty((rows, channels), np.float32),
            np.empty(rows, np.int16),
            np.empty(rows, bool),
        )

    @classmethod
    def of(cls, recording: Recording) -> "Samples":
        """All samples of a recording."""
        return cls(recording.time_ns, recording.signals, recording.label_codes, recording.valid)

    def part(self, first: int, last: int) -> "Samples":
        """The samples ``first`` to ``last`` (exclusive)."""
        return self.chosen(slice(first, last))

    def pieces(self, rows: int) -> Iterator["Samples"]:
        """Consecutive parts of at most so many samples."""
        return (self.part(first, first + rows) for first in range(0, len(self.time_ns), max(1, rows)))

    def chosen(self, rows: BoolArray | Int64Array | slice) -> "Samples":
        """Copies of the samples selected by a mask ``[n]`` or by row numbers; views of those in a slice."""
        arrays: Iterable[Any] = self
        return Samples(*(array[rows] for array in arrays))


def joined(parts: Sequence[Samples]) -> Samples:
    """Concatenate consecutive samples into one copy."""
    return Samples(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def joined_and_released(pieces: list[Samples]) -> Samples:
    """Concatenate consecutive samples, at least one piece. Each piece is removed from the list and released after it
    was copied, so that there are never two copies of all samples."""
    if len(pieces) == 1:
        return pieces.pop()
    every = Samples.empty(sum(len(piece.time_ns) for piece in pieces), pieces[0].signals.shape[1])
    pieces.reverse()
    done = 0
    while pieces:
        piece = pieces.pop()
        places: Iterable[Any] = every.part(done, done + len(piece.time_ns))
        for place, array in zip(places, piece, strict=True):
            place[:] = array
        done += len(piece.time_ns)
        hand_back()
    return every


def bytes_of_a_row(channels: int) -> int:
    """The memory of one sample: its time, signals, label code and mark."""
    return 8 + 4 * channels + 2 + 1


class SourceChangedError(Exception):
    """Raised by ``Source.samples`` when a fact that was taken from the beginning of a watch's own file is wrong, for
    example its rate. The source has then corrected the fact. Its samples must be read again from the beginning."""


class Source(ABC):
    """One wearer's recording in a file, as found: samples are not sorted, and all usable samples are kept.

    Attributes:
        channels: the names of the signals, acceleration first as ``x, y, z``.
        subject: who wore the sensor.
        source: the path of the file.
        timezone: the wearer's zone, an IANA name.
        quality: what the reader found. It is complete after all samples were read; rows are not counted in it.
        label_names: the label names for the label codes of the samples; complete after all samples were read.
        unusable: ranges of samples, ``[start, end)``, ascending and disjoint, that windows must not contain; complete
            after all samples were read. It is for readers that find them only afterwards; other readers use
            ``Samples.valid``.
        streamed: False if all samples are in memory.
        capacity: the approximate number of samples, if it is known before they are read; else 0.
    """

    def __init__(
        self,
        *,
        channels: tuple[str, ...],
        subject: str,
        source: str,
        timezone: str = "UTC",
        quality: Quality | None = None,
    ) -> None:
        self.channels = channels
        self.subject, self.source = printable(subject), printable(source)  # often a file's name: any bytes
        self.timezone = timezone
        self.quality = quality or Quality()
        self.label_names: tuple[str, ...] = ()
        self.unusable: Sequence[tuple[int, int]] = ()
        self.streamed = True
        self.capacity = 0

    @property
    def expected_samples(self) -> int:
        """The approximate number of samples, for showing progress; 0 if nothing is known before they are read.

        Unlike ``capacity`` it may be too small, so no memory is reserved by it.
        """
        return self.capacity

    @abstractmethod
    def samples(self) -> Iterator[Samples]:
        """The samples from the beginning, in the order of the file, in UTC and in g. May be called several times.

        Raises:
            SourceChangedError: when a fact that was taken from the beginning of the file is wrong.
            HarkenError: for errors in the file.
        """

    def samples_without_labels(self) -> Iterator[Samples]:
        """The same samples, possibly without labels. Faster for a source whose labels take time to read."""
        return self.samples()

    def collect(self) -> Recording:
        """Collect all samples in a recording ``as_found``.

        Raises:
            HarkenError: for errors in the file, and when there is not enough memory for its samples.
        """
        while True:
            try:
                rows, pieces = 0, list[Samples]()
                self._refuse_repetition(self.expected_samples)
                self._need_room(bytes_of_a_row(len(self.channels)) * self.expected_samples)
                for piece in self.samples():
                    pieces.append(piece)
                    rows += len(piece.time_ns)
                    self.check_collected(rows)
                samples = joined_and_released(pieces or [Samples.empty(0, len(self.channels))])
            except SourceChangedError:
                continue
            names = tuple(sorted(self.label_names))
            if names:
                samples = samples._replace(label_codes=recoded(samples.label_codes, self.label_names, names))
            for start, end in self.unusable:
                samples.valid[start:end] = False
            return Recording(
                **samples._asdict(),
                **shared_facts(self),
                label_names=names,
                quality=replace(self.quality, rows=len(samples.time_ns) + sum(self.quality.dropped.values())),
                as_found=True,
            )

    def check_collected(self, rows: int) -> None:
        """Check a recording that is being collected, of which so many samples are in memory.

        Raises:
            HarkenError: when they are more than the file can hold, or there is no memory to join them.
        """
        self._refuse_repetition(rows)
        if rows > self.capacity:  # for more than this, memory was not checked before
            self._need_room(4 * len(self.channels) * rows)

    def _need_room(self, needed_bytes: int) -> None:
        need_memory(needed_bytes, "the samples, which must all be in memory,", IN_PARTS, path=self.source)

    def _refuse_repetition(self, samples: int) -> None:
        """Raise a HarkenError when there are more samples than a file of this size can hold."""
        path = Path(self.source)
        if samples <= FREE_SAMPLES or not path.is_file():
            return
        size = path.stat().st_size
        if samples > FREE_SAMPLES + SAMPLES_A_BYTE * size:
            raise HarkenError(
                f"a file of {size:,} bytes cannot hold {samples:,} samples of a wearer, so it is "
                "damaged or repeats itself; copy it from the watch again",
                path=self.source,
            )


def shared_facts(of: Recording | Source) -> dict[str, Any]:
    """What a recording and its source have in common: channels, subject, source and time zone."""
    return {name: getattr(of, name) for name in ("channels", "subject", "source", "timezone")}


class RecordingSource(Source):
    """A recording in memory, for readers that cannot read their file in pieces."""

    def __init__(self, recording: Recording, *, rows_at_once: int = ROWS_AT_ONCE) -> None:
        super().__init__(**shared_facts(recording), quality=recording.quality)
        self.label_names = recording.label_names
        self.streamed = False
        self._recording, self._rows_at_once = recording, rows_at_once

    def samples(self) -> Iterator[Samples]:
        """Views of the recording's arrays. See ``Source.samples``."""
        return Samples.of(self._recording).pieces(self._rows_at_once)

    def collect(self) -> Recording:
        """The recording itself."""
        return self._recording
