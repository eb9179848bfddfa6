"""A benchmark against an earlier one: does the same procedure give the same scores again?"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harken.support.differences import first_difference
from harken.support.errors import HarkenError

__all__ = ["TOLERANCE", "Agreement", "compare", "read_result"]

TOLERANCE = 0.05
"""In each person's macro F1, between two machines, where rounding sends training other ways: with other vector
instructions one person of six moved by 0.009. On one machine scores must be equal."""


@dataclass(frozen=True)
class Agreement:
    """Whether a result agrees with an earlier one, and a sentence that says how well, or why not."""

    agrees: bool
    sentence: str


def read_result(path: Path) -> dict[str, Any]:
    """A ``benchmark.json``.

    Raises:
        HarkenError: when it is not there, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["methods"], dict) or "fingerprint" not in content["windows"]:
            raise ValueError("it has no methods or windows")
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HarkenError(f"{path}: not a result of harken benchmark ({error})") from error
    return dict(content)


def compare(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> Agreement:
    """Compare what both have: the methods and folds of ``result`` that are in ``earlier``.

    Settings and windows must be the same. Then, on the same processor with the same versions, each person's macro F1
    must be the same number; elsewhere it may differ by ``TOLERANCE``, and windows may in the last bits of signals.

    Raises:
        HarkenError: when the two have no method and fold in common.
    """
    same_machine = _machines(result) == _machines(earlier)
    shared = list(_shared(result, earlier))
    if not shared:
        raise HarkenError(
            f"nothing to compare: this result has {_contents(result)}, the earlier one {_contents(earlier)}"
        )
    reason = _other_experiment(result, earlier, same_machine=same_machine)
    if reason is not None:
        return Agreement(False, f"It cannot agree with the earlier result: {reason}.")
    differences = {f"{name}, fold {fold}, {person}": abs(now - then) for name, fold, person, now, then in shared}
    where = max(differences, key=differences.__getitem__)
    largest = differences[where]
    of = f"{len(shared)} macro F1 of people"
    if largest == 0:
        return Agreement(True, f"It agrees with the earlier result: all {of} are equal to it.")
    if same_machine:
        return Agreement(
            False,
            f"It does not agree with the earlier result: on the same processor and versions {of} must be equal, and "
            f"{sum(one > 0 for one in differences.values())} are not, most of all {where} ({largest:.4f} apart).",
        )
    beyond = sum(one > TOLERANCE for one in differences.values())
    if beyond:
        return Agreement(
            False,
            f"It does not agree with the earlier result, which was made on another machine or with other versions: "
            f"{beyond} of {of} are more than {TOLERANCE} apart, most of all {where} ({largest:.4f}).",
        )
    return Agreement(
        True,
        f"It agrees with the earlier result, which was made on another machine or with other versions: no two of {of} "
        f"are more than {TOLERANCE} apart, most of all {where} ({largest:.4f}).",
    )


def _shared(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float, float]]:
    """Method, fold, person, macro F1 now and then."""
    for name, one in result["methods"].items():
        then = earlier["methods"].get(name, {"folds": {}})["folds"]
        for fold, scores in one["folds"].items():
            for person, found in scores["people"].items():
                if person in then.get(fold, {"people": {}})["people"]:
                    yield name, fold, person, found["macro_f1"], then[fold]["people"][person]["macro_f1"]


def _other_experiment(result: Mapping[str, Any], earlier: Mapping[str, Any], *, same_machine: bool) -> str | None:
    """Why the two are not one experiment, or None when they are."""
    both = [name for name in result["methods"] if name in earlier["methods"]]
    keys = ("dataset", "protocol")
    found = first_difference({key: earlier.get(key) for key in keys}, {key: result[key] for key in keys})
    for name in both:
        found = found or first_difference(
            earlier["methods"][name].get("settings"), result["methods"][name]["settings"], name
        )
    if found is not None:
        return f"{found[0]} was {json.dumps(found[1])} and is {json.dumps(found[2])}"
    key = "fingerprint" if same_machine else "layout_fingerprint"
    if earlier["windows"].get(key) != result["windows"][key]:
        return "it was made on other windows (their fingerprints differ)"
    for fold, people in result["folds"].items():
        before = earlier["folds"].get(fold, people)
        if first_difference(before, people) is not None:
            return f"fold {fold} has other people"
    return None


def _machines(result: Mapping[str, Any]) -> set[str]:
    """What decides the last bits of numbers: processors and versions, each pair written out."""
    each = (
        (one["machine"]["processor"], one["machine"]["instructions"], one["versions"]) for one in result["made_with"]
    )
    return {json.dumps(one, sort_keys=True) for one in each}


def _contents(result: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} on {', '.join(one['folds'])}" for name, one in result["methods"].items())
