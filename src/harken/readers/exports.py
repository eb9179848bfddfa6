"""What the readers of loggers' exports share: a first look at a file, whose it is, and what to say about it."""

import os
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from harken.readers.blocks import GZIPPED, stem
from harken.readers.device import plain_head
from harken.readers.layout import SNIFFED_BYTES, Layout, recognise_layout
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["TURNED", "cut_short_note", "describes_columns", "first_look", "never_run", "owner"]

DESCRIBING = ("skip_rows", "time_format")
"""Options, beside those that name columns, that say how to read a table of a form harken does not know."""

TURNED = (
    "All three axes of acceleration were turned round: Apple's gravity points down, and what harken, Android and "
    "research watches measure holds against it and points up."
)


@lru_cache(maxsize=1)  # half a dozen readers look at the same beginning, one after the other
def first_look(path: Path, head: bytes) -> Layout | None:
    """The layout of the table that begins with ``head`` (64 KiB of it, gzipped or not); None when there is none."""
    try:
        return recognise_layout(path, plain_head(head)[:SNIFFED_BYTES], 0)
    except HarkenError:
        return None


def describes_columns(options: TableOptions) -> bool:
    """Whether the user says how the table is to be read: then no reader should know better."""
    names = [field.name for field in fields(options) if field.name.endswith("_column")]
    return any(getattr(options, name) for name in (*names, *DESCRIBING))


def owner(path: Path, usual_stems: tuple[str, ...] = ()) -> str:
    """Whose recording a file or folder is: its name without ``.csv``, ``.zip`` or ``.gz``.

    A file that has one of the ``usual_stems``, which an app gives to everybody's file, goes by its folder's name.
    """
    own = stem(path)
    return path.absolute().parent.name or own if own in usual_stems else own


def never_run(kind: str) -> str:
    """The note of a reader that was written without a file to try it on."""
    return (
        f"harken's reader of {kind} was written from documentation and was never run on a real file: "
        "look at the result before you rely on it."
    )


def cut_short_note(path: Path) -> list[str]:
    """A note where a file's last line is not ended, so that its last number may have lost digits.

    What is packed has a checksum, so that it would not have been read.
    """
    if not path.is_file():  # it lies in an archive
        return []
    with path.open("rb") as file:
        packed = file.read(len(GZIPPED)) == GZIPPED
        file.seek(-1, os.SEEK_END)
        if packed or file.read(1) == b"\n":
            return []
    return ["The file does not end with its last line's end: if it was cut short, its last number has lost digits."]
