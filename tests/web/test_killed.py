"""``kill -9`` of a server that learns or labels recordings: no half-written model, folder or process is left, and the
next server goes on."""

import json
import random
import resource
import time
from pathlib import Path

import pytest

import people
from harken.models.recogniser import Recogniser
from labelled_files import write_labelled
from server_process import child_processes, server_process
from server_thread import Served
from waiting import until

pytestmark = pytest.mark.second_stage

ADAPT, TRAIN = (json.dumps({"how": how}).encode() for how in ("adapt", "train"))
KILLED = (ADAPT, TRAIN, ADAPT)
LONGEST_S = 6.0
"""Adapting takes a few seconds, most of which are imports; training takes minutes, so it would not end by itself."""


def ended(children: list[int]) -> None:
    """Returns when these processes have ended."""
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_a_kill_while_learning_leaves_whole_models_and_no_process(tmp_path: Path) -> None:
    write_labelled(tmp_path / "keep" / "recordings", "bob", 2, seconds=60)
    keep, models = str(tmp_path / "keep"), tmp_path / "keep" / "models"
    choose = random.Random(1)
    for how in KILLED:
        with server_process("--keep", keep, log=tmp_path / "log") as (process, address):
            assert Served.of(address).ask("/api/learn", how).status == 202
            until(lambda: child_processes(process.pid), 60)
            children = child_processes(process.pid)
            time.sleep(choose.random() * LONGEST_S)
            process.kill()
            process.wait(20)
        ended(children)
        for path in models.glob("*.safetensors"):
            Recogniser.load(path)
    with server_process("--keep", keep, log=tmp_path / "log") as (_, address):
        served = Served.of(address)
        assert served.ask("/api/learn").json["state"] == "idle"
        assert served.ask("/api/learn", ADAPT).status == 202
        outcome = served.ask_until("/api/learn", lambda found: found["state"] != "running", 120)["outcome"]
        assert outcome["kept"] == (outcome["model_path"] is not None)
        if outcome["kept"]:
            assert served.ask("/api/learn/choice", b'{"serve": "new"}').json["served_path"] == outcome["model_path"]


def test_a_full_disk_is_a_sentence_and_costs_only_the_upload(tmp_path: Path, temporary: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with server_process(log=tmp_path / "log", temporary=temporary) as (process, address):
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        for most in (50_000, len(recording)):  # less than the recording, and less than the model beside it
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            refused = Served.of(address).ask("/api/recordings?name=bob.csv", recording)
            sentence = "the recording could not be written (File too large)"
            assert (refused.status, refused.json) == (507, {"error": sentence})
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        assert Served.of(address).ask("/api/recordings?name=bob.csv", recording).status == 200
        assert not list(temporary.iterdir())
