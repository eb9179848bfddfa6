"""A recorded session: the bouts that somebody recorded with one watch without a long pause.

Until it is closed, a session is a log of steps. Then its recording and its file of labels are made, once, and belong to
``harken annotate``. Times are ns since 1970 by the clock of the watch, but ``at_s`` is by the clock of the server.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from harken.annotations.table import why_not_kept
from harken.annotations.times import SECOND_NS
from harken.recordings.recording import local_time
from harken.support.arrays import Int64Array
from harken.web.limits import RefusedError
from harken.web.record.teaching import RoutineBegan, Running, StepBegan, StepKept, Teaching, TeachingStep

MS_NS = 10**6
MARGIN_NS = 60 * SECOND_NS
"""How much of the samples before the first bout and after the last one belongs to the recording, so that the ends of a
bout can be moved later."""
PAUSE_NS = 30 * 60 * SECOND_NS
"""After a pause of this length a session is closed, and a new one begins."""
LONGEST_NS = 12 * 3600 * SECOND_NS
"""The longest bout. Somebody has forgotten to stop a longer one."""
CLOCK_NS = 5 * SECOND_NS
"""How far a bout may seem to begin before the end of the last one, because the watch's clock is only estimated."""
UNSAFE = re.compile(r"[^A-Za-z0-9]+")
LONGEST_NAME = 40


class Opened(msgspec.Struct, frozen=True, tag="open", tag_field="step"):
    """The first step: a session of a watch begins."""

    at_s: float
    watch: str


class Began(msgspec.Struct, frozen=True, tag="begin", tag_field="step"):
    """A bout begins. The watch's clock is ``ahead_ns`` ahead of the server's."""

    at_s: float
    start_ns: int
    label: str
    ahead_ns: int


class Ended(msgspec.Struct, frozen=True, tag="end", tag_field="step"):
    """The open bout ends."""

    at_s: float
    end_ns: int


class Deleted(msgspec.Struct, frozen=True, tag="delete", tag_field="step"):
    """The bout, ended or open, that began at this time is deleted."""

    at_s: float
    start_ns: int


class Closed(msgspec.Struct, frozen=True, tag="close", tag_field="step"):
    """No bout follows."""

    at_s: float


class Made(msgspec.Struct, frozen=True, tag="make", tag_field="step"):
    """The recording and its file of labels are made, without the bouts of which no sample had come."""

    at_s: float
    left_out: int = 0


Step = Opened | Began | Ended | Deleted | Closed | Made | RoutineBegan | TeachingStep


class Bout(NamedTuple):
    """A bout that has ended: from ``start_ns`` to ``end_ns``, which is not part of it."""

    start_ns: int
    end_ns: int
    label: str


@dataclass(frozen=True)
class OpenBout:
    """A bout that is being recorded.

    Attributes:
        start_ns: when it began.
        label: what is being recorded.
        ahead_ns: how far the watch's clock was ahead of the server's then, for a watch that has not sent since.
    """

    start_ns: int
    label: str
    ahead_ns: int


@dataclass(frozen=True)
class RecordedSession:
    """The bouts of one watch in one session, which become one recording.

    Attributes:
        name: the name of its files without their ending.
        watch: the watch.
        since_s: when it began, by the server's clock. Its samples came later, or shortly before.
        last_step_s: when something was done last, by the server's clock.
        bouts: the bouts that have ended, in order.
        open: the bout that is being recorded.
        closed_s: when it was closed, by the server's clock; None if it goes on.
        made: whether its recording and its file of labels are made.
        left_out: the number of bouts that are in neither, because no sample of them had come.
        teaching: how far it is in the routine that the wearer follows; None without a routine.
    """

    name: str
    watch: str
    since_s: float
    last_step_s: float
    bouts: tuple[Bout, ...] = ()
    open: OpenBout | None = None
    closed_s: float | None = None
    made: bool = False
    left_out: int = 0
    teaching: Teaching | None = None

    def after(self, step: Step) -> "RecordedSession":
        """Return the session after a step."""
        session = replace(self, last_step_s=step.at_s)
        match step:
            case Began(_, start_ns, label, ahead_ns):
                return replace(session, open=OpenBout(start_ns, label, ahead_ns))
            case Ended(_, end_ns):
                ended = self.ended(end_ns)
                bouts = self.bouts if ended is None else (*self.bouts, ended)
                return replace(session, bouts=bouts, open=None)
            case Deleted(_, start_ns):
                bouts = tuple(bout for bout in self.bouts if bout.start_ns != start_ns)
                is_open = self.open is not None and self.open.start_ns == start_ns
                teaching = None if self.teaching is None else self.teaching.without_bout(start_ns)
                return replace(session, bouts=bouts, open=None if is_open else self.open, teaching=teaching)
            case Closed(at_s):
                return replace(session, closed_s=at_s)
            case Made(_, left_out):
                return replace(session, made=True, left_out=left_out)
            case Opened():
                return session
            case RoutineBegan(_, routine, steps, digest):
                return replace(session, teaching=Teaching(routine, steps, digest))
        return session._after_teaching(step)

    def _after_teaching(self, step: TeachingStep) -> "RecordedSession":
        """Return the session after a step of its routine."""
        if self.teaching is None:  # its beginning is damaged in the log: only the bouts count
            kept = [Bout(step.start_ns, step.end_ns, step.label)] if isinstance(step, StepKept) else []
            return replace(self, bouts=(*self.bouts, *kept))
        bouts = self.bouts
        if isinstance(step, StepKept):
            bouts = (*bouts, Bout(step.start_ns, step.end_ns, step.label))
        elif isinstance(step, StepBegan) and step.number in self.teaching.kept:
            again_ns = self.teaching.kept[step.number]
            bouts = tuple(bout for bout in bouts if bout.start_ns != again_ns)
        return replace(self, bouts=bouts, teaching=self.teaching.after(step))

    def interrupted(self) -> "RecordedSession":
        """Return the session after a start of the server: a step of a routine that ran is broken off."""
        return self if self.teaching is None else replace(self, teaching=self.teaching.interrupted())

    def ended(self, end_ns: int) -> Bout | None:
        """Return what the open bout is when it ends at ``end_ns``; None if nothing is left of it."""
        if self.open is None:
            return None
        end_ns = min(end_ns, self.open.start_ns + LONGEST_NS)
        return Bout(self.open.start_ns, end_ns, self.open.label) if self.open.start_ns < end_ns else None

    def refuse_open_bout(self) -> None:
        """Raise a RefusedError while a bout is being recorded."""
        if self.open is not None:
            sentence = f"{self.open.label} is being recorded with this watch; stop it first"
            raise RefusedError(409, sentence, reason="recording")

    @property
    def running_step(self) -> Running | None:
        """The step of a routine that runs."""
        return None if self.teaching is None else self.teaching.running

    @property
    def empty(self) -> bool:
        """Whether it has no bout, neither ended nor open, and no routine is followed."""
        is_taught = self.teaching is not None and self.closed_s is None
        return not self.bouts and self.open is None and not is_taught

    @property
    def first_ns(self) -> int:
        """When the first bout began."""
        if self.bouts:
            return self.bouts[0].start_ns
        return 0 if self.open is None else self.open.start_ns

    @property
    def last_ns(self) -> int:
        """When the last bout ended that has ended; without one, when the open one began."""
        return self.bouts[-1].end_ns if self.bouts else self.first_ns

    def is_followed_by(self, start_ns: int) -> bool:
        """Whether a bout that begins at this time belongs to this session."""
        return -CLOCK_NS <= start_ns - self.last_ns < PAUSE_NS

    def is_left(self, now_s: float) -> bool:
        """Whether nothing was done for so long that the session is over, or the open bout was forgotten."""
        is_resting = self.open is None and self.running_step is None
        longest_ns = PAUSE_NS if is_resting else LONGEST_NS
        return (now_s - self.last_step_s) * SECOND_NS >= longest_ns

    def is_near(self, first_ns: int, last_ns: int) -> bool:
        """Whether samples of these times may belong to its recording."""
        return first_ns <= self.last_ns + MARGIN_NS and last_ns >= self.first_ns - MARGIN_NS

    def find_bout(self, start_ms: int) -> int:
        """Return the start of the bout, ended or open, that began in this millisecond.

        Raises:
            RefusedError: when there is none.
        """
        starts_ns = [bout.start_ns for bout in self.bouts]
        if self.open is not None:
            starts_ns.append(self.open.start_ns)
        for start_ns in starts_ns:
            if start_ns // MS_NS == start_ms:
                return start_ns
        raise RefusedError(404, "there is no such bout; it may have been deleted")


def replay(name: str, steps: Iterable[Step]) -> RecordedSession | None:
    """Return the session that the steps of its log make; None if none of them opens it."""
    session: RecordedSession | None = None
    for step in steps:
        if session is None and isinstance(step, Opened):
            session = RecordedSession(name, step.watch, step.at_s, step.at_s)
        elif session is not None:
            session = session.after(step)
    return session


def cut_bouts(bouts: Iterable[Bout], time_ns: Int64Array) -> list[Bout]:
    """Cut bouts to the times of samples, which are in order, and leave out those before and after all samples.

    A bout may reach to the whole millisecond after the last sample.
    """
    if len(time_ns) == 0:
        return []
    first_ns = int(time_ns[0])
    last_ns = int(time_ns[-1]) // MS_NS * MS_NS + MS_NS
    cut = [bout._replace(start_ns=max(bout.start_ns, first_ns), end_ns=min(bout.end_ns, last_ns)) for bout in bouts]
    return [bout for bout in cut if bout.start_ns < bout.end_ns]


def checked_label(text: str) -> str:
    """A label, without blanks around it, that a file of labels gives back as it is.

    Raises:
        RefusedError: when it is empty, too long, has control characters, or is a word for a missing value.
    """
    label = text.strip()
    if (reason := why_not_kept(label)) is not None:
        raise RefusedError(422, reason, reason="label")
    return label


def session_name(watch: str, start_ns: int, taken: set[str]) -> str:
    """A name for the files of a session: a safe form of the watch's name, and the time (UTC).

    >>> from harken.web.record.session import session_name
    >>> session_name("../Anna's phone", 1_700_000_000 * 10**9, set())
    'Anna-s-phone_20231114-221320'
    """
    safe = UNSAFE.sub("-", watch).strip("-")[:LONGEST_NAME].strip("-") or "watch"
    base = f"{safe}_{local_time(start_ns, 'UTC'):%Y%m%d-%H%M%S}"
    lower = {name.lower() for name in taken}  # some file systems do not distinguish the case
    name = base
    number = 1
    while name.lower() in lower:
        number += 1
        name = f"{base}-{number}"
    return name
