"""A recorded session: the bouts that somebody recorded with one watch, without a long pause. Plain values and rules.

Times are ns since 1970 by the clock of the watch (``clock``).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from harken.annotations.columns import why_not_kept
from harken.annotations.entries import LONGEST_LABEL
from harken.annotations.intervals import Intervals
from harken.recordings.recording import local_time
from harken.server.limits import RefusedError

MS_NS, SECOND_NS = 10**6, 10**9
MARGIN_NS = 60 * SECOND_NS
"""How much of the samples before the first bout and after the last one belongs to the recording, so that the ends of a
bout can be moved later."""
PAUSE_NS = 30 * 60 * SECOND_NS
"""After a pause of this length a new session begins."""
LONGEST_NS = 12 * 3600 * SECOND_NS
"""The longest bout. Somebody has forgotten to stop a longer one."""
SLACK_NS = 5 * SECOND_NS
"""How far a bout may seem to begin before the end of the last one, because the watch's clock is only estimated."""
UNSAFE = re.compile(r"[^A-Za-z0-9]+")
LONGEST_NAME = 40


@dataclass(frozen=True)
class Bout:
    """A bout that has ended.

    Attributes:
        start_ns: when it began.
        end_ns: when it ended; not part of it.
        label: what was done.
        note: what somebody wrote to it later.
        written: the part of it that is in the file of labels, from and to; None: nothing of it yet. A bout is written
            a while after its end, and only as far as there are samples, which may come much later.
    """

    start_ns: int
    end_ns: int
    label: str
    note: str = ""
    written: tuple[int, int] | None = None


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
        since_s: when it began, seconds since 1970 by the server's clock. Its samples came later, or shortly before.
        bouts: in the order of their times.
        open: the bout that is being recorded.
        closed: whether the next bout begins another session.
        labels_digests: the digest of what this server wrote or read last as the file of labels; while it replaces the
            file, those of the old and the new one; ``""`` for no file. With another content, another program has
            changed the file.
    """

    name: str
    watch: str
    since_s: float
    bouts: tuple[Bout, ...] = ()
    open: OpenBout | None = None
    closed: bool = False
    labels_digests: tuple[str, ...] = field(default=("",))

    def to_json(self) -> bytes:
        """The session as it is on the disk."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def of_json(cls, content: bytes) -> "RecordedSession":
        """The session that ``to_json`` wrote.

        Raises:
            ValueError, TypeError, KeyError: when it is something else.
        """
        fields: dict[str, Any] = dict(orjson.loads(content))
        stored: list[dict[str, Any]] = fields.pop("bouts")
        is_open = fields.pop("open")
        digests = tuple(fields.pop("labels_digests"))
        bouts = _apart(_stored_bout(bout, labelled=digests != ("",)) for bout in stored)
        return cls(**fields, bouts=bouts, open=None if is_open is None else OpenBout(**is_open), labels_digests=digests)

    @property
    def empty(self) -> bool:
        """Whether it has no bout, neither ended nor open."""
        return not self.bouts and self.open is None

    @property
    def first_ns(self) -> int:
        """When the first bout began."""
        return self.bouts[0].start_ns if self.bouts else self.open.start_ns if self.open is not None else 0

    @property
    def last_ns(self) -> int:
        """When the last bout ended that has ended; without one, when the open one began."""
        return self.bouts[-1].end_ns if self.bouts else self.first_ns

    def follows(self, start_ns: int) -> bool:
        """Whether a bout that begins at this time belongs to this session."""
        return not self.closed and -SLACK_NS <= start_ns - self.last_ns < PAUSE_NS

    def near(self, first_ns: int, last_ns: int) -> bool:
        """Whether samples of these times may belong to its recording."""
        return first_ns <= self.last_ns + MARGIN_NS and last_ns >= self.first_ns - MARGIN_NS

    def finished(self) -> "RecordedSession":
        """The session to which no more bouts are added."""
        return replace(self, closed=True)

    def begin(self, label: str, start_ns: int, ahead_ns: int) -> "RecordedSession":
        """The session with an open bout. It begins after the last one at the earliest."""
        start_ns = max(start_ns, self.last_ns)
        return replace(self, open=OpenBout(start_ns, label, ahead_ns))

    def end(self, end_ns: int) -> tuple["RecordedSession", Bout | None]:
        """The session without an open bout, and the bout that has ended; None if nothing of it is left.

        Another program may have laid labels over a part of its time meanwhile. They stay, and it has the rest; the last
        part is returned.
        """
        assert self.open is not None
        ended = Bout(self.open.start_ns, min(end_ns, self.open.start_ns + LONGEST_NS), self.open.label)
        parts = _outside(ended, self.bouts) if ended.start_ns < ended.end_ns else []
        bouts = sorted((*self.bouts, *parts), key=lambda bout: bout.start_ns)
        return replace(self, open=None, bouts=tuple(bouts)), parts[-1] if parts else None

    def without(self, start_ms: int) -> "RecordedSession":
        """The session without the bout, ended or open, that began in this millisecond.

        Raises:
            RefusedError: when there is none.
        """
        if self.open is not None and self.open.start_ns // 10**6 == start_ms:
            return replace(self, open=None)
        rest = tuple(bout for bout in self.bouts if bout.start_ns // 10**6 != start_ms)
        if len(rest) == len(self.bouts):
            raise RefusedError(404, 1008, "there is no such bout; it may have been deleted", reason="unknown")
        return replace(self, bouts=rest)

    def with_written(self, samples: tuple[int, int] | None) -> "RecordedSession":
        """The session after its labels were written as far as there are samples: from the first one to before the end;
        None without samples."""
        parts = [_common((bout.start_ns, bout.end_ns), samples) for bout in self.bouts]
        bouts = (replace(bout, written=part) for bout, part in zip(self.bouts, parts, strict=True))
        return replace(self, bouts=tuple(bouts))

    def intervals(self) -> Intervals:
        """The written parts of the bouts: what is in the file of labels."""
        numbered = [(line, bout) for line, bout in enumerate(self.bouts, 2) if bout.written is not None]
        notes = {line: bout.note for line, bout in numbered if bout.note}
        return Intervals.of([(*bout.written, bout.label, line) for line, bout in numbered if bout.written], notes=notes)

    def with_intervals(self, intervals: Intervals, digest: str) -> "RecordedSession":
        """The session with the bouts of a file of labels that another program has changed; ``digest`` is the file's.

        What was not in the file stays: bouts that were not written yet, where the file has no others, and the rest of a
        bout that was written in part, if the file's bout begins or ends where that part did.
        """
        notes = [intervals.notes.get(line, "") for line in intervals.lines.tolist()]
        rows = zip(intervals.start_ns.tolist(), intervals.end_ns.tolist(), intervals.labels, notes, strict=True)
        bouts = _with_rests([Bout(*row, (row[0], row[1])) for row in rows], self.bouts)
        for bout in self.bouts:
            if bout.written is None:
                bouts = [*bouts, *_outside(bout, bouts)]
        bouts.sort(key=lambda bout: bout.start_ns)
        return replace(self, bouts=tuple(bouts), labels_digests=(digest,))

    def with_digests(self, *digests: str) -> "RecordedSession":
        """The session with other digests of its file of labels."""
        return replace(self, labels_digests=digests)


def _stored_bout(stored: dict[str, Any], *, labelled: bool) -> Bout:
    """A bout of JSON. Earlier versions stored no ``written``; all of it was in the file of labels, if any."""
    start_ns, end_ns = stored["start_ns"], stored["end_ns"]
    written = stored.get("written", [start_ns, end_ns] if labelled else None)
    return Bout(start_ns, end_ns, stored["label"], stored["note"], written and (written[0], written[1]))


def _common(one: tuple[int, int], other: tuple[int, int] | None) -> tuple[int, int] | None:
    """The common part of two times, from and to; None if there is none."""
    if other is None:
        return None
    start_ns, end_ns = max(one[0], other[0]), min(one[1], other[1])
    return (start_ns, end_ns) if start_ns < end_ns else None


def _with_rests(found: list[Bout], stored: tuple[Bout, ...]) -> list[Bout]:
    """Bouts of a file, in order, with the rests of those that were written in part.

    Times agree to a millisecond: a part ends at the whole millisecond after the last sample, and is read back as if it
    ended right after that sample.
    """
    whole = list(found)
    for bout in stored:
        if bout.written in (None, (bout.start_ns, bout.end_ns)):
            continue
        begins_ns, ends_ns = bout.written
        for number, one in enumerate(found):
            if bout.start_ns < begins_ns and abs(one.start_ns - begins_ns) <= MS_NS:
                before_ns = found[number - 1].end_ns if number > 0 else bout.start_ns
                whole[number] = replace(whole[number], start_ns=max(bout.start_ns, before_ns))
            if bout.end_ns > ends_ns and abs(one.end_ns - ends_ns) <= MS_NS:
                after_ns = found[number + 1].start_ns if number + 1 < len(found) else bout.end_ns
                whole[number] = replace(whole[number], end_ns=min(bout.end_ns, after_ns))
    return whole


def _apart(bouts: Iterable[Bout]) -> tuple[Bout, ...]:
    """Bouts in the order of their starts, without the parts that overlap an earlier one."""
    found: list[Bout] = []
    for bout in sorted(bouts, key=lambda bout: bout.start_ns):
        start_ns = max(bout.start_ns, found[-1].end_ns if found else bout.start_ns)
        if start_ns < bout.end_ns:
            found.append(replace(bout, start_ns=start_ns))
    return tuple(found)


def _outside(bout: Bout, others: Sequence[Bout]) -> list[Bout]:
    """The parts of a bout that are outside others."""
    parts = [bout]
    for other in others:
        parts = [
            replace(part, start_ns=start_ns, end_ns=end_ns)
            for part in parts
            for start_ns, end_ns in (
                (part.start_ns, min(part.end_ns, other.start_ns)),
                (max(part.start_ns, other.end_ns), part.end_ns),
            )
            if start_ns < end_ns
        ]
    return parts


def checked_label(text: str) -> str:
    """A label, without blanks around it, that a file of labels gives back as it is.

    Raises:
        RefusedError: when it is empty, too long, has control characters, or is a word for a missing value.
    """
    label = text.strip()
    if not label or len(label) > LONGEST_LABEL:
        reason: str | None = f"name the activity, in 1 to {LONGEST_LABEL} characters"
    else:
        reason = why_not_kept(label)
    if reason is not None:
        raise RefusedError(422, 1007, reason, reason="label")
    return label


def session_name(watch: str, start_ns: int, taken: set[str]) -> str:
    """A name for the files of a session: a safe form of the watch's name, and the time (UTC).

    >>> from harken.server.recorded.session import session_name
    >>> session_name("../Anna's phone", 1_700_000_000 * 10**9, set())
    'Anna-s-phone_20231114-221320'
    """
    safe = UNSAFE.sub("-", watch).strip("-")[:LONGEST_NAME].strip("-") or "watch"
    base = f"{safe}_{local_time(start_ns, 'UTC'):%Y%m%d-%H%M%S}"
    names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    lower = {name.lower() for name in taken}  # some file systems do not distinguish the case
    return next(name for name in names if name.lower() not in lower)
