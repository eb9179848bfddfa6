"""The common activities, and recordings whose labels take their names."""

from dataclasses import replace

from harken.datasets.info import DatasetInfo
from harken.recordings.recording import Recording, recoded
from harken.support.errors import HarkenError

COMMON_ACTIVITIES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
"""The common activities, which allow comparisons between data sets.

``running`` includes jogging, ``stairs`` is up and down, ``cycling`` includes exercise bikes. ``other`` includes
activities of the hands in any posture (eating, typing, ball games, gymnastics) and all remaining activities. It is a
label; samples with it are not unlabelled.
"""


def convert_to_common(recording: Recording, info: DatasetInfo) -> Recording:
    """Return a copy of the recording with the common names of its labels.

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
