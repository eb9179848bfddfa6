"""What harken reads from many files, frozen: ``goldens.json`` holds a record of each.

A reader that is rewritten must give the same records. ``python -m goldens`` writes them anew. Real files lie in the
folder of ``HARKEN_DATA``; where it is not named, their records stay. Made-up files are in ``made_up.tar.xz``, which has
a folder for each; the long ones are made by ``goldens.long_files``. What is special about a file is its record's name.
(The programs that made them are in the history of this repository, where ``made_up.tar.xz`` was added.)

To add a record, write its ``path`` and ``options`` into ``goldens.json``, put the file into the archive, and run
``python -m goldens``:

    mkdir unpacked && tar -xf made_up.tar.xz -C unpacked
    tar -cJf made_up.tar.xz --sort=name --mtime=@0 --owner=0 --group=0 -C unpacked .
"""

import hashlib
import io
import json
import lzma
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldens.long_files import long_file
from harken.readers import open_stream, read
from harken.recordings.mending import MendedStream
from harken.recordings.recording import Quality, Recording
from harken.recordings.source import Samples, joined

GOLDENS = Path(__file__).with_name("goldens.json")
MADE_UP = Path(__file__).with_name("made_up.tar.xz")
REAL = "real/"
"""How the names of real files' records begin."""

DIGITS = 16
PACKED = (b"PK", b"PAR1", b"\x1f\x8b")
"""How zip archives, Parquet files and gzip files begin."""

Record = dict[str, Any]
"""What JSON can hold, by names."""

LIBRARY_TEXT = re.compile(
    r"(damaged or cut short|not a complete Parquet file|cannot be read as a table) \(.*\)", flags=re.DOTALL
)
"""What a library says of a damaged file, in brackets; its words change from version to version."""


@cache
def stored() -> dict[str, Record]:
    """All records in ``goldens.json``, by the names of their inputs."""
    records: dict[str, Record] = json.loads(GOLDENS.read_text(encoding="utf-8"))
    return records


@cache
def archive() -> tarfile.TarFile:
    """The made-up files: a folder for each, or for several records of one file."""
    return tarfile.open(fileobj=io.BytesIO(lzma.decompress(MADE_UP.read_bytes())))


@dataclass(frozen=True)
class Input:
    """A file, and the options that it is read with.

    Attributes:
        name: of its record.
        path: of the file, in the folder of real recordings or in the archive; empty for a long file.
        options: as for ``harken.read``.
    """

    name: str
    path: str
    options: Mapping[str, Any]

    def locate(self, folder: Path) -> Path:
        """The file in the folder; a made-up one is written there first."""
        if self.name.startswith(REAL):
            return folder / self.path
        if not self.path:
            return long_file(self.name, folder)
        case, _, path = self.path.partition("/")
        for member in archive().getmembers():
            within, _, name = member.name.removeprefix("./").partition("/")
            if within == case and name:
                archive().extract(member.replace(name=name, deep=False), folder, filter="data")
        return folder / path


def inputs(*, real: bool) -> dict[str, Input]:
    """All real inputs, or all made-up ones, by the names of their records."""
    return {
        name: Input(name, record.get("path", ""), record["options"])
        for name, record in stored().items()
        if name.startswith(REAL) == real
    }


def record_of(given: Input, folder: Path) -> Record:
    """The record of one input.

    Args:
        given: the input.
        folder: where a made-up input is written, and where a real one lies.

    Returns:
        ``path`` and ``options``, as given; ``file``, its bytes; ``read``, what ``harken.read`` gives, mended;
        ``as_found``, and ``stream``, what labelling reads. Of the last two only what differs from ``read`` is there.
        Arrays and bytes are digests. A refusal is the error's class and text.
    """
    path = given.locate(folder)

    def mended() -> Record:
        return _of_recording(read(path, **given.options))

    def as_found() -> Record:
        return _of_recording(read(path, as_found=True, **given.options))

    def stream() -> Record:
        return _of_stream(open_stream(path, **given.options))

    whole, found, streamed = (
        _without_paths(_or_refusal(outcome), path, folder) for outcome in (mended, as_found, stream)
    )
    results = {
        "file": _bytes_of(path),
        "options": given.options,
        "read": whole,
        "as_found": _differing(found, whole),
        "stream": _differing(streamed, whole),
    }
    return results | ({"path": given.path} if given.path else {})


def as_text(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys, a value a line."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _bytes_of(path: Path) -> str | None:
    """The digest of a file; None for a folder, and where the bytes are those of a library that packed them."""
    if not path.is_file():
        return None
    data = path.read_bytes()
    return None if data.startswith(PACKED) else hashlib.sha256(data).hexdigest()[:DIGITS]


def _or_refusal(outcome: Any) -> Record:
    try:
        record: Record = outcome()
    except Exception as error:  # whatever a reader raises today is part of what it does
        return {"error": type(error).__name__, "text": LIBRARY_TEXT.sub(r"\1 (…)", str(error))}
    return record


def _of_recording(recording: Recording) -> Record:
    rows = recording.gap_rows
    times = recording.time_ns
    return {
        **_of_samples(Samples.of(recording)),
        "label_codes": _digest(recording.label_codes),
        "label_names": recording.label_names,
        "unlabelled_rows": recording.unlabelled_rows,
        "channels": recording.channels,
        "subject": recording.subject,
        "source": Path(recording.source).name,
        "timezone": recording.timezone,
        "sample_rate_hz": recording.sample_rate_hz,
        "gap_limit_ns": recording.gap_limit_ns,
        "gaps": len(rows),
        "gaps_ns": _digest(np.stack([times[rows - 1], times[rows]], axis=1)),
        "quality": _of_quality(recording.quality),
    }


def _of_stream(stream: MendedStream) -> Record:
    samples = joined(list(stream.samples()))
    assert stream.rows == len(samples.time_ns)
    assert (stream.start_ns, stream.end_ns) == (samples.time_ns[0], samples.time_ns[-1])
    return {
        **_of_samples(samples),
        "channels": stream.channels,
        "subject": stream.subject,
        "source": Path(stream.source).name,
        "timezone": stream.timezone,
        "sample_rate_hz": stream.sample_rate_hz,
        "gap_limit_ns": stream.gap_limit_ns,
        "gaps": len(stream.gaps_ns),
        "gaps_ns": _digest(stream.gaps_ns),
        "quality": _of_quality(stream.quality),
        "streamed": stream.streamed,
    }


def _of_quality(quality: Quality) -> Record:
    """Without the make of the watch, which is newer than the records; ``tests/mounting/test_estimate.py`` tests it."""
    return {name: value for name, value in asdict(quality).items() if name != "make"}


def _of_samples(samples: Samples) -> Record:
    """Of everything but labels, which a stream does not give."""
    return {
        "shape": samples.signals.shape,
        "time_ns": _digest(samples.time_ns),
        "signals": _digest(np.where(np.isnan(samples.signals), np.float32(np.nan), samples.signals)),  # one NaN of many
        "valid": _digest(samples.valid),
        "marked_rows": int((~samples.valid).sum()),
        "first_time_ns": int(samples.time_ns[0]),
        "last_time_ns": int(samples.time_ns[-1]),
    }


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()[:DIGITS]


def _without_paths(record: Record, path: Path, folder: Path) -> Record:
    text = json.dumps(record, allow_nan=False)
    for whole, short in ((path, "FILE"), (folder, "FOLDER")):
        text = text.replace(json.dumps(str(whole))[1:-1], short)
    return dict(json.loads(text))


def _differing(record: Record, whole: Record) -> Record:
    """What is not as in ``whole``, also within what is nested."""
    different: Record = {}
    for name, value in record.items():
        if name in whole and value == whole[name]:
            continue
        nested = isinstance(value, dict) and isinstance(whole.get(name), dict)
        different[name] = _differing(value, whole[name]) if nested else value
    return different
