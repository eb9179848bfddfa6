"""Each public name of harken has an example in its docstring, and every example of the package runs."""

import doctest
import importlib
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


def run_examples(tests: list[doctest.DocTest]) -> None:
    """Fail with what doctest prints about the first docstring whose examples give something else."""
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in tests:
        printed: list[str] = []
        runner.run(test, out=printed.append)
        assert not printed, "".join(printed)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_of_a_public_name_run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    public = getattr(harken, name)
    module = inspect.getmodule(public)
    found = doctest.DocTestFinder().find(public, name, module=module, globs={"harken": harken})
    examples = [test for test in found if test.examples]
    assert examples, f"{name} has no example in its docstring"
    run_examples(examples)


def other_examples() -> list[doctest.DocTest]:
    """The examples in all other docstrings. They see the names of their module."""
    source = Path(harken.__file__).parents[1]
    modules = [path for path in sorted(source.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
    public = {f"{getattr(harken, name).__module__}.{getattr(harken, name).__qualname__}" for name in PUBLIC}
    found = []
    for path in modules:
        parts = path.relative_to(source).with_suffix("").parts
        module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        found += [test for test in doctest.DocTestFinder().find(module) if test.examples]
    return [test for test in found if not any(f"{test.name}.".startswith(f"{name}.") for name in public)]


@pytest.mark.parametrize("example", other_examples(), ids=lambda example: example.name)
def test_the_other_examples_run(example: doctest.DocTest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    run_examples([example])
