"""Every example script runs, on a small setting."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harken
import people
from harken.datasets.exercises import UNSEEN, exercises
from harken.datasets.writing import write_recordings
from harken.models.model_file import PACKAGED_MODEL, FittedModel, read_model
from harken.networks.presets import PRESETS
from harken.recordings.recording import STANDARD_GRAVITY
from harken.web.demo import MODEL as DEMO_MODEL
from harken.windows.windows import SlidingHops
from made_models import answered, made_model, uneven_recording
from waiting import until

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("name", ["live_client.py", "live_client.mjs", "onnx_label.py", "onnx_label.mjs"])
def test_the_examples_without_harken_are_forty_lines(name: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    assert "import harken" not in "".join(lines)
    assert "from harken" not in "".join(lines)


RUN = {
    "train_on_two.py": (("alice.csv", "bob.csv", "run"), "an unseen person: "),
    "label_week.py": (("alice.csv", "labelled"), "(worn too little to count)\nbouts: "),
    "summarise_study.py": (("study", "0.01"), "bob: the sensor moved as on a leg"),
    "adapt_to_wearer.py": (("packaged", "alice.csv", "mine.safetensors"), "sitting "),
    "scikit_learn.py": (("alice.csv", "bob.csv"), "macro F1 of 2 unseen people: "),
    "own_preset.py": (("alice.csv", "bob.csv", "run"), "an unseen person: "),
    "own_module.py": (("study.csv", "out"), "the scores of wide and sklearn.linear_model._ridge:RidgeClassifier"),
    "own_data_set.py": ((".",), "carol: 3,000 samples, lying, sitting, walking"),
    "own_reader.py": (("day.tiny",), "day: 3 samples at 25.0 Hz"),
}
"""Examples of harken: their arguments in the folder below, and what they print."""
OTHERS = {
    *("live_client.mjs", "live_client.py", "notebook.py", "onnx_label.mjs", "onnx_label.py"),
    "made_up_phone.py",  # tests/web/record/test_phone.py, and many others use it
    "own_network.py",  # own_preset.py imports it
    "own_protocol.py",  # tests/test_extending.py runs it
}


def test_every_example_is_short_has_a_test_and_is_listed() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == OTHERS | RUN.keys()
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    for name in RUN:
        lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
        assert len([line for line in lines if line.strip()]) <= 45, f"{name}: 40 lines of code and what it does"
        assert f"(examples/{name})" in readme


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the examples run: two recordings, a study, two labelled recordings, and the recipe made small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    small = replace(people.SMALL_EVERYDAY, name="everyday", windows=SlidingHops(hop_s=10.0))
    monkeypatch.setitem(PRESETS, "everyday", small.trained(batch_windows=64))
    for seed, name in enumerate(("alice", "bob"), 1):
        people.write_person(tmp_path / f"{name}.csv", seed, seconds=60)
    people.write_study(tmp_path / "study.csv", seconds=20)
    (tmp_path / "day.tiny").write_text("TINY WATCH\n0 0 0 1\n40 0 0 1\n80 0 0.1 1\n")


@pytest.mark.parametrize("name", RUN)
@pytest.mark.usefixtures("_folder")
def test_an_example_runs(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, printed = RUN[name]
    if name == "summarise_study.py":
        Path("study").mkdir()
        for person in ("alice", "bob"):
            harken.label_file(f"{person}.csv", out=f"study/{person}")
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert printed in capsys.readouterr().out


def test_the_reader_says_that_there_is_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["own_reader.py", "none.tiny"])
    with pytest.raises(SystemExit, match=r"^none\.tiny: there is no such file$"):
        runpy.run_path(str(EXAMPLES / "own_reader.py"), run_name="__main__")


@pytest.mark.second_stage
@pytest.mark.parametrize("model", ["demo", "own"])
@pytest.mark.usefixtures("_folder")
def test_a_model_of_other_labels_than_the_packaged_ones_is_adapted(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from server_thread import recogniser

    path, recording, label = str(DEMO_MODEL), "bob.csv", "walking"
    if model == "demo":
        pytest.importorskip("seglearn", reason="the demo extra is not installed")
        unseen = next(recording for recording in exercises() if recording.subject in UNSEEN)
        (written,) = write_recordings([unseen], Path("recordings"))
        recording, label = str(written), "pendulum"
    else:
        path = "own.safetensors"
        recogniser().save(path)
    monkeypatch.setattr(sys, "argv", ["adapt_to_wearer.py", path, recording, "mine.safetensors"])
    runpy.run_path(str(EXAMPLES / "adapt_to_wearer.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert label in printed
    assert "kept: " in printed or "reverted: " in printed
    assert label in harken.Recogniser.load("mine.safetensors").specification_.labels


@pytest.mark.second_stage
@pytest.mark.parametrize("model", ["demo", "own"])
@pytest.mark.usefixtures("_folder")
def test_a_study_that_a_model_of_other_labels_labelled_is_summarised(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from server_thread import recogniser

    chosen = str(DEMO_MODEL) if model == "demo" else recogniser()
    Path("study").mkdir()
    for person in ("alice", "bob"):
        harken.label_file(f"{person}.csv", model=chosen, out=f"study/{person}")
    monkeypatch.setattr(sys, "argv", ["summarise_study.py", "study", "0.01"])
    runpy.run_path(str(EXAMPLES / "summarise_study.py"), run_name="__main__")
    assert "all people on one page: study/study.html" in capsys.readouterr().out
    header = Path("study/person.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert ("hours_pendulum" if model == "demo" else "hours_walking") in header


def test_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(PRESETS, "notebook", replace(people.SMALL, name="notebook"))
    mine, friend = (people.write_person(tmp_path / f"{name}.csv", seed) for name, seed in (("me", 1), ("friend", 2)))
    main = runpy.run_path(str(EXAMPLES / "notebook.py"))["main"]
    accuracy = main(str(mine), str(friend), 2, out=tmp_path, length=32, draws=500)
    assert 0 <= accuracy <= 1
    printed = capsys.readouterr().out
    assert "an unseen person" in printed
    assert re.search(r", kappa (-?\d\.\d{3}|undefined);", printed)
    assert (tmp_path / "model.safetensors").exists()


WITHOUT_HARKEN = pytest.mark.parametrize(
    ("model", "rate_hz", "header"),
    [
        # Resampled from a faster sensor and from a slower one, and one whose rate is near enough to go in as it is.
        (made_model(), 52.0, True),
        (made_model("notebook_lstm", unit="m/s2", even_grid=False), 25.0, True),
        (made_model("deep_conv_lstm", even_grid=False), 30.6, False),
        # The models that come with harken: one gives the probability of busy hands, too, and one has other labels.
        (read_model(PACKAGED_MODEL), 52.0, True),
        (read_model(DEMO_MODEL), 52.0, True),
    ],
    ids=["own labels", "the notebook's network", "another network", "packaged", "demo"],
)


@WITHOUT_HARKEN
def test_onnx_label_in_python(model: FittedModel, rate_hz: float, header: bool, tmp_path: Path) -> None:
    program = [sys.executable, "-W", "error", str(EXAMPLES / "onnx_label.py")]
    check_labels(program, model, rate_hz, tmp_path, header=header)


@WITHOUT_HARKEN
def test_onnx_label_in_javascript(model: FittedModel, rate_hz: float, header: bool, tmp_path: Path) -> None:
    check_labels(javascript(tmp_path), model, rate_hz, tmp_path, header=header)


@pytest.mark.second_stage
@pytest.mark.parametrize("model", ["own", "packaged", "demo"])
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_live_client_loses_no_sample_and_no_label_over_a_restart_of_the_server(
    language: str, model: str, tmp_path: Path
) -> None:
    pytest.importorskip("uvicorn", reason="the serve extra is not installed")
    from harken.labelling.live import LiveRecogniser
    from harken.web.hub import live_specification
    from harken.web.sample_log import logged_samples
    from server_process import free_port
    from server_thread import now_wrist, recogniser, serving

    paths = {"packaged": PACKAGED_MODEL, "demo": DEMO_MODEL}
    chosen = harken.Recogniser.load(paths[model]) if model in paths else recogniser()
    port, keep = free_port(), tmp_path / "kept"
    program = [sys.executable, "-W", "error", str(EXAMPLES / "live_client.py")]
    if language == "javascript":
        program = [node(), "--experimental-websocket", "--no-warnings", str(EXAMPLES / "live_client.mjs")]
    signals, time_ns = now_wrist(24)
    time_ns = time_ns // 10**6 * 10**6
    lines = [
        f"{time // 10**6},{x},{y},{z}\n" for time, (x, y, z) in zip(time_ns.tolist(), signals.tolist(), strict=True)
    ]

    def kept(samples: int) -> bool:
        # A message whose acknowledgement was lost is sent again, and then it is in the log twice.
        return len({time for message in logged_samples(keep) for time in message.time_ns.tolist()}) == samples

    command = [*program, f"ws://127.0.0.1:{port}", "wrist"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            with serving(recogniser=chosen, port=port, keep=keep):
                client.stdin.write("".join(lines[:600]))
                client.stdin.flush()
                until(lambda: kept(600), 60)
            client.stdin.write("".join(lines[600:]))
            client.stdin.flush()
            stream = LiveRecogniser(chosen, live_specification(chosen).settings)
            expected = [f"{update.end_ns // 10**6} {update.label}" for update in stream.push(signals, time_ns)]
            with serving(recogniser=chosen, port=port, keep=keep):
                until(lambda: kept(1200), 60)
                printed: list[str] = []
                while not printed or printed[-1] < expected[-1][:13]:
                    printed.append(client.stdout.readline().strip())
        finally:
            client.kill()
    assert {line.replace("null", "None") for line in printed} <= set(expected)
    assert len(printed) > 10


def node() -> str:
    """The program that runs JavaScript; the test is skipped where there is none."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node to run JavaScript with")
    return found


def javascript(tmp_path: Path) -> list[str]:
    """The program in ``tmp_path``; the test is skipped where it cannot run."""
    modules = Path(os.environ.get("HARKEN_NODE_MODULES", Path.cwd() / "node_modules"))
    if not (modules / "onnxruntime-node").is_dir():
        pytest.skip("onnxruntime-node is not installed; HARKEN_NODE_MODULES names the node_modules in which it is")
    (tmp_path / "node_modules").symlink_to(modules.resolve())
    shutil.copy(EXAMPLES / "onnx_label.mjs", tmp_path)  # node looks for modules beside the program
    return [node(), "onnx_label.mjs"]


def check_labels(command: Sequence[str], model: FittedModel, rate_hz: float, folder: Path, *, header: bool) -> None:
    """A program that knows nothing of harken gives every window the time and the probabilities that harken gives."""
    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    from harken.models.export import export

    export(folder / "model.onnx", model)
    recording = uneven_recording(rate_hz)
    lines = ["Timestamp,X,Y,Z,Label"] if header else []
    for time_ns, signals in zip(recording.time_ns.tolist(), recording.signals.tolist(), strict=True):
        values = ",".join(str(value * STANDARD_GRAVITY) for value in signals)
        lines.append(f"{time_ns // 10**6}.{time_ns % 10**6:06d},{values},walking")
    (folder / "raw.csv").write_text("\n".join(lines) + "\n")
    ran = subprocess.run(
        [*command, "model.onnx", "raw.csv"], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, ran.stderr
    rows = [line.split(" ") for line in ran.stdout.splitlines()]
    starts, probabilities = answered(model, recording)
    assert [row[0] for row in rows] == [f"{start:.3f}" for start in starts]
    assert len(rows) > 3
    assert [cell.split("=")[0] for cell in rows[0][1:]] == list(model.specification.labels)
    found = np.array([[float(cell.split("=")[1]) for cell in row[1:]] for row in rows])
    np.testing.assert_allclose(found, probabilities, atol=3e-5)  # five decimals, and single precision on the way
