"""The files of recorded sessions in the folder of ``--keep``.

``sessions/NAME.json`` has what was acknowledged: the bouts of a session and the one that is being recorded. From it and
the log of samples follow ``recordings/NAME.parquet``, a recording that ``harken.read`` reads, and
``recordings/NAME.labels.csv``, its labels. Another program, such as ``harken annotate``, may change the labels; what is
in that file then counts. If it has more than this server would write, such as remarks, it is copied to
``sessions/NAME.DIGEST.labels.csv`` before it is replaced.
"""

import logging
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.annotations.intervals import Intervals
from harken.annotations.moments import SLACK_NS, Kind, Span
from harken.annotations.plain import what_is_lost, write_intervals
from harken.annotations.registry import read_annotations
from harken.readers.folders import SIDE, recording_names
from harken.recordings.mending import EARLIEST_NS, LATEST_NS
from harken.server.recorded.session import MARGIN_NS, RecordedSession
from harken.server.sample_log import logged_samples, sync_folder
from harken.support.errors import HarkenError
from harken.support.files import replacing, write_bytes

LOG = logging.getLogger("uvicorn.error")
EVER = Span(EARLIEST_NS + MARGIN_NS, LATEST_NS, "UTC")
WITH_ZONE = "write times with their zone, such as 2025-06-15T17:06:50+02:00"
STATE, RECORDING = ".json", ".parquet"
EARLIER_S = 120.0
"""Samples of a session are looked for in files of the log that were last written to after its beginning, less this."""


class LabelsChangedError(Exception):
    """Another program has changed a file of labels, and ``with_changes`` has not read it since."""


class SessionFiles:
    """Reads and writes them. Each call writes its file aside, syncs it, and renames it.

    Args:
        folder: the folder of ``--keep``.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder
        self._states, self._recordings = folder / "sessions", folder / "recordings"

    def recording(self, name: str) -> Path:
        """The recording of a session."""
        return self._recordings / f"{name}{RECORDING}"

    def labels(self, name: str) -> Path:
        """Its labels."""
        return self._recordings / f"{name}{SIDE}"

    def load(self) -> list[RecordedSession]:
        """All sessions, in the order in which they began. Files that are something else are left out."""
        found = []
        for path in self._states.glob(f"*{STATE}"):
            try:
                session = RecordedSession.of_json(path.read_bytes())
                if session.name != path.stem:
                    raise ValueError(f"it is the session {session.name}")
            except (OSError, ValueError, TypeError, KeyError) as error:
                LOG.warning("%s is not a recorded session (%s)", path, error)
            else:
                found.append(session)
        return sorted(found, key=lambda one: (one.since_s, one.name))

    def save(self, session: RecordedSession) -> None:
        """Write a session to the disk. Raises ``OSError``."""
        if not self._states.is_dir() or not self._recordings.is_dir():
            self._states.mkdir(exist_ok=True)
            self._recordings.mkdir(exist_ok=True)
            sync_folder(self._log)
        write_bytes(self._states / f"{session.name}{STATE}", session.to_json())
        sync_folder(self._states)

    def forget(self, name: str) -> None:
        """Remove the files of a session. Its samples stay in the log. Raises ``OSError``."""
        self.remove_recording(name)
        (self._states / f"{name}{STATE}").unlink(missing_ok=True)
        sync_folder(self._states)

    def remove_recording(self, name: str) -> None:
        """Remove the recording of a session and its labels. Raises ``OSError``."""
        if not self._recordings.is_dir():
            return
        self.labels(name).unlink(missing_ok=True)
        self.recording(name).unlink(missing_ok=True)
        sync_folder(self._recordings)

    def write_recording(self, session: RecordedSession, first_ns: int, last_ns: int) -> tuple[int, int] | None:
        """Write the samples of a session from ``first_ns`` to ``last_ns``.

        Returns:
            The times of the first and the last sample; None if there are none, and nothing is written.

        Raises:
            OSError: when the file cannot be written.
        """
        signals, time_ns = self._samples(session, first_ns, last_ns)
        if len(time_ns) == 0:
            return None
        columns = {"Timestamp": pl.Series(time_ns).cast(pl.Datetime("ns", "UTC"))}
        columns |= {axis: pl.Series(signals[:, row]) for row, axis in enumerate("XYZ")}
        frame = pl.DataFrame(columns).with_columns(Subject=pl.lit(session.watch))
        with replacing(self.recording(session.name)) as aside:
            frame.write_parquet(aside)
        return int(time_ns[0]), int(time_ns[-1])

    def _samples(
        self, session: RecordedSession, first_ns: int, last_ns: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Signals ``[n, 3]`` and times ``[n]`` in order, each time once: as it came first."""
        signals, times = [np.empty((0, 3), np.float32)], [np.empty(0, np.int64)]
        for message in logged_samples(self._log, after_s=session.since_s - EARLIER_S, watch=session.watch):
            inside = (message.time_ns >= first_ns) & (message.time_ns <= last_ns)
            if inside.any():
                signals.append(message.signals[inside])
                times.append(message.time_ns[inside])
        time_ns, rows = np.unique(np.concatenate(times), return_index=True)
        return np.concatenate(signals)[rows], time_ns

    def with_changes(self, session: RecordedSession) -> RecordedSession:
        """The session with the labels that another program has written in the meantime.

        Raises:
            HarkenError: when the file of labels has an error, or its labels are not of this recording.
            OSError: when it cannot be read.
        """
        digest = _digest(self.labels(session.name))
        if digest in session.labels_digests:
            return session
        return session.with_intervals(self._intervals(session) if digest else Intervals.of([]), digest)

    def _intervals(self, session: RecordedSession) -> Intervals:
        """The labels in the file, which are read as all commands read them: their times may count from the start of the
        recording, and without a zone they are by its clock.

        Raises:
            HarkenError: as ``with_changes``.
            OSError: when the recording cannot be read.
        """
        path, recording = self.labels(session.name), self.recording(session.name)
        found = read_annotations(path).of_recording(recording_names(recording), session.watch)
        if not recording.exists():
            # The server has removed it with the last label, and somebody has brought the labels back.
            if any(entry.start.kind is not Kind.INSTANT for entry in found.entries):
                raise HarkenError(f"{path}: there is no recording from whose start its times count; {WITH_ZONE}")
            return found.intervals(EVER)
        time_ns = _times(recording)
        try:
            intervals = found.intervals(Span(int(time_ns[0]), int(time_ns[-1]), "UTC"))
        except HarkenError as error:
            if not found.has_local_times:
                raise
            raise HarkenError(f"{error}. The server reads times without a zone as UTC; {WITH_ZONE}") from error
        if len(intervals) and not _overlap(intervals, time_ns):
            raise HarkenError(f"{path}: there are no samples of the recording near its intervals; correct their times")
        if not found.points:
            # An end after the last sample is not cut to it: its samples may come later.
            with suppress(HarkenError):
                return found.intervals(Span(int(time_ns[0]), int(time_ns[-1]) + SLACK_NS, "UTC"))
        return intervals

    def write_labels(self, session: RecordedSession, samples: tuple[int, int] | None) -> RecordedSession:
        """Write the labels of a session, as far as there are samples, and its new state.

        The state has the digests of the files of labels before and after, so that this server knows either as its own
        whenever it is killed. Call ``settle`` with the session that is returned, which says what was written.

        Args:
            session: the session.
            samples: the times of the first and the last sample of its recording; None without samples.

        Raises:
            LabelsChangedError: when another program has changed the file of labels; it is left as it is.
            HarkenError: when there are no samples for labels of another program; they are left, too.
            OSError: when a file cannot be written.
        """
        path = self.labels(session.name)
        before = _digest(path)
        if before not in session.labels_digests:
            raise LabelsChangedError
        if before and what_is_lost(read_annotations(path)) is not None:
            self._copy_labels(session.name, before)
        if samples is None and session.bouts and before and not self.recording(session.name).exists():
            # This server leaves no labels without a recording.
            raise HarkenError(f"{path}: there are no samples for its intervals; correct their times, or remove it")
        written = session.with_written(None if samples is None else (samples[0], _after(samples[1])))
        intervals = written.intervals()
        if len(intervals) == 0:
            self._save_for(session.with_digests(before, ""), before)
            self.remove_recording(session.name)
            return written.with_digests(before, "")
        with replacing(path) as aside:
            write_intervals(aside, intervals)
            after = _digest(aside)
            self._save_for(session.with_digests(before, after), before)
        return written.with_digests(before, after)

    def _copy_labels(self, name: str, digest: str) -> None:
        """Copy the file of labels of a session, so that what another program wrote is kept when it is replaced."""
        copy = self._states / f"{name}.{digest[:12]}{SIDE}"
        if not copy.exists():
            write_bytes(copy, self.labels(name).read_bytes())
            LOG.warning("%s is replaced by a plain table; what it was is kept in %s", self.labels(name), copy)

    def _save_for(self, session: RecordedSession, before: str) -> None:
        """Save a session whose file of labels is replaced next; not if that is not the file with this digest any more.

        Saving takes a while, so the file is looked at after it.
        """
        self.save(session)
        if _digest(self.labels(session.name)) != before:
            raise LabelsChangedError

    def settle(self, session: RecordedSession) -> RecordedSession:
        """The session after ``write_labels``, and its state: only the file that was written now is the server's own.

        A change by another program may give the file the content that it had before.

        Raises:
            OSError: when the state cannot be written.
        """
        session = session.with_digests(session.labels_digests[-1])
        self.save(session)
        return session


def _times(recording: Path) -> NDArray[np.int64]:
    """The times of the samples of a recording of this server."""
    try:
        times = pl.read_parquet(recording, columns=["Timestamp"])["Timestamp"]
        time_ns = times.cast(pl.Datetime("ns", "UTC")).cast(pl.Int64).drop_nulls().to_numpy()
    except pl.exceptions.PolarsError as error:
        raise HarkenError(f"{recording}: it cannot be read ({error}); remove it, and it is made again") from error
    if len(time_ns) == 0:
        raise HarkenError(f"{recording}: it has no samples; remove it, and it is made again")
    return time_ns


def _overlap(intervals: Intervals, time_ns: NDArray[np.int64]) -> bool:
    """Whether a recording of these intervals has samples: they may lie in a gap of the recording that is there."""
    first_ns, last_ns = intervals.start_ns[0] - MARGIN_NS, intervals.end_ns[-1] + MARGIN_NS
    near_ns = time_ns[(time_ns >= first_ns) & (time_ns <= last_ns)]
    if len(near_ns) == 0:
        return False
    return bool(((intervals.start_ns <= near_ns[-1]) & (intervals.end_ns > near_ns[0])).any())


def _after(last_ns: int) -> int:
    """The first whole millisecond after a sample."""
    return last_ns // 10**6 * 10**6 + 10**6


def _digest(path: Path) -> str:
    with suppress(FileNotFoundError):
        return sha256(path.read_bytes()).hexdigest()
    return ""
