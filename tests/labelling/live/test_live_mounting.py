"""A stream whose watch sits in another way than the model expects: stated, or found from walking."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harken.labelling.live import LiveRecogniser, LiveSettings
from harken.models.label_recording import label_recording
from harken.mounting.turns import Turn
from harken.networks.specification import Specification
from harken.recordings.forearm_axis import ForearmAxis
from harken.signals.orientation import QUARTERS, turned_signals
from harken.support.errors import HarkenError
from harken.windows.windows import Windows
from live_streams import START_NS, Answering
from offline import still_or_moving, unlabelled

RATE_HZ = 50
Signals = NDArray[np.float32]


def standing_or_walking() -> Specification:
    return replace(still_or_moving(length=40, hop=20), labels=("standing", "walking"))


def recognise_walking(windows: Windows) -> Signals:
    """Walking is what moves with gravity along x, towards the elbow. Every sample of a window matters."""
    x = windows.signals[..., 0].mean(axis=1, dtype=np.float64)
    share = 0.02 + 0.9 * (x > 0.5) * (windows.signals[..., 2].std(axis=1) > 0.1) + 0.01 * np.tanh(x)
    return np.stack([1 - share, share], axis=1).astype(np.float32)


def walker(**provenance: Any) -> Answering:
    provenance.setdefault("forearm_axis", "x")
    return Answering(standing_or_walking(), recognise_walking, **provenance)


def moving(seconds: int, axis: ForearmAxis, *, walks: bool, first_s: int = 0) -> tuple[Signals, NDArray[np.int64]]:
    """A hanging arm, still or walking, as a watch with this axis along the forearm measures it."""
    t = first_s + np.arange(seconds * RATE_HZ) / RATE_HZ
    random = np.random.default_rng(first_s)
    size = 0.25 if walks else 0.0
    as_expected = np.stack([0.95 + size * np.sin(4 * np.pi * t), 0 * t, 0.2 + size * np.cos(12 * t)], axis=1)
    as_expected += random.normal(0, 0.02, as_expected.shape)
    time_ns = START_NS + np.round(t * 1e9).astype(np.int64)
    return turned_signals(as_expected.astype(np.float32), -2 * QUARTERS[axis] % 8), time_ns


def joined(*parts: tuple[Signals, NDArray[np.int64]]) -> tuple[Signals, NDArray[np.int64]]:
    return np.concatenate([signals for signals, _ in parts]), np.concatenate([times for _, times in parts])


def stand_walk_stand(axis: ForearmAxis) -> tuple[Signals, NDArray[np.int64]]:
    return joined(
        moving(60, axis, walks=False),
        moving(120, axis, walks=True, first_s=60),
        moving(60, axis, walks=False, first_s=180),
    )


def offline_rows(recogniser: Answering, signals: Signals, time_ns: NDArray[np.int64]) -> dict[int, Signals]:
    """The probabilities of each row of the timeline, by its start in ns."""
    timeline = label_recording(recogniser.specification_, unlabelled(signals, time_ns), recogniser.predict_answers)
    starts = timeline.frame["start"].to_physical().to_numpy()
    return dict(zip(starts.tolist(), timeline.probabilities, strict=True))


def push_seconds(stream: LiveRecogniser, signals: Signals, time_ns: NDArray[np.int64], seconds: int = 1) -> list[Any]:
    updates = []
    for row in range(0, len(time_ns), seconds * RATE_HZ):
        updates += stream.push(signals[row : row + seconds * RATE_HZ], time_ns[row : row + seconds * RATE_HZ])
    return updates


@pytest.mark.parametrize("axis", ["y", "-x"])
@pytest.mark.parametrize("seconds", [1, 7])
def test_walking_turns_the_windows_after_a_moment_and_their_rows_are_those_of_the_stated_axis(
    axis: ForearmAxis, seconds: int
) -> None:
    recogniser, settings = walker(), LiveSettings(kept_rows=1000)
    signals, time_ns = stand_walk_stand(axis)
    stream = LiveRecogniser(recogniser, settings)
    updates = push_seconds(stream, signals, time_ns, seconds)
    turn = stream.turn
    assert turn is not None
    assert turn.mounting.turn == Turn(2 * QUARTERS[axis])
    assert 30 < (turn.since_ns - START_NS) / 1e9 - 60 < 60, "less than a minute of walking is enough"
    as_measured = offline_rows(recogniser, signals, time_ns)
    as_stated = offline_rows(recogniser, turned_signals(signals, 2 * QUARTERS[axis]), time_ns)
    counts = {"before": 0, "after": 0}
    for row in stream.rows():
        if row.end_ns > turn.since_ns:
            np.testing.assert_allclose(row.probabilities, as_stated[row.start_ns], atol=1e-6)
            counts["after"] += 1
        elif row.start_ns + 2e9 <= turn.since_ns:  # a window that begins in it ends before the moment
            np.testing.assert_allclose(row.probabilities, as_measured[row.start_ns], atol=1e-6)
            counts["before"] += 1
    assert min(counts.values()) > 40
    stated = LiveRecogniser(recogniser, replace(settings, forearm_axis=axis))
    every = {update.end_ns: update for update in push_seconds(stated, signals, time_ns)}
    assert {row.start_ns for row in stated.rows()} <= as_stated.keys()
    for row in stated.rows():
        np.testing.assert_allclose(row.probabilities, as_stated[row.start_ns], atol=1e-6)
    later = [update for update in updates if update.end_ns > turn.since_ns]
    for update in later:
        np.testing.assert_allclose(update.probabilities, every[update.end_ns].probabilities, atol=1e-6)
    assert (later[0].left, later[0].entered) == ("standing", "walking"), "a bout ends with the turn"


def test_what_walking_has_shown_changes_only_with_later_walking_and_is_forgotten_with_the_samples() -> None:
    stream = LiveRecogniser(walker())
    push_seconds(stream, *moving(120, "y", walks=True))
    first = stream.turn
    assert first is not None
    push_seconds(stream, *moving(300, "-x", walks=False, first_s=120))
    push_seconds(stream, *moving(40, "-x", walks=True, first_s=420))
    assert stream.turn == first
    push_seconds(stream, *moving(300, "-x", walks=True, first_s=460))
    assert stream.turn is not None
    assert stream.turn.mounting.turn == Turn(2 * QUARTERS["-x"])
    assert stream.turn.since_ns > START_NS + 460 * 10**9
    stream.reset()
    assert stream.turn is None


def test_a_model_of_which_no_orientation_is_known_turns_nothing() -> None:
    recogniser = walker(forearm_axis=None)
    stream = LiveRecogniser(recogniser, LiveSettings(kept_rows=1000))
    signals, time_ns = stand_walk_stand("y")
    push_seconds(stream, signals, time_ns)
    assert stream.turn is None
    as_measured = offline_rows(recogniser, signals, time_ns)
    for row in stream.rows():
        np.testing.assert_allclose(row.probabilities, as_measured[row.start_ns], atol=1e-6)


def test_memory_and_questions_do_not_grow_with_walking() -> None:
    asked: list[int] = []

    def answer(windows: Windows) -> Signals:
        asked.append(len(windows))
        return np.full((len(windows), 2), 0.5, np.float32)  # never sure, so every moment is new evidence

    stream = LiveRecogniser(Answering(standing_or_walking(), answer, forearm_axis="x"), LiveSettings(kept_rows=30))
    sizes = []
    for minute in range(0, 50, 10):
        push_seconds(stream, *moving(600, "y", walks=True, first_s=60 * minute), seconds=10)
        sizes.append(len(pickle.dumps(stream._watch)))
    assert sizes[-1] == pytest.approx(sizes[1], rel=0.05)
    assert max(sizes) < 120_000
    windows_of_labels = 50 * 60
    assert sum(asked) < 1.7 * windows_of_labels


def test_a_wrong_axis_is_refused() -> None:
    with pytest.raises(HarkenError, match=r"forearm_axis must be x, y, -x or -y, got up"):
        LiveSettings(forearm_axis="up")  # type: ignore[arg-type]
