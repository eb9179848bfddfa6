"""Each public name of harken has an example in its docstring, and every example runs."""

import doctest
import inspect
from pathlib import Path

import pytest

import harken
import people

PUBLIC = [name for name in harken.__all__ if name != "__version__"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the examples run: the recordings that they name, of six minutes each, and a table of all three people."""
    folder = tmp_path_factory.mktemp("examples")
    for seed, name in enumerate(("alice", "bob", "carol"), 1):
        people.write_person(folder / f"{name}.csv", seed, seconds=60)
    people.write_study(folder / "study.csv", seconds=60)
    return folder


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_of_a_public_name_run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    public = getattr(harken, name)
    module = inspect.getmodule(public)
    found = doctest.DocTestFinder().find(public, name, module=module, globs={"harken": harken})
    examples = [test for test in found if test.examples]
    assert examples, f"{name} has no example in its docstring"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in examples:
        printed: list[str] = []
        runner.run(test, out=printed.append)
        assert not printed, "".join(printed)
