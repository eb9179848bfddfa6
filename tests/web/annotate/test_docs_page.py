"""``docs/annotate.md``: its commands run, and its table has the keys that the page has."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import harken
import people
from browser import Browser
from command_line import Run
from harken.networks.presets import PRESETS
from harken.windows.windows import SlidingHops
from page_modules import said

pytestmark = pytest.mark.second_stage

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "annotate.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)[2:]
    for block in re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ harken")
]
LABELS = """start,end,label
0,27,lying
88,130,sitting
"""


def test_the_table_lists_the_keys_of_the_page(modules: Browser) -> None:
    table = " ".join(re.findall(r"^\| (`.*?) \|", TEXT, flags=re.MULTILINE))
    listed = {key for quoted in re.findall(r"`([^`]+)`", table) for key in names_in(quoted)}
    shown = {
        key
        for line in said(modules, "keys.js", "m.KEYS.flatMap(([, , , shown]) => shown ?? [])")
        for key in names_in(line)
    }
    assert shown == listed


def names_in(text: str) -> set[str]:
    """Single keys in a list of keys, as the page and the document write them."""
    text = text.replace("Page Up", "PageUp").replace("Page Down", "PageDown").replace("−", "-")
    words = text.replace(", or ", " ").replace(" to ", " ").replace(" and ", " ").split()
    keys = {word if word == "," else word.strip(",;") for word in words}
    return {key.removeprefix("Shift+") if key[-1] in "←→" else key for key in keys}


def test_its_commands_run(run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = replace(PRESETS["everyday"], windows=SlidingHops(5.0), sizes=people.SMALL_EVERYDAY.sizes)
    monkeypatch.setitem(PRESETS, "everyday", small)
    assert [words[0] for words in COMMANDS] == ["datasets", "annotate", "inspect", "train"]
    for words in COMMANDS:
        if words[0] == "annotate":  # its page is tested beside this; here is what it would have saved
            Path(words[1]).with_suffix(".labels.csv").write_text(LABELS)
            continue
        result = run_harken(*words)
        assert result.exit_code == 0, result.stderr
        if words[0] == "inspect":
            assert "exercises_02.labels.csv" in result.stdout
    assert harken.Recogniser.load("first-run/model.safetensors").specification_.labels == ("lying", "sitting")
