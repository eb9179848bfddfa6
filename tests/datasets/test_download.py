"""Downloads from a server in a thread that breaks off, answers oddly, and counts every byte it sends."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from archives import found, zipped
from harken import HarkenError
from harken.datasets import Archive, DatasetInfo
from harken.datasets import download as module
from harken.datasets.download import DownloadProgress, fetch

NOISE = np.random.default_rng(0).bytes(2_000_000)  # cannot be compressed
FILES = {"set/signals.dat": NOISE, "set/readme.txt": b"Read me.\n"}
ARCHIVE = zipped(FILES)


@dataclass
class Publisher:
    """What the server has and how it behaves; what it was asked and how much it sent."""

    content: bytes = ARCHIVE
    status: int = 200
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    says_length: bool = True
    break_after: list[int] = field(default_factory=list)
    """For each answer to come: after how many bytes of it the connection drops."""
    busy_answers: int = 0
    asked: list[str | None] = field(default_factory=list)
    """The Range of each request."""
    sent: list[int] = field(default_factory=list)
    """How many bytes of content each answer held."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.asked.append(asked)
        if self.busy_answers:
            self.busy_answers -= 1
            handler.send_error(503)
            return
        if self.status != 200:
            handler.send_error(self.status)
            return
        validator = handler.headers.get("If-Range")
        partial = asked is not None and self.ranges and validator in (None, self.etag, self.modified)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if partial and asked else 0
        if start >= len(self.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(self.content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self._send(handler, self.content[start:], start if partial else None)

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, start: int | None) -> None:
        handler.send_response(200 if start is None else 206)
        if start is not None:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.says_length:
            handler.send_header("Content-Length", str(len(body)))
        for name, value in (("ETag", self.etag), ("Last-Modified", self.modified)):
            if value is not None:
                handler.send_header(name, value)
        handler.end_headers()
        breaks = bool(self.break_after)
        body = body[: self.break_after.pop(0)] if breaks else body
        handler.wfile.write(body)
        handler.wfile.flush()
        self.sent.append(len(body))
        if breaks:
            handler.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Site:
    publisher: Publisher
    info: DatasetInfo

    def with_archive(self, **changes: object) -> DatasetInfo:
        return replace(self.info, archives=(replace(self.info.archives[0], **changes),))  # type: ignore[arg-type]


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


def unpacked(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in found(folder).items() if name.startswith("set/")}


def lying_beside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"set"}


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
    assert len(site.publisher.asked) == 1


def test_a_file_that_went_missing_comes_back_from_the_archive(site: Site, tmp_path: Path) -> None:
    fetch(site.info, tmp_path)
    (tmp_path / "set/readme.txt").unlink()
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert len(site.publisher.asked) == 1


def test_a_lost_connection_goes_on_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.publisher.break_after = [700_000, 500_000]
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    first, second, third = site.publisher.asked
    assert first is None
    assert second is not None
    begun = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in (second, third) if asked]
    assert 0 < begun[0] <= 700_000 < begun[1] <= 1_200_000
    assert site.publisher.sent == [700_000, 500_000, len(ARCHIVE) - begun[1]]
    assert sum(site.publisher.sent) < 1.1 * len(ARCHIVE), "what had come was not sent again"


def test_a_download_that_was_killed_goes_on_at_the_next_call(site: Site, tmp_path: Path) -> None:
    class KilledError(BaseException):
        pass

    def kill(progress: DownloadProgress) -> None:
        if progress.received_bytes > 1_000_000:
            raise KilledError

    with pytest.raises(KilledError):
        fetch(site.info, tmp_path, on_progress=kill)
    assert unpacked(tmp_path) == {}
    assert "small.zip" not in lying_beside(tmp_path), "no half file under the final name"
    seen: list[DownloadProgress] = []
    fetch(site.info, tmp_path, on_progress=seen.append)
    assert unpacked(tmp_path) == FILES
    assert seen[0].received_bytes > 1_000_000
    assert site.publisher.sent[-1] == len(ARCHIVE) - seen[0].received_bytes
    assert lying_beside(tmp_path) == {"small.zip", "small.zip.fetched.json"}


def begun(site: Site, folder: Path, info: DatasetInfo | None = None) -> None:
    """A first call that broke off for good after 700,000 bytes."""
    site.publisher.break_after = [700_000] + [0] * module.ATTEMPTS
    with pytest.raises(HarkenError, match=r"the connection .*lost, after 0\.\d MB.* Are you online"):
        fetch(info or site.info, folder)
    site.publisher.break_after.clear()
    site.publisher.asked.clear()
    site.publisher.sent.clear()


def test_a_server_that_knows_no_ranges_sends_all_anew(site: Site, tmp_path: Path) -> None:
    begun(site, tmp_path)
    site.publisher.ranges = False
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert site.publisher.sent == [len(ARCHIVE)]


@pytest.mark.parametrize("validators", [('"two"', None), (None, "Tue, 02 Jan 2024 00:00:00 GMT")])
def test_two_versions_of_a_file_never_become_one(
    site: Site, tmp_path: Path, validators: tuple[str | None, str | None]
) -> None:
    """Without a checksum nobody would notice: the file on the server changed while the download was interrupted."""
    if validators[1]:
        site.publisher.etag, site.publisher.modified = None, "Mon, 01 Jan 2024 00:00:00 GMT"
    info = site.with_archive(sha256=None)
    begun(site, tmp_path, info)
    site.publisher.content = zipped({"set/other.dat": NOISE[::-1]})
    site.publisher.etag, site.publisher.modified = validators
    fetch(info, tmp_path)
    assert unpacked(tmp_path) == {"set/other.dat": NOISE[::-1]}
    assert site.publisher.sent == [len(site.publisher.content)]


def test_nothing_to_tell_versions_by_and_no_checksum_begins_anew(site: Site, tmp_path: Path) -> None:
    site.publisher.etag = None
    info = site.with_archive(sha256=None)
    begun(site, tmp_path, info)
    fetch(info, tmp_path)
    assert site.publisher.sent == [len(ARCHIVE)]
    assert unpacked(tmp_path) == FILES


def test_a_weak_etag_is_no_proof(site: Site, tmp_path: Path) -> None:
    site.publisher.etag = 'W/"one"'
    info = site.with_archive(sha256=None)
    begun(site, tmp_path, info)
    fetch(info, tmp_path)
    assert site.publisher.sent == [len(ARCHIVE)]


def test_all_had_come_but_the_end(site: Site, tmp_path: Path) -> None:
    """Killed between the last byte and the rename: the server answers 416, for there is nothing left."""
    begun(site, tmp_path)
    (tmp_path / ".small.zip.part").write_bytes(ARCHIVE)
    fetch(site.info, tmp_path)
    assert site.publisher.sent == []
    assert unpacked(tmp_path) == FILES


def test_more_had_come_than_there_is(site: Site, tmp_path: Path) -> None:
    begun(site, tmp_path)
    (tmp_path / ".small.zip.part").write_bytes(ARCHIVE + b"more")
    fetch(site.info, tmp_path)
    assert site.publisher.sent == [len(ARCHIVE)]
    assert unpacked(tmp_path) == FILES


def test_a_busy_server_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = module.ATTEMPTS - 1
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_a_server_that_stays_busy(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = 100
    with pytest.raises(HarkenError, match=r"the server answers 503 .*Are you online"):
        fetch(site.info, tmp_path)
    assert len(site.publisher.asked) == module.ATTEMPTS


def test_no_length_said(site: Site, tmp_path: Path) -> None:
    site.publisher.says_length = False
    seen: list[DownloadProgress] = []
    fetch(site.with_archive(size_bytes=12_345), tmp_path, on_progress=seen.append)
    assert unpacked(tmp_path) == FILES
    assert seen[-1] == DownloadProgress("small.zip", len(ARCHIVE), 12_345), "the size is for the eye, not a check"


def test_a_wrong_checksum(site: Site, tmp_path: Path) -> None:
    site.publisher.content = zipped({"set/evil.dat": NOISE})
    with pytest.raises(HarkenError, match=r"sent is not what was expected: its SHA-256 is \w+ and must be \w+"):
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
    with pytest.raises(HarkenError, match=f"was {sha256} when it was first fetched.* remove .*fetched.json"):
        fetch(info, tmp_path)
    assert "other.dat" not in str(found(tmp_path).keys())
    (tmp_path / "small.zip.fetched.json").unlink()
    fetch(info, tmp_path)
    assert unpacked(tmp_path)["set/other.dat"] == NOISE


def test_a_checksum_that_is_known_needs_no_note(site: Site, tmp_path: Path) -> None:
    notes: list[str] = []
    fetch(site.info, tmp_path, on_note=notes.append)
    assert notes == []


def test_an_archive_brought_by_hand_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "small.zip").write_bytes(ARCHIVE)
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    assert site.publisher.asked == []


def test_a_wrong_archive_brought_by_hand_is_left_alone(site: Site, tmp_path: Path) -> None:
    wrong = zipped({"set/wrong": b"1"})
    (tmp_path / "small.zip").write_bytes(wrong)
    with pytest.raises(HarkenError, match=r"small.zip is not the file that was expected: its SHA-256"):
        fetch(site.info, tmp_path)
    assert found(tmp_path) == {"small.zip": wrong}


@pytest.mark.parametrize(("status", "why"), [(404, "there is no such file any more"), (403, "it is refused")])
def test_a_file_that_is_gone(site: Site, tmp_path: Path, status: int, why: str) -> None:
    site.publisher.status = status
    with pytest.raises(HarkenError, match=rf"answers {status} .*: {why}. Look for it at https://example.org/small"):
        fetch(site.info, tmp_path)
    assert len(site.publisher.asked) == 1, "asking again would not help"


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
        fetch(info, tmp_path)


def test_an_address_that_is_none(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="cannot be fetched"):
        fetch(site.with_archive(url="gopher://example.org/set.zip"), tmp_path)


def test_a_hostile_archive_unpacks_nothing(site: Site, tmp_path: Path) -> None:
    site.publisher.content = zipped({"set/good": b"1", "../evil": b"2"})
    folder = tmp_path / "data"
    with pytest.raises(HarkenError, match=r"'../evil' would be written outside the folder"):
        fetch(site.with_archive(sha256=None), folder)
    assert unpacked(folder) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_an_archive_in_the_archive(site: Site, tmp_path: Path) -> None:
    site.publisher.content = zipped({"inner.zip": ARCHIVE})
    fetch(site.with_archive(sha256=None), tmp_path)
    assert unpacked(tmp_path) == FILES
    fetch(site.with_archive(sha256=None), tmp_path)
    assert len(site.publisher.asked) == 1


def test_several_archives(site: Site, tmp_path: Path) -> None:
    first = site.info.archives[0]
    info = replace(site.info, archives=(first, replace(first, file_name="again.zip")))
    fetch(info, tmp_path)
    assert lying_beside(tmp_path) >= {"small.zip", "again.zip"}


def test_a_disk_without_room_is_seen_before(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 1_000_000

    monkeypatch.setattr("harken.datasets.download.shutil.disk_usage", lambda _: Full)
    with pytest.raises(HarkenError, match=r"small.zip: 2 MB are still to come and .* has 1 MB left; make room"):
        fetch(site.info, tmp_path)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("when", ["unpack", "write_text"])
def test_a_disk_that_becomes_full(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, when, full)
        with pytest.raises(HarkenError, match=r"the disk of .* is full; make room and run it again"):
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


def test_a_set_that_comes_in_another_way(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="small is not downloaded by harken; this brings it: harken datasets"):
        fetch(replace(site.info, archives=()), tmp_path)


def test_importing_harken_or_its_list_of_sets_loads_no_downloader() -> None:
    code = (
        "import sys, harken, harken.datasets.registry; "
        "print(*[name for name in ('requests', 'urllib3', 'harken.datasets.download') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
