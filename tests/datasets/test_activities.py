"""From a data set's own labels to the common words."""

from dataclasses import replace

import numpy as np
import pytest

from harken.datasets.label_schemes import COMMON_ACTIVITIES, to_common
from harken.datasets.registry import DATASETS
from harken.datasets.wisdm import INFO
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError


@pytest.fixture
def recording() -> Recording:
    return Recording(
        time_ns=np.arange(6) * 10**9,
        signals=np.zeros((6, 3), np.float32),
        channels=("x", "y", "z"),
        label_codes=np.array([0, 1, UNLABELLED, 2, 3, 0], np.int16),
        label_names=("catch", "jogging", "sitting", "soup"),
        subject="wisdm_1600",
    )


def test_labels_become_common_words_and_the_original_keeps_its_own(recording: Recording) -> None:
    common = to_common(recording, INFO)
    assert common.label_names == ("other", "running", "sitting")
    words = np.array([*common.label_names, ""])[common.label_codes]
    assert words.tolist() == ["other", "running", "", "sitting", "other", "other"]
    assert recording.label_names == ("catch", "jogging", "sitting", "soup")
    assert common.samples_fingerprint == recording.samples_fingerprint


def test_a_recording_without_labels_stays_without(recording: Recording) -> None:
    bare = replace(recording, label_codes=np.full(6, UNLABELLED, np.int16), label_names=())
    assert to_common(bare, INFO).label_names == ()
    assert to_common(bare, INFO).unlabelled_rows == 6


def test_a_label_of_another_set_is_refused(recording: Recording) -> None:
    strange = replace(recording, label_names=("catch", "jogging", "juggling", "soup"))
    with pytest.raises(HarkenError, match="juggling is no activity of the data set wisdm"):
        to_common(strange, INFO)


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_label_of_every_set_has_a_common_word(name: str) -> None:
    info = DATASETS[name].info
    assert sorted(info.label_map) == list(info.labels)
    assert set(info.label_map.values()) <= set(COMMON_ACTIVITIES)


def test_labels_that_are_a_common_word_mean_it() -> None:
    """A set's "sitting" is sitting; none is called something else."""
    for each in DATASETS.values():
        for label, word in each.info.label_map.items():
            if label.lower() in COMMON_ACTIVITIES:
                assert word == label.lower()
