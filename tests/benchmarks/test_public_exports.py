"""The benchmark of public labels and recordings runs, on repositories that are made here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.annotating.public_exports import LABELS, WATCHES

ROOT = Path(__file__).parents[2]
START_NS = 1_719_102_681_279_387_400


def commit(clone: Path, files: dict[str, str], message: str = "files") -> None:
    """One more commit of a repository, with these files."""
    for name, content in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(content, encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", message]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, "-C", str(clone), *words], check=True)


def watch_files() -> dict[str, str]:
    """Two files of one recording, in Apple's signs: gravity and movement apart, and their sum 4 ms later."""
    composed = ["time,seconds_elapsed,gravityX,gravityY,gravityZ,accelerationX,accelerationY,accelerationZ"
                ",rotationRateX,rotationRateY,rotationRateZ"]  # fmt: skip
    raw = ["time,seconds_elapsed,x,y,z"]
    for second in np.arange(500) / 100:
        gravity = np.array([0.0, 0.6 * np.cos(second), -0.8])
        movement = 0.1 * np.sin(second * np.array([3, 5, 7]))
        at = START_NS + int(second * 1e9)
        composed.append(",".join(map(str, [at, second, *gravity, *movement, 0, 0, 0])))
        raw.append(",".join(map(str, [at + 4_000_000, second, *(gravity + movement)])))
    return {
        "back0626WristMotion.csv": "\n".join(composed) + "\n",
        "back0626WatchAccelerometerUncalibrated.csv": "\n".join(raw) + "\n",
    }


def test_what_is_read_and_refused_is_counted(tmp_path: Path) -> None:
    bids, audacity, elan, annotations = LABELS
    commit(
        tmp_path / bids.name,
        {
            "a/sub_events.tsv": "onset\tduration\ttrial_type\n0\t5\twalking\n5\t5\tlying\n",
            "b/sub_events.tsv": "onset\tduration\n0\t5\n",
            "c/sub_events.tsv": "onset\tduration\tvalue\n0\t7\t1\n",
            "d/copy_events.tsv": "onset\tduration\n0\t5\n",
        },
    )
    commit(tmp_path / audacity.name, {"one.audacity.txt": "0.0\t1.5\tlying\n1.5\t3.0\twalking\n", "README": "no"})
    commit(
        tmp_path / elan.name,
        {"annotations/one.txt": "default\t\t00:00:01.500\t1.5\t00:00:04.000\t4.0\t00:00:02.500\t2.5\tlying\n"},
    )
    (tmp_path / elan.name / "annotations" / "one.txt").unlink()
    commit(tmp_path / elan.name, {"README": "none here"}, "Move annotations to corpus repo")
    commit(tmp_path / elan.name, {"README": "still none"}, "later")
    commit(tmp_path / annotations.name, {"Annotation.csv": f"time,seconds_elapsed,text\n{START_NS},0,lying\n"})
    commit(tmp_path / WATCHES.name, watch_files())
    out = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks.annotating.public_exports", str(tmp_path), "--json", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result[bids.kind]["files"] == 3, "files of the same content are read once"
    assert result[bids.kind]["read"] == {"events of BIDS, intervals": 1}
    (reason,) = result[bids.kind]["refused"].items()
    assert reason == ("these events of BIDS have no column trial_type, which is the label", 2)
    assert result[audacity.kind]["labels"] == 2
    assert result[elan.kind]["read"] == {"tab-delimited export of ELAN, intervals": 1}
    assert result[annotations.kind]["read"] == {"annotations of Sensor Logger, points": 1}
    assert result[WATCHES.kind]["pairs"] == 1
    assert min(result[WATCHES.kind]["correlation_of_x_y_z"]["lowest"]) > 0.99
    assert result[WATCHES.kind]["rms_difference_g"]["median"] < 0.01
