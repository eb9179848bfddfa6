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
from harken.training.learn.division import divided, least_tested_s, occasions_of
from harken.training.learn.job import read_labelled
from labelled_files import labelled_ns, write_labelled
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
    (part,) = divided([recording], window_length_s=window_length_s).parts
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


@pytest.mark.parametrize(("longer_s", "tested"), [(-0.2, False), (0.2, True)])
def test_the_shortest_bout_of_which_a_part_is_held_out(tmp_path: Path, longer_s: float, tested: bool) -> None:
    seconds = least_tested_s(2.0) + longer_s
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying", "walking"), seconds=seconds)
    (part,) = divided(read_labelled([path], TableOptions()), window_length_s=2.0).parts
    assert part.test is not None
    assert (part.test.valid & (part.test.label_codes != UNLABELLED)).any() == tested
