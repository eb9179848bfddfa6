"""A recording on the page: its state, signals and labels.

The page has edges of bouts in milliseconds.
"""

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals
from harken.annotations.store import FIRST_LINE, NO_FILE, LabelStore, StoredLabels
from harken.annotations.table import LONGEST_NOTE, plain_note, why_not_kept
from harken.annotations.times import Span
from harken.support.errors import HarkenError
from harken.support.text_rows import MOST_ROWS
from harken.web.annotate.levels import Levels
from harken.web.annotate.suggestions import Suggestions
from harken.web.limits import RefusedError

MS_NS = 10**6
NOT_READ = "the recording is still being read; labels can be set when it is complete"
MOST_BOUTS = MOST_ROWS - 1
"""The header is a row, too."""
Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE, pattern=r"\A[^\r\n]*\Z")]
Milliseconds = Annotated[int, msgspec.Meta(ge=-(1 << 45), le=1 << 45)]


class PageBout(msgspec.Struct, frozen=True):
    """A bout as the page sends it: its times since 1970, its label and a note."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    label: str
    note: Note | None = None


def as_json(stored: StoredLabels) -> dict[str, Any]:
    """The answer to ``GET labels``. Times are cut to milliseconds.

    ``on_disk`` says whether the file exists, and ``read_only`` why the labels cannot be changed, null if they can.
    """
    bouts = stored.bouts
    starts, ends = ((edges_ns // MS_NS).tolist() for edges_ns in (bouts.start_ns, bouts.end_ns))
    return {
        "on_disk": stored.digest != NO_FILE,
        "read_only": stored.read_only,
        "intervals": [
            {"start_ms": start, "end_ms": end, "label": label, "note": bouts.notes.get(line, "")}
            for start, end, label, line in zip(starts, ends, bouts.labels, bouts.lines.tolist(), strict=True)
        ],
    }


def edited(bouts: list[PageBout], before: Intervals, span: Span) -> Intervals:
    """The labels of the page, of which those that were not edited have their exact times.

    Args:
        bouts: the labels of the page, in order.
        before: the labels that were edited.
        span: the time of the recording.

    Raises:
        HarkenError: when they are not valid; the message has the number of the interval, from 1, or its line.
    """
    if len(bouts) > MOST_BOUTS:
        raise HarkenError(f"a file of labels has at most {MOST_BOUTS:,} intervals, got {len(bouts):,}")
    for number, bout in enumerate(bouts, 1):
        if (reason := why_not_kept(bout.label.strip())) is not None:
            raise HarkenError(f"interval {number}: {reason}")
    edges_ms = np.array([(bout.start_ms, bout.end_ms) for bout in bouts], np.int64).reshape(-1, 2)
    first_ms = span.start_ns // MS_NS
    last_ms = -(-(span.end_ns + 1) // MS_NS)
    known_ns = np.stack([before.start_ns, before.end_ns], axis=1).ravel()
    for wrong, sentence in (
        ((edges_ms < first_ms) | (edges_ms > last_ms), "lies outside the recording"),
        (np.diff(edges_ms.ravel(), prepend=first_ms) < 0, "ends before it begins, or overlaps the interval before it"),
    ):
        if wrong.any():
            raise HarkenError(f"interval {wrong.argmax() // 2 + 1} {sentence}")
    edges_ns = restored_ns(edges_ms.ravel(), known_ns).reshape(-1, 2)
    edges_ns = np.clip(edges_ns, span.start_ns, span.end_ns + 1)
    notes = {line: plain_note(bout.note) for line, bout in enumerate(bouts, FIRST_LINE) if bout.note}
    return Intervals(
        edges_ns[:, 0],
        edges_ns[:, 1],
        tuple(bout.label.strip() for bout in bouts),
        np.arange(len(bouts)) + FIRST_LINE,
        before.path,
        notes={line: note for line, note in notes.items() if note},
    )


def restored_ns(edges_ms: NDArray[np.int64], known_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges in ns. One that is in the millisecond of a known edge is that edge; others are whole milliseconds.

    Args:
        edges_ms: int64 ``[n]``, not decreasing. If several are in one millisecond, the first is the first known edge in
            it, and so on.
        known_ns: int64 ``[k]``, not decreasing.
    """
    if len(known_ns) == 0:
        return edges_ms * MS_NS
    known_ms = known_ns // MS_NS
    first = np.searchsorted(known_ms, edges_ms, side="left")
    last = np.searchsorted(known_ms, edges_ms, side="right") - 1
    rank = np.arange(len(edges_ms)) - np.searchsorted(edges_ms, edges_ms, side="left")
    return np.where(last >= first, known_ns[np.clip(first + rank, 0, np.maximum(last, 0))], edges_ms * MS_NS)


@dataclass
class RecordingModel:
    """The model that labels a recording, and how far it is.

    Attributes:
        name: its name; None if there is no model.
        labels: its labels.
        state: ``none``, ``waiting``, ``labelling``, ``ready`` or ``failed``.
        share: how much is labelled; None if not known.
        error: why it cannot label the recording.
        suggestions: what it says.
    """

    name: str | None = None
    labels: tuple[str, ...] = ()
    state: str = "none"
    share: float | None = None
    error: str | None = None
    suggestions: Suggestions | None = None


class OpenRecording:
    """A recording that the user named.

    Args:
        number: its number, from 0.
        path: the file.
        name: a name that differs from those of the others.

    Attributes:
        state: ``waiting``, ``reading``, ``ready`` or ``failed``.
        share: how much is read; None if not known.
        error: why it could not be read.
        levels: its signals; None until some are read.
        store: its file of labels; None until it is read.
        labels: its labels as they were read or saved last.
        wanted: whether a page has opened it.
        gaps_ms, not_worn_ns: stretches without samples, and of non-wear, int64 ``[k, 2]``; none until they are known.
        model: the model that labels it.
    """

    def __init__(self, number: int, path: Path, name: str) -> None:
        self.number, self.path, self.name = number, path, name
        self.state = "waiting"
        self.share: float | None = None
        self.error: str | None = None
        self.levels: Levels | None = None
        self.store: LabelStore | None = None
        self.labels: StoredLabels | None = None
        self.wanted = False
        self.model = RecordingModel()
        self._facts: dict[str, Any] = {}
        self.not_worn_ns: NDArray[np.int64] = np.empty((0, 2), np.int64)
        self._read_to_ns: int | None = None
        self.gaps_ms: NDArray[np.int64] = np.empty((0, 2), np.int64)
        self._one_at_a_time = asyncio.Lock()

    def why_read_only(self) -> str | None:
        """Why labels cannot be changed, as a sentence; None if they can."""
        if self.labels is None:
            return self.error or NOT_READ
        return self.labels.read_only

    def begin(self, folder: Path, *, start_ns: int, slot_ns: int) -> None:
        """There are levels to see."""
        if self.levels is not None:
            self.levels.close()
        self.levels = Levels(folder, slot_ns=slot_ns)
        self._facts = {"start_ns": start_ns}
        self._read_to_ns = None

    def more(self, blocks: list[int], *, read_to_ns: int | None, share: float | None) -> None:
        """More is read."""
        if self.levels is not None:
            self.levels.add(blocks)
        self._read_to_ns = read_to_ns or self._read_to_ns
        self.share = share

    def complete(self, folder: Path, facts: dict[str, Any]) -> None:
        """The recording is read, and its levels are in a folder.

        Raises:
            OSError: when they are not.
        """
        levels = Levels(folder, slot_ns=facts["slot_ns"])
        levels.add(facts["blocks"])
        if self.levels is not None:
            self.levels.close()
        self.levels, self._facts, self.share, self.state = levels, facts, 1.0, "ready"
        self._read_to_ns = facts["end_ns"]
        self.gaps_ms = levels.gaps_ms()
        self.not_worn_ns = np.array(facts["not_worn_ns"], np.int64).reshape(-1, 2)
        self.store = LabelStore(
            self.path,
            self.span,
            facts["subject"],
            column=[tuple(bout) for bout in facts["bouts"]],
            zone_known=facts["zone_known"],
            local_times=facts["local_times"],
            several_people=facts["several_people"],
        )
        self.labels = self.store.load()

    def suggest(self, found: Suggestions) -> None:
        """The model has labelled the recording."""
        inside_ns = np.clip(found.start_ns, self.span.start_ns, self.span.end_ns + 1)
        self.model.suggestions = replace(found, start_ns=inside_ns)
        self.model.state, self.model.share = "ready", 1.0

    def use_model(self, name: str | None, labels: tuple[str, ...]) -> None:
        """Another model labels the recording from now on; None: no model."""
        self.model = RecordingModel(name, labels, "none" if name is None or self.state == "failed" else "waiting")

    def fail(self, error: str) -> None:
        """The recording cannot be read."""
        self.state, self.error, self.share = "failed", error, None
        self.model.state = "none"

    def close(self) -> None:
        """Close its files."""
        if self.levels is not None:
            self.levels.close()

    @property
    def span(self) -> Span:
        """The time of a recording that is read."""
        return Span(self._facts["start_ns"], self._facts["end_ns"], self._facts["timezone"])

    @property
    def subject(self) -> str | None:
        """The wearer; None until it is known."""
        return self._facts.get("subject")

    async def reload_labels(self) -> None:
        """Read the labels again if their file has changed.

        Raises:
            OSError: when it is not known what there is.
        """
        async with self._one_at_a_time:
            if self.store is not None:
                self.labels = await asyncio.to_thread(self.store.load)

    def labels_in_file(self) -> StoredLabels | None:
        """The labels in the file now, or as they were read last if it cannot be read; None while there are none.

        It may be called from any thread.
        """
        with contextlib.suppress(OSError):
            if self.store is not None:
                return self.store.load()
        return self.labels

    async def save(self, bouts: list[PageBout], *, if_digest: str) -> str:
        """Replace the labels. They are on the disk when this returns their digest.

        Raises:
            StaleLabelsError, ReadOnlyLabelsError, HarkenError, OSError: as ``LabelStore.save`` and ``edited``.
        """
        async with self._one_at_a_time:
            digest = await asyncio.to_thread(self._save, bouts, if_digest)
            self.labels = await asyncio.to_thread(self.labels_in_file)
            return digest

    def _save(self, bouts: list[PageBout], if_digest: str) -> str:
        assert self.store is not None, "labels are saved after the recording is read"
        before = self.store.editable(if_digest=if_digest)
        return self.store.save(edited(bouts, before.bouts, self.span), if_digest=if_digest)

    def summary(self) -> dict[str, Any]:
        """One of ``GET /api/recordings``."""
        return {
            "number": self.number,
            "name": self.name,
            "subject": self.subject,
            "state": self.state,
            "share": self.share,
            "intervals": 0 if self.labels is None else len(self.labels.bouts),
            "labelled_s": self._labelled_s(),
        }

    def _labelled_s(self) -> float:
        """Seconds of samples with a label: time without samples under a label does not count."""
        if self.labels is None:
            return 0.0
        lengths = np.append(0, np.diff(self.gaps_ms).cumsum()).repeat(2)[1:-1]
        bouts_ms = np.stack([self.labels.bouts.start_ns, self.labels.bouts.end_ns]) / MS_NS
        without_ms = np.interp(bouts_ms, self.gaps_ms.ravel(), lengths) if len(lengths) else np.zeros_like(bouts_ms)
        return float(np.diff(bouts_ms - without_ms, axis=0).sum() / 1000)

    def about(self) -> dict[str, Any]:
        """The answer to ``GET /api/recordings/N``."""
        facts, model = self._facts, self.model
        own = () if self.labels is None else self.labels.bouts.labels
        start_ns, end_ns, to_ns = facts.get("start_ns"), facts.get("end_ns"), self._read_to_ns
        return {
            **self.summary(),
            "error": self.error,
            "start_ms": None if start_ns is None else start_ns // MS_NS,
            "end_ms": None if end_ns is None else -(-(end_ns + 1) // MS_NS),
            "read_to_ms": None if to_ns is None else -(-(to_ns + 1) // MS_NS),
            "timezone": facts.get("timezone", "UTC"),
            "sample_rate_hz": facts.get("sample_rate_hz"),
            "samples": facts.get("samples"),
            "notes": facts.get("notes", []),
            "labels_path": None if self.store is None else str(self.store.path),
            # For the keys: the model's labels, then others in the order in which they first occur.
            "choices": list(dict.fromkeys((*model.labels, *own))),
            "model": {
                "state": model.state,
                "share": model.share,
                "error": model.error,
                "name": model.name,
                "labels": model.labels,
                "warnings": () if model.suggestions is None else model.suggestions.warnings,
            },
        }


def make_etag(path: Path, digest: str) -> str:
    """Return the header ``ETag`` of the labels of a recording, whose file has this digest."""
    return f'"{digest}-{_hash_path(path)}"'


def read_etag(path: Path, if_match: str) -> str:
    """Return the digest in the ``If-Match`` of a request that saves labels of a recording.

    Raises:
        RefusedError: when it is that of another recording: a page that was left open knows a recording by its number,
            which is that of another one when the program is started with other files.
    """
    digest, _, place = if_match.strip('"').partition("-")
    if place and place != _hash_path(path):
        sentence = f"this page shows another recording than {path.name}, with which harken annotate was started again"
        raise RefusedError(
            409, f"{sentence}; start it with the files of this page, or load the page again", reason="recording"
        )
    return digest


def _hash_path(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
