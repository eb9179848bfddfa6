"""What a stream must be: the recording that reading the whole gives."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import numpy as np

from harken.readers import read
from harken.recordings.mending import MendedStream
from harken.recordings.source import joined
from harken.support.errors import HarkenError
from reader_checks import Options


def device_files(*endings: str) -> list[Path]:
    """The real watches' files whose names end so; none without ``HARKEN_DATA``."""
    folder = os.environ.get("HARKEN_DATA")
    if not folder:
        return []
    return sorted(path for path in (Path(folder) / "devices").iterdir() if path.name.endswith(endings))


def assert_same(stream: MendedStream, path: Path, **options: Unpack[Options]) -> None:
    """The stream gives what ``harken.read`` gives, twice over."""
    whole = read(path, **options)
    for _ in range(2):
        together = joined(list(stream.samples()))
        np.testing.assert_array_equal(together.time_ns, whole.time_ns)
        np.testing.assert_array_equal(together.signals, whole.signals)
        np.testing.assert_array_equal(together.valid, whole.valid)
    assert stream.quality == whole.quality
    assert (stream.subject, stream.source, stream.timezone) == (whole.subject, whole.source, whole.timezone)
    assert (stream.channels, stream.rows, stream.gap_limit_ns) == (whole.channels, len(whole), whole.gap_limit_ns)
    assert stream.sample_rate_hz == whole.sample_rate_hz
    assert (stream.start_ns, stream.end_ns) == (whole.time_ns[0], whole.time_ns[-1])
    before, after = whole.time_ns[whole.gap_rows - 1], whole.time_ns[whole.gap_rows]
    np.testing.assert_array_equal(stream.gaps_ns, np.stack([before, after], axis=1))


def refusal_of(reader: Callable[[Path], object], path: Path) -> str | None:
    """The sentence with which a file is refused; None where it is read."""
    try:
        reader(path)
    except HarkenError as error:
        return str(error)
    return None
