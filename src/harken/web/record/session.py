"""Recorded sessions: the bouts that somebody recorded with one watch without a long pause, and their files.

In the folder of ``--keep``, ``recordings/NAME.parquet`` has the samples of a session, and beside it
``recordings/NAME.labels.csv`` its bouts. ``sessions/NAME.json`` has the rest of what was acknowledged: the bout that is
being recorded, and bouts that have ended and are not in the file of labels yet, because their samples have not come.
Times are ns since 1970 by the clock of the watch.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals
from harken.annotations.formats import read_annotations
from harken.annotations.store import FIRST_LINE, NO_FILE, LabelStore
from harken.annotations.table import why_not_kept
from harken.annotations.times import Span
from harken.readers.folders import SIDE
from harken.readers.parquet import STATED_UNIT
from harken.recordings.mending import EARLIEST_NS, LATEST_NS
from harken.recordings.recording import local_time
from harken.support.errors import HarkenError
from harken.support.files import regular, replacing, write_bytes
from harken.web.limits import RefusedError
from harken.web.sample_log import logged_samples, sync_folder

LOG = logging.getLogger("uvicorn.error")
MS_NS, SECOND_NS = 10**6, 10**9
MARGIN_NS = 60 * SECOND_NS
"""How much of the samples before the first bout and after the last one belongs to the recording, so that the ends of a
bout can be moved later."""
PAUSE_NS = 30 * 60 * SECOND_NS
"""After a pause of this length a new session begins."""
LONGEST_NS = 12 * 3600 * SECOND_NS
"""The longest bout. Somebody has forgotten to stop a longer one."""
CLOCK_NS = 5 * SECOND_NS
"""How far a bout may seem to begin before the end of the last one, because the watch's clock is only estimated."""
UNSAFE = re.compile(r"[^A-Za-z0-9]+")
LONGEST_NAME = 40
EVER = Span(EARLIEST_NS + MARGIN_NS, LATEST_NS, "UTC")
ALWAYS_NS = (-(1 << 62), 1 << 62)
OF_LABELS = ("filed", "digest", "relative")
"""The fields of a session that are in the file of labels."""
WITH_ZONE = "write times with their zone, such as 2025-06-15T17:06:50+02:00"
EARLIER_S = 120.0
"""Samples of a session are looked for in files of the log that were last written to after its beginning, less this."""


@dataclass(frozen=True)
class Bout:
    """A bout that has ended, or the part of one that is not in the file of labels yet.

    Attributes:
        start_ns: when it began.
        end_ns: when it ended; not part of it.
        label: what was done.
        note: what somebody wrote to it later.
        cut: ``"start"`` or ``"end"`` if this is the rest of a bout whose other part, beyond this edge, was written to
            the file of labels, as far as there were samples.
    """

    start_ns: int
    end_ns: int
    label: str
    note: str = ""
    cut: str | None = None


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
        pending: what has ended and is not in the file of labels.
        open: the bout that is being recorded.
        closed: whether the next bout begins another session.
        filed: the bouts in the file of labels when it was read last, in order.
        digest: the digest of that file.
        relative: whether its times count from the recording.
    """

    name: str
    watch: str
    since_s: float
    pending: tuple[Bout, ...] = ()
    open: OpenBout | None = None
    closed: bool = False
    filed: tuple[Bout, ...] = ()
    digest: str = NO_FILE
    relative: bool = False

    def to_json(self) -> bytes:
        """What is not in the file of labels."""
        fields = {name: value for name, value in asdict(self).items() if name not in OF_LABELS}
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2)

    @classmethod
    def of_json(cls, content: bytes) -> "RecordedSession":
        """Read the session that ``to_json`` wrote.

        Raises:
            ValueError: when it is something else.
        """
        return msgspec.json.decode(content, type=cls)

    @cached_property
    def bouts(self) -> tuple[Bout, ...]:
        """All bouts that have ended, in the order of their times."""
        return laid(self.filed, self.pending, ALWAYS_NS)[0]

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
        return not self.closed and -CLOCK_NS <= start_ns - self.last_ns < PAUSE_NS

    def near(self, first_ns: int, last_ns: int) -> bool:
        """Whether samples of these times may belong to its recording."""
        return first_ns <= self.last_ns + MARGIN_NS and last_ns >= self.first_ns - MARGIN_NS

    def end(self, end_ns: int) -> tuple["RecordedSession", Bout | None]:
        """The session without an open bout, and the bout that has ended; None if nothing of it is left.

        Another program may have laid labels over a part of its time meanwhile. They stay, and it has the rest; the last
        part is returned.
        """
        assert self.open is not None
        ended = Bout(self.open.start_ns, min(end_ns, self.open.start_ns + LONGEST_NS), self.open.label)
        parts = list(_outside(ended, self.bouts)) if ended.start_ns < ended.end_ns else []
        return replace(self, open=None, pending=(*self.pending, *parts)), parts[-1] if parts else None

    def without(self, start_ms: int) -> "RecordedSession":
        """The session without the bout, ended or open, that began in this millisecond.

        Raises:
            RefusedError: when there is none.
        """
        if self.open is not None and self.open.start_ns // MS_NS == start_ms:
            return replace(self, open=None)
        deleted = [bout for bout in self.bouts if bout.start_ns // MS_NS == start_ms]
        if not deleted:
            raise RefusedError(404, "there is no such bout; it may have been deleted")
        filed = tuple(bout for bout in self.filed if list(_outside(bout, deleted)) == [bout])
        pending = tuple(part for rest in self.pending for part in _outside(rest, deleted))
        return replace(self, filed=filed, pending=pending)


def laid(
    filed: Sequence[Bout], pending: Sequence[Bout], samples: tuple[int, int]
) -> tuple[tuple[Bout, ...], tuple[Bout, ...]]:
    """Bouts of a file with what is pending laid beside them, as far as there are samples.

    What is in the file stays: pending bouts get the time that it leaves. The rest of a bout is added to the part that
    is in the file, also if this has another label now. If that part begins or ends elsewhere now, somebody has moved
    its edge, and there is no rest.

    Args:
        filed: the bouts of the file, in order.
        pending: what is not in it.
        samples: the times of the first sample, and after the last one.

    Returns:
        The bouts in order, and what is still pending.
    """
    bouts, left = list(filed), []
    for bout in pending:
        for part in _free_parts(bout, bouts):
            start_ns = max(part.start_ns, samples[0])
            end_ns = min(part.end_ns, samples[1])
            apart = (part.cut == "start" and start_ns > part.start_ns) or (part.cut == "end" and end_ns < part.end_ns)
            if start_ns >= end_ns or apart:
                left.append(part)
                continue
            _add(bouts, replace(part, start_ns=start_ns, end_ns=end_ns))
            rests = (replace(part, end_ns=start_ns, cut="end"), replace(part, start_ns=end_ns, cut="start"))
            left += [rest for rest in rests if rest.start_ns < rest.end_ns]
    return tuple(bouts), tuple(left)


def labelled_as_filed(filed: Sequence[Bout], pending: Sequence[Bout]) -> tuple[Bout, ...]:
    """What is pending, each rest with the label of the part in the file that it continues, which may have been changed.

    A server that is killed after it has added the rest to this part recognises the part by its label.
    """
    return tuple(
        replace(rest, label=next((part.label for part in filed if _continues(rest, part)), rest.label))
        for rest in pending
    )


def _continues(rest: Bout, part: Bout) -> bool:
    """Whether a bout of the file still ends, or begins, where this rest of it was cut."""
    here_ns, edge_ns = (part.end_ns, rest.start_ns) if rest.cut == "start" else (part.start_ns, rest.end_ns)
    return rest.cut is not None and abs(here_ns - edge_ns) <= MS_NS


def _free_parts(bout: Bout, bouts: Sequence[Bout]) -> Iterator[Bout]:
    """The parts of a pending bout that bouts of the file leave, and which of them continue one of these.

    A server that was killed after it had written a part of a bout finds this part in the file, and the bout pending.
    """
    if bout.cut is None:
        for part in _outside(bout, bouts):
            own = [other for other in bouts if other.label == bout.label]
            if any(bout.start_ns < other.end_ns == part.start_ns for other in own):
                yield replace(part, cut="start")
            elif any(part.end_ns == other.start_ns < bout.end_ns for other in own):
                yield replace(part, cut="end")
            else:
                yield part
        return
    edge_ns = bout.start_ns if bout.cut == "start" else bout.end_ns
    for other in bouts:
        inside = other.start_ns <= edge_ns <= other.end_ns and other.label == bout.label
        if not inside and not _continues(bout, other):
            continue
        if bout.cut == "start":
            rests = _outside(replace(bout, start_ns=other.end_ns), bouts)
            yield from (rest for rest in rests if rest.start_ns == other.end_ns)
        else:
            rests = _outside(replace(bout, end_ns=other.start_ns), bouts)
            yield from (rest for rest in rests if rest.end_ns == other.start_ns)
        return


def _add(bouts: list[Bout], part: Bout) -> None:
    """Add a part to bouts, or to the one of them that it continues."""
    for number, bout in enumerate(bouts):
        if part.cut == "start" and bout.end_ns == part.start_ns:
            bouts[number] = replace(bout, end_ns=part.end_ns)
            return
        if part.cut == "end" and bout.start_ns == part.end_ns:
            bouts[number] = replace(bout, start_ns=part.start_ns)
            return
    bouts.append(part)
    bouts.sort(key=lambda bout: bout.start_ns)


def _outside(bout: Bout, others: Iterable[Bout]) -> Iterator[Bout]:
    """The parts of a bout that are outside others."""
    begin_ns = bout.start_ns
    for other in sorted(others, key=lambda other: other.start_ns):
        if begin_ns < min(other.start_ns, bout.end_ns):
            yield replace(bout, start_ns=begin_ns, end_ns=min(other.start_ns, bout.end_ns))
        begin_ns = max(begin_ns, other.end_ns)
    if begin_ns < bout.end_ns:
        yield replace(bout, start_ns=begin_ns)


class SessionFiles:
    """Reads and writes the files of sessions. Each is written aside, synced, and renamed.

    Args:
        folder: the folder of ``--keep``.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder
        self._states, self._recordings = folder / "sessions", folder / "recordings"

    def recording(self, name: str) -> Path:
        """The recording of a session."""
        return self._recordings / f"{name}.parquet"

    def labels(self, name: str) -> Path:
        """Its labels."""
        return self._recordings / f"{name}{SIDE}"

    def load(self) -> list[RecordedSession]:
        """All sessions without their labels, in the order in which they began. Other files are left out."""
        found = []
        for path in self._states.glob("*.json"):
            try:
                session = RecordedSession.of_json(regular(path).read_bytes())
                if session.name != path.stem:
                    raise ValueError(f"it is the session {session.name}")
            except (HarkenError, OSError, ValueError, RecursionError) as error:
                LOG.warning("%s is not a recorded session (%s)", path, error)
            else:
                found.append(session)
        return sorted(found, key=lambda session: (session.since_s, session.name))

    def save(self, session: RecordedSession) -> None:
        """Write what is not in the file of labels. Raises ``OSError``."""
        if not self._states.is_dir() or not self._recordings.is_dir():
            self._states.mkdir(exist_ok=True)
            self._recordings.mkdir(exist_ok=True)
            sync_folder(self._log)
        write_bytes(self._states / f"{session.name}.json", session.to_json())

    def forget(self, session: RecordedSession) -> None:
        """Remove the files of a session. Its samples stay in the log. Raises ``OSError``."""
        name = session.name
        self._store(session, EVER).keep_original()
        for path in (self.labels(name), self.recording(name), self._states / f"{name}.json"):
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)

    def with_labels(self, session: RecordedSession, *, checked: bool = True) -> RecordedSession:
        """The session with the bouts in its file of labels, which are read as in all commands.

        Args:
            session: the session.
            checked: whether they must lie in the recording.

        Raises:
            HarkenError: when the file has an error, or its labels are not of this recording.
            OSError: when a file cannot be read.
        """
        path = self.labels(session.name)
        annotations = read_annotations(path) if path.is_file() else None
        relative = annotations is not None and annotations.counts_from_recording
        times = self.times(session.name) if relative or checked else None
        if relative and times is None:
            raise HarkenError(f"{path}: there is no recording from whose start its times count; {WITH_ZONE}")
        stored = self._store(session, EVER if times is None else Span(*times, "UTC")).load()
        if stored.error is not None:
            local = annotations is not None and annotations.has_local_times
            advice = f". The server reads times without a zone as UTC; {WITH_ZONE}" if local else ""
            raise HarkenError(f"{stored.error}{advice}")
        bouts = stored.bouts
        notes = [bouts.notes.get(line, "") for line in bouts.lines.tolist()]
        rows = zip(bouts.start_ns.tolist(), bouts.end_ns.tolist(), bouts.labels, notes, strict=True)
        return replace(session, filed=tuple(Bout(*row) for row in rows), digest=stored.digest, relative=relative)

    def save_labels(self, session: RecordedSession, bouts: Sequence[Bout]) -> RecordedSession:
        """Write bouts as the file of labels of a session; the session with them.

        Raises:
            StaleLabelsError: when another program has changed the file since it was read.
            ReadOnlyLabelsError, OSError: when it cannot be written.
        """
        rows = [(bout.start_ns, bout.end_ns, bout.label, line) for line, bout in enumerate(bouts, FIRST_LINE)]
        notes = {line: bout.note for line, bout in enumerate(bouts, FIRST_LINE) if bout.note}
        digest = self._store(session, EVER).save(Intervals.of(rows, notes=notes), if_digest=session.digest)
        return replace(session, filed=tuple(bouts), digest=digest, relative=False)

    def samples(
        self, session: RecordedSession, first_ns: int, last_ns: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Signals ``[n, 3]`` in g and times ``[n]`` from ``first_ns`` to ``last_ns`` in order, each time once: as it
        came first."""
        signals = [np.empty((0, 3), np.float32)]
        times = [np.empty(0, np.int64)]
        for message in logged_samples(self._log, after_s=session.since_s - EARLIER_S, watch=session.watch):
            inside = (message.time_ns >= first_ns) & (message.time_ns <= last_ns)
            if inside.any():
                signals.append(message.signals[inside])
                times.append(message.time_ns[inside])
        time_ns, rows = np.unique(np.concatenate(times), return_index=True)
        return np.concatenate(signals)[rows], time_ns

    def write_recording(
        self, session: RecordedSession, signals: NDArray[np.float32], time_ns: NDArray[np.int64]
    ) -> None:
        """Write samples as the recording of a session. Raises ``OSError``."""
        columns = {"Timestamp": pl.Series(time_ns).cast(pl.Datetime("ns", "UTC"))}
        columns |= {axis: pl.Series(signals[:, row]) for row, axis in enumerate("XYZ")}
        frame = pl.DataFrame(columns).with_columns(Subject=pl.lit(session.watch))
        with replacing(self.recording(session.name)) as aside:
            frame.write_parquet(aside, metadata={STATED_UNIT: "g"})

    def times(self, name: str) -> tuple[int, int] | None:
        """The times of the first and the last sample of a recording; None without one.

        Raises:
            HarkenError: when it is damaged.
        """
        recording = self.recording(name)
        if not recording.exists():
            return None
        try:
            column = pl.col("Timestamp").cast(pl.Datetime("ns", "UTC")).cast(pl.Int64)
            first_ns, last_ns = pl.scan_parquet(recording).select(column.min(), last=column.max()).collect().row(0)
        except pl.exceptions.PolarsError as error:
            raise HarkenError(f"{recording}: it cannot be read ({error}); remove it, and it is made again") from error
        if first_ns is None:
            raise HarkenError(f"{recording}: it has no samples; remove it, and it is made again")
        return first_ns, last_ns

    def _store(self, session: RecordedSession, span: Span) -> LabelStore:
        """The labels of a session. An end after the last sample is not cut to it, because its samples may come."""
        return LabelStore(self.recording(session.name), span, session.watch, cut=False)


def after(last_ns: int) -> int:
    """The first whole millisecond after a sample."""
    return last_ns // MS_NS * MS_NS + MS_NS


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
    names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    lower = {name.lower() for name in taken}  # some file systems do not distinguish the case
    return next(name for name in names if name.lower() not in lower)
