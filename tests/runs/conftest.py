from pathlib import Path

import pytest

import people
from harken.presets import PRESETS


@pytest.fixture(autouse=True)
def _small_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", people.SMALL)


@pytest.fixture
def alice(tmp_path: Path) -> Path:
    return people.write_person(tmp_path / "alice.csv", 1)


@pytest.fixture
def bob(tmp_path: Path) -> Path:
    return people.write_person(tmp_path / "bob.csv", 2)
