"""Recording with labels: bouts of watches begin and end, and become recordings with labels in the folder of ``--keep``.

Each step is on the disk before it returns. The recordings themselves are made afterwards from the log of samples, and
made again when samples come late.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.server.limits import Limits, RefusedError
from harken.server.recorded.files import LabelsChangedError, SessionFiles
from harken.server.recorded.session import MARGIN_NS, Bout, RecordedSession, checked_label, session_name
from harken.support.errors import HarkenError

LOG = logging.getLogger("uvicorn.error")
WAIT_S = 2.0
"""Recordings are made so long after a bout has ended or samples have come, because more of them follow."""
RETRY_S = 30.0
"""After an error, such as a full disk."""
LABELS_OF = 200
"""The number of sessions whose labels are offered again."""
SHARE = 0.05
"""The largest share of its time that the server makes recordings."""
RECENT_S = 86_400.0
"""After a restart the recordings of sessions of this age are made again, because samples may have come since."""


class Recorder:
    """All recorded sessions of a server. Its methods may be called from any thread.

    Args:
        folder: the folder of ``--keep``.
        limits: the limits of clients.

    Attributes:
        files: the files of the sessions.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.files = SessionFiles(folder)
        self._limits = limits
        self._sessions = {session.name: session for session in self.files.load()}
        self._of_watch: dict[str, list[str]] = {}
        self._until_ns: dict[str, int] = {}
        self._due: dict[str, None] = {}  # recordings that are to be made
        self._changed: dict[str, None] = {}  # those of them whose bouts have changed
        self._trouble: dict[str, str] = {}  # why a recording could not be made
        self._unread: dict[str, str] = {}  # why labels could not be read when the session was last shown
        self._lock, self._building = threading.RLock(), threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        recent_s = time.time() - RECENT_S
        for session in self._sessions.values():
            self._of_watch.setdefault(session.watch, []).append(session.name)
            if session.since_s >= recent_s or session.open is not None:
                self._due[session.name] = None
        self._changed |= self._due
        for watch in self._of_watch:
            self._note_end(watch)

    def sessions(self, watch: str, most: int) -> list[RecordedSession]:
        """The latest sessions of a watch, the last first, at most so many.

        One whose labels were changed by another program and cannot be read is as it was before; ``trouble`` says why.
        """
        with self._lock:
            return [self._shown(name) for name in reversed(self._of_watch.get(watch, [])[-most:])]

    def _shown(self, name: str) -> RecordedSession:
        try:
            session = self._with_changes(self._sessions[name])
        except RefusedError as error:
            self._unread[name] = str(error)
            return self._sessions[name]
        self._unread.pop(name, None)
        return session

    def open_sessions(self) -> list[RecordedSession]:
        """The sessions in which a bout is being recorded."""
        with self._lock:
            return [session for session in self._sessions.values() if session.open is not None]

    def labels(self) -> list[str]:
        """The labels that were used in the latest sessions, the latest first."""
        with self._lock:
            sessions = list(islice(reversed(self._sessions.values()), LABELS_OF))
        opened = (session.open.label for session in sessions if session.open is not None)
        ended = (bout.label for session in sessions for bout in reversed(session.bouts))
        return list(dict.fromkeys((*opened, *ended)))

    def trouble(self, name: str) -> str | None:
        """Why the labels of a session could not be read or its recording not be made; None if there was no error."""
        return self._unread.get(name) or self._trouble.get(name)

    def begin(self, watch: str, label: str, start_ns: int) -> RecordedSession:
        """Begin a bout at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when one is being recorded, the label is none, or there are too many sessions or bouts; and
                when the disk refuses it.
        """
        label = checked_label(label)
        now_s = time.time()
        with self._lock:
            session = self._latest(watch)
            if session is not None and session.open is not None:
                sentence = f"{session.open.label} is being recorded with this watch; stop it first"
                raise RefusedError(409, 1008, sentence, reason="recording")
            if session is None or not session.follows(start_ns):
                if len(self._sessions) >= self._limits.recorded_sessions:
                    sentence = f"there are {len(self._sessions):,} recorded sessions; move old ones out of the folder"
                    raise RefusedError(409, 1008, sentence, reason="sessions")
                name = session_name(watch, start_ns, set(self._sessions))
                session = RecordedSession(name, watch, now_s)
            elif len(session.bouts) >= self._limits.recorded_bouts:
                sentence = f"this session has {len(session.bouts):,} bouts; start a new session"
                raise RefusedError(409, 1008, sentence, reason="bouts")
            return self._keep(session.begin(label, start_ns, start_ns - int(now_s * 1e9)))

    def end(self, watch: str, end_ns: int) -> Bout | None:
        """End the open bout of a watch at ``end_ns`` of its clock; returns it, or None if nothing of it is left.

        Raises:
            RefusedError: when none is being recorded, or the disk refuses it.
        """
        with self._lock:
            session = self._latest(watch)
            if session is None or session.open is None:
                sentence = "nothing is being recorded with this watch; another page may have stopped it"
                raise RefusedError(409, 1008, sentence, reason="recording")
            session, ended = session.end(end_ns)
            self._keep(session)
            return ended

    def delete(self, name: str, start_ms: int) -> str:
        """Delete the bout of a session that began in this millisecond; an open one is not recorded any more.

        Returns:
            The watch.

        Raises:
            RefusedError: when there is none, or the disk refuses it.
        """
        with self._lock:
            if name not in self._sessions:
                raise RefusedError(404, 1008, "there is no such session", reason="unknown")
            return self._keep(self._with_changes(self._sessions[name]).without(start_ms)).watch

    def close(self, watch: str) -> None:
        """Let the next bout of a watch begin a new session.

        Raises:
            RefusedError: while a bout is being recorded, and when the disk refuses it.
        """
        with self._lock:
            session = self._latest(watch)
            if session is None:
                return
            if session.open is not None:
                sentence = f"{session.open.label} is being recorded with this watch; stop it first"
                raise RefusedError(409, 1008, sentence, reason="recording")
            self._keep(session.finished())

    def received(self, watch: str, time_ns: NDArray[np.int64], written: "asyncio.Future[None]") -> None:
        """Samples of a watch have come. A session that they belong to is made again when they are on the disk.

        It waits for no other thread, because the server's event loop calls it for each message.

        Args:
            watch: the watch.
            time_ns: their times, int64 ``[n]``, n at least 1.
            written: done when they are on the disk.
        """
        until_ns = self._until_ns.get(watch)
        if until_ns is None or (first_ns := int(time_ns.min())) > until_ns + MARGIN_NS:
            return
        last_ns = int(time_ns.max())
        sessions = [self._sessions.get(name) for name in self._of_watch.get(watch, ())]
        due = [
            session.name
            for session in sessions
            if session is not None and session.bouts and session.near(first_ns, last_ns)
        ]
        if due:
            written.add_done_callback(lambda _: self._make_later(due))

    def _make_later(self, names: Iterable[str]) -> None:
        self._due |= dict.fromkeys(names)
        self._wake()

    async def run(self, changed: Callable[[str], None]) -> None:
        """Make recordings until cancelled; ``changed`` is called with the watch of each one."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(wake.set)
        try:
            while True:
                if not self._due:
                    await wake.wait()
                wake.clear()
                await asyncio.sleep(WAIT_S)
                began_s = time.monotonic()
                for name in list(self._due):
                    session = self._sessions.get(name)
                    await asyncio.to_thread(self._make, name)
                    if session is not None:
                        changed(session.watch)
                await asyncio.sleep(RETRY_S if self._trouble else (time.monotonic() - began_s) * (1 / SHARE - 1))
        finally:
            self._wake = lambda: None

    def make_changed(self) -> None:
        """Make the recordings whose bouts have changed. Those for which only samples have come follow in ``run``."""
        self._make_all(self._changed)

    def labelled_files(self) -> list[Path]:
        """The recordings of all sessions with labels, up to date; the labels are beside them (``NAME.labels.csv``)."""
        self._make_all(self._due)
        with self._lock:
            names = list(self._sessions)
        paths = [(self.files.recording(name), self.files.labels(name)) for name in names]
        return [recording for recording, labels in paths if recording.is_file() and labels.is_file()]

    def _make_all(self, names: Iterable[str]) -> None:
        for name in list(names):
            self._make(name)

    def _latest(self, watch: str) -> RecordedSession | None:
        """The latest session of a watch. One whose labels cannot be read now is as it was before: it can be recorded
        on, and what is new in it is kept beside the labels when they can be read again."""
        names = self._of_watch.get(watch)
        if not names:
            return None
        stored = self._sessions[names[-1]]
        try:
            session = self._with_changes(stored)
        except RefusedError:
            return stored
        if session.empty:  # another program has removed its labels
            self._keep(session)
            return None
        return session

    def _with_changes(self, session: RecordedSession) -> RecordedSession:
        try:
            return self.files.with_changes(session)
        except HarkenError as error:
            raise RefusedError(409, 1008, _unreadable(error), reason="recording") from error
        except OSError as error:
            sentence = f"the labels of this session cannot be read ({error.strerror or error})"
            raise RefusedError(507, 1011, sentence, reason="disk") from error

    def _keep(self, session: RecordedSession) -> RecordedSession:
        """Write the session to the disk, then use it; without a bout it is forgotten."""
        names = self._of_watch.get(session.watch, [])
        try:
            if session.empty:
                self.files.forget(session.name)
            else:
                self.files.save(session)
        except OSError as error:
            raise _refused_by_disk(error) from error
        if session.empty:
            self._sessions.pop(session.name, None)
            for of_session in (self._due, self._changed, self._trouble, self._unread):
                of_session.pop(session.name, None)
            self._of_watch[session.watch] = [name for name in names if name != session.name]
        else:
            self._sessions[session.name] = session
            if session.name not in names:
                self._of_watch[session.watch] = [*names, session.name]
            self._due |= dict.fromkeys(self._of_watch[session.watch][-2:])  # the earlier one ends where this one begins
            self._due[session.name] = self._changed[session.name] = None
        self._note_end(session.watch)
        self._wake()
        return session

    def _note_end(self, watch: str) -> None:
        names = self._of_watch.get(watch, [])
        if names:
            self._until_ns[watch] = max(self._sessions[name].last_ns for name in names)
        else:
            self._until_ns.pop(watch, None)

    def _span(self, session: RecordedSession) -> tuple[int, int]:
        """From when to when samples belong to a session: with a margin, but without those of the sessions beside it."""
        names = self._of_watch[session.watch]
        place = names.index(session.name)
        begin_ns, end_ns = session.first_ns - MARGIN_NS, session.last_ns + MARGIN_NS
        for later in self._sessions_at(names[place + 1 : place + 2]):
            if later.first_ns >= session.last_ns:
                end_ns = min(end_ns, later.first_ns - 1)
        for earlier in self._sessions_at(names[max(0, place - 1) : place]):
            if earlier.last_ns <= session.first_ns:
                begin_ns = max(begin_ns, min(earlier.last_ns + MARGIN_NS, session.first_ns - 1) + 1)
        return begin_ns, end_ns

    def _sessions_at(self, names: Iterable[str]) -> list[RecordedSession]:
        return [self._sessions[name] for name in names]

    def _make(self, name: str) -> None:
        """Make the recording of a session and its labels."""
        with self._building:
            self._due.pop(name, None)
            self._changed.pop(name, None)
            try:
                while not self._made(name):
                    pass
                self._trouble.pop(name, None)
            except (OSError, HarkenError) as error:
                written = f"the recording could not be written ({getattr(error, 'strerror', None) or error})"
                sentence = _unreadable(error) if isinstance(error, HarkenError) else written
                if self._trouble.get(name) != sentence:
                    LOG.warning("%s: %s", name, sentence)
                self._trouble[name] = sentence
                self._due[name] = None

    def _made(self, name: str) -> bool:
        """Make the recording of a session and its labels; False if another program changed the labels in between.

        Raises:
            OSError, HarkenError: when the labels that another program has written cannot be read, or a file cannot be
                written.
        """
        with self._lock:
            if name not in self._sessions:
                return True
            with suppress(HarkenError):  # labels that do not fit the recording may do so with its late samples
                self._take_changes(name)
            session = self._sessions[name]
            span_ns = self._span(session)
        samples = self.files.write_recording(session, *span_ns) if session.bouts else None
        with self._lock:
            if name not in self._sessions:  # deleted in the meantime
                self.files.remove_recording(name)
                return True
            if self._take_changes(name):
                return False
            try:
                self._sessions[name] = self.files.write_labels(self._sessions[name], samples)
            except LabelsChangedError:
                return False
            self._sessions[name] = self.files.settle(self._sessions[name])
            return True

    def _take_changes(self, name: str) -> bool:
        """Use the labels that another program has written, and write them to the disk; False without such a change."""
        session = self.files.with_changes(self._sessions[name])
        if session is self._sessions[name]:
            return False
        self.files.save(session)
        self._sessions[name] = session
        self._note_end(session.watch)
        return True


def _unreadable(error: HarkenError) -> str:
    return f"the labels of this session were changed, and cannot be read: {error}"


def _refused_by_disk(error: OSError) -> RefusedError:
    sentence = f"the bout could not be written to the disk ({error.strerror or error}); try again"
    return RefusedError(507, 1011, sentence, reason="disk")
