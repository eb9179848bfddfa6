"""A reader of your own for files that harken does not know.

python examples/own_reader.py DAY.tiny        (the line "TINY WATCH", then lines such as "1519170400000 0.1 0.2 0.97":
                                               ms since 1970, and x, y, z in g)
"""

import sys
from pathlib import Path

import numpy as np

from harken.readers import TableOptions, recording_of
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.recordings.source import RecordingSource


def recognises(path: Path, head: bytes) -> bool:
    """Whether this is such a file. ``head`` is its first 64 KiB."""
    return head.startswith(b"TINY WATCH")


def open_source(path: Path, options: TableOptions) -> RecordingSource:
    """All rows in the order of the file: harken sorts and mends them."""
    rows = np.loadtxt(path, skiprows=1, ndmin=2)
    recording = Recording(
        time_ns=rows[:, 0].astype(np.int64) * 1_000_000,
        signals=rows[:, 1:].astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=np.full(len(rows), UNLABELLED, np.int16),
        label_names=(),
        subject=options.subject or path.stem,
        source=str(path),
        timezone=options.timezone or "UTC",
        quality=Quality(acceleration_unit="g", time_unit="ms"),
        as_found=True,
    )
    return RecordingSource(recording)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    file = Path(sys.argv[1])
    if not file.exists():
        sys.exit(f"{file}: there is no such file")
    mended = recording_of(open_source(file, TableOptions()), TableOptions())
    print(f"{mended.subject}: {len(mended):,} samples at {mended.sample_rate_hz:.1f} Hz")
