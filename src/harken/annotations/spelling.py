"""The spelling of labels that people write: which names are one label, and which may be meant as one."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache

BETWEEN_WORDS = re.compile(r"[\s_]+|(?<=[^\W\d_])-(?=[^\W\d_])")
"""What separates two words of a label. A hyphen at a digit may be a minus."""
LEAST_ALIKE = 0.85
"""The least ``SequenceMatcher.ratio`` of two spellings of a word: walkng and walking have 0.92, drinking and driving
0.8."""


def spelling(label: str) -> str:
    """A label without what people write in different ways: case, and blanks, underscores and hyphens between words.

    Two numbers stay apart.

    >>> spelling("Lying_Down") == spelling("lying  down") == spelling("lyingdown")
    True
    >>> spelling("level 1 2") == spelling("level 12")
    False
    """
    return re.sub(r"(?<!\d) | (?!\d)", "", " ".join(_words(label))) or label


def one_spelling(*seconds: Mapping[str, float]) -> dict[str, str]:
    """The name that each label is used by: of names that differ in case or spaces alone, the most frequent one; of
    equally frequent ones that in small letters.

    >>> one_spelling({"Walking": 20, "walking": 30, "lying": 60})
    {'lying': 'lying', 'walking': 'walking', 'Walking': 'walking'}

    Args:
        seconds: how long each label lasts. If there are several groups, a name of an earlier one is used.
    """
    names = [name for group in seconds for name in sorted(group, key=lambda name: (-group[name], name.swapcase()))]
    used: dict[str, str] = {}
    for name in names:
        used.setdefault(spelling(name), name)
    return {name: used[spelling(name)] for name in names}


def nearly_alike(one: str, other: str) -> bool:
    """Whether a person may have meant two labels as one: a single word differs, by a letter or so.

    The first letter and the digits are the same: slips change them rarely, and other activities often.

    >>> nearly_alike("laying down", "lying_down"), nearly_alike("walking", "talking"), nearly_alike("task 1", "task 2")
    (True, False, False)
    """
    words, others = _words(one), _words(other)
    pairs = [pair for pair in zip(words, others, strict=False) if pair[0] != pair[1]]
    if len(words) != len(others) or len(pairs) != 1:
        return False
    word, another = pairs[0]
    if word[0] != another[0] or re.findall(r"\d", word) != re.findall(r"\d", another):
        return False
    return SequenceMatcher(None, word, another, autojunk=False).ratio() >= LEAST_ALIKE


@lru_cache(maxsize=1024)  # each label is compared with all others
def _words(label: str) -> tuple[str, ...]:
    return tuple(word for word in BETWEEN_WORDS.split(label.casefold()) if word)
