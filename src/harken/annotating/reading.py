"""The process that reads a recording: its levels of detail, its facts, and the labels in its own file."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harken.annotating.cache import remove_oldest, write_facts
from harken.annotating.label_column import LabelColumn
from harken.annotating.levels import ROW_BYTES, LevelsWriter, slot_length_ns
from harken.readers import TableOptions, file_errors, open_source
from harken.recordings.mending import MendedStream, mended_stream
from harken.recordings.recording import READ_AS_UTC, acceleration_channels, warnings_of
from harken.recordings.source import Samples, Source
from harken.recordings.survey import GAP_NS, deduplicated
from harken.server.background import Send
from harken.signals.movement import MovementStatistics
from harken.signals.non_wear import non_wear
from harken.support.errors import HarkenError
from harken.support.files import appearing

SENT_S = 0.2
"""How often the page can show more."""
SPARE_BYTES = 200 << 20
"""What is left free on the disk."""
MOST_BOUTS = 50_000
"""Intervals that are taken from a label column."""


def read_recording(send: Send, path: str, options: dict[str, Any], entry: str) -> None:
    """Read a recording into a folder of the cache, and send how far it is.

    Messages: ``begin`` with the folder, the start and the length of slots, when there is something to see; ``more``
    with new blocks; ``facts`` with what ``facts.json`` has, at the end.

    Args:
        send: sends a message.
        path: the recording.
        options: the fields of ``TableOptions``.
        entry: the folder to make.

    Raises:
        HarkenError: when the recording cannot be read, has no acceleration, or the disk has too little space.
    """
    reading = TableOptions(**options)
    Path(entry).parent.mkdir(parents=True, exist_ok=True)
    with file_errors(path), appearing(entry) as aside:
        source = open_source(path, reading)
        first = _Passes(source, aside, send, Path(path))
        stream = mended_stream(source, sensor_range=reading.sensor_range_g, observer=first.observe)
        done = first.current if stream.observed else _again(source, stream, first)
        facts = _facts(stream, done, stream.label_names or source.label_names)
        facts["zone_known"] = reading.timezone is not None or stream.timezone != "UTC"
        for name in aside.iterdir():
            if name.is_dir():
                if name == done.folder:
                    for file in name.iterdir():
                        file.rename(aside / file.name)
                shutil.rmtree(name)
        write_facts(aside, facts)
    send(type="facts", **facts)
    remove_oldest(Path(entry).parent, keep=Path(entry))


class _Pass:
    """One reading of the samples."""

    def __init__(self, folder: Path, send: Send | None, *, gap_ns: int, share: Callable[[int], float | None]) -> None:
        self.folder, self._send, self._gap_ns, self._share = folder, send, gap_ns, share
        folder.mkdir()
        self.column = LabelColumn(gap_ns=gap_ns)
        self.movement = MovementStatistics()
        self.writer: LevelsWriter | None = None
        self._samples, self._sent_s, self._sent_blocks = 0, 0.0, 0

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before."""
        if len(samples.time_ns) == 0:
            return
        if self.writer is None:
            steps = np.diff(samples.time_ns)
            slot_ns = slot_length_ns(float(np.median(steps)) if len(steps) else 0.0)
            self.writer = LevelsWriter(self.folder, slot_ns=slot_ns, gap_ns=self._gap_ns)
            if self._send is not None:
                start_ns = int(samples.time_ns[0])
                self._send(type="begin", folder=str(self.folder), start_ns=start_ns, slot_ns=slot_ns)
        self.writer.push(samples)
        self.column.push(samples)
        self.movement.push(samples)
        self._samples += len(samples.time_ns)
        if self._send is not None and time.monotonic() - self._sent_s >= SENT_S:
            self.writer.flush()
            new = self.writer.blocks[self._sent_blocks :]
            self._sent_s, self._sent_blocks = time.monotonic(), len(self.writer.blocks)
            to_ns, share = int(samples.time_ns[-1]), self._share(self._samples)
            self._send(type="more", blocks=new, read_to_ns=to_ns, share=share)


class _Passes:
    """Makes a pass each time the file is read from its beginning."""

    def __init__(self, source: Source, aside: Path, send: Send, path: Path) -> None:
        self.source, self._aside, self.send, self._path = source, aside, send, path
        self._count, self._expected = 0, source.expected_samples
        self.current: _Pass

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        """An observer (see ``mended_stream``)."""
        if not acceleration_channels(channels):
            raise HarkenError(f"{self._path}: it has no acceleration x, y, z; its channels are {', '.join(channels)}")
        self._check_space()
        self.current = self.another(self.send, gap_ns=GAP_NS)
        return self.current.push

    def another(self, send: Send | None, *, gap_ns: int) -> _Pass:
        """A new pass."""
        self._count += 1
        return _Pass(self._aside / str(self._count), send, gap_ns=gap_ns, share=self._share)

    def _share(self, samples: int) -> float | None:
        return min(samples / self._expected, 1.0) if self._expected else None

    def _check_space(self) -> None:
        """Raise a HarkenError if the levels of this recording might not fit. Two samples take a row at most."""
        samples = self.source.capacity or self._path.stat().st_size // ROW_BYTES
        needed, free = samples * ROW_BYTES, shutil.disk_usage(self._aside).free
        if needed + SPARE_BYTES > free:
            raise HarkenError(
                f"{self._path}: showing this recording takes up to {needed >> 20:,} MB in {self._aside.parent}, where "
                f"{free >> 20:,} MB are free. Free some space, or choose another folder with XDG_CACHE_HOME=FOLDER"
            )


def _again(source: Source, stream: MendedStream, first: _Passes) -> _Pass:
    """Read a stream whose samples differ from those that were seen while it was made."""
    seen_s = time.monotonic()
    shown = stream.streamed  # the first reading went to the end, so that its levels can be seen meanwhile
    second = first.another(None if shown else first.send, gap_ns=stream.gap_limit_ns)
    for samples in stream.samples():
        second.push(samples)
        if shown and time.monotonic() - seen_s > SENT_S:
            seen_s = time.monotonic()
            share = (int(samples.time_ns[-1]) - stream.start_ns) / max(stream.end_ns - stream.start_ns, 1)
            first.send(type="more", blocks=[], read_to_ns=None, share=share)
    if stream.streamed and source.label_names:  # the stream has no labels
        second.column = LabelColumn(gap_ns=stream.gap_limit_ns)
        for samples in deduplicated(source.samples()):
            second.column.push(samples)
    return second


def _facts(stream: MendedStream, done: _Pass, names: tuple[str, ...]) -> dict[str, Any]:
    """What is known of a recording that is read."""
    from harken.readers.table import ANOTHER_SUBJECT  # it imports Polars, which the server does not need

    writer = done.writer
    assert writer is not None, "a stream has samples"
    writer.close(sync=True)
    bouts = done.column.finish(names, step_ns=round(1e9 / stream.sample_rate_hz))
    notes = list(warnings_of(stream.quality.placement, made_up=False)) + list(stream.quality.notes)
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
