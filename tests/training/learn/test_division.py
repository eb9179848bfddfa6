"""What Learn holds out of training: which part of bouts, which occasion, which people."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers.options import TableOptions
from harken.recordings.recording import UNLABELLED
from harken.signals import resample
from harken.training.learn.division import divided, least_tested_s, occasions_of, without_people
from harken.training.learn.job import read_labelled
from labelled_files import labelled_ns, write_labelled
from server_thread import recording as invented


@settings(max_examples=30)
@given(st.lists(st.floats(3, 120), min_size=2, max_size=6), st.floats(1, 12))
def test_a_division_keeps_training_and_test_a_window_apart(lengths_s: list[float], window_length_s: float) -> None:
    rate_hz, names = 25, ("lying", "sitting")
    codes = np.concatenate(
        [np.full(int(length * rate_hz), number % 2, np.int16) for number, length in enumerate(lengths_s)]
    )
    rows = np.arange(len(codes))
    recording = replace(
        invented(),
        time_ns=rows * 40_000_000,
        signals=np.zeros((len(rows), 3), np.float32),
        label_codes=codes,
        label_names=names,
        valid=np.ones(len(rows), dtype=bool),
    )
    division = divided([recording], window_length_s=window_length_s)
    (part,) = division.parts
    assert part.training is not None
    assert part.test is not None
    edges = np.concatenate([[0], np.cumsum([int(length * rate_hz) for length in lengths_s])])
    for first, end in itertools.pairwise(edges.tolist()):
        training, test = (np.flatnonzero(each.valid[first:end]) for each in (part.training, part.test))
        if not len(training):  # unless all of the bout is near the test of another one with its label
            tests = np.flatnonzero(part.test.valid & (codes == codes[first]))
            apart = np.abs(np.arange(first, end)[:, None] - tests[None]).min(axis=1)
            assert apart.max() < window_length_s * rate_hz
        elif len(test):
            assert training.max() + window_length_s * rate_hz < test.min() + 1
        # A bout of four windows or more can be tested.
        assert len(test) >= 2 * window_length_s * rate_hz or end - first < 4 * np.ceil(window_length_s * rate_hz)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(1, 60), st.sampled_from([0, 1]), st.floats(0, 3)), min_size=2, max_size=12),
    st.floats(0.5, 5),
)
def test_a_moment_without_a_label_does_not_bring_training_and_test_together(
    bouts: list[tuple[float, int, float]], window_length_s: float
) -> None:
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
    (part,) = divided([recording], window_length_s=window_length_s).parts
    assert part.training is not None
    assert part.test is not None
    for code in (0, 1):
        training, test = (each.time_ns[each.valid & (codes == code)] for each in (part.training, part.test))
        apart_s = np.abs(training[:, None] - test[None]).min(initial=10**12) / 1e9
        assert apart_s >= window_length_s


def test_two_watches_of_a_person_at_once_are_divided_together() -> None:
    one = resample(invented(2), sample_rate_hz=20)
    other = replace(one, time_ns=one.time_ns + 5 * 10**9)  # its bouts seem 5 s later
    division = divided([one, other], window_length_s=2)
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
    assert [len(each) for each in occasions_of([one, later[0]])] == [2]
    assert [len(each) for each in occasions_of([one, later[1]])] == [1, 1]


def test_five_people_have_an_interval_and_nobody_is_in_training_and_test() -> None:
    recordings = [replace(invented(2), subject=name) for name in "abcdefg"]
    folds = without_people(recordings)
    assert sorted(one.subject for left_out, _ in folds for one in left_out) == list("abcdefg")
    for left_out, others in folds:
        assert not {one.subject for one in left_out} & {one.subject for one in others}


@pytest.mark.parametrize(("longer_s", "tested"), [(-0.2, False), (0.2, True)])
def test_the_shortest_bout_of_which_a_part_is_held_out(tmp_path: Path, longer_s: float, tested: bool) -> None:
    seconds = least_tested_s(2.0) + longer_s
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying", "walking"), seconds=seconds)
    (part,) = divided(read_labelled([path], TableOptions()), window_length_s=2.0).parts
    assert part.test is not None
    assert (part.test.valid & (part.test.label_codes != UNLABELLED)).any() == tested
