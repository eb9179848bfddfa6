"""Base class of the sources for both logs of a ``.gt3x`` file: units, the clock's time zone, and the watch."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.actigraph.info import INFO, Info, Metadata
from harken.readers.device import DeviceFacts, DeviceSource, LocalSamples
from harken.readers.options import TableOptions
from harken.recordings.recording import Make, local_time
from harken.recordings.source import Room

NS_PER_S = 10**9
DAY_NS = 86_400 * NS_PER_S

Readings = tuple[NDArray[np.int64], NDArray[np.int16]]
"""Times of samples in ns by the watch's clock ``[n]``, and x, y, z in sensor counts ``[n, 3]``."""


class ActigraphSource(DeviceSource):
    """The samples of a log.

    ``options.timezone`` has priority. Without it, the clock is assumed to have the offset from UTC that the file
    states, and the recording's time zone is the fixed zone of that offset, if there is one. Otherwise the clock is
    taken as UTC.

    Args:
        path: the file.
        options: the user's options.
        info: the content of ``info.txt``.
        metadata: the wearer and the clock, according to the log.
        stated_rate_hz: the rate stated in the file; None if there is none.

    Attributes:
        rate_hz: samples per second. Subclasses set it and ``scale``.
        scale: sensor counts per g.
    """

    rate_hz: float
    scale: float

    def __init__(
        self, path: Path, options: TableOptions, info: Info, metadata: Metadata, stated_rate_hz: float | None
    ) -> None:
        self._info, self._in_utc, self._user_zone = info, metadata.in_utc, options.timezone
        self._offset_s = info.offset_s if metadata.offset_s is None else metadata.offset_s
        self._outside = 0
        facts = DeviceFacts(
            channels=("x", "y", "z"),
            make=Make.ACTIGRAPH,
            range_g=info.range_g,
            subject=_subject_of(info, metadata),
            stated_rate_hz=stated_rate_hz,
            worn_on=info["Limb"] or metadata.limb,
        )
        zone = options.timezone or (None if self._offset_s is None else _fixed_zone(self._offset_s))
        super().__init__(path, replace(options, timezone="UTC" if self._in_utc else zone), facts)
        self.timezone = zone or "UTC"

    @abstractmethod
    def readings(self, room: Room) -> Iterator[Readings]:
        """The samples from the beginning of the log, with times in ``room.next``. May be called several times."""

    @abstractmethod
    def log_notes(self) -> list[str]:
        """Notes on the log. Called after all samples were read."""

    def local_samples(self, room: Room) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        outside = 0
        for local_ns, values in self.readings(room):
            outside += _samples_outside(local_ns, self._info)
            _, signals = room.next(len(local_ns))
            yield local_ns, np.divide(values, np.float32(self.scale), out=signals, dtype=np.float32)
        self._outside = outside

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        info = self._info
        words = [f"{info['Device Type'] or 'device'} {info['Serial Number']}".strip()]
        words += [f"firmware {info['Firmware']}"] if info["Firmware"] else []
        words += [f"worn on: {info['Limb'].lower()}"] if info["Limb"] else []
        notes = [f"ActiGraph {', '.join(words)}; {self.rate_hz:g} Hz, {self.scale:g} steps per g."]
        notes += self.log_notes()
        if self._outside:
            notes.append(
                f"{seconds_text(self._outside / self.rate_hz)} are more than a day before the start or after "
                f"the end in {INFO}; was the watch's clock reset?"
            )
        return notes + self._about_zone()

    def _about_zone(self) -> list[str]:
        if self._in_utc:
            notes = ["According to the file, the watch's clock was set to UTC."]
            if self._offset_s is not None and self._user_zone is not None:
                shown = local_time(self._earliest_ns or 0, self._user_zone).utcoffset()
                if shown != timedelta(seconds=self._offset_s):
                    notes.append(
                        f"The file gives the wearer's zone as {_offset_text(self._offset_s)}; times are shown in "
                        f"{self._user_zone}, as requested."
                    )
            return notes
        if self._offset_s is None:
            return []
        advice = "" if self._user_zone else "; give the wearer's time zone with --timezone"
        notes = [f"According to the file, the watch's clock was set to {_offset_text(self._offset_s)}{advice}."]
        used_s = self.offset_ns // NS_PER_S
        if self._user_zone is not None and self._offset_s != used_s:
            notes.append(f"It was read as {_offset_text(used_s)}, the offset of {self._user_zone}, as requested.")
        return notes


def seconds_text(count: float) -> str:
    """A number of seconds for a note."""
    return f"{round(float(count)):,} s"


def _subject_of(info: Info, metadata: Metadata) -> str:
    """The subject's name, unless it is the watch's serial number."""
    serial = info["Serial Number"]
    return next((name for name in (info["Subject Name"], metadata.subject) if name and name != serial), "")


def _samples_outside(time_ns: NDArray[np.int64], info: Info) -> int:
    """How many samples lie more than a day outside the start and end in info.txt."""
    start = info.time_ns("Start Date")
    end = max((info.time_ns(key) or 0 for key in ("Last Sample Time", "Stop Date", "Download Date")), default=0)
    if start is None or end < start:
        return 0
    least, most = start - DAY_NS, end + DAY_NS
    if time_ns.min() >= least and time_ns.max() <= most:
        return 0
    return int(((time_ns < least) | (time_ns > most)).sum())


def _offset_text(offset_s: int) -> str:
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"UTC{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"


def _fixed_zone(offset_s: int) -> str | None:
    """The IANA zone with this fixed offset from UTC. Such zones exist only for whole hours."""
    hours, rest = divmod(offset_s, 3600)
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"  # the zones in Etc have the opposite sign
