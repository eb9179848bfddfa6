"""Are two sets of windows of different people? Asked of the windows themselves, not of whoever named them."""

import re
from collections.abc import Iterable, Mapping
from itertools import combinations, compress, product

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.windows.windows import Windows

__all__ = ["arms_of_one_person", "refuse_shared"]

WORD = re.compile(r"[^\W\d_]+|\d+")
CAPITAL_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")
SIDE_OR_PLACE = re.compile(
    r"(left|right)?(arm|forearm|wrist|hand|ankle|leg|thigh|foot|hip|waist|chest|torso)?", re.IGNORECASE
)
ABBREVIATED_SIDE = re.compile(r"[lr](a|w|h)?", re.IGNORECASE)
WINDOWS_AT_ONCE = 4096


def refuse_shared(parts: Mapping[str, Windows]) -> None:
    """See to it that no two parts share a wearer. ``parts``: what each is called -> its windows, some maybe empty.

    What is looked for, in every pair of parts:

    - a subject in both;
    - two subjects that are two arms of one person by their names (``arms_of_one_person``);
    - a window in both, sample by sample. Windows that do not move at all are not counted: a watch on a table
      reads the same whoever owns it.

    Raises:
        HarkenError: naming the parts, the people and what they share.
    """
    subjects = {str(subject) for part in parts.values() for subject in np.unique(part.subjects)}
    content = {name: _content_numbers(part.signals) for name, part in parts.items()}
    for (one, these), (other, those) in combinations(parts.items(), 2):
        shared = np.intersect1d(these.subjects, those.subjects)
        if len(shared):
            raise HarkenError(f"{', '.join(shared)} has windows in {one} and in {other}. A person has one role")
        arms = _parted_arms(these, those, subjects)
        if arms:
            raise HarkenError(
                f"{arms[0]} ({one}) and {arms[1]} ({other}) look like two sensors on one person, who would be in "
                f"both parts. Give both recordings the person's name as subject"
            )
        if these.signals.shape[1:] == those.signals.shape[1:]:
            _, first, second = np.intersect1d(content[one], content[other], return_indices=True)
            _refuse_same_windows(these[first], those[second], one, other)


def arms_of_one_person(one: str, other: str, *, everybody: Iterable[str], simultaneous: bool) -> bool:
    """Whether two subjects are one person's two arms (or wrist and ankle, or a whole person and an arm) by name.

    ``p1_left`` and ``p1_right_arm``, ``anna`` and ``annaLeft`` are, whenever they were recorded: what is left
    without the words for side and place is the same. Two kinds of names say too little for that, and count only
    when the two were recorded at the same time, as the sensors of one person are: names of nothing but side and
    place (``left``, ``right``), and abbreviated sides (``p1_l`` and ``p1_r``, ``p1_LA`` and ``p1_RA``), which may be
    initials. And those are initials for certain when others in ``everybody`` continue the same name in another way
    (``p1_m``).

    Two arms called A and B are not found: names that hide it, hide it.
    """
    (stem, side), (other_stem, other_side) = _without_side(one), _without_side(other)
    if stem == other_stem and side != other_side:
        return bool(stem) or simultaneous
    words, other_words = _words(one), _words(other)
    if not (simultaneous and words and other_words and words[:-1] == other_words[:-1]):
        return False
    if words[-1] == other_words[-1] or words[-1][1:] != other_words[-1][1:]:
        return False
    ends = {each[-1] for each in map(_words, (one, other, *everybody)) if each[:-1] == words[:-1]}
    return all(ABBREVIATED_SIDE.fullmatch(end) for end in ends)


def _words(subject: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in WORD.findall(CAPITAL_INSIDE.sub(" ", subject)))


def _without_side(subject: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a name that do not tell a side or a place of the body, and those that do."""
    words = _words(subject)
    told = [bool(SIDE_OR_PLACE.fullmatch(word)) for word in words]
    return tuple(compress(words, [not each for each in told])), tuple(compress(words, told))


def _parted_arms(these: Windows, those: Windows, everybody: set[str]) -> tuple[str, str] | None:
    """A person's two arms, one on either side; None when there are none."""
    for one, other in product(np.unique(these.subjects).tolist(), np.unique(those.subjects).tolist()):
        if not arms_of_one_person(one, other, everybody=everybody, simultaneous=True):
            continue
        certain = arms_of_one_person(one, other, everybody=everybody, simultaneous=False)
        if certain or _simultaneous(these[these.subjects == one], those[those.subjects == other]):
            return one, other
    return None


def _simultaneous(one: Windows, other: Windows) -> bool:
    """Whether a window of one overlaps a window of the other in time."""
    starts = np.sort(other.starts_ns)
    duration_ns = round(1e9 * max(w.length / w.sample_rate_hz for w in (one, other)))
    first = np.searchsorted(starts, one.starts_ns - duration_ns, side="right")
    last = np.searchsorted(starts, one.starts_ns + duration_ns, side="left")
    return bool((last > first).any())


def _refuse_same_windows(these: Windows, those: Windows, one: str, other: str) -> None:
    """Windows of two parts, pair by pair."""
    same = (these.signals == those.signals).all(axis=(1, 2)) & (np.ptp(these.signals, axis=1) > 0).any(axis=1)
    if same.any():
        name, other_name = these.subjects[same][0], those.subjects[same][0]
        raise HarkenError(
            f"{np.count_nonzero(same)} windows in {one} (the first: {name}) are in {other} too ({other_name}), sample "
            "by sample: the same recording stands under two names"
        )


def _content_numbers(signals: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number for each window ``[n, length, channels]``, equal for equal content, hardly ever for other content."""
    values = signals.shape[1] * signals.shape[2]
    factors = np.random.default_rng(0).integers(1, 2**63, values, dtype=np.uint64)
    numbers = np.empty(len(signals), dtype=np.uint64)
    for start in range(0, len(signals), WINDOWS_AT_ONCE):
        some = np.ascontiguousarray(signals[start : start + WINDOWS_AT_ONCE])
        numbers[start : start + len(some)] = some.reshape(len(some), values).view(np.uint32) @ factors
    return numbers
