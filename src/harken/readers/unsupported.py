"""Unsupported formats, which raise an error with advice: Unilever's GENEA and Parmay Tech's Matrix.

No library with a suitable licence reads them reliably. GENEA is the predecessor of GENEActiv: actfast does not support
it, and scikit-digital-health ends the process. For files of a Matrix, scikit-digital-health ends the process or never
ends, and actipy is licensed for academic use only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harken.readers.device import plain_head
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError

__all__ = ["GENEA", "MATRIX", "UnsupportedReader"]

GENEA_MARK = b"GENEA/"
MATRIX_REMARKS_BYTES = 512
MATRIX_MARK = b"MDTC"
MATRIX_PACKET = b"MDTCPACK"


@dataclass(frozen=True)
class UnsupportedReader:
    """The reader of a format that cannot be read.

    Attributes:
        looks_right: whether a file with this path and these first bytes, unpacked, has the format.
        reason: a description of such a file, and of the software that reads it.
    """

    looks_right: Callable[[Path, bytes], bool]
    reason: str

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file has the format, by its first bytes ``head`` (gzipped or not), else by its name."""
        return self.looks_right(path, plain_head(head))

    def open_source(self, path: Path, options: TableOptions) -> NoReturn:  # noqa: ARG002 - as every reader
        """Raise an error for a file of this format.

        Raises:
            HarkenError: always; the message names software that reads such files.
        """
        raise HarkenError(f"{path}: {self.reason}")


def _is_matrix(path: Path, head: bytes) -> bool:
    named = path.name.lower().removesuffix(".gz").endswith(".bin")
    return head[MATRIX_REMARKS_BYTES:].startswith(MATRIX_MARK) or (named and MATRIX_PACKET in head)


GENEA = UnsupportedReader(
    lambda _, head: head.startswith(GENEA_MARK),
    "this is a recording of a GENEA, which is no longer made; harken cannot read it. Read it "
    "with the function readGenea of the R package GGIRread, write its timestamps1 (seconds since "
    "1970) and its rawxyz (thousandths of g) as a CSV file with columns time, x, y, z, and read "
    "that file",
)
MATRIX = UnsupportedReader(
    _is_matrix,
    "this is a recording of a Parmay Tech Matrix; harken cannot read it. Read it with the "
    "function readParmayMatrix of the R package GGIRread, write its columns time, acc_x, acc_y "
    "and acc_z as a CSV file, and read that file with --time-column time --x-column acc_x "
    "--y-column acc_y --z-column acc_z",
)
