"""The common words for activities, and from a data set's own labels to them."""

from dataclasses import replace

import numpy as np

from harken.datasets.info import DatasetInfo
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError

__all__ = ["COMMON_ACTIVITIES", "to_common"]

COMMON_ACTIVITIES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
"""The words that data sets can be compared by.

``running`` includes jogging, ``stairs`` is up and down, ``cycling`` includes exercise bikes. ``other`` is what
the hand is busy with whatever the body does (eating, typing, ball games, gymnastics), and every activity that
is none of the rest: it is a label, not the absence of one.
"""


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
