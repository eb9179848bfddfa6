"""The model that comes with harken, served: what it says is what it says offline."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import websockets

import harken
from harken.labelled import LabelSettings, timeline_of_file
from harken.labelling import label_recording
from harken.recogniser import Recogniser
from harken.recording import UNLABELLED, Recording
from harken.simulation import Simulation, write_simulation
from serving import Served, message, serving

DAYS, RATE_HZ = 0.002, 50  # three minutes
LOT = 333


@pytest.fixture(scope="module")
def packaged() -> Recogniser:
    return Recogniser.load(device="cpu")


@pytest.fixture(scope="module")
def served(packaged: Recogniser) -> Iterator[Served]:
    with serving(recogniser=packaged) as found:
        yield found


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "wrist.csv"
    write_simulation(Simulation(days=DAYS, sample_rate_hz=RATE_HZ, seed=3), path)
    return path


def test_it_is_the_packaged_model(served: Served, packaged: Recogniser) -> None:
    said = served.ask("/api/model").json
    assert said["labels"] == list(packaged.specification_.labels)
    assert {"lying", "sitting", "standing", "walking"} <= set(said["labels"])


def check_posted(served: Served, packaged: Recogniser, path: Path) -> None:
    answer = served.ask(f"/api/recordings?name={path.name}", path.read_bytes())
    assert answer.status == 200
    offline, *_ = timeline_of_file(path, packaged, LabelSettings())
    rows = answer.json["rows"]
    assert [row["label"] for row in rows] == offline.frame["label"].to_list()
    found = [row["probabilities"] or [np.nan] * len(offline.labels) for row in rows]
    np.testing.assert_allclose(found, offline.probabilities, atol=6e-5)  # four decimals
    assert sum(bool(row["probabilities"]) for row in rows) > 20


def test_a_recording_that_is_posted(served: Served, packaged: Recogniser, csv: Path) -> None:
    check_posted(served, packaged, csv)


def test_samples_through_a_socket(served: Served, packaged: Recogniser, csv: Path) -> None:
    read = harken.read(csv)
    recording = Recording(
        time_ns=read.time_ns,
        signals=read.signals,
        channels=read.channels,
        label_codes=np.full(len(read), UNLABELLED, np.int16),
        label_names=(),
        subject="wrist",
    )
    specification = replace(packaged.specification_, hop_s=1.0)
    offline = label_recording(specification, recording, packaged.predict_proba)
    starts = offline.frame["start"].to_physical().to_numpy() / 1e6

    async def send() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        async with websockets.connect(served.url("/ws/samples?watch=wrist", "ws")) as socket:
            for first in range(0, len(recording), LOT):
                rows = slice(first, first + LOT)
                await socket.send(message(recording.signals[rows], recording.time_ns[rows]))
                await asyncio.sleep(0.01)
            while not told or told[-1]["end_ms"] < recording.time_ns[-1] / 1e6 - 2000:
                told.append(json.loads(await asyncio.wait_for(socket.recv(), 30)))
        return told

    told = asyncio.run(send())
    assert {one["type"] for one in told} == {"label"}
    assert len(told) > 100
    rows = served.ask_until("/api/timeline?watch=wrist", lambda found: len(found["rows"]) > 100)["rows"]
    compared = 0
    for row in rows:
        (at,) = np.flatnonzero(np.abs(starts - row["start_ms"]) < 0.01)
        if not np.isnan(offline.probabilities[at]).any():
            np.testing.assert_allclose(row["probabilities"], offline.probabilities[at], atol=2e-6)
            compared += 1
    assert compared > 100
