"""The header of a GENEActiv ``.bin``: lines of text, of which a handful matter."""

import re
from dataclasses import dataclass
from pathlib import Path

from harken.support.errors import HarkenError

__all__ = ["BinHeader", "looks_like_header", "read_header"]

MARK = b"Device Identity"
MAKE = b"GENEActiv"
FILLER = "\0 \t"
COUNTS_PER_G = 25_600
"""A gain in hundredths: 2,048 counts are 8 g. Each watch's differs by a few per cent."""
MOST_GAIN_ERROR = 0.2
MOST_OFFSET = 12_800
"""Half a g; the offset is in hundredths of a count."""
ZONE = re.compile(r"GMT [+-]\d\d:\d\d")
DRIFT = re.compile(r"clock drift (-?\d+(?:\.\d+)?) ?s")


@dataclass(frozen=True)
class BinHeader:
    """``gains`` and ``offsets`` are those of x, y and z; what the header does not say is empty, or None."""

    serial: str
    model: str
    firmware: str
    subject: str
    location: str
    rate_hz: float | None
    range_g: float | None
    pages: int | None
    zone: str
    drift_s: float | None
    gains: tuple[int, int, int]
    offsets: tuple[int, int, int]

    @property
    def description(self) -> str:
        """The watch, in a sentence."""
        parts = [f"GENEActiv {self.model} {self.serial}".replace("  ", " ").strip()]
        parts += [f"firmware {self.firmware}"] if self.firmware else []
        parts += [f"range ±{self.range_g:g} g"] if self.range_g else []
        return ", ".join(parts) + "."


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a GENEActiv's."""
    return head.startswith(MARK) and MAKE in head


def read_header(source: Path, header: bytes) -> BinHeader:
    """Read what stands before the first page.

    Raises:
        HarkenError: when the calibration, without which there is no acceleration, is missing or cannot be.
    """
    lines = (line.partition(":") for line in header.decode("latin-1").splitlines())
    # The first of a name counts: a page names the device again.
    said: dict[str, str] = {}
    for name, _, value in lines:
        said.setdefault(name.strip(FILLER), "".join(c for c in value if c.isprintable()).strip(FILLER))
    gains, offsets = [], []
    for axis in "xyz":
        gain, offset = _whole_number(said.get(f"{axis} gain", "")), _whole_number(said.get(f"{axis} offset", ""))
        if gain is None or offset is None:
            raise HarkenError(f"{source}: the header does not say the {axis} axis's gain and offset; it is damaged")
        if abs(gain / COUNTS_PER_G - 1) > MOST_GAIN_ERROR or abs(offset) > MOST_OFFSET:
            raise HarkenError(
                f"{source}: the header says a gain of {gain} and an offset of {offset} for the {axis} axis, and a "
                f"GENEActiv has {COUNTS_PER_G} and 0, give or take a few per cent; it is damaged"
            )
        gains.append(gain)
        offsets.append(offset)
    drift = DRIFT.search(said.get("Extract Notes", ""))
    zone = ZONE.fullmatch(said.get("Time Zone", ""))
    return BinHeader(
        serial=said.get("Device Unique Serial Code", ""),
        model=said.get("Device Model", ""),
        firmware=said.get("Device Firmware Version", ""),
        subject=said.get("Subject Code", ""),
        location=said.get("Device Location Code", ""),
        rate_hz=_number(said.get("Measurement Frequency", "")),
        range_g=_number(said.get("Accelerometer Range", "").rpartition(" ")[2]),
        pages=_whole_number(said.get("Number of Pages", "")),
        zone=zone.group() if zone else "",
        drift_s=float(drift.group(1)) if drift else None,
        gains=(gains[0], gains[1], gains[2]),
        offsets=(offsets[0], offsets[1], offsets[2]),
    )


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) else None


def _number(text: str) -> float | None:
    found = re.match(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII)
    return float(found.group()) if found and float(found.group()) > 0 else None
