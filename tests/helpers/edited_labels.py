"""The labels of one recording as ``harken annotate`` has them while they are edited."""

from pathlib import Path
from typing import Any

import msgspec

from harken.annotations.bouts import Intervals
from harken.annotations.store import LabelStore, StoredLabels
from harken.annotations.times import Span
from harken.web.annotate.recording import PageBout, as_json, edited

START_NS = 1_700_000_000_123_456_789
SPAN = Span(START_NS, START_NS + 3600 * 10**9, "Europe/Athens")
FIRST_MS = START_NS // 10**6


class Labels:
    """The labels of one recording as the page has seen them last."""

    def __init__(self, store: LabelStore, span: Span) -> None:
        self.store, self.span, self.path = store, span, store.path
        self.stored: StoredLabels = store.load()

    @property
    def intervals(self) -> Intervals:
        return self.stored.bouts

    def as_json(self) -> dict[str, Any]:
        return as_json(self.stored)

    def follow(self) -> bool:
        """Look at the file; whether it has changed."""
        before, self.stored = self.stored, self.store.load()
        return self.stored is not before

    def save(self, rows: list[Any], *, if_digest: str) -> str:
        before = self.store.editable(if_digest=if_digest)
        bouts = msgspec.convert(rows, list[PageBout])
        digest = self.store.save(edited(bouts, before.bouts, self.span), if_digest=if_digest)
        self.follow()
        return digest


def opened(folder: Path, content: str | None = None, **options: Any) -> Labels:
    """The labels of a recording with a label column, and with this content of the file of labels, if there is one."""
    if content is not None:
        (folder / "anna.labels.csv").write_text(content, encoding="utf-8")
    column = [(START_NS, START_NS + 7 * 10**9, "lying"), (START_NS + 7 * 10**9, START_NS + 9 * 10**9, "sitting")]
    return Labels(LabelStore(folder / "anna.csv", SPAN, "anna", column=column, **options), SPAN)


def save(labels: Labels, rows: list[Any]) -> str:
    """Save labels that were edited from those that were seen last; returns the digest."""
    return labels.save(rows, if_digest=labels.stored.digest)


def row(start_s: float, end_s: float, label: str = "lying", note: str = "") -> dict[str, Any]:
    """A bout as the page sends it, in seconds from the start of the recording."""
    return {
        "start_ms": FIRST_MS + round(start_s * 1000),
        "end_ms": FIRST_MS + round(end_s * 1000),
        "label": label,
        "note": note,
    }
