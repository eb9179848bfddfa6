"""Unilever's GENEA, which came before GENEActiv: ``.bin`` files are recognised, and refused with what to do instead.

No Python library reads them: actfast says so itself, and scikit-digital-health ends the process.
"""

from pathlib import Path
from typing import NoReturn

from harken.readers.device import plain_head
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["open_source", "recognises"]

MARK = b"GENEA/"


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001 - .bin says nothing, and readers are alike
    """Whether a file is a GENEA's, by its first bytes ``head`` (gzipped or not)."""
    return plain_head(head).startswith(MARK)


def open_source(path: Path, options: TableOptions) -> NoReturn:  # noqa: ARG001 - as every reader
    """Refuse a GENEA's file.

    Raises:
        HarkenError: always; the message says what reads such files.
    """
    raise HarkenError(
        f"{path}: this is a recording of a GENEA, which is no longer made, and harken does not read these: no Python "
        "library does. The function readGenea of the R package GGIRread does (its rawxyz is in thousandths of g, its "
        "timestamps1 in seconds since 1970); write them as a CSV file with columns time, x, y, z and read that"
    )
