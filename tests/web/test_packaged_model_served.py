"""The packaged model gives the same labels in the server as offline."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harken
from harken.datasets.simulated import Simulation, write_simulation
from harken.labelling.file import label_file
from harken.models.recogniser import Recogniser
from harken.web.uploads import name_parameters
from offline import offline
from server_thread import Served, heard, message, serving

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


@pytest.mark.parametrize("name", ["wrist.csv", "skdh_ax3_sample.cwa"])
def test_a_recording_that_is_posted(served: Served, packaged: Recogniser, csv: Path, data_dir: Path, name: str) -> None:
    path = csv if name == csv.name else data_dir / "devices" / name
    answer = served.ask(f"/api/recordings?name={name}", path.read_bytes())
    assert answer.status == 200
    labelled = label_file(path, model=packaged)
    expected = labelled.timeline
    notes = [name_parameters(note) for note in (*labelled.warnings, *labelled.notes)]
    assert answer.json["notes"] == [note.replace(str(path), name) for note in notes]
    assert any(note.startswith("the watch was turned by ") for note in answer.json["notes"]) == (path != csv)
    rows = answer.json["rows"]
    assert [row["label"] for row in rows] == expected.frame["label"].to_list()
    found = [row["probabilities"] or [np.nan] * len(expected.labels) for row in rows]
    np.testing.assert_allclose(found, expected.probabilities, atol=6e-5)  # four decimals
    assert sum(bool(row["probabilities"]) for row in rows) > 20


def test_samples_through_a_socket(served: Served, packaged: Recogniser, csv: Path) -> None:
    recording = harken.read(csv)
    expected = offline(packaged, recording.signals, recording.time_ns)
    starts = expected.frame["start"].to_physical().to_numpy() / 1e6

    messages: list[dict[str, Any]] = []
    with served.connect("/ws/samples?watch=wrist") as watch:
        for first in range(0, len(recording), LOT):
            rows = slice(first, first + LOT)
            watch.send(message(recording.signals[rows], recording.time_ns[rows]))
            time.sleep(0.01)
        while not messages or messages[-1]["end_ms"] < recording.time_ns[-1] / 1e6 - 2000:
            messages.append(heard(watch, 30))
    assert {one["type"] for one in messages} == {"label"}
    assert len(messages) > 100
    rows = served.ask_until("/api/timeline?watch=wrist", lambda found: len(found["rows"]) > 100)["rows"]
    compared = 0
    for row in rows:
        (at,) = np.flatnonzero(np.abs(starts - row["start_ms"]) < 0.01)
        if not np.isnan(expected.probabilities[at]).any():
            np.testing.assert_allclose(row["probabilities"], expected.probabilities[at], atol=2e-6)
            compared += 1
    assert compared > 100
