"""The files of recorded sessions in the folder of ``--keep``.

``sessions/NAME.log`` has the steps of a session, a line of JSON for each. When the session is closed,
``recordings/NAME.parquet`` is made of its samples and ``recordings/NAME.labels.csv`` of its bouts.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from harken.annotations.bouts import Intervals
from harken.annotations.folders import SIDE
from harken.annotations.store import FIRST_LINE, LabelStore
from harken.annotations.times import Span
from harken.readers.parquet import STATED_UNIT
from harken.recordings.mending import EARLIEST_NS, LATEST_NS
from harken.support.arrays import Float32Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.files import append_lines, regular, replacing, sync_folder, write_bytes
from harken.web.record.session import MARGIN_NS, Bout, RecordedSession, Step, replay
from harken.web.sample_log import logged_samples

LOG = logging.getLogger("uvicorn.error")
STEPS = ".log"
EVER = Span(EARLIEST_NS + MARGIN_NS, LATEST_NS, "UTC")
EARLIER_S = 120.0
"""Samples of a session are looked for in files of the log that were last written to after its beginning, less this."""


class SessionSamples(NamedTuple):
    """The samples of a watch in a time, in order: ``signals`` ``[n, 3]`` in g and ``time_ns`` ``[n]``."""

    signals: Float32Array
    time_ns: Int64Array


class SessionFiles:
    """Reads and writes the files of sessions.

    Args:
        folder: the folder of ``--keep``.
    """

    def __init__(self, folder: Path) -> None:
        self._samples = folder
        self.logs, self._recordings = folder / "sessions", folder / "recordings"

    def log(self, name: str) -> Path:
        """The steps of a session."""
        return self.logs / f"{name}{STEPS}"

    def recording(self, name: str) -> Path:
        """The recording of a session."""
        return self._recordings / f"{name}.parquet"

    def labels(self, name: str) -> Path:
        """Its labels."""
        return self._recordings / f"{name}{SIDE}"

    def names(self) -> set[str]:
        """The names of all recordings and sessions."""
        return {path.stem for path in (*self._recordings.glob("*.parquet"), *self.logs.glob(f"*{STEPS}"))}

    def load(self) -> list[RecordedSession]:
        """All sessions with bouts, in the order in which they began. Other files are left out."""
        sessions: list[RecordedSession] = []
        for path in self.logs.glob(f"*{STEPS}"):
            try:
                session = replay(path.stem, read_steps(path))
            except (HarkenError, OSError) as error:
                LOG.warning("%s is not a recorded session (%s)", path, error)
                continue
            if session is not None and not session.empty:
                sessions.append(session)
        return sorted(sessions, key=lambda session: (session.since_s, session.name))

    def append(self, name: str, *steps: Step) -> None:
        """Append steps to the log of a session; they are on the disk when this returns. Raises ``OSError``."""
        self._make_folder(self.logs)
        append_lines(self.log(name), _encode_steps(steps))

    def write_log(self, name: str, *steps: Step) -> None:
        """Write the log of a session, whole or not at all. Raises ``OSError``."""
        self._make_folder(self.logs)
        write_bytes(self.log(name), _encode_steps(steps))

    def forget(self, name: str) -> None:
        """Remove the log of a session without bouts. Its samples stay in the log of samples. Raises ``OSError``."""
        self.log(name).unlink(missing_ok=True)
        with suppress(OSError):  # a log that comes back after a power cut has no bout, and is left out
            sync_folder(self.logs)

    def samples(
        self, session: RecordedSession, first_ns: int, last_ns: int, *, in_all_files: bool = False
    ) -> SessionSamples:
        """Read the samples of a session's watch from ``first_ns`` to ``last_ns``, each time once: as it came first.

        Files that were last written to before the session began are left out, unless ``in_all_files``: the server's
        clock may have been set back since.
        """
        signals = [np.empty((0, 3), np.float32)]
        times = [np.empty(0, np.int64)]
        after_s = 0.0 if in_all_files else session.since_s - EARLIER_S
        for message in logged_samples(self._samples, after_s=after_s, watch=session.watch):
            inside = (message.time_ns >= first_ns) & (message.time_ns <= last_ns)
            if inside.any():
                signals.append(message.signals[inside])
                times.append(message.time_ns[inside])
        time_ns, rows = np.unique(np.concatenate(times), return_index=True)
        return SessionSamples(np.concatenate(signals)[rows], time_ns)

    def write_labels(self, session: RecordedSession, bouts: Sequence[Bout]) -> None:
        """Write the file of labels of a session that has no recording yet.

        Raises:
            ReadOnlyLabelsError, OSError: when it cannot be written.
        """
        self._make_folder(self._recordings)
        store = LabelStore(self.recording(session.name), EVER, session.watch)
        rows = [(*bout, line) for line, bout in enumerate(bouts, FIRST_LINE)]
        store.save(Intervals.of(rows), if_digest=store.load().digest)

    def write_recording(self, session: RecordedSession, samples: SessionSamples) -> None:
        """Write samples as the recording of a session. Raises ``OSError``."""
        columns = {"Timestamp": pl.Series(samples.time_ns).cast(pl.Datetime("ns", "UTC"))}
        columns |= {axis: pl.Series(samples.signals[:, row]) for row, axis in enumerate("XYZ")}
        frame = pl.DataFrame(columns).with_columns(Subject=pl.lit(session.watch))
        with replacing(self.recording(session.name)) as aside:
            frame.write_parquet(aside, metadata={STATED_UNIT: "g"})

    def _make_folder(self, folder: Path) -> None:
        """Make a folder in that of ``--keep``, if there is none; it is on the disk when this returns."""
        if not folder.is_dir():
            folder.mkdir()
            sync_folder(self._samples)


def _encode_steps(steps: Iterable[Step]) -> bytes:
    return b"".join(msgspec.json.encode(step) + b"\n" for step in steps)


def read_steps(path: Path) -> Iterable[Step]:
    """Yield the steps in a log. A last line that a kill has cut short was not acknowledged, and is left out.

    Raises:
        HarkenError: when it is no regular file.
        OSError: when it cannot be read.
    """
    *lines, _ = regular(path).read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=Step)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            LOG.warning("%s, line %d: this step is damaged, and left out (%s)", path, number, error)
