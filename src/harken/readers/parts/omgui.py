"""OMGUI's CSV export in pieces."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.csv import line_of_row
from harken.readers.device import DeviceSamples, device_recording
from harken.readers.exports import cut_short_note
from harken.readers.omgui import (
    GYRO,
    LOOKED_AT,
    about_samples,
    layout_and_columns,
    rotation_in_radians,
    time_unit_of,
    wall_clock,
    without_gravity,
)
from harken.readers.options import TableOptions
from harken.readers.parts.device import found_device
from harken.readers.parts.found import CannotStreamError, Found
from harken.readers.parts.text import text_frames
from harken.readers.table import channels_of, signals_of
from harken.readers.units import AtRest
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["found_omgui"]


def found_omgui(path: Path, options: TableOptions) -> Found:
    """Look at the beginning of OMGUI's CSV export.

    Raises:
        CannotStreamError: when it is empty.
        HarkenError: as ``harken.readers.omgui.read_omgui``.
    """
    return _Reading(path, options, typed=True).found()


class _Reading:
    """A file, and what became known of it when it was first read from beginning to end."""

    def __init__(self, path: Path, options: TableOptions, *, typed: bool) -> None:
        self._path, self._options, self._typed = path, options, typed
        self._layout, self._columns = layout_and_columns(path)
        self._numeric = self._columns.numeric()
        self._unusable = 0
        self._at_rest: AtRest | None = None
        self._untimed = 0
        self._form = ""

    def found(self) -> Found:
        if GYRO[0] in self._numeric:
            head: list[NDArray[np.float32]] = []
            for _, signals in self._timed():
                head.append(signals)
                if sum(map(len, head)) >= LOOKED_AT:
                    break
            self._unusable = without_gravity(np.concatenate(head)) if head else 0
        unusable = [(0, self._unusable)] if self._unusable else []
        return found_device(self._pieces, self._recording, lambda: unusable)

    def _timed(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The rows that have a time."""
        untimed = 0
        for frame in text_frames(self._path, self._layout, self._columns, typed=self._typed, otherwise=self._as_text):
            local_ns, timed = self._wall_clock(frame["time"])
            signals = signals_of(frame, self._numeric)
            rotation_in_radians(signals, self._numeric)
            untimed += len(timed) - int(timed.sum())
            yield (local_ns, signals) if timed.all() else (local_ns[timed], signals[timed])
        self._untimed = untimed

    def _wall_clock(self, time: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        try:
            local_ns, timed, form = wall_clock(self._path, time, partial(line_of_row, self._path, self._layout))
        except HarkenError as error:
            raise CannotStreamError("its times must be looked at together") from error
        if form != (self._form or form):
            raise CannotStreamError("its times must be looked at together")
        self._form = form
        return local_ns, timed

    def _pieces(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        at_rest, done = AtRest(), 0
        for local_ns, signals in self._timed():
            if self._at_rest is None:
                at_rest.push(signals[max(0, self._unusable - done) :, :3])
            yield local_ns, signals
            done += len(signals)
        self._at_rest = self._at_rest or at_rest

    def _as_text(self) -> Found:
        return _Reading(self._path, self._options, typed=False).found()

    def _recording(self, local_ns: NDArray[np.int64]) -> Recording:
        notes = [] if self._at_rest is None else about_samples(self._path, self._unusable, self._at_rest.magnitude())
        samples = DeviceSamples(
            local_ns=local_ns,
            signals=np.zeros((len(local_ns), len(self._numeric)), dtype=np.float32),
            channels=channels_of(self._numeric),
            range_g=None,
            subject="",
            notes=[*notes, *cut_short_note(self._path)],
        )
        recording = device_recording(self._path, samples, self._options)
        dropped = {"no time": self._untimed} if self._untimed else {}
        quality = replace(recording.quality, dropped=dropped, time_unit=time_unit_of(self._layout))
        return replace(recording, quality=quality)
