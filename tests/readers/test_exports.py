"""Exports of loggers beside one another: each is taken for what it is, and for nothing else."""

from pathlib import Path

import numpy as np
import pytest

from archives import zipped
from exports import Looks, Read, head, read_or_refused
from harken.readers import phyphox, sensor_logger
from harken.readers.exports import EMPATICA, PHYSICS_TOOLBOX, SENSORLOG, owner
from harken.readers.omgui import OMGUI
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from reader_checks import collected
from tables import HEADER, acceleration, notebook_lines, write

READERS: dict[str, tuple[Looks, Read]] = {
    "empatica": (EMPATICA.recognises, collected(EMPATICA)),
    "omgui": (OMGUI.recognises, collected(OMGUI)),
    "phyphox": (phyphox.recognises, collected(phyphox)),
    "physics toolbox": (PHYSICS_TOOLBOX.recognises, collected(PHYSICS_TOOLBOX)),
    "sensor logger": (sensor_logger.recognises, collected(sensor_logger)),
    "sensorlog": (SENSORLOG.recognises, collected(SENSORLOG)),
}
G = acceleration(80)


def rows(first: list[str], samples: np.ndarray) -> list[str]:
    return [",".join([time, *(f"{value:.6f}" for value in row)]) for time, row in zip(first, samples, strict=True)]


MS = [f"{0.02 * row:.4f}" for row in range(80)]
NS = [str(1_719_102_681_279_387_400 + 20_000_000 * row) for row in range(80)]
UNIX = [f"{1_551_178_506 + row // 50}.{row % 50 * 2:02}00" for row in range(80)]
TEXT = [f"2024-08-22T12:12:{7 + row // 50:02}.{row % 50 * 20:03}Z" for row in range(80)]
COUNTS = [f"{x},{y},{z}" for x, y, z in np.rint(G * 64).astype(int)]

FILES: dict[str, list[str]] = {
    "empatica": ["1495437325.0, 1495437325.0, 1495437325.0", "32.0, 32.0, 32.0", *COUNTS],
    "omgui": rows(UNIX, G),
    "phyphox": [
        ",".join(f'"{name}"' for name in ("Time (s)", "X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)")),
        *rows(MS, G * 9.8),
    ],
    "physics toolbox": ["time,gFx,gFy,gFz", *rows(MS, G)],
    "sensor logger": ["time,seconds_elapsed,z,y,x", *rows([f"{time},0.0" for time in NS], G[:, ::-1] * 9.8)],
    "sensorlog": [
        f"loggingTime(txt),{','.join(f'accelerometerAcceleration{axis}(G)' for axis in 'XYZ')}",
        *rows(TEXT, G),
    ],
    "the notebook's": [HEADER, *notebook_lines()],
    "nobody's": ["a,b,c,d", "1,2,3,4"],
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_taken_for_what_it_is(kind: str, packed: bool, tmp_path: Path) -> None:
    content = "\n".join([*FILES[kind], ""])
    if packed:
        path = write(tmp_path, zipped({"TotalAcceleration.csv": content.encode()}), "export.zip")
        kinds = {kind} & {"phyphox", "sensor logger"}
    else:
        path = write(tmp_path, content, "TotalAcceleration.csv")
        kinds = {kind} & set(READERS)
    assert {name for name, (looks, _) in READERS.items() if looks(path, head(path))} == kinds
    read = {name for name, (_, read) in READERS.items() if read_or_refused(path, read) is not None}
    assert read == kinds


def test_real_files_of_other_kinds_are_refused(data_dir: Path) -> None:
    real = {
        ("ggir_ax3_testfile_unix_timestamps.csv", "omgui"),
        ("ggir_ax6_testfile_formatted_timestamps.csv", "omgui"),
        ("sensorlogger_WristMotion.csv", "sensor logger"),
        ("e4_S05_ACC.csv", "empatica"),
        ("e4_S20_ACC.csv", "empatica"),
    }
    taken = set()
    for path in sorted((data_dir / "devices").iterdir()):
        for kind, (looks, read) in READERS.items():
            if looks(path, head(path)):
                taken.add((path.name, kind))
            else:
                with pytest.raises(HarkenError):
                    read(path, TableOptions())
    assert taken == real


def test_whose_a_file_is(tmp_path: Path) -> None:
    assert owner(tmp_path / "ann" / "ACC.csv", ("ACC",)) == "ann"
    assert owner(tmp_path / "ann" / "ACC.csv.gz", ("ACC",)) == "ann"
    assert owner(tmp_path / "ann" / "bob.csv.gz", ("ACC",)) == "bob"
    assert owner(tmp_path / "ann.zip") == "ann"
    assert owner(Path("/ACC.csv"), ("ACC",)) == "ACC"
