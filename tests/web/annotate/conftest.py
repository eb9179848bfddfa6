"""Each test has an empty cache folder of its own."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    monkeypatch.setenv("MPLCONFIGDIR", str(before / "matplotlib"))  # whose cache of fonts takes seconds to make
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def cache() -> Path:
    """The cache folder."""
    from harken.web.annotate.reading import cache_folder

    return cache_folder()
