"""The cache folder: its place, its entries, and its size."""

import os
from pathlib import Path

import pytest

from harken.readers.options import TableOptions
from harken.web.annotate.levels import file_names
from harken.web.annotate.reading import cache_folder, entry_name, read_facts, remove_oldest, write_facts


def entry(folder: Path, size: int, used_s: int) -> Path:
    folder.mkdir(parents=True)
    for name in file_names():
        (folder / name).write_bytes(bytes(size // 6))
    os.utime(folder, (used_s, used_s))
    return folder


def test_the_folder_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "harken" / "annotate"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "harken" / "annotate"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "harken" / "annotate"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert cache_folder() == tmp_path / "Local" / "harken" / "annotate"


def test_another_content_or_way_of_reading_has_another_entry(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    path.write_text("one")
    os.utime(path, (1, 1))
    names = {entry_name(path, TableOptions())}
    assert entry_name(tmp_path / "." / "anna.csv", TableOptions()) in names
    names.add(entry_name(path, TableOptions(timezone="Europe/Athens")))
    os.utime(path, (2, 2))
    names.add(entry_name(path, TableOptions()))
    path.write_text("three")
    os.utime(path, (2, 2))
    names.add(entry_name(path, TableOptions()))
    names.add(entry_name(tmp_path, TableOptions()))
    (tmp_path / "bert.csv").write_text("one")
    names.add(entry_name(tmp_path, TableOptions()))
    assert len(names) == 6
    with pytest.raises(OSError, match="No such file"):
        entry_name(tmp_path / "none", TableOptions())


def test_the_entries_used_longest_ago_are_removed(tmp_path: Path) -> None:
    sizes = {"old": 600, "middle": 600, "new": 600}
    for number, (name, size) in enumerate(sizes.items()):
        entry(tmp_path / name, size, 1000 + number)
    (tmp_path / ".writing-harken-abcd1234").mkdir()
    remove_oldest(tmp_path, most_bytes=1200)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".writing-harken-abcd1234", "middle", "new"]
    remove_oldest(tmp_path, keep=tmp_path / "middle", most_bytes=0)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".writing-harken-abcd1234", "middle"]
    remove_oldest(tmp_path / "none")


def test_an_entry_that_is_read_counts_as_used(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_facts(entry(tmp_path / name, 600, 1), {"blocks": []})
        os.utime(tmp_path / name, (1, 1))
    assert read_facts(tmp_path / "one") == {"blocks": [], "sizes": [100] * 6}
    size = sum(each.stat().st_size for each in (tmp_path / "one").iterdir())
    remove_oldest(tmp_path, most_bytes=size)
    assert [each.name for each in tmp_path.iterdir()] == ["one"]
