"""Archives, honest, damaged and hostile: files come out in the folder, or nothing does."""

import contextlib
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archives import found, tarred
from goldens.files import zipped
from harken import HarkenError
from harken.datasets.download import is_archive, unpack

FILES = {"set/a.txt": b"first\n", "set/deep/er/b.dat": bytes(range(256)) * 50, "readme": b""}


def put(folder: Path, data: bytes, name: str = "archive.zip") -> Path:
    """The archive, beside the folder it will be unpacked into."""
    (folder / "out").mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [zipped(FILES), tarred(FILES), tarred(FILES, "w"), tarred(FILES, "w:xz"), tarred(FILES, "w:bz2")],
    ids=["zip", "tar.gz", "tar", "tar.xz", "tar.bz2"],
)
def test_every_kind(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    assert is_archive(path)
    assert unpack(path, tmp_path / "out") == {name: len(content) for name, content in FILES.items()}
    assert found(tmp_path / "out") == FILES


def test_archives_inside_are_unpacked_where_they_lie(tmp_path: Path) -> None:
    inner = zipped({"PAMAP2/Protocol/subject101.dat": b"8.38 0\n", "PAMAP2/more.tgz": tarred({"x": b"y"})})
    path = put(tmp_path, zipped({"PAMAP2.zip": inner, "readme.pdf": b"%PDF"}))
    assert set(unpack(path, tmp_path / "out")) == {"PAMAP2/Protocol/subject101.dat", "PAMAP2/x", "readme.pdf"}
    assert found(tmp_path / "out") == {
        "PAMAP2/Protocol/subject101.dat": b"8.38 0\n",
        "PAMAP2/x": b"y",
        "readme.pdf": b"%PDF",
    }


def test_an_archive_inside_may_hold_a_file_of_its_own_name(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"same.zip": zipped({"same.zip/a": b"1"})}))
    unpack(path, tmp_path / "out")
    assert found(tmp_path / "out") == {"same.zip/a": b"1"}


def test_a_file_that_is_only_named_like_an_archive_stays(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"notes.zip": b"about zips"}))
    unpack(path, tmp_path / "out")
    assert found(tmp_path / "out") == {"notes.zip": b"about zips"}


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    data = zipped({"a": b"1"})
    for _ in range(4):
        data = zipped({"inner.zip": data})
    with pytest.raises(HarkenError, match="more than 3 deep"):
        unpack(put(tmp_path, data), tmp_path / "out")
    assert found(tmp_path / "out") == {}


def test_other_files_stay_and_the_same_are_replaced(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"set/a": b"new"}))
    (tmp_path / "out/set").mkdir()
    (tmp_path / "out/set/a").write_bytes(b"old")
    (tmp_path / "out/set/mine").write_bytes(b"mine")
    unpack(path, tmp_path / "out")
    assert found(tmp_path / "out") == {"set/a": b"new", "set/mine": b"mine"}


EVIL_NAMES = ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "C:evil", "//server/evil", ".."]


@pytest.mark.parametrize("name", EVIL_NAMES)
@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("nested", [False, True])
def test_a_member_that_would_leave_the_folder(
    tmp_path: Path, name: str, pack: Callable[[dict[str, bytes]], bytes], nested: bool
) -> None:
    data = pack({"good": b"1", name: b"evil"})
    path = put(tmp_path, zipped({"inner.zip": data}) if nested else data)
    before = found(tmp_path)
    with pytest.raises(HarkenError, match="would be written outside the folder; nothing of it was unpacked"):
        unpack(path, tmp_path / "out")
    assert found(tmp_path) == before
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("nested", [False, True])
def test_a_member_without_a_name(tmp_path: Path, nested: bool) -> None:
    data = zipped({"good": b"1", "?name": b"2"}).replace(b"?name", b"\0name")  # a name ends at its first zero
    path = put(tmp_path, zipped({"inner.zip": data}) if nested else data)
    with pytest.raises(HarkenError, match="contains a file without a name; nothing of it was unpacked"):
        unpack(path, tmp_path / "out")
    assert found(tmp_path / "out") == {}


def linked_zip(target: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, target)
        file.writestr("link/evil", b"evil")
    return content.getvalue()


def special_tar(kind: bytes, target: str = "") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, target
        file.addfile(info)
    return content.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        linked_zip("/tmp"),
        special_tar(tarfile.SYMTYPE, "/tmp"),
        special_tar(tarfile.SYMTYPE, "inside"),
        special_tar(tarfile.LNKTYPE, "/etc/passwd"),
        special_tar(tarfile.FIFOTYPE),
        special_tar(tarfile.CHRTYPE),
    ],
    ids=["zip link", "tar link", "tar link inside", "hard link", "fifo", "device"],
)
def test_links_and_devices_are_refused(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    with pytest.raises(HarkenError, match="is a link or a device; nothing of it was unpacked"):
        unpack(path, tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


def test_a_disk_without_room_is_seen_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 10

    monkeypatch.setattr("harken.datasets.download.shutil.disk_usage", lambda _: Full)
    with pytest.raises(HarkenError, match=r"unpacks to 0 MB, but the disk has 0 MB left; make room"):
        unpack(put(tmp_path, zipped(FILES)), tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"<html>", b"PK\3\4"])
def test_no_archive_at_all(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    assert not is_archive(path)
    with pytest.raises(HarkenError, match="damaged, cut short or encrypted"):
        unpack(path, tmp_path / "out")


def zip_whose_table_of_contents_lies_before_the_file() -> bytes:
    data = bytearray(zipped(FILES))
    offset = data.rfind(b"PK\5\6") + 16
    data[offset : offset + 4] = b"\0\xff\xff\xff"
    return bytes(data)


def zip_with_damaged_bzip2() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("a", b"hello" * 1000)
    return content.getvalue().replace(b"1AY&SY", b"1AY&SX")


DAMAGED = {
    "a zip's table of contents before the file": zip_whose_table_of_contents_lies_before_the_file(),
    "bzip2 in a zip": zip_with_damaged_bzip2(),
    "a gzip extra field that is cut": b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xffab",
}


@pytest.mark.parametrize("damaged", DAMAGED)
@pytest.mark.parametrize("nested", [False, True])
def test_damage_for_which_python_has_another_error(tmp_path: Path, damaged: str, nested: bool) -> None:
    name = "set.tar.gz" if "gzip" in damaged else "set.zip"
    path = put(tmp_path, zipped({name: DAMAGED[damaged]}) if nested else DAMAGED[damaged], name)
    named = rf"{name} in .*{name}" if nested else name
    with pytest.raises(HarkenError, match=rf"{named}: cannot be unpacked, because it is damaged, cut short or encr"):
        unpack(path, tmp_path / "out") if is_archive(path) else None
    assert found(tmp_path / "out") == {}


WHOLE = {"zip": zipped(FILES), "tar.gz": tarred(FILES), "tar": tarred(FILES, "w"), "tar.xz": tarred(FILES, "w:xz")}


@given(kind=st.sampled_from(sorted(WHOLE)), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_damage_anywhere_is_an_error_or_harmless(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    path = put(tmp_path, bytes(whole[:cut] if data.draw(st.booleans()) else whole))
    with contextlib.suppress(HarkenError):
        unpack(path, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"archive.zip", "out"}, "nothing beside the folder"
    assert not list((tmp_path / "out").glob(".*ing-*")), "nothing left aside"
