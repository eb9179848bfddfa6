"""Parmay Tech Matrix: ``.BIN`` files are recognised, and refused with what to do instead.

No library that may come with harken reads them: scikit-digital-health ends the process or runs without end on real
files, and actipy may be used for academic work only.
"""

from pathlib import Path
from typing import NoReturn

from harken.readers.device import plain_head
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["open_source", "recognises"]

REMARKS_BYTES = 512
MARK = b"MDTC"
PACKET = b"MDTCPACK"


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a Matrix's, by its first bytes ``head`` (gzipped or not), else by its name and its packets."""
    head = plain_head(head)
    named = path.name.lower().removesuffix(".gz").endswith(".bin")
    return head[REMARKS_BYTES:].startswith(MARK) or (named and PACKET in head)


def open_source(path: Path, options: TableOptions) -> NoReturn:  # noqa: ARG001 - as every reader
    """Refuse a Matrix's file.

    Raises:
        HarkenError: always; the message says what reads such files.
    """
    raise HarkenError(
        f"{path}: this is a recording of a Parmay Tech Matrix, and harken does not read these: there is no library for "
        "them that it could rely on. The function readParmayMatrix of the R package GGIRread does; write its columns "
        "time, acc_x, acc_y and acc_z as a CSV file and read that with --time-column time --x-column acc_x "
        "--y-column acc_y --z-column acc_z"
    )
