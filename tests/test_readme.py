"""The README's own commands, typed one after the other in an empty folder, and its Python."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import harken.jobs.demo
import people
from command_line import Run
from harken.learning.presets import PRESETS, RandomDraws, SlidingHops

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The recipes' numbers of windows and passes, and nothing else, made small."""
    monkeypatch.chdir(tmp_path)
    few = RandomDraws(windows=400, training_windows=300, training_seed=1, cross_seed=2)
    monkeypatch.setitem(PRESETS, "notebook", replace(PRESETS["notebook"].trained(passes=1), windows=few))
    small = replace(PRESETS["everyday"], windows=SlidingHops(5.0)).trained(passes=1, fewest_steps=0)
    monkeypatch.setitem(PRESETS, "everyday", small)
    monkeypatch.setattr(harken.jobs.demo, "DEMO_RECIPE", replace(small, name="demo"))


@pytest.mark.usefixtures("_small")
def test_the_commands(run_harken: Run) -> None:
    commands = [
        line.removeprefix("$ ")
        for kind, block in BLOCKS
        if kind == "console"
        for line in block.splitlines()
        if line.startswith("$ harken")
    ]
    assert [command.split()[1] for command in commands] == [
        *("demo", "simulate", "simulate", "inspect", "inspect", "train", "evaluate", "label", "serve", "export"),
        "datasets",
    ]
    for command in commands:
        if command == "harken serve --demo":  # does not end by itself; tests/server/test_page.py types it
            continue
        ended = run_harken(*shlex.split(command)[1:])
        assert ended.exit_code == 0, (command, ended.stderr)
        if command.split()[1] in ("train", "evaluate", "label"):
            assert "made up by harken simulate" in " ".join((ended.stdout + ended.stderr).split())
    report = Path("first-run/report.html").read_text(encoding="utf-8")
    assert "made up by harken simulate" in report[: report.index("The three tests")]
    named = re.findall(r"^\| `([^|]*)` \|", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    run_directory = re.findall(r"[\w*.]+", " ".join(named))
    assert "report.html" in run_directory
    for pattern in run_directory:
        assert list(Path("first-run").glob(pattern)), f"{pattern} is in the README but not in a run directory"
    assert Path("me.png").exists()


@pytest.mark.usefixtures("_small")
def test_the_python(capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("me", 1), ("friend", 2)):
        people.write_person(Path(f"{name}.csv"), seed, seconds=40)
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    small = code.replace("10_000", "400").replace("9_000", "300")
    assert small != code
    exec(compile(small, "README.md", "exec"), {})
    first, second = (float(share) / 100 for share in re.findall(r"([\d.]+)%", capsys.readouterr().out))
    assert 0 <= first <= 1
    assert 0 <= second <= 1
    assert Path("model.safetensors").exists()


@pytest.mark.usefixtures("_small")
def test_the_notebooks_csv_is_read() -> None:
    (table,) = [block for kind, block in BLOCKS if block.startswith("Timestamp")]
    Path("me.csv").write_text(table)
    assert harken.read("me.csv").label_names == ("sitting",)
