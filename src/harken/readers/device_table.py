"""Source for a watch's samples in a table of the manufacturer's software, with times by the watch's clock."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.clock import TimeColumn, Where
from harken.readers.csv import CsvTable
from harken.readers.device import DeviceFacts, DeviceSource
from harken.readers.options import TableOptions
from harken.readers.table import WholeTable
from harken.recordings.source import SourceChangedError
from harken.support.errors import HarkenError

RADIANS = np.float32(np.pi / 180)


class DeviceTableSource(DeviceSource):
    """The samples of a text table. If the format of its times varies, all times are read together, in memory.

    Args:
        table: the table.
        options: the user's options.
        facts: the content of its header.
    """

    def __init__(self, table: CsvTable, options: TableOptions, facts: DeviceFacts) -> None:
        super().__init__(table.path, options, facts)
        self._table: CsvTable | WholeTable = table
        self._clock_form: tuple[str, str] | None = None  # the unit of times, and the format of text

    @abstractmethod
    def read_times(self, time: pl.Series, where: Where) -> TimeColumn:
        """Times by the watch's clock.

        Raises:
            HarkenError: when a time cannot be read.
        """

    def local_rows(self) -> Iterator[tuple[TimeColumn | None, NDArray[np.float32]]]:
        """The rows of the table from the beginning: times by the watch's clock (None if the table has no times) and
        signals, which must not be modified.

        Raises:
            SourceChangedError: when the rows must be read again from the beginning, in another way.
            HarkenError: for the first invalid row.
        """
        done = 0
        for rows in self._table.rows():
            clock = None if rows.time is None else self._clock(rows.time, done)
            yield clock, rows.signals
            done += len(rows.signals)

    def _clock(self, time: pl.Series, first_row: int) -> TimeColumn:
        table = self._table
        try:
            clock = self.read_times(time, lambda row: table.where(first_row + row))
        except HarkenError:
            if isinstance(table, WholeTable):
                raise
            self._read_together(table)
        form = clock.unit, clock.form
        if isinstance(table, CsvTable) and self._clock_form not in (None, form):
            self._read_together(table)
        self._clock_form = form
        return clock

    def _read_together(self, table: CsvTable) -> NoReturn:
        self._table, self._clock_form, self.streamed = table.whole(), None, False
        raise SourceChangedError


def in_radians(signals: NDArray[np.float32], channels: Sequence[str]) -> NDArray[np.float32]:
    """Convert the gyroscope's channels of signals ``[n, channels]`` from degrees per second to rad/s."""
    gyro = [channel.startswith("gyro") for channel in channels]
    if not any(gyro):
        return signals
    return np.asarray(signals * np.where(gyro, RADIANS, np.float32(1)))
