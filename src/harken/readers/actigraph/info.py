"""Metadata of a ``.gt3x`` file: ``info.txt``, and the JSON and parameters at the beginning of its log."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

INFO = "info.txt"
TICKS_OF_1970 = 621_355_968_000_000_000
NS_PER_TICK = 100
LATEST_TICKS = TICKS_OF_1970 + 200 * 31_557_600 * 10**7  # the year 2170
OFFSET = re.compile(r"([+-]?)(\d{1,2}):(\d{2})(?::\d{2})?")

WIDEST_RANGE_G = 64

ACCEL_SCALE = (0, 55)
SAMPLE_RATE = (1, 10)
"""The address space and the identifier of the parameters used here."""
DOCUMENTED_SCALES = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0}
"""Counts per g by the beginning of the serial number, for files without a scale. Source: ActiGraph's documentation."""
RANGES_G = {"NEO": 6.0, "CLE": 6.0, "MRA": 6.0, "MOS": 8.0, "TAS": 8.0}
"""The ranges of these devices. Source: ActiGraph's documentation, and files of a Link."""


@dataclass(frozen=True)
class Info:
    """The lines of ``info.txt`` by their keys in lower case."""

    lines: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.lines.get(key.lower(), "")

    def number(self, key: str) -> float | None:
        """The number in a line, with a decimal point or, in some files, a decimal comma."""
        try:
            value = float(self[key].replace(",", "."))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def time_ns(self, key: str) -> int | None:
        """The .NET ticks in a line, converted to ns since 1970 by the watch's clock; None if they are missing or 0."""
        digits = self[key]
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            return None
        ticks = int(digits)
        return (ticks - TICKS_OF_1970) * NS_PER_TICK if TICKS_OF_1970 < ticks <= LATEST_TICKS else None

    @property
    def offset_s(self) -> int | None:
        """The clock's offset from UTC in seconds, positive east of Greenwich."""
        return _offset(self["TimeZone"])

    @property
    def documented_scale(self) -> float | None:
        """Counts per g of this kind of device, according to ActiGraph's documentation."""
        return DOCUMENTED_SCALES.get(self["Serial Number"][:3].upper())

    @property
    def range_g(self) -> float | None:
        """The sensor's range in g: from the file, else by the kind of device."""
        stated_g = self.number("Acceleration Max")
        return stated_g if stated_g and 1 <= stated_g <= WIDEST_RANGE_G else range_of(self["Serial Number"])


@dataclass(frozen=True)
class Metadata:
    """The content of the JSON packets of a log: subject, limb, the clock's offset from UTC, and whether it *was*
    UTC."""

    subject: str = ""
    limb: str = ""
    offset_s: int | None = None
    in_utc: bool = False


def range_of(serial_number: str) -> float | None:
    """The range of a device in g, by its serial number."""
    return RANGES_G.get(serial_number[:3].upper())


def parse_info(text: str) -> Info:
    """The lines ``key: value`` of an ``info.txt``."""
    pairs = (line.partition(":") for line in text.splitlines())
    return Info({key.strip().lower(): value.strip() for key, colon, value in pairs if colon})


def parse_metadata(payloads: Iterable[bytes]) -> Metadata:
    """Parse the metadata packets of a log. Packets that are not JSON are ignored."""
    by_type: dict[str, dict[str, Any]] = {}
    for payload in payloads:
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            by_type.setdefault(str(found.get("MetadataType")), found)
    bio, local, subject = by_type.get("Bio", {}), by_type.get("LocalTimeLog", {}), by_type.get("SubjectTimeLog", {})
    offset = _offset(str(subject.get("UtcOffset", "")))
    return Metadata(
        subject=str(bio.get("SubjectName") or "").strip(),
        limb=str(bio.get("Limb") or "").strip(),
        offset_s=_offset(str(local.get("UtcOffset", ""))) if offset is None else offset,
        in_utc=local.get("UsedUtc") is True,
    )


def parameters_from(payload: bytes) -> dict[tuple[int, int], int]:
    """The pairs of a parameters packet: (address space, identifier) -> 32 bits."""
    pairs = np.frombuffer(payload, dtype=[("space", "<u2"), ("key", "<u2"), ("value", "<u4")], count=len(payload) // 8)
    return {(int(space), int(key)): int(value) for space, key, value in pairs}


def encoded_float(bits: int) -> float:
    """A floating-point parameter: three bytes of fraction, one byte of exponent, both in two's complement."""
    fraction = (bits & 0xFFFFFF) - (1 << 24) * (bits >> 23 & 1)
    exponent = (bits >> 24) - (1 << 8) * (bits >> 31)
    return math.ldexp(fraction, exponent - 23)


def _offset(text: str) -> int | None:
    found = OFFSET.fullmatch(text.strip())
    if found is None:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return -seconds if found[1] == "-" else seconds
