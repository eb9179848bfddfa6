"""Label schemes: the labels that each activity of a data set allows. An activity may allow several labels.

For example, people eat sitting or standing, and a data set does not always state which. A scheme states the allowed
labels for each activity of each data set. Training and scores use these label sets (``harken.networks.training_loop``).
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harken.datasets.common_activities import COMMON_ACTIVITIES
from harken.datasets.info import DatasetInfo
from harken.recordings.recording import POSTURES
from harken.support.arrays import BoolArray, FloatArray
from harken.support.errors import HarkenError
from harken.windows.busy_hands import BUSY, name_posture

OR, LEFT_OUT = " or ", "none"
"""Between the labels of a scheme for an activity, and in place of them if it allows none."""
SCHEMES_FILE = Path(__file__).with_name("label_schemes.toml")


@dataclass(frozen=True)
class LabelScheme:
    """The labels that each activity of each data set allows.

    >>> from benchmarks.studies.label_schemes import SCHEMES
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


def split_probabilities(
    probabilities: FloatArray, classes: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray, FloatArray | None]:
    """Split the probabilities of classes that say both what the body does and whether the hands are busy.

    >>> import numpy as np
    >>> classes = ("sitting", "sitting with busy hands", "walking")
    >>> labels, postures, hands = split_probabilities(np.array([[0.25, 0.5, 0.25]]), classes)
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
    names = list(map(name_posture, classes))
    labels = tuple(dict.fromkeys(names))
    of_label = np.array([[name == label for label in labels] for name in names], dtype=probabilities.dtype)
    return labels, probabilities @ of_label, probabilities[:, busy].sum(axis=1)


def _read_departures(scheme: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Study -> activity -> the labels that a scheme allows for it, if they differ from the activity's common name;
    empty for an activity that is left out."""
    departures: dict[str, dict[str, tuple[str, ...]]] = {}
    for study, schemes in tomllib.loads(SCHEMES_FILE.read_text(encoding="utf-8")).items():
        for allowed, activities in schemes.get(scheme, {}).items():
            labels = () if allowed == LEFT_OUT else tuple(allowed.split(OR))
            departures.setdefault(study, {}).update(dict.fromkeys(activities, labels))
    return departures


SCHEMES: Mapping[str, LabelScheme] = {
    **{name: LabelScheme(name, _read_departures(name)) for name in ("other", "posture", "sets")},
    "hands": LabelScheme(
        "hands",
        _read_departures("hands"),
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
