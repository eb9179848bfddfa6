"""Files as ActiGraphs and ActiLife write them, of made-up samples."""

import json
import struct
import zipfile
from collections.abc import Sequence
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ACTIVITY, METADATA, PARAMETERS, ACTIVITY_2 = 0, 6, 21, 26
START_S = 1_568_745_600  # 17 September 2019, 18:40:00
TICKS_OF_1970 = 621_355_968_000_000_000
ACTIVITY_KINDS = (ACTIVITY, ACTIVITY_2)
NS_PER_S = 10**9
OFFSET_NS = 4 * 3600 * NS_PER_S
"""From the clock of ``info()`` to UTC."""
RATE = 30


def steps(samples: int, seed: int = 0) -> NDArray[np.int16]:
    """Noise around 1 g at 256 steps in a g: int16 ``[samples, 3]``, with the extremes of 12 bits in it."""
    values = np.random.default_rng(seed).normal([10, -250, 40], 20, (samples, 3)).round().astype(np.int16)
    values[0], values[1] = (-2048, 2047, 0), (-1, 1, -2)
    return values


def packet(kind: int, second: int, payload: bytes) -> bytes:
    """A packet of a log.bin."""
    body = struct.pack("<BBIH", 0x1E, kind, second, len(payload)) + payload
    return body + bytes([0xFF ^ reduce(xor, body)])


def packed(kind: int, values: NDArray[np.int16]) -> bytes:
    """Samples ``[n, 3]`` (x, y, z) as an activity packet of this kind holds them."""
    if kind == ACTIVITY_2:
        return values.astype("<i2").tobytes()
    bits = "".join(f"{int(value) & 0xFFF:012b}" for value in values[:, [1, 0, 2]].reshape(-1))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def activity(kind: int, values: NDArray[np.int16], rate: int, seconds: Sequence[int] | None = None) -> list[bytes]:
    """A packet a second, one after another from ``START_S`` or at the given seconds after it."""
    pieces = np.split(values, range(rate, len(values), rate))
    when = range(len(pieces)) if seconds is None else seconds
    return [packet(kind, START_S + second, packed(kind, piece)) for second, piece in zip(when, pieces, strict=True)]


def parameters(**values: int) -> bytes:
    """A parameters packet with the names that matter."""
    keys = {"accel_scale": (0, 55), "sample_rate": (1, 10)}
    pairs = (struct.pack("<HHI", *keys[name], value) for name, value in values.items())
    return packet(PARAMETERS, START_S, b"".join(pairs))


def metadata(**values: object) -> bytes:
    """A metadata packet."""
    return packet(METADATA, START_S, json.dumps(values).encode())


def info(**changed: object) -> str:
    """An info.txt; ``Sample_Rate=30`` changes a line, ``None`` leaves it out."""
    lines: dict[str, object] = {
        "Serial Number": "TAS1H30182785",
        "Device Type": "Link",
        "Firmware": "1.7.2",
        "Sample Rate": 30,
        "Start Date": TICKS_OF_1970 + START_S * 10**7,
        "Last Sample Time": TICKS_OF_1970 + (START_S + 3600) * 10**7,
        "TimeZone": "-04:00:00",
        "Acceleration Scale": "256.0",
        "Acceleration Max": "8.0",
        "Subject Name": "ann",
    }
    lines |= {key.replace("_", " "): value for key, value in changed.items()}
    return "".join(f"{key}: {value}\r\n" for key, value in lines.items() if value is not None)


def neo(**changed: object) -> str:
    """The info.txt of a GT3X+ of old firmware."""
    old = {"Serial_Number": "NEO1C04110003", "Acceleration_Scale": None, "Acceleration_Max": None}
    return info(**(old | changed))


def write_gt3x(
    folder: Path,
    log: Sequence[bytes] | bytes,
    about: str | None = None,
    *,
    name: str = "watch.gt3x",
    log_name: str = "log.bin",
) -> Path:
    """A ``.gt3x`` file."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(log_name, log if isinstance(log, bytes) else b"".join(log))
        file.writestr("info.txt", info() if about is None else about)
    return path


def export_header(
    *,
    first: str = "date format M/d/yyyy at 30 Hz  Filter Normal",
    start: tuple[str, str] = ("18:40:00", "9/17/2019"),
    download: tuple[str, str] = ("19:20:05", "9/17/2019"),
    period: str = "00:00:00",
) -> list[str]:
    """The ten lines that ActiLife's CSV exports begin with."""
    return [
        f"------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 Firmware v1.7.2 {first} -----------",
        "Serial Number: TAS1H30182785",
        f"Start Time {start[0]}",
        f"Start Date {start[1]}",
        f"Epoch Period (hh:mm:ss) {period}",
        f"Download Time {download[0]}",
        f"Download Date {download[1]}",
        "Current Memory Address: 0",
        "Current Battery Voltage: 4.18     Mode = 12",
        "--------------------------------------------------",
    ]
