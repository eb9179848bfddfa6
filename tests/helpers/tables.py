"""Small tables and recordings of a wrist at rest that turns slowly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED, Recording
from made_recordings import recording_of

HEADER = "Timestamp,X,Y,Z,P,Label"
START_MS = 1_519_170_400_000  # 20 February 2018, 23:46:40 UTC


def acceleration(rows: int, seed: int = 0) -> NDArray[np.float64]:
    """A turning wrist with sensor noise, in g: float64 ``[rows, 3]``, with 5 significant digits or so."""
    angle = np.linspace(0, 1, rows)
    g = np.stack([np.sin(angle), 0.2 * np.ones(rows), np.cos(angle)], axis=1)
    return np.round(g + np.random.default_rng(seed).normal(0, 0.01, (rows, 3)), 5)


def notebook_lines(rows: int = 8, *, step_ms: int = 20, label: str = "sitting") -> list[str]:
    """Lines without a header, 50 Hz, in m/s²."""
    return [
        f"{START_MS + step_ms * row},{x:.5g},{y:.5g},{z:.5g},3,{label}"
        for row, (x, y, z) in enumerate(acceleration(rows) * 9.80665)
    ]


def write(folder: Path, lines: list[str] | str | bytes, name: str = "watch.csv") -> Path:
    """Write a file of lines, or of a text or bytes as they are, and return its path."""
    content = "\n".join([*lines, ""]) if isinstance(lines, list) else lines
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def recording(
    labels: Sequence[str],
    *,
    time_ns: NDArray[np.int64] | None = None,
    signals: NDArray[np.float32] | None = None,
    valid: NDArray[np.bool_] | None = None,
    as_found: bool = False,
    subject: str = "ann",
) -> Recording:
    """A recording with one sample a label (empty: unlabelled), at 50 Hz and of a turning wrist unless given."""
    names = tuple(sorted({label for label in labels if label}))
    return recording_of(
        20_000_000 * np.arange(len(labels)) if time_ns is None else time_ns,
        acceleration(len(labels)) if signals is None else signals,
        codes=[names.index(label) if label else UNLABELLED for label in labels],
        names=names,
        subject=subject,
        valid=valid,
        as_found=as_found,
    )
