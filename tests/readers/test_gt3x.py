"""ActiGraph's ``.gt3x``: real files against ActiLife and other programs, packets in a log, damage, and harm."""

import gzip
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    ACTIVITY_KINDS,
    NS_PER_S,
    OFFSET_NS,
    RATE,
    START_S,
    activity,
    info,
    neo,
    parameters,
    steps,
    write_gt3x,
)
from harken.readers import gt3x
from harken.readers.gt3x_log import Log, encoded_float, samples_of_12_bits, samples_of_16_bits
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes, refusals

read = as_found(collected(gt3x))


LINK = "readgt3x_TAS1H30182785_2019-09-17"


def actilife(path: Path) -> NDArray[np.float64]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return np.loadtxt(file, delimiter=",", skiprows=11)


def test_a_link_agrees_with_actilife(data_dir: Path) -> None:
    devices = data_dir / "devices"
    recording = mend(read(devices / f"{LINK}.gt3x", timezone="America/New_York"))
    exported = actilife(devices / f"{LINK}.csv.gz")
    rows = (recording.time_ns - recording.time_ns[0]) // (NS_PER_S // 100)
    assert len(recording) == 33_000
    # ActiLife rounds to three decimals.
    np.testing.assert_allclose(recording.signals, exported[rows], atol=0.000501)
    assert recording.time_ns[0] == (START_S * NS_PER_S) + OFFSET_NS
    assert (recording.subject, recording.quality.sensor_range_g) == ("suffix_85", 8.0)
    # What is not there is what ActiLife filled: with the last value, or with zeros in the dock.
    filled = np.setdiff1d(np.arange(len(exported)), rows)
    repeated = (exported[filled] == exported[filled - 1]).all(axis=1)
    assert (repeated | (exported[filled] == 0).all(axis=1)).all()
    assert len(filled) == 2_075 * 100
    assert "in total: the watch was in idle sleep mode" in notes(recording)
    assert "1 gap, 7 s in total: the watch was in its dock." in notes(recording)


def test_a_gt3x_plus_of_old_firmware_agrees_with_actilife(data_dir: Path) -> None:
    recording = mend(read(data_dir / "devices" / "pygt3x_neo.gt3x"))
    exported = actilife(data_dir / "devices" / "pygt3x_neo.csv")
    assert recording.signals.shape == exported.shape == (18_004, 3)
    np.testing.assert_allclose(recording.signals, exported, atol=0.000501)
    start = np.datetime64("2021-12-20T11:55:00", "ns").astype(np.int64) + 6 * 3600 * NS_PER_S
    assert (recording.time_ns[0], recording.timezone) == (start, "Etc/GMT+6")
    assert recording.sample_rate_hz == pytest.approx(30)
    assert (recording.quality.sensor_range_g, recording.subject) == (6.0, "pygt3x_neo")


FILES = {
    "GGIR_actigraph_testfile": (17_640, 30, 23, "GGIR_actigraph_testfile", "Etc/GMT-2"),
    "actfast_cmi": (4_860, 60, 0, "Adam_Test", "Etc/GMT+5"),
    "labda_actigraph_13h": (810_270, 30, 492, "PULSE-PHPF-001", "Etc/GMT+5"),
    "wristpy_example_actigraph_idle_sleep_mode": (3_870, 30, 1, "Adam_Test", "Etc/GMT+6"),
}
"""Samples, rate, gaps, subject, zone."""


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("labda")])
def test_agrees_with_actfast(name: str, data_dir: Path) -> None:
    actfast = pytest.importorskip("actfast", reason="actfast is not installed")
    path = data_dir / "devices" / f"{name}.gt3x"
    other = actfast.read(path)["timeseries"]["acceleration"]
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, other["acceleration"])
    assert np.unique(recording.time_ns - other["datetime"]).size <= 60  # one whole offset, and rounding to ns
    assert np.ptp(recording.time_ns - other["datetime"]) <= NS_PER_S // 1_000


def test_the_documented_example_of_12_bits() -> None:
    data = bytes.fromhex("00 60 08 EB D0 07 00 9E BF 00 70 08 EB F0")
    values = samples_of_12_bits(np.frombuffer(data, dtype=np.uint8)[np.newaxis])
    np.testing.assert_array_equal(values, [[[8, 6, -323], [9, 7, -321], [8, 7, -321]]])


def test_the_documented_example_of_16_bits() -> None:
    data = bytes.fromhex("00 00 00 00 00 00 30 00 cc ff 42 01 03 00 fa ff 01 01")
    values = samples_of_16_bits(np.frombuffer(data, dtype=np.uint8)[np.newaxis])
    np.testing.assert_array_equal(values, [[[0, 0, 0], [48, -52, 322], [3, -6, 257]]])


@pytest.mark.parametrize(("bits", "value"), [(0x09400000, 256.0), (0, 0.0), (0x01C00000, -1.0), (0xFF400000, 0.25)])
def test_parameters_that_are_no_whole_numbers(bits: int, value: float) -> None:
    assert encoded_float(bits) == value


def test_the_documented_packet() -> None:
    text = (
        b'{"MetadataType":"Bio","SubjectName":"CLE2A14151617","Race":"","Limb":"","Side":"","Dominance":"",'
        b'"Parsed":false,"JSON":null}'
    )
    data = bytes.fromhex("1E 06 71 E8 B4 54 7C 00") + text + b"\xf8"
    log = Log()
    packets, processed = log.packets(np.frombuffer(data, dtype=np.uint8), final=True)
    assert (packets.types.tolist(), packets.seconds.tolist()) == ([6], [1_421_142_129])
    assert (packets.payloads.tolist(), packets.sizes.tolist(), log.lost_bytes) == ([8], [124], 0)
    assert processed == len(data)


def long_log() -> bytes:
    """More than two of the longest packets, both kinds, with separators all over the place."""
    values = steps(3_000 * RATE)
    values[:: RATE // 2] = 0x1E
    values[5 * RATE : 9 * RATE] = 0x1E
    kinds = [activity(kind, values, RATE) for kind in ACTIVITY_KINDS]
    return b"".join(kinds[second % 2][second] for second in range(3_000))


def test_the_pieces_of_a_log_make_no_difference(tmp_path: Path) -> None:
    data = long_log()
    data = data[:1000] + b"\0\0\0" + data[1000:] + b"\0\0"
    damaged = bytearray(data)
    for place in random.Random(1).sample(range(len(data)), 40):
        damaged[place] ^= 0x55
    one = Log()
    activity_of_one = list(one.read(tmp_path, [bytes(damaged)]))
    assert 0 < one.lost_bytes < 60 * 200
    for size in (70_000, 131_000, 400_000):
        pieces = [bytes(damaged[begin : begin + size]) for begin in range(0, len(damaged), size)]
        many = Log()
        activity_of_many = list(many.read(tmp_path, pieces))
        for together, in_pieces in zip(
            zip(*activity_of_one, strict=True), zip(*activity_of_many, strict=True), strict=True
        ):
            np.testing.assert_array_equal(np.concatenate(in_pieces), np.concatenate(together))
        np.testing.assert_array_equal(np.concatenate(many.seconds), np.concatenate(one.seconds))
        assert (many.lost_bytes, many.lost_places) == (one.lost_bytes, one.lost_places)


def test_a_last_piece_that_only_repeats_earlier_seconds_is_left_out(tmp_path: Path) -> None:
    values = steps(30 * 2000)
    log = activity(ACTIVITY, values, 30) + activity(ACTIVITY, values[: 30 * 1000], 30)
    recording = read(write_gt3x(tmp_path, log))
    assert len(recording) == len(values)
    assert "16 min 40 s have times that occur earlier in the file and were left out." in recording.quality.notes


def test_damage_never_changes_a_second(tmp_path: Path) -> None:
    """Bytes of the log flipped, cut out or put in, in archives that are whole: seconds go missing, none is false."""
    values = steps(60 * RATE)
    seconds = activity(ACTIVITY, values, RATE)
    seconds[::2] = activity(ACTIVITY_2, values, RATE)[::2]
    data = b"".join([parameters(accel_scale=0x09400000), *seconds])
    rng = random.Random(7)
    for trial in range(60):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(damaged))
            what = rng.randrange(3)
            if what == 0:
                damaged[place] ^= rng.randint(1, 255)
            elif what == 1:
                del damaged[place : place + rng.randint(1, 300)]
            else:
                damaged[place:place] = rng.randbytes(rng.randint(1, 300))
        recording = read(write_gt3x(tmp_path, bytes(damaged)))
        second = (recording.time_ns - OFFSET_NS) // NS_PER_S - START_S
        within = np.rint((recording.time_ns % NS_PER_S) * RATE / NS_PER_S).astype(np.int64)
        np.testing.assert_array_equal(recording.signals, values[second * RATE + within] / np.float32(256), f"{trial}")
        assert len(recording) >= 40 * RATE
        missing = len(np.unique(second)) < 60
        assert not missing or "damaged or incomplete packets" in notes(recording) or second.max() < 59


refusal = refusals(read)


def packed_as(path: Path, method: int) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("log.bin", b"".join(activity(ACTIVITY, steps(60), RATE)))
        file.writestr("info.txt", info())
    return path


def test_ways_of_packing(tmp_path: Path) -> None:
    assert len(read(packed_as(tmp_path / "a.gt3x", zipfile.ZIP_STORED))) == 60
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "compressed with a method that no app uses" in refusal(packed_as(tmp_path / "b.gt3x", method))
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
        (write_gt3x(folder, [second], "x" * (50 << 20), name="info.gt3x"), absurd),
        (crowd, "its table of contents is too long"),
        (says(write_gt3x(folder, [second], name="says_a_little_more.gt3x"), 10 << 20), absurd),
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
