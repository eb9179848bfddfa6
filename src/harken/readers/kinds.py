"""Which reader a file is for: by its first bytes, and by its name where these say nothing."""

from collections.abc import Callable
from pathlib import Path

from harken.readers.actigraph import looks_like_actilife_csv, looks_like_gt3x, read_actilife_csv, read_gt3x
from harken.readers.axivity import looks_like_axivity, read_axivity
from harken.readers.csv import read_csv
from harken.readers.empatica import looks_like_empatica, read_empatica
from harken.readers.exports import describes_columns
from harken.readers.genea import looks_like_genea, read_genea
from harken.readers.geneactiv import looks_like_geneactiv, read_geneactiv
from harken.readers.matrix import looks_like_matrix, read_matrix
from harken.readers.omgui import looks_like_omgui, read_omgui
from harken.readers.options import TableOptions
from harken.readers.parquet import read_parquet
from harken.readers.phyphox import looks_like_phyphox, read_phyphox
from harken.readers.physics_toolbox import looks_like_physics_toolbox, read_physics_toolbox
from harken.readers.sensor_logger import looks_like_sensor_logger, read_sensor_logger
from harken.readers.sensorlog import looks_like_sensorlog, read_sensorlog
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["Reader", "reader_of"]

Reader = Callable[[Path, TableOptions], Recording]

HEAD_BYTES = 1 << 16

WATCHES: tuple[tuple[Callable[[Path, bytes], bool], Reader], ...] = (
    (looks_like_axivity, read_axivity),
    (looks_like_geneactiv, read_geneactiv),
    (looks_like_genea, read_genea),
    (looks_like_matrix, read_matrix),
    (looks_like_gt3x, read_gt3x),
)
"""Files that only their own reader can read, whatever else is said about them. A ``.gt3x`` is a zip archive, so it is
asked for before the loggers, some of whose exports are."""

LOGGERS: tuple[tuple[Callable[[Path, bytes], bool], Reader], ...] = (
    (looks_like_sensor_logger, read_sensor_logger),
    (looks_like_phyphox, read_phyphox),
    (looks_like_sensorlog, read_sensorlog),
    (looks_like_physics_toolbox, read_physics_toolbox),
    (looks_like_actilife_csv, read_actilife_csv),
    (looks_like_empatica, read_empatica),
    (looks_like_omgui, read_omgui),
)
"""Tables of a known form: not asked for when the user says how the table is to be read."""


def reader_of(path: Path, options: TableOptions) -> Reader:
    """The reader of a file, or of a folder that is one recording (what Sensor Logger exports).

    Raises:
        HarkenError: for a folder that is no such thing, and for a path that no file can have.
        OSError: when the file is not there or cannot be read.
    """
    if "\0" in str(path):
        raise HarkenError(f"{str(path)!r}: the name of a file cannot hold a zero byte")
    if path.is_dir():
        if looks_like_sensor_logger(path, b""):
            return read_sensor_logger
        raise HarkenError(f"{path} is a folder; name the files in it")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
        return read_parquet
    kinds = WATCHES if describes_columns(options) else (*WATCHES, *LOGGERS)
    return next((read for looks_like, read in kinds if looks_like(path, head)), read_csv)
