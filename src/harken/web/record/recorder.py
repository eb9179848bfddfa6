"""Recording with labels: bouts of watches begin and end, and become recordings with labels in the folder of ``--keep``.

Each step is on the disk before it returns. The recordings themselves are made afterwards from the log of samples, and
made again when samples come late.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.annotations.store import StaleLabelsError, file_state
from harken.support.errors import HarkenError
from harken.web.limits import Limits, RefusedError
from harken.web.record.session import (
    MARGIN_NS,
    OF_LABELS,
    Bout,
    OpenBout,
    RecordedSession,
    SessionFiles,
    after,
    checked_label,
    labelled_as_filed,
    laid,
    session_name,
)

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
        due: the recordings that are to be made.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.files = SessionFiles(folder)
        self._limits = limits
        self._sessions = {session.name: session for session in self.files.load()}
        self._of_watch: dict[str, list[str]] = {}
        self._states: dict[str, object] = {}  # of the files of labels that the sessions have
        self.due: dict[str, None] = {}  # recordings that are to be made
        self._trouble: dict[str, str] = {}  # why a recording could not be made
        self._lock, self._building = threading.RLock(), threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        recent_s = time.time() - RECENT_S
        for session in list(self._sessions.values()):
            self._of_watch.setdefault(session.watch, []).append(session.name)
            if session.since_s >= recent_s or session.open is not None:
                self.due[session.name] = None
            with suppress(HarkenError, OSError):  # it is said when the session is shown
                self._sessions[session.name] = self.files.with_labels(session, checked=False)

    def sessions(self, watch: str, most: int) -> list[RecordedSession]:
        """The latest sessions of a watch, the last first, at most so many.

        One whose labels were changed by another program and cannot be read is as it was before; ``trouble`` says why.
        """
        with self._lock:
            return [self._shown(name) for name in reversed(self._of_watch.get(watch, [])[-most:])]

    def _shown(self, name: str) -> RecordedSession:
        with suppress(RefusedError):
            return self._current(name)
        return self._sessions[name]

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
        with self._lock:
            try:
                self._current(name)
            except RefusedError as error:
                return str(error)
            return self._trouble.get(name)

    def begin(self, watch: str, label: str, start_ns: int) -> RecordedSession:
        """Begin a bout at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when one is being recorded, the label is none, or there are too many sessions or bouts; and
                when the disk refuses it.
        """
        label = checked_label(label)
        now_s = time.time()
        with self._lock:
            session = self._stopped(watch)
            if session is None or not session.follows(start_ns):
                if len(self._sessions) >= self._limits.recorded_sessions:
                    sentence = f"there are {len(self._sessions):,} recorded sessions; move old ones out of the folder"
                    raise RefusedError(409, sentence, reason="sessions")
                name = session_name(watch, start_ns, set(self._sessions))
                session = RecordedSession(name, watch, now_s)
            elif len(session.bouts) >= self._limits.recorded_bouts:
                sentence = f"this session has {len(session.bouts):,} bouts; start a new session"
                raise RefusedError(409, sentence, reason="bouts")
            opened = OpenBout(max(start_ns, session.last_ns), label, start_ns - int(now_s * 1e9))
            return self._keep(replace(session, open=opened))

    def end(self, watch: str, end_ns: int) -> Bout | None:
        """End the open bout of a watch at ``end_ns`` of its clock; returns it, or None if nothing of it is left.

        Raises:
            RefusedError: when none is being recorded, or the disk refuses it.
        """
        with self._lock:
            session = self._latest(watch)
            if session is None or session.open is None:
                sentence = "nothing is being recorded with this watch; another page may have stopped it"
                raise RefusedError(409, sentence, reason="recording")
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
                raise RefusedError(404, "there is no such session")
            while True:
                before = self._current(name)
                session = before.without(start_ms)
                with suppress(StaleLabelsError):
                    if session.filed != before.filed:
                        session = self._label(session, session.filed)
                    return self._keep(session).watch

    def close(self, watch: str) -> None:
        """Let the next bout of a watch begin a new session.

        Raises:
            RefusedError: while a bout is being recorded, and when the disk refuses it.
        """
        with self._lock:
            session = self._stopped(watch)
            if session is not None:
                self._keep(replace(session, closed=True))

    def received(self, watch: str, time_ns: NDArray[np.int64], written: "asyncio.Future[None]") -> None:
        """Samples of a watch have come. A session that they belong to is made again when they are on the disk.

        It waits for no other thread, because the server's event loop calls it for each message.

        Args:
            watch: the watch.
            time_ns: their times, int64 ``[n]``, n at least 1.
            written: done when they are on the disk.
        """
        first_ns = int(time_ns.min())
        last_ns = int(time_ns.max())
        sessions = filter(None, map(self._sessions.get, self._of_watch.get(watch, ())))
        due = [session.name for session in sessions if session.bouts and session.near(first_ns, last_ns)]
        if due:
            written.add_done_callback(lambda _: self._make_later(due))

    def _make_later(self, names: Iterable[str]) -> None:
        self.due |= dict.fromkeys(names)
        self._wake()

    async def run(self, changed: Callable[[str], None]) -> None:
        """Make recordings until cancelled; ``changed`` is called with the watch of each one."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(wake.set)
        try:
            while True:
                if not self.due:
                    await wake.wait()
                wake.clear()
                await asyncio.sleep(WAIT_S)
                began_s = time.monotonic()
                for name in list(self.due):
                    session = self._sessions.get(name)
                    await asyncio.to_thread(self.make, name)
                    if session is not None:
                        changed(session.watch)
                await asyncio.sleep(RETRY_S if self._trouble else (time.monotonic() - began_s) * (1 / SHARE - 1))
        finally:
            self._wake = lambda: None

    def make_changed(self) -> None:
        """Make the recordings with bouts that are not in their files of labels yet. Others follow in ``run``."""
        for session in list(self._sessions.values()):
            if session.pending and session.name in self.due:
                self.make(session.name)

    def _latest(self, watch: str) -> RecordedSession | None:
        """The latest session of a watch. One whose labels cannot be read now is as it was before: it can be recorded
        on, and what is new in it is kept beside the labels when they can be read again."""
        names = self._of_watch.get(watch)
        if not names:
            return None
        session = self._shown(names[-1])
        if session.empty and session.name in self._states:  # another program has removed its labels
            self._keep(session)
            return None
        return session

    def _stopped(self, watch: str) -> RecordedSession | None:
        """The latest session of a watch.

        Raises:
            RefusedError: while a bout is being recorded.
        """
        session = self._latest(watch)
        if session is not None and session.open is not None:
            sentence = f"{session.open.label} is being recorded with this watch; stop it first"
            raise RefusedError(409, sentence, reason="recording")
        return session

    def _current(self, name: str) -> RecordedSession:
        """A session with the labels that another program may have changed.

        Raises:
            RefusedError: when these cannot be read.
        """
        with _refused("read"):
            state = file_state(self.files.labels(name))
            if name not in self._states or self._states.pop(name) != state:
                session = self.files.with_labels(self._sessions[name])
                self._sessions[name] = session
            self._states[name] = state
        return self._sessions[name]

    def _label(self, session: RecordedSession, bouts: Sequence[Bout]) -> RecordedSession:
        """Write bouts as the file of labels of a session; the session with them.

        Raises:
            StaleLabelsError: when another program has changed the file; the next ``_current`` has its labels.
            RefusedError: when it cannot be written.
        """
        self._states.pop(session.name, None)
        with _refused("written"):
            session = self.files.save_labels(session, bouts)
        self._states[session.name] = file_state(self.files.labels(session.name))
        labels = {name: getattr(session, name) for name in OF_LABELS}
        self._sessions[session.name] = replace(self._sessions[session.name], **labels)
        return session

    def _keep(self, session: RecordedSession) -> RecordedSession:
        """Write the session to the disk, then use it; without a bout it is forgotten."""
        names = self._of_watch.get(session.watch, [])
        try:
            if session.empty:
                self.files.forget(session)
            else:
                self.files.save(session)
        except OSError as error:
            sentence = f"the bout could not be written to the disk ({error.strerror or error}); try again"
            raise RefusedError(507, sentence) from error
        if session.empty:
            self._sessions.pop(session.name, None)
            for of_session in (self._states, self.due, self._trouble):
                of_session.pop(session.name, None)
            self._of_watch[session.watch] = [name for name in names if name != session.name]
        else:
            self._sessions[session.name] = session
            if session.name not in names:
                self._of_watch[session.watch] = [*names, session.name]
            self.due |= dict.fromkeys(self._of_watch[session.watch][-2:])  # the earlier one ends where this one begins
            self.due[session.name] = None
        self._wake()
        return session

    def _span(self, session: RecordedSession) -> tuple[int, int]:
        """From when to when samples belong to a session: with a margin, but without those of other sessions."""
        begin_ns, end_ns = session.first_ns - MARGIN_NS, session.last_ns + MARGIN_NS
        for other in map(self._sessions.__getitem__, self._of_watch[session.watch]):
            if other.name == session.name:
                continue
            if other.first_ns >= session.last_ns:
                end_ns = min(end_ns, other.first_ns - 1)
            elif other.last_ns <= session.first_ns:
                begin_ns = max(begin_ns, min(other.last_ns + MARGIN_NS, session.first_ns - 1) + 1)
        return begin_ns, end_ns

    def make(self, name: str) -> None:
        """Make the recording of a session, and its labels as far as there are samples."""
        with self._building:
            self.due.pop(name, None)
            sentence = self._why_not_made(name)
            if sentence is None:
                self._trouble.pop(name, None)
                return
            if self._trouble.get(name) != sentence:
                LOG.warning("%s: %s", name, sentence)
            self._trouble[name] = sentence
            self.due[name] = None

    def _why_not_made(self, name: str) -> str | None:
        """Make it; if that fails, why, as a sentence."""
        while True:
            try:
                self._write(name)
            except StaleLabelsError:  # another program has changed the labels in between
                continue
            except (RefusedError, HarkenError) as error:
                return str(error)
            except OSError as error:
                return f"the recording could not be written ({error.strerror or error})"
            return None

    def _write(self, name: str) -> None:
        with self._lock:
            if name not in self._sessions:
                return
            try:
                session, fits = self._current(name), True
                first_ns, last_ns = self._span(session)
            except RefusedError:  # labels that do not fit the recording may do so with its late samples
                session, fits = self._sessions[name], False
                spans_ns = [(rest.start_ns - MARGIN_NS, rest.end_ns + MARGIN_NS) for rest in session.pending]
                spans_ns += filter(None, [self.files.times(name)])
                if not spans_ns:
                    raise
                first_ns = min(spans_ns)[0]
                last_ns = max(last_ns for _, last_ns in spans_ns)
            if fits and not session.bouts:
                return
        signals, time_ns = self.files.samples(session, first_ns, last_ns)
        if len(time_ns):
            with self._lock:
                if fits and name in self._sessions and (session := self._current(name)).relative:
                    self._label(session, session.filed)
            self.files.write_recording(session, signals, time_ns)
        with self._lock:
            if name not in self._sessions:  # deleted in the meantime
                self.files.forget(session)
            else:
                self._lay(self._current(name), time_ns)

    def _lay(self, session: RecordedSession, time_ns: NDArray[np.int64]) -> None:
        """Write what is pending to the file of labels, as far as there are samples.

        Raises:
            StaleLabelsError, RefusedError: as ``_label``.
            HarkenError: when there are no samples for the labels of another program.
            OSError: when what is still pending cannot be written.
        """
        if len(time_ns) == 0:
            if session.filed:
                path = self.files.labels(session.name)
                raise HarkenError(f"{path}: there are no samples of the recording near its intervals; correct them")
            return
        session = self._pending(session, labelled_as_filed(session.filed, session.pending))
        bouts, pending = laid(session.filed, session.pending, (int(time_ns[0]), after(int(time_ns[-1]))))
        if bouts != session.filed:
            session = self._label(session, bouts)
        self._pending(session, pending)

    def _pending(self, session: RecordedSession, pending: tuple[Bout, ...]) -> RecordedSession:
        """The session in which this is still pending, on the disk. Raises ``OSError``."""
        if pending != session.pending:
            session = replace(session, pending=pending)
            self.files.save(session)
            self._sessions[session.name] = session
        return session


@contextmanager
def _refused(done: str) -> Iterator[None]:
    """Within the block, labels that cannot be ``read`` or ``written`` are refused.

    Raises:
        RefusedError: in place of the error that says why.
    """
    what = f"the labels of this session cannot be {done}"
    try:
        yield
    except HarkenError as error:
        raise RefusedError(409, f"{what}: {error}", reason="recording") from error
    except OSError as error:
        raise RefusedError(507, f"{what} ({error.strerror or error})") from error
