"""The measurement of fingerprints: changed copies, bouts by themselves, and people who took no part."""

import numpy as np

from benchmarks.model import known_recordings
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import Recording


def recording(seed: int) -> Recording:
    """Two minutes of a label, half a minute of another, and again two of the first, all noise."""
    n = 25 * 270
    codes = np.zeros(n, np.int16)
    codes[3000:3750] = 1
    return Recording(
        time_ns=np.arange(n) * 40_000_000,
        signals=np.random.default_rng(seed).normal(0, 0.5, (n, 3)).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=codes,
        label_names=("walking", "waving"),
        subject=f"person_{seed}",
        source=f"{seed}.csv",
    )


def test_copies_are_recognised_and_others_are_not() -> None:
    training = [recording(seed) for seed in range(3)]
    known = Fingerprints.of(training)
    for name in ("none", "m/s2, 4 decimals", "g, 3 decimals", "calibrated: 2 % and 0.03 g off"):
        found = known_recordings.copies(known, training, known_recordings.CHANGES[name])
        assert found["share_least"] == 1
        assert found["bouts"] == {"walking": {"recognised": 6, "of": 6}}, "half a minute is too short to be counted"
    for name in ("mean of two neighbours", "x turned round"):
        assert known_recordings.copies(known, training, known_recordings.CHANGES[name])["share_median"] == 0
    others = known_recordings.others(known, [recording(7), recording(1)])
    assert (others["recordings"], others["hours"]) == (2, 0.1)
    assert list(others["recognised"]) == ["1.csv"]
    assert known_recordings.everybody_else([*training, recording(2)])["recognised"] == {}
