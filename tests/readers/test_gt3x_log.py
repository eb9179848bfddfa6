"""Where packets lie in a log.bin, what they hold by the documents' examples, and what damage there costs."""

import random
from pathlib import Path

import numpy as np
import pytest

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    ACTIVITY_KINDS,
    NS_PER_S,
    OFFSET_NS,
    RATE,
    START_S,
    activity,
    parameters,
    steps,
    write_gt3x,
)
from harken.readers import gt3x
from harken.readers.gt3x_log import Log, encoded_float, samples_of_12_bits, samples_of_16_bits
from reader_checks import as_found, collected, notes

read = as_found(collected(gt3x))


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
