"""The header of a ``.cwa`` file: which watch, and what was written on it."""

from dataclasses import dataclass
from urllib.parse import parse_qs

__all__ = ["CwaHeader", "looks_like_header", "read_header"]

MARK = b"MD\xfc\x03"
"""And the length of what follows, 1,020 bytes."""
AX6 = 0x64
ANNOTATION = slice(64, 512)
FILLER = "\0\xff "
SUBJECT, SITE = "_sc", "_p"
"""OMGUI's names, among the annotations, for the subject's code and for where the watch is worn."""


@dataclass(frozen=True)
class CwaHeader:
    """``device`` is the watch's number, ``subject`` whose it was, ``site`` where it was worn; these two are empty when
    they were not written down."""

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
        """The watch, in a sentence."""
        return (
            f"Axivity {self.model} {self.device}, firmware {self.firmware}, session {self.session}, "
            f"range ±{self.range_g:g} g."
        )


def looks_like_header(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a ``.cwa``."""
    return head.startswith(MARK)


def read_header(head: bytes) -> CwaHeader:
    """Read the first 1,024 bytes of a file. They carry no checksum."""
    upper = int.from_bytes(head[11:13], "little")
    annotation = head[ANNOTATION].decode("latin-1").strip(FILLER)
    said = parse_qs(annotation, errors="replace")
    return CwaHeader(
        model="AX6" if head[4] == AX6 else "AX3",
        device=int.from_bytes(head[5:7], "little") | (0 if upper == 0xFFFF else upper) << 16,
        session=int.from_bytes(head[7:11], "little"),
        firmware=head[41],
        rate_hz=3200 / 2 ** (15 - (head[36] & 15)),
        range_g=16 >> (head[36] >> 6),
        subject=_printable(said.get(SUBJECT, [""])[0]),
        site=_printable(said.get(SITE, [""])[0]),
    )


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
