"""Labels: the common words for activities, what each word of a scheme allows, and recordings relabelled by both."""

import numpy as np
import pytest

from benchmarks.studies.data_sets import TIDY_STUDIES, find_study
from benchmarks.studies.label_schemes import SCHEMES, LabelScheme, split_probabilities
from harken.datasets.common_activities import COMMON_ACTIVITIES, convert_to_common
from harken.datasets.registry import DATASETS as FETCHED
from harken.datasets.wisdm import INFO
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.windows.busy_hands import split_hands
from made_recordings import recording_of


def labelled(names: tuple[str, ...]) -> Recording:
    """A second for each label, and one without."""
    codes = [*range(len(names)), UNLABELLED]
    return recording_of(np.arange(len(codes)) * 10**9, np.zeros((len(codes), 3)), codes=codes, names=names)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_every_word_allows_a_label(scheme: LabelScheme) -> None:
    for each in (*FETCHED.values(), *TIDY_STUDIES.values()):
        allowed = scheme.allowed(each.info)
        assert sorted(allowed) == list(each.info.labels)
        assert all(set(labels) <= set(scheme.labels) for labels in allowed.values())
        left_out = {word for word, labels in allowed.items() if not labels}
        assert left_out <= {"driving", "not_moving"}
    assert all(set(words) <= set(find_study(name).info.labels) for name, words in scheme.departures.items()), (
        "a departure names a word that the data set lacks"
    )


def test_the_scheme_other_is_the_common_words() -> None:
    assert SCHEMES["other"].names(INFO) == dict(INFO.label_map)


def test_a_word_may_allow_several_labels() -> None:
    scheme = SCHEMES["sets"]
    names = [scheme.names(INFO)[word] for word in ("catch", "sitting", "typing")]
    assert names == ["other", "sitting", "sitting or standing"]
    matrix = scheme.matrix(names)
    assert [[scheme.labels[k] for k in np.flatnonzero(row)] for row in matrix] == [
        ["other"],
        ["sitting"],
        ["sitting", "standing"],
    ]
    assert SCHEMES["posture"].names(INFO)["typing"] == "sitting"
    assert scheme.matrix([]).shape == (0, len(scheme.labels))


def test_what_is_no_word_or_no_label_is_refused() -> None:
    with pytest.raises(HarkenError, match="juggling is not an activity of the data set wisdm"):
        convert_to_common(labelled(("juggling",)), INFO)
    with pytest.raises(HarkenError, match="flying: not among the labels lying"):
        SCHEMES["sets"].matrix(["sitting or flying"])
    with pytest.raises(ValueError, match="are not labels"):
        LabelScheme("bad", {"wisdm": {"typing": ("flying",)}})


def test_busy_hands_have_a_posture_and_are_never_other() -> None:
    hands = SCHEMES["hands"]
    busy = {name: hands.names(find_study(name).info) for name in hands.departures}
    assert busy["wisdm"]["typing"] == busy["exam_stress"]["exam"] == "sitting with busy hands"
    assert busy["wisdm"]["teeth"] == busy["pebble_steps"]["washing_up"] == "standing with busy hands"
    assert busy["wisdm"]["soup"] == "sitting with busy hands or standing with busy hands"
    assert busy["wisdm"]["sitting"] == busy["stress_predict"]["relax"] == "sitting or sitting with busy hands"
    assert busy["dsads"]["sitting"] == "sitting", "of a laboratory's stillness"
    others = {word for names in busy.values() for word, name in names.items() if name == "other"}
    assert others == {
        *("catch", "dribbling", "kicking", "jumping", "playing_basketball", "rowing"),
        *("exercising_cross_trainer", "exercising_stepper"),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_postures_and_hands_are_sums_over_classes(dtype: type[np.floating]) -> None:
    classes = SCHEMES["hands"].labels
    given = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 50).astype(dtype)
    labels, postures, hands = split_probabilities(given, classes)
    assert labels == COMMON_ACTIVITIES
    assert hands is not None
    assert postures.dtype == hands.dtype == dtype
    for row, posture, busy in zip(given.tolist(), postures.tolist(), hands.tolist(), strict=True):
        named = dict(zip(classes, row, strict=True))
        for label, share in zip(labels, posture, strict=True):
            assert share == pytest.approx(named[label] + named.get(f"{label} with busy hands", 0), rel=1e-6)
        assert busy == pytest.approx(named["sitting with busy hands"] + named["standing with busy hands"], rel=1e-6)


def test_classes_without_hands_stay_as_they_are() -> None:
    given = np.array([[0.25, 0.75]])
    labels, postures, hands = split_probabilities(given, ["busy hands", "walking"])
    assert labels == ("busy hands", "walking")
    assert postures is given
    assert hands is None
    labels, postures, _ = split_probabilities(given, ["kneeling with busy hands", "walking"])
    assert labels == ("kneeling", "walking")
    assert postures.tolist() == given.tolist()


def test_a_label_with_busy_hands_without_its_posture_stays_a_label() -> None:
    names, sets = ["typing with busy hands", "walking", "typing or walking"], {"typing or walking": ("a", "walking")}
    assert split_hands(names, sets) == (sets, {})
    taught, hands = split_hands([*names, "sitting", "sitting with busy hands"], sets)
    assert taught == {"typing or walking": ("a", "walking"), "sitting with busy hands": ("sitting",)}
    assert hands == {"sitting": False, "sitting with busy hands": True}


def test_labels_become_common_words_and_the_original_keeps_its_own() -> None:
    names = ("catch", "jogging", "sitting", "soup")
    recording = labelled(names)
    common = convert_to_common(recording, INFO)
    assert common.label_names == ("other", "running", "sitting")
    words = np.array([*common.label_names, ""])[common.label_codes]
    assert words.tolist() == ["other", "running", "sitting", "other", ""]
    assert recording.label_names == names
    assert common.samples_fingerprint == recording.samples_fingerprint
