"""Entry points of other packages: found by name, imported when wanted, and named where something is wrong with them.

The hints of what to install are commands that the running Python's own pip takes.
"""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from added_packages import install_package
from harken.support.errors import HarkenError
from harken.support.plugins import Registry, import_object, install_command, is_installed

GROUP = "harken.tests"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install("package", "name = module:object", ...)``: a package with these entry points is installed."""

    def install(package: str, *points: str, source: str = "THING = 7\n") -> None:
        install_package(tmp_path, monkeypatch, GROUP, package, *points, source=source)

    return install


def whole_number(name: str, found: Any) -> int:
    if not isinstance(found, int):
        raise HarkenError(f"{name} must be a whole number")
    return found


def registry() -> Registry[int]:
    return Registry("thing", GROUP, {"own": 1, "other": 2}, check=whole_number)


def test_own_and_added_entries_have_names(install: Install) -> None:
    assert registry().names() == ["own", "other"]
    install("pack-a", "late = pack_a_module:THING", "early = pack_a_module:THING")
    things = registry()
    assert things.names() == ["own", "other", "early", "late"]
    assert [things.find(name) for name in ("own", "late", "pack-a/late", "none")] == [1, 7, 7, None]
    assert [name in things for name in ("own", "late", "pack-a/late", "none")] == [True, True, True, False]
    assert [things.qualified(name) for name in ("own", "late")] == ["own", "pack-a/late"]
    assert is_installed("pack-a")
    assert not is_installed("pack-b")
    assert not is_installed("")


def test_a_name_of_harkens_own_is_refused_when_it_is_wanted(install: Install) -> None:
    install("pack-a", "own = pack_a_module:THING")
    things = registry()
    assert things.names() == ["own", "other"]
    assert things.find("other") == 2
    with pytest.raises(
        HarkenError,
        match=r"the thing 'own' is harken's own, and the entry point own = pack_a_module:THING \(harken.tests\) of the "
        r"package pack-a has the same name; rename that entry point, or uninstall pack-a",
    ):
        things.find("own")


def test_two_entries_with_one_name_are_distinguished_by_the_package(install: Install) -> None:
    install("pack-a", "late = pack_a_module:THING")
    install("pack-b", "late = pack_b_module:THING", source="THING = 8\n")
    things = registry()
    with pytest.raises(
        HarkenError, match=r"several packages add a thing 'late': .*pack-.*pack-.* Write pack-\w/late or"
    ):
        things.find("late")
    assert (things.find("pack-a/late"), things.find("pack-b/late")) == (7, 8)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module\n", "cannot be imported .ModuleNotFoundError: No module named 'no_such_module'"),
        ("THINGS = 7\n", "cannot be imported .AttributeError"),
        ("THING = (\n", "cannot be imported .SyntaxError"),
        ("THING = 'seven'\n", "cannot be used: bad must be a whole number"),
    ],
)
def test_a_broken_package_disturbs_only_those_who_want_it(install: Install, source: str, why: str) -> None:
    install("pack-c", "bad = pack_c_module:THING", source=source)
    things = registry()
    assert things.names() == ["own", "other", "bad"]
    assert things.find("own") == 1
    with pytest.raises(HarkenError, match=rf"entry point bad = pack_c_module:THING .* of the package pack-c {why}"):
        things.find("bad")


def test_an_object_is_imported_by_its_module_and_name() -> None:
    assert import_object("pathlib:Path.home") == Path.home
    with pytest.raises(HarkenError, match=r"no_such_module:thing cannot be imported .* in PYTHONPATH\?"):
        import_object("no_such_module:thing")


def test_the_running_python_installs_it_and_an_extra_reaches_pip_whole_from_any_shell() -> None:
    command = install_command("--upgrade", "harken[serve]")
    assert command.endswith('pip install --upgrade "harken[serve]"')
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", "--upgrade", "harken[serve]"]
