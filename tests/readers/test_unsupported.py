"""Parmay Tech's Matrix: recognised whatever its state, and refused with what to do instead."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import axivity, geneactiv
from harken.readers.options import TableOptions
from harken.readers.unsupported import GENEA, MATRIX
from harken.support.errors import HarkenError
from reader_checks import collected

collect = collected(MATRIX)

HEADER = bytes(512) + b"MDTC\x01\0\0\0\x08\0\xd0\x07"
CONTENT = HEADER + b"MDTCPACK" + bytes(28) + bytes(range(256)) * 4


def test_real_files(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        with path.open("rb") as file:
            head = file.read(1 << 16)
        ours = path.name.startswith("GGIRread_mtx")
        assert MATRIX.recognises(path, head) == ours, path.name
        assert MATRIX.recognises(Path("renamed"), head) == ours, path.name
        if ours:
            others = (axivity.recognises, GENEA.recognises, geneactiv.recognises)
            assert not any(looks_like(path, head) for looks_like in others)


def test_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "night.BIN"
    path.write_bytes(CONTENT)
    with pytest.raises(HarkenError) as caught:
        collect(path, TableOptions())
    message = str(caught.value)
    assert message.startswith(f"{path}: this is a recording of a Parmay Tech Matrix; harken cannot read it")
    assert "readParmayMatrix" in message
    assert "--time-column time --x-column acc_x" in message


def test_the_way_that_the_refusal_names(tmp_path: Path) -> None:
    from harken.readers import csv

    path = tmp_path / "night.csv"
    lines = [f"{1_600_000_000 + row / 25:.2f},0.1,0.2,0.97,36.5,24.1," for row in range(100)]
    path.write_text("\n".join(["time,acc_x,acc_y,acc_z,bodySurface_temp,ambient_temp,remarks", *lines, ""]))
    options = TableOptions(time_column="time", x_column="acc_x", y_column="acc_y", z_column="acc_z")
    recording = csv.open_source(path, options).collect()
    assert recording.sample_rate_hz == pytest.approx(25)
    assert recording.quality.acceleration_unit == "g"


def test_gzipped() -> None:
    assert MATRIX.recognises(Path("night.BIN.gz"), gzip.compress(CONTENT))


@settings(max_examples=60, deadline=None)
@given(end=st.integers(516, len(CONTENT)), place=st.integers(0, len(CONTENT) - 1), put=st.integers(0, 255))
def test_cut_short_or_damaged_it_is_still_recognised(end: int, place: int, put: int) -> None:
    cut = CONTENT[:end]
    assert MATRIX.recognises(Path("night.bin"), cut)
    damaged = CONTENT[:place] + bytes([put]) + CONTENT[place + 1 :]
    assert MATRIX.recognises(Path("night.bin"), damaged)
    assert not MATRIX.recognises(Path("night.bin"), CONTENT[:515])
