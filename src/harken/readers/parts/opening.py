"""Which files stream, and what becomes of the others."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from harken.readers import read
from harken.readers.actigraph import read_actilife_csv, read_gt3x
from harken.readers.axivity import read_axivity
from harken.readers.csv import read_csv
from harken.readers.geneactiv import read_geneactiv
from harken.readers.kinds import Reader, reader_of
from harken.readers.omgui import read_omgui
from harken.readers.options import TableOptions
from harken.readers.parquet import read_parquet
from harken.readers.parts.actilife import found_actilife_csv
from harken.readers.parts.axivity import found_axivity
from harken.readers.parts.csv import found_csv
from harken.readers.parts.found import CannotStreamError, Found
from harken.readers.parts.geneactiv import found_geneactiv
from harken.readers.parts.gt3x import found_gt3x
from harken.readers.parts.omgui import found_omgui
from harken.readers.parts.parquet import found_parquet
from harken.readers.parts.parts import Listener, Parts, parts_of, surveyed_parts
from harken.support.errors import HarkenError

__all__ = ["open_parts"]

STREAMING: dict[Reader, Callable[[Path, TableOptions], Found]] = {
    read_parquet: found_parquet,
    read_axivity: found_axivity,
    read_geneactiv: found_geneactiv,
    read_gt3x: found_gt3x,
    read_csv: found_csv,
    read_actilife_csv: found_actilife_csv,
    read_omgui: found_omgui,
}


def open_parts(path: str | Path, *, listener: Listener | None = None, **options: Any) -> Parts:
    """A recording as a stream of mended parts that can be read again and again.

    The samples are those of ``harken.read`` on the same file, and so are counts and sentences in ``quality``; labels
    in the file are not given. Memory does not grow with the recording for CSV files (ActiLife's and OMGUI's exports
    too), for Parquet files with numeric times or datetimes, and for Axivity's ``.cwa``, ActiGraph's ``.gt3x`` and
    GENEActiv's ``.bin``; the file is read once to see what there is to mend. Every other file, one whose rows are out
    of order, whatever ``--rate`` or ``--subject`` must pick apart, and local times through an hour that the clock
    showed twice, is read whole and given in slices.

    Args:
        path: the file.
        listener: told the channels and then all samples while the file is looked at, so that one reading may serve for
            two. Only where the parts say that they were ``overheard`` may it believe that it heard them: samples may be
            marked in the end, or the file be read whole.
        options: as for ``harken.read``.

    Raises:
        HarkenError: as ``harken.read``.
    """
    path = Path(path)
    known = {field.name for field in fields(TableOptions)}
    if not set(options) <= known:
        return parts_of(read(path, **options))  # which says what is wrong
    table_options = TableOptions(**options)
    try:
        streaming = STREAMING.get(reader_of(path, table_options)) if path.is_file() else None
        if streaming is not None and table_options.sample_rate_hz is None:
            return _streamed(partial(streaming, path, table_options), table_options, listener)
    except CannotStreamError:
        pass
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    return parts_of(read(path, **options))


def _streamed(found: Callable[[], Found], options: TableOptions, listener: Listener | None) -> Parts:
    while True:
        try:
            return surveyed_parts(found(), options.sensor_range_g, listener)
        except CannotStreamError as error:
            if error.instead is None:
                raise
            found = error.instead
