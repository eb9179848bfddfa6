"""The commands of README and of the page on a first model, typed one after the other in an empty folder."""

import re
import shlex
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
import requests

import harken
import people
import pictures
from command_line import Run
from harken.networks.presets import PRESETS
from harken.windows.windows import SlidingHops

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/first_model.md")}
BLOCKS = {
    name: re.findall(r"```(\w*)\n(.*?)```", text, flags=re.DOTALL)  # (language, content)
    for name, text in PAGES.items()
}
COMMANDS = {
    "README.md": ("datasets", "train", "evaluate", "label", "annotate", "simulate", "label", "summarise"),
    "docs/first_model.md": ("datasets", "inspect", "inspect", "train", "evaluate", "label", "export", "adapt"),
}
LEFT_OUT = "..."
"""Lines that a page does not show."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.mark.parametrize("page", ["README.md", pytest.param("docs/first_model.md", marks=pytest.mark.second_stage)])
def test_the_commands(page: str, run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README's training is the real one, so that its scores are compared. The other page is typed after README, in the
    same folder, and both trainings are made small."""
    if find_spec("seglearn") is None:
        pytest.skip("the demo extra is not installed")
    monkeypatch.chdir(tmp_path)
    if page == "README.md":  # the other page's training draws its pictures
        pictures.leave_undrawn(monkeypatch)
    else:
        small = replace(PRESETS["everyday"], windows=SlidingHops(5.0), sizes=people.SMALL_EVERYDAY.sizes)
        monkeypatch.setitem(PRESETS, "everyday", small)
        _type_commands("README.md", run_harken, compare=False)
    names = _type_commands(page, run_harken, compare=True)
    assert names == COMMANDS[page]
    if page == "docs/first_model.md":
        named = re.findall(r"^\| `([^|]*)` \|", PAGES[page], flags=re.MULTILINE)
        patterns = re.findall(r"[\w*.]+", " ".join(named))
        assert "report.html" in patterns
        missing = [pattern for pattern in patterns if not list(Path("my-run").glob(pattern))]
        assert missing == [], "on the page but not in a run directory"


def _type_commands(page: str, run_harken: Run, *, compare: bool) -> tuple[str, ...]:
    """Type the commands of a page, and compare what they print with the page; returns their names."""
    names = []
    for block in (block for kind, block in BLOCKS[page] if kind == "console" and block.startswith("$ harken")):
        for command, shown in re.findall(r"^\$ harken (.*)\n((?:[^$].*\n)*)", block, flags=re.MULTILINE):
            names.append(command.split()[0])
            if names[-1] == "annotate":
                if compare:
                    _check_annotate(command)
                continue
            ended = run_harken(*_expand(command))
            assert ended.exit_code == 0, (command, ended.stderr)
            for line in shown.splitlines():
                if compare and line != LEFT_OUT:
                    _check_printed(line, ended.stdout)
    return tuple(names)


def _expand(command: str) -> list[str]:
    """Return the words of a command, with the files that match a pattern in its place, as a shell does it."""
    words = []
    for word in shlex.split(command):
        words += sorted(map(str, Path().glob(word))) or [word]
    return words


def _check_printed(line: str, printed: str) -> None:
    """The line was printed, with numbers that another processor may change a little."""
    words = NUMBER.sub("#", line).split()
    (found,) = [each for each in printed.splitlines() if NUMBER.sub("#", each).split() == words] or [""]
    numbers, expected = (list(map(float, NUMBER.findall(each))) for each in (found, line))
    assert numbers == pytest.approx(expected, rel=0.1, abs=0.05), f"{line!r} was printed as {found!r}"


def _check_annotate(command: str) -> None:
    """The command serves its page, at the usual port or, if that is in use, another one, until it is ended."""
    arguments = [*shlex.split(command), "--no-open"]
    with Popen([sys.executable, "-m", "harken", *arguments], stdout=PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            (url,) = re.findall(r"http://\S+", serving.stdout.readline())
            assert [one["name"] for one in requests.get(f"{url}api/recordings", timeout=30).json()] == ["exercises_02"]
        finally:
            serving.kill()


def test_the_notebooks_csv_is_read(tmp_path: Path) -> None:
    (table,) = [block for _, block in BLOCKS["docs/first_model.md"] if block.startswith("Timestamp")]
    (tmp_path / "me.csv").write_text(table)
    assert harken.read(tmp_path / "me.csv").label_names == ("sitting",)
