"""``harken export``: one file that other programs can use, and one sentence for what cannot be."""

import json
from pathlib import Path

import numpy as np
import pytest

from command_line import Run

pytest.importorskip("onnx", reason="the onnx extra is not installed")
pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")

from harken import Recogniser, read
from harken.models.runtime import ExportedRecogniser


def test_a_run_becomes_a_file_that_labels_as_it_does(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    ended = run_harken("export", trained / "run", "--to", "onnx", "--out", out)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "windows of 40 samples of x, y, z at 20 Hz" in ended.stdout
    bob = read(trained / "bob.csv")
    ours = Recogniser.load(trained / "run").label_prepared(bob).frame
    theirs = ExportedRecogniser.load(out).label_prepared(bob).frame
    assert theirs.columns == ours.columns
    columns = [name for name in ours.columns if name.startswith("probability_")]
    np.testing.assert_allclose(theirs[columns].to_numpy(), ours[columns].to_numpy(), atol=1e-5)
    again = run_harken("export", trained / "run", "--out", out)
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    exported = run_harken("export", trained / "run" / "model.safetensors", "--out", tmp_path / "again.onnx", "--json")
    assert json.loads(exported.stdout)["bytes"] == out.stat().st_size
    assert (tmp_path / "again.onnx").read_bytes() == out.read_bytes()
