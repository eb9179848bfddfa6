"""OMGUI's CSV export: two real ones, each beside the watch's own file."""

from pathlib import Path

import numpy as np
import pytest

from exports import head
from harken.readers.omgui import OMGUI
from harken.readers.options import TableOptions
from reader_checks import collected

collect = collected(OMGUI)


@pytest.mark.parametrize(
    ("name", "own", "rows"),
    [
        ("ggir_ax3_testfile_unix_timestamps.csv", "GGIRread_ax3_testfile.cwa", 210),
        ("ggir_ax6_testfile_formatted_timestamps.csv", "GGIRread_ax6_testfile.cwa", 210),
    ],
)
def test_real_exports_beside_the_watchs_own_files(name: str, own: str, rows: int, data_dir: Path) -> None:
    from harken.readers import axivity

    path = data_dir / "devices" / name
    assert OMGUI.recognises(path, head(path))
    exported = collect(path, TableOptions(timezone="Europe/London"))
    watch = axivity.open_source(data_dir / "devices" / own, TableOptions(timezone="Europe/London")).collect()
    assert len(exported) == rows
    assert exported.channels == watch.channels[: len(exported.channels)]
    nearest = np.abs(watch.time_ns[:, None] - exported.time_ns).argmin(axis=0)
    assert np.abs(watch.time_ns[nearest] - exported.time_ns).max() <= 1_000_000  # text has milliseconds
    channels = len(exported.channels)
    np.testing.assert_allclose(exported.signals, watch.signals[nearest, :channels], rtol=0, atol=6e-7)
