"""The pages build without a warning, need no network to be read, and agree with the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import harken
from harken import _HOMES as HOMES

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
