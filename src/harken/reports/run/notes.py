"""Notes on several recordings that say the same but for their numbers, said once."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["SharedNote", "share_notes"]

NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:\.\d+)?(?![\w/])")
"""A number that stands alone: not one in a file's name, a date or a unit."""


class SharedNote(NamedTuple):
    """What is said, and of which recordings (their positions)."""

    text: str
    recordings: tuple[int, ...]


def share_notes(notes: Sequence[Sequence[str]]) -> list[SharedNote]:
    """Join equal notes of recordings, in the order in which they come first.

    Args:
        notes: those of each recording. Numbers may differ between recordings: the joined note has the least and
            the greatest of them.
    """
    # By what stands between the numbers, and how often the recording said so before: it keeps both.
    alike: dict[tuple[tuple[str, ...], int], dict[int, str]] = {}
    for position, own in enumerate(notes):
        said_before: Counter[tuple[str, ...]] = Counter()
        for note in own:
            form = tuple(NUMBER.split(note))
            alike.setdefault((form, said_before[form]), {})[position] = note
            said_before[form] += 1
    return [SharedNote(_joined(list(said.values())), tuple(said)) for said in alike.values()]


def _joined(notes: list[str]) -> str:
    between = NUMBER.split(notes[0])
    numbers = [_range(texts) for texts in zip(*(NUMBER.findall(note) for note in notes), strict=True)]
    return between[0] + "".join(number + after for number, after in zip(numbers, between[1:], strict=True))


def _range(texts: Sequence[str]) -> str:
    least, greatest = min(texts, key=float), max(texts, key=float)
    return least if float(least) == float(greatest) else f"{least} to {greatest}"
