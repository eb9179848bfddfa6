"""Labels that say both what the body does and that the hands are busy, such as ``sitting with busy hands``."""

from collections.abc import Mapping, Sequence

BUSY = " with busy hands"
"""The end of such a label. What stands before it is the posture."""


def name_posture(label: str) -> str:
    """Return a label without what it says about the hands: ``sitting`` for ``sitting with busy hands``."""
    return label.removesuffix(BUSY)


def split_hands(
    names: Sequence[str], label_sets: Mapping[str, Sequence[str]]
) -> tuple[Mapping[str, Sequence[str]], dict[str, bool]]:
    """Return ``label_sets`` and ``hands`` of ``Recogniser.fit`` for windows whose labels say both posture and hands.

    >>> from harken.windows.busy_hands import split_hands
    >>> split_hands(["sitting with busy hands", "sitting", "walking"], {})
    ({'sitting with busy hands': ('sitting',)}, {'sitting with busy hands': True, 'sitting': False})

    Args:
        names: the labels of windows. A label that ends in ``BUSY`` is a posture with busy hands if the posture itself
            is among the labels, too. The posture then means that the hands are not busy. Without it, the label is like
            any other.
        label_sets: the names among them that stand for several labels -> these labels.

    Returns:
        Without a posture with busy hands the same sets, and nothing about hands.
    """
    labels_of = {name: tuple(label_sets.get(name, (name,))) for name in names}
    known = {label for labels in labels_of.values() for label in labels}
    posture_of = {}
    for label in known:
        posture = name_posture(label)
        if label.endswith(BUSY) and posture in known:
            posture_of[label] = posture
    if not posture_of:
        return label_sets, {}
    says_hands = {*posture_of, *posture_of.values()}
    sets: dict[str, Sequence[str]] = {}
    hands = {}
    for name, labels in labels_of.items():
        postures = tuple(dict.fromkeys(posture_of.get(label, label) for label in labels))
        if postures != (name,):
            sets[name] = postures
        states = {label in posture_of for label in labels}
        if says_hands.issuperset(labels) and len(states) == 1:
            hands[name] = states.pop()
    return sets, hands
