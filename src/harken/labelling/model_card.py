"""A model's card in three lines: what it recognises, its scores on unseen people, and its limits."""

from collections.abc import Mapping
from typing import Any

from harken.networks.specification import Specification

__all__ = ["model_card"]


def model_card(specification: Specification, provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """The three lines, from the model file's specification and provenance."""
    people = provenance.get("training_people") or []
    trained = f", trained on {len(people)} {'person' if len(people) == 1 else 'people'}" if people else ""
    summary = (
        f"A recogniser of {', '.join(specification.labels)} ({specification.preset}), from windows of "
        f"{specification.window_length_s:.3g} s at {specification.sample_rate_hz:.3g} Hz{trained}."
    )
    unseen = _unseen(provenance)
    if specification.calibrated_on == "unseen":
        calibration = "Its probabilities were calibrated on unseen people. "
    else:
        calibration = "Its probabilities were not calibrated on unseen people, and may be too high. "
    limits = "Not for decisions about anybody's health; activities that it was not trained on get one of its labels."
    return summary, unseen, calibration + limits


def _unseen(provenance: Mapping[str, Any]) -> str:
    scores = provenance.get("scores_of_fold_models_on_unseen_people")
    if isinstance(scores, Mapping) and scores:
        listed = ", ".join(f"{float(score):.2f} in {name.upper()}" for name, score in sorted(scores.items()))
        return f"Models trained in the same way, on unseen people: mean of each person's macro F1 {listed}."
    # The scores of an adapted model are those of its weights before the adaptation.
    own = None if "adaptation" in provenance else provenance.get("scores")
    tested = own.get("cross_people") if isinstance(own, Mapping) else None
    if isinstance(tested, Mapping) and tested.get("people"):
        count, mean = len(tested["people"]), float(tested["mean_person_macro_f1"])
        if count == 1:
            return (
                f"On the one unseen person of its test: macro F1 {mean:.2f}. One person is not enough for a conclusion."
            )
        return f"On the {count} unseen people of its test: mean of each person's macro F1 {mean:.2f}."
    return "Its file has no scores on unseen people: harken evaluate measures them."
