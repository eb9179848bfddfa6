"""Files as research watches write them, of any length, made up: a wrist that turns slowly."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SUMMER = datetime(2021, 6, 1, 12, 0, 0, tzinfo=UTC)
"""On the watch's own clock."""
AX6 = 0x64
"""The hardware's type in a ``.cwa`` file's header."""
CWA_HEADER_BYTES, CWA_BLOCK_BYTES = 1024, 512
COUNTS_PER_G = {3: 256, 6: 2048}
DEGREES_PER_COUNT = 1000 / 2**15
"""Of an AX6 set to 1000 degrees a second."""
BLOCK_SAMPLES = {3: 120, 6: 40}


def write_parts(folder: Path, *parts: bytes, name: str) -> Path:
    """Write a file that is made of these parts."""
    path = folder / name
    path.write_bytes(b"".join(parts))
    return path


def ns(time: datetime) -> int:
    """Nanoseconds since 1970."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def turning(samples: int, axes: int = 3) -> NDArray[np.int64]:
    """Sensor counts ``[samples, axes]``: acceleration, after a slow rotation where there are six axes."""
    angle = np.linspace(0, 6, samples)
    noise = np.random.default_rng(0).normal(0, 0.05, (samples, 3))
    g = np.stack([np.sin(angle), 0.2 * np.ones(samples), np.cos(angle)], axis=1) + noise
    acceleration = np.rint(g * COUNTS_PER_G[axes]).astype(np.int64)
    rotation = np.rint(100 * noise / DEGREES_PER_COUNT).astype(np.int64)
    return acceleration if axes == 3 else np.concatenate([rotation, acceleration], axis=1)


def cwa_header(*, model: int = 0) -> bytes:
    """The header of a ``.cwa`` at 100 Hz."""
    annotation = b"_c=Ward+3&_sc=P%2F17"
    header = bytearray(CWA_HEADER_BYTES)
    header[:4] = b"MD\xfc\x03"
    header[4] = model
    header[5:7] = (4711).to_bytes(2, "little")
    header[7:11] = (9).to_bytes(4, "little")
    header[11:13] = b"\xff\xff"
    header[36] = 0x40 | 10
    header[41] = 44
    header[64 : 64 + len(annotation)] = annotation
    return bytes(header)


def cwa_block(counts: NDArray[np.int64], start: datetime, *, number: int, rate: int = 10) -> bytes:
    """A block whose first sample is at ``start``; three axes are packed in ten bits each, six are not.

    ``rate`` is 3200 Hz halved 15 - ``rate`` times.
    """
    samples, axes = counts.shape
    block = bytearray(CWA_BLOCK_BYTES)
    block[:4] = b"AX\xfc\x01"
    block[6:10] = (9).to_bytes(4, "little")
    block[10:14] = number.to_bytes(4, "little")
    rate_hz = 3200 / 2 ** (15 - rate)
    whole = start.replace(microsecond=0) + timedelta(seconds=int(start.microsecond > 0))
    ahead = round((whole - start).total_seconds() * rate_hz)
    packed = (whole.year - 2000) << 26 | whole.month << 22 | whole.day << 17
    packed |= whole.hour << 12 | whole.minute << 6 | whole.second
    block[14:18] = packed.to_bytes(4, "little")
    block[18:20] = (0 if axes == 3 else 3 << 13 | 3 << 10).to_bytes(2, "little")
    block[20:22] = (256).to_bytes(2, "little")  # 25 °C
    block[24] = 0x40 | rate
    block[25] = axes << 4 | (0 if axes == 3 else 2)
    block[26:28] = ahead.to_bytes(2, "little", signed=True)
    block[28:30] = samples.to_bytes(2, "little")
    block[30 : 30 + samples * (4 if axes == 3 else 12)] = (
        b"".join(map(_packed, counts.tolist())) if axes == 3 else counts.astype("<i2").tobytes()
    )
    return checked(bytes(block))


def _packed(axes: list[int]) -> bytes:
    exponent = next(e for e in range(4) if all(-512 <= value >> e <= 511 for value in axes))
    word = exponent << 30
    for place, value in enumerate(axes):
        word |= (value >> exponent & 1023) << (10 * place)
    return word.to_bytes(4, "little")


def checked(block: bytes) -> bytes:
    """A block with the checksum that it should have."""
    words = np.frombuffer(block[:510], "<u2").sum(dtype=np.int64)
    return block[:510] + int(-words % 65536).to_bytes(2, "little")


def cwa_blocks(blocks: int, *, axes: int = 3) -> list[bytes]:
    """Blocks at 100 Hz that follow one another without a gap."""
    size = BLOCK_SAMPLES[axes]
    pieces = np.split(turning(blocks * size, axes), blocks)
    return [cwa_block(piece, SUMMER + i * timedelta(seconds=size / 100), number=i) for i, piece in enumerate(pieces)]


def geneactiv(pages: int, *, last_samples: int = 300) -> tuple[bytes, list[bytes]]:
    """The header of a GENEActiv ``.bin`` set to 100 Hz, and its pages."""
    header = [
        "Device Identity",
        "Device Unique Serial Code:012345",
        "Device Type:GENEActiv           ",
        "Device Model:1.2",
        "Device Firmware Version:Ver06.17",
        "Calibration Date:2020-01-01 00:00:00:000",
        "",
        "Device Capabilities",
        "Accelerometer Range:-8 to 8             ",
        *(f"{name}:" for name in "abcdefgh"),
        "",
        "Configuration Info",
        "Measurement Frequency:100 Hz",
        "Measurement Period:24 Hours",
        "Start Time:2021-06-01 12:00:00:000",
        "Time Zone:GMT +01:00",
        "",
        "Trial Info",
        *(f"{name}:" for name in "abcdefgh"),
        "Extract Notes:(device clock drift -1.459s)",
        "",
        "Subject Info",
        "Device Location Code:left wrist",
        "Subject Code:P17\0\0\0\0",
        *(f"{name}:" for name in "abcdef"),
        "",
        "Calibration Data",
        *("x gain:25600", "x offset:0", "y gain:25000", "y offset:1000", "z gain:26000", "z offset:-1000"),
        *("Volts:54", "Lux:997"),
        "",
        "Memory Status",
        f"Number of Pages:{pages}",
        "",
    ]
    counts = turning(300 * pages)
    made = []
    for page in range(pages):
        time = SUMMER + timedelta(seconds=3) * page
        samples = last_samples if page == pages - 1 else 300
        lines = [
            "Recorded Data",
            "Device Unique Serial Code:012345",
            f"Sequence Number:{page}",
            f"Page Time:{time:%Y-%m-%d %H:%M:%S}:{time.microsecond // 1000:03}",
            "Unassigned:",
            f"Temperature:{30 + page % 7 / 10:.1f}",
            "Battery voltage:4.1642",
            "Device Status:Recording",
            "Measurement Frequency:100.0",
            "".join(
                f"{x & 4095:03X}{y & 4095:03X}{z & 4095:03X}000" for x, y, z in counts[300 * page :][:samples].tolist()
            ),
        ]
        made.append("\n".join([*lines, ""]).encode())
    return "\n".join([*header, ""]).encode(), made
