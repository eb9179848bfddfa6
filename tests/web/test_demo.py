"""The recordings that ``harken serve --demo`` streams in real time."""

import asyncio
import importlib.util
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from command_line import Run
from harken import Recogniser
from harken.datasets import exercises as dataset
from harken.datasets.exercises import UNSEEN, exercises
from harken.web import demo
from harken.web.demo import MODEL, DemoWatch, demo_watches, stream

needs_the_exercises = pytest.mark.skipif(
    importlib.util.find_spec("seglearn") is None, reason="the demo's data is not installed: pip install seglearn"
)


@needs_the_exercises
def test_the_streamed_people_are_unseen_to_the_demo_model() -> None:
    watches = demo_watches()
    assert [one.watch for one in watches] == ["person 8, left wrist", "person 9, right wrist", "person 10, left wrist"]
    met = Recogniser.load(MODEL).provenance_["training_people"]
    assert not set(met) & set(UNSEEN)


@needs_the_exercises
def test_a_round_is_pieces_of_real_bouts_that_take_turns() -> None:
    recordings = {one.source: one for one in exercises()}
    for watch, source in zip(demo_watches(), ("8, left", "9, right", "10, left"), strict=True):
        recording = next(one for name, one in recordings.items() if f"person {source}" in name)
        piece = round(12 * watch.sample_rate_hz)
        assert len(watch.signals) % (7 * piece) == 0
        rows = {row.tobytes(): place for place, row in enumerate(np.ascontiguousarray(recording.signals[:, :3]))}
        labels = []
        for first in range(0, len(watch.signals), piece):
            at = rows[watch.signals[first].tobytes()]
            assert np.array_equal(watch.signals[first : first + piece], recording.signals[at : at + piece, :3])
            (label,) = set(recording.label_codes[at : at + piece].tolist())
            labels.append(label)
        assert len(set(labels[:7])) == 7


@needs_the_exercises
def test_an_exercise_changes_soon_after_the_page_is_opened() -> None:
    for number, watch in enumerate(demo_watches()):
        piece = round(12 * watch.sample_rate_hz)
        assert -watch.begins_at % piece == pytest.approx((2 + 4 * number) * watch.sample_rate_hz, abs=1)


Lot = tuple[str, NDArray[np.float32], NDArray[np.int64]]
"""The name of a watch, its signals, and their times."""


@dataclass
class Clock:
    """Stands for the module ``time``; each tick takes as long as the next of ``ticks_s`` says."""

    ticks_s: list[float]
    now_s: float = 100.0
    lots: list[Lot] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return 1_700_000_000_000_000_000

    async def sleep(self, seconds: float) -> None:
        if not self.ticks_s:
            raise asyncio.CancelledError
        self.now_s += self.ticks_s.pop(0)


def streamed(monkeypatch: pytest.MonkeyPatch, ticks_s: list[float]) -> list[Lot]:
    """What an invented watch sends: its round is 0, 1, 2 up to 499, and its first sample after history is number 20."""
    round_ = np.repeat(np.arange(500, dtype=np.float32)[:, None], 3, axis=1)
    watch = DemoWatch("w", round_, 50.0, begins_at=20)
    clock = Clock(ticks_s)
    monkeypatch.setattr(demo, "time", clock)
    monkeypatch.setattr(demo, "HISTORY_S", 3)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)

    def show(*lot: Any) -> None:
        clock.lots.append(lot)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stream(show, [watch]))
    return clock.lots


def test_history_comes_at_once_and_then_one_second_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    lots = streamed(monkeypatch, [0.1] * 200)
    assert len(lots[0][1]) == 150
    assert lots[0][2][-1] == Clock([]).time_ns() - 20_000_000
    numbers = np.concatenate([signals[:, 0] for _, signals, _ in lots])
    times = np.concatenate([time_ns for _, _, time_ns in lots])
    assert np.array_equal(numbers, np.arange(20 - 150, 20 - 150 + len(numbers)) % 500)
    assert (np.diff(times) == 20_000_000).all()
    assert len(numbers) == pytest.approx(150 + 20 * 50, abs=1)


def test_after_a_sleep_it_goes_on_with_what_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    lots = streamed(monkeypatch, [0.1, 3600.0, 0.1])
    assert [len(signals) for _, signals, _ in lots] == pytest.approx([150, 5, 250, 5], abs=1)
    times = np.concatenate([time_ns for _, _, time_ns in lots])
    assert (np.diff(times) > 0).all()
    assert times[-1] - Clock([]).time_ns() == pytest.approx(3600.2e9, abs=4e7)


def test_without_the_data_it_says_what_to_install(run_harken: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(dataset, "distribution", missing)
    ended = run_harken("serve", "--demo", "--no-open")
    assert ended.exit_code == 2
    assert "needs seglearn, which is not installed: " in ended.stderr
    assert '-m pip install "harken[demo]"' in ended.stderr
    assert "listens" not in ended.stdout
