"""What the server keeps of a watch: an hour of labels, ten minutes of final rows, and little memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from harken.labelling.live.stream import advance
from harken.labelling.live.watch import LiveSettings, StreamSpecification
from harken.web.history import MOST_LABELS
from harken.web.limits import Limits
from harken.web.session import Session
from server_thread import recogniser

START_NS = 1_700_000_000 * 10**9
RATE_HZ = 50


def live_for(sessions: list[Session], seconds: int, lot_s: int = 60) -> None:
    """So many seconds of a wrist that does one thing and another, a minute at a time."""
    labels = len(sessions[0].specification.model.labels)
    t = np.arange(lot_s * RATE_HZ) / RATE_HZ
    signals = np.stack([np.sin(7 * t), np.cos(5 * t), np.ones(len(t))], axis=1).astype(np.float32)
    for begin_s in range(0, seconds, lot_s):
        time_ns = START_NS + begin_s * 10**9 + np.arange(len(t)) * (10**9 // RATE_HZ)
        for session in sessions:
            session.take(signals.copy(), time_ns.copy(), 0.0)
        due = advance([session.stream for session in sessions])
        shares = np.full((len(due.starts_ns), labels), 0.1 / (labels - 1), dtype=np.float32)
        shares[:, begin_s // 300 % labels] = 0.9
        for session, updates in zip(sessions, due.updates(shares), strict=True):
            session.remember(updates)


@pytest.fixture
def session() -> Session:
    return Session("w", StreamSpecification(recogniser().specification_, LiveSettings(hop_s=1.0)), Limits(), 0.0)


def test_the_page_is_given_the_last_hour(session: Session) -> None:
    live_for([session], 75 * 60)
    history = session.history()
    labels = history["labels"]
    last_ms = session.last_ns // 10**6
    assert len(labels) <= MOST_LABELS
    assert last_ms - 3_600_000 < labels[0]["end_ms"] < last_ms - 3_595_000
    assert {b["end_ms"] - a["end_ms"] for a, b in pairwise(labels)} == {1000}
    names = session.specification.model.labels
    begin_ms = START_NS // 10**6
    # A label is entered with the first window of a lot, which ends some seconds after the lot before it does.
    settled = [one for one in labels if 5000 < (one["end_ms"] - begin_ms) % 300_000 < 295_000]
    assert all(one["label"] == names[(one["end_ms"] - begin_ms) // 300_000 % len(names)] for one in settled)
    assert len(settled) > 3000
    assert len(labels[-1]["probabilities"]) == len(names)
    assert not any("probabilities" in one for one in labels[:-1])
    assert len(history["samples"]["t_ms"]) == 30 * RATE_HZ


def test_the_latest_rows_are_kept_exactly(session: Session) -> None:
    live_for([session], 15 * 60)
    rows = session.timeline()["rows"]
    assert len(rows) == LiveSettings().kept_rows
    assert all(a["end_ms"] == b["start_ms"] for a, b in pairwise(rows))
    assert all(sum(row["probabilities"]) == pytest.approx(1, abs=1e-6) for row in rows)


def test_an_hour_of_a_watch_takes_little_memory() -> None:
    specification = StreamSpecification(recogniser().specification_, LiveSettings(hop_s=1.0))

    def some() -> list[Session]:
        return [Session(f"watch {number}", specification, Limits(), 0.0) for number in range(5)]

    live_for(some(), 120)  # after which the resampler that all share has the room that it needs
    tracemalloc.start()
    try:
        sessions = some()
        live_for(sessions, 70 * 60)
        held = tracemalloc.get_traced_memory()[0] / len(sessions)
    finally:
        tracemalloc.stop()
    assert held < 96_000
