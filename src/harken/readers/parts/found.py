"""What a streaming reader gives: the facts of a file, and its samples as they were found, a piece at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from harken.recordings.recording import Quality
from harken.recordings.samples import Samples
from harken.support.printable import printable

__all__ = ["CannotStreamError", "Found", "Pieces"]

Pieces = Callable[[], Iterator[Samples]]
"""The file's samples from its beginning, in UTC and in g, nothing mended. It may be called again and again."""


class CannotStreamError(Exception):
    """A file that can only be understood as a whole; the message says why. It is then read whole.

    Attributes:
        instead: another way to read it in pieces, to be tried first; None: there is none.
    """

    def __init__(self, reason: str, instead: "Callable[[], Found] | None" = None) -> None:
        super().__init__(reason)
        self.instead = instead


@dataclass(frozen=True)
class Found:
    """A file as a streaming reader found it.

    Attributes:
        pieces: its samples.
        channels, subject, source, timezone, quality: as in a ``Recording``; the quality counts nothing yet.
        concluded: asked for once all pieces were read: the quality with what only then is known.
        marked: asked then too: whether samples are marked when the pieces are asked for again that were not before.
    """

    pieces: Pieces
    channels: tuple[str, ...]
    subject: str
    source: str
    timezone: str
    quality: Quality
    concluded: Callable[[], Quality] | None = field(default=None)
    marked: Callable[[], bool] | None = field(default=None)

    def __post_init__(self) -> None:
        for name in ("subject", "source"):  # often from a file's name, which may be any bytes
            object.__setattr__(self, name, printable(getattr(self, name)))
