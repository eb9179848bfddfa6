"""ActiLife's CSV export of acceleration in pieces."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.actigraph.actilife_csv import (
    about_export,
    about_start,
    columns_of,
    numbered_times,
    read_times,
    rotation_in_radians,
)
from harken.readers.actigraph.export_header import read_export_header
from harken.readers.actigraph.info import range_of
from harken.readers.actigraph.repeats import RepeatedValues
from harken.readers.csv import layout_of, line_of_row
from harken.readers.device import DeviceSamples, device_recording
from harken.readers.exports import cut_short_note
from harken.readers.options import TableOptions
from harken.readers.parts.device import found_device
from harken.readers.parts.found import CannotStreamError, Found
from harken.readers.parts.text import text_frames
from harken.readers.table import channels_of, signals_of
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["found_actilife_csv"]


def found_actilife_csv(path: Path, options: TableOptions) -> Found:
    """Look at the beginning of ActiLife's CSV export.

    Raises:
        CannotStreamError: when its header gives no rate.
        HarkenError: as ``harken.readers.actigraph.read_actilife_csv``.
    """
    return _Reading(path, options, typed=True).found()


class _Reading:
    """A file, and what became known of it when it was first read from beginning to end."""

    def __init__(self, path: Path, options: TableOptions, *, typed: bool) -> None:
        self._path, self._options, self._typed = path, options, typed
        self._header = read_export_header(path)
        self._layout = layout_of(path, self._header.lines)
        self._columns = columns_of(path, self._header, self._layout)
        self._numeric = self._columns.numeric()
        self._held: list[tuple[int, int]] | None = None
        self._form: str | None = None

    def found(self) -> Found:
        if self._header.rate_hz is None:
            raise CannotStreamError("its rate must be looked for in all of its times")
        return found_device(self._pieces, self._recording, lambda: self._held or [])

    def _pieces(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        rate_hz = self._header.rate_hz or 0.0
        held, done = RepeatedValues(rate_hz), 0
        for frame in text_frames(self._path, self._layout, self._columns, typed=self._typed, otherwise=self._as_text):
            signals = signals_of(frame, self._numeric)
            if self._held is None:
                held.push(signals[:, :3])
            rotation_in_radians(signals, self._numeric)
            if "time" in frame.columns:
                times = self._times(frame["time"])
            else:
                times = numbered_times(self._header, done, len(signals), rate_hz)
            yield times, signals
            done += len(signals)
        if self._held is None:
            self._held = held.finish()

    def _times(self, time: pl.Series) -> NDArray[np.int64]:
        try:
            clock = read_times(
                self._path, self._header, time, self._options, partial(line_of_row, self._path, self._layout)
            )
        except HarkenError as error:
            raise CannotStreamError("its times must be looked at together") from error
        if clock.form != (self._form or clock.form):
            raise CannotStreamError("its times must be looked at together")
        self._form = clock.form
        return clock.time_ns

    def _as_text(self) -> Found:
        return _Reading(self._path, self._options, typed=False).found()

    def _recording(self, local_ns: NDArray[np.int64]) -> Recording:
        timed = self._columns.time is not None
        samples = DeviceSamples(
            local_ns=local_ns,
            signals=np.zeros((len(local_ns), len(self._numeric)), dtype=np.float32),
            channels=channels_of(self._numeric),
            range_g=range_of(self._header.serial_number),
            subject="",
            notes=[
                *self._header.notes,
                *(about_start(self._header, int(local_ns[0])) if timed else []),
                *about_export(self._held or [], self._header.rate_hz or 0.0, self._numeric, timed=timed),
                *cut_short_note(self._path),
            ],
            stated_rate_hz=self._header.rate_hz,
            worn_on=self._header.limb,
        )
        return device_recording(self._path, samples, self._options)
