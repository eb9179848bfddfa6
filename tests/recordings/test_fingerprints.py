"""Fingerprints: recordings are recognised under another name, in another unit, in pieces; other people are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harken
from harken.recordings import fingerprints
from harken.recordings.fingerprints import Fingerprints, TrainingShare
from harken.recordings.recording import STANDARD_GRAVITY, Recording
from harken.recordings.source import Samples
from made_recordings import recording_of

RATE_HZ = 25


def moving(seed: int, seconds: int = 600, *, smallest_step: float = 1e-5) -> Recording:
    """An arm that swings at a pace of its own, with the noise of a sensor, in steps of a resolution."""
    random = np.random.default_rng(seed)
    n = seconds * RATE_HZ
    t = np.arange(n)[:, None] / RATE_HZ
    swing = 0.3 * np.sin(2 * np.pi * random.uniform(0.8, 1.2) * t * np.array([1, 2, 3]) + random.uniform(0, 6, 3))
    signals = np.array([0, 0, 1]) + swing + random.normal(0, 0.03, (n, 3))
    steps = np.round(signals / smallest_step) * smallest_step
    return recording_of(np.arange(n) * (10**9 // RATE_HZ), steps, subject=f"person_{seed}")


def rows(recording: Recording, first: int, last: int) -> Recording:
    kept = slice(first, last)
    return replace(
        recording,
        time_ns=recording.time_ns[kept],
        signals=recording.signals[kept],
        label_codes=recording.label_codes[kept],
        valid=recording.valid[kept],
    )


@pytest.fixture(scope="module")
def ann() -> Recording:
    return moving(1)


@pytest.fixture(scope="module")
def known(ann: Recording) -> Fingerprints:
    return Fingerprints.of([ann, moving(2)])


@pytest.mark.parametrize("decimals", [4, 3, 2])
def test_another_name_time_and_unit_with_rounding_change_nothing(
    ann: Recording, known: Fingerprints, decimals: int
) -> None:
    rounded = np.round(ann.signals.astype(np.float64) * STANDARD_GRAVITY, decimals) / STANDARD_GRAVITY
    copy = replace(ann, signals=rounded.astype(np.float32), time_ns=ann.time_ns + 12345678, subject="mallory")
    assert known.known(copy).all()


@pytest.mark.parametrize(("stretch", "exact"), [(1000, True), (400, False)])
def test_the_share_of_a_stream_in_parts_is_that_of_the_recording(
    ann: Recording, known: Fingerprints, stretch: int, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "SAMPLES_AT_ONCE", stretch)
    other = moving(3, 300)
    signals = np.concatenate([ann.signals[:7000], other.signals])
    both = replace(rows(ann, 0, len(signals)), signals=signals)
    samples = Samples.of(both)
    shares = []
    for size in (len(signals), 397, 61):
        share = TrainingShare(known)
        for first in range(0, len(signals), size):
            share.push(samples.part(first, first + size))
        shares.append(share.finish(np.empty((0, 2), np.int64)))
    assert len(set(shares)) == 1, "it does not depend on the parts"
    assert shares[0] == pytest.approx(known.known(both).mean(), abs=0 if exact else 0.1)


def test_a_piece_is_recognised_and_the_rest_is_not(ann: Recording, known: Fingerprints) -> None:
    assert known.known(rows(ann, 1003, 3507)).all()
    unseen = moving(3)
    signals = np.concatenate([unseen.signals[:6000], ann.signals[2011:5011], unseen.signals[6000:12_000]])
    share = known.known(replace(unseen, signals=signals))
    edge = 20 * RATE_HZ
    assert share[6000 + edge : 9000 - edge].all()
    assert not share[: 6000 - edge].any()
    assert not share[9000 + edge :].any()


def test_other_people_are_not_recognised(known: Fingerprints) -> None:
    for seed in range(3, 8):
        assert not known.known(moving(seed)).any()
    assert not Fingerprints.none().known(moving(1)).any()


def test_only_recordings_with_movement_in_common_may_share_it(ann: Recording, known: Fingerprints) -> None:
    piece = Fingerprints.of([rows(ann, 1003, 3507)])
    assert known.may_share(piece)
    assert piece.may_share(known)
    unseen = Fingerprints.of([moving(3)])
    assert not known.may_share(unseen)
    assert known.may_share(replace(unseen, one_in=2 * unseen.one_in)), "sets of other runs say nothing"


def test_a_coarse_sensor_is_recognised_and_a_watch_at_rest_has_no_fingerprints() -> None:
    coarse = moving(4, smallest_step=1 / 64)
    assert Fingerprints.of([coarse]).known(rows(coarse, 700, 9000)).all()
    random = np.random.default_rng(0)
    resting = replace(coarse, signals=(np.round(random.normal(0, 0.004, coarse.signals.shape) * 64) / 64).astype("f4"))
    assert len(Fingerprints.of([resting]).hashes) == 0
    assert not Fingerprints.of([coarse]).known(resting).any()


def test_no_run_of_samples_reaches_over_a_gap(ann: Recording) -> None:
    jump = np.where(np.arange(len(ann)) >= 7000, 3600 * 10**9, 0)
    found = fingerprints._runs(replace(ann, time_ns=ann.time_ns + jump)).rows
    whole = fingerprints._runs(ann).rows
    assert np.array_equal(found, whole[(whole + fingerprints.RUN < 7000) | (whole >= 7000)])


def test_many_recordings_keep_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "MOST_FINGERPRINTS", 300)
    people = [moving(seed, 1800) for seed in range(3)]
    many = Fingerprints.of(people)
    assert len(many.hashes) <= 300
    assert many.one_in == 512
    assert all(many.known(one).all() for one in people)
    assert not many.known(moving(9, 1800)).any()
    few = Fingerprints.of(people[:1])
    assert np.array_equal(few.joined(many).hashes, many.hashes)


def test_the_packaged_model_knows_what_it_learned_from_and_nobody_else(data_dir: Path) -> None:
    model = harken.Recogniser.load()
    assert model.trained_samples(harken.read(data_dir / "notebook_format" / "merged_ab.csv")).mean() > 0.99
    # Of a person of Stress-Predict, in another format than the study's table.
    watch = harken.read(data_dir / "devices" / "e4_S05_ACC.csv")
    trained = "stress_predict_S05" in model.provenance_["training_people"]
    assert (model.trained_samples(watch).mean() > 0.99) == trained
    assert trained or not model.trained_samples(watch).any()
    nobody = harken.read(data_dir / "devices" / "readgt3x_TAS1H30182785_2019-09-17.gt3x")
    assert len(Fingerprints.of([nobody]).hashes) > 100
    assert not model.trained_samples(nobody).any()
