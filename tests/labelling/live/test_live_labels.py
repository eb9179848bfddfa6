"""When a live label comes, when it is entered and left, what a stream keeps, and what it refuses."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harken.labelling.live import LiveRecogniser, LiveSettings
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording
from harken.signals import Resampler, Samples, look_ahead_s
from harken.support.errors import HarkenError
from harken.windows.windows import Windows
from live_streams import START_NS, Answering, quiet, smooth
from offline import still_or_moving

DOCS = Path(__file__).parents[3] / "docs"


def waited_for_by_a_resampler() -> set[int]:
    """How many samples that are a look-ahead later there were when an even one became known."""
    signals, time_ns = quiet(10, rate_hz=50)
    stream, counts = Resampler(20, source_rate_hz=50), set()
    samples = Samples(time_ns, signals, np.full(len(time_ns), -1, np.int16), np.ones(len(time_ns), dtype=bool))
    for row in range(len(time_ns)):
        for known_ns in stream.push(samples.part(row, row + 1)).time_ns.tolist():
            counts.add(int((time_ns[: row + 1] >= known_ns + look_ahead_s(20) * 1e9).sum()))
    return counts


def waited_for_live() -> set[int]:
    """The same of a window's last even sample when the window was told."""
    signals, time_ns = quiet(20, rate_hz=50)
    recogniser, counts = LiveRecogniser(Answering(still_or_moving(length=40, hop=10), smooth)), set()
    for row in range(len(time_ns)):
        for update in recogniser.push(signals[row : row + 1], time_ns[row : row + 1]):
            last_ns = update.end_ns - 10**9 // 20
            counts.add(int((time_ns[: row + 1] >= last_ns + look_ahead_s(20) * 1e9).sum()))
    return counts


@pytest.mark.parametrize(
    ("stated", "measured"),
    [
        (look_ahead_s.__doc__, waited_for_by_a_resampler),
        (DOCS / "signals.md", waited_for_by_a_resampler),
        (DOCS / "onnx.md", waited_for_by_a_resampler),
        (LiveRecogniser.__doc__, waited_for_live),
        (DOCS / "live.md", waited_for_live),
    ],
)
def test_the_look_ahead_agrees_with_the_docs(stated: str | Path, measured: Callable[[], set[int]]) -> None:
    text = " ".join((stated.read_text(encoding="utf-8") if isinstance(stated, Path) else stated).split())
    numbers = {"one": 1, "two": 2, "three": 3}
    assert {numbers[word] for word in re.findall(r"(one|two|three) samples have come that are", text)} == measured()
    assert {f"{look_ahead_s(30):.2f}"} >= set(re.findall(r"(0\.\d+) s at 30 Hz", text))


def test_late_samples_change_earlier_labels_and_later_ones_are_counted() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(10)
    recogniser = LiveRecogniser(Answering(found, smooth))
    late = slice(120, 124)
    now = np.r_[0:120, 124:150]
    first = recogniser.push(signals[now], time_ns[now])
    again = recogniser.push(signals[late], time_ns[late])
    assert again[0].end_ns in [update.end_ns for update in first], "a window is told anew"
    assert recogniser.push(signals[late], time_ns[late]) == []
    recogniser.push(signals[150:], time_ns[150:])
    recogniser.push(signals[60:64], time_ns[60:64])
    assert recogniser.dropped == {"late": 4, "repeated": 4}


def by_first_axis(windows: Windows) -> NDArray[np.float32]:
    share = windows.signals[:, :, 0].mean(axis=1).clip(0, 1)
    return np.stack([1 - share, share], axis=1).astype(np.float32)


def test_a_bout_is_entered_above_one_threshold_and_left_below_another() -> None:
    found = still_or_moving(length=20, hop=20)
    seconds = [0.9, 0.7, 0.55, 0.45, 0.42, 0.37, 0.42, 0.45, 0.1]
    rows = np.arange(20 * len(seconds))
    time_ns = START_NS + 50_000_000 * rows  # on the grid
    signals = np.zeros((len(rows), 3), dtype=np.float32)
    signals[:, 0] = np.repeat(seconds, 20)
    signals[:, 1] = 1 + rows % 2 / 100
    recogniser = LiveRecogniser(Answering(found, by_first_axis), LiveSettings(enter_at=0.65, leave_below=0.4))
    updates = [*recogniser.push(signals, time_ns), *recogniser.flush()]
    labelled = [(update.entered, update.left, update.label) for update in updates]
    assert labelled == [
        ("moving", None, "moving"),
        *4 * [(None, None, "moving")],
        (None, "moving", None),  # nothing is at 0.65, though "still" is more probable
        *2 * [(None, None, None)],
        ("still", None, "still"),
        (None, "still", None),  # the stretch ended
    ]
    assert np.isnan(updates[-1].probabilities).all()


def test_a_gap_ends_a_bout_and_flush_and_reset_begin_anew() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(10)
    recogniser = LiveRecogniser(Answering(found, smooth), LiveSettings(enter_at=0.5))
    assert len(recogniser.push(signals[:100], time_ns[:100])) == 7
    gone = recogniser.push(signals[130:], time_ns[130:])
    ends = [update for update in gone if np.isnan(update.probabilities).all()]
    assert len(ends) == 1
    assert ends[0].left is not None
    recogniser.flush()
    assert recogniser.push(signals[100:], time_ns[100:]) == [], "what was flushed is over"
    assert recogniser.dropped["late"] == 100
    recogniser.reset()
    assert len(recogniser.push(signals, time_ns)) == 17
    assert recogniser.flush()
    assert recogniser.flush() == []


def test_memory_does_not_grow() -> None:
    found = still_or_moving(length=60, hop=20)
    recogniser = LiveRecogniser(Answering(found, smooth), LiveSettings(kept_rows=30))
    signals, time_ns = quiet(60, rate_hz=50)
    sizes = []
    for minute in range(6):
        for row in range(0, len(time_ns), 50):
            rows = slice(row, row + 50)
            recogniser.push(signals[rows], time_ns[rows] + minute * round(60e9))
        sizes.append(len(pickle.dumps(recogniser._watch)))
    assert sizes[-1] == pytest.approx(sizes[1], rel=0.05)
    assert max(sizes) < 50_000


def test_what_cannot_be_is_refused(learned: tuple[Recogniser, Recording]) -> None:
    recogniser, anna = learned
    with pytest.raises(HarkenError, match="is not fitted"):
        LiveRecogniser(Recogniser())
    with pytest.raises(HarkenError, match=r"enter_at at least leave_below; got 0\.3 and 0\.5"):
        LiveRecogniser(recogniser, LiveSettings(enter_at=0.3, leave_below=0.5))
    with pytest.raises(HarkenError, match="a hop must be at least one sample and at most one window, 2 s; got 60 s"):
        LiveRecogniser(recogniser, LiveSettings(hop_s=60))
    with pytest.raises(HarkenError, match="kept_rows must be above 0, got 0"):
        LiveSettings(kept_rows=0)
    stream = LiveRecogniser(recogniser)
    with pytest.raises(HarkenError, match=r"samples are float \[n, 3\] \(x, y, z\) and int64 nanoseconds"):
        stream.push(anna.signals[:, :2], anna.time_ns)
    with pytest.raises(HarkenError, match="times are nanoseconds since 1970"):
        stream.push(anna.signals[:1], np.array([-5]))
    many = START_NS + np.arange(100_001)
    with pytest.raises(HarkenError, match="more than 100,000 samples within a minute"):
        stream.push(np.zeros((len(many), 3), np.float32), many)
    assert stream.push(anna.signals[:0], anna.time_ns[:0]) == []
