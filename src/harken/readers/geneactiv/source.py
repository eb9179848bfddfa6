"""A GENEActiv ``.bin`` file: its pages -> a ``Source``."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harken.readers.device import DeviceFacts, DeviceSource, LocalSamples, entered_for, plain_file, plain_head
from harken.readers.geneactiv.pages import find_pages, looks_like_header, read_header
from harken.readers.geneactiv.samples import CHANNELS, page_times, read_samples
from harken.readers.options import TableOptions
from harken.recordings.source import Room

__all__ = ["open_source", "recognises"]


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001 - .bin says nothing, and readers are alike
    """Whether a file is a GENEActiv's, by its first bytes ``head`` (gzipped or not)."""
    return looks_like_header(plain_head(head))


def open_source(path: Path, options: TableOptions) -> "GeneactivSource":
    """Open a GENEActiv's ``.bin``, gzipped or not.

    Channels are ``x, y, z`` in g, by the calibration in the file's header, and ``temperature`` in °C, of which there is
    one number a page (300 samples). Light and button are left in the file. The subject is the header's subject code.

    Samples are spread between the times of their page and of the next; where something is missing between the two
    there is a gap. Pages that do not read as they should are left out and counted in a note. Pages carry no checksum:
    a hexadecimal digit that turned into another one cannot be told from a movement.

    Raises:
        HarkenError: when this is no such file, its header's calibration is damaged, no page is whole, or actfast is
            missing.
    """
    return GeneactivSource(path, options)


class GeneactivSource(DeviceSource):
    """The samples of a file's whole pages. What had to be unpacked lies aside for as long as the source is used."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        self._plain = entered_for(self, plain_file(path, looks_like_header, "GENEActiv .bin file"))
        with _mapped(self._plain) as content:
            end_of_header, pages = find_pages(path, content)
            self._header = read_header(path, content[:end_of_header])
        self._times = page_times(pages)
        self._stated_rate_hz = self._header.rate_hz or float(pages.rate_hz[0])
        facts = DeviceFacts(
            channels=CHANNELS,
            range_g=self._header.range_g,
            subject=self._header.subject,
            stated_rate_hz=self._stated_rate_hz,
            worn_on=self._header.location,
        )
        super().__init__(path, options, facts)
        self.capacity = int(pages.samples.sum())

    def local_samples(self, room: Room) -> Iterator[LocalSamples]:
        """See ``DeviceSource``."""
        with _mapped(self._plain) as content:
            yield from read_samples(self._path, content, self._header, self._times, room)

    def notes(self) -> list[str]:
        """See ``DeviceSource``."""
        header, pages = self._header, self._times.pages
        in_file = pages.damaged + len(pages.number)
        notes = [
            header.description,
            f"The watch was set to {self._stated_rate_hz:g} Hz; by its clock it recorded at "
            f"{self._times.rate_hz:.5g} Hz.",
        ]
        if pages.damaged:
            notes.append(
                f"About {pages.damaged:,} of {in_file:,} pages of the file are damaged and were left out; what they "
                "held is a gap."
            )
        if pages.cut_short:
            notes.append("The file was cut short: it ends inside its last page, whose whole samples were kept.")
        if header.pages is not None and header.pages > in_file:
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


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
