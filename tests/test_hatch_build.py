"""What compiles our own kernels, and what happens where nothing can be compiled."""

import ctypes
import shutil
from pathlib import Path

import pytest

import hatch_build as hook

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but the sources in it."""
    (tmp_path / hook.FOLDER).mkdir(parents=True)
    for source in (*(ROOT / hook.FOLDER).glob("*.cpp"), *(ROOT / hook.FOLDER).glob("*.h")):
        shutil.copy(source, tmp_path / hook.FOLDER)
    return tmp_path


def test_without_a_compiler_nothing_is_built_and_an_old_library_goes(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", str(checkout / "no-compiler"))
    monkeypatch.delenv("HARKEN_NATIVE_BUILD", raising=False)
    library = checkout / hook.FOLDER / hook.LIBRARY
    library.write_bytes(b"old")
    assert hook.build(checkout) is None
    assert not library.exists()
    assert "PyTorch's will be used" in capsys.readouterr().err
    monkeypatch.setenv("HARKEN_NATIVE_BUILD", "require")
    with pytest.raises(OSError, match="no-compiler"):
        hook.build(checkout)
    monkeypatch.setenv("HARKEN_NATIVE_BUILD", "0")
    assert hook.build(checkout) is None


def test_what_is_built_can_be_loaded_and_says_where_it_runs(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if hook.compiler() is None:
        pytest.skip("there is no C++ compiler here")
    monkeypatch.setattr(hook, "OPTIMISED", ("-O0",))  # in a third of the time
    monkeypatch.setenv("HARKEN_NATIVE_BUILD", "require")
    library = hook.build(checkout)
    assert 0 <= ctypes.CDLL(str(library)).harken_lstm_level() <= 2
    assert hook.platform_tag().count("_") >= 2
