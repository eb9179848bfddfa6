"""ActiGraph's and GENEActiv's own files as streams: their samples, put together, are what ``read`` gives."""

import os
from pathlib import Path

import pytest

import harken.readers.geneactiv
import harken.readers.gt3x
from actigraph_files import ACTIVITY_2, activity, info, metadata, parameters, steps, write_gt3x
from harken.readers import open_stream, read
from reader_checks import Options
from stream_checks import assert_same, device_files

real = pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")


@real
@pytest.mark.parametrize("path", device_files(".gt3x"), ids=lambda path: path.name)
@pytest.mark.parametrize("options", [{}, {"timezone": "America/New_York"}], ids=["", "zone"])
def test_real_gt3x_files_stream(path: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pieces smaller than two of the longest packets, and many more of them than these short files have.
    monkeypatch.setattr(harken.readers.gt3x, "PIECE_BYTES", 150_000)
    stream = open_stream(path, **options)
    assert stream.streamed
    assert stream.quality.stated_rate_hz in (30, 60, 80, 100)
    assert_same(stream, path, **options)


@pytest.mark.parametrize("scale", [None, "256.0"])
def test_a_log_whose_beginning_says_something_else(
    scale: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [
        *activity(ACTIVITY_2, steps(50 * 100), 100),
        *activity(ACTIVITY_2, steps(1500 * 30), 30, range(40, 1540)),  # ten seconds a second time
        *activity(ACTIVITY_2, steps(20 * 30), 30, range(800, 820)),
        metadata(MetadataType="Bio", SubjectName="bea"),
        metadata(MetadataType="LocalTimeLog", UtcOffset="02:00"),
        parameters(accel_scale=0x0A200000),
    ]
    path = write_gt3x(tmp_path, log, info(Subject_Name=None, Acceleration_Scale=scale))
    whole = read(path)  # all of it is the beginning
    assert (whole.subject, whole.timezone) == ("bea", "Etc/GMT-2")
    assert len(whole) == 50 * 100 + 1490 * 30
    assert "30 s have times that occur earlier in the file" in " ".join(whole.quality.notes)
    monkeypatch.setattr(harken.readers.gt3x, "PIECE_BYTES", 150_000)
    monkeypatch.setattr(harken.readers.gt3x, "HEAD_BYTES", 60_000)
    in_pieces = read(path)
    assert (in_pieces.fingerprint, in_pieces.quality) == (whole.fingerprint, whole.quality)
    assert (in_pieces.subject, in_pieces.timezone) == (whole.subject, whole.timezone)
    assert open_stream(path).streamed
    assert_same(open_stream(path), path)


@real
@pytest.mark.parametrize("path", device_files("GENEActiv_testfile.bin", "geneactiv.bin", "gnactv_sample.bin"), ids=str)
def test_real_geneactiv_files_stream(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.geneactiv, "PAGES_AT_ONCE", 3)
    stream = open_stream(path, timezone="Europe/London")
    assert stream.streamed
    assert stream.quality.stated_rate_hz is not None
    assert_same(stream, path, timezone="Europe/London")
