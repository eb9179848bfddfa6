"""Where a model came from, as its file says it: read once, so that nothing later meets a value of another kind."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from harken.networks.specification import shown
from harken.support.errors import HarkenError

__all__ = ["read_provenance"]

LARGEST_NUMBER = 2**64
"""Seeds have at most 64 bits, and nothing else is as large."""
LONGEST_TEXT = 10_000
MOST_LEVELS = 20
"""Lists and objects inside one another."""


def read_provenance(said: Any) -> dict[str, Any]:
    """The provenance of a model file, checked. Fields that this version does not use may hold any plain value.

    Args:
        said: what JSON gave.

    Raises:
        HarkenError: when it is no object, when a field that harken uses holds a value of another kind, or when any
            number or text in it is out of bounds.
    """
    if not _is_object(said):
        raise HarkenError("its provenance is no JSON object")
    _check_plain(said, "provenance", MOST_LEVELS)
    for field, (fits, what) in FIELDS.items():
        if field in said and not fits(said[field]):
            raise HarkenError(f"its provenance.{field} is {shown(said[field])}, but must be {what}")
    return said


def _check_plain(value: Any, where: str, levels: int) -> None:
    """Raise a HarkenError when a number or a text inside is out of bounds, or lists are nested too deeply."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise HarkenError(f"its {where} holds a text that is too long or not UTF-8: {shown(value)}")
    elif isinstance(value, int | float):
        if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:  # a NaN lies nowhere
            raise HarkenError(f"its {where} holds a number that cannot be: {shown(value)}")
    elif isinstance(value, list | dict):
        if levels == 0:
            raise HarkenError(f"its {where} is nested more than {MOST_LEVELS} times")
        for name, inner in value.items() if isinstance(value, dict) else (("", one) for one in value):
            _check_plain(name, where, levels - 1)
            _check_plain(inner, where, levels - 1)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(of, value))


def _is_mapping(to: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(to, value.values()))


def _is_training(value: Any) -> bool:
    """The settings of the training: its number of passes may be missing or null, its seed may be missing."""
    return (
        _is_object(value)
        and (value.get("passes") is None or _is_count(value["passes"]))
        and _is_count(value.get("seed", 0))
    )


def _is_recording(value: Any) -> bool:
    return _is_object(value) and all(isinstance(one, str) for one in value.values())


def _is_scores(value: Any) -> bool:
    """What a run found out. The scores of unseen people are shown, so they are looked into."""
    if not _is_object(value):
        return False
    tested = value.get("cross_people")
    return tested is None or (
        _is_object(tested) and _is_object(tested.get("people")) and _is_number(tested.get("mean_person_macro_f1"))
    )


FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "harken_version": (_is_text, "a text"),
    "training": (_is_training, "an object with whole numbers for passes and seed"),
    "training_windows": (_is_count, "a whole number"),
    "training_windows_by_label": (_is_mapping(_is_count), "an object of whole numbers"),
    "training_people": (_is_list(_is_text), "a list of names"),
    "data": (_is_list(_is_recording), "a list of objects of texts"),
    "attribution": (_is_list(_is_text), "a list of texts"),
    "never_met": (_is_list(_is_text), "a list of names"),
    "scores_of_fold_models_on_strangers": (_is_mapping(_is_number), "an object of numbers"),
    "scores_on_the_never_met": (_is_mapping(_is_number), "an object of numbers"),
    "scores": (_is_scores, "the scores of a run"),
    "steps": (_is_count, "a whole number"),
    "adaptation": (_is_object, "an object"),
}
"""Each field that harken uses: the check of its value, and that in words."""
