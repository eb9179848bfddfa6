"""What is no ``.gt3x``, what is damaged, and what is made to do harm."""

import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from harken.readers.actigraph import gt3x

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    RATE,
    START_S,
    activity,
    info,
    metadata,
    neo,
    packed,
    packet,
    steps,
    write_gt3x,
)
from harken.support.errors import HarkenError
from reader_checks import as_found, collected, refusals

read = as_found(collected(gt3x))
refusal = refusals(read)


def test_looks_like(tmp_path: Path, data_dir: Path) -> None:
    good = write_gt3x(tmp_path, activity(ACTIVITY, steps(60), RATE), name="renamed.zip")
    assert gt3x.recognises(good, good.read_bytes()[: 1 << 16])
    assert gt3x.recognises(tmp_path / "damaged.gt3x", b"??")
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("info.txt", "x")
        file.writestr("Accelerometer.csv", "time,x,y,z")
    assert not gt3x.recognises(other, other.read_bytes())
    assert not gt3x.recognises(tmp_path / "cut.zip", b"PK\x03\x04")
    for path in (data_dir / "devices").iterdir():
        head = path.read_bytes()[: 1 << 16]
        assert gt3x.recognises(path, head) == path.name.endswith(".gt3x"), path.name
        if path.name.endswith(".gt3x"):
            assert gt3x.recognises(path.parent / "any", head) is False  # nothing there to look into


REFUSED = {
    "text": (b"Timestamp,X,Y,Z\n1,2,3,4\n", "damaged, cut short or encrypted (File is not a zip file)"),
    "nothing": (b"", "damaged, cut short or encrypted (File is not a zip file)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_kind_of_file(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    path = tmp_path / "watch.gt3x"
    path.write_bytes(content)
    assert message in refusal(path)


def test_another_kind_of_archive(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(60), RATE)
    assert "it contains no log.bin" in refusal(write_gt3x(tmp_path, log, log_name="data.bin"))
    path = tmp_path / "b.gt3x"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("log.bin", b"".join(log))
    assert "it contains no info.txt" in refusal(path)
    assert "its log.bin contains no acceleration" in refusal(write_gt3x(tmp_path, metadata(MetadataType="Bio")))
    insight = [packet(27, START_S, b"\x01" * 60), packet(27, START_S + 1, b"\x01" * 60)]
    assert "CentrePoint Insight Watch" in refusal(write_gt3x(tmp_path, insight))
    raw = write_gt3x(tmp_path, log, others={"calibration.json": '{"isCalibrated": false, "calibrationMethod": 2}'})
    assert "not calibrated" in refusal(raw)
    fine = write_gt3x(tmp_path, log, others={"calibration.json": '{"isCalibrated": true}'})
    assert len(read(fine)) == 60


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


def test_cut_anywhere(tmp_path: Path) -> None:
    content = write_gt3x(tmp_path, activity(ACTIVITY, steps(20 * RATE), RATE)).read_bytes()
    path = tmp_path / "cut.gt3x"
    for end in [*range(0, len(content), 37), *range(len(content) - 60, len(content))]:
        path.write_bytes(content[:end])
        assert "damaged, cut short or encrypted" in refusal(path)


def test_flipped_bytes(tmp_path: Path) -> None:
    """Zip's own checksum is over all that is read: a flip is an error, or touches nothing that counts."""
    path = write_gt3x(tmp_path, activity(ACTIVITY, steps(20 * RATE), RATE))
    content, whole = path.read_bytes(), read(path)
    rng = random.Random(3)
    unharmed = 0
    for trial in range(400):
        damaged = bytearray(content)
        # Every other one in the headers and the table of contents, which are the smallest part of the file.
        place = rng.randrange(len(content)) if trial % 2 else len(content) - 1 - rng.randrange(200)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            recording = read(path)
        except HarkenError:
            continue
        unharmed += 1
        assert recording.fingerprint == whole.fingerprint
    assert unharmed < 200


@pytest.mark.parametrize("name", ["pygt3x_neo", "wristpy_example_actigraph_idle_sleep_mode"])
def test_real_files_damaged(name: str, tmp_path: Path, data_dir: Path) -> None:
    source = data_dir / "devices" / f"{name}.gt3x"
    content, whole = source.read_bytes(), read(source)
    path = tmp_path / source.name
    rng = random.Random(5)
    for trial in range(60):
        damaged = bytearray(content)
        place = rng.randrange(len(content))
        if trial % 2:
            damaged[place] ^= rng.randint(1, 255)
        else:
            del damaged[place:]
        path.write_bytes(damaged)
        try:
            recording = read(path)
        except HarkenError:
            continue
        assert recording.fingerprint == whole.fingerprint
