"""What holds for the whole of the source, whoever writes the next module: see docs/architecture.md."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from hypothesis import settings

import harken

SOURCE = Path(harken.__file__).parent

HOUSE = (
    "support",
    "recordings",
    "readers",
    "annotations",
    "datasets",
    "signals",
    "windows",
    "networks",
    "timelines",
    "models",
    "mounting",
    "outcomes",
    "reports",
    "training",
    "evaluation",
    "labelling",
    "web",
    "cli",
    "__main__",
)
"""The modules in the order in which data flows: none imports one that stands below it. A new one gets a place here."""

MODULES = {
    ".".join(("harken", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
TREES = {module: ast.parse(path.read_text(encoding="utf-8"), path) for module, path in MODULES.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules of harken that a module imports: at its top, inside functions, and for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "harken")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"line {node.lineno}: write imports from their root, as in 'from harken.support.errors import'"
            )
            module = node.module or ""
            for name in (alias.name for alias in node.names if module.split(".")[0] == "harken"):
                if (module, name) != ("harken", "__version__"):
                    yield f"{module}.{name}" if f"{module}.{name}" in MODULES else module
        else:
            yield from imported(node)


def place(module: str) -> int:
    """Where a module, or the package it lies in, stands in the house. ``harken`` itself stands below all: it passes on
    the public names."""
    if module == "harken":
        return len(HOUSE)
    room = module.split(".")[1]
    assert room in HOUSE, f"{room} has no place in HOUSE yet"
    return HOUSE.index(room)


def test_every_module_has_a_place_in_the_house() -> None:
    rooms = {module.split(".")[1] for module in MODULES if "." in module}
    assert rooms <= set(HOUSE), "give it a place in HOUSE in this file and in docs/architecture.md"
    assert set(HOUSE) <= rooms, "a module that is gone still stands in HOUSE in this file"


def test_the_page_about_the_house_shows_the_same_order() -> None:
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)/?` \|", page, flags=re.MULTILINE)) == HOUSE


def test_the_page_about_the_house_names_functions_that_exist() -> None:
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    ways = page.partition("## The four ways of data")[2].partition("## Where to add things")[0]
    named = re.findall(r"^ *((?:\w+\.)+\w+)", ways, flags=re.MULTILINE)
    assert len(named) >= 20
    for dotted in named:
        module = f"harken.{dotted}"
        names: list[str] = []
        while module not in MODULES:
            module, _, name = module.rpartition(".")
            names.insert(0, name)
        scope: ast.AST = TREES[module]
        for name in names:
            inside = {getattr(node, "name", None): node for node in ast.iter_child_nodes(scope)}
            assert name in inside, f"docs/architecture.md names {dotted}, which does not exist"
            scope = inside[name]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_above_it(module: str) -> None:
    below = {name for name in imported(TREES[module]) if place(name) > place(module)}
    assert not below, f"{module} imports {', '.join(sorted(below))}, below it in the house"
    assert "harken" not in imported(TREES[module]), "import a name from the module it lives in, not from harken"


def test_imports_run_in_no_circle() -> None:
    graph = {module: set(imported(tree)) - {module} for module, tree in TREES.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import one another in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_holds(module: str) -> None:
    assert ast.get_docstring(TREES[module]), "a module begins with a docstring that says what it is for"


def test_type_checkers_see_the_public_names_and_no_others() -> None:
    seen = {
        alias.asname
        for node in TREES["harken"].body
        if isinstance(node, ast.If)
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert {"__version__", *seen} == set(harken.__all__)


def test_property_tests_draw_the_same_examples_in_every_run() -> None:
    assert settings().derandomize
    assert settings().database is None
