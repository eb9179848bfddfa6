"""Every kind of file finds its reader by itself, and what nobody can read is refused with what to do."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from added_packages import install_package
from harken.readers import TableOptions, axivity, csv, geneactiv, open_stream, parquet, registry, sensor_logger
from harken.readers.registry import GENEA, MATRIX, reader_of
from harken.support.errors import HarkenError
from reader_checks import collected


def test_a_described_table_is_read_as_a_table(tmp_path: Path) -> None:
    export = tmp_path / "ACC.csv"
    export.write_text("1551178506.0,1551178506.0,1551178506.0\n32.0,32.0,32.0\n" + "64,0,0\n" * 64)
    assert reader_of(export, TableOptions())[0] is not csv
    assert reader_of(export, TableOptions(x_column="1", y_column="2", z_column="3", sample_rate_hz=32))[0] is csv


def test_a_folder_is_one_recording_only_when_a_logger_wrote_it(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="is a folder; name the files in it"):
        harken.read(tmp_path)
    rows = "".join(f"{1_700_000_000_000_000_000 + row * 20_000_000},{row / 50},0.0,0.0,1.0\n" for row in range(100))
    (tmp_path / "WatchAccelerometerUncalibrated.csv").write_text("time,seconds_elapsed,x,y,z\n" + rows)
    assert reader_of(tmp_path, TableOptions())[0] is sensor_logger
    assert harken.read(tmp_path).sample_rate_hz == pytest.approx(50)


def test_a_parquet_file_is_known_by_its_name_or_its_bytes(tmp_path: Path) -> None:
    for name, content in (("week.parquet", b"not one"), ("week", b"PAR1")):
        path = tmp_path / name
        path.write_bytes(content)
        assert reader_of(path, TableOptions())[0] is parquet


@pytest.mark.parametrize("reader", [harken.read, open_stream])
@pytest.mark.parametrize("name", ["a\0b.csv", "a\0/b.parquet"])
def test_a_name_that_no_file_can_have(name: str, reader: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=r"a\\x00.*: a file name cannot contain a zero byte"):
        reader(tmp_path / name)


OTHER = """
from harken.recordings.source import RecordingSource
from tables import recording


class Other:
    def __init__(self, ending):
        self.ending = ending

    def recognises(self, path, head):
        return path.suffix == self.ending

    def open_source(self, path, options):
        return RecordingSource(recording([""] * 400, subject=path.stem, as_found=True))


WATCH, CSV, NO_READER = Other(".watch"), Other(".csv"), object()
"""
"""The module of another package, with readers."""
NOTEBOOK = "Timestamp,X,Y,Z\n" + "".join(f"{1_700_000_000_000 + row * 20},0.0,0.0,1.0\n" for row in range(400))
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install("package", "name = module:object", ...)``: a package with these readers is installed."""

    def install(package: str, *points: str, source: str = OTHER) -> None:
        install_package(tmp_path, monkeypatch, registry.ENTRY_POINTS, package, *points, source=source)

    return install


def test_a_reader_of_another_package_reads_and_streams_what_no_other_recognises(
    install: Install, tmp_path: Path
) -> None:
    install("pack-a", "b = pack_a_module:CSV", "a = pack_a_module:WATCH")
    for name in ("ann.watch", "bert.csv"):
        path = tmp_path / name
        path.write_bytes(b"anything")
        assert harken.read(path).subject == open_stream(path).subject == path.stem
    (tmp_path / "week.parquet").write_bytes(b"not one")
    assert reader_of(tmp_path / "week.parquet", TableOptions())[0] is parquet
    assert reader_of(tmp_path / "bert.csv", TableOptions(skip_rows=1))[0] is csv


@pytest.mark.parametrize(
    ("point", "source", "why"),
    [
        ("bad = pack_b_module:READER", "import numpie\n", "imported (ModuleNotFoundError: No module named 'numpie')"),
        ("bad = pack_b_module:READER", "READER = 1 / 0\n", "imported (ZeroDivisionError: division by zero)"),
        ("bad = pack_b_module:NO_READER", OTHER, "used: bad has no functions recognises and open_source"),
    ],
)
def test_a_csv_file_is_read_without_a_broken_reader_and_a_note_names_it(
    install: Install, tmp_path: Path, point: str, source: str, why: str
) -> None:
    path = tmp_path / "ann.csv"
    path.write_text(NOTEBOOK)
    whole = harken.read(path)
    install("pack-b", point, source=source)
    skipped = f"A reader was skipped: the entry point {point} (harken.readers) of the package pack-b cannot be {why}"
    for read in (harken.read(path), open_stream(path)):
        (note,) = set(read.quality.notes) - set(whole.quality.notes)
        assert note.startswith(skipped)
        assert note.endswith(".")
    np.testing.assert_array_equal(harken.read(path).signals, whole.signals)
    assert harken.read(path, skip_rows=1, time_column="1", x_column="2", y_column="3", z_column="4").quality.notes == (
        whole.quality.notes
    )


def test_a_broken_reader_does_not_stop_another_that_recognises_the_file(install: Install, tmp_path: Path) -> None:
    install("pack-a", "late = pack_a_module:WATCH")
    install("pack-b", "early = pack_b_module:READER", source="import numpie\n")
    path = tmp_path / "ann.watch"
    path.write_bytes(b"anything")
    assert harken.read(path).subject == "ann"
    (tmp_path / "week.parquet").write_bytes(b"not one")
    assert reader_of(tmp_path / "week.parquet", TableOptions())[0] is parquet


@pytest.mark.parametrize("content", [b"TINY WATCH\n1 2 3\n", b"\xff\xfe\x00\x01" * 100, b"a,b\n1,2\n", b""])
def test_a_broken_reader_is_named_when_no_other_can_read_the_file(
    install: Install, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "ann.tiny"
    path.write_bytes(content)
    with pytest.raises(HarkenError) as without:
        harken.read(path)
    install("pack-b", "tiny = pack_b_module:READER", source="import numpie\n")
    for read in (harken.read, open_stream):
        with pytest.raises(HarkenError) as refused:
            read(path)
        assert str(refused.value) == (
            f"{without.value}. A reader was skipped, which may be the one for this file: the entry point tiny = "
            "pack_b_module:READER (harken.readers) of the package pack-b cannot be imported (ModuleNotFoundError: No "
            "module named 'numpie'); reinstall or uninstall pack-b"
        )


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


@settings(max_examples=60)
@given(end=st.integers(516, len(CONTENT)), place=st.integers(0, len(CONTENT) - 1), put=st.integers(0, 255))
def test_cut_short_or_damaged_it_is_still_recognised(end: int, place: int, put: int) -> None:
    cut = CONTENT[:end]
    assert MATRIX.recognises(Path("night.bin"), cut)
    damaged = CONTENT[:place] + bytes([put]) + CONTENT[place + 1 :]
    assert MATRIX.recognises(Path("night.bin"), damaged)
    assert not MATRIX.recognises(Path("night.bin"), CONTENT[:515])
