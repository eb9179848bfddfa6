"""benchmarks/README.md names every benchmark and every committed result."""

import importlib
import re
from fnmatch import fnmatch

import pytest

from benchmarks.command import RESULTS, ROOT, command

PAGE = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path for path in (ROOT / "benchmarks").glob("*/*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("folder", ["recognition", "model", "speed", "annotating", "live"])
def test_every_benchmark_is_named_in_the_section_of_its_folder(folder: str) -> None:
    (section,) = re.findall(rf"^## {folder.capitalize()}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", section))
    of_folder = {path.stem for path in MODULES if path.parent.name == folder}
    assert of_folder
    assert of_folder <= named
    in_tables = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    assert in_tables <= of_folder, "the table names a benchmark that is not there"


def test_every_folder_of_benchmarks_has_a_section() -> None:
    folders = {path.parent.name for path in MODULES}
    assert set(re.findall(r"^\| \[`(\w+)/`\]", PAGE, flags=re.MULTILINE)) == folders


def test_every_committed_result_is_named() -> None:
    patterns = [name.removesuffix(".json").replace("SET", "*") for name in re.findall(r"`(?:[\w/]+/)?([\w*.]+)`", PAGE)]
    missing = [path.name for path in RESULTS.glob("*.json") if not any(fnmatch(path.stem, one) for one in patterns)]
    assert missing == []


@pytest.mark.parametrize("name", [f"benchmarks.{path.parent.name}.{path.stem}" for path in MODULES])
def test_the_command_in_a_docstring_names_its_module(name: str) -> None:
    module = importlib.import_module(name)
    if hasattr(module, "main"):
        assert f"    python -m {name}" in (module.__doc__ or "")


def test_a_recorded_command_has_no_folders_of_this_machine() -> None:
    words = ["--days", "7", "--json", "/somewhere/else/week.json", "runs/here"]
    expected = "python -m benchmarks.speed.week --days 7 --json week.json runs/here"
    assert command("speed.week", words) == expected
