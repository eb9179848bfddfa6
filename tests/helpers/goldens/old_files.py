"""Write ``tests/goldens/old_files.zip``: one file or folder of each kind that harken reads again.

Usage: PYTHONPATH=$PWD/src:$PWD/tests/helpers python -m goldens.old_files   (from the root of the repository)

A later version must read what an earlier one wrote. So this is not run again when a format changes, but when a new kind
of file is added: then with the last version that writes the old format.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import connect

import people
from server_process import serving

ZIP = Path(__file__).parents[2] / "goldens" / "old_files.zip"
SMALL = """
import people, pictures
people.register_small_preset()
pictures.leave_undrawn()
from harken.cli import main
main()
"""
TRAIN = ("train", "alice.csv", "--preset", "tiny", "--epochs", "20", "--threads", "1", "--out", "run")
SESSION_LABELS = ("lying", "walking")
"""Of the session that is recorded live."""
KEPT = ("alice.csv", "alice.labels.csv", "labelled", "model.safetensors", "run", "kept")


def main() -> None:
    """Write the files and pack them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people.write_person(folder / "alice.csv", 1)
        _harken(folder, "train", "alice.csv", "--preset", "tiny", "--out", "finished")
        (folder / "finished" / "model.safetensors").rename(folder / "model.safetensors")
        _stopped(folder)
        _harken(folder, "label", "alice.csv", "--model", "model.safetensors", "--out", "labelled")
        _annotate(folder)
        _record(folder)
        with zipfile.ZipFile(ZIP, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for kept in KEPT for path in (folder / kept, *(folder / kept).rglob("*"))):
                archive.write(path, path.relative_to(folder))


def _harken(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", SMALL, *arguments], cwd=folder, check=True)


def _stopped(folder: Path) -> None:
    """A training that ends by Ctrl+C, after its first checkpoint."""
    with subprocess.Popen([sys.executable, "-c", SMALL, *TRAIN], cwd=folder, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"iteration" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert any((folder / "run" / "checkpoint").iterdir())


def _annotate(folder: Path) -> None:
    """Two bouts that are labelled by hand."""
    labels = "/api/recordings/0/labels"
    start_ms = people.START_MS
    bouts = [{"start_ms": start_ms, "end_ms": start_ms + 20_000, "label": "lying", "note": 'on the sofa, "still"'}]
    bouts += [{"start_ms": start_ms + 30_000, "end_ms": start_ms + 50_000, "label": "walking", "note": ""}]
    arguments = (str(folder / "alice.csv"), "--no-model")
    with serving(*arguments, log=folder / "annotate.log", command="annotate") as address:
        while _asked(address, "/api/recordings/0")["state"] != "ready":
            time.sleep(0.1)
        fields = {"client": "a", "revision": _asked(address, labels)["revision"], "intervals": bouts}
        _asked(address, labels, method="PUT", **fields)


def _record(folder: Path) -> None:
    """A session of one watch with two bouts, recorded live."""
    with serving("--keep", str(folder / "kept"), log=folder / "serve.log") as address:
        with connect(f"ws{address.removeprefix('http')}/ws/samples?watch=anna") as watch:
            for second in range(16):
                time_ms = [round(time.time() * 1000) - 20 * row for row in range(50, 0, -1)]
                x = np.sin(np.arange(50) / 4).round(3).tolist() if second > 8 else [0.01] * 50
                watch.send(json.dumps({"time_ms": time_ms, "x": x, "y": [0.0] * 50, "z": [1.0] * 50}))
                if label := dict(zip((2, 9), SESSION_LABELS, strict=True)).get(second):
                    _asked(address, "/api/record/begin", watch="anna", label=label)
                if second in (7, 14):
                    _asked(address, "/api/record/end", watch="anna")
                time.sleep(1)
        while not list((folder / "kept").rglob("*.labels.csv")):
            time.sleep(0.1)


def _asked(address: str, path: str, *, method: str | None = None, **fields: Any) -> Any:
    body = json.dumps(fields).encode() if fields else None
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address + path, body, headers, method=method)) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    main()
