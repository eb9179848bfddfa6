"""The run-time of exported models: no PyTorch, no surprise, and every mistake in a sentence."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from harken.models.export import exported_bytes
from harken.models.label_recording import label_recording
from harken.models.runtime import METADATA_KEY, ExportedRecogniser
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from harken.windows.windows import Windows
from made_models import answered, made_model, uneven_recording

onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")
pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model, to read only."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    path.write_bytes(exported_bytes(made_model(unit="m/s2")))
    return path


def contract(path: Path) -> dict[str, Any]:
    properties = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert set(properties) == {"harken"}
    return dict(json.loads(properties["harken"]))


WITHOUT_TORCH = """
import sys
import numpy as np
from harken.models.runtime import ExportedRecogniser
model = ExportedRecogniser.load(sys.argv[1])
assert model.predict_proba(np.zeros((2, 120, 3), np.float32)).shape == (2, 4)
loaded = {"torch", "onnx", "polars", "scipy", "sklearn"} & set(sys.modules)
assert not loaded, loaded
import harken
timeline = model.label_prepared(harken.read(sys.argv[2]))
assert timeline.frame["label"].n_unique() >= 2
assert "torch" not in sys.modules
"""


def test_it_needs_no_pytorch(path: Path, tmp_path: Path) -> None:
    csv = people.write_person(tmp_path / "alice.csv", 1)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, path, csv], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_it_labels_recordings_as_the_model_does(path: Path) -> None:
    model, recording = made_model(unit="m/s2"), uneven_recording(52.0)
    _, expected = answered(model, recording)
    exported = ExportedRecogniser.load(path, threads=1)
    found = []

    def answer(windows: Windows) -> np.ndarray:
        found.append(exported.predict_proba(windows))
        return found[-1]

    label_recording(model.specification, recording, answer)
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
    frame = exported.label_prepared(recording, unsure_below=0.99).frame
    assert "unsure" in frame["label"].to_list()


def test_what_it_knows_of_itself(path: Path) -> None:
    exported = ExportedRecogniser.load(path)
    assert exported.labels == ("lying", "sitting", "walking", "größer")
    assert (exported.channels, exported.window_length, exported.sample_rate_hz) == (("x", "y", "z"), 120, 30.0)
    assert "lying, sitting" in repr(exported)
    assert exported.predict_proba(np.empty((0, 120, 3), np.float32)).shape == (0, 4)
    windows = np.random.default_rng(0).normal(0, 1, (5, 120, 3))
    names = [exported.labels[code] for code in exported.predict_proba(windows).argmax(1)]
    assert exported.predict(windows).tolist() == names


def test_the_contract_describes_everything_before_the_network(path: Path) -> None:
    described = contract(path)
    assert described["input"] == {
        "name": "windows",
        "type": "float32",
        "shape": ["batch", 120, 3],
        "channels": ["x", "y", "z"],
        "units": ["g", "g", "g"],
    }
    assert described["output"]["labels"] == ["lying", "sitting", "walking", "größer"]
    assert described["output"]["temperature_is_in_the_graph"] is True
    assert described["windows"] == {"sample_rate_hz": 30.0, "length": 120, "hop": 60}
    assert described["specification"] == made_model(unit="m/s2").specification.as_dict()
    assert described["provenance"] == {"training": {"seed": 3}}
    weights = np.array(described["resampling"]["weights"])
    away = np.arange(-32, 33) / 4
    formula = np.sinc(2 * described["resampling"]["cut_off"] * away) * np.kaiser(
        65, described["resampling"]["kaiser_beta"]
    )
    np.testing.assert_allclose(weights, formula / formula.sum(), atol=1e-11)


def test_the_worked_example_of_the_file_can_be_followed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    described = contract(path)["example"]
    i = np.arange(described["samples"])
    t = i * described["interval_s"] + described["jitter_s"] * np.sin(i)
    v = np.stack([described["offset"][c] + 0.05 * t * np.sin(2 * np.pi * (0.7 + 0.5 * c) * t + c) for c in range(3)], 1)
    csv = tmp_path / "made.csv"
    table = np.column_stack([t * 1000, v * STANDARD_GRAVITY])
    np.savetxt(csv, table, "%.12g", delimiter=",", header="Timestamp,X,Y,Z", comments="")
    monkeypatch.setattr(sys, "argv", ["onnx_label.py", str(path), str(csv)])
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "onnx_label.py"))
    at, signals = example["resample"](t, v, contract(path)["resampling"])
    resampled = described["resampled"]
    assert len(at) == resampled["samples"]
    assert at[0] == pytest.approx(resampled["first_time_s"], abs=1e-5)
    for name, row in (("first", 0), ("middle", len(at) // 2), ("last", -1)):
        np.testing.assert_allclose(signals[row], resampled[name], atol=2e-5)
    found = [line.split(" ") for line in capsys.readouterr().out.splitlines()]
    assert [round(float(row[0]) * 30) for row in found] == described["window_starts"]
    probabilities = [[float(cell.split("=")[1]) for cell in row[1:]] for row in found]
    np.testing.assert_allclose(probabilities, described["probabilities"], atol=3e-5)


def test_the_contract_is_the_end_of_the_file(path: Path) -> None:
    content = path.read_bytes()
    text = content[content.index(b'{"', content.rindex(b"harken\x12")) :]
    assert json.loads(text) == contract(path)


def test_windows_of_another_shape(path: Path) -> None:
    exported = ExportedRecogniser.load(path)
    for shape in ((120, 3), (2, 119, 3), (2, 120, 4)):
        with pytest.raises(HarkenError, match=r"reads windows \[n, 120, 3\].*not an array of shape"):
            exported.predict_proba(np.zeros(shape, np.float32))


def test_files_that_are_no_exported_model(path: Path, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="there is no such file; harken export"):
        ExportedRecogniser.load(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(HarkenError, match=r"broken\.onnx: not a model that ONNX Runtime can read"):
        ExportedRecogniser.load(broken)
    model = onnx.load(path)
    changed = tmp_path / "changed.onnx"
    for value, message in (
        ("[", "not in the form that harken writes"),
        ("[]", "not in the form that harken writes"),
        (json.dumps(contract(path) | {"format_version": 99}), "format 99"),
    ):
        onnx.helper.set_model_props(model, {METADATA_KEY: value})
        onnx.save(model, changed)
        with pytest.raises(HarkenError, match=message):
            ExportedRecogniser.load(changed)
    onnx.helper.set_model_props(model, {})
    onnx.save(model, changed)
    with pytest.raises(HarkenError, match="not one that harken exported"):
        ExportedRecogniser.load(changed)
