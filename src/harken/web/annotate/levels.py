"""The lowest and highest acceleration of a recording in slots of time, at six levels of detail, in files.

A screen has a few thousand pixels, and a week at 100 Hz has 60 million samples. A query reads the coarsest level whose
slots are not longer than half a pixel, so it reads a few slots for each pixel, whatever the length of the recording.

Slots lie on a grid of time that is counted from 1970, so that the slot of a time is one division. The finest slots last
20 ms: finer than a hand places an edge, and with two samples at 100 Hz as large as the samples themselves. Shorter
slots at higher rates would only take more disk. For a slow sensor the length is doubled until a slot has a sample.

Only blocks of time (11 minutes of the finest slots) that contain samples are stored, one after the other, so that a
month without samples takes no disk. The files are read with ``pread``: a memory map would count as memory, and a
truncated file would end the process.
"""

import os
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from harken.recordings.source import Samples
from harken.support.arrays import BoolArray, Int16Array, Int64Array, numbered

FINEST_NS = 20_000_000
FINER = 8
"""Slots of one level in a slot of the next."""
LEVELS = 6
BLOCK = FINER ** (LEVELS - 1)
"""The finest slots in a block, which is one slot of the coarsest level."""
EMPTY = -32768
"""The value where there is no sample."""
LARGEST = 32766
"""Values are cut to 32.766 g."""
FEW = 8
BLOCKS_AT_ONCE = 64
RECORDED, INVALID, NOT_WORN = 1, 2, 4
COLUMNS = 7
"""Lowest and highest x, y, z in thousandths of g, and flags."""
ROW_BYTES = 2 * COLUMNS
ROW = np.dtype("<i2")
NOTHING = np.array([EMPTY] * (COLUMNS - 1) + [0], ROW)


def slot_length_ns(step_ns: float) -> int:
    """The length of the finest slots for a sensor with this step between two samples."""
    length_ns = FINEST_NS
    while length_ns < step_ns and length_ns < FINEST_NS << 12:
        length_ns *= 2
    return length_ns


class LevelsWriter:
    """Writes the levels of a stream of samples. A reader sees them after each ``flush``.

    Args:
        folder: an existing folder for the files.
        slot_ns: the length of the finest slots.
        gap_ns: between two samples that are not further apart, slots without a sample have the values before them.
            Otherwise a jitter of the clock, or a sensor slower than the slots, would look like gaps.
    """

    def __init__(self, folder: Path, *, slot_ns: int, gap_ns: int) -> None:
        self.slot_ns, self._gap_ns = slot_ns, gap_ns
        self.blocks: list[int] = []
        self._files = [(folder / name).open("wb", buffering=0) for name in file_names()]
        self._block = np.empty((BLOCK, COLUMNS), ROW)
        self._last: tuple[int, int, Int16Array] | None = None  # slot, time and row

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before. Acceleration in g is the first three channels."""
        if len(samples.time_ns) == 0:
            return
        slots, first_ns, last_ns, rows = self._rows(samples)
        if self._last is not None:
            slot, time_ns, row = self._last
            if slot == slots[0]:
                rows[0] = merged(np.stack([row, rows[0]]), np.array([0]))[0]
            else:
                slots = np.append(np.int64(slot), slots)
                rows = np.concatenate([row[None], rows])
                first_ns, last_ns = (np.append(np.int64(time_ns), each) for each in (first_ns, last_ns))
        held = np.diff(slots, append=slots[-1] + 1)
        held[:-1][first_ns[1:] - last_ns[:-1] > self._gap_ns] = 1
        held_row, place = numbered(held)
        self._put(slots[held_row] + place, rows[held_row])
        self._last = int(slots[-1]), int(last_ns[-1]), rows[-1].copy()

    def flush(self) -> None:
        """Write the open block."""
        if not self.blocks:
            return
        rows: Int16Array = self._block
        for level, file in enumerate(self._files):
            if level:
                rows = merged(rows, np.arange(0, len(rows), FINER))
            os.pwrite(file.fileno(), rows.tobytes(), (len(self.blocks) - 1) * len(rows) * ROW_BYTES)

    def close(self) -> None:
        """Write the open block, and close the files when they are on the disk."""
        self.flush()
        for file in self._files:
            os.fsync(file.fileno())
            file.close()

    def _rows(self, samples: Samples) -> tuple[Int64Array, Int64Array, Int64Array, Int16Array]:
        """The slots that have samples, the first and last time in each, int64 ``[n]``, and rows, int16 ``[n, 7]``."""
        slot = samples.time_ns // self.slot_ns
        firsts = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
        lasts = np.append(firsts[1:], len(slot)) - 1
        values = np.rint(samples.signals[:, :3].T * np.float32(1000))
        missing = np.isnan(values)
        values = np.clip(values, -LARGEST, LARGEST)
        rows = np.empty((len(firsts), COLUMNS), ROW)
        if missing.any():
            low, high = (np.where(missing, none, values).astype(np.int16) for none in (LARGEST + 1, EMPTY))
        else:
            low = high = values.astype(np.int16)
        lowest = over_slots(np.minimum, low, firsts, lasts)
        rows[:, 0:6:2] = np.where(lowest > LARGEST, EMPTY, lowest).T
        rows[:, 1:6:2] = over_slots(np.maximum, high, firsts, lasts).T
        rows[:, 6] = RECORDED
        if not samples.valid.all():
            rows[np.logical_or.reduceat(~samples.valid, firsts), 6] |= INVALID
        return slot[firsts], samples.time_ns[firsts], samples.time_ns[lasts], rows

    def _put(self, slots: Int64Array, rows: Int16Array) -> None:
        """Write rows to their blocks."""
        blocks = slots // BLOCK
        edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(slots)]
        for first, last in pairwise(edges):  # a block has 11 minutes
            block = int(blocks[first])
            if not self.blocks or self.blocks[-1] != block:
                self.flush()
                self.blocks.append(block)
                self._block[:] = NOTHING
            self._block[slots[first:last] - block * BLOCK] = rows[first:last]


class Levels:
    """Reads levels, also while they are written.

    Args:
        folder: the folder of the files. It may be removed or renamed later.
        slot_ns: the length of the finest slots.
    """

    def __init__(self, folder: Path, *, slot_ns: int) -> None:
        self.folder, self.slot_ns = folder, slot_ns
        self._blocks = np.empty(0, np.int64)
        self._files = [(folder / name).open("rb", buffering=0) for name in file_names()]
        self._closing = threading.Lock()

    def add(self, blocks: Sequence[int]) -> None:
        """Blocks that have been written, after those before."""
        self._blocks = np.append(self._blocks, np.array(blocks, np.int64))

    def close(self) -> None:
        """Close the files."""
        with self._closing:
            for file in self._files:
                file.close()

    def query(self, start_ms: int, end_ms: int, pixels: int, *, not_worn_ns: Int64Array | None = None) -> Int16Array:
        """What pixels show: int16 ``[7, pixels]``.

        Pixel ``i`` covers the time from ``start_ms + i * (end_ms - start_ms) / pixels`` to that of ``i + 1``. A slot
        belongs to the pixel in which its middle lies; a pixel in which none lies has the values of the slot around it.

        Args:
            start_ms, end_ms: the time, in ms since 1970.
            pixels: the number of pixels.
            not_worn_ns: stretches of non-wear, int64 ``[k, 2]``, in order and apart.

        Returns:
            Lowest and highest x, y, z in thousandths of g (``EMPTY`` where there is no sample), and flags.
        """
        whole, part = np.divmod(np.arange(pixels + 1) * (end_ms - start_ms), pixels)
        edges_ns = (start_ms + whole) * 10**6 + part * 10**6 // pixels
        level = 0
        while level < LEVELS - 1 and 2 * self._length_ns(level + 1) * pixels <= (end_ms - start_ms) * 10**6:
            level += 1
        first, _ = self._places(edges_ns + self._length_ns(level) // 2, level)
        around, here = self._places((edges_ns[:-1] + edges_ns[1:]) // 2, level)
        begin = min(int(first[0]), int(around[0]))
        end = max(int(first[-1]), int(around[-1]) + 1)
        rows = self._read(level, begin, end)
        shown = np.ascontiguousarray(merged(rows, first - begin)[:-1].T)
        alone = first[1:] == first[:-1]
        shown[:, alone] = np.where(here[alone], rows[around[alone] - begin].T, NOTHING[:, None])
        if not_worn_ns is not None and len(not_worn_ns):
            begun = np.searchsorted(not_worn_ns[:, 0], edges_ns[1:], side="left")
            ended = np.searchsorted(not_worn_ns[:, 1], edges_ns[:-1], side="right")
            shown[6, (begun > ended) & (shown[6] > 0)] |= NOT_WORN
        return shown

    def gaps_ms(self) -> Int64Array:
        """Stretches without samples between the first and the last one, in ms since 1970, int64 ``[k, 2]``.

        They are those of the second level, whose slots are not longer than a hand is exact: 160 ms.
        """
        level, in_block = 1, BLOCK // FINER
        gaps, last = [], np.empty(0, np.int64)
        for begin in range(0, len(self._blocks), BLOCKS_AT_ONCE):
            blocks = self._blocks[begin : begin + BLOCKS_AT_ONCE]
            flags = self._read(level, begin * in_block, (begin + len(blocks)) * in_block)[:-1, 6]
            recorded = np.flatnonzero(flags & RECORDED)
            slots = np.append(last, blocks[recorded // in_block] * in_block + recorded % in_block)
            before = np.flatnonzero(np.diff(slots) > 1)
            gaps.append(np.stack([slots[before] + 1, slots[before + 1]], axis=1))
            last = slots[-1:]
        gaps_ms: Int64Array = np.concatenate(gaps) * self._length_ns(level) // 10**6
        return gaps_ms

    def _length_ns(self, level: int) -> int:
        return int(self.slot_ns * FINER**level)

    def _places(self, times_ns: Int64Array, level: int) -> tuple[Int64Array, BoolArray]:
        """The row in which each time lies, and whether its block is stored; else the first row after it."""
        slots = times_ns // self._length_ns(level)
        in_block = FINER ** (LEVELS - 1 - level)
        block = slots // in_block
        place = np.searchsorted(self._blocks, block)
        here = np.append(self._blocks, np.iinfo(np.int64).max)[place] == block
        return place * in_block + np.where(here, slots % in_block, 0), here

    def _read(self, level: int, begin: int, end: int) -> Int16Array:
        """These rows of a level, and one that is empty, for places after the last row; int16 ``[n + 1, 7]``."""
        with self._closing:
            file = self._files[level]
            read = b"" if file.closed else os.pread(file.fileno(), (end - begin) * ROW_BYTES, begin * ROW_BYTES)
        rows = np.full((end - begin + 1, COLUMNS), NOTHING, ROW)
        found = np.frombuffer(read[: len(read) // ROW_BYTES * ROW_BYTES], ROW).reshape(-1, COLUMNS)
        rows[: len(found)] = found
        return rows


def over_slots(extreme: np.ufunc, values: Int16Array, firsts: Int64Array, lasts: Int64Array) -> Int16Array:
    """The extreme of each row of values ``[3, n]`` from each of ``firsts`` to its ``lasts``."""
    most = int((lasts - firsts).max())
    if most > FEW:
        return np.asarray(extreme.reduceat(values, firsts, axis=1))
    found = values[:, firsts]  # with few samples in each slot, this is several times as fast
    for further in range(1, most + 1):
        found = extreme(found, values[:, np.minimum(firsts + further, lasts)])
    return found


def merged(rows: Int16Array, firsts: Int64Array) -> Int16Array:
    """Rows ``[n, 7]`` reduced from each of ``firsts`` to the next one; at least one row each."""
    columns = np.ascontiguousarray(rows.T)
    low, high, flags = columns[0:6:2], columns[1:6:2], columns[6]
    lowest = np.minimum.reduceat(np.where(low == EMPTY, LARGEST + 1, low), firsts, axis=1)
    result = np.empty((len(firsts), COLUMNS), ROW)
    result[:, 0:6:2] = np.where(lowest == LARGEST + 1, EMPTY, lowest).T
    result[:, 1:6:2] = np.maximum.reduceat(high, firsts, axis=1).T
    result[:, 6] = np.bitwise_or.reduceat(flags, firsts)
    return result


def file_names() -> list[str]:
    """The names of the files, the finest level first."""
    return [f"{level}.levels" for level in range(LEVELS)]
