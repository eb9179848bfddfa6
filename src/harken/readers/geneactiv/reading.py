"""A GENEActiv ``.bin`` -> a Recording as found."""

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import DeviceSamples, device_recording, plain_file, plain_head
from harken.readers.geneactiv.header import Header, looks_like_header, read_header
from harken.readers.geneactiv.pages import LATE, Pages, find_pages
from harken.readers.geneactiv.samples import read_samples
from harken.readers.options import TableOptions
from harken.recording import Recording

__all__ = ["looks_like_geneactiv", "read_geneactiv"]

EARLIEST = 0.8
"""A page that follows another this share of its length after it, or later, is squeezed rather than laid over it."""


def looks_like_geneactiv(path: Path, head: bytes) -> bool:  # noqa: ARG001 - .bin says nothing, and readers are alike
    """Whether a file is a GENEActiv's, by its first bytes ``head`` (gzipped or not)."""
    return looks_like_header(plain_head(head))


def read_geneactiv(path: Path, options: TableOptions) -> Recording:
    """Read a GENEActiv's ``.bin``, gzipped or not, as it was found.

    Channels are ``x, y, z`` in g, by the calibration in the file's header, and ``temperature`` in °C, of which there is
    one number a page (300 samples). Light and button are left in the file. The subject is the header's subject code.

    Samples are spread between the times of their page and of the next; where something is missing between the two
    there is a gap. Pages that do not read as they should are left out and counted in a note. Pages carry no checksum:
    a hexadecimal digit that turned into another one cannot be told from a movement.

    Raises:
        HarkenError: when this is no such file, its header's calibration is damaged, no page is whole, or actfast is
            missing.
    """
    with (
        plain_file(path, looks_like_header, "GENEActiv .bin file") as plain,
        plain.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        end_of_header, pages = find_pages(path, content)
        header = read_header(path, content[:end_of_header])
        signals = read_samples(path, content, header, pages)
    local_ns, rate_hz = _times(pages)
    samples = DeviceSamples(
        local_ns=local_ns,
        signals=signals,
        channels=("x", "y", "z", "temperature"),
        range_g=header.range_g,
        subject=header.subject,
        notes=_notes(header, pages, rate_hz),
        stated_rate_hz=header.rate_hz or float(pages.rate_hz[0]),
    )
    return device_recording(path, samples, options)


def _times(pages: Pages) -> tuple[NDArray[np.int64], float]:
    """The watch's clock at each sample, ``[n]``, and the rate by it."""
    counts = pages.samples
    length = counts[:-1] * (1e9 / pages.rate_hz[:-1])
    to_next = np.diff(pages.time_ns)
    lasting = (to_next >= EARLIEST * length) & (to_next <= (1 + LATE) * length) & (np.diff(pages.number) == 1)
    rate_hz = float(pages.rate_hz[0])
    if lasting.any():
        rate_hz = float(counts[:-1][lasting].sum()) / float(to_next[lasting].sum() / 1e9)
    step = np.full(len(counts), 1e9 / rate_hz)
    step[:-1][lasting] = to_next[lasting] / counts[:-1][lasting]
    local_ns = np.empty(int(counts.sum()), dtype=np.int64)
    before_last = len(local_ns) - int(counts[-1])  # all pages but the last are as long as one another
    grid = local_ns[:before_last].reshape(len(counts) - 1, int(counts[0]) if len(counts) > 1 else 0)
    np.multiply(step[:-1, np.newaxis], np.arange(grid.shape[1]), out=grid, casting="unsafe")  # without a copy
    grid += pages.time_ns[:-1, np.newaxis]
    local_ns[before_last:] = pages.time_ns[-1] + np.rint(step[-1] * np.arange(counts[-1])).astype(np.int64)
    return local_ns, rate_hz


def _notes(header: Header, pages: Pages, rate_hz: float) -> list[str]:
    said_hz = header.rate_hz or pages.rate_hz[0]
    notes = [
        header.description,
        f"The watch was set to {said_hz:g} Hz; by its clock it recorded at {rate_hz:.5g} Hz.",
    ]
    if pages.damaged:
        notes.append(
            f"About {pages.damaged:,} of {pages.damaged + len(pages.number):,} pages of the file are damaged and were "
            "left out; what they held is a gap."
        )
    if pages.cut_short:
        notes.append("The file was cut short: it ends inside its last page, whose whole samples were kept.")
    if header.pages is not None and header.pages > pages.damaged + len(pages.number):
        notes.append(f"The header announces {header.pages:,} pages, more than there are in the file.")
    if header.zone:
        notes.append(
            f"The header says that the clock was set in {header.zone}, which the maker writes with or without "
            "summer time; it was not used."
        )
    if header.drift_s is not None:
        notes.append(
            f"When it was read out, the watch's clock was off by {header.drift_s:+g} s; times are as it showed."
        )
    return notes
