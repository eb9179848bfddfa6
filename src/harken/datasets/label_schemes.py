"""Label schemes: the labels that each activity of a data set allows. An activity may allow several labels.

For example, people eat sitting or standing, and a data set does not always state which. A scheme states the allowed
labels for each activity of each data set. Training and scores use these label sets (``harken.networks.training_loop``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harken.datasets.info import DatasetInfo, catalogue
from harken.recordings.recording import POSTURES, Recording, recoded
from harken.support.arrays import BoolArray, FloatArray
from harken.support.errors import HarkenError

COMMON_ACTIVITIES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
"""The common activities, which allow comparisons between data sets.

``running`` includes jogging, ``stairs`` is up and down, ``cycling`` includes exercise bikes. ``other`` includes
activities of the hands in any posture (eating, typing, ball games, gymnastics) and all remaining activities. It is a
label; samples with it are not unlabelled.
"""
OR, LEFT_OUT = " or ", "none"
"""Between the labels of a scheme for an activity, and in place of them if it allows none."""
BUSY = " with busy hands"
"""The end of a class's name. ``sitting with busy hands`` is the posture ``sitting`` while the hands do something."""


def to_common(recording: Recording, info: DatasetInfo) -> Recording:
    """A copy of the recording with the common names of its labels.

    Unlabelled samples stay unlabelled.

    Raises:
        HarkenError: when the recording has a label that is not in ``info.label_map``.
    """
    unknown = [name for name in recording.label_names if name not in info.label_map]
    if unknown:
        raise HarkenError(
            f"{recording.source or recording.subject}: {', '.join(unknown)} is not an activity of the data set "
            f"{info.name}; it has {', '.join(info.labels)}"
        )
    new = tuple(info.label_map[name] for name in recording.label_names)
    label_names = tuple(sorted({*new} - {""}))
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
            ``label_map``. An activity that allows none is left out: its samples become unlabelled.
        labels: the labels that a model with this scheme predicts.
    """

    name: str
    departures: Mapping[str, Mapping[str, Sequence[str]]]
    labels: tuple[str, ...] = COMMON_ACTIVITIES

    def __post_init__(self) -> None:
        """Check that every label is one of ``labels``."""
        for name, words in self.departures.items():
            for word, allowed in words.items():
                if not set(allowed) <= set(self.labels):
                    raise ValueError(f"{name}, {word}: {tuple(allowed)} are not labels; the labels are {self.labels}")

    def allowed(self, info: DatasetInfo) -> dict[str, tuple[str, ...]]:
        """The labels that each activity of a data set allows, sorted."""
        departures = self.departures.get(info.name, {})
        labels = {word: departures.get(word, (common,)) for word, common in info.label_map.items()}
        return {word: tuple(sorted(set(allowed))) for word, allowed in labels.items()}

    def of(self, data_sets: Iterable[str]) -> "LabelScheme":
        """The same scheme with the departures of these data sets alone."""
        return replace(self, departures={name: self.departures[name] for name in data_sets if name in self.departures})

    def names(self, info: DatasetInfo) -> dict[str, str]:
        """The scheme's name of each activity of a data set, such as ``sitting`` or ``sitting or standing``; empty for
        one that is left out."""
        return {word: OR.join(labels) for word, labels in self.allowed(info).items()}

    def matrix(self, label_names: Iterable[str]) -> BoolArray:
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


def posture_of(name: str) -> str:
    """A class without what it says of the hands: ``sitting`` for ``sitting with busy hands``."""
    return name.removesuffix(BUSY)


def postures_and_hands(
    probabilities: FloatArray, classes: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray, FloatArray | None]:
    """What the body does and whether the hands are busy, from probabilities of classes that say both.

    >>> import numpy as np
    >>> classes = ("sitting", "sitting with busy hands", "walking")
    >>> labels, postures, hands = postures_and_hands(np.array([[0.25, 0.5, 0.25]]), classes)
    >>> labels, postures.tolist(), hands.tolist()
    (('sitting', 'walking'), [[0.75, 0.25]], [0.5])

    Args:
        probabilities: of each class, ``[n, classes]``.
        classes: the names of the classes. Those that end in ``BUSY`` are the posture before it with busy hands.

    Returns:
        The labels, each posture once, in the order of the classes; the probability of each label, ``[n, labels]``; and
        the probability that the hands are busy, ``[n]``, which is the sum over the classes that end in ``BUSY``. It is
        None for classes without such a name, whose probabilities are returned as they are.
    """
    busy = np.array([name.endswith(BUSY) for name in classes])
    if not busy.any():
        return tuple(classes), probabilities, None
    names = list(map(posture_of, classes))
    labels = tuple(dict.fromkeys(names))
    of_label = np.array([[name == label for label in labels] for name in names], dtype=probabilities.dtype)
    return labels, probabilities @ of_label, probabilities[:, busy].sum(axis=1)


def taught_hands(
    names: Sequence[str], label_sets: Mapping[str, Sequence[str]]
) -> tuple[Mapping[str, Sequence[str]], dict[str, bool]]:
    """``label_sets`` and ``hands`` of ``Recogniser.fit`` for windows whose classes say both posture and hands.

    >>> from harken.datasets.label_schemes import taught_hands
    >>> taught_hands(["sitting with busy hands", "sitting", "walking"], {})
    ({'sitting with busy hands': ('sitting',)}, {'sitting with busy hands': True, 'sitting': False})

    Args:
        names: the labels of windows. One that ends in ``BUSY`` is a posture with busy hands if the posture's own name
            is among them, too, which then means that they are not; without it, it is a label as any other.
        label_sets: the names among them that stand for several classes -> these classes.

    Returns:
        Without a posture with busy hands the same sets, and nothing about hands.
    """
    classes = {name: tuple(label_sets.get(name, (name,))) for name in names}
    known = {label for each in classes.values() for label in each}
    posture = {label: posture_of(label) for label in known if label.endswith(BUSY) and posture_of(label) in known}
    if not posture:
        return label_sets, {}
    told = {*posture, *posture.values()}
    postures = {name: tuple(dict.fromkeys(posture.get(one, one) for one in each)) for name, each in classes.items()}
    busy = {name: {one in posture for one in each} for name, each in classes.items() if told.issuperset(each)}
    return (
        {name: each for name, each in postures.items() if each != (name,)},
        {name: states.pop() for name, states in busy.items() if len(states) == 1},
    )


def _departures(scheme: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Data set -> activity -> the labels that a scheme of labels allows for it, if they differ from the activity's
    common name; empty for one that is left out. From ``catalogue.toml``."""
    return {
        name: {
            word: tuple(allowed.split(OR)) if allowed != LEFT_OUT else ()
            for allowed, words in of.items()
            for word in words
        }
        for name, facts in catalogue().items()
        if (of := facts.get("schemes", {}).get(scheme))
    }


SCHEMES: Mapping[str, LabelScheme] = {
    **{name: LabelScheme(name, _departures(name)) for name in ("other", "posture", "sets")},
    "hands": LabelScheme(
        "hands",
        _departures("hands"),
        ("lying", *(posture + hands for posture in POSTURES for hands in ("", BUSY)), *COMMON_ACTIVITIES[3:]),
    ),
}
"""``other``: activities of the hands are ``other``, as in the common activities. ``posture``: the most likely posture
of each activity. ``sets``: all postures that an activity allows. ``hands``: the posture, and whether the hands are busy
in it; ``other`` is other sport alone."""
TRUTH = "sets"
"""The scheme of the true labels of test windows."""
DEFAULT_SCHEME = "other"
"""The scheme of training windows."""
