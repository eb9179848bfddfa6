"""What is no ``.gt3x``, what is damaged, and what is made to do harm."""

import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from actigraph_files import ACTIVITY, ACTIVITY_2, RATE, activity, info, neo, packed, steps, write_gt3x
from harken.readers import gt3x
from reader_checks import as_found, collected, refusals

read = as_found(collected(gt3x))
refusal = refusals(read)


def packed_as(path: Path, method: int) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("log.bin", b"".join(activity(ACTIVITY, steps(60), RATE)))
        file.writestr("info.txt", info())
    return path


def test_ways_of_packing(tmp_path: Path) -> None:
    assert len(read(packed_as(tmp_path / "a.gt3x", zipfile.ZIP_STORED))) == 60
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "compressed with a method that ActiGraph's software does not use" in refusal(
            packed_as(tmp_path / "b.gt3x", method)
        )
    encrypted = bytearray(packed_as(tmp_path / "c.gt3x", zipfile.ZIP_STORED).read_bytes())
    encrypted[encrypted.find(b"PK\x01\x02") + 8] |= 1
    encrypted[6] |= 1
    (tmp_path / "c.gt3x").write_bytes(encrypted)
    assert "encrypted" in refusal(tmp_path / "c.gt3x")


def says(path: Path, size: int) -> Path:
    """Change the size that the table of contents gives for the first member."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.find(b"PK\x01\x02") + 24, size)
    path.write_bytes(content)
    return path


def bombs(folder: Path) -> list[tuple[Path, str]]:
    """Small files that unpack to a lot, or say so."""
    second = activity(ACTIVITY_2, steps(RATE), RATE)[0]
    crowd = folder / "crowd.gt3x"
    with zipfile.ZipFile(crowd, "w") as file:
        for number in range(150):
            file.writestr(f"{number:060000d}", b"")
    absurd = "which is too large for a recording"
    return [
        (write_gt3x(folder, b"\0" * (50 << 20), name="zeros.gt3x"), absurd),
        (write_gt3x(folder, second * ((50 << 20) // len(second)), name="one_again_and_again.gt3x"), absurd),
        (says(write_gt3x(folder, [second], name="says.gt3x"), 0xFFFFFFF0), absurd),
        (says(write_gt3x(folder, b"\0" * 900, neo(), name="old.gt3x", log_name="activity.bin"), 300 << 20), absurd),
        (write_gt3x(folder, [second], "x" * (50 << 20), name="info.gt3x"), "which is too large; the file is damaged"),
        (crowd, "its table of contents is too long"),
        (
            says(write_gt3x(folder, [second], name="says_a_little_more.gt3x"), 10 << 20),
            "shorter than stated in the table of contents",
        ),
    ]


def test_bombs_end_in_an_error_and_little_memory(tmp_path: Path) -> None:
    for path, message in bombs(tmp_path):
        tracemalloc.start()
        try:
            assert message in refusal(path), path.name
            assert tracemalloc.get_traced_memory()[1] < 40 << 20, path.name
        finally:
            tracemalloc.stop()


def test_more_samples_than_a_battery_lasts_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harken.readers.gt3x_log.MOST_SAMPLES", 1_000)
    assert "harken does not read it" in refusal(write_gt3x(tmp_path, activity(ACTIVITY, steps(2_000), 100), info()))
    old = write_gt3x(tmp_path, packed(ACTIVITY, steps(2_000)), neo(), log_name="activity.bin")
    assert "harken does not read it" in refusal(old)
