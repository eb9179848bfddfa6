"""A GENEActiv ``.bin`` -> a Recording as found."""

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.device import DeviceSamples, device_recording, plain_file, plain_head
from harken.readers.geneactiv.header import Header, looks_like_header, read_header
from harken.readers.geneactiv.pages import Pages, find_pages
from harken.readers.geneactiv.samples import read_samples
from harken.readers.geneactiv.times import PageTimes, page_times
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording

__all__ = ["CHANNELS", "looks_like_geneactiv", "pages_recording", "read_geneactiv"]

CHANNELS = ("x", "y", "z", "temperature")


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
    times = page_times(pages)
    return pages_recording(path, options, header, times, times.of(0, len(pages.number)), signals)


def pages_recording(
    path: Path,
    options: TableOptions,
    header: Header,
    times: PageTimes,
    local_ns: NDArray[np.int64],
    signals: NDArray[np.float32],
) -> Recording:
    """Build a recording as found of samples at these times."""
    samples = DeviceSamples(
        local_ns=local_ns,
        signals=signals,
        channels=CHANNELS,
        range_g=header.range_g,
        subject=header.subject,
        notes=_notes(header, times.pages, times.rate_hz),
        stated_rate_hz=header.rate_hz or float(times.pages.rate_hz[0]),
        worn_on=header.location,
    )
    return device_recording(path, samples, options)


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
