"""The form of the results in ``docs/results``: without details, with rounded numbers, in lines that are full.

    python -m benchmarks.committed RUN/benchmark.json docs/results/NAME.json

This writes the ``benchmark.json`` of ``harken benchmark`` or ``benchmarks.studies.left_out`` in the committed form. The
other benchmarks write this form themselves. A run keeps all details in its own folder.
"""

import json
import math
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from statistics import fmean
from typing import Any

from harken.support.files import write_text

DETAILS = (
    # Everybody who is not in the test.
    "folds/*/training",
    "methods/*/confusion",
    "methods/*/labels",
    "methods/*/folds/*/test_windows",
    "methods/*/folds/*/people/*/accuracy",
    "methods/*/folds/*/people/*/windows",
    "methods/*/folds/*/training_labels",
    "methods/*/folds/*/training_windows_by_label",
    "methods/*/folds/*/studies/*/confusion",
    # The score of each person is in "methods/*/folds/*/people", too.
    "methods/*/folds/*/studies/*/known/people",
    "timing/methods/*/folds",
    "new_people/studies/*/confusion",
    "new_people/studies/*/group_recall",
    "left_out/methods/*/studies/*/known/group_recall",
    "left_out/methods/*/studies/*/found/group_recall",
)
"""What no page, test or comparison reads: keys from the outermost to the innermost; ``*`` is any key."""
PEOPLE_AS_FOUND = "methods/*/folds/*/studies/*/found/people"
"""Where a committed result has the mean F1 of each person, and a run has the F1 of each label."""
LEAST_DIGITS, ALL_DIGITS = 5, 17
"""Significant digits of a number at least, and those that tell any two numbers apart."""
LINE_CHARACTERS = 118
SEPARATORS = (",", ":")


def write_committed(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result in the committed form, and print the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, format_committed(result))
    print(path)


def format_committed(result: Mapping[str, Any]) -> str:
    """Return the text of a committed result."""
    return format_json(thin_result(result)) + "\n"


def thin_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a result without details, with rounded numbers. The copy of a thin result is equal to it.

    >>> thin_result({"folds": {"0": {"training": ["ann"], "test": ["zoe"]}}, "seconds": 12.345678})
    {'folds': {'0': {'test': ['zoe']}}, 'seconds': 12.346}
    """
    thin = deepcopy(dict(result))
    for holder, key in list(find_keys(thin, PEOPLE_AS_FOUND.split("/"))):
        holder[key] = mean_of_labels(holder[key])
    for path in DETAILS:
        for holder, key in list(find_keys(thin, path.split("/"))):
            del holder[key]
    rounded: dict[str, Any] = round_numbers(thin)
    return rounded


def find_keys(content: Any, path: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects that have the last key of a path, and this key."""
    if not isinstance(content, dict):
        return
    first, *others = path
    for key in list(content) if first == "*" else [first]:
        if key not in content:
            continue
        if others:
            yield from find_keys(content[key], others)
        else:
            yield content, key


def mean_of_labels(people: Mapping[str, Any]) -> dict[str, float]:
    """Return person -> the mean F1 over labels. People without a label that is known from training are left out."""
    means = {}
    for person, scores in people.items():
        if isinstance(scores, float):
            means[person] = scores
        elif scores["f1"]:
            means[person] = fmean(scores["f1"].values())
    return means


def round_numbers(content: Any) -> Any:
    """Return content for JSON with rounded numbers (see ``round_number``); settings stay as they are.

    >>> round_numbers({"f1": 0.123456789, "seconds": [12.3, 3], "settings": {"share": 1 / 3}})
    {'f1': 0.12346, 'seconds': [12.3, 3], 'settings': {'share': 0.3333333333333333}}
    """
    if isinstance(content, Mapping):
        return {str(key): value if key == "settings" else round_numbers(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [round_numbers(value) for value in content]
    return round_number(content) if isinstance(content, float) else content


def round_number(number: float) -> float:
    """Return a number with five significant digits, or with more if it would end in 5.

    A page rounds it again, and a last 5 does not say in which direction.

    >>> round_number(0.876543), round_number(0.8794971), round_number(0.25), round_number(123456.789)
    (0.87654, 0.879497, 0.25, 123457.0)
    """
    if not math.isfinite(number):
        return number
    if abs(number) >= 10**LEAST_DIGITS:
        return float(round(number))
    text = ""
    for digits in range(LEAST_DIGITS, ALL_DIGITS + 1):
        text = f"{number:.{digits}g}"
        if not text.split("e")[0].endswith("5"):
            break
    return float(text)


def format_json(content: Any, *, indent: int = 0) -> str:
    """Return JSON whose lines hold as many items as fit. An item of several lines has lines of its own.

    >>> print(format_json({"people": 2, "scores": [0.5, 0.75], "names": ["a name of some length"] * 6}))
    {
     "people":2,"scores":[0.5,0.75],
     "names":[
      "a name of some length","a name of some length","a name of some length","a name of some length",
      "a name of some length","a name of some length"
     ]
    }
    """
    line = json.dumps(content, separators=SEPARATORS)
    if len(line) + indent < LINE_CHARACTERS or not isinstance(content, (dict, list, tuple)):
        return line
    inner = indent + 1
    if isinstance(content, dict):
        begin, end = "{}"
        items = [f"{json.dumps(str(key))}:{format_json(value, indent=inner)}" for key, value in content.items()]
    else:
        begin, end = "[]"
        items = [format_json(value, indent=inner) for value in content]
    lines = ",\n".join(" " * inner + text for text in fill_lines(items, LINE_CHARACTERS - inner))
    return f"{begin}\n{lines}\n{' ' * indent}{end}"


def fill_lines(items: Sequence[str], characters: int) -> Iterator[str]:
    """Yield the lines of items. Neighbours share a line of so many characters if they fit and have one line each."""
    line = ""
    for item in items:
        if not line:
            line = item
        elif "\n" not in line + item and len(line) + len(item) + 1 < characters:
            line += f",{item}"
        else:
            yield line
            line = item
    if line:
        yield line


def main() -> None:
    """Write a result in the committed form."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path, help="the result of a run")
    parser.add_argument("committed", type=Path, help="the file to write")
    arguments = parser.parse_args()
    result = json.loads(arguments.result.read_text(encoding="utf-8"))
    write_committed(arguments.committed, result)


if __name__ == "__main__":
    main()
