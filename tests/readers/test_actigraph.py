"""ActiGraph's ``.gt3x``: against ActiLife's export of the same recordings, the documents' examples, and damage."""

import gzip
import random
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    ACTIVITY_KINDS,
    EVENT,
    START_S,
    activity,
    info,
    metadata,
    packed,
    packet,
    parameters,
    steps,
    write_gt3x,
)
from harken.errors import HarkenError
from harken.mending import mend
from harken.readers.actigraph import looks_like_gt3x, read_gt3x
from harken.readers.actigraph.held import held_stretches
from harken.readers.actigraph.info import encoded_float
from harken.readers.actigraph.log import read_log
from harken.readers.actigraph.packets import find_packets
from harken.readers.actigraph.samples import samples_of_12_bits, samples_of_16_bits
from reading import as_found, notes, refusals

NS_PER_S = 10**9
OFFSET_NS = 4 * 3600 * NS_PER_S
RATE = 30
LINK = "readgt3x_TAS1H30182785_2019-09-17"


read = as_found(read_gt3x)
refusal = refusals(read)


# Against other programs, on real files.


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
    assert "Gaps where the watch slept (idle sleep mode" in notes(recording)
    assert "put into its dock: 1, 7 s" in notes(recording)


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


@pytest.mark.parametrize("name", FILES)
def test_real_files(name: str, data_dir: Path) -> None:
    samples, rate, gaps, subject, zone = FILES[name]
    recording = mend(read(data_dir / "devices" / f"{name}.gt3x"))
    assert len(recording) == samples
    assert recording.sample_rate_hz == pytest.approx(rate)
    assert len(recording.gap_rows) == gaps
    assert (recording.subject, recording.timezone) == (subject, zone)
    assert np.median(np.linalg.norm(recording.signals, axis=1)) == pytest.approx(1, abs=0.06)
    assert recording.valid.all()


@pytest.mark.parametrize("name", [LINK, *(name for name in FILES if not name.startswith("labda"))])
def test_agrees_with_pygt3x(name: str, data_dir: Path) -> None:
    pygt3x = pytest.importorskip("pygt3x.reader", reason="pygt3x is not installed: it only serves as a check")
    path = data_dir / "devices" / f"{name}.gt3x"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pygt3x.FileReader(str(path)) as file:
            other = file.to_pandas()
    measured = other[~other["IdleSleepMode"].astype(bool)]
    recording = mend(read(path))
    # By the watch's clock, which in a file that was set to UTC is UTC.
    shift = 0 if "set to UTC," in notes(recording) else int(recording.timezone.removeprefix("Etc/GMT")) * -3600
    np.testing.assert_array_equal(recording.signals, measured[["X", "Y", "Z"]].to_numpy(np.float32))
    np.testing.assert_allclose(recording.time_ns / NS_PER_S + shift, measured.index.to_numpy(), atol=1e-4)


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("labda")])
def test_agrees_with_actfast(name: str, data_dir: Path) -> None:
    actfast = pytest.importorskip("actfast", reason="actfast is not installed")
    path = data_dir / "devices" / f"{name}.gt3x"
    other = actfast.read(path)["timeseries"]["acceleration"]
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, other["acceleration"])
    assert np.unique(recording.time_ns - other["datetime"]).size <= 60  # one whole offset, and rounding to ns
    assert np.ptp(recording.time_ns - other["datetime"]) <= NS_PER_S // 1_000


# The documents' own examples.


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
    packets = find_packets(np.frombuffer(data, dtype=np.uint8), joined=True, final=True)
    assert (packets.types.tolist(), packets.seconds.tolist()) == ([6], [1_421_142_129])
    assert (packets.payloads.tolist(), packets.sizes.tolist(), packets.lost_bytes) == ([8], [124], 0)


# Files made up.


@pytest.mark.parametrize("kind", ACTIVITY_KINDS)
@pytest.mark.parametrize("rate", [30, 100])
def test_both_kinds_of_packets(kind: int, rate: int, tmp_path: Path) -> None:
    values = steps(5 * rate)
    recording = read(write_gt3x(tmp_path, activity(kind, values, rate), info(Sample_Rate=rate)))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    expected = START_S * NS_PER_S + OFFSET_NS + np.rint(np.arange(5 * rate) * (NS_PER_S / rate)).astype(np.int64)
    np.testing.assert_array_equal(recording.time_ns, expected)
    assert (recording.channels, recording.as_found, recording.subject) == (("x", "y", "z"), True, "ann")
    assert f"ActiGraph Link TAS1H30182785, firmware 1.7.2; {rate} Hz" in notes(recording)
    assert recording.valid.all()


def test_both_kinds_and_several_lengths_in_one_file(tmp_path: Path) -> None:
    values = steps(4 * RATE + 7)
    old, new = activity(ACTIVITY, values, RATE), activity(ACTIVITY_2, values, RATE)
    recording = read(write_gt3x(tmp_path, [old[0], new[1], packet(5, START_S, b"\x01\x02"), old[2], new[3], old[4]]))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    assert "1 s of the recording hold fewer samples than the rate" in notes(recording)
    assert recording.time_ns[-1] - recording.time_ns[-8] == 7 * NS_PER_S // 30


def test_gaps_stay_gaps_and_are_explained(tmp_path: Path) -> None:
    values = steps(6 * RATE)
    seconds = activity(ACTIVITY_2, values, RATE, [0, 1, 12, 13, 20, 30])
    asleep, awake = packet(EVENT, START_S + 2, b"\x08"), packet(EVENT, START_S + 12, b"\x09")
    docked = packet(ACTIVITY_2, START_S + 14, b"\x5a")
    end = packet(EVENT, START_S + 31, b"\x08")
    log = [*seconds[:2], asleep, awake, *seconds[2:4], docked, *seconds[4:], end]
    recording = mend(read(write_gt3x(tmp_path, log)))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    assert recording.gap_rows.tolist() == [2 * RATE, 4 * RATE, 5 * RATE]
    assert "last value): 1, 10 s in all." in notes(recording)
    assert "put into its dock: 1, 6 s in all." in notes(recording)
    assert "the file does not say why: 1, 9 s in all." in notes(recording)
    assert "asleep when the recording ended" in notes(recording)


def test_seconds_that_come_twice(tmp_path: Path) -> None:
    values = steps(4 * RATE)
    recording = read(write_gt3x(tmp_path, activity(ACTIVITY, values, RATE, [0, 1, 1, 2])))
    kept = np.concatenate([values[: 2 * RATE], values[3 * RATE :]])
    np.testing.assert_array_equal(recording.signals, kept / np.float32(256))
    assert "1 s came a second time" in notes(recording)


SCALES = {
    "parameters before info.txt": (parameters(accel_scale=0x09400000), info(Acceleration_Scale="341"), 256),
    "info.txt": (b"", info(), 256),
    "info.txt with a decimal comma": (b"", info(Acceleration_Scale="341,0"), 341),
    "kind of device": (b"", info(Acceleration_Scale=None, Serial_Number="CLE2A14151617"), 341),
    "a parameter of zero": (parameters(accel_scale=0), info(), 256),
}


@pytest.mark.parametrize("case", SCALES)
def test_scale(case: str, tmp_path: Path) -> None:
    first, about, scale = SCALES[case]
    values = steps(2 * RATE)
    recording = read(write_gt3x(tmp_path, [first, *activity(ACTIVITY_2, values, RATE)], about))
    np.testing.assert_array_equal(recording.signals, values / np.float32(scale))
    assert ("the former count" in notes(recording)) == (case == "parameters before info.txt")


def test_no_scale_is_an_error(tmp_path: Path) -> None:
    about = info(Acceleration_Scale="0", Serial_Number="XYZ1")
    assert "how many steps of its sensor make a g" in refusal(
        write_gt3x(tmp_path, activity(ACTIVITY_2, steps(60), RATE), about)
    )


def test_the_seconds_tell_the_rate(tmp_path: Path) -> None:
    path = write_gt3x(tmp_path, activity(ACTIVITY, steps(300), 100), info(Sample_Rate=30))
    recording = mend(read(path))
    assert recording.sample_rate_hz == pytest.approx(100)
    assert "The file says 30 Hz, but its seconds hold 100 samples" in notes(recording)
    silent = read(write_gt3x(tmp_path, activity(ACTIVITY, steps(300), 100), info(Sample_Rate=None)))
    assert "The file says" not in notes(silent)


def test_the_firmware_that_turns_its_axes(tmp_path: Path) -> None:
    values = steps(2 * RATE)
    about = info(Serial_Number="MOS2D16160581", Firmware="1.6.0")
    recording = read(write_gt3x(tmp_path, activity(ACTIVITY, values, RATE), about))
    x, y, z = values.T / np.float32(256)
    np.testing.assert_array_equal(recording.signals, np.stack([y, -x, z], axis=1))
    assert "turned back" in notes(recording)


def test_subject(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(60), RATE)
    assert read(write_gt3x(tmp_path, log), subject="bob").subject == "bob"
    only_serial = info(Subject_Name="TAS1H30182785")
    assert read(write_gt3x(tmp_path, log, only_serial)).subject == "watch"
    bio = metadata(MetadataType="Bio", SubjectName="cid")
    assert read(write_gt3x(tmp_path, [bio, *log], info(Subject_Name=None))).subject == "cid"


CLOCKS = {
    "the file's offset": (info(), [], {}, 4, "Etc/GMT+4", "set to UTC-04:00, as the file says; --timezone says"),
    "the log's before info.txt's": (
        info(TimeZone="01:00:00"),
        [metadata(MetadataType="LocalTimeLog", UtcOffset="-04:00:00")],
        {},
        4,
        "Etc/GMT+4",
        "UTC-04:00",
    ),
    "the user's zone, which agrees": (info(), [], {"timezone": "America/New_York"}, 4, "America/New_York", "UTC-04:00"),
    "the user's zone, which does not": (
        info(),
        [],
        {"timezone": "Europe/Athens"},
        -3,
        "Europe/Athens",
        "It was taken as UTC+03:00, as in Europe/Athens, as asked.",
    ),
    "nothing known": (info(TimeZone=None), [], {}, 0, "UTC", "Times carry no zone and are taken as UTC"),
    "an offset without a zone of its own": (info(TimeZone="05:30:00"), [], {}, 0, "UTC", "set to UTC+05:30"),
    "set to UTC": (
        info(),
        [metadata(MetadataType="LocalTimeLog", UsedUtc=True, UtcOffset="-05:00:00")],
        {},
        0,
        "Etc/GMT+5",
        "set to UTC, as the file says",
    ),
    "set to UTC, and a zone": (
        info(),
        [metadata(MetadataType="LocalTimeLog", UsedUtc=True, UtcOffset="-05:00:00")],
        {"timezone": "Asia/Tokyo"},
        0,
        "Asia/Tokyo",
        "set to UTC, as the file says",
    ),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_clock(case: str, tmp_path: Path) -> None:
    about, first, options, hours, zone, note = CLOCKS[case]
    path = write_gt3x(tmp_path, [*first, *activity(ACTIVITY, steps(60), RATE)], about)
    recording = read(path, **options)
    assert recording.time_ns[0] == (START_S + 3600 * hours) * NS_PER_S
    assert recording.timezone == zone
    assert note in notes(recording)


def test_the_clock_knows_of_no_daylight_saving(tmp_path: Path) -> None:
    start = int(
        np.datetime64("2019-03-31T02:59:58", "s").astype(np.int64)
    )  # at 03:00 the clocks in Athens went to 04:00
    seconds = [start - START_S + second for second in range(4)]
    path = write_gt3x(tmp_path, activity(ACTIVITY_2, steps(4 * RATE), RATE, seconds), info(TimeZone="02:00:00"))
    recording = mend(read(path, timezone="Europe/Athens"))
    assert len(recording.gap_rows) == 0
    assert recording.time_ns[0] == (start - 2 * 3600) * NS_PER_S
    assert "clocks of Europe/Athens were changed" in notes(recording)


def test_wrong_zone(tmp_path: Path) -> None:
    log = [metadata(MetadataType="LocalTimeLog", UsedUtc=True), *activity(ACTIVITY, steps(60), RATE)]
    assert "no time zone 'Athens'" in refusal(write_gt3x(tmp_path, log), timezone="Athens")


def test_a_clock_that_was_reset_is_named(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(3 * RATE), RATE, [0, 1, 100 * 86_400])
    assert "1 s lie more than a day before the start or after the end" in notes(read(write_gt3x(tmp_path, log)))


def test_numbered_as_asked(tmp_path: Path) -> None:
    path = write_gt3x(tmp_path, activity(ACTIVITY, steps(60), RATE, [0, 9]))
    recording = mend(read(path, sample_rate_hz=25))
    assert len(recording.gap_rows) == 0
    assert recording.sample_rate_hz == pytest.approx(25)


def neo(**changed: object) -> str:
    """The info.txt of a GT3X+ of old firmware."""
    old = {"Serial_Number": "NEO1C04110003", "Acceleration_Scale": None, "Acceleration_Max": None}
    return info(**(old | changed))


def test_old_log(tmp_path: Path) -> None:
    values = steps(4 * RATE)
    values[40 : 40 + 35] = values[40]
    path = write_gt3x(tmp_path, packed(ACTIVITY, values), neo(), log_name="activity.bin")
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, values / np.float32(341))
    assert np.flatnonzero(~recording.valid).tolist() == list(range(45, 75))
    assert "1 s only repeat a value" in notes(recording)
    assert recording.quality.sensor_range_g == 6


def test_old_log_in_several_pieces(tmp_path: Path) -> None:
    values = np.tile(steps(3_000), (400, 1))
    data = packed(ACTIVITY, values[:3_000]) * 400
    recording = read(write_gt3x(tmp_path, data, neo(), log_name="activity.bin"))
    np.testing.assert_array_equal(recording.signals, values / np.float32(341))


def test_old_log_that_does_not_say_enough(tmp_path: Path) -> None:
    data = packed(ACTIVITY, steps(60))
    assert "gives no rate" in refusal(write_gt3x(tmp_path, data, neo(Sample_Rate="?"), log_name="activity.bin"))
    assert "gives no start" in refusal(write_gt3x(tmp_path, data, neo(Start_Date=0), log_name="activity.bin"))
    assert "serial number 'XYZ'" in refusal(
        write_gt3x(tmp_path, data, neo(Serial_Number="XYZ"), log_name="activity.bin")
    )
    assert "no acceleration" in refusal(write_gt3x(tmp_path, b"\0\0\0", neo(), log_name="activity.bin"))


def test_held_stretches() -> None:
    values = np.arange(60, dtype=np.int16).reshape(20, 3) + 1
    values[3:9], values[10:15] = values[3], 0
    assert held_stretches(values, 5) == [(4, 9), (10, 15)]
    assert held_stretches(values, 4) == [(5, 9), (11, 15)]
    assert held_stretches(values, 6) == []
    assert held_stretches(values[:1], 5) == []


# Where packets lie.


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
    one = read_log(tmp_path, [bytes(damaged)])
    assert 0 < one.lost_bytes < 60 * 200
    for size in (70_000, 131_000, 400_000):
        pieces = [bytes(damaged[begin : begin + size]) for begin in range(0, len(damaged), size)]
        many = read_log(tmp_path, pieces)
        np.testing.assert_array_equal(np.concatenate(many.values), np.concatenate(one.values))
        np.testing.assert_array_equal(np.concatenate(many.seconds), np.concatenate(one.seconds))
        assert (many.lost_bytes, many.lost_places) == (one.lost_bytes, one.lost_places)


def test_zeros_between_packets_are_no_damage(tmp_path: Path) -> None:
    data = activity(ACTIVITY_2, steps(3 * RATE), RATE)
    recording = read(write_gt3x(tmp_path, [data[0], b"\0" * 5, data[1], data[2], b"\0\0\0"]))
    assert len(recording) == 3 * RATE
    assert "no whole packets" not in notes(recording)


def test_a_damaged_packet_is_left_out_and_said(tmp_path: Path) -> None:
    values = steps(4 * RATE)
    data = activity(ACTIVITY_2, values, RATE)
    data[1] = data[1][:50] + bytes([data[1][50] ^ 1]) + data[1][51:]
    recording = read(write_gt3x(tmp_path, [*data[:3], data[3][:-20]]))
    kept = np.concatenate([values[:RATE], values[2 * RATE : 3 * RATE]])
    np.testing.assert_array_equal(recording.signals, kept / np.float32(256))
    assert f"{189 + 169} bytes in 2 places of its log.bin are no whole packets" in notes(recording)


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
        assert not missing or "no whole packets" in notes(recording) or second.max() < 59


# What is no .gt3x, and what is made to do harm.


def test_looks_like(tmp_path: Path, data_dir: Path) -> None:
    good = write_gt3x(tmp_path, activity(ACTIVITY, steps(60), RATE), name="renamed.zip")
    assert looks_like_gt3x(good, good.read_bytes()[: 1 << 16])
    assert looks_like_gt3x(tmp_path / "damaged.gt3x", b"??")
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("info.txt", "x")
        file.writestr("Accelerometer.csv", "time,x,y,z")
    assert not looks_like_gt3x(other, other.read_bytes())
    assert not looks_like_gt3x(tmp_path / "cut.zip", b"PK\x03\x04")
    for path in (data_dir / "devices").iterdir():
        head = path.read_bytes()[: 1 << 16]
        assert looks_like_gt3x(path, head) == path.name.endswith(".gt3x"), path.name
        if path.name.endswith(".gt3x"):
            assert looks_like_gt3x(path.parent / "any", head) is False  # nothing there to look into


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
    assert "there is no log.bin in it" in refusal(write_gt3x(tmp_path, log, log_name="data.bin"))
    path = tmp_path / "b.gt3x"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("log.bin", b"".join(log))
    assert "there is no info.txt in it" in refusal(path)
    assert "no acceleration in its log.bin" in refusal(write_gt3x(tmp_path, metadata(MetadataType="Bio")))
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
        assert "packed in a way that no ActiGraph software uses" in refusal(packed_as(tmp_path / "b.gt3x", method))
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
    absurd = "which no recording does"
    return [
        (write_gt3x(folder, b"\0" * (50 << 20), name="zeros.gt3x"), absurd),
        (write_gt3x(folder, second * ((50 << 20) // len(second)), name="one_again_and_again.gt3x"), absurd),
        (says(write_gt3x(folder, [second], name="says.gt3x"), 0xFFFFFFF0), absurd),
        (says(write_gt3x(folder, b"\0" * 900, neo(), name="old.gt3x", log_name="activity.bin"), 300 << 20), absurd),
        (write_gt3x(folder, [second], "x" * (50 << 20), name="info.gt3x"), "which is absurd"),
        (crowd, "absurdly long"),
        (says(write_gt3x(folder, [second], name="says_a_little_more.gt3x"), 10 << 20), "shorter than the table"),
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
    monkeypatch.setattr("harken.readers.actigraph.log.MOST_SAMPLES", 1_000)
    assert "it is refused" in refusal(write_gt3x(tmp_path, activity(ACTIVITY, steps(2_000), 100), info()))
    old = write_gt3x(tmp_path, packed(ACTIVITY, steps(2_000)), neo(), log_name="activity.bin")
    assert "it is refused" in refusal(old)


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
