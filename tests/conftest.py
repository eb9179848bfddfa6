"""What tests of every part share: the real data, where it is, and the command line, run in this process."""

import math
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

import people
import pictures
from command_line import Finished, Run
from harken.cli import main
from harken.networks.presets import PRESETS

# An example takes as long as a busy machine needs. Every run, everywhere, draws the same examples, so that a change is
# judged by what it changed. ``script/fuzz`` draws others.
settings.register_profile("harken", deadline=None, derandomize=True, database=None)
settings.register_profile("fuzz", deadline=None, derandomize=False, database=None)
settings.load_profile("harken")
SECOND_STAGE = "they are of the second stage, which script/test --all runs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--all``: both stages."""
    parser.addoption("--all", action="store_true", help="run the tests of the second stage, too")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the second stage, unless the command line has ``--all`` or names paths."""
    wanted = item.config.getoption("all") or item.config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    if not wanted and item.get_closest_marker("second_stage") and not item.get_closest_marker("first_stage"):
        pytest.skip(SECOND_STAGE)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real recordings; the test is skipped where there is none."""
    folder = os.environ.get("HARKEN_DATA")
    if not folder:
        pytest.skip("HARKEN_DATA is not set: this test needs the folder of real recordings")
    if not Path(folder).is_dir():
        pytest.fail(f"HARKEN_DATA is {folder}, and there is no such folder")
    return Path(folder)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def run_harken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run_harken("inspect", path)``: the command as a user would run it into a pipe 80 columns wide.

    It goes through ``main``, so a mistake ends in its sentence and exit code; any other exception comes through.
    """
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    # Lines of progress appear after half a minute, which a busy machine needs for anything.
    monkeypatch.setattr("harken.cli.files.SECONDS_BETWEEN_LINES", math.inf)

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["harken", *map(str, arguments)])
        capsys.readouterr()
        exit_code = 0
        try:
            main()
        except SystemExit as end:
            exit_code = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = capsys.readouterr()
        return Finished(exit_code, printed.out, printed.err)

    return run


@pytest.fixture
def small_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """The presets ``small`` and ``small-everyday``: the recipes with short windows, few of them."""
    for name, recipe in people.SMALL_PRESETS.items():
        monkeypatch.setitem(PRESETS, name, recipe)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, and each is written as one white dot."""
    pictures.leave_undrawn(monkeypatch)


@pytest.fixture
def alice(tmp_path: Path) -> Path:
    """The recording of an invented person."""
    return people.write_person(tmp_path / "alice.csv", 1)


@pytest.fixture
def bob(tmp_path: Path) -> Path:
    """The recording of another one."""
    return people.write_person(tmp_path / "bob.csv", 2)
