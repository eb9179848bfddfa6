"""The samples of whole blocks, read by cwa-reader-rs; by actfast where that one fails."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.readers.axivity.blocks import Blocks, write_whole_blocks
from harken.readers.device import LibraryFailure, called, library

__all__ = ["ROTATION", "Samples", "channels_of", "read_pieces", "read_samples", "whole_blocks_file"]

ACCELERATION = ("x", "y", "z")
ROTATION = ("gyro_x", "gyro_y", "gyro_z")
RADIANS = np.float32(math.pi / 180)
BLOCKS_AT_ONCE = 4_000
"""Small enough that the memory of one piece serves for the next: larger ones take half as long again."""
LONGEST_STRETCH_NS = 10**9
"""The library stretches the block after a shorter gap over it, as the maker's converter does."""

Samples = tuple[NDArray[np.int64], NDArray[np.float32], tuple[str, ...], list[str]]
"""Wall clock in ns ``[n]``; signals ``[n, channels]`` in g, rad/s and °C; channels; notes."""


def read_samples(path: Path, source: Path, blocks: Blocks) -> Samples:
    """Read the samples of the whole blocks of ``path``, in the file's order; errors name ``source``.

    Raises:
        HarkenError: when a library is missing, or none can read the file.
    """
    with whole_blocks_file(path, blocks) as whole:
        return _read(whole, source, blocks)


@contextmanager
def whole_blocks_file(path: Path, blocks: Blocks) -> Iterator[Path]:
    """A file with the whole blocks of ``path`` and nothing else: itself, or a copy for as long as the block lasts."""
    if blocks.damaged == 0 and blocks.spare_bytes == 0:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="harken-") as folder:
        mended = Path(folder) / "whole.cwa"
        write_whole_blocks(path, blocks, mended)
        yield mended


def channels_of(blocks: Blocks) -> tuple[str, ...]:
    """The channels that the blocks hold, in the order of their signals."""
    return (*ACCELERATION, *(ROTATION if blocks.has_rotation else ()), "temperature")


def read_pieces(path: Path, source: Path, blocks: Blocks) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """The same times and signals as ``read_samples`` gives, some thousand blocks at a time; all blocks are whole.

    Raises:
        HarkenError: when a library is missing.
        LibraryFailure: when cwa-reader-rs cannot read the file.
    """
    channels = channels_of(blocks)[:-1]
    counts, temperatures = blocks.samples, blocks.temperatures
    before = np.empty(0, dtype=np.int64)  # the times of the block before the piece
    first = 0
    for times, columns in _by_cwa_reader(path, source, blocks, channels):
        last = min(first + BLOCKS_AT_ONCE, len(counts))
        count = int(counts[first:last].sum())
        if len(times) != count:
            raise LibraryFailure(f"gave {len(times):,} samples of {last - first:,} blocks, which hold {count:,}")
        together = np.concatenate([before, times])
        _unstretch(together, blocks.part(max(0, first - 1), last))
        signals = np.empty((count, len(channels) + 1), dtype=np.float32)
        for channel, column in enumerate(columns):
            signals[:, channel] = column
        if blocks.has_rotation:
            signals[:, 3:6] *= RADIANS
        signals[:, -1] = np.repeat(temperatures[first:last], counts[first:last])
        yield together[len(before) :], signals
        before = together[len(together) - int(counts[last - 1]) :]
        first = last


def _read(path: Path, source: Path, blocks: Blocks) -> Samples:
    """Read a file all of whose blocks are whole."""
    channels = channels_of(blocks)[:-1]
    count = int(blocks.samples.sum())
    time_ns, signals = np.empty(count, np.int64), np.empty((count, len(channels) + 1), np.float32)
    signals[:, -1] = np.repeat(blocks.temperatures, blocks.samples)
    notes = []
    try:
        _fill(time_ns, signals, _by_cwa_reader(path, source, blocks, channels))
        _unstretch(time_ns, blocks)
    except LibraryFailure as failure:
        try:
            _fill(time_ns, signals, _by_actfast(path, source, blocks, channels))
        except LibraryFailure as second:
            raise HarkenError(
                f"{source}: the samples cannot be read (cwa-reader-rs: {failure}; actfast: {second}). "
                "Export the file as CSV with OMGUI and read that"
            ) from second
        notes.append(
            f"cwa-reader-rs could not read this file ({failure}), and actfast did: its times are late by up to five "
            "samples."
        )
    if blocks.has_rotation:
        signals[:, 3:6] *= RADIANS
    return time_ns, signals, (*channels, "temperature"), notes


Piece = tuple[NDArray[np.int64], list[NDArray[np.float32]]]


def _fill(time_ns: NDArray[np.int64], signals: NDArray[np.float32], pieces: Iterator[Piece]) -> None:
    """Put the pieces one after the other. A library that gives too few samples, or too many, is not believed."""
    done = 0
    for times, columns in pieces:
        end = done + len(times)
        if end > len(time_ns):
            raise LibraryFailure(f"gave more than the {len(time_ns):,} samples of the file")
        time_ns[done:end] = times
        for channel, column in enumerate(columns):
            signals[done:end, channel] = column
        done = end
    if done < len(time_ns):
        raise LibraryFailure(f"gave {done:,} of the {len(time_ns):,} samples of the file")


def _by_cwa_reader(path: Path, source: Path, blocks: Blocks, channels: tuple[str, ...]) -> Iterator[Piece]:
    """The samples, a piece of the file at a time, so that memory holds them once and not three times."""
    reader = library(source, "cwa_reader_rs", "cwa-reader-rs")
    names = [f"acc_{channel}" if channel in ACCELERATION else channel for channel in channels]
    for first in range(0, len(blocks.rows), BLOCKS_AT_ONCE):
        frame = called(
            reader.read_cwa_file,
            str(path),
            cut=reader.blocks(first, min(first + BLOCKS_AT_ONCE, len(blocks.rows))),
            include_magnetometer=False,
            include_temperature=False,
            include_light=False,
            include_battery=False,
        )
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise LibraryFailure(f"gave no {', '.join(missing)}")
        times = frame.index.to_numpy()
        if times.dtype != "datetime64[us]":
            times = times.astype("datetime64[us]")
        yield 1000 * times.view(np.int64), [frame[name].to_numpy() for name in names]


def _by_actfast(path: Path, source: Path, blocks: Blocks, channels: tuple[str, ...]) -> Iterator[Piece]:
    """The samples as actfast reads them."""
    if len(np.unique(blocks.start["form"])) > 1:
        raise LibraryFailure("blocks of several forms, of which it knows the first")
    reader = library(source, "actfast", "actfast")
    tables: dict[str, Any] = called(reader.read, str(path), lenient=True)["timeseries"]
    table = tables.get("high_frequency", {})
    sensors = ["acceleration", *(["gyroscope"] if ROTATION[0] in channels else [])]
    missing = [name for name in ("datetime", *sensors) if name not in table]
    if missing:
        raise LibraryFailure(f"gave no {', '.join(missing)}")
    yield table["datetime"], [table[name][:, axis] for name in sensors for axis in range(3)]


def _unstretch(time_ns: NDArray[np.int64], blocks: Blocks) -> None:
    """Where something is missing before a block, or the clock was set back, give it back its own time, in place.

    The library lets a block begin where the one before it ended when less than a second lies between, or the clock
    went back, and so spreads its samples over a gap, or backwards. Its end is right; its samples stand before that at
    the rate the watch was set to.
    """
    ends = np.cumsum(blocks.samples)
    starts = ends - blocks.samples
    backwards = time_ns[ends - 1] < time_ns[starts]
    for block in np.flatnonzero(~blocks.follows | backwards[1:]) + 1:
        first, end = int(starts[block]), int(ends[block])
        count = end - first
        if count < 2 or not 0 < time_ns[first] - time_ns[first - 1] < LONGEST_STRETCH_NS:
            continue
        step = (time_ns[end - 1] - time_ns[first]) / (count - 1)
        own_step = 1e9 / float(blocks.header_rates_hz[block])
        if step > own_step or step <= 0:
            own = time_ns[end - 1] + step - own_step * np.arange(count, 0, -1)
            time_ns[first:end] = np.rint(own).astype(np.int64)
