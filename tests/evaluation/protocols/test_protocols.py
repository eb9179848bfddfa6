"""Named protocols: on the data at hand nobody is on both sides, and whoever is planted there is found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.data_sets import TIDY_STUDIES
from harken.evaluation.protocols.protocol import Folders, Protocol
from harken.evaluation.protocols.published import PROTOCOLS, protocol
from harken.support.errors import HarkenError
from harken.windows.folds import FoldWindows, apply, with_validation
from harken.windows.windows import Windows

DRAWN: dict[Callable[[Folders], Windows], Windows] = {}
"""Windows of the protocols that have been asked for, by the function that draws them: some take seconds."""

FOLDS = {
    ("wisdm", "harnet"): 5,
    ("dsads", "unseen"): 8,
    ("dsads", "unseen-19"): 8,
    ("dsads", "pairs"): 28,
    ("hmp", "harnet"): 7,
    ("exercises", "unseen"): 5,
    ("dsads", "to-wisdm"): 1,
    ("wisdm", "to-dsads"): 1,
}
FOUR = ("lying", "sitting", "standing", "walking")
FIVE = ("running", "sitting", "stairs", "standing", "walking")


def write_hmp(folder: Path) -> Path:
    """Eight people and six movements in the set's layout; one person and one movement too many."""
    random = np.random.default_rng(0)
    for label in ("Climb_stairs", "Drink_glass", "Getup_bed", "Pour_water", "Walk", "Comb_hair"):
        (folder / label).mkdir(parents=True)
        for number, person in enumerate(("f1", "f2", "f3", "m1", "m2", "m3", "m4", "m5")):
            rows = random.integers(0, 64, (500, 3))
            name = f"Accelerometer-2011-0{number + 1}-24-10-24-39-{label.lower()}-{person}.txt"
            (folder / label / name).write_text("\n".join(" ".join(map(str, row)) for row in rows) + "\n")
    return folder


def windows_of(dataset: str, name: str, *folders: Path) -> Windows:
    """The windows of a protocol, drawn once."""
    asked = protocol(dataset, name)
    if asked.draw not in DRAWN:
        DRAWN[asked.draw] = asked.windows(*folders)
    return DRAWN[asked.draw]


@pytest.fixture(
    params=list(FOLDS),
    ids="/".join,
)
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Protocol, Windows]:
    """Each protocol with its windows."""
    dataset, name = request.param
    asked = protocol(dataset, name)
    if dataset == "exercises":
        try:
            return asked, windows_of(dataset, name)
        except HarkenError as error:
            pytest.skip(str(error))
    if dataset == "hmp":
        return asked, windows_of(dataset, name, write_hmp(tmp_path / "HMP_Dataset"))
    data = request.getfixturevalue("data_dir")
    return asked, windows_of(dataset, name, *(data / each for each in asked.datasets))


def parts_of(split: FoldWindows) -> tuple[Windows, Windows, Windows]:
    return split.training, split.validation, split.test


def test_every_protocol_stands_here() -> None:
    assert set(FOLDS) == set(PROTOCOLS)


def test_windows_are_10_s_in_g_at_30_hz_and_a_fold_shares_no_person(drawn: tuple[Protocol, Windows]) -> None:
    asked, windows = drawn
    assert windows.signals.shape[1:] == (300, 3)
    assert windows.sample_rate_hz == 30
    assert np.isfinite(windows.signals).all()
    assert set(windows.label_codes.tolist()) == set(range(len(windows.label_names)))
    folds = asked.folds(windows)
    assert len(folds) == FOLDS[asked.dataset, asked.name]
    assert len({fold.name for fold in folds}) == len(folds)
    everybody = set(windows.subjects.tolist())
    for fold in folds:
        if len(fold.training) > 2:  # a pair has nobody to spare
            fold = with_validation(fold, people=1, seed=0)
        people = [set(part.subjects.tolist()) for part in parts_of(apply(fold, windows))]
        assert sum(map(len, people)) == len(set.union(*people))
        assert people[0]
        assert people[2]
        assert set.union(*people) == everybody


def test_labels_are_those_the_protocols_name(data_dir: Path) -> None:
    dsads, wisdm = data_dir / "dsads", data_dir / "wisdm"
    four = windows_of("dsads", "unseen", dsads)
    assert four.label_names == FOUR
    # Seven bouts of 300 s at two arms of eight people; 58 windows fit in each.
    assert len(four) == 8 * 2 * 7 * 58
    assert np.unique(four.label_codes, return_counts=True)[1].tolist() == [8 * 2 * 58 * n for n in (2, 1, 1, 3)]
    assert len(windows_of("dsads", "pairs", dsads)) == len(four) // 2
    assert len(windows_of("dsads", "unseen-19", dsads).label_names) == 19
    one_way = windows_of("dsads", "to-wisdm", dsads, wisdm)
    assert one_way.label_names == FIVE
    (fold,) = protocol("dsads", "to-wisdm").folds(one_way)
    split = apply(fold, one_way)
    assert split.training.labels_present == split.test.labels_present == set(FIVE)
    assert {subject.split("_")[0] for subject in split.training.subjects} == {"dsads"}
    assert {subject.split("_")[0] for subject in split.test.subjects} == {"wisdm"}


def test_the_right_arm_is_the_right_arm(data_dir: Path) -> None:
    both = windows_of("dsads", "unseen", data_dir / "dsads")
    right = windows_of("dsads", "pairs", data_dir / "dsads")
    first = both[both.subjects == "dsads_p1"]
    assert np.array_equal(right[right.subjects == "dsads_p1"].signals, first.signals[: len(first) // 2])


def test_every_protocol_states_what_it_measures() -> None:
    page = (Path(__file__).parents[3] / "docs" / "protocols.md").read_text(encoding="utf-8")
    for (dataset, name), each in PROTOCOLS.items():
        assert (each.dataset, each.name) == (dataset, name)
        assert f"`{dataset}/{name}`" in page
        assert each.measures.endswith(".")
        assert len(each.measures) > 100


def test_a_set_of_unknown_wearers_is_not_scored_by_person(monkeypatch: pytest.MonkeyPatch) -> None:
    pebble = TIDY_STUDIES["pebble_steps"]
    monkeypatch.setattr("harken.evaluation.protocols.published.dataset_names", lambda: [pebble.info.name])
    monkeypatch.setattr("harken.evaluation.protocols.published.dataset", lambda _: pebble)
    with pytest.raises(HarkenError, match="not known who wore the watches of pebble_steps"):
        protocol("pebble_steps", "leave-one-person-out")


def test_a_folder_for_each_data_set_is_required(tmp_path: Path) -> None:
    needed = (
        "needs 2 folders, one for each of dsads, wisdm in this order, or one folder that contains them all, and got 1"
    )
    with pytest.raises(HarkenError, match=needed):
        protocol("dsads", "to-wisdm").windows(tmp_path)
    with pytest.raises(HarkenError, match="no such folder"):
        protocol("dsads", "pairs").windows(tmp_path / "nowhere")
    for name in ("dsads", "wisdm"):
        (tmp_path / name).mkdir()
    assert protocol("dsads", "to-wisdm").folders(tmp_path) == (tmp_path / "dsads", tmp_path / "wisdm")
