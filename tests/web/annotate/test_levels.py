"""Levels of detail show what an independent computation, sample by sample, shows."""

import tempfile
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.source import Samples
from harken.web.annotate import levels
from harken.web.annotate.levels import EMPTY, Levels, LevelsWriter, slot_length_ns

GAP_NS = 500_000_000
START_NS = 1_700_000_000_123_456_789
DAY_NS = 86_400 * 10**9


def samples_of(time_ns: NDArray[np.int64], seed: int, *, faults: bool) -> Samples:
    """Samples with some values that are missing, beyond the largest that can be shown, or marked."""
    random = np.random.default_rng(seed)
    signals = random.normal(0, 1, (len(time_ns), 4)).astype(np.float32)
    valid = np.ones(len(time_ns), bool)
    if faults:
        signals[random.random(signals.shape) < 0.2] = np.nan
        signals[random.random(signals.shape) < 0.05] = 99.0
        valid = random.random(len(time_ns)) < 0.8
    return Samples(time_ns, signals, np.full(len(time_ns), -1, np.int16), valid)


@st.composite
def recordings(draw: st.DrawFn) -> Samples:
    """Runs at a rate with jitter, and gaps between them from just a gap to many days."""
    step_ns = round(1e9 / draw(st.sampled_from([3.0, 12.5, 25.0, 49.7, 50.0, 100.0, 333.0, 1000.0])))
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    gaps_ns = draw(st.lists(st.integers(GAP_NS + 1, 40 * DAY_NS), min_size=len(lengths), max_size=len(lengths)))
    seed = draw(st.integers(0, 1000))
    random = np.random.default_rng(seed)
    time_ns = START_NS
    pieces = []
    for length, gap_ns in zip(lengths, gaps_ns, strict=True):
        steps = np.maximum(1, np.round(step_ns * random.uniform(0.7, 1.3, length))).astype(np.int64)
        pieces.append(time_ns + np.cumsum(steps))
        time_ns = int(pieces[-1][-1]) + gap_ns
    return samples_of(np.concatenate(pieces), seed, faults=draw(st.booleans()))


def written(samples: Samples, slot_ns: int, folder: Path, cuts: list[int]) -> Levels:
    """The levels of samples that come in pieces."""
    writer = LevelsWriter(folder, slot_ns=slot_ns, gap_ns=GAP_NS)
    edges = [0, *sorted(cut % (len(samples.time_ns) + 1) for cut in cuts), len(samples.time_ns)]
    for first, last in pairwise(edges):
        writer.push(samples.part(first, last))
        writer.flush()
    writer.close()
    found = Levels(folder, slot_ns=slot_ns)
    found.add(writer.blocks)
    return found


def by_slots(samples: Samples, slot_ns: int) -> dict[int, list[int]]:
    """The samples of each of the finest slots; a slot without one, not in a gap, has those of the slot before it."""
    held: dict[int, list[int]] = defaultdict(list)
    for row, time_ns in enumerate(samples.time_ns.tolist()):
        held[time_ns // slot_ns].append(row)
    for row in range(1, len(samples.time_ns)):
        before, after = int(samples.time_ns[row - 1]), int(samples.time_ns[row])
        if after - before <= GAP_NS:
            for slot in range(before // slot_ns + 1, after // slot_ns):
                held[slot] = held[before // slot_ns]
    return held


def reference(samples: Samples, slot_ns: int, start_ms: int, end_ms: int, pixels: int) -> NDArray[np.int16]:
    """What pixels show, from the samples themselves, with exact fractions."""
    width_ns = slot_ns
    while width_ns < slot_ns * 8**5 and width_ns * 16 * pixels <= (end_ms - start_ms) * 10**6:
        width_ns *= 8
    coarse: dict[int, set[int]] = defaultdict(set)
    for slot, rows in by_slots(samples, slot_ns).items():
        coarse[slot * slot_ns // width_ns].update(rows)
    shown = np.array([[EMPTY] * 6 + [0]] * pixels, np.int16).T
    for pixel in range(pixels):
        from_ns, to_ns = (
            Fraction(start_ms * 10**6) + Fraction((pixel + side) * (end_ms - start_ms) * 10**6, pixels)
            for side in (0, 1)
        )
        own = [slot for slot in coarse if from_ns < (slot + Fraction(1, 2)) * width_ns <= to_ns]
        middles = int(to_ns / width_ns + Fraction(1, 2)) - int(from_ns / width_ns + Fraction(1, 2))
        around = (int(from_ns) + int(to_ns)) // 2 // width_ns
        rows = sorted(set().union(*(coarse[slot] for slot in (own if middles else [around]) if slot in coarse)))
        if not rows:
            continue
        for axis in range(3):
            values = samples.signals[rows, axis].astype(np.float64)
            values = values[~np.isnan(values)]
            if len(values):
                milli = np.clip(np.rint(values * 1000), -32766, 32766)
                shown[2 * axis, pixel], shown[2 * axis + 1, pixel] = milli.min(), milli.max()
        shown[6, pixel] = 1 | (2 if not samples.valid[rows].all() else 0)
    return shown


@settings(max_examples=150)
@given(
    recordings(),
    st.lists(st.integers(0, 1000), max_size=3),
    st.integers(1, 30),
    st.floats(-0.2, 1.1),
    st.floats(0, 1),
)
def test_a_query_is_what_the_samples_show(
    samples: Samples, cuts: list[int], pixels: int, begin: float, width: float
) -> None:
    steps = np.diff(samples.time_ns)
    slot_ns = slot_length_ns(float(np.median(steps)) if len(steps) else 0.0)
    first_ms, last_ms = (int(samples.time_ns[row]) // 10**6 for row in (0, -1))
    start_ms = round(first_ms + begin * (last_ms - first_ms))
    end_ms = start_ms + 1 + round(width**4 * 1.2 * (last_ms - first_ms))
    with tempfile.TemporaryDirectory() as folder:
        found = written(samples, slot_ns, Path(folder), cuts)
        shown = found.query(start_ms, end_ms, pixels)
        found.close()
    expected = reference(samples, slot_ns, start_ms, end_ms, pixels)
    # A value that is half-way between two thousandths may be rounded either way in float32.
    assert (shown == EMPTY).tolist() == (expected == EMPTY).tolist()
    assert np.abs(shown.astype(int) - expected).max() <= 1
    assert shown[6].tolist() == expected[6].tolist()


@settings(max_examples=30)
@given(recordings())
def test_gaps_are_where_no_slot_of_the_second_level_has_a_sample(samples: Samples) -> None:
    slot_ns = 20_000_000
    length_ns = levels.FINER * slot_ns
    slots = sorted({slot // levels.FINER for slot in by_slots(samples, slot_ns)})
    expected = [[(one + 1) * length_ns, other * length_ns] for one, other in pairwise(slots) if other > one + 1]
    with tempfile.TemporaryDirectory() as folder:
        found = written(samples, slot_ns, Path(folder), [])
        gaps_ms = found.gaps_ms()
        found.close()
    assert gaps_ms.tolist() == [[time_ns // 10**6 for time_ns in gap] for gap in expected]


def test_what_is_read_so_far_can_be_seen_while_more_is_written(tmp_path: Path) -> None:
    samples = samples_of(START_NS + np.arange(300_000) * 10**7, 1, faults=False)  # 50 minutes at 100 Hz
    start_ms = START_NS // 10**6
    writer = LevelsWriter(tmp_path, slot_ns=levels.FINEST_NS, gap_ns=GAP_NS)
    writer.push(samples.part(0, 100_000))
    writer.flush()
    reader = Levels(tmp_path, slot_ns=levels.FINEST_NS)
    reader.add(writer.blocks)
    early = reader.query(start_ms, start_ms + 3_000_000, 300)
    assert early[6, :99].all()
    assert not early[6, 101:].any()
    known = len(writer.blocks)
    writer.push(samples.part(100_000, 300_000))
    writer.close()
    reader.add(writer.blocks[known:])
    late = reader.query(start_ms, start_ms + 3_000_000, 300)
    assert late[6].all()
    assert (late[:, :99] == early[:, :99]).all()
    reader.close()
    assert not reader.query(start_ms, start_ms + 3_000_000, 300)[6].any(), "closed files show nothing"


def test_a_month_without_samples_takes_no_disk(tmp_path: Path) -> None:
    time_ns = np.concatenate([START_NS + np.arange(1000) * 10**7, START_NS + 40 * DAY_NS + np.arange(1000) * 10**7])
    written(samples_of(time_ns, 1, faults=False), levels.FINEST_NS, tmp_path, []).close()
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert size < 4 * levels.BLOCK * levels.ROW_BYTES


def test_non_wear_is_a_flag_of_pixels_with_samples(tmp_path: Path) -> None:
    samples = samples_of(START_NS + np.arange(990) * 10**7, 1, faults=False)  # 9.9 s
    found = written(samples, levels.FINEST_NS, tmp_path, [])
    off_ns = np.array([[START_NS + 2 * 10**9, START_NS + 4 * 10**9], [START_NS + 9 * 10**9, START_NS + 20 * 10**9]])
    start_ms = START_NS // 10**6
    flags = found.query(start_ms, start_ms + 15_000, 15, not_worn_ns=off_ns)[6]
    assert (flags & levels.NOT_WORN > 0).tolist() == [i in (2, 3, 4, 9) for i in range(15)]
    found.close()


@pytest.mark.parametrize(
    ("rate_hz", "milliseconds"), [(3200, 20), (100, 20), (50, 20), (49, 40), (25, 40), (12.5, 80), (1, 1280)]
)
def test_the_finest_slot_has_a_sample_at_each_rate(rate_hz: float, milliseconds: int) -> None:
    assert slot_length_ns(1e9 / rate_hz) == milliseconds * 10**6
