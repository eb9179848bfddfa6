"""Print the lowest version of every library that pyproject.toml admits, as constraints for pip.

Usage: python script/lowest.py PYPROJECT.toml [NAME...]

``numpy>=1.26`` becomes ``numpy==1.26``. The libraries named after the file are left out, and so are the extras
``dev`` (tools: any version will do) and ``bench`` (no test needs it).
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

WITHOUT_A_MINIMUM = frozenset({"all", "bench", "dev"})
"""Extras whose versions are not pinned."""


def main(path: Path, left_out: Iterable[str]) -> None:
    """Print one constraint a line."""
    absent = {canonicalize_name(name) for name in left_out}
    for requirement in requirements(path):
        if canonicalize_name(requirement.name) not in absent:
            print(lowest(requirement))


def requirements(path: Path) -> Iterator[Requirement]:
    """What harken and its extras require."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for extra, lines in project["optional-dependencies"].items():
        if extra not in WITHOUT_A_MINIMUM:
            yield from map(Requirement, lines)


def lowest(requirement: Requirement) -> str:
    """``name==version; marker``. pip does not accept extras in a constraint, so they are dropped."""
    versions = [bound.version for bound in requirement.specifier if bound.operator == ">="]
    if len(versions) != 1:
        sys.exit(f"{requirement} in pyproject.toml has no lowest version: write {requirement.name}>=VERSION.")
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}=={versions[0]}{marker}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
