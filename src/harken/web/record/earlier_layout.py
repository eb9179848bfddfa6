"""Sessions that the version before has recorded: ``sessions/NAME.json``, beside recordings with labels.

That version wrote bouts to the file of labels as their samples came. The JSON file has the rest: the open bout, and
bouts that are not in the file of labels. These become the log of a session that goes on or is finished. A recording
that is there stays as it is, with its labels, and so does what annotate has changed in them.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from harken.annotations.formats import read_annotations
from harken.support.errors import HarkenError
from harken.support.files import regular
from harken.web.record.session import Began, Bout, Closed, Ended, Made, Opened, Step
from harken.web.record.session_files import EVER, SessionFiles

LOG = logging.getLogger("uvicorn.error")
REST = "-rest"
"""Follows the name of a session in that of the bouts that its recording lacks."""


class EarlierBout(msgspec.Struct, frozen=True):
    """A bout that has ended."""

    start_ns: int
    end_ns: int
    label: str


class EarlierOpenBout(msgspec.Struct, frozen=True):
    """A bout that is being recorded."""

    start_ns: int
    label: str
    ahead_ns: int


class EarlierSession(msgspec.Struct, frozen=True):
    """The fields of ``sessions/NAME.json`` that are used."""

    name: str
    watch: str
    since_s: float
    pending: tuple[EarlierBout, ...] = ()
    open: EarlierOpenBout | None = None


def convert_sessions(files: SessionFiles) -> None:
    """Write the logs of all sessions of the version before, and remove their JSON files.

    A session that cannot be converted is left as it is, and a warning says why.
    """
    for path in sorted(files.logs.glob("*.json")):
        try:
            session = msgspec.json.decode(regular(path).read_bytes(), type=EarlierSession)
            if session.name != path.stem:
                raise HarkenError(f"it is the session {session.name}")
            _convert(files, session, path.stat().st_mtime)
            path.unlink()
        except (HarkenError, OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            LOG.warning("%s is not a recorded session (%s)", path, error)


def _convert(files: SessionFiles, session: EarlierSession, changed_s: float) -> None:
    opened = Opened(session.since_s, session.watch)
    name = session.name
    filed: list[Bout] = []
    if files.recording(name).exists() or files.labels(name).exists():
        filed = _read_bouts(files.labels(name))
        if not files.log(name).exists():
            files.write_log(name, opened, *_steps_of(filed, changed_s), Closed(changed_s), Made(changed_s))
        name += REST
    rest = [part for bout in session.pending for part in _find_outside(bout, filed)]
    steps = list(_steps_of(sorted(rest), changed_s))
    if session.open is not None:
        steps.append(Began(changed_s, session.open.start_ns, session.open.label, session.open.ahead_ns))
    if steps and not files.log(name).exists():  # it does after a kill before the JSON file was removed
        files.write_log(name, opened, *steps)


def _read_bouts(path: Path) -> list[Bout]:
    """The bouts in a file of labels; none if it cannot be read, or its times count from the recording."""
    try:
        annotations = read_annotations(path)
        bouts = annotations.intervals(EVER)
    except (HarkenError, OSError):
        return []
    if annotations.counts_from_recording:
        return []
    return [Bout(*row) for row in zip(bouts.start_ns.tolist(), bouts.end_ns.tolist(), bouts.labels, strict=True)]


def _steps_of(bouts: Iterable[Bout], at_s: float) -> Iterator[Step]:
    for bout in bouts:
        yield Began(at_s, bout.start_ns, bout.label, 0)
        yield Ended(at_s, bout.end_ns)


def _find_outside(bout: EarlierBout, others: list[Bout]) -> Iterator[Bout]:
    """Yield the parts of a bout that lie outside others, which are in order."""
    begin_ns = bout.start_ns
    for other in others:
        if begin_ns < min(other.start_ns, bout.end_ns):
            yield Bout(begin_ns, min(other.start_ns, bout.end_ns), bout.label)
        begin_ns = max(begin_ns, other.end_ns)
    if begin_ns < bout.end_ns:
        yield Bout(begin_ns, bout.end_ns, bout.label)
