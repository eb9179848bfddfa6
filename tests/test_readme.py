"""The README's own commands, typed one after the other in an empty folder, and its Python."""

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
import requests

import harken.training.demo
import people
import pictures
from command_line import Run
from harken.training.presets import PRESETS
from harken.windows.windows import RandomDraws, SlidingHops

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/first_model.md")}
BLOCKS = {
    name: re.findall(r"```(\w*)\n(.*?)```", text, flags=re.DOTALL)  # (language, content)
    for name, text in PAGES.items()
}
COMMANDS = {
    "README.md": ("demo", "simulate", "simulate", "train", "label", "annotate"),
    "docs/first_model.md": (*("simulate", "simulate", "inspect", "inspect", "train", "evaluate", "label", "export"),),
}


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The recipes' numbers of windows and epochs, and nothing else, made small."""
    monkeypatch.chdir(tmp_path)
    few = RandomDraws(windows=400, training_windows=300, training_seed=1, cross_seed=2)
    monkeypatch.setitem(PRESETS, "notebook", replace(PRESETS["notebook"].trained(epochs=1), windows=few))
    small = replace(PRESETS["everyday"], windows=SlidingHops(20.0)).trained(epochs=1, min_iterations=0)
    monkeypatch.setitem(PRESETS, "everyday", small)
    monkeypatch.setattr(harken.training.demo, "DEMO_RECIPE", replace(small, name="demo", windows=SlidingHops(5.0)))


@pytest.mark.parametrize("page", ["README.md", pytest.param("docs/first_model.md", marks=pytest.mark.second_stage)])
@pytest.mark.usefixtures("_small")
def test_the_commands(page: str, run_harken: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "README.md":  # the other page's training draws its pictures
        pictures.leave_undrawn(monkeypatch)
    commands = [
        line.removeprefix("$ ")
        for kind, block in BLOCKS[page]
        if kind == "console"
        for line in block.splitlines()
        if line.startswith("$ harken")
    ]
    assert tuple(command.split()[1] for command in commands) == COMMANDS[page]
    for command in commands:
        if command.split()[1] == "annotate":
            _check_annotate(command)
            continue
        ended = run_harken(*shlex.split(command)[1:])
        assert ended.exit_code == 0, (command, ended.stderr)
        if command.split()[1] in ("train", "evaluate", "label"):
            assert "simulated by harken simulate" in " ".join((ended.stdout + ended.stderr).split())
    report = Path("first-run/report.html").read_text(encoding="utf-8")
    assert "simulated by harken simulate" in report[: report.index("The three tests")]
    if page == "docs/first_model.md":
        named = re.findall(r"^\| `([^|]*)` \|", PAGES[page], flags=re.MULTILINE)
        patterns = re.findall(r"[\w*.]+", " ".join(named))
        assert "report.html" in patterns
        missing = [pattern for pattern in patterns if not list(Path("first-run").glob(pattern))]
        assert missing == [], "on the page but not in a run directory"


def _check_annotate(command: str) -> None:
    """The command serves its page until it is ended."""
    arguments = [*shlex.split(command)[1:], "--port", "0", "--no-open", "--no-model"]
    with Popen([sys.executable, "-m", "harken", *arguments], stdout=PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            (url,) = re.findall(r"http://\S+", serving.stdout.readline())
            assert [one["name"] for one in requests.get(f"{url}api/recordings", timeout=30).json()] == ["me"]
        finally:
            serving.kill()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("_small")
def test_the_python(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("me", 1), ("friend", 2)):
        people.write_person(Path(f"{name}.csv"), seed, seconds=40)
    (code,) = [block for kind, block in BLOCKS[page] if kind == "python"]
    exec(compile(code.replace("10_000", "400").replace("9_000", "300"), page, "exec"), {})
    first, second = (float(share) / 100 for share in re.findall(r"([\d.]+)%", capsys.readouterr().out))
    assert 0 <= first <= 1
    assert 0 <= second <= 1


@pytest.mark.usefixtures("_small")
def test_the_notebooks_csv_is_read() -> None:
    (table,) = [block for _, block in BLOCKS["docs/first_model.md"] if block.startswith("Timestamp")]
    Path("me.csv").write_text(table)
    assert harken.read("me.csv").label_names == ("sitting",)
