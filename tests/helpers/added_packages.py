"""Packages of other people with entry points of harken: written into a folder, importable, found as installed."""

import sys
from pathlib import Path

import pytest


def install_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch, group: str, package: str, *points: str, source: str
) -> None:
    """Install a package with one module until the test ends.

    Args:
        folder: the package gets a folder of its name in it.
        monkeypatch: it puts this folder into ``sys.path``.
        group: the group of the entry points.
        package: its name, with hyphens; the module is called ``name_with_underscores_module``.
        points: the entry points, each as ``name = module:object``.
        source: the text of the module.
    """
    name = package.replace("-", "_")
    information = folder / package / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(points) + "\n")
    (folder / package / f"{name}_module.py").write_text(source)
    monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)
    monkeypatch.syspath_prepend(str(folder / package))
