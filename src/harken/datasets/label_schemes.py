"""Label schemes: the labels that each activity of a data set allows. An activity may allow several labels.

For example, people eat sitting or standing, and a data set does not always state which. A scheme states the allowed
labels for each activity of each data set. Training and scores use these label sets (``harken.training.loop``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.datasets.info import DatasetInfo
from harken.recordings.recording import Recording, recoded
from harken.support.errors import HarkenError

COMMON_ACTIVITIES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
"""The common activities, which allow comparisons between data sets.

``running`` includes jogging, ``stairs`` is up and down, ``cycling`` includes exercise bikes. ``other`` includes
activities of the hands in any posture (eating, typing, ball games, gymnastics) and all remaining activities. It is a
label; samples with it are not unlabelled.
"""
OR = " or "
POSTURES = ("sitting", "standing")
SITTING_DOWN = ("chips", "drinking", "pasta", "sandwich", "soup", "typing", "writing")
"""Activities of WISDM whose posture is not documented."""
ON_FEET = ("clapping", "folding", "teeth")
"""Activities of WISDM that most people do standing. Their posture is not documented either."""


def to_common(recording: Recording, info: DatasetInfo) -> Recording:
    """A copy of the recording with the common names of its labels.

    Unlabelled samples stay unlabelled.

    Raises:
        HarkenError: when the recording has a label that is not in ``info.label_map``.
    """
    return _renamed(recording, info, info.label_map)


def _renamed(recording: Recording, info: DatasetInfo, names: Mapping[str, str]) -> Recording:
    """A copy of the recording with its study and other names of its labels. Labels with one new name become one."""
    unknown = [name for name in recording.label_names if name not in names]
    if unknown:
        raise HarkenError(
            f"{recording.source or recording.subject}: {', '.join(unknown)} is not an activity of the data set "
            f"{info.name}; it has {', '.join(info.labels)}"
        )
    new = tuple(names[name] for name in recording.label_names)
    label_names = tuple(sorted(set(new)))
    codes = recoded(recording.label_codes, new, label_names)
    return replace(recording, label_codes=codes, label_names=label_names, study=info.name)


@dataclass(frozen=True)
class LabelScheme:
    """The labels that each activity of each data set allows.

    >>> from harken.datasets.label_schemes import SCHEMES
    >>> from harken.datasets.wisdm import INFO
    >>> SCHEMES["sets"].allowed(INFO)["typing"]
    ('sitting', 'standing')
    >>> SCHEMES["sets"].matrix(["sitting", "sitting or standing"]).sum(axis=1)
    array([1, 2])

    Attributes:
        name: the name of the scheme.
        departures: data set -> activity -> the allowed labels, if they differ from the common name in the data set's
            ``label_map``.
        labels: the labels that a model with this scheme predicts.
    """

    name: str
    departures: Mapping[str, Mapping[str, Sequence[str]]]
    labels: tuple[str, ...] = COMMON_ACTIVITIES

    def __post_init__(self) -> None:
        """Check that every label is one of ``labels``."""
        for name, words in self.departures.items():
            for word, allowed in words.items():
                if not allowed or not set(allowed) <= set(self.labels):
                    raise ValueError(f"{name}, {word}: {tuple(allowed)} are not labels; the labels are {self.labels}")

    def allowed(self, info: DatasetInfo) -> dict[str, tuple[str, ...]]:
        """The labels that each activity of a data set allows, sorted."""
        departures = self.departures.get(info.name, {})
        return {word: tuple(sorted(set(departures.get(word, (common,))))) for word, common in info.label_map.items()}

    def names(self, info: DatasetInfo) -> dict[str, str]:
        """The scheme's name of each activity of a data set, such as ``sitting`` or ``sitting or standing``."""
        return {word: OR.join(labels) for word, labels in self.allowed(info).items()}

    def apply(self, recording: Recording, info: DatasetInfo) -> Recording:
        """The recording with the scheme's names of its labels, such as ``sitting`` and ``sitting or standing``.

        Unlabelled samples stay unlabelled.

        Raises:
            HarkenError: when the recording has a label that is not an activity of the data set.
        """
        return _renamed(recording, info, self.names(info))

    def matrix(self, label_names: Iterable[str]) -> NDArray[np.bool_]:
        """Which of ``labels`` each name of the scheme allows, bool ``[names, labels]``.

        Raises:
            HarkenError: for a name that is not in the scheme.
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
"""``other``: activities of the hands are ``other``, as in the common activities. ``posture``: the most likely posture
of each activity. ``sets``: all postures that an activity allows."""
TRUTH = "sets"
"""The scheme of the true labels of test windows."""
DEFAULT_SCHEME = "other"
"""The scheme of training windows."""
