"""GENEActiv's ``.bin``: real files against expected arrays and the library itself, made-up ones for everything else."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import geneactiv as geneactiv_reader
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from reader_checks import collected, mended, refusals
from research_watches import SUMMER, geneactiv, ns, turning, write_parts

GAINS, OFFSETS = np.array([25_600, 25_000, 26_000]), np.array([0, 1000, -1000])


read = mended(collected(geneactiv_reader))
refusal = refusals(read)
written = partial(write_parts, name="watch.bin")


def expected_g(samples: int) -> np.ndarray:
    """The acceleration in a made-up file, by the maker's formula."""
    return np.asarray((turning(samples) * 100.0 - OFFSETS) / GAINS)


REAL = (
    *("GGIRread_GENEActiv_testfile.bin", "actfast_cmi_geneactiv.bin"),
    *("skdh_gnactv_sample.bin", "wristpy_example_geneactiv.bin"),
)


@pytest.mark.parametrize("name", REAL)
def test_agrees_with_actfast(name: str, data_dir: Path) -> None:
    actfast = pytest.importorskip("actfast", reason="the devices extra is not installed")
    path = data_dir / "devices" / name
    recording = read(path)
    table = actfast.read(str(path), lenient=True)["timeseries"]["high_frequency"]
    np.testing.assert_array_equal(recording.signals[:, :3], table["acceleration"])
    np.testing.assert_allclose(recording.time_ns, table["datetime"], atol=1e6, rtol=0)


def test_the_expected_arrays_of_scikit_digital_health(data_dir: Path) -> None:
    recording = read(data_dir / "devices" / "skdh_gnactv_sample.bin")
    with np.load(data_dir / "devices" / "gnactv_data.npz") as expected:
        np.testing.assert_allclose(recording.signals[:, :3], expected["accel"], atol=6e-5)  # it rounds to four digits
        np.testing.assert_allclose(recording.signals[:, 3], expected["temperature"], atol=1e-5)
        np.testing.assert_allclose(recording.time_ns / 1e9, expected["time"], atol=1e-6, rtol=0)


@settings(max_examples=20)
@given(lost=st.sets(st.integers(0, 11), min_size=1, max_size=5), absent=st.booleans())
def test_lost_pages_leave_gaps_and_move_nothing(
    lost: set[int], absent: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    header, pages = geneactiv(12)
    broken = [page.replace(b"Temperature:", b"Temp\x00rature:") for page in pages]
    kept = [page if i not in lost else broken[i] for i, page in enumerate(pages) if not (absent and i in lost)]
    recording = read(written(tmp_path_factory.getbasetemp(), header, *kept))
    rows = ~np.isin(np.arange(12), list(lost)).repeat(300)
    np.testing.assert_allclose(recording.signals[:, :3], expected_g(3600)[rows], atol=1e-6)
    np.testing.assert_allclose(recording.time_ns, (ns(SUMMER) + 10**7 * np.arange(3600))[rows], atol=1, rtol=0)
    noted = [note for note in recording.quality.notes if "damaged" in note or "The header states 12" in note]
    assert len(noted) == 1
    assert noted[0].startswith("The header states 12 pages" if absent else f"About {len(lost)} of 12 pages")


@pytest.mark.parametrize("page", [0, 5, 9])
def test_a_page_whose_time_is_damaged_is_left_out(page: int, tmp_path: Path) -> None:
    header, pages = geneactiv(10)
    minute = b":%02d:" % (SUMMER + timedelta(seconds=3 * page)).minute
    assert pages[page].count(minute) == 1
    pages[page] = pages[page].replace(minute, b":40:")
    recording = read(written(tmp_path, header, *pages))
    assert len(recording) == 2700
    assert recording.span_s < 31
    assert any(note.startswith("About 1 of 10 pages of the file are damaged") for note in recording.quality.notes)


def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, pages = geneactiv(20, last_samples=100)
    path = written(tmp_path, header, *pages)
    whole = read(path)
    monkeypatch.setattr(geneactiv_reader, "PAGES_AT_ONCE", 3)
    assert read(path).fingerprint == whole.fingerprint


CALIBRATIONS = {
    b"x gain:95600": (b"x gain:25600", "states a gain of 95600 and an offset of 0 for the x axis"),
    b"y offset:91000": (b"y offset:1000", "states a gain of 25000 and an offset of 91000 for the y axis"),
    b"z gain:0": (b"z gain:26000", "states a gain of 0 and an offset of -1000 for the z axis"),
    b"z goin:26000": (b"z gain:26000", "the header has no gain and offset of the z axis"),
    b"z gain:26\x000": (b"z gain:26000", "states a gain of 260 and"),
}


@pytest.mark.parametrize("damaged", CALIBRATIONS)
def test_a_damaged_calibration_is_refused(damaged: bytes, tmp_path: Path) -> None:
    right, message = CALIBRATIONS[damaged]
    header, pages = geneactiv(3)
    assert right in header
    assert message in refusal(written(tmp_path, header.replace(right, damaged), *pages))


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    header, pages = geneactiv(5)
    path = written(tmp_path, header, *pages)
    for content in (header + b"".join(pages[:3]), header + b"Z" * sum(map(len, pages))):
        source = geneactiv_reader.open_source(written(tmp_path, header, *pages), TableOptions())
        path.write_bytes(content)
        with pytest.raises(HarkenError, match="the file changed while it was read"):
            source.collect()
