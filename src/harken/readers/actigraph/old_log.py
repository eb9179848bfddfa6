"""The GT3X+'s log before firmware 3: ``activity.bin``, samples from the start to the end without any packets."""

from pathlib import Path

import numpy as np

from harken.readers.actigraph.archive import Archive
from harken.readers.actigraph.found import NS_PER_S, Found, seconds_text
from harken.readers.actigraph.held import held_stretches
from harken.readers.actigraph.info import INFO, Info
from harken.readers.actigraph.log import refuse_absurd_length
from harken.readers.actigraph.samples import samples_of_12_bits, whole_samples_of_12_bits
from harken.support.errors import HarkenError

__all__ = ["OLD_LOG", "from_old_log"]

OLD_LOG = "activity.bin"
MOST_BYTES = 1 << 28
"""As documented, it has 237.5 MB at most. A watch that lies still repeats one value, so it may be packed to nothing."""
PIECE_BYTES = 9 << 19
"""Whole bytes and whole samples end together every nine bytes."""
FASTEST_HZ = 512


def from_old_log(path: Path, archive: Archive, info: Info) -> Found:
    """Read the ``activity.bin`` of an archive.

    Raises:
        HarkenError: when it is damaged, absurdly large or empty, or start, rate or scale are not known.
    """
    size = archive.unpacked_bytes(OLD_LOG)
    if size > MOST_BYTES:
        raise HarkenError(f"{path}: its {OLD_LOG} unpacks to {size:,} bytes, which no recording does; it is refused")
    refuse_absurd_length(path, whole_samples_of_12_bits(size))
    start, rate = info.time_ns("Start Date"), info.number("Sample Rate")
    if start is None or rate is None or not 1 <= rate <= FASTEST_HZ:
        raise HarkenError(f"{path}: its {INFO} gives no {'rate' if start else 'start'}, and its {OLD_LOG} has none")
    values = [
        samples_of_12_bits(np.frombuffer(piece, dtype=np.uint8)[np.newaxis])[0]
        for piece in archive.pieces(OLD_LOG, PIECE_BYTES)
    ]
    n = sum(map(len, values))
    if n == 0:
        raise HarkenError(f"{path}: there is no acceleration in its {OLD_LOG}")
    scale = info.documented_scale
    if scale is None:
        raise HarkenError(f"{path}: has a log as of a GT3X+, but a serial number {info['Serial Number']!r}")
    whole = np.concatenate(values)
    values.clear()
    held = held_stretches(whole, rate)
    repeated = sum(end - begin for begin, end in held) / rate
    notes = [f"{seconds_text(repeated)} only repeat a value: the watch slept (idle sleep mode). They are marked."]
    local_ns = start + np.rint(np.arange(n) * (NS_PER_S / rate)).astype(np.int64)
    return Found([whole], local_ns, rate, scale, notes if held else [], stated_rate_hz=rate, held=held)
