"""phyphox's tables and archives: files made as the app's source writes them, for there is no real one at hand."""

from pathlib import Path

import numpy as np
import pytest

from goldens.files import zipped
from harken.readers import phyphox
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY
from reader_checks import collected
from tables import acceleration, write

collect = collected(phyphox)
HEADER = ("Time (s)", *(f"Acceleration {axis} (m/s^2)" for axis in "xyz"), "Absolute acceleration (m/s^2)")


def java_number(value: float) -> str:
    """As Java's pattern 0.000000000E0."""
    mantissa, exponent = f"{value:.9e}".split("e")
    return f"{mantissa}E{int(exponent)}"


@pytest.mark.parametrize("events", ["START,0.0\nPAUSE,1.0\nSTART,6.0", "START\nPAUSE,1.0", "START\nSTART"])
def test_events_that_are_cut_short_give_no_dates(events: str, tmp_path: Path) -> None:
    seconds = np.arange(200) / 100
    samples = acceleration(200) * STANDARD_GRAVITY
    rows = np.column_stack([seconds, samples, np.linalg.norm(samples, axis=1)])
    header = ",".join(f'"{name}"' for name in HEADER)
    content = "\n".join([header, *(",".join(map(java_number, row)) for row in rows), ""]).encode()
    files = {"Raw Data.csv": content, "meta/time.csv": f'"event","experiment time"\n{events}\n'.encode()}
    recording = collect(write(tmp_path, zipped(files), "cut.zip"), TableOptions())
    np.testing.assert_allclose(recording.time_ns / 1e9, seconds, rtol=0, atol=6e-9)
