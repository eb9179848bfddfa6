"""Reader of OMGUI's CSV exports of an Axivity AX3 or AX6.

They are written by Open Movement's cwa-convert and omconvert. The columns are the time (text, or seconds since 1970),
acceleration in g with six decimals, for an AX6 also rotation in degrees per second with six decimals, and optional
columns: light, temperature, battery, events. Usually there is no header. Both forms of time are the clock of the
device, which was set by the computer that configured it; cwa-convert treats it as UTC. Times are therefore handled as
in the watch's own file.

In the first seconds of an AX6, the two sensors may be interchanged (see ``harken.readers.axivity``). The scale of such
samples is unknown in an export, so they are marked.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.csv import CsvTable
from harken.readers.device import SMALLEST_G, DeviceTableSource, LocalSamples, pieces_without_gravity
from harken.readers.exports import LoggerReader, cut_short_note
from harken.readers.layout import Columns, Layout
from harken.readers.options import TableOptions
from harken.readers.table import first_pieces
from harken.readers.units import AtRest, TimeColumn, Where, acceleration_unit, nanoseconds
from harken.recordings.recording import ROTATION, Make, Quality
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError

UNIX_TIME = re.compile(r"\d{9,10}\.\d{4}")
TEXT_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
MEASURED = re.compile(r"-?\d+\.\d{6}")
CELSIUS = re.compile(r"-?\d+\.\d\d")
TICKED = re.compile(r"-?\d+(\.\d+)?|[rsdeFBIX]*")
"""The fields of optional columns: light, temperature, battery, events."""
HEADER_STARTS = ("Time", "Accel-X (g)")

PIECE, MOST_PIECES = 40, 100
"""The number of samples in a block of an AX6's own file, and the number of blocks at the beginning that are tested."""
LOOKED_AT = PIECE * (MOST_PIECES + 1)
"""The number of samples that ``_without_gravity`` needs."""
EXCHANGED = "Acceleration and rotation are exchanged, as gravity shows, in the first"


class OmguiSource(DeviceTableSource):
    """The samples of an export. Its beginning is buffered until it is known whether the sensors are interchanged.

    Channels are ``x, y, z`` in g, from an AX6 ``gyro_x, gyro_y, gyro_z`` in rad/s, and ``temperature`` in degrees
    Celsius if it was exported.
    """

    def __init__(self, path: Path, layout: Layout, columns: Columns, options: TableOptions) -> None:
        table = CsvTable(path, layout, columns)
        super().__init__(table, options, quality=Quality(make=Make.AXIVITY))
        if _written(layout, (0,), UNIX_TIME):
            self.quality = replace(self.quality, time_unit="s")
        self._at_rest: AtRest | None = None

    def local_samples(self) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        rows = self.local_rows()
        beginning = first_pieces(rows, LOOKED_AT)
        without = 0
        if ROTATION[0] in self.channels and beginning:
            without = _without_gravity(np.concatenate([signals for _, signals in beginning]))
        self.unusable = [(0, without)] if without else []
        at_rest, done = AtRest(), 0
        for local_ns, signals in chain(beginning, rows):
            assert local_ns is not None
            if self._at_rest is None:
                at_rest.push(signals[max(0, without - done) :, :3])
            yield local_ns, signals
            done += len(signals)
        self._at_rest = self._at_rest or at_rest

    def read_times(self, time: pl.Series, where: Where) -> TimeColumn:
        """See ``DeviceTableSource``."""
        clock = nanoseconds(self._path, time, TableOptions(time_unit="s"), where)
        if not time.dtype.is_numeric():
            return clock
        # Times have four decimals of a second; further digits are rounding errors of the float.
        return replace(clock, time_ns=np.rint(clock.time_ns / 1e5).astype(np.int64) * 10**5)

    def notes(self) -> list[str]:
        """See ``DeviceSource``.

        Raises:
            HarkenError: when no row is complete.
        """
        at_rest = self._at_rest.magnitude() if self._at_rest is not None else math.nan
        notes = [f"{EXCHANGED} {end:,} samples; they are marked." for _, end in self.unusable]
        if math.isnan(at_rest) and not self.unusable:
            raise HarkenError(f"{self._path}: no row has all three of x, y and z")
        if acceleration_unit(at_rest) != "g" and not math.isnan(at_rest):
            notes.append(f"At rest the acceleration is {at_rest:.3g} g, which is not gravity.")
        return [*notes, *cut_short_note(self._path)]


def _find(layout: Layout) -> Columns | None:
    """The columns of an export: time, acceleration, and rotation and temperature if they exist."""
    if layout.separator != "," or layout.width < 4:
        return None
    if layout.header and tuple(layout.header[:2]) != HEADER_STARTS:
        return None
    timed = _written(layout, (0,), UNIX_TIME) or _written(layout, (0,), TEXT_TIME)
    if not (timed and _written(layout, (1, 2, 3), MEASURED) and _written(layout, range(4, layout.width), TICKED)):
        return None
    columns = {"time": 0, "x": 1, "y": 2, "z": 3}
    if _written(layout, (4, 5, 6), MEASURED):
        columns |= dict(zip(ROTATION, (4, 5, 6), strict=True))
    celsius = [position for position in range(len(columns), layout.width) if _written(layout, (position,), CELSIUS)]
    return columns | ({"temperature": celsius[0]} if len(celsius) == 1 else {})


def _written(layout: Layout, positions: Sequence[int], form: re.Pattern[str]) -> bool:
    """Whether these columns have this form in the first rows. An incomplete file may end within them."""
    if layout.width <= max(positions, default=-1):
        return False
    whole = [row for row in layout.rows if len(row) == layout.width]
    whole = whole[: max(1, len(whole) - 1)]
    return bool(whole) and all(form.fullmatch(row[position].strip()) for row in whole for position in positions)


def _without_gravity(signals: Float32Array) -> int:
    """The number of samples at the beginning without gravity in the acceleration.

    The number is chosen so that the evidence is largest: less than half of gravity before it, and more after it.
    """
    pieces = min(len(signals) // PIECE, MOST_PIECES)
    if pieces == 0:
        return 0
    acceleration = signals[: pieces * PIECE, :3].reshape(pieces, PIECE, 3).astype(np.float64)
    # Missing values, and values too large for float32, are no evidence on gravity.
    acceleration[~np.isfinite(acceleration)] = 1.0
    size = np.median(np.linalg.norm(acceleration, axis=2), axis=1)
    end = PIECE * pieces_without_gravity(-1 - np.log2(np.maximum(size, SMALLEST_G)))
    return len(signals) if end and len(signals) - end < PIECE else end


OMGUI = LoggerReader(_find, OmguiSource, "an OMGUI export, whose rows are a time and accelerations with six decimals")
