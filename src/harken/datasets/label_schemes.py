"""What the words of a data set say about posture and movement. A word may allow more than one label.

Somebody who eats sits or stands, and a data set does not always say which. A scheme states, for each word of each data
set, the labels that are allowed; training and scores respect that (``harken.learning.label_sets``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.datasets.info import DatasetInfo
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError

__all__ = ["COMMON_ACTIVITIES", "SCHEMES", "LabelScheme", "to_common"]

COMMON_ACTIVITIES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
"""The words that data sets can be compared by.

``running`` includes jogging, ``stairs`` is up and down, ``cycling`` includes exercise bikes. ``other`` is what
the hand is busy with whatever the body does (eating, typing, ball games, gymnastics), and every activity that
is none of the rest: it is a label, not the absence of one.
"""
OR = " or "
POSTURES = ("sitting", "standing")
SITTING_DOWN = ("chips", "drinking", "pasta", "sandwich", "soup", "typing", "writing")
"""Words of WISDM. Its description does not say in which posture they were done."""
ON_FEET = ("clapping", "folding", "teeth")
"""Words of WISDM for what most people do standing; its description does not say so either."""


def to_common(recording: Recording, info: DatasetInfo) -> Recording:
    """The recording with the common words for its labels; the one that is given keeps its own.

    Samples without a label stay without one.

    Raises:
        HarkenError: when the recording has a label that ``info.label_map`` does not know.
    """
    unknown = [name for name in recording.label_names if name not in info.label_map]
    if unknown:
        raise HarkenError(
            f"{recording.source or recording.subject}: {', '.join(unknown)} is no activity of the data set "
            f"{info.name}; it has {', '.join(info.labels)}"
        )
    words = [info.label_map[name] for name in recording.label_names]
    label_names = tuple(sorted(set(words)))
    table = np.array([label_names.index(word) for word in words] + [UNLABELLED], dtype=np.int16)
    return replace(recording, label_codes=table[recording.label_codes], label_names=label_names)


@dataclass(frozen=True)
class LabelScheme:
    """Which labels each word of each data set allows.

    >>>     >>> from harken.datasets.wisdm import INFO
    >>> SCHEMES["sets"].allowed(INFO)["typing"]
    ('sitting', 'standing')
    >>> SCHEMES["sets"].matrix(["sitting", "sitting or standing"]).sum(axis=1)
    array([1, 2])

    Attributes:
        name: what the scheme is called.
        departures: data set -> word -> the labels that it allows, where that is not the one common word that the data
            set's ``label_map`` has for it.
        labels: what a model with this scheme answers.
    """

    name: str
    departures: Mapping[str, Mapping[str, Sequence[str]]]
    labels: tuple[str, ...] = COMMON_ACTIVITIES

    def __post_init__(self) -> None:
        """Check that every label is one of ``labels``."""
        for name, words in self.departures.items():
            for word, allowed in words.items():
                if not allowed or not set(allowed) <= set(self.labels):
                    raise ValueError(f"{name}, {word}: {tuple(allowed)} are no labels; there are {self.labels}")

    def allowed(self, info: DatasetInfo) -> dict[str, tuple[str, ...]]:
        """The labels that each word of a data set allows, sorted."""
        departures = self.departures.get(info.name, {})
        return {word: tuple(sorted(set(departures.get(word, (common,))))) for word, common in info.label_map.items()}

    def apply(self, recording: Recording, info: DatasetInfo) -> Recording:
        """The recording with the scheme's names for its labels, such as ``sitting`` and ``sitting or standing``.

        Samples without a label stay without one.

        Raises:
            HarkenError: when the recording has a label that is no word of the data set.
        """
        allowed = self.allowed(info)
        unknown = [name for name in recording.label_names if name not in allowed]
        if unknown:
            raise HarkenError(
                f"{recording.source or recording.subject}: {', '.join(unknown)} is no activity of the data set "
                f"{info.name}; it has {', '.join(info.labels)}"
            )
        names = [OR.join(allowed[name]) for name in recording.label_names]
        label_names = tuple(sorted(set(names)))
        table = np.array([label_names.index(name) for name in names] + [UNLABELLED], dtype=np.int16)
        return replace(recording, label_codes=table[recording.label_codes], label_names=label_names)

    def matrix(self, label_names: Iterable[str]) -> NDArray[np.bool_]:
        """Which of ``labels`` each of the scheme's names allows, bool ``[names, labels]``.

        Raises:
            HarkenError: for a name that is none of the scheme's.
        """
        names = [name.split(OR) for name in label_names]
        unknown = sorted({label for name in names for label in name} - set(self.labels))
        if unknown:
            raise HarkenError(f"{', '.join(unknown)}: not among the labels {', '.join(self.labels)}")
        return np.array([[label in name for label in self.labels] for name in names], dtype=bool).reshape(
            len(names), len(self.labels)
        )


SCHEMES: Mapping[str, LabelScheme] = {
    scheme.name: scheme
    for scheme in (
        LabelScheme("other", {}),
        LabelScheme(
            "posture",
            {
                "wisdm": dict.fromkeys(SITTING_DOWN, ("sitting",)) | dict.fromkeys(ON_FEET, ("standing",)),
                "dsads": {"moving_around_in_elevator": ("standing",)},
            },
        ),
        LabelScheme(
            "sets",
            {
                "wisdm": dict.fromkeys((*SITTING_DOWN, *ON_FEET), POSTURES),
                "dsads": {"moving_around_in_elevator": ("standing", "walking")},
            },
        ),
    )
}
"""``other``: busy hands are ``other``, as the common words have it. ``posture``: one likely posture for each word.
``sets``: every posture that a word allows."""
