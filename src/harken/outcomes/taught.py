"""What a wearer taught: the labels from which a personal model was made, and what it gained.

A personal model is kept only if it is better. Otherwise the wearer is labelled by the general model.
"""

from dataclasses import dataclass, field, replace

from harken.support.printable import listed

LabelledSpans = tuple[tuple[int, int], ...]
"""Start and end of labelled time, in ns since 1970 (UTC)."""


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


@dataclass(frozen=True)
class Taught:
    """What a wearer taught.

    Attributes:
        person: the wearer.
        kept: whether the personal model is better and labels the wearer.
        reason: why it was kept, or why not.
        seconds: the seconds of each label that it was made from.
        recognised: the share of windows that is recognised in cross-validation, with the same weight for every label;
            None with too little data.
        tested: the mean F1 on what another adaptation did not use; None if the bouts are too short for a test.
        tested_on: what that was, such as ``the last part of each bout``; empty without a test.
        files: the recordings with labels.
        spans: the labelled time of each of these recordings, by the SHA-256 of the file.
        warnings: what a person must read about the labels.
    """

    person: str
    kept: bool
    reason: str
    seconds: dict[str, float]
    recognised: Score | None = None
    tested: Score | None = None
    tested_on: str = ""
    files: tuple[str, ...] = ()
    spans: dict[str, LabelledSpans] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def of_file(self, sha256: str) -> "Taught":
        """Return the same with the labelled time of one recording only, by the digest of its file."""
        own = {} if sha256 not in self.spans else {sha256: self.spans[sha256]}
        return replace(self, spans=own)

    @property
    def gain(self) -> Score | None:
        """The score that says what teaching gained: the test if there is one, else the cross-validation."""
        return self.tested or self.recognised

    @property
    def labels_in_words(self) -> str:
        """Return the labels with their seconds, such as ``lying 64 s, walking 32 s``."""
        return ", ".join(f"{label} {seconds:.0f} s" for label, seconds in self.seconds.items())

    @property
    def outcome_in_words(self) -> str:
        """Return what came of it: ``0.62 -> 0.83``, or why the wearer is left as it is."""
        if self.kept:
            return str(self.gain)
        return f"left as it is: {self.reason}"

    def describe(self) -> str:
        """Return what was taught and what came of it, as a sentence without a full stop."""
        if not self.seconds:
            return f"{self.person} taught nothing, and is {self.outcome_in_words}"
        taught = f"{self.person} taught {listed([f'{label} {s:.0f} s' for label, s in self.seconds.items()])}"
        if not self.kept:
            return f"{taught}, and is {self.outcome_in_words}"
        measures = []
        if self.tested is not None:
            measures.append(f"mean F1 {self.tested} on {self.tested_on}")
        if self.recognised is not None:
            measures.append(f"{self.recognised} in cross-validation")
        return f"{taught}, and is labelled by a personal model: {'; '.join(measures)}"
