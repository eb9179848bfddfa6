"""A ``.cwa`` file -> a Recording as found."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.axivity.blocks import HEADER_BYTES, Blocks, find_blocks
from harken.readers.axivity.header import Header, looks_like_header, read_header
from harken.readers.axivity.interchange import interchanged
from harken.readers.axivity.samples import channels_of, read_samples
from harken.readers.device import DeviceSamples, device_recording, plain_file, plain_head
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording

__all__ = ["about_blocks", "about_rate", "about_unusable", "looks_like_axivity", "range_of", "read_axivity"]

WITH_MAGNETOMETER = 9


def looks_like_axivity(path: Path, head: bytes) -> bool:
    """Whether a file is a ``.cwa``, by its first bytes ``head`` (gzipped or not), else by its name."""
    return looks_like_header(plain_head(head)) or path.name.lower().removesuffix(".gz").endswith(".cwa")


def read_axivity(path: Path, options: TableOptions) -> Recording:
    """Read an Axivity AX3's or AX6's ``.cwa``, gzipped or not, as it was found.

    Channels are ``x, y, z`` in g; ``gyro_x, gyro_y, gyro_z`` in rad/s where the watch recorded them; and
    ``temperature`` in °C, of which the file has one number a block (about a second). Light, battery and
    magnetometer are left in the file. The subject is the code that OMGUI wrote into the header.

    Damaged blocks (by their checksums) are left out, so that there is a gap, and counted in a note. Where nothing is
    damaged the times are the file's own, as Open Movement's converter computes them; the rate is theirs.

    Raises:
        HarkenError: when this is no ``.cwa``, or no block is whole.
    """
    with plain_file(path, looks_like_header, "Axivity .cwa file") as plain:
        with plain.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"))
        blocks = find_blocks(plain, path)
        local_ns, signals = read_samples(plain, path, blocks)
    unusable = interchanged(signals, blocks) if blocks.has_rotation else []
    samples = DeviceSamples(
        local_ns=local_ns,
        signals=signals,
        channels=channels_of(blocks),
        range_g=range_of(blocks),
        subject=header.subject,
        notes=[
            header.description,
            *about_rate(local_ns[np.cumsum(blocks.samples) - blocks.samples], blocks),
            *about_blocks(blocks, header),
            *about_unusable(unusable, blocks),
        ],
        unusable=unusable,
        stated_rate_hz=float(blocks.header_rates_hz[0]),
        worn_on=header.site,
    )
    return device_recording(path, samples, options)


def range_of(blocks: Blocks) -> float:
    """The accelerometer's range in g, the widest that a block was recorded with."""
    return float(16 >> (int(blocks.start["rate"].min()) >> 6))


def about_rate(starts_ns: NDArray[np.int64], blocks: Blocks) -> list[str]:
    """What the watch was set to record at, and what it did, counted over blocks that follow one another.

    Args:
        starts_ns: the time of each block's first sample, ``[whole]``.
        blocks: the blocks.
    """
    counts = blocks.samples
    if not blocks.follows.any():
        return []
    lasting_s = float((np.diff(starts_ns)[blocks.follows]).sum()) / 1e9
    rate_hz = float(counts[:-1][blocks.follows].sum()) / lasting_s if lasting_s > 0 else 0.0
    said = " and ".join(f"{rate:g}" for rate in np.unique(blocks.header_rates_hz))
    return [f"The watch was set to {said} Hz; by its clock it recorded at {rate_hz:.5g} Hz."]


def about_blocks(blocks: Blocks, header: Header) -> list[str]:
    """What there is to say about damage, sessions, and what is left out."""
    notes = []
    if blocks.damaged:
        notes.append(
            f"{blocks.damaged:,} of {blocks.found:,} blocks of the file are damaged and were left out; what they held "
            "is a gap."
        )
    if blocks.spare_bytes:
        notes.append("The file was cut short: it ends inside a block, which was left out.")
    sessions = 1 + int(blocks.new_session.sum())
    if sessions > 1:
        notes.append(f"The file holds {sessions} sessions, one after the other; between them is a gap.")
    jumps = np.diff(blocks.start["sequence"].astype(np.int64))[(np.diff(blocks.rows) == 1) & ~blocks.new_session]
    if missing := int((jumps > 1).sum()):
        notes.append(f"In {missing:,} place{'s' * (missing > 1)} the blocks' numbers jump: some are not in the file.")
    if not blocks.has_rotation and (blocks.axes > 3).any():
        notes.append("Only some of the blocks hold rotation, so it was left out.")
    if (blocks.axes == WITH_MAGNETOMETER).any():
        notes.append("The file holds a magnetometer's values, which were not read.")
    if header.rate_hz not in blocks.header_rates_hz:
        notes.append(f"The file's header says {header.rate_hz:g} Hz, other than its blocks.")
    return notes


def about_unusable(ranges: list[tuple[int, int]], blocks: Blocks) -> list[str]:
    """What there is to say about samples that stand in one another's places."""
    if not ranges:
        return []
    seconds = sum(end - start for start, end in ranges) / float(blocks.header_rates_hz[0])
    return [
        f"For {seconds:.3g} s at the beginning the acceleration stands in the gyroscope's place and the rotation in "
        "the accelerometer's, as gravity shows; these samples are marked."
    ]
