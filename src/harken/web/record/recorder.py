"""Recording with labels: bouts of watches begin and end, and become recordings with labels in the folder of ``--keep``.

Each step is on the disk before it returns. A recording is made from the log of samples when its session is closed.
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.web.limits import Limits, RefusedError
from harken.web.record.earlier_layout import convert_sessions
from harken.web.record.session import (
    LONGEST_NS,
    MARGIN_NS,
    Began,
    Bout,
    Closed,
    Deleted,
    Ended,
    Made,
    Opened,
    RecordedSession,
    Step,
    checked_label,
    cut_bouts,
    session_name,
)
from harken.web.record.session_files import SessionFiles, SessionSamples

LOG = logging.getLogger("uvicorn.error")
LOOK_S = 1.0
"""How often it is checked whether a session is over, or a recording can be made."""
WAIT_S = 2.0
"""A recording is made so long after its session was closed or samples have come, because more of them follow."""
PATIENCE_S = 60.0
"""So long after a session was closed, or the server was started, its recording is made without the last samples."""
LONG_PATIENCE_S = 3600.0
"""The same where no sample of a whole bout has come: the watch may be away for some time."""
RETRY_S = 30.0
"""After an error, such as a full disk."""
LABELS_OF = 200
"""The number of sessions whose labels are offered again."""
NOT_CLOSED = "this session is finished; change its labels with harken annotate"


class NoSamplesError(HarkenError):
    """None of the samples of a session have come."""


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
        convert_sessions(self.files)
        self._limits = limits
        self._sessions = {session.name: session.interrupted() for session in self.files.load()}
        self._of_watch: dict[str, list[str]] = {}
        for session in self._sessions.values():
            self._of_watch.setdefault(session.watch, []).append(session.name)
        self._next_s: dict[str, float] = {}  # when the recording of a session may be made, by the server's clock
        self._trouble: dict[str, str] = {}  # why a recording could not be made
        self._started_s = time.time()
        self._lock = threading.RLock()

    def sessions(self, watch: str, most: int) -> list[RecordedSession]:
        """The latest sessions of a watch, the last first, at most so many."""
        with self._lock:
            return [self._sessions[name] for name in reversed(self._of_watch.get(watch, [])[-most:])]

    def open_sessions(self) -> list[RecordedSession]:
        """The sessions in which a bout is being recorded."""
        with self._lock:
            return [session for session in self._sessions.values() if session.open is not None]

    def taught_sessions(self) -> list[RecordedSession]:
        """The sessions in which a step of a routine runs."""
        with self._lock:
            sessions = list(self._sessions.values())
        return [session for session in sessions if session.running_step is not None]

    def labels(self) -> list[str]:
        """The labels that were used in the latest sessions, the latest first."""
        with self._lock:
            sessions = list(islice(reversed(self._sessions.values()), LABELS_OF))
        opened = (session.open.label for session in sessions if session.open is not None)
        ended = (bout.label for session in sessions for bout in reversed(session.bouts))
        return list(dict.fromkeys((*opened, *ended)))

    def trouble(self, name: str) -> str | None:
        """Why the recording of a session could not be made; None if there was no error."""
        return self._trouble.get(name)

    def begin(self, watch: str, label: str, start_ns: int) -> RecordedSession:
        """Begin a bout at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when one is being recorded or a step of a routine runs, the label is none, or there are too
                many sessions or bouts; and when the disk refuses it.
        """
        label = checked_label(label)
        now_s = time.time()
        ahead_ns = start_ns - int(now_s * 1e9)
        with self._lock:
            session = self._stopped(watch)
            if session is not None and session.is_followed_by(start_ns):
                if len(session.bouts) >= self._limits.recorded_bouts:
                    sentence = f"this session has {len(session.bouts):,} bouts; finish it and begin another one"
                    raise RefusedError(409, sentence, reason="bouts")
                return self._take(session, Began(now_s, max(start_ns, session.last_ns), label, ahead_ns))
            return self._open_session(watch, start_ns, Began(now_s, start_ns, label, ahead_ns))

    def begin_session(self, watch: str, start_ns: int, *steps: Step) -> RecordedSession:
        """Close the session of a watch, and begin another one with these steps at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when a bout is being recorded or a step of a routine runs, or there are too many sessions; and
                when the disk refuses it.
        """
        with self._lock:
            self._stopped(watch)
            return self._open_session(watch, start_ns, *steps)

    def change(self, watch: str, choose: Callable[[RecordedSession | None], Sequence[Step]]) -> RecordedSession | None:
        """Take the steps that ``choose`` returns for the session of a watch that is not closed.

        Returns:
            The session; None if there is none.

        Raises:
            RefusedError: as ``choose``, and when the disk refuses the steps.
        """
        with self._lock:
            session = self._unfinished(watch)
            steps = choose(session)
            return session if session is None or not steps else self._take(session, *steps)

    def end(self, watch: str, end_ns: int) -> Bout | None:
        """End the open bout of a watch at ``end_ns`` of its clock; returns it, or None if nothing of it is left.

        Raises:
            RefusedError: when none is being recorded, or the disk refuses it.
        """
        with self._lock:
            session = self._unfinished(watch)
            if session is None or session.open is None:
                sentence = "nothing is being recorded with this watch; another page may have stopped it"
                raise RefusedError(409, sentence, reason="recording")
            ended = session.ended(end_ns)
            self._take(session, Ended(time.time(), end_ns))
            return ended

    def delete(self, name: str, start_ms: int) -> str:
        """Delete the bout of a session that began in this millisecond; an open one is not recorded any more.

        Returns:
            The watch.

        Raises:
            RefusedError: when there is none, its session is closed, or the disk refuses it.
        """
        with self._lock:
            session = self._sessions.get(name)
            if session is None:
                raise RefusedError(404, "there is no such session")
            if session.closed_s is not None:
                raise RefusedError(409, NOT_CLOSED, reason="recording")
            return self._take(session, Deleted(time.time(), session.find_bout(start_ms))).watch

    def close(self, watch: str) -> None:
        """Close the session of a watch: its recording is made, and the next bout begins a new session.

        Raises:
            RefusedError: while a bout is being recorded or a step of a routine runs, and when the disk refuses it.
        """
        with self._lock:
            session = self._stopped(watch)
            if session is not None:
                self._close(session, time.time())

    def received(self, watch: str, time_ns: Int64Array, written: "asyncio.Future[None]") -> None:
        """Samples of a watch have come. A recording that waits for them is made when they are on the disk.

        It waits for no other thread, because the server's event loop calls it for each message.

        Args:
            watch: the watch.
            time_ns: their times, int64 ``[n]``, n at least 1.
            written: done when they are on the disk.
        """
        first_ns = int(time_ns.min())
        last_ns = int(time_ns.max())
        for name in self._of_watch.get(watch, ()):
            session = self._sessions.get(name)
            if session is None or session.made or session.closed_s is None or not session.is_near(first_ns, last_ns):
                continue
            written.add_done_callback(partial(self._look_soon, name))

    def _look_soon(self, name: str, _written: "asyncio.Future[None]") -> None:
        soon_s = time.time() + WAIT_S
        self._next_s[name] = min(self._next_s.get(name, soon_s), soon_s)

    async def run(self, changed: Callable[[str], None]) -> None:
        """Close sessions that are over and make recordings until cancelled; ``changed`` is called with the watch of
        each one."""
        while True:
            await asyncio.sleep(LOOK_S)
            for watch in await asyncio.to_thread(self.finish, time.time()):
                changed(watch)

    def finish(self, now_s: float) -> list[str]:
        """Close the sessions that are over, and make the recordings of closed ones.

        Args:
            now_s: what the server's clock shows.

        Returns:
            The watches of the sessions that have changed.
        """
        with self._lock:
            unmade = [session for session in self._sessions.values() if not session.made]
        return [session.watch for session in unmade if self._finish(session.name, now_s)]

    def _finish(self, name: str, now_s: float) -> bool:
        """Take the next step with a session whose recording is not made; return whether something has changed."""
        if now_s < self._next_s.get(name, now_s):
            return False
        self._next_s.pop(name, None)  # samples that come from now on set it again
        try:
            changed = self._close_left(name, now_s) or self._make(name, now_s)
        except NoSamplesError as error:
            return self._postpone(name, str(error), math.inf)
        except OSError as error:
            sentence = f"the recording could not be written ({error.strerror or error})"
            return self._postpone(name, sentence, now_s + RETRY_S)
        except (RefusedError, HarkenError) as error:
            return self._postpone(name, str(error), now_s + RETRY_S)
        except Exception as error:  # the other sessions go on
            LOG.exception("%s: its recording could not be made", name)
            return self._postpone(name, f"a fault in harken: {type(error).__name__}: {error}", now_s + RETRY_S)
        return self._trouble.pop(name, None) is not None or changed

    def _postpone(self, name: str, sentence: str, next_s: float) -> bool:
        """Try again later; return whether there was no such error before."""
        self._next_s.setdefault(name, next_s)
        is_new = self._trouble.get(name) != sentence
        if is_new:
            LOG.warning("%s: %s", name, sentence)
        self._trouble[name] = sentence
        return is_new

    def _close_left(self, name: str, now_s: float) -> bool:
        """Close a session that is over; return whether it was. A bout that was forgotten has its longest length."""
        with self._lock:
            session = self._sessions.get(name)
            if session is None or session.closed_s is not None or not session.is_left(now_s):
                return False
            if session.open is not None:
                session = self._take(session, Ended(now_s, session.open.start_ns + LONGEST_NS))
            self._close(session, now_s)
            return True

    def _make(self, name: str, now_s: float) -> bool:
        """Make the recording of a session if it is closed and its samples have come; return whether it is made.

        Once there is a recording, its labels belong to annotate: a server that was killed before it noted that leaves
        both as they are.

        Raises:
            NoSamplesError: when none of its samples have come.
            HarkenError: when its labels cannot be written.
            RefusedError, OSError: when the disk refuses it.
        """
        with self._lock:
            session = self._sessions.get(name)
            if session is None or session.closed_s is None:
                return False
            closed_s = session.closed_s
            span_ns = self._span(session)
        left_out = 0
        if not self.files.recording(name).exists():
            samples = self._read_samples(session, span_ns, max(closed_s, self._started_s), now_s)
            if samples is None:
                return False
            bouts = cut_bouts(session.bouts, samples.time_ns)
            if not bouts:
                raise NoSamplesError("no samples of its bouts have come; the recording is made when they come")
            left_out = len(session.bouts) - len(bouts)
            self.files.write_labels(session, bouts)
            self.files.write_recording(session, samples)
        with self._lock:
            self._take(session, Made(now_s, left_out))
        return True

    def _read_samples(
        self, session: RecordedSession, span_ns: tuple[int, int], since_s: float, now_s: float
    ) -> SessionSamples | None:
        """Read the samples of a session, for which has been waited since ``since_s``; None to wait for more of them."""
        samples = self.files.samples(session, *span_ns)
        if _has_all(session, samples):
            return samples
        if now_s < since_s + PATIENCE_S:
            self._next_s.setdefault(session.name, since_s + PATIENCE_S)
            return None
        samples = self.files.samples(session, *span_ns, in_all_files=True)
        bouts = cut_bouts(session.bouts, samples.time_ns)
        lacks_some_bouts = 0 < len(bouts) < len(session.bouts)
        if lacks_some_bouts and now_s < since_s + LONG_PATIENCE_S:
            self._next_s.setdefault(session.name, since_s + LONG_PATIENCE_S)
            return None
        return samples

    def _unfinished(self, watch: str) -> RecordedSession | None:
        """The session of a watch that is not closed."""
        for name in reversed(self._of_watch.get(watch, [])):
            if self._sessions[name].closed_s is None:
                return self._sessions[name]
        return None

    def _stopped(self, watch: str) -> RecordedSession | None:
        """The session of a watch that is not closed.

        Raises:
            RefusedError: while a bout is being recorded or a step of a routine runs.
        """
        session = self._unfinished(watch)
        if session is not None:
            session.refuse_open_bout()
            if session.running_step is not None:
                raise RefusedError(409, "this watch follows a routine; pause it first", reason="recording")
        return session

    def _open_session(self, watch: str, start_ns: int, *steps: Step) -> RecordedSession:
        """Begin a session with these steps; the earlier one is closed.

        Raises:
            RefusedError: when there are too many sessions, or the disk refuses it.
        """
        if len(self._sessions) >= self._limits.recorded_sessions:
            sentence = f"there are {len(self._sessions):,} recorded sessions; move old ones out of the folder"
            raise RefusedError(409, sentence, reason="sessions")
        now_s = time.time()
        earlier = self._unfinished(watch)
        if earlier is not None:
            self._close(earlier, now_s)
        name = session_name(watch, start_ns, self.files.names())
        opened = RecordedSession(name, watch, now_s, now_s)
        return self._take(opened, Opened(now_s, watch), *steps)

    def _close(self, session: RecordedSession, now_s: float) -> None:
        self._take(session, Closed(now_s))
        self._next_s[session.name] = now_s + WAIT_S

    def _take(self, session: RecordedSession, *steps: Step) -> RecordedSession:
        """Write steps to the disk, then use them; a session without a bout is forgotten.

        Raises:
            RefusedError: when the disk refuses them.
        """
        name, watch = session.name, session.watch
        for step in steps:
            session = session.after(step)
        try:
            if session.empty:
                self.files.forget(name)
            else:
                self.files.append(name, *steps)
        except OSError as error:
            sentence = f"this could not be written to the disk ({error.strerror or error}); try again"
            raise RefusedError(507, sentence) from error
        names = self._of_watch.get(watch, [])
        if session.empty:
            self._sessions.pop(name, None)
            self._of_watch[watch] = [other for other in names if other != name]
        else:
            self._sessions[name] = session
            if name not in names:
                self._of_watch[watch] = [*names, name]
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


def _has_all(session: RecordedSession, samples: SessionSamples) -> bool:
    """Whether samples have come until the end of the last bout."""
    return len(samples.time_ns) > 0 and int(samples.time_ns[-1]) >= session.last_ns
