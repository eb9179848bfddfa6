"""Physics Toolbox's tables: files made like those that others show, for there is no real one at hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import head, survives
from harken.readers import physics_toolbox
from harken.readers.options import TableOptions
from harken.recordings.mending import mend
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from reader_checks import collected
from tables import HEADER, acceleration, notebook_lines, write

collect = collected(physics_toolbox)


def lines(times: list[str], samples: np.ndarray, header: str = "time,gFx,gFy,gFz,TgF") -> list[str]:
    total = np.linalg.norm(samples, axis=1)
    rows = zip(times, samples, total, strict=True)
    return [header, *(f"{time},{x:.5f},{y:.5f},{z:.5f},{size:.3f}" for time, (x, y, z), size in rows)]


def seconds(rows: int) -> list[str]:
    return [f"{0.01 * row:.4f}" for row in range(rows)]


@settings(max_examples=40)
@given(rows=st.integers(70, 150), seed=st.integers(0, 2**32), semicolons=st.booleans(), dated=st.booleans())
def test_round_trip(
    rows: int, seed: int, semicolons: bool, dated: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    g = acceleration(rows, seed)
    times = [f"2018-10-03 17:23:{55 + row // 100}.{row % 100:02}00" for row in range(rows)] if dated else seconds(rows)
    content = "\n".join([*lines(times, g), ""])
    if semicolons:
        content = content.replace(",", ";").replace(".", ",")
    path = write(tmp_path_factory.getbasetemp(), content, "round_trip.csv")
    assert physics_toolbox.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_allclose(recording.signals, g, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.diff(recording.time_ns), 10_000_000, atol=1000)
    assert recording.quality.acceleration_unit == "g"
    assert "never run on a real file" in " ".join(recording.quality.notes)


def test_its_linear_acceleration_is_never_taken_for_g(tmp_path: Path) -> None:
    walking = acceleration(300) * [1, 1, 0.9]  # about 1 m/s²
    path = write(tmp_path, lines(seconds(300), walking, "time,ax,ay,az,aT"))
    recording = mend(collect(path, TableOptions()))
    np.testing.assert_allclose(recording.signals * STANDARD_GRAVITY, walking, atol=1e-5)
    assert "This is acceleration without gravity" in " ".join(recording.quality.notes)


def test_g_force_comes_before_linear_acceleration(tmp_path: Path) -> None:
    g = acceleration(100)
    content = lines(seconds(100), g, "time,gFx,gFy,gFz,TgF")
    content = [f"{line},{'ax,ay,az,aT' if row == 0 else '0,0,0,0'}," for row, line in enumerate(content)]
    recording = collect(write(tmp_path, content), TableOptions())
    np.testing.assert_allclose(recording.signals, g, atol=1e-6)


def test_what_it_is_not(tmp_path: Path) -> None:
    for header in (HEADER, "time,ax,ay,az,label"):
        path = write(tmp_path, [header, *notebook_lines()])
        assert not physics_toolbox.recognises(path, head(path))
        with pytest.raises(
            HarkenError, match="has no columns time and gFx, gFy, gFz, which a file of Physics Toolbox has"
        ):
            collect(path, TableOptions())


def test_mutilated(tmp_path: Path) -> None:
    content = "\n".join([*lines(seconds(60), acceleration(60)), ""]).encode()
    survives(content, tmp_path / "ann.csv", physics_toolbox.recognises, collect)
