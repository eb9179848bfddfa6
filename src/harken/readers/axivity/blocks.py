"""The header and the blocks of a ``.cwa`` file: which blocks are intact, and the fields at their beginnings.

A file is a header of 1,024 bytes and blocks of 512, each with its own time, number and checksum. The layout is
Open Movement's, "AX3/AX6 technical documentation". Libraries that read the samples do not verify the checksums.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError

HEADER_BYTES = 1024
BLOCK_BYTES = 512
BLOCKS_AT_ONCE = 1 << 15
FIELDS = {
    "session": ("<u4", 6),
    "sequence": ("<u4", 10),
    "time": ("<u4", 14),
    "scales": ("<u2", 18),
    "temperature": ("<u2", 20),
    "rate": ("u1", 24),
    "form": ("u1", 25),
    "offset": ("<i2", 26),
    "samples": ("<u2", 28),
}
"""The fields of a block that are kept, with their offsets."""
KEPT = np.dtype([(name, kind) for name, (kind, _) in FIELDS.items()])
START = np.dtype(
    {
        "names": ["mark", "length", *FIELDS],
        "formats": ["S2", "<u2", *(kind for kind, _ in FIELDS.values())],
        "offsets": [0, 2, *(offset for _, offset in FIELDS.values())],
        "itemsize": BLOCK_BYTES,
    }
)
MARK, LENGTH = b"AX", 508
SAMPLES_BYTES = 480
BYTES_PER_SAMPLE = {0x30: 4, 0x32: 6, 0x62: 12, 0x92: 18}
"""Bytes per sample by format. The upper four bits are the number of axes. The lower four bits are 0 (ten bits for each
axis and a shared exponent) or 2 (two bytes for each axis)."""
AXES_WITH_ROTATION = 6
DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0])
FILE_MARK = b"MD\xfc\x03"
"""The mark of the header, followed by the length of the rest, 1,020 bytes."""
AX6 = 0x64
ANNOTATION = slice(64, 512)
FILLER = "\0\xff "
SUBJECT, SITE = "_sc", "_p"
"""OMGUI's names, among the annotations, for the subject's code and for where the watch is worn."""


@dataclass(frozen=True)
class Blocks:
    """The fields of a file's blocks.

    Attributes:
        found: the number of complete blocks in the file, including damaged ones.
        rows: int64 ``[whole]``, the numbers of the intact blocks.
        start: structured ``[whole]``, the ``FIELDS`` at the beginnings of the intact blocks.
        spare_bytes: bytes after the last complete block.
    """

    found: int
    rows: NDArray[np.int64]
    start: NDArray[np.void]
    spare_bytes: int

    def part(self, first: int, last: int) -> "Blocks":
        """Only the intact blocks ``first`` to ``last`` (exclusive)."""
        return replace(self, rows=self.rows[first:last], start=self.start[first:last])

    @property
    def damaged(self) -> int:
        """The number of damaged blocks, which are left out."""
        return self.found - len(self.rows)

    @property
    def samples(self) -> NDArray[np.int64]:
        """The number of samples in each intact block, ``[whole]``."""
        return self.start["samples"].astype(np.int64)

    @property
    def temperatures(self) -> NDArray[np.float32]:
        """The temperature of each intact block in °C, ``[whole]``."""
        return np.asarray((self.start["temperature"] & 1023) * np.float32(75 / 256) - np.float32(50), np.float32)

    @property
    def axes(self) -> NDArray[np.uint8]:
        """The number of axes in each intact block, ``[whole]``: 3, 6 or 9."""
        return np.asarray(self.start["form"] >> 4, dtype=np.uint8)

    @property
    def has_rotation(self) -> bool:
        """Whether all intact blocks have the axes of a gyroscope."""
        return bool((self.axes >= AXES_WITH_ROTATION).all())

    @property
    def header_rates_hz(self) -> NDArray[np.float64]:
        """The configured rate of each intact block in Hz, ``[whole]``."""
        return np.asarray(3200.0 / 2.0 ** (15 - (self.start["rate"] & 15).astype(int)))

    @property
    def follows(self) -> NDArray[np.bool_]:
        """For each intact block except the first, whether it directly follows the previous one, ``[whole - 1]``."""
        numbers = self.start["sequence"].astype(np.int64)
        return np.asarray((np.diff(numbers) == 1) & (np.diff(self.rows) == 1) & ~self.new_session)

    @property
    def new_session(self) -> NDArray[np.bool_]:
        """For each intact block except the first, whether a new session begins with it, ``[whole - 1]``."""
        return np.asarray(self.start["session"][1:] != self.start["session"][:-1])


def find_blocks(path: Path, source: Path) -> Blocks:
    """Read the fields of all blocks of the file ``path``; errors name ``source``.

    Raises:
        HarkenError: when no block is intact.
    """
    found, spare = divmod(max(0, path.stat().st_size - HEADER_BYTES), BLOCK_BYTES)
    rows: list[NDArray[np.int64]] = []
    starts: list[NDArray[np.void]] = []
    old = 0
    for first in range(0, found, BLOCKS_AT_ONCE):
        count = min(BLOCKS_AT_ONCE, found - first)
        content = np.fromfile(path, np.uint8, count * BLOCK_BYTES, offset=HEADER_BYTES + first * BLOCK_BYTES)
        start = content.view(START)
        whole = _whole(start, content)
        rows.append(np.flatnonzero(whole) + first)
        kept = np.empty(int(whole.sum()), KEPT)
        for name in FIELDS:
            kept[name] = start[name][whole]
        starts.append(kept)
        old += int(((start["mark"] == MARK) & (start["rate"] == 0)).sum())
    if not sum(map(len, rows)):
        if old and old > found // 2:
            raise HarkenError(
                f"{source}: it was recorded with a very old firmware, whose blocks have neither a checksum "
                "nor a rate; export it as CSV with OMGUI, and read the export"
            )
        what = f"all of its {found:,} blocks are damaged" if found else "it ends before its first block"
        raise HarkenError(f"{source}: the .cwa file is damaged: {what}. Copy it from the watch again")
    return Blocks(found, np.concatenate(rows), np.concatenate(starts), spare)


def _whole(start: NDArray[np.void], content: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which blocks are intact, bool ``[blocks]``: the 16-bit words of an intact block have the sum 0."""
    words = content.view("<u2").reshape(len(start), BLOCK_BYTES // 2)
    whole = (start["mark"] == MARK) & (start["length"] == LENGTH) & (words.sum(axis=1, dtype=np.uint16) == 0)
    capacity = np.zeros(256, dtype=np.int64)
    for form, size in BYTES_PER_SAMPLE.items():
        capacity[form] = SAMPLES_BYTES // size
    whole &= (start["samples"] > 0) & (start["samples"] <= capacity[start["form"]])
    return np.asarray(whole & (start["rate"] & 15 > 0) & _is_time(start["time"]))


def _is_time(packed: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether packed times are possible: six bits of years since 2000, four of month, then day, hour, minute,
    second."""
    year, month, day = packed >> 26, packed >> 22 & 15, packed >> 17 & 31
    hour, minute, second = packed >> 12 & 31, packed >> 6 & 63, packed & 63
    days = DAYS[month] + ((month == 2) & (year % 4 == 0))
    return np.asarray((day > 0) & (day <= days) & (hour < 24) & (minute < 60) & (second < 60))


@dataclass(frozen=True)
class CwaHeader:
    """The header: ``device`` is the watch's number, ``subject`` the wearer, ``site`` where it was worn. The last two
    are empty if they are missing."""

    model: str
    device: int
    session: int
    firmware: int
    rate_hz: float
    range_g: float
    subject: str
    site: str

    @property
    def description(self) -> str:
        """A sentence on the watch."""
        return (
            f"Axivity {self.model} {self.device}, firmware {self.firmware}, session {self.session}, "
            f"range ±{self.range_g:g} g."
        )


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a ``.cwa``."""
    return head.startswith(FILE_MARK)


def read_header(head: bytes) -> CwaHeader:
    """Parse the first 1,024 bytes of a file. They have no checksum."""
    upper = int.from_bytes(head[11:13], "little")
    annotation = head[ANNOTATION].decode("latin-1").strip(FILLER)
    annotation_fields = parse_qs(annotation, errors="replace")
    return CwaHeader(
        model="AX6" if head[4] == AX6 else "AX3",
        device=int.from_bytes(head[5:7], "little") | (0 if upper == 0xFFFF else upper) << 16,
        session=int.from_bytes(head[7:11], "little"),
        firmware=head[41],
        rate_hz=3200 / 2 ** (15 - (head[36] & 15)),
        range_g=16 >> (head[36] >> 6),
        subject=_printable(annotation_fields.get(SUBJECT, [""])[0]),
        site=_printable(annotation_fields.get(SITE, [""])[0]),
    )


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
