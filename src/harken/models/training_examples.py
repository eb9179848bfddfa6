"""What a model file keeps of the windows that the model was trained on.

A model that is to learn a new label needs examples of the labels that it knows, or else the new label takes their
windows. The file keeps what the network computes of a few training windows, not the windows themselves: it takes less
room, and the output layer, which learns the new label, reads nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.support.arrays import Float32Array, Int64Array, StrArray

LARGEST_SIZE = 300_000
"""The largest size of all examples of a model, in bytes."""
STEPS = 127
"""A feature is stored in so many steps up to its largest value."""


@dataclass(frozen=True, eq=False)
class TrainingExamples:
    """The features of some training windows, which the network computed, and their labels.

    Attributes:
        steps: the features in whole steps, int8 ``[n, features]``.
        step_sizes: the size of a step of each feature, float32 ``[features]``.
        codes: the label of each window, an index into the labels of the model, int32 ``[n]``.
    """

    steps: NDArray[np.int8]
    step_sizes: Float32Array
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, features: Float32Array, codes: Int64Array) -> "TrainingExamples":
        """The examples of windows. A feature is rounded to 1/127 of its largest absolute value.

        >>> import numpy as np
        >>> examples = TrainingExamples.of(np.array([[0.5, -2.0], [1.0, 0.0]], np.float32), np.array([3, 0]))
        >>> examples.features.round(2).tolist(), examples.codes.tolist()
        ([[0.5, -2.0], [1.0, 0.0]], [3, 0])

        Args:
            features: the input of the output layer, float32 ``[n, features]``.
            codes: the labels, int ``[n]``.
        """
        largest = np.abs(features).max(axis=0)
        step_sizes = np.where(largest > 0, largest / STEPS, 1).astype(np.float32)
        steps = np.rint(features / step_sizes).clip(-STEPS, STEPS).astype(np.int8)
        return cls(steps, step_sizes, codes.astype(np.int32))

    @property
    def features(self) -> Float32Array:
        """The input of the output layer, float32 ``[n, features]``."""
        return np.asarray(self.steps * self.step_sizes, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.codes)


def most_examples(features: int) -> int:
    """The number of examples of so many features that a model may keep."""
    bytes_of_sizes = 4 * features
    bytes_of_example = features + 4
    return (LARGEST_SIZE - bytes_of_sizes) // bytes_of_example


def spread_over_people(codes: Int64Array, people: StrArray, most: int) -> Int64Array:
    """Rows of windows to keep: about equally many of each label, and of each label equally many of each person.

    >>> import numpy as np
    >>> codes, people = np.array([0, 0, 0, 0, 1]), np.array(["a", "a", "a", "b", "b"])
    >>> spread_over_people(codes, people, 3).tolist()
    [0, 3, 4]

    Args:
        codes: the label of each window, ``[n]``.
        people: the person of each window, ``[n]``.
        most: the largest number of rows.
    """
    turns = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        of_label = np.flatnonzero(codes == code)
        rank_in_person = _ranks(people[of_label])
        order = np.lexsort((people[of_label], rank_in_person))
        turns[of_label[order]] = np.arange(len(of_label))
    # In the first turn each label gives a window of its first person, and so on.
    return np.sort(np.lexsort((codes, turns))[:most])


def _ranks(names: StrArray) -> Int64Array:
    """The number of earlier rows with the same name."""
    _, which = np.unique(names, return_inverse=True)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], which[order])
    ranks = np.empty(len(which), dtype=np.int64)
    ranks[order] = np.arange(len(which)) - starts
    return ranks
