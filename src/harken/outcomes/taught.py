"""What a wearer taught: the labels from which a personal model was made, and what it gained.

A personal model is kept unless it is clearly worse. Otherwise the wearer is labelled by the general model.
"""

from dataclasses import dataclass, field, replace
from typing import TypedDict

from harken.support.printable import duration_text, listed, percent

LabelledSpans = tuple[tuple[int, int], ...]
"""Start and end of labelled time, in ns since 1970 (UTC)."""
PERSONAL, GENERAL, UNUSED = "personal model", "left as it was", "labels not used"
"""What labels a wearer who taught: the personal model; the general model because the personal one is worse; or the
general model because the labels cannot be used."""
NOT_SHOWN = "These scores are from the labelled time alone. They do not show how much is gained on another day."
"""What a reader must know about scores without a test on another occasion."""


@dataclass(frozen=True)
class Score:
    """A score of the general model and of the personal model, 0 to 1.

    Attributes:
        before: of the general model.
        after: of the personal model.
    """

    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.before:.2f} -> {self.after:.2f}"


class TaughtColumns(TypedDict):
    """What the tables of people and files say about a wearer who taught. ``docs/dictionary.md`` describes it."""

    taught: str
    taught_labels: str
    taught_minutes: float
    taught_recognised_before: float | None
    taught_recognised_after: float | None
    taught_f1_before: float | None
    taught_f1_after: float | None
    taught_reason: str


@dataclass(frozen=True)
class Taught:
    """What a wearer taught.

    Attributes:
        person: the wearer.
        kept: whether the personal model is better and labels the wearer.
        reason: why it was kept, or why not.
        seconds: the seconds of each label that it was made from; empty if the labels cannot be used.
        recognised: the share of windows that is recognised in cross-validation, with the same weight for every label;
            None with too little data.
        tested: the mean F1 on what another adaptation did not use; None if the bouts are too short for a test.
        tested_on: what that was, such as ``the last part of each bout``; empty without a test.
        tested_occasion: whether that was another occasion, so that the test says something about other days.
        files: the recordings with labels.
        spans: the labelled time of each of these recordings, by the SHA-256 of the file.
        warnings: what a person must read about the labels.
        notes: what was found about them, such as a start that was moved.
    """

    person: str
    kept: bool
    reason: str
    seconds: dict[str, float]
    recognised: Score | None = None
    tested: Score | None = None
    tested_on: str = ""
    tested_occasion: bool = False
    files: tuple[str, ...] = ()
    spans: dict[str, LabelledSpans] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of_file(self, sha256: str) -> "Taught":
        """Return the same with the labelled time of one recording only, by the digest of its file."""
        own = {} if sha256 not in self.spans else {sha256: self.spans[sha256]}
        return replace(self, spans=own)

    @property
    def all_spans(self) -> LabelledSpans:
        """The labelled time of all recordings in ``spans``."""
        return tuple(span for of_file in self.spans.values() for span in of_file)

    @property
    def gain(self) -> Score | None:
        """The score that says what teaching gained: the test if there is one, else the cross-validation."""
        return self.tested or self.recognised

    @property
    def not_shown(self) -> str:
        """What the scores do not show, in sentences; empty without scores, and with a test on another occasion."""
        return "" if self.gain is None or self.tested_occasion else NOT_SHOWN

    @property
    def state(self) -> str:
        """What labels the wearer: ``PERSONAL``, ``GENERAL`` or ``UNUSED``."""
        if self.kept:
            return PERSONAL
        return GENERAL if self.seconds else UNUSED

    @property
    def why_left(self) -> str:
        """Why the personal model was not kept; empty if it was."""
        if self.kept:
            return ""
        if not self.seconds:
            return f"the labels cannot be used: {self.reason}"
        if self.recognised is None:
            return self.reason
        if self.recognised.after >= self.recognised.before:
            return f"the labels contradict each other, or are too few: a personal model {self._describe_recognised()}"
        return f"a personal model is worse: it {self._describe_recognised()}"

    def describe(self) -> str:
        """Return what was taught and what came of it, as a sentence without a full stop."""
        if not self.seconds:
            return f"{self.person} taught nothing; the labelling is left as it was, because {self.why_left}"
        lengths = [f"{label} {duration_text(round(seconds))}" for label, seconds in self.seconds.items()]
        taught = f"{self.person} taught {listed(lengths)}"
        if not self.kept:
            return f"{taught}; the labelling is left as it was, because {self.why_left}"
        sentence = f"{taught}, and is labelled by a personal model, which {self._describe_recognised()}"
        if self.recognised is not None and self.recognised.after < self.recognised.before:
            sentence += ", whose fits lack the bouts that they are tested on, so the personal model recognises more"
        if self.tested is not None:
            after, before = self.tested.after, self.tested.before
            sentence += f"; tested on {self.tested_on}: mean F1 {after:.2f} (general model: {before:.2f})"
        return sentence

    def _describe_recognised(self) -> str:
        if self.recognised is None:
            return "was not tested in cross-validation"
        # A mean of ones may differ from 1 in the last bit.
        after = percent(round(self.recognised.after, 6), decimals=0)
        before = percent(round(self.recognised.before, 6), decimals=0)
        return (
            f"recognises {after} of the labelled windows in cross-validation, averaged over labels "
            f"(general model: {before})"
        )

    def as_columns(self) -> TaughtColumns:
        """Return the columns of the tables of people and files."""
        recognised = self.recognised
        tested = self.tested
        return {
            "taught": self.state,
            "taught_labels": ", ".join(f"{label} {seconds:.0f} s" for label, seconds in self.seconds.items()),
            "taught_minutes": sum(self.seconds.values()) / 60,
            "taught_recognised_before": None if recognised is None else recognised.before,
            "taught_recognised_after": None if recognised is None else recognised.after,
            "taught_f1_before": None if tested is None else tested.before,
            "taught_f1_after": None if tested is None else tested.after,
            "taught_reason": self.reason,
        }
