"""MovementBlocks of a stream: the same as computed one by one in double precision, however the stream is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.recordings.recording import Recording
from harken.signals import MovementBlocks, MovementStatistics, Samples, movement, movement_of
from harken.support.errors import HarkenError
from synthetic_signals import ROUGH, clock, made

COLUMNS = list(MovementBlocks.__dataclass_fields__)


def reference(recording: Recording, block_ns: int) -> dict[str, list[object]]:
    """Each block by itself, in double precision."""
    found: dict[str, list[object]] = {name: [] for name in COLUMNS}
    good = np.flatnonzero(recording.valid)
    for number in np.unique(recording.time_ns[good] // block_ns):
        rows = good[recording.time_ns[good] // block_ns == number]
        values = recording.signals[rows, :3].astype(np.float64)
        halves = recording.time_ns[rows] // (10**9 // 2)
        means, apart, each = [], [], []
        for second in np.unique(halves // 2):
            early, late = values[halves == 2 * second], values[halves == 2 * second + 1]
            if len(early) and len(late):
                means.append(np.concatenate([early, late]).mean(axis=0))
                each.append(len(early) + len(late))
                apart.append(early.mean(axis=0) - late.mean(axis=0))
        between, by_samples, by_halves = np.zeros(3), np.zeros(3), np.zeros(3)
        if len(means) > 1:
            between = np.var(means, axis=0, ddof=1)
            by_halves = np.mean(np.square(apart), axis=0) / 4
            within = np.maximum(values.var(axis=0) - between * (len(means) - 1) / len(means), 0)
            by_samples = within / max(np.mean(each) - 1, 1)
        steps = np.abs(np.diff(recording.signals[rows[:32], :3], axis=0))
        found["start_ns"].append(number * block_ns)
        found["samples"].append(len(rows))
        found["mean"].append(values.mean(axis=0))
        found["standard_deviation"].append(values.std(axis=0))
        found["lowest"].append(values.min(axis=0))
        found["highest"].append(values.max(axis=0))
        found["second_variance"].append(between)
        found["noise_by_samples"].append(by_samples)
        found["noise_by_halves"].append(by_halves)
        found["step"].append(steps[steps > 0].min() if (steps > 0).any() else np.nan)
        found["temperature"].append(np.nan)
    return found


@settings(max_examples=40)
@given(drawn=ROUGH, block_s=st.sampled_from([2, 3, 10]))
def test_the_same_as_one_by_one(drawn: tuple[Recording, np.random.Generator], block_s: int) -> None:
    recording, _ = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movement, "BLOCK_NS", block_s * 10**9)
        blocks = movement_of(recording)
    expected = reference(recording, block_s * 10**9)
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(blocks, name), np.array(expected[name]), rtol=1e-6, atol=1e-8, err_msg=name)


@settings(max_examples=60)
@given(drawn=ROUGH, pushes=st.integers(0, 40))
def test_a_stream_gives_the_same_to_the_bit(drawn: tuple[Recording, np.random.Generator], pushes: int) -> None:
    recording, random = drawn
    cuts = np.sort(random.integers(0, len(recording) + 1, pushes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movement, "BLOCK_NS", 2 * 10**9)
        whole, stream = movement_of(recording), MovementStatistics()
        for first, last in zip([0, *cuts], [*cuts, len(recording)], strict=True):
            stream.push(Samples.of(recording).part(first, last))
        blocks = stream.finish()
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(blocks, name), getattr(whole, name), err_msg=name)


def test_nothing_and_what_is_refused() -> None:
    assert len(MovementStatistics().finish()) == 0
    two = made(clock(50, 10), np.zeros((500, 2)))
    with pytest.raises(HarkenError, match="x, y, z"):
        movement_of(two)
