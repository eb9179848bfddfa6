"""What is held out of training: which part of bouts, which occasion, which people, and no copy of it."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import people
from harken.recordings.recording import UNLABELLED
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.training.held_out import (
    least_tested_s,
    leave_out_people,
    list_occasions,
    refuse_same_movement,
    split_by_occasion,
)
from labelled_files import labelled_ns, move_times, read_labelled, write_labelled
from server_thread import recording as invented


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(1, 120), st.sampled_from([0, 1]), st.floats(0, 3)), min_size=2, max_size=12),
    st.floats(0.5, 12),
)
def test_training_and_test_of_a_label_are_a_window_apart_and_a_long_bout_is_tested(
    bouts: list[tuple[float, int, float]], window_length_s: float
) -> None:
    """Also if a moment without a label divides a bout."""
    codes = np.concatenate(
        [
            np.full(int(length_s * 25), code, np.int16)
            for bout_s, label, pause_s in bouts
            for length_s, code in ((bout_s, label), (pause_s, UNLABELLED))
        ]
    )
    recording = replace(
        invented(),
        time_ns=np.arange(len(codes)) * 40_000_000,
        signals=np.zeros((len(codes), 3), np.float32),
        label_codes=codes,
        label_names=("lying", "sitting"),
        valid=np.ones(len(codes), dtype=bool),
    )
    (part,) = split_by_occasion([recording], window_length_s=window_length_s).parts
    assert part.training is not None
    assert part.test is not None
    for code in (0, 1):
        training, test = (each.time_ns[each.valid & (codes == code)] for each in (part.training, part.test))
        apart_s = np.abs(training[:, None] - test[None]).min(initial=10**12) / 1e9
        assert apart_s >= window_length_s
    window = window_length_s * 25
    for first, end in itertools.pairwise(recording.bout_edges.tolist()):
        tested = np.count_nonzero(part.test.valid[first:end])
        assert tested >= 2 * window or end - first < 4 * np.ceil(window)


@pytest.mark.parametrize("names", [("bob", "bob"), ("bob_left", "bob_right")])
def test_two_watches_of_a_person_at_once_are_divided_together(names: tuple[str, str]) -> None:
    one = replace(resample(invented(2), sample_rate_hz=20), subject=names[0])
    other = replace(one, subject=names[1], time_ns=one.time_ns + 5 * 10**9)  # its bouts seem 5 s later
    division = split_by_occasion([one, other], window_length_s=2)
    for number, part in enumerate(division.parts):
        assert part.training is not None
        for each in division.parts:
            assert each.test is not None
            apart_ns = np.abs(labelled_ns(part.training)[:, None] - labelled_ns(each.test)[None, ::7]).min()
            assert apart_ns >= 2 * 10**9 or division.parts[number] is each


def test_occasions_are_an_hour_apart() -> None:
    one = invented(2)
    length_ns = int(one.time_ns[-1] - one.time_ns[0])
    later = [replace(one, time_ns=one.time_ns + length_ns + gap_ns) for gap_ns in (3_599 * 10**9, 3_600 * 10**9)]
    assert [len(each) for each in list_occasions([one, later[0]])] == [2]
    assert [len(each) for each in list_occasions([one, later[1]])] == [1, 1]


@pytest.mark.parametrize(("longer_s", "tested"), [(-0.2, False), (0.2, True)])
def test_the_shortest_bout_of_which_a_part_is_held_out(tmp_path: Path, longer_s: float, tested: bool) -> None:
    seconds = least_tested_s(2.0) + longer_s
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying", "walking"), seconds=seconds)
    (part,) = split_by_occasion([read_labelled(path)], window_length_s=2.0).parts
    assert part.test is not None
    assert (part.test.valid & (part.test.label_codes != UNLABELLED)).any() == tested


def test_each_person_is_left_out_once_in_at_most_three_folds() -> None:
    recordings = [replace(invented(seed), subject=name) for seed, name in enumerate("abcda")]
    folds = leave_out_people(recordings)
    left_out = [sorted({part.whole.subject for part in fold if part.test is not None}) for fold in folds]
    assert left_out == [["a", "d"], ["b"], ["c"]]
    for fold in folds:
        assert all((part.training is None) != (part.test is None) for part in fold)
    assert leave_out_people(recordings[:1]) == []


def test_a_copy_with_another_clock_and_a_part_under_another_name_are_refused(tmp_path: Path) -> None:
    long = write_labelled(tmp_path, "bella", 3, bouts=people.BOUTS * 20)
    later = Path(shutil.copy(long, tmp_path / "later.csv"))
    shutil.copy(tmp_path / "bella.labels.csv", tmp_path / "later.labels.csv")
    move_times(later, 2 * 3_600_000)
    with pytest.raises(HarkenError, match=r"100 % of .*later.csv is movement of .*bella.csv"):
        refuse_same_movement([read_labelled(long, "bella"), read_labelled(later, "bella")])

    rows = long.read_text().splitlines()
    part = tmp_path / "anna.csv"
    part.write_text("\n".join([rows[0], *rows[3000:6000]]) + "\n")
    start, end = (rows[row].split(",")[0] for row in (3000, 5999))
    part.with_name("anna.labels.csv").write_text(f"start,end,label\n{start},{end},lying\n")
    for files in ([part, long], [long, part]):
        with pytest.raises(HarkenError, match=r"% of .*anna.csv is movement of .*bella.csv"):
            refuse_same_movement([read_labelled(file) for file in files])
