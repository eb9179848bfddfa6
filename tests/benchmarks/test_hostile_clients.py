"""The script that lets hostile clients loose on a server beside watches: a few seconds of it."""

import contextlib
import json
from pathlib import Path

import pytest

from benchmarks.live import hostile_clients


def test_watches_lose_nothing_beside_hostile_clients(tmp_path: Path) -> None:
    out = tmp_path / "hostile.json"
    options = ["--minutes", "0.05", "--watches", "2", "--bomb-mb", "1", "--pause", "1", "--json", str(out)]
    with contextlib.suppress(SystemExit):  # how quickly it answers is not for a test beside others
        hostile_clients.main(options)
    found = json.loads(out.read_text())
    assert found["bounds"]["no_label_lost"]
    assert found["bounds"]["memory_within_100_mb"]
    assert found["labels"]["received"] >= 2
    assert found["health"]["without_answer"] == 0
    assert found["server"]["failed_ticks"] == found["log"]["tracebacks"] == 0
    assert {"huge_head", "two_hosts", "message", "post"} <= found["answers"].keys()
    assert set(found["answers"]["two_hosts"]) <= {"400", "closed", "reset"}


def test_a_missed_bound_is_named() -> None:
    found = {
        "labels": {"lost": 1, "closed_sockets": 0},
        "health": {"share_within_limit": 0.98},
        "resident_bytes": {"before": 0, "after": 100_000_001},
    }
    assert not any(hostile_clients.bounds(found).values())
    with pytest.raises(SystemExit):
        hostile_clients.main(["--attacks", "heads,nothing"])
