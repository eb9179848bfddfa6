"""The labels of one recording on the disk: ``NAME.labels.csv`` beside it.

The page of ``harken annotate`` and recording with labels read and write them here. Who writes says which content it has
seen, by its digest, so that no change of another window or program is overwritten unseen.
"""

import csv
import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from hashlib import file_digest, sha256
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from harken.annotations.bouts import Annotations, Intervals
from harken.annotations.folders import ORIGINAL, recording_names, side_file
from harken.annotations.formats import HEADER, annotations_in, read_annotations
from harken.annotations.table import MISSING, plain_note, why_not_kept
from harken.annotations.times import Kind, Span
from harken.recordings.recording import local_time
from harken.support.aside import locked_beside
from harken.support.errors import HarkenError
from harken.support.files import linked_file, regular, write_bytes
from harken.support.text_rows import MOST_BYTES

LOG = logging.getLogger("uvicorn.error")
NO_FILE = "none"
"""The digest of no file."""
UNREADABLE = "unreadable"
"""The digest of a file that cannot be opened, such as a folder."""
FIRST_LINE = 2
OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?([+-]\d\d:\d\d)?", re.ASCII)
TO_LABEL = "Correct or remove that file to label here"
LONGEST_S = 30.0


class StaleLabelsError(Exception):
    """The file of labels is not the one that was loaded."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} was changed by another window or program")


class ReadOnlyLabelsError(HarkenError):
    """The file of labels must not be written."""


class StoredLabels(NamedTuple):
    """The labels of a recording, and whether their file may be replaced.

    Attributes:
        bouts: the labels.
        digest: the digest of the file beside the recording; ``NO_FILE`` without one.
        read_only: a sentence that says why the file must not be written; None if it may be.
        error: why there are no labels: what is wrong with the file; None if it could be read.
    """

    bouts: Intervals
    digest: str
    read_only: str | None = None
    error: str | None = None


class LabelStore:
    """The labels of one recording.

    They are those of the file beside the recording, else of a file of labels in its folder or archive, else of the
    label column of the recording, as in all commands. They are always written to the file beside the recording. A file
    that harken did not write is copied to ``NAME.labels.csv.orig`` before it is replaced. If that copy exists already,
    with other contents, the new copy is ``NAME.labels.csv.orig2``, and so on. If the file is a link, the file to which
    it leads is replaced.

    Args:
        recording: the recording's file.
        span: its time.
        subject: its wearer.
        column: the bouts of its label column (start, end, label), in ns since 1970.
        zone_known: whether the wearer's time zone is known, so that times without a zone can be written with it.
        local_times: whether the recording's times have no zone, and were read as UTC. Labels are then written without a
            zone, too, so that they keep their places when the zone is given later.
        several_people: whether the recording's file has other people, too.

    Attributes:
        path: the file beside the recording.
    """

    def __init__(
        self,
        recording: Path,
        span: Span,
        subject: str,
        *,
        column: list[tuple[int, int, str]] | None = None,
        zone_known: bool = True,
        local_times: bool = False,
        several_people: bool = False,
    ) -> None:
        self.path = side_file(recording)
        self._recording, self._span, self._subject = recording, span, subject
        self._zone_known, self._local_times, self._several_people = zone_known, local_times, several_people
        self._column = [(*row, FIRST_LINE + number) for number, row in enumerate(column or [])]
        self._known: tuple[object, StoredLabels] | None = None

    def load(self) -> StoredLabels:
        """The labels; the same object until the file changes. A file that cannot be read as labels gives none, and
        ``error`` says why.

        Raises:
            OSError: when it is not known what there is.
        """
        state = file_state(self.path)
        if self._known is None or self._known[0] != state:
            self._known = state, self._loaded(self._digest())
        return self._known[1]

    def _loaded(self, digest: str) -> StoredLabels:
        zone = None
        try:
            path = annotations_in(self._recording) if digest == NO_FILE else self.path
            annotations = None if path is None else read_annotations(path)
            if annotations is None:
                bouts = Intervals.of(self._column, self.path).cut_to(self._span)
            else:
                zone = self._why_zone_is_needed(annotations)
                own = annotations.of_recording(recording_names(self._recording), self._subject)
                bouts = own.intervals(self._span)
        except HarkenError as error:
            return StoredLabels(Intervals.of([], self.path), digest, zone or f"{error}. {TO_LABEL}", str(error))
        except OSError:
            raise
        except Exception as error:  # the file may be corrected, and other recordings go on meanwhile
            LOG.exception("%s: its labels cannot be read", self.path)
            fault = f"{self.path}: its labels cannot be read (a fault in harken: {type(error).__name__}: {error})"
            return StoredLabels(Intervals.of([], self.path), digest, f"{fault}. {TO_LABEL}", fault)
        shared = self._why_shared(annotations)
        return StoredLabels(bouts, digest, zone or shared or self._why_not_held(bouts) or self._why_not_written())

    def editable(self, *, if_digest: str) -> StoredLabels:
        """The labels, which may be replaced.

        Raises:
            StaleLabelsError: when the digest of the file is another one now.
            ReadOnlyLabelsError: when it must not be written.
            OSError: as ``load``.
        """
        stored = self.load()
        if stored.digest != if_digest:
            raise StaleLabelsError(self.path)
        if stored.read_only is not None:
            raise ReadOnlyLabelsError(stored.read_only)
        return stored

    def save(self, bouts: Intervals, *, if_digest: str) -> str:
        """Replace all labels. They are on the disk when this returns their digest.

        Args:
            bouts: the labels.
            if_digest: the digest of the labels that were edited, from ``load`` or ``save``.

        Raises:
            StaleLabelsError: when the digest of the file is another one now; it is left as it is.
            ReadOnlyLabelsError: when it cannot be written.
            HarkenError: when the labels are too many for a file of labels.
            OSError: when the file cannot be written.
        """
        if (reason := self._why_not_written()) is not None:
            raise ReadOnlyLabelsError(reason)
        content = table_of(bouts, timezone=None if self._local_times else self._span.timezone).encode()
        if len(content) > MOST_BYTES:
            raise HarkenError(f"a file of labels has at most {MOST_BYTES >> 20} MiB; make notes shorter")
        digest = sha256(content).hexdigest()
        with self._alone():
            if self._digest() != if_digest:
                raise StaleLabelsError(self.path)
            self.keep_original()
            write_bytes(linked_file(self.path), content)
            self._known = file_state(self.path), StoredLabels(bouts, digest)
        return digest

    def keep_original(self) -> None:
        """Copy a file that harken did not write, unless one of the copies has the same content. Raises ``OSError``."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        if is_own(content):
            return
        number = 1
        copy = self.path.with_name(self.path.name + ORIGINAL)
        while os.path.lexists(copy):
            if copy.is_file() and copy.read_bytes() == content:
                return
            number += 1
            copy = self.path.with_name(f"{self.path.name}{ORIGINAL}{number}")
        write_bytes(copy, content)
        copy.chmod(self.path.stat().st_mode & 0o777)

    def _digest(self) -> str:
        try:
            with regular(self.path).open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return NO_FILE
        except (HarkenError, IsADirectoryError, PermissionError):  # reading its labels says what is wrong
            return UNREADABLE

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Within the block, no other process of harken replaces the file.

        Raises:
            TimeoutError: when another process keeps it locked.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked_beside(linked_file(self.path), timeout_s=LONGEST_S))
            except TimeoutError as error:
                raise TimeoutError(f"another harken has locked {self.path.name}") from error
            yield

    def _why_zone_is_needed(self, annotations: Annotations) -> str | None:
        """Why the file is not replaced while the wearer's zone is not known, as a sentence; None if it can be."""
        needed = Kind.INSTANT in annotations.kinds if self._local_times else annotations.has_local_times
        if self._zone_known or not needed or annotations.path != self.path:
            return None
        has = "times with a zone, and the recording has none" if self._local_times else "times without a zone"
        return f"{self.path.name} has {has}; add --timezone ZONE, such as Europe/Athens, to label here"

    def _why_shared(self, annotations: Annotations | None) -> str | None:
        """Why the file to which a link leads is not replaced; None if it is for this recording alone."""
        if annotations is None or not annotations.names or not self.path.is_symlink():
            return None
        columns = " and the ".join(annotations.names)
        return (
            f"{self.path.name} leads to a file with a column for the {columns}, so it may be for other recordings, "
            "too; it is shown, and not changed. To label here, replace the link by a file"
        )

    def _why_not_held(self, bouts: Intervals) -> str | None:
        """Why the file of labels cannot hold these labels, as a sentence; None if it can.

        A label column may have such labels. Each change writes all labels, so that none could be saved.
        """
        reason = next(filter(None, map(why_not_kept, bouts.label_names)), None)
        if reason is None:
            return None
        return (
            f"{self._recording.name} has a label that {self.path.name} cannot hold ({reason}); it is shown, and "
            "not changed. To label here, rename it there, or begin without labels: write "
            f"{self.path.name} with the one line start,end,label"
        )

    def _why_not_written(self) -> str | None:
        """Why there cannot be a file of labels beside the recording, as a sentence; None if there can."""
        if self._several_people:
            return (
                f"{self._recording.name} has several people, and {self.path.name} would not say whose labels it has; "
                "write each person to a file of their own to label here"
            )
        file = linked_file(self.path)
        if not os.access(file.parent, os.W_OK):
            return f"the folder {file.parent} cannot be written, so labels cannot be saved beside the recording"
        if file.exists() and not os.access(file, os.W_OK):
            return f"{file} is write-protected; it is shown, and not changed"
        return None


def file_state(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is replaced, written, or protected; None if there is none.

    Raises:
        OSError: when it is not known what there is.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def is_own(content: bytes) -> bool:
    """Whether ``LabelStore.save`` would write this content, to the byte, for the labels that are in it.

    The offset of its times may be that of any zone.
    """
    try:
        rows = list(csv.reader(StringIO(content.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return False
    header, *bouts = rows or [[]]
    again = StringIO()
    csv.writer(again, lineterminator="\n").writerows(rows)
    return (
        tuple(header) in (HEADER, (*HEADER, "note"))
        and again.getvalue().encode() == content
        and all(len(row) == len(header) and _is_own_bout(*row) for row in bouts)
    )


def _is_own_bout(start: str, end: str, label: str, note: str = "") -> bool:
    times = OWN_TIME.fullmatch(start) and OWN_TIME.fullmatch(end)
    return times is not None and label.lower() not in MISSING and note == plain_note(note)


def table_of(intervals: Intervals, *, timezone: str | None = "UTC") -> str:
    """Intervals as a plain table: ``start,end,label``, ISO 8601 times with their offset; and a column ``note`` if there
    are notes.

    Args:
        intervals: the intervals.
        timezone: the zone of the times, an IANA name; None for times without a zone, if those of the recording have
            none and were read as UTC. The labels then move with the recording when its zone is given.
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow((*HEADER, "note") if intervals.notes else HEADER)
    columns = (intervals.start_ns.tolist(), intervals.end_ns.tolist(), intervals.labels, intervals.lines.tolist())
    for start_ns, end_ns, label, line in zip(*columns, strict=True):
        note = (intervals.notes.get(line, ""),) if intervals.notes else ()
        table.writerow((_iso(start_ns, timezone), _iso(end_ns, timezone), label, *note))
    return text.getvalue()


def _iso(time_ns: int, timezone: str | None) -> str:
    """An instant to the nanosecond. A zone whose offset has seconds, as before standard time, is written as UTC."""
    fraction = f".{time_ns % 10**9:09}".rstrip("0").rstrip(".")
    if timezone is None:
        return f"{local_time(time_ns, 'UTC'):%Y-%m-%dT%H:%M:%S}{fraction}"
    offset = local_time(time_ns, timezone).utcoffset() or timedelta()
    shown = local_time(time_ns, timezone if offset % timedelta(minutes=1) == timedelta() else "UTC")
    zone = f"{shown:%z}"
    return f"{shown:%Y-%m-%dT%H:%M:%S}{fraction}{zone[:3]}:{zone[3:5]}"
