"""A model's card in three lines: what it knows, how well its like does on unseen people, and what to be wary of."""

from collections.abc import Mapping
from typing import Any

from harken.networks.specification import Specification

__all__ = ["model_card"]


def model_card(specification: Specification, provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """Three sentences or so, from what the model file says."""
    people = provenance.get("training_people") or []
    learned = f", learned from {len(people)} {'person' if len(people) == 1 else 'people'}" if people else ""
    knows = (
        f"A recogniser of {', '.join(specification.labels)} ({specification.preset}), from windows of "
        f"{specification.window_length_s:.3g} s at {specification.sample_rate_hz:.3g} Hz{learned}."
    )
    unseen = _unseen(provenance)
    if specification.calibrated_on == "unseen":
        wary = "Its probabilities were calibrated on unseen people. "
    else:
        wary = "Its probabilities were not calibrated on unseen people, and may be too sure. "
    return knows, unseen, wary + "Not for decisions about anybody's health; what it has not learned it cannot say."


def _unseen(provenance: Mapping[str, Any]) -> str:
    scores = provenance.get("scores_of_fold_models_on_unseen_people")
    if isinstance(scores, Mapping) and scores:
        told = ", ".join(f"{float(score):.2f} in {name.upper()}" for name, score in sorted(scores.items()))
        return f"Models fitted as it was, on unseen people: mean of each person's macro F1 {told}."
    own = None if "adaptation" in provenance else provenance.get("scores")  # adapted: of other weights, another wearer
    tested = own.get("cross_people") if isinstance(own, Mapping) else None
    if isinstance(tested, Mapping) and tested.get("people"):
        count, mean = len(tested["people"]), float(tested["mean_person_macro_f1"])
        if count == 1:
            return f"On the one unseen person it was tested on: macro F1 {mean:.2f}. One is no proof."
        return f"On the {count} unseen people: mean of each one's macro F1 {mean:.2f}."
    return "How well it does on unseen people is not in its file: harken evaluate measures it."
