"""Reader of phyphox's exports: a CSV file, or a zip archive of CSV files. Never run on a real file.

Source: the code of the app (github.com/phyphox: DataExport.java, ExperimentExport.swift, accelerometer.phyphox). The
header is in quotation marks, such as ``"Time (s)","Acceleration x (m/s^2)"``. Fields are separated by comma, semicolon
or tab, with a decimal point or comma, and numbers look like 9.810000000E0. Times count from the start of the
experiment. An archive has one file for each sensor, and ``meta/time.csv`` contains the times at which the experiment
was started and paused. On an iPhone the app reverses the sign of acceleration, so signs are the usual ones.
"""

import csv
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.app_columns import NO_GRAVITY
from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import add_gravity_of, cut_short_note, first_look, never_run, owner, time_of
from harken.readers.layout import SNIFFED_BYTES, Layout, recognise_layout
from harken.readers.options import TableOptions
from harken.readers.table import TableSource
from harken.readers.unpacking import is_zip, member_paths, opened
from harken.recordings.source import Source
from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError

TIME = re.compile(r".*\(s\)")
AXIS = re.compile(r"(?P<what>.*?) ?(?P<axis>[xyzXYZ]) \(m/s(\^2|²)\)")
KINDS = {"gravity": re.compile(r"grav", re.I), "linear": re.compile(r"\blin", re.I)}
"""Gravity and linear acceleration, by the name of the column or of the file in the archive."""
META = "meta"
STARTED = "START"
MOST_TABLES = 50
"""An experiment has about ten files. An archive of thousands is another format, and slow to search."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a phyphox table of acceleration, or an archive of such tables."""
    if not is_zip(head):
        layout = first_look(path, head)
        return layout is not None and bool(_triples(path, layout, ""))
    try:
        return bool(_sources(path))
    except HarkenError:
        return False


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a CSV file or a zip archive of phyphox. See ``harken.readers.read``.

    Total acceleration is preferred. Otherwise linear acceleration and gravity are summed. Linear acceleration alone is
    also read, with a note that it has no gravity. An archive contains the date, a CSV file does not.

    Raises:
        HarkenError: when the file has no acceleration, or is damaged.
    """
    sources = dict(reversed(_sources(path)))
    kind = "total" if "total" in sources else "linear"
    if kind not in sources:
        raise HarkenError(f"{path}: this is not a phyphox export of an acceleration in m/s^2 along x, y and z")
    options = replace(options, time_unit=options.time_unit or "s", subject=options.subject or owner(path))
    table = sources[kind]
    times = time_of(table)
    notes = []
    if kind == "linear":
        notes = add_gravity_of(table, sources["gravity"], options) if "gravity" in sources else [NO_GRAVITY]
    if table.path != path:
        notes.append(f"Read from {table.path.relative_to(path)}.")
        starts = _starts(table.path.parent / META / "time.csv")
        if starts is not None and times.dtype.is_numeric():
            table.keep(table.whole()._replace(time=_dated(times, *starts)))
            options = replace(options, time_unit="ns")
    notes += [never_run("phyphox's exports"), *cut_short_note(table.path)]
    return TableSource(table, options, path=path, notes=notes)


def _sources(path: Path) -> list[tuple[str, CsvTable]]:
    """The accelerations in a file or an archive; see ``_triples``."""
    with path.open("rb") as file:
        zipped = is_zip(file.read(4))
    if not zipped:
        return _triples(path, layout_of(path), "")
    sources: list[tuple[str, CsvTable]] = []
    tables = [member for member in member_paths(path) if member.suffix == ".csv" and member.parent.name != META]
    for member in tables[:MOST_TABLES]:
        with opened(member) as file:
            layout = first_look(member, file.read(SNIFFED_BYTES))
        sources += _triples(member, layout, member.stem) if layout else []
    return sources


def _triples(path: Path, layout: Layout, stem: str) -> list[tuple[str, CsvTable]]:
    """The accelerations in a table, by the words before their axes: ``total``, ``linear`` or ``gravity``, and the three
    columns."""
    times = [position for position, name in enumerate(layout.header or ()) if TIME.fullmatch(name)]
    axes: dict[str, dict[str, int]] = {}
    for position, name in enumerate(layout.header or ()):
        if found := AXIS.fullmatch(name):
            axes.setdefault(found["what"], {})[found["axis"].lower()] = position
    if not times:
        return []
    triples = []
    for what, there in axes.items():
        if len(there) == 3:
            kind = next((kind for kind, sign in KINDS.items() if sign.search(f"{stem} {what}")), "total")
            triples.append((kind, CsvTable(path, layout, {"time": times[0], **there}, "m/s2")))
    return triples


def _starts(path: Path) -> tuple[Float64Array, Int64Array] | None:
    """The starts of the experiment: in its own seconds, and in ns since 1970; None if they are unknown."""
    try:
        with opened(path) as file:
            text = file.read(SNIFFED_BYTES)
        layout = recognise_layout(path, text, 0)
        rows = csv.reader(text.decode("utf-8", errors="replace").splitlines(), delimiter=layout.separator)
        decimal = str.maketrans(",", "." if layout.separator != "," else ",")
        events = [row for row in rows if row and row[0].strip().upper() == STARTED]
        began = np.array([float(row[1].translate(decimal)) for row in events])
        system = np.array([float(row[2].translate(decimal)) for row in events])
    except (HarkenError, OSError, csv.Error, ValueError, IndexError):
        return None
    possible = len(events) and np.isfinite(began).all() and (np.abs(system) < 2**33).all()
    if not possible or (np.diff(began) < 0).any():
        return None
    return began, np.rint(system * 1e6).astype(np.int64) * 1000


def _dated(seconds: pl.Series, began: Float64Array, system_ns: Int64Array) -> pl.Series:
    """Convert times of the experiment, which stop while it is paused, to ns since 1970."""
    values = seconds.cast(pl.Float64).fill_null(math.nan).to_numpy()
    timed = np.isfinite(values) & (np.abs(values) < 2**33)
    values = np.where(timed, values, 0.0)
    run = np.searchsorted(began, values, side="right").clip(1) - 1
    time_ns = system_ns[run] + np.rint((values - began[run]) * 1e9).astype(np.int64)
    return pl.Series(time_ns).set(pl.Series(~timed), None)
