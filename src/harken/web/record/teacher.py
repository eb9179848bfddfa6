"""The steps of a routine, one after the other: begun, ended by the clock of the watch, checked, and kept as bouts."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harken.annotations.routine import Routine
from harken.annotations.times import SECOND_NS
from harken.support.arrays import finite_rows
from harken.web.limits import RefusedError
from harken.web.record.recorder import Recorder
from harken.web.record.session import RecordedSession, Step
from harken.web.record.teaching import (
    LONGEST_GAP_S,
    RoutineBegan,
    Running,
    StepBegan,
    StepBroken,
    StepDoubted,
    StepKept,
    StepSkipped,
    Teaching,
    digest_routine,
    find_doubt,
    find_longest_gap_s,
)

LOST_S = 15.0
"""A step is broken off when its watch has sent nothing for this time, or so long after its end without its samples."""


class WatchTime(NamedTuple):
    """What is known of a watch now: its clock, its newest sample, and for how long it has sent nothing."""

    now_ns: int
    newest_ns: int
    silent_s: float


class Teacher:
    """Takes wearers through a routine. Its methods may be called from any thread.

    Args:
        recorder: keeps the sessions.
        routine: the routine of this server.
    """

    def __init__(self, recorder: Recorder, routine: Routine) -> None:
        self.routine = routine
        self._recorder = recorder
        self._digest = digest_routine(routine)

    def find_session(self, watch: str) -> RecordedSession | None:
        """Return the latest session of a watch, if it follows this routine; None if it does not."""
        latest = self._recorder.sessions(watch, 1)
        if latest and latest[0].teaching is not None and latest[0].teaching.digest == self._digest:
            return latest[0]
        return None

    def begin(self, watch: str, start_ns: int) -> None:
        """Begin the routine with its first step at ``start_ns`` of the watch's clock, in a session of its own.

        Raises:
            RefusedError: when something is being recorded, there are too many sessions, or the disk refuses it.
        """
        now_s = time.time()
        opened = RoutineBegan(now_s, self.routine.name, len(self.routine.steps), self._digest)
        self._recorder.begin_session(watch, start_ns, opened, _begin_step(1, start_ns, now_s))

    def begin_step(self, watch: str, number: int, start_ns: int) -> None:
        """Begin a step at ``start_ns`` of the watch's clock, also one that runs, has ended or was skipped.

        A label that it had is taken back, and a step that runs is broken off.

        Raises:
            RefusedError: when there is no such step, the watch follows no routine, something is being recorded, or the
                disk refuses it.
        """

        def choose(session: RecordedSession | None) -> Sequence[Step]:
            found, teaching = self._check(session)
            if not 1 <= number <= teaching.steps:
                raise RefusedError(404, f"there is no step {number}; the steps are 1 to {teaching.steps}")
            return [_begin_step(number, max(start_ns, found.last_ns), time.time())]

        self._recorder.change(watch, choose)

    def pause(self, watch: str, number: int) -> None:
        """Break off a step that runs.

        Raises:
            RefusedError: when it does not run, or the disk refuses it.
        """

        def choose(session: RecordedSession | None) -> Sequence[Step]:
            _, teaching = self._check(session, number)
            if teaching.running is None:
                raise RefusedError(409, "this step does not run", reason="recording")
            return [StepBroken(time.time(), "paused")]

        self._recorder.change(watch, choose)

    def skip(self, watch: str, number: int, start_ns: int) -> None:
        """Leave a step out, and begin the next one at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when another step runs or is next, or the disk refuses it.
        """

        def choose(session: RecordedSession | None) -> Sequence[Step]:
            found, teaching = self._check(session, number)
            return _with_next_step(teaching, StepSkipped(time.time()), max(start_ns, found.last_ns))

        self._recorder.change(watch, choose)

    def keep(self, watch: str, number: int, start_ns: int) -> None:
        """Keep a step that the wearer is asked about, and begin the next one at ``start_ns`` of the watch's clock.

        Raises:
            RefusedError: when nothing is asked about it, or the disk refuses it.
        """

        def choose(session: RecordedSession | None) -> Sequence[Step]:
            found, teaching = self._check(session, number)
            if teaching.doubted is None:
                raise RefusedError(409, "nothing is asked about this step", reason="recording")
            bout = teaching.doubted
            kept = StepKept(time.time(), bout.start_ns, bout.end_ns, bout.label)
            return _with_next_step(teaching, kept, max(start_ns, found.last_ns))

        self._recorder.change(watch, choose)

    def advance(self, find_time: Callable[[str], WatchTime | None]) -> list[str]:
        """End the steps whose time is over, and begin the next ones.

        Args:
            find_time: returns the time of a watch; None if it does not send. It is called for the watches alone of
                which a step runs.

        Returns:
            The watches of which something has changed.

        Raises:
            RefusedError, OSError: when the disk refuses it; it can be called again.
        """
        changed = []
        for session in self._recorder.taught_sessions():
            teaching, running = session.teaching, session.running_step
            if teaching is None or running is None:
                continue
            steps = self._end_step(session, teaching, running, find_time(session.watch))
            if steps and self._take(session, running, steps):
                changed.append(session.watch)
        return changed

    def _take(self, session: RecordedSession, running: Running, steps: Sequence[Step]) -> bool:
        """Take the steps if the same step still runs; return whether it did."""
        taken = False

        def choose(now: RecordedSession | None) -> Sequence[Step]:
            nonlocal taken
            taken = now is not None and now.running_step == running
            return steps if taken else []

        self._recorder.change(session.watch, choose)
        return taken

    def _end_step(
        self, session: RecordedSession, teaching: Teaching, running: Running, watch: WatchTime | None
    ) -> Sequence[Step]:
        """Return the steps of the log that end the step that runs; none if it goes on, or its samples are awaited."""
        now_s = time.time()
        if teaching.digest != self._digest:
            return [StepBroken(now_s, "restarted")]
        if watch is None or watch.silent_s > LOST_S:
            return [StepBroken(now_s, "missing")]
        step = self.routine.steps[running.number - 1]
        cut_ns = round(self.routine.cut_s * SECOND_NS)
        whole_end_ns = running.start_ns + round(step.seconds * SECOND_NS)
        if watch.now_ns < whole_end_ns:
            return []
        start_ns, end_ns = running.start_ns + cut_ns, whole_end_ns - cut_ns
        if watch.newest_ns < end_ns:
            is_lost = watch.now_ns - whole_end_ns > LOST_S * SECOND_NS
            return [StepBroken(now_s, "missing")] if is_lost else []
        samples = self._recorder.files.samples(session, start_ns, end_ns)
        whole = finite_rows(samples.signals)
        signals, time_ns = samples.signals[whole], samples.time_ns[whole]
        if find_longest_gap_s(time_ns, start_ns, end_ns) > LONGEST_GAP_S:
            return [StepBroken(now_s, "missing")]
        doubt = find_doubt(step.label, signals, time_ns)
        if doubt is not None:
            return [StepDoubted(now_s, start_ns, end_ns, step.label, doubt)]
        kept = StepKept(now_s, start_ns, end_ns, step.label)
        return _with_next_step(teaching, kept, watch.now_ns)

    def _check(self, session: RecordedSession | None, number: int | None = None) -> tuple[RecordedSession, Teaching]:
        """Return a session that follows this routine, and how far it is.

        Raises:
            RefusedError: when it does not, a bout is being recorded, or another step than ``number`` is next.
        """
        if session is None or session.teaching is None or session.teaching.digest != self._digest:
            sentence = "this watch follows no routine; it may have ended, or another page may have stopped it"
            raise RefusedError(409, sentence, reason="recording")
        session.refuse_open_bout()
        if number is not None and number != session.teaching.number:
            raise RefusedError(409, "another step is next; this one may have ended just now", reason="recording")
        return session, session.teaching


def _begin_step(number: int, start_ns: int, now_s: float) -> StepBegan:
    return StepBegan(now_s, number, start_ns, start_ns - int(now_s * 1e9))


def _with_next_step(teaching: Teaching, step: StepKept | StepSkipped, start_ns: int) -> list[Step]:
    """Return a step of the log, and the beginning of the next step of the routine if there is one."""
    number = teaching.after(step).number
    if number is None:
        return [step]
    return [step, _begin_step(number, start_ns, step.at_s)]
