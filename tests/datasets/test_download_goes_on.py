"""A download that broke off goes on where it broke, and two versions of a file never become one."""

from pathlib import Path

import pytest

from goldens.files import zipped
from harken import HarkenError
from harken.datasets import DatasetInfo
from harken.datasets import download as module
from harken.datasets.download import DownloadProgress, fetch
from publisher import ARCHIVE, FILES, NOISE, Site, lying_beside, unpacked


def test_a_lost_connection_goes_on_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.publisher.break_after = [700_000, 500_000]
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES
    first, second, third = site.publisher.requested_ranges
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
    site.publisher.requested_ranges.clear()
    site.publisher.sent.clear()


def test_a_server_without_ranges_sends_the_whole_file_again(site: Site, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("etag", [None, 'W/"one"'], ids=["none", "weak"])
def test_nothing_to_tell_versions_by_and_no_checksum_begins_anew(site: Site, tmp_path: Path, etag: str | None) -> None:
    site.publisher.etag = etag
    info = site.with_archive(sha256=None)
    begun(site, tmp_path, info)
    fetch(info, tmp_path)
    assert site.publisher.sent == [len(ARCHIVE)]
    assert unpacked(tmp_path) == FILES


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


def test_a_busy_server_gets_another_request(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = module.ATTEMPTS - 1
    fetch(site.info, tmp_path)
    assert unpacked(tmp_path) == FILES


def test_a_server_that_stays_busy(site: Site, tmp_path: Path) -> None:
    site.publisher.busy_answers = 100
    with pytest.raises(HarkenError, match=r"the server answers 503 .*Are you online"):
        fetch(site.info, tmp_path)
    assert len(site.publisher.requested_ranges) == module.ATTEMPTS


def test_a_response_without_a_length(site: Site, tmp_path: Path) -> None:
    site.publisher.says_length = False
    seen: list[DownloadProgress] = []
    fetch(site.with_archive(size_bytes=12_345), tmp_path, on_progress=seen.append)
    assert unpacked(tmp_path) == FILES
    assert seen[-1] == DownloadProgress("small.zip", len(ARCHIVE), 12_345), "the size is for the eye, not a check"
