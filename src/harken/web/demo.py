"""The watches of ``harken serve --demo``: recordings of people doing exercises, streamed in real time.

They are the three people of seglearn's exercises on whom the demo model (``models/packaged/demo.safetensors``, made by
``benchmarks/model/demo_model.py``) was not trained. Their recordings have one long bout of each exercise. Pieces of the
bouts are streamed in turn, so that labels change often, and start again after the last. Within a piece nothing is
changed; between two pieces the movement jumps.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harken.datasets.exercises import UNSEEN, exercises
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording
from harken.support.arrays import Float32Array, Int64Array
from harken.support.printable import percent

MODEL = Path(__file__).parents[1] / "models" / "packaged" / "demo.safetensors"
"""A model of seven exercises, trained on seven other people."""

PIECE_S = 12.0
FIRST_CHANGE_S = 2.0
"""Seconds until the first watch's exercise changes; each further watch changes a third of a piece later."""
TICK_S = 0.1
LONGEST_LOT_S = 5.0
HISTORY_S = 60.0
"""Seconds of the past that are sent at once, so that the page is full when it opens; at least a window."""

Receive = Callable[[str, Float32Array, Int64Array], object]
"""Takes a watch's name, samples ``[n, 3]`` in g and their times ``[n]``, int64 nanoseconds since 1970."""


@dataclass(frozen=True, eq=False)
class DemoWatch:
    """An endless stream of one wrist.

    Attributes:
        watch: its name.
        signals: one round, float32 ``[samples, 3]`` in g; the stream repeats it.
        sample_rate_hz: the sampling rate of the watch.
        begins_at: the number of the first sample after the history, in the round.
    """

    watch: str
    signals: Float32Array
    sample_rate_hz: float
    begins_at: int

    def between(self, first: int, last: int) -> Float32Array:
        """Samples number ``first`` to before ``last`` from the stream's beginning; history has negative numbers."""
        return np.take(self.signals, np.arange(self.begins_at + first, self.begins_at + last), axis=0, mode="wrap")


def demo_watches() -> list[DemoWatch]:
    """The streamed people, one wrist each, left and right in turn.

    Raises:
        HarkenError: when the package that holds the recordings (the extra ``demo``) is not installed.
    """
    by_person: dict[str, list[Recording]] = {person: [] for person in UNSEEN}
    for recording in exercises():  # each person's left wrist comes before the right one
        if recording.subject in by_person:
            by_person[recording.subject].append(recording)
    return [
        _watch(recordings[number % 2], ("left", "right")[number % 2], number, len(by_person))
        for number, recordings in enumerate(by_person.values())
    ]


def about_demo(recogniser: Recogniser) -> dict[str, Any]:
    """The fields of ``/api/model`` that differ in the demo."""
    provenance = recogniser.provenance_
    right = percent(provenance["scores_on_unseen_people"]["accuracy"])
    return {
        "demo": True,
        "card": [
            "A demo: recordings of three people doing shoulder exercises with a watch (Burns et al. 2018), repeated.",
            f"The model was trained on {len(provenance['training_people'])} other people; "
            f"on the recordings of these three, {right} of its labels are right.",
            "It recognises only these exercises; your own recordings are labelled by the packaged model.",
        ],
    }


def _watch(recording: Recording, wrist: str, number: int, watches: int) -> DemoWatch:
    """The pieces of a recording in turn; the changes of different watches are spread over the length of a piece."""
    rate_hz = round(recording.sample_rate_hz)
    piece = round(PIECE_S * rate_hz)
    rows = _in_turn(recording, piece)
    change = round((FIRST_CHANGE_S + number * PIECE_S / watches) * rate_hz)
    return DemoWatch(
        watch=f"person {int(recording.subject.rsplit('_', 1)[1])}, {wrist} wrist",
        signals=np.ascontiguousarray(recording.signals[rows, :3]),
        sample_rate_hz=float(rate_hz),
        # Each watch begins with another exercise.
        begins_at=(2 * number + 1) * piece - change,
    )


def _in_turn(recording: Recording, piece: int) -> Int64Array:
    """Rows of the first piece of every bout, then of the second piece of every bout, as long as all bouts have one."""
    starts = np.concatenate([[0], recording.gap_rows])
    rounds = int(np.diff(np.append(starts, len(recording))).min()) // piece
    first = starts[None, :] + piece * np.arange(rounds)[:, None]
    return np.asarray((first.reshape(-1, 1) + np.arange(piece)).ravel())


async def stream(receive: Receive, watches: Sequence[DemoWatch]) -> None:
    """Stream in real time until cancelled, after some of the past, so that there are labels at once.

    After a pause of the machine, the stream continues at the present time, and the missed samples are a gap.

    Args:
        receive: called with each watch's samples, several times a second.
        watches: the watches to stream.
    """
    began_ns, began = time.time_ns(), time.monotonic()
    sent = {one.watch: -round(HISTORY_S * one.sample_rate_hz) for one in watches}
    while True:
        for one in watches:
            now = int((time.monotonic() - began) * one.sample_rate_hz)
            first = sent[one.watch]
            if first >= 0:
                first = max(first, now - round(LONGEST_LOT_S * one.sample_rate_hz))
            if now > first:
                step_ns = round(1e9 / one.sample_rate_hz)
                receive(one.watch, one.between(first, now), began_ns + step_ns * np.arange(first, now, dtype=np.int64))
                sent[one.watch] = now
        await asyncio.sleep(TICK_S)
