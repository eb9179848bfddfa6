"""Recordings that ``harken serve --keep`` made of bouts can be inspected, labelled, trained from and adapted to."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

import people
from command_line import Run
from harken.recordings.recording import STANDARD_GRAVITY
from harken.server.limits import Limits
from harken.server.recorded.recorder import Recorder
from harken.server.sample_log import SampleLog

pytestmark = pytest.mark.usefixtures("small_preset")
BOUT_S, GAP_S = 20, 10


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The recordings of two watches, in which each bout of ``people`` was recorded."""
    keep = tmp_path_factory.mktemp("keep")
    seeds = {"anna": 1, "Ben's watch": 11}

    async def push() -> None:
        log = SampleLog(keep)
        running = asyncio.create_task(log.run())
        for watch, seed in seeds.items():
            rows = np.array([row[:4] for row in people.person_rows(seed)])
            for part in np.array_split(rows, 100):
                time_ns = part[:, 0].astype(np.int64) * 10**6
                await log.append(watch, (part[:, 1:] / STANDARD_GRAVITY).astype(np.float32), time_ns)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(push())
    recorder = Recorder(keep, Limits())
    for watch in seeds:
        for number, label in enumerate(people.BOUTS):
            start_ns = (people.START_MS + number * 1000 * (BOUT_S + GAP_S)) * 10**6
            recorder.begin(watch, label, start_ns)
            recorder.end(watch, start_ns + BOUT_S * 10**9)
    return dict(zip(seeds, recorder.labelled_files(), strict=True))


def test_inspect_names_the_labels_and_where_they_are(run_harken: Run, recorded: dict[str, Path]) -> None:
    ended = run_harken("inspect", recorded["anna"], "--json")
    assert ended.exit_code == 0, ended.stderr
    (found,) = json.loads(ended.stdout)
    assert found["subject"] == "anna"
    assert "labels.csv" in json.dumps(found)
    assert found["sample_rate_hz"] == pytest.approx(people.RATE_HZ, rel=0.01)
    text = run_harken("inspect", recorded["Ben's watch"])
    for word in ("Ben's watch", "lying", "sitting", "walking", "plain table"):
        assert word in text.stdout


def test_a_model_is_trained_from_one_and_tested_on_the_other(
    run_harken: Run, recorded: dict[str, Path], tmp_path: Path
) -> None:
    options = ("--preset", "small-everyday", "--device", "cpu", "--threads", "1", "--out", tmp_path / "run")
    ended = run_harken("train", recorded["anna"], "--cross", recorded["Ben's watch"], *options)
    assert ended.exit_code == 0, ended.stderr
    personal = tmp_path / "ben.safetensors"
    ended = run_harken("adapt", tmp_path / "run", recorded["Ben's watch"], "--out", personal, "--json")
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["labelled_s"].keys() == {"lying", "sitting", "walking"}
    assert personal.exists() == json.loads(ended.stdout)["kept"]


def test_the_folder_of_recordings_is_labelled(run_harken: Run, recorded: dict[str, Path], tmp_path: Path) -> None:
    ended = run_harken("label", recorded["anna"].parent, "--out", tmp_path / "labels")
    assert ended.exit_code == 0, ended.stderr
    for path in recorded.values():
        assert list((tmp_path / "labels").rglob(f"*{path.stem}*"))
