"""The pages build without a warning, need no network to be read, and agree with the code."""

import argparse
import importlib
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import typer

import people
from actigraph_files import ACTIVITY_2, activity, steps, write_gt3x
from command_line import Run
from harken import _HOMES as HOMES
from harken import Recogniser
from harken.cli.app import HelpfulGroup, command_line, spread
from harken.evaluation.protocols.published import protocol
from harken.networks.presets import PRESETS
from harken.windows.windows import SlidingHops
from research_watches import cwa_blocks, cwa_header
from script.options import PAGES as PAGES_OF_OPTIONS
from script.options import written

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


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


@pytest.mark.second_stage
def test_the_pages_build_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()


def test_a_page_loads_nothing_from_the_network(site: Path) -> None:
    loading = re.compile(r"<(?:link|script|img|iframe)\b[^>]*\b(?:href|src)=[\"'](?:https?:)?//[^>]*>")
    for page in site.rglob("*.html"):
        assert loading.findall(page.read_text(encoding="utf-8")) == [], page.name


def test_an_option_keeps_its_two_hyphens(site: Path) -> None:
    for page in site.rglob("*.html"):
        dashed = re.findall(r"(?<!\S)–[a-z]\S*", page.read_text(encoding="utf-8"))
        assert dashed == [], page.name


def test_the_index_calls_each_page_by_its_title() -> None:
    shown = (DOCS / "index.md").read_text(encoding="utf-8").partition("```{toctree}")[0]
    for name, page in re.findall(r"\[([^]]+)\]\(([^)]+\.md)\)", shown):
        title = (DOCS / page).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert name.casefold() == title.casefold(), page


@pytest.mark.parametrize("page", PAGES_OF_OPTIONS)
def test_a_page_shows_the_options_as_they_are_declared(page: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == written(page), "run python script/options.py"


def test_the_reference_describes_every_public_name() -> None:
    described = re.findall(r"^\.\. auto\w+:: (\S+)", (DOCS / "api.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {f"{home}.{name}" for name, home in HOMES.items()} <= set(described)


PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
RUN_BY_OTHERS = ("README.md", "annotate.md", "extending.md", "first_model.md", "labels.md", "simulate.md")
"""Pages whose commands run in tests of their own."""
QUICK = ("adapt", "compare", "datasets", "evaluate", "export", "inspect", "label", "train")


def shown_commands(*pages: Path) -> Iterator[str]:
    """The commands on these pages."""
    for page in pages:
        for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.M):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ ") or (kind == "bash" and not line.startswith("#")):
                    yield line.removeprefix("$ ")


OTHER_PROGRAMS = (".", "curl", "dask", "export", "pip", "script/demo", "script/test")
"""Programs whose options are not checked."""


LEFT = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").partition("## Left")[2]
"""The table of benchmarks that are not here any more."""


class ParsedError(Exception):
    """The options of a script are right; it goes no further."""


def quick_commands() -> Iterator[str]:
    """The commands that need no data, network, cluster or server, and no hours."""
    pages = (page for page in PAGES if page.name not in RUN_BY_OTHERS and "results" not in page.parts)
    for line in shown_commands(*pages):
        program, _, command = line.partition(" | ")[0].partition(" ")
        if program == "harken" and command.startswith(QUICK) and not re.search(r"--fetch|--scheduler|\$", command):
            yield command


@pytest.mark.parametrize("command", dict.fromkeys(quick_commands()))
@pytest.mark.usefixtures("undrawn")
def test_a_quick_command_runs(command: str, run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With made-up files of the names on the page, and a recipe of one epoch."""
    monkeypatch.chdir(tmp_path)
    small = replace(PRESETS["everyday"], windows=SlidingHops(20.0)).trained(epochs=1, min_iterations=0)
    monkeypatch.setitem(PRESETS, "everyday", small)
    arguments = shlex.split(command.replace("*", "monday"))
    for before, name in pairwise(arguments):
        given = re.search(r"\.[a-z]\w+$|^study/$|^first-run$", name)
        if given and before not in ("--out", "--plot"):
            write_stand_in(Path(name))
    ended = run_harken(*arguments)
    assert ended.exit_code == 0, ended.stderr


def write_stand_in(path: Path) -> None:
    """A small file, or folder, of the kind that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name in ("study", "first-run"):
        path.mkdir()
    if path.name == "study":
        people.write_person(path / "anna.csv", 1)
    elif path.name == "first-run":
        Recogniser.load("packaged").save(path / "model.safetensors")
    elif path.name == "diary.csv":
        path.write_text("subject,date,onset,wake\n")
    elif path.name == "people.csv":
        path.write_text("person,site\nanna,Athens\n")
    elif path.suffix in (".csv", ".txt"):
        people.write_person(path, len(path.name))
    elif path.suffix == ".parquet":
        pl.read_csv(people.write_person(path.with_suffix(".csv"), 1)).write_parquet(path)
    elif path.suffix == ".safetensors":
        Recogniser.load("packaged").save(path)
    elif path.suffix == ".cwa":
        path.write_bytes(b"".join([cwa_header(), *cwa_blocks(60)]))
    else:
        assert path.suffix == ".gt3x"
        write_gt3x(path.parent, activity(ACTIVITY_2, steps(1800), 30), name=path.name)


@pytest.mark.parametrize("line", dict.fromkeys(shown_commands(*PAGES)))
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
    group = typer.main.get_command(command_line(arguments[0]))
    assert isinstance(group, HelpfulGroup)
    with typer.Context(group, info_name="harken") as context:
        name, command, rest = group.resolve_command(context, spread(list(arguments)))
        assert command is not None
        parsed = command.make_context(name, rest, parent=context).params
    own = parsed.get("dataset") in ("tiny_study", "studies")
    if name == "benchmark" and not Path(parsed["dataset"]).suffix and not own:
        protocol(parsed["dataset"], parsed["protocol"])


def check_script(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a script until its arguments are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser: argparse.ArgumentParser) -> None:
        parse(parser)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", lambda parser, *_: parse_and_stop(parser))
    module, *rest = arguments[1:] if arguments[0] == "-m" else arguments
    if f"`{module.removeprefix('benchmarks.')}`" in LEFT:
        return  # it runs at the commit that the page names
    monkeypatch.setattr(sys, "argv", [module, *rest])
    main = importlib.import_module(module).main if rest != arguments[1:] else runpy.run_path(str(ROOT / module))["main"]
    with pytest.raises(ParsedError):
        main()
