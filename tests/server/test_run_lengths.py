"""Run-length coding is lossless, and evenly rising numbers take little memory."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from harken.server.history import LONGEST, RunLengths

STEPS = st.sampled_from([1, 990, 1000, 1000, 1000, 1000, 10**9])
ACTIONS = st.one_of(
    st.tuples(st.just("append"), STEPS, st.sampled_from([-1, 0, 0, 0, 7])),
    st.tuples(st.sampled_from(["from", "up to"]), st.integers(0, 6), st.sampled_from([-1, 0, 1])),
    st.tuples(st.just("first"), st.integers(0, 6), st.just(0)),
)


@given(st.lists(ACTIONS, max_size=60))
def test_they_are_a_list(actions: list[tuple[str, int, int]]) -> None:
    runs, expected, last = RunLengths(), list[tuple[int, int]](), 1_700_000_000_000
    for action, said, other in actions:
        if action == "append":
            last += said
            runs.append(last, other)
            expected.append((last, other))
        elif action == "first":
            runs.drop_first(said)
            expected = expected[said:]
        elif expected:
            edge = expected[min(said, len(expected) - 1)][0] + other
            if action == "from":
                runs.drop_from(edge)
                expected = [each for each in expected if each[0] < edge]
                last = expected[-1][0] if expected else last
            else:
                runs.drop_up_to(edge)
                expected = [each for each in expected if each[0] > edge]
    numbers, codes = runs.arrays()
    assert list(zip(numbers.tolist(), codes.tolist(), strict=True)) == expected
    assert len(runs) == len(expected)


def test_an_hour_of_one_label_is_small() -> None:
    runs = RunLengths()
    for number in range(LONGEST + 3600):
        runs.append(number * 10**9, 3)
    assert len(pickle.dumps(runs)) < 1000
    assert runs.arrays()[0].tolist() == [number * 10**9 for number in range(LONGEST + 3600)]
