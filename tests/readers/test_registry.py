"""Every kind of file finds its reader by itself, and what nobody can read is refused with what to do."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harken
from added_packages import install_package
from harken.readers import TableOptions, csv, open_stream, parquet, registry
from harken.readers.registry import reader_of
from harken.support.errors import HarkenError
from reader_checks import refusals
from tables import HEADER, notebook_lines, write


def test_a_described_table_is_read_as_a_table(tmp_path: Path) -> None:
    export = tmp_path / "ACC.csv"
    export.write_text("1551178506.0,1551178506.0,1551178506.0\n32.0,32.0,32.0\n" + "64,0,0\n" * 64)
    assert reader_of(export, TableOptions())[0] is not csv
    assert reader_of(export, TableOptions(x_column="1", y_column="2", z_column="3", sample_rate_hz=32))[0] is csv


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


def test_a_fault_in_a_reader_of_another_package_names_the_file(install: Install, tmp_path: Path) -> None:
    install("pack-a", "faulty = pack_a_module:WATCH", source=OTHER.replace("return Rec", "return 1 / 0, Rec"))
    path = tmp_path / "ann.watch"
    path.write_bytes(b"anything")
    with pytest.raises(HarkenError, match=r"ann\.watch: the reader of another package failed \(ZeroDivisionError: div"):
        harken.read(path)


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


LINES = [HEADER, *notebook_lines()]


refusal = refusals(harken.read)


def test_what_is_no_file_on_a_disk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == (
        "FILE: this is not a regular file; harken reads a file more than once, so it cannot read from a pipe or a "
        "device"
    )


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, LINES)
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == "FILE: cannot be read (Permission denied)"


def test_an_unknown_zone_is_refused_before_a_file_is_read() -> None:
    with pytest.raises(HarkenError, match="there is no time zone 'Athens'; zones look like Europe/Athens or UTC"):
        harken.TableOptions(timezone="Athens")
