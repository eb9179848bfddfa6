"""Reader of the GT3X+'s log before firmware 3: ``activity.bin``, samples without packets."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harken.readers.actigraph.archive import Gt3xArchive, opened_archive
from harken.readers.actigraph.info import INFO, Info, Metadata
from harken.readers.actigraph.log import refuse_absurd_length
from harken.readers.actigraph.packets import samples_of_12_bits, whole_samples_of_12_bits
from harken.readers.actigraph.repeats import RepeatedValues
from harken.readers.actigraph.source import NS_PER_S, ActigraphSource, Readings, seconds_text
from harken.readers.options import TableOptions
from harken.recordings.source import Room
from harken.support.errors import HarkenError

__all__ = ["OLD_LOG", "OldLogSource"]

OLD_LOG = "activity.bin"
MOST_BYTES = 1 << 28
"""The documented maximum is 237.5 MB. A watch that lies still repeats one value, so the packed size may be very
small."""
PIECE_BYTES = 9 << 19
"""A multiple of nine bytes, because nine bytes are two whole samples."""
FASTEST_HZ = 512


class OldLogSource(ActigraphSource):
    """The samples of an ``activity.bin``.

    Raises:
        HarkenError: when it is far too large or empty, or start, rate or scale are unknown.
    """

    def __init__(self, path: Path, options: TableOptions, info: Info, archive: Gt3xArchive) -> None:
        size = archive.unpacked_bytes(OLD_LOG)
        if size > MOST_BYTES:
            raise HarkenError(
                f"{path}: its {OLD_LOG} unpacks to {size:,} bytes, which is too large for a recording; harken "
                "does not read it"
            )
        refuse_absurd_length(path, whole_samples_of_12_bits(size))
        start, rate = info.time_ns("Start Date"), info.number("Sample Rate")
        if start is None or rate is None or not 1 <= rate <= FASTEST_HZ:
            raise HarkenError(
                f"{path}: its {INFO} has no {'rate' if start else 'start'}, and its {OLD_LOG} never has one"
            )
        if whole_samples_of_12_bits(size) == 0:
            raise HarkenError(f"{path}: its {OLD_LOG} contains no acceleration")
        scale = info.documented_scale
        if scale is None:
            raise HarkenError(
                f"{path}: its log has the format of a GT3X+, but its serial number is {info['Serial Number']!r}"
            )
        super().__init__(path, options, info, Metadata(), rate)
        self._start_ns, self.rate_hz, self.scale = start, rate, scale
        self.capacity = whole_samples_of_12_bits(size)

    def readings(self, room: Room) -> Iterator[Readings]:
        """See ``ActigraphSource``."""
        repeats, done = RepeatedValues(self.rate_hz), 0
        with opened_archive(self._path) as archive:
            for piece in archive.pieces(OLD_LOG, PIECE_BYTES):
                values = samples_of_12_bits(np.frombuffer(piece, dtype=np.uint8)[np.newaxis])[0]
                repeats.push(values)
                since_start = np.arange(done, done + len(values)) * (NS_PER_S / self.rate_hz)
                local_ns, _ = room.next(len(values))
                np.add(self._start_ns, np.rint(since_start).astype(np.int64), out=local_ns)
                yield local_ns, values
                done += len(values)
        self.unusable = repeats.finish()

    def log_notes(self) -> list[str]:
        """See ``ActigraphSource``."""
        repeated = sum(end - begin for begin, end in self.unusable) / self.rate_hz
        note = (
            f"{seconds_text(repeated)} contain only repeated values, because the watch was in idle sleep "
            "mode. They are marked."
        )
        return [note] if self.unusable else []
