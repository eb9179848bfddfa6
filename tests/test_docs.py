"""The pages build without a warning, need no network to be read, and agree with the code."""

import argparse
import importlib
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer

import harken
from command_line import Run
from harken import _HOMES as HOMES
from harken.cli.app import app, spread
from harken.cli.options import HelpfulGroup
from harken.cli.train import CROSS
from harken.windows.splits.protocols import protocol

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = Path(harken.__file__).parent


def rooms() -> set[str]:
    """The modules and folders that stand directly in harken."""
    names = {path.stem for path in SOURCE.glob("*.py")} | {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    return names - {"__init__"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    pytest.importorskip("sphinx", reason="the docs extra is not installed")
    out = tmp_path_factory.mktemp("docs")
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(out / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(out / "html")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"the pages do not build without a warning:\n{built.stderr}"
    return out / "html"


def test_the_pages_build_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()


def test_a_page_loads_nothing_from_the_network(site: Path) -> None:
    loading = re.compile(r"<(?:link|script|img|iframe)\b[^>]*\b(?:href|src)=[\"'](?:https?:)?//[^>]*>")
    for page in site.rglob("*.html"):
        assert loading.findall(page.read_text(encoding="utf-8")) == [], page.name


def test_the_reference_lists_every_public_name() -> None:
    listed = re.findall(r"~(\S+)", (DOCS / "api" / "index.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(f"{home}.{name}" for name, home in HOMES.items())


def test_the_reference_describes_every_module() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    described = set(re.findall(r"automodule:: harken\.(\w+)", pages))
    assert described == rooms() - {"cli", "__main__"}, "the pages of docs/api and the modules of harken differ"


def shown_commands() -> Iterator[str]:
    """The commands in the README and the pages. The tests of single pages run those that need neither hours, nor data,
    nor a network."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))):
        for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.M):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ ") or (kind == "bash" and not line.startswith("#")):
                    yield line.removeprefix("$ ")


OTHER_PROGRAMS = ("curl", "dask", "export", "pip", "script/test")
"""Programs whose options are not checked."""


class ParsedError(Exception):
    """The options of a script are right; it goes no further."""


@pytest.mark.parametrize("line", dict.fromkeys(shown_commands()))
def test_a_shown_command_has_the_options_of_its_program(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(line.partition(" | ")[0].removesuffix("&"))
    if program == "harken":
        check_harken(arguments)
    elif program == "python":
        check_script(arguments, monkeypatch)
    else:
        assert program in OTHER_PROGRAMS, "check the options of this program, or add it to OTHER_PROGRAMS"


def test_the_page_of_simulated_wearers_shows_what_is_printed(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "simulate.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```console\n\$ harken (.*?)^```", page, re.DOTALL | re.M)
    command, _, shown = block.partition("\n")
    assert run_harken(*command.split()).stdout == shown


def check_harken(arguments: Sequence[str]) -> None:
    """Parse the arguments as the command does, without running it."""
    group = typer.main.get_command(app)
    assert isinstance(group, HelpfulGroup)
    with typer.Context(group, info_name="harken") as context:
        name, command, rest = group.resolve_command(context, spread(list(arguments), CROSS))
        assert command is not None
        parsed = command.make_context(name, rest, parent=context).params
    if name == "benchmark" and not Path(parsed["data"]).suffix and parsed["data"] != "tiny_study":
        protocol(parsed["data"], parsed["protocol"])


def check_script(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a script until its arguments are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser: argparse.ArgumentParser) -> None:
        parse(parser)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", lambda parser, *_: parse_and_stop(parser))
    module, *rest = arguments[1:] if arguments[0] == "-m" else arguments
    monkeypatch.setattr(sys, "argv", [module, *rest])
    main = importlib.import_module(module).main if rest != arguments[1:] else runpy.run_path(str(ROOT / module))["main"]
    with pytest.raises(ParsedError):
        main()
