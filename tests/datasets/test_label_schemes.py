"""Labels: the common words for activities, what each word of a scheme allows, and recordings relabelled by both."""

from dataclasses import replace

import numpy as np
import pytest

from harken.datasets.label_schemes import SCHEMES, LabelScheme, to_common
from harken.datasets.registry import DATASETS
from harken.datasets.wisdm import INFO
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError


def recording_of(names: tuple[str, ...]) -> Recording:
    """A second for each label, and one without."""
    n = len(names) + 1
    return Recording(
        time_ns=np.arange(n) * 10**9,
        signals=np.zeros((n, 3), np.float32),
        channels=("x", "y", "z"),
        label_codes=np.array([*range(len(names)), UNLABELLED], np.int16),
        label_names=names,
        subject="wisdm_1600",
    )


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_every_word_allows_a_label(scheme: LabelScheme) -> None:
    for each in DATASETS.values():
        allowed = scheme.allowed(each.info)
        assert sorted(allowed) == list(each.info.labels)
        assert all(labels and set(labels) <= set(scheme.labels) for labels in allowed.values())
    assert all(set(words) <= set(DATASETS[name].info.labels) for name, words in scheme.departures.items()), (
        "a departure names a word that the data set lacks"
    )


def test_the_scheme_other_is_the_common_words() -> None:
    recording = recording_of(INFO.labels)
    one, two = SCHEMES["other"].apply(recording, INFO), to_common(recording, INFO)
    assert one.label_names == two.label_names
    np.testing.assert_array_equal(one.label_codes, two.label_codes)


def test_a_word_may_allow_several_labels() -> None:
    scheme = SCHEMES["sets"]
    found = scheme.apply(recording_of(("catch", "sitting", "typing")), INFO)
    names = np.array([*found.label_names, ""])[found.label_codes]
    assert names.tolist() == ["other", "sitting", "sitting or standing", ""]
    matrix = scheme.matrix(found.label_names)
    assert [[scheme.labels[k] for k in np.flatnonzero(row)] for row in matrix] == [
        ["other"],
        ["sitting"],
        ["sitting", "standing"],
    ]
    assert SCHEMES["posture"].apply(recording_of(("typing",)), INFO).label_names == ("sitting",)
    assert scheme.matrix([]).shape == (0, len(scheme.labels))


def test_what_is_no_word_or_no_label_is_refused() -> None:
    with pytest.raises(HarkenError, match="juggling is not an activity of the data set wisdm"):
        SCHEMES["sets"].apply(recording_of(("juggling",)), INFO)
    with pytest.raises(HarkenError, match="flying: not among the labels lying"):
        SCHEMES["sets"].matrix(["sitting or flying"])
    with pytest.raises(ValueError, match="are not labels"):
        LabelScheme("bad", {"wisdm": {"typing": ("flying",)}})
    with pytest.raises(ValueError, match="are not labels"):
        LabelScheme("empty", {"wisdm": {"typing": ()}})


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


def test_a_label_of_another_set_is_refused(recording: Recording) -> None:
    unknown = replace(recording, label_names=("catch", "jogging", "juggling", "soup"))
    with pytest.raises(HarkenError, match="juggling is not an activity of the data set wisdm"):
        to_common(unknown, INFO)
