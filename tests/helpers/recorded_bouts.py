"""Bouts that are recorded with a made-up watch, whose samples are written to the log of ``--keep``."""

import asyncio
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import harken
from edited_labels import Labels
from harken.annotations.formats import read_annotations
from harken.annotations.store import LabelStore
from harken.annotations.times import Span
from harken.web.learn import labelled_in
from harken.web.record.recorder import WAIT_S, Recorder
from harken.web.record.session import RecordedSession
from harken.web.sample_log import SampleLog

SECOND = 10**9
CLOCK_S = 1.0
"""The clock of a machine may be set back by so much between two readings."""
START = 1_750_000_000 * SECOND
RATE_HZ = 25


def samples(first_s: float, last_s: float, watch: str = "anna") -> tuple[str, NDArray[np.float32], NDArray[np.int64]]:
    """A watch's samples from one second to another after ``START``."""
    time_ns = START + np.arange(round(first_s * RATE_HZ), round(last_s * RATE_HZ)) * (SECOND // RATE_HZ)
    elapsed = (time_ns - START) / 1e9
    signals = np.stack([np.sin(elapsed), 0.1 * np.cos(3 * elapsed), np.ones(len(elapsed))], axis=1)
    return watch, signals.astype(np.float32), time_ns


def log(folder: Path, *messages: tuple[str, NDArray[np.float32], NDArray[np.int64]]) -> None:
    """Write messages to the log of samples, in a file of their own."""

    async def write() -> None:
        to = SampleLog(folder)
        running = asyncio.create_task(to.run())
        await asyncio.gather(*(to.append(*message) for message in messages))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(write())


def bouts(session: RecordedSession) -> list[tuple[float, float, str]]:
    """Starts and ends in seconds after ``START``, and labels."""
    return [((one.start_ns - START) / 1e9, (one.end_ns - START) / 1e9, one.label) for one in session.bouts]


def record(recorder: Recorder, start_s: float, end_s: float, label: str, watch: str = "anna") -> None:
    """Record a bout from one second to another after ``START``."""
    recorder.begin(watch, label, START + round(start_s * SECOND))
    recorder.end(watch, START + round(end_s * SECOND))


def made(recorder: Recorder, watch: str = "anna") -> list[Path]:
    """The recordings with labels, after the session of a watch was closed and everything that is due was done."""
    recorder.close(watch)
    return finished(recorder)


def finished(recorder: Recorder, *, after_s: float = WAIT_S) -> list[Path]:
    """The recordings with labels, after everything was done that is due after this time."""
    recorder.finish(time.time() + after_s + CLOCK_S)
    return [file.path for file in labelled_in(recorder.files.recording("x").parent)]


def annotate(path: Path) -> Labels:
    """The labels of a recording as annotate opens them."""
    recording = harken.read(path)
    times = Span(int(recording.time_ns[0]), int(recording.time_ns[-1]), recording.timezone)
    return Labels(LabelStore(path, times, recording.subject, zone_known=False), times)


def labels_in(path: Path) -> list[str]:
    """The labels in the file beside a recording."""
    return [entry.label for entry in read_annotations(path.with_suffix(".labels.csv")).entries]
