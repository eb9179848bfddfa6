"""What is downloaded is checked, unpacked and remembered; every failure names what to do."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from archives import found
from goldens.files import zipped
from harken import HarkenError
from harken.datasets import Archive, DatasetInfo
from harken.datasets import download as module
from harken.datasets.download import DownloadProgress, fetch
from publisher import ARCHIVE, FILES, NOISE, Publisher, Site, lying_beside, unpacked


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(module, "WAIT_S", 0.0)
    monkeypatch.setattr(module, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/set.zip"
    info = DatasetInfo(
        name="small",
        title="A small set",
        licence="none",
        citation="nobody",
        url="https://example.org/small",
        how_to_get="harken datasets small --fetch DIR",
        people=1,
        sample_rate_hz=50.0,
        labels=("walking",),
        placement="wrist",
        label_map={"walking": "walking"},
        checked_on_real_files=False,
        archives=(Archive(url=url, file_name="small.zip", sha256=hashlib.sha256(ARCHIVE).hexdigest()),),
    )
    yield Site(publisher, info)
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_checked_and_unpacked(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "small"
    seen: list[DownloadProgress] = []
    assert fetch(site.info, folder, on_progress=seen.append) == folder
    assert unpacked(folder) == FILES
    assert lying_beside(folder) == {"small.zip", "small.zip.fetched.json"}
    assert site.publisher.sent == [len(ARCHIVE)]
    received = [progress.received_bytes for progress in seen]
    assert received == sorted(received)
    assert (received[0], received[-1]) == (0, len(ARCHIVE))
    assert {(progress.file_name, progress.total_bytes) for progress in seen} == {("small.zip", len(ARCHIVE))}


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(site.info, tmp_path)
    fetch(site.info, tmp_path)
    (tmp_path / "small.zip").unlink()  # the archive is no longer needed
    fetch(site.info, tmp_path)
    assert site.publisher.requests == 1


def test_a_file_that_went_missing_comes_back_from_the_archive(site: Site, tmp_path: Path) -> None:
    fetch(site.info, tmp_path)
    (tmp_path / "set/readme.txt").unlink()
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert site.publisher.requests == 1


def test_a_wrong_checksum(site: Site, tmp_path: Path) -> None:
    site.publisher.content = zipped({"set/evil.dat": NOISE})
    with pytest.raises(HarkenError, match=r"is not the expected file: its SHA-256 is \w+ and must be \w+"):
        fetch(site.info, tmp_path)
    assert lying_beside(tmp_path) == set(), "nothing of it stays"
    site.publisher.content = ARCHIVE
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_without_a_checksum_the_first_download_is_remembered(site: Site, tmp_path: Path) -> None:
    info = site.with_archive(sha256=None)
    notes: list[str] = []
    fetch(info, tmp_path, on_note=notes.append)
    sha256 = hashlib.sha256(ARCHIVE).hexdigest()
    assert len(notes) == 1
    assert "states no checksum" in notes[0]
    assert sha256 in notes[0]
    record = json.loads((tmp_path / "small.zip.fetched.json").read_text())
    assert (record["sha256"], record["size_bytes"]) == (sha256, len(ARCHIVE))

    (tmp_path / "small.zip").unlink()
    (tmp_path / "set/readme.txt").unlink()
    site.publisher.content = zipped({"set/other.dat": NOISE})
    with pytest.raises(HarkenError, match=f"must be {sha256}, as when it was first fetched. Remove .*json to accept"):
        fetch(info, tmp_path)
    assert "other.dat" not in str(found(tmp_path).keys())
    (tmp_path / "small.zip.fetched.json").unlink()
    fetch(info, tmp_path)
    assert unpacked(tmp_path)["set/other.dat"] == NOISE


def test_an_archive_brought_by_hand_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "small.zip").write_bytes(ARCHIVE)
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert site.publisher.requests == 0


def test_a_wrong_archive_brought_by_hand_is_left_alone(site: Site, tmp_path: Path) -> None:
    wrong = zipped({"set/wrong": b"1"})
    (tmp_path / "small.zip").write_bytes(wrong)
    with pytest.raises(HarkenError, match=r"small.zip is not the expected file: its SHA-256"):
        fetch(site.info, tmp_path)
    assert found(tmp_path) == {"small.zip": wrong}


@pytest.mark.parametrize(("status", "why"), [(404, "the file no longer exists"), (403, "the request was refused")])
def test_a_file_that_is_gone(site: Site, tmp_path: Path, status: int, why: str) -> None:
    site.publisher.status = status
    with pytest.raises(HarkenError, match=rf"answers {status} .*: {why}. Look for it at https://example.org/small"):
        fetch(site.info, tmp_path)
    assert site.publisher.requests == 1, "another request would not help"


def test_a_page_instead_of_the_file(site: Site, tmp_path: Path) -> None:
    site.publisher.content = b"<html>Please log in</html>"
    with pytest.raises(HarkenError, match=r"neither zip nor tar. See https://example.org/small"):
        fetch(site.with_archive(sha256=None), tmp_path)
    assert lying_beside(tmp_path) == set()


def test_offline(site: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    info = site.with_archive(url=f"http://127.0.0.1:{port}/set.zip")
    with pytest.raises(HarkenError, match=r"Are you online\? .* put it at .*small.zip"):
        fetch(info, tmp_path / "new" / "small")
    assert not (tmp_path / "new").exists(), "an empty folder"


def test_an_address_that_is_none(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="cannot be fetched"):
        fetch(site.with_archive(url="gopher://example.org/set.zip"), tmp_path)


def test_a_disk_without_room_is_seen_before(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 1_000_000

    monkeypatch.setattr("harken.datasets.download.shutil.disk_usage", lambda _: Full)
    with pytest.raises(HarkenError, match=r"small.zip has 2 MB, but .* has only 1 MB free; free some space"):
        fetch(site.info, tmp_path)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("when", ["unpack", "write_text"])
def test_a_disk_that_becomes_full(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, when, full)
        with pytest.raises(HarkenError, match=r"is the disk full\?\) and run the command again"):
            fetch(site.info, tmp_path)
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_a_folder_that_cannot_be(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarkenError, match=r"file.* cannot be written: "):
        fetch(site.info, tmp_path / "file" / "small")


def test_a_damaged_record_is_no_record(site: Site, tmp_path: Path) -> None:
    fetch(site.info, tmp_path)
    for damage in ("", "[]", '{"files": 3}', '{"files": {}}'):
        (tmp_path / "small.zip.fetched.json").write_text(damage)
        fetch(site.info, tmp_path)
        assert json.loads((tmp_path / "small.zip.fetched.json").read_text())["files"]


def test_after_a_damaged_archive_another_one_is_taken(site: Site, tmp_path: Path) -> None:
    (archive := tmp_path / "small.zip").write_bytes(ARCHIVE.replace(b"PK\x01\x02", b"PK\x01\x03"))
    info = site.with_archive(sha256=None)
    with pytest.raises(HarkenError, match=r"small.zip: cannot be unpacked, .*. Remove it and fetch it again"):
        fetch(info, tmp_path)
    archive.unlink()
    fetch(info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_a_set_that_comes_in_another_way(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="small cannot be downloaded by harken; to get it: harken datasets"):
        fetch(replace(site.info, archives=()), tmp_path)


def test_a_download_that_breaks_off_begins_again(site: Site, tmp_path: Path) -> None:
    site.publisher.break_after = [700_000, 500_000]
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert site.publisher.sent == [700_000, 500_000, len(ARCHIVE)]


def test_a_connection_that_is_lost_each_time(site: Site, tmp_path: Path) -> None:
    site.publisher.break_after = [700_000] * module.ATTEMPTS
    with pytest.raises(HarkenError, match=r"the connection was lost after 0\.\d MB\. Are you online"):
        fetch(site.info, tmp_path)
    assert site.publisher.requests == module.ATTEMPTS
    assert lying_beside(tmp_path) == set()


def test_a_download_that_was_stopped_leaves_nothing_and_begins_again(site: Site, tmp_path: Path) -> None:
    def stop(progress: DownloadProgress) -> None:
        if progress.received_bytes > 1_000_000:
            raise KeyboardInterrupt

    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyboardInterrupt):
        fetch(site.info, tmp_path, on_progress=stop)
    assert lying_beside(tmp_path) == {"mine"}
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert lying_beside(tmp_path) == {"mine", "small.zip", "small.zip.fetched.json"}


def test_a_busy_server_gets_another_request(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = module.ATTEMPTS - 1
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_a_server_that_stays_busy(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = 100
    with pytest.raises(HarkenError, match=r"the server answers 503 .*Are you online"):
        fetch(site.info, tmp_path)
    assert site.publisher.requests == module.ATTEMPTS


def test_a_response_without_a_length(site: Site, tmp_path: Path) -> None:
    site.publisher.says_length = False
    seen: list[DownloadProgress] = []
    fetch(site.with_archive(size_bytes=12_345), tmp_path, on_progress=seen.append)
    assert unpacked(tmp_path) == FILES
    assert seen[-1] == DownloadProgress("small.zip", len(ARCHIVE), 12_345), "the size is for the eye, not a check"
