"""Leaving a study out: its folds, its labels, its limits, and the refusal of a study on both sides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.studies.data_sets import MAIN_STUDIES, NINE_STUDIES, STUDIES, find_study
from benchmarks.studies.label_schemes import SCHEMES
from benchmarks.studies.protocols import (
    StudyFold,
    apply_study_fold,
    balanced,
    capped,
    in_scheme,
    leave_one_study_out,
    mounted_recordings,
    pairs_of_studies_out,
    study_recordings,
    training_windows,
)
from harken.evaluation.protocols.protocol import cut_windows
from harken.support.errors import HarkenError
from studies import made_up_studies


def test_each_study_is_left_out_once_and_nobody_of_it_is_in_training() -> None:
    windows = made_up_studies()
    folds = leave_one_study_out(windows)
    assert [fold.name for fold in folds] == list(STUDIES)
    for fold in folds:
        assert isinstance(fold, StudyFold)
        parts = apply_study_fold(fold, windows)
        assert set(parts.test.studies.tolist()) == {fold.name}
        assert set(parts.training.studies.tolist()) == set(STUDIES) - {fold.name}
        assert len(parts.training) + len(parts.test) == len(windows)


def test_a_study_of_unknown_wearers_is_in_training_alone() -> None:
    windows = made_up_studies(NINE_STUDIES)
    folds = leave_one_study_out(windows)
    assert [fold.name for fold in folds] == list(NINE_STUDIES[:-1])
    for fold in folds:
        training = apply_study_fold(fold, windows).training
        assert "pebble_steps" in training.studies


def test_activities_that_a_scheme_leaves_out_train_nothing() -> None:
    windows = made_up_studies(NINE_STUDIES)
    training, sets = training_windows(windows, SCHEMES["hands"])
    left_out = windows.start_rows[np.isin(windows.labels, ["driving", "not_moving"])]
    assert len(left_out)
    assert not np.isin(training.start_rows, left_out).any()
    assert np.isin(windows.start_rows[windows.labels == "washing_up"], training.start_rows).all()
    assert sets["sitting or sitting with busy hands"] == ["sitting", "sitting with busy hands"]
    assert training.labels_present == {*SCHEMES["hands"].labels, *sets}


def test_pairs_leave_out_two_main_studies() -> None:
    windows = made_up_studies()
    names = [fold.name for fold in pairs_of_studies_out(windows)]
    assert names == ["wisdm+dsads", "wisdm+selfback", "dsads+selfback"]
    assert set("+".join(names).split("+")) == set(MAIN_STUDIES)


def test_a_study_on_both_sides_is_refused() -> None:
    windows = made_up_studies()
    good = leave_one_study_out(windows)[0]
    assert isinstance(good, StudyFold)
    moved = StudyFold(good.name, (*good.training, good.test[0]), good.test[1:], studies=good.studies)
    with pytest.raises(HarkenError, match=f"{good.test[0]} of the study wisdm is in training"):
        apply_study_fold(moved, windows)
    stranger = good.training[0]
    with_stranger = StudyFold(good.name, good.training[1:], (*good.test, stranger), studies=good.studies)
    with pytest.raises(HarkenError, match=f"{stranger} of the study .* is in test"):
        apply_study_fold(with_stranger, windows)


def test_activities_become_the_labels_that_they_allow() -> None:
    windows = made_up_studies(NINE_STUDIES)
    for scheme in SCHEMES.values():
        found = in_scheme(windows, scheme)
        assert found.label_names[: len(scheme.labels)] == scheme.labels
        for study in NINE_STUDIES:
            allowed = scheme.allowed(find_study(study).info)
            here = windows.studies == study
            expected = [" or ".join(allowed[activity]) for activity in windows.labels[here].tolist()]
            assert found.labels[here].tolist() == expected
    typing = in_scheme(windows, SCHEMES["sets"])[(windows.studies == "wisdm") & (windows.labels == "typing")]
    assert set(typing.labels.tolist()) == {"sitting or standing"}


def test_an_activity_of_another_study_is_an_error() -> None:
    windows = made_up_studies()
    swapped = replace(windows, studies=np.full(len(windows), "hawthorne"))
    with pytest.raises(HarkenError, match="is no activity of hawthorne"):
        in_scheme(swapped, SCHEMES["other"])


@given(st.integers(1, 12), st.integers(0, 100))
def test_nobody_has_more_windows_of_a_label_than_the_limit(most: int, seed: int) -> None:
    windows = in_scheme(made_up_studies(seed=seed), SCHEMES["other"])
    kept = capped(windows, most)
    for person in set(windows.subjects.tolist()):
        for label in windows.labels_present:
            before, after = (
                int(((each.subjects == person) & (each.labels == label)).sum()) for each in (windows, kept)
            )
            assert after == min(before, most)
    assert kept.start_rows.tolist() == sorted(set(kept.start_rows.tolist()))  # in their order, none twice


def test_the_windows_kept_are_spread_over_all() -> None:
    windows = in_scheme(made_up_studies(), SCHEMES["other"])
    one = windows[(windows.subjects == windows.subjects[0]) & (windows.labels == windows.labels[0])]
    assert len(one) >= 4
    assert capped(one, 2).start_rows.tolist() == [one.start_rows[0], one.start_rows[len(one) // 2]]


@given(st.integers(0, 100), st.sampled_from([0.3, 0.5, 1.0]))
def test_rare_labels_are_repeated_evenly_and_sets_are_not(seed: int, least_share: float) -> None:
    scheme = SCHEMES["sets"]
    windows = in_scheme(made_up_studies(seed=seed), scheme)
    kept = balanced(windows, scheme.labels, least_share)
    most = max(int((windows.labels == label).sum()) for label in scheme.labels)
    for name in windows.labels_present:
        before = windows.start_rows[windows.labels == name]
        rows, times = np.unique(kept.start_rows[kept.labels == name], return_counts=True)
        assert rows.tolist() == before.tolist()
        expected = max(len(before), round(least_share * most)) if name in scheme.labels else len(before)
        assert times.sum() == expected
        assert times.max() - times.min() <= 1


def test_a_study_is_turned_so_that_x_is_along_the_forearm(data_dir: Path) -> None:
    worn = study_recordings("wearable_exercise", data_dir / "wearable_exercise")[:1]
    mounted = mounted_recordings("wearable_exercise", worn)
    windows = cut_windows(mounted)
    assert set(windows.studies.tolist()) == {"wearable_exercise"}
    assert windows.signals.shape[1:] == (300, 3)
    np.testing.assert_array_equal(mounted[0].signals[:, 0], worn[0].signals[:, 1])
