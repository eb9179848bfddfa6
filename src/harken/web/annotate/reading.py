"""The job of reading a recording: its levels of detail, its facts, and the labels in its own file.

What is read stays in the user's cache folder, so that a recording that is opened again is there at once. An entry is a
folder whose name is a digest of what it was made from. It is written aside and renamed when all of it is on the disk,
so a half-written entry is never found.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from harken import __version__
from harken.readers import TableOptions, file_errors, open_source
from harken.recordings.mending import MendedStream, mended_stream
from harken.recordings.recording import READ_AS_UTC, UNLABELLED, acceleration_channels, warnings_of
from harken.recordings.source import Samples, Source
from harken.recordings.survey import GAP_NS, deduplicated
from harken.signals.movement import MovementStatistics
from harken.signals.non_wear import non_wear
from harken.support.arrays import Int64Array
from harken.support.aside import is_aside
from harken.support.errors import HarkenError
from harken.support.files import appearing
from harken.web.annotate.levels import ROW_BYTES, LevelsWriter, file_names, slot_length_ns
from harken.web.jobs import Send

SENT_S = 0.2
"""How often the page can show more."""
SPARE_BYTES = 200 << 20
"""What is left free on the disk."""
MOST_BOUTS = 50_000
"""Intervals that are taken from a label column."""
FACTS = "facts.json"
"""The file of an entry with all but the levels."""
MOST_BYTES = 4 << 30
"""The size of all entries: two months at any rate above 50 Hz."""
FORMAT = 2
"""Changes when the form of an entry does."""


class LabelColumn:
    """Takes a stream of samples, and gives the intervals of their labels.

    A bout goes from its first sample to the first sample with another label. Before a gap, and at the end, it lasts one
    step longer than to its last sample, so that this sample belongs to it, too.

    >>> import numpy as np
    >>> from harken.web.annotate.reading import LabelColumn
    >>> from harken.recordings.source import Samples
    >>> column = LabelColumn(gap_ns=500)
    >>> codes = np.array([0, 0, 1, 1], np.int16)
    >>> column.push(Samples(np.array([0, 100, 200, 300]), np.zeros((4, 3), np.float32), codes, codes >= 0))
    >>> column.finish(("lying", "sitting"), step_ns=100)
    [(0, 200, 'lying'), (200, 400, 'sitting')]

    Args:
        gap_ns: two samples further apart than this have a gap between them.
    """

    def __init__(self, *, gap_ns: int) -> None:
        self._gap_ns = gap_ns
        self._runs: list[Int64Array] = []  # code, first time, last time

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before."""
        if len(samples.time_ns):
            rows = np.stack([samples.label_codes.astype(np.int64), samples.time_ns, samples.time_ns])
            self._runs.append(self._joined(rows))

    def finish(self, names: tuple[str, ...], *, step_ns: int) -> list[tuple[int, int, str]]:
        """The intervals (start, end, label) in order.

        Args:
            names: the labels of the codes.
            step_ns: the time from one sample to the next.
        """
        if not self._runs:
            return []
        code, first, last = self._joined(np.concatenate(self._runs, axis=1))
        following = np.append(first[1:], np.iinfo(np.int64).max)
        together = following - last <= self._gap_ns
        end = np.where(together, following, np.minimum(last + step_ns, following))
        bouts = zip(code.tolist(), first.tolist(), end.tolist(), strict=True)
        return [(start, stop, names[label]) for label, start, stop in bouts if label != UNLABELLED]

    def _joined(self, runs: Int64Array) -> Int64Array:
        """Runs ``[3, n]`` in which those with one label and no gap between them are one."""
        code, first, last = runs
        begins = (np.diff(code) != 0) | (first[1:] - last[:-1] > self._gap_ns)
        firsts = np.append(0, np.flatnonzero(begins) + 1)
        lasts = np.append(firsts[1:], len(code)) - 1
        return np.stack([code[firsts], first[firsts], last[lasts]])


def read_recording(send: Send, path: str, options: dict[str, Any], entry: str) -> None:
    """Read a recording into a folder of the cache, and send how far it is.

    Messages: ``begin`` with the folder, the start and the length of slots, when there is something to see; ``more``
    with new blocks.

    Args:
        send: sends a message.
        path: the recording.
        options: the fields of ``TableOptions``.
        entry: the folder to make.

    Raises:
        HarkenError: when the recording cannot be read, has no acceleration, or the disk has too little space.
    """
    options_of_tables = TableOptions(**options)
    Path(entry).parent.mkdir(parents=True, exist_ok=True)
    with file_errors(path), appearing(entry) as aside:
        source = open_source(path, options_of_tables)
        reading = _Reading(source, aside, send, Path(path))
        stream = mended_stream(source, sensor_range=options_of_tables.sensor_range_g, observer=reading.observe)
        if not stream.observed:  # its samples differ from those that were seen while it was made
            # If these are all samples, their levels can be seen meanwhile.
            reading.begin(gap_ns=stream.gap_limit_ns, expected=stream.rows, seen=not stream.streamed)
            for samples in stream.samples():
                reading.push(samples)
            if stream.streamed and source.label_names:  # the stream has no labels
                reading.column = LabelColumn(gap_ns=stream.gap_limit_ns)
                for samples in deduplicated(source.samples()):
                    reading.column.push(samples)
        zone_known = options_of_tables.timezone is not None or stream.timezone != "UTC"
        write_facts(aside, _facts(stream, reading, source.label_names) | {"zone_known": zone_known})
    remove_oldest(Path(entry).parent, keep=Path(entry))


class _Reading:
    """What is made of the samples: their levels, their movement, and the intervals of their labels."""

    def __init__(self, source: Source, folder: Path, send: Send, path: Path) -> None:
        self._source, self._folder, self._send, self._path = source, folder, send, path

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        """Begin, as an observer (see ``mended_stream``) does with each reading of the file."""
        if not acceleration_channels(channels):
            raise HarkenError(
                f"it has no acceleration x, y, z; its channels are {', '.join(channels)}", path=self._path
            )
        self._check_space()
        self.begin(gap_ns=GAP_NS, expected=self._source.expected_samples, seen=True)
        return self.push

    def begin(self, *, gap_ns: int, expected: int | None, seen: bool) -> None:
        """Begin again. With ``seen``, the levels are shown while they are written; otherwise those before are."""
        for file in self._folder.iterdir():
            file.unlink()
        self._gap_ns, self._expected, self._seen = gap_ns, expected, seen
        self.column, self.movement = LabelColumn(gap_ns=gap_ns), MovementStatistics()
        self.writer: LevelsWriter | None = None
        self._samples, self._sent_s, self._sent_blocks = 0, 0.0, 0

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before."""
        if len(samples.time_ns) == 0:
            return
        if self.writer is None:
            steps = np.diff(samples.time_ns)
            slot_ns = slot_length_ns(float(np.median(steps)) if len(steps) else 0.0)
            self.writer = LevelsWriter(self._folder, slot_ns=slot_ns, gap_ns=self._gap_ns)
            if self._seen:
                start_ns = int(samples.time_ns[0])
                self._send(type="begin", folder=str(self._folder), start_ns=start_ns, slot_ns=slot_ns)
        self.writer.push(samples)
        self.column.push(samples)
        self.movement.push(samples)
        self._samples += len(samples.time_ns)
        if time.monotonic() - self._sent_s >= SENT_S:
            self.writer.flush()
            share = min(self._samples / self._expected, 1.0) if self._expected else None
            news = {"blocks": self.writer.blocks[self._sent_blocks :], "read_to_ns": int(samples.time_ns[-1])}
            nothing: dict[str, Any] = {"blocks": [], "read_to_ns": None}
            self._sent_s = time.monotonic()
            self._sent_blocks = len(self.writer.blocks)
            self._send(type="more", share=share, **(news if self._seen else nothing))

    def _check_space(self) -> None:
        """Raise a HarkenError if the levels of this recording might not fit. Two samples take a row at most."""
        samples = self._source.capacity or self._path.stat().st_size // ROW_BYTES
        needed, free = samples * ROW_BYTES, shutil.disk_usage(self._folder).free
        if needed + SPARE_BYTES > free:
            raise HarkenError(
                f"showing this recording takes up to {needed >> 20:,} MB in {self._folder.parent}, where "
                f"{free >> 20:,} MB are free. Free some space, or choose another folder with XDG_CACHE_HOME=FOLDER",
                path=self._path,
            )


def _facts(stream: MendedStream, done: _Reading, names: tuple[str, ...]) -> dict[str, Any]:
    """What is known of a recording that is read."""
    from harken.readers.table_source import ANOTHER_SUBJECT  # it imports Polars, which the server does not need

    writer = done.writer
    assert writer is not None, "a stream has samples"
    writer.close()
    bouts = done.column.finish(stream.label_names or names, step_ns=round(1e9 / stream.sample_rate_hz))
    warnings = warnings_of(stream.quality.placement, sample_rate_hz=stream.sample_rate_hz, made_up=False)
    notes = [*warnings, *stream.quality.notes]
    if len(bouts) > MOST_BOUTS:
        notes.append(f"The label column has {len(bouts):,} intervals; only columns with up to {MOST_BOUTS:,} are used.")
        bouts = []
    return {
        "slot_ns": writer.slot_ns,
        "blocks": writer.blocks,
        "start_ns": stream.start_ns,
        "end_ns": stream.end_ns,
        "sample_rate_hz": stream.sample_rate_hz,
        "samples": stream.rows,
        "subject": stream.subject,
        "timezone": stream.timezone,
        "local_times": READ_AS_UTC in stream.quality.notes,
        "several_people": ANOTHER_SUBJECT in stream.quality.dropped,
        "notes": notes,
        "not_worn_ns": non_wear(done.movement.finish()).tolist(),
        "bouts": bouts,
    }


def cache_folder() -> Path:
    """The folder for entries, by the conventions of the system. It may not exist."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        base = Path(named)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    else:
        base = Path.home() / ".cache"
    return base / "harken" / "annotate"


def entry_name(path: Path, reading: TableOptions) -> str:
    """The name of a recording's entry: it differs for another file, content, version, or way of reading.

    The content of a file is known by its size and the time of its last change; that of a folder by those of its files.

    Raises:
        OSError: when the file does not exist.
    """
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    content = [(str(each), (found := each.stat()).st_size, found.st_mtime_ns) for each in files]
    made_from = (FORMAT, __version__, str(path.resolve()), content, asdict(reading))
    return sha256(repr(made_from).encode(errors="surrogateescape")).hexdigest()[:32]


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Complete an entry whose levels are written. ``facts`` must have ``blocks``."""
    sizes = [(folder / name).stat().st_size for name in file_names()]
    content = orjson.dumps(facts | {"sizes": sizes}, option=orjson.OPT_SERIALIZE_NUMPY)
    with (folder / FACTS).open("wb") as file:
        file.write(sha256(content).hexdigest().encode() + b"\n" + content)
        file.flush()
        os.fsync(file.fileno())


def read_facts(folder: Path) -> dict[str, Any] | None:
    """The facts of a complete entry, which counts as used now; None if there is none, or it is damaged."""
    try:
        digest, _, content = (folder / FACTS).read_bytes().partition(b"\n")
        if sha256(content).hexdigest().encode() != digest:
            return None
        facts: dict[str, Any] = orjson.loads(content)
        if facts["sizes"] != [(folder / name).stat().st_size for name in file_names()]:
            return None
        os.utime(folder)
    except (OSError, ValueError, KeyError):
        return None
    return facts


def remove_oldest(cache: Path, *, keep: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
    """Remove the entries that were used longest ago until the others take at most ``most_bytes``.

    A process that has an entry open can read it until it closes the files.

    Args:
        cache: the folder of entries.
        keep: an entry that is not removed.
        most_bytes: the size of all entries.
    """
    entries = []
    with suppress(OSError):
        for entry in cache.iterdir():
            if entry.is_dir() and not is_aside(entry):
                with suppress(OSError):
                    size = sum(file.stat().st_size for file in entry.iterdir())
                    entries.append((entry.stat().st_mtime, size, entry))
    kept = 0
    for _, size, entry in sorted(entries, reverse=True):
        kept += size
        if kept > most_bytes and entry != keep:
            shutil.rmtree(entry, ignore_errors=True)
            kept -= size
