"""A finished recogniser on labelled recordings: each person's scores, and who of them it had met before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harken.errors import HarkenError
from harken.recogniser import Recogniser
from harken.recording import Recording
from harken.scores import PeopleScores, Scores, score, score_people
from harken.windows import Windows, concatenate, sliding_windows

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of people the recogniser never met, and apart from them, of people it learned from.

    The two are never averaged: a mean over both would say neither how well strangers are recognised nor how
    well the known are.
    """

    strangers: PeopleScores | None
    all_strangers: Scores | None
    known: PeopleScores | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mean_person_macro_f1": self.strangers.mean_person_macro_f1 if self.strangers else None,
            "strangers": self.strangers.as_dict() if self.strangers else None,
            "all_strangers": self.all_strangers.as_dict() if self.all_strangers else None,
            "known_people": self.known.as_dict() if self.known else None,
        }


def evaluate(
    recogniser: Recogniser, recordings: Sequence[Recording], *, ignore_labels: Sequence[str] = ()
) -> Evaluation:
    """Score a recogniser on sliding windows of labelled recordings, its own length and hop.

    Raises:
        HarkenError: when a recording was learned from, to the sample; has another rate or lacks a channel;
            holds no window with a label, or a label that was never learned and is not in ``ignore_labels``.
    """
    specification = recogniser.specification_
    learned = recogniser.provenance_.get("data", [])
    samples = {one.get("samples_fingerprint") for one in learned}
    met = set(recogniser.provenance_.get("training_people", []))
    parts: list[Windows] = []
    for recording in recordings:
        if recording.samples_fingerprint in samples:
            raise HarkenError(
                f"{recording.source}: the model learned from this very recording, so a score on it would only say "
                "how well it remembers"
            )
        recording = specification.prepare_recording(recording)
        windows = sliding_windows(
            recording,
            length_s=specification.window_length / recording.sample_rate_hz,
            hop_s=specification.hop_s,
        )
        parts.append(recogniser.known(windows, ignore_labels=ignore_labels))
    windows = concatenate(parts).with_label_names(specification.labels)
    predicted = recogniser.predict_proba(windows).argmax(axis=1)
    is_known = np.isin(windows.subjects, sorted(met)) if met else np.zeros(len(windows), dtype=bool)

    def people(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> PeopleScores | None:
        if not mask.any():
            return None
        return score_people(windows.label_codes[mask], predicted[mask], windows.subjects[mask], specification.labels)

    strange = ~is_known
    return Evaluation(
        strangers=people(strange),
        all_strangers=score(windows.label_codes[strange], predicted[strange], specification.labels)
        if strange.any()
        else None,
        known=people(is_known),
    )
