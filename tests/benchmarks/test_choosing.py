"""The protocols by which settings are chosen: nobody whom the published folds test has a part in a choice."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recognition.choosing import (
    CHOOSING_PEOPLE,
    DSADS,
    HARNET,
    WISDM,
    leave_neighbours_out,
    select_choosing_people,
)
from harken.evaluation.benchmark.result import describe_windows
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols.protocol import Protocol
from harken.support.errors import HarkenError
from harken.windows.folds import apply, with_validation
from harken.windows.windows import Windows

LAYOUTS = {
    "harnet-choosing": "5f850a94b790b07c3025f34d8109b5e811990a4457fd78fdbdb1409ab29eb561",
    "unseen-choosing": "f2b3bfb623ac38389770b7d3ada19645d6dfdef602016493d2947d844cecdf43",
}
"""The fingerprints in docs/results/ablations_wisdm.json and ablations_dsads.json: people, times and labels of the
windows by which ``everyday`` was chosen."""


def make_windows(*subjects: str) -> Windows:
    """Two windows of 2 s of every subject."""
    signals = np.random.default_rng(0).normal(size=(2 * len(subjects), 20, 3)).astype(np.float32)
    windows = Windows.unlabelled(signals, channels=("x", "y", "z"), sample_rate_hz=10.0)
    return replace(windows, subjects=np.repeat(subjects, 2))


def test_choices_rest_on_twelve_people_in_four_folds() -> None:
    everybody = make_windows(*(f"wisdm_{number}" for number in range(1600, 1651)))
    windows = select_choosing_people(everybody)
    assert windows.subjects.tolist() == np.repeat(CHOOSING_PEOPLE, 2).tolist()
    folds = WISDM.folds(windows)
    assert [fold.test for fold in folds] == [
        ("wisdm_1614", "wisdm_1621", "wisdm_1633"),
        ("wisdm_1609", "wisdm_1628", "wisdm_1631"),
        ("wisdm_1606", "wisdm_1623", "wisdm_1630"),
        ("wisdm_1601", "wisdm_1613", "wisdm_1617"),
    ]
    for fold in folds:
        assert sorted((*fold.training, *fold.test)) == sorted(CHOOSING_PEOPLE)


def test_choosing_people_must_all_be_there() -> None:
    with pytest.raises(HarkenError, match="wisdm_1606, wisdm_1609"):
        select_choosing_people(make_windows("wisdm_1601"))


def test_neighbours_are_left_out_in_a_ring() -> None:
    known = [f"p{number}" for number in range(1, 9)]
    folds = leave_neighbours_out(reversed(known))
    assert DSADS.folds(make_windows(*known)) == folds
    for fold in folds:
        assert sorted((*fold.training, *fold.validation, *fold.test)) == known
    assert [fold.name for fold in folds] == [*("+".join(pair) for pair in pairwise(known)), "p8+p1"]
    assert [fold.test for fold in folds] == [*pairwise(known), ("p1", "p8")]
    assert all(len(fold.training) == 6 for fold in folds)
    for person in known:  # two unseen people's scores to choose by, of models that have not seen the person
        assert len([fold for fold in folds if person in fold.test]) == 2
    with pytest.raises(HarkenError, match="4 or more people"):
        leave_neighbours_out(known[:3])


@pytest.mark.parametrize(("data_set", "name", "protocol"), [("wisdm", "WISDM", WISDM), ("dsads", "DSADS", DSADS)])
def test_harken_benchmark_finds_the_protocols_by_their_module(data_set: str, name: str, protocol: Protocol) -> None:
    settings = BenchmarkSettings(data_set, f"benchmarks.recognition.choosing:{name}", Path("run"))
    assert settings.choose_protocol() is protocol
    assert settings.command().startswith(
        f"harken benchmark {data_set} --protocol benchmarks.recognition.choosing:{name} "
    )


@pytest.mark.second_stage
@pytest.mark.parametrize(("protocol", "number_of_folds"), [(WISDM, 4), (DSADS, 8)], ids=["wisdm", "dsads"])
def test_windows_are_those_by_which_everyday_was_chosen(
    protocol: Protocol, number_of_folds: int, data_dir: Path
) -> None:
    windows = protocol.windows(data_dir / protocol.dataset)
    assert describe_windows(windows)["layout_fingerprint"] == LAYOUTS[protocol.name]
    assert windows.signals.shape[1:] == (300, 3)
    assert windows.sample_rate_hz == 30
    assert np.isfinite(windows.signals).all()
    assert set(windows.label_codes.tolist()) == set(range(len(windows.label_names)))
    folds = protocol.folds(windows)
    assert len(folds) == number_of_folds
    assert len({fold.name for fold in folds}) == len(folds)
    everybody = set(windows.subjects.tolist())
    for fold in folds:
        split = apply(with_validation(fold, people=1, seed=0), windows)
        people = [set(part.subjects.tolist()) for part in (split.training, split.validation, split.test)]
        assert sum(map(len, people)) == len(set.union(*people))
        assert all(people)
        assert set.union(*people) == everybody


@pytest.mark.second_stage
def test_no_published_fold_tests_somebody_by_whom_settings_are_chosen(data_dir: Path) -> None:
    windows = HARNET.windows(data_dir / "wisdm")
    tested = {person for fold in HARNET.folds(windows) for person in fold.test}
    assert sorted(set(windows.subjects.tolist()) - tested) == sorted(CHOOSING_PEOPLE)
