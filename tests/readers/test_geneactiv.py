"""GENEActiv's ``.bin``: real files against expected arrays and the library itself, made-up ones for everything else."""

import gzip
import re
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.readers import geneactiv as geneactiv_reader
from harken.readers.geneactiv import source as library_source
from harken.readers.options import TableOptions
from harken.readers.registry import GENEA
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from reader_checks import collected, mended, refusals
from research_watches import SUMMER, geneactiv, ns, turning, write_parts

actfast = pytest.importorskip("actfast", reason="the devices extra is not installed")

GAINS, OFFSETS = np.array([25_600, 25_000, 26_000]), np.array([0, 1000, -1000])
GENEACTIV = {
    "GGIRread_GENEActiv_testfile.bin",
    "actfast_cmi_geneactiv.bin",
    "skdh_gnactv_sample.bin",
    "wristpy_example_geneactiv.bin",
}


read = mended(collected(geneactiv_reader))
refusal = refusals(read)
written = partial(write_parts, name="watch.bin")


def read_or_refused(path: Path) -> Recording | None:
    """None where the file is refused."""
    try:
        return read(path)
    except HarkenError:
        return None


def expected_g(samples: int) -> np.ndarray:
    """The acceleration in a made-up file, by the maker's formula."""
    return np.asarray((turning(samples) * 100.0 - OFFSETS) / GAINS)


REAL = {
    "GGIRread_GENEActiv_testfile.bin": ("GGIRread_GENEActiv_testfile", 5_031, 85.714, 58.68, 0),
    "actfast_cmi_geneactiv.bin": ("actfast_cmi_geneactiv", 6_000, 60, 99.98, 0),
    "skdh_gnactv_sample.bin": ("0001", 900, 50, 18.48, 1),
    "wristpy_example_geneactiv.bin": ("wristpy_example_geneactiv", 27_300, 60, 454.98, 0),
}
"""Subject, samples, true rate, span and gaps."""


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, data_dir: Path) -> None:
    subject, rows, rate_hz, span_s, gaps = REAL[name]
    path = data_dir / "devices" / name
    recording = read(path)
    assert (recording.subject, len(recording), len(recording.gap_rows)) == (subject, rows, gaps)
    assert recording.sample_rate_hz == pytest.approx(rate_hz, abs=0.001)
    assert recording.span_s == pytest.approx(span_s, abs=0.01)
    assert recording.channels == ("x", "y", "z", "temperature")
    assert recording.quality.sensor_range_g == 8
    assert recording.valid.all()
    table = actfast.read(str(path), lenient=True)["timeseries"]["high_frequency"]
    np.testing.assert_array_equal(recording.signals[:, :3], table["acceleration"])
    np.testing.assert_allclose(recording.time_ns, table["datetime"], atol=1e6, rtol=0)


def test_the_expected_arrays_of_scikit_digital_health(data_dir: Path) -> None:
    recording = read(data_dir / "devices" / "skdh_gnactv_sample.bin")
    with np.load(data_dir / "devices" / "gnactv_data.npz") as expected:
        np.testing.assert_allclose(recording.signals[:, :3], expected["accel"], atol=6e-5)  # it rounds to four digits
        np.testing.assert_allclose(recording.signals[:, 3], expected["temperature"], atol=1e-5)
        np.testing.assert_allclose(recording.time_ns / 1e9, expected["time"], atol=1e-6, rtol=0)


def test_a_real_file_that_was_cut_short_says_so(data_dir: Path) -> None:
    notes = read(data_dir / "devices" / "GGIRread_GENEActiv_testfile.bin").quality.notes
    assert "The file is incomplete: it ends in the middle of its last page, whose complete samples were kept." in notes
    assert "The header states 222,048 pages, but the file contains fewer." in notes
    assert "The watch was set to 85.7 Hz; according to its clock, it recorded at 85.714 Hz." in notes


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_units_and_header(line_end: str, tmp_path: Path) -> None:
    header, pages = geneactiv(10, line_end=line_end)
    recording = read(written(tmp_path, header, *pages))
    np.testing.assert_allclose(recording.signals[:, :3], expected_g(3000), atol=1e-6)
    np.testing.assert_allclose(recording.signals[::300, 3], [30 + page % 7 / 10 for page in range(10)], atol=1e-5)
    np.testing.assert_allclose(recording.time_ns, ns(SUMMER) + 10**7 * np.arange(3000), atol=1, rtol=0)
    assert recording.subject == "P17"
    assert recording.quality.notes == (
        "GENEActiv 1.2 012345, firmware Ver06.17, range ±8 g.",
        "The watch was set to 100 Hz; according to its clock, it recorded at 100 Hz.",
        "The header states the time zone GMT +01:00, which the manufacturer writes with or without summer time; it "
        "was not used.",
        "The watch's clock was wrong by -1.459 s when it was read out; times were not corrected.",
        "Times have no time zone and were read as UTC; give the wearer's time zone with --timezone.",
    )


def test_the_rate_is_the_clocks(tmp_path: Path) -> None:
    header, pages = geneactiv(10, step_s=3.03)
    recording = read(written(tmp_path, header, *pages))
    assert recording.sample_rate_hz == pytest.approx(100 / 1.01, rel=1e-4)
    assert np.diff(recording.time_ns).max() < 11 * 10**6
    assert "The watch was set to 100 Hz; according to its clock, it recorded at 99.01 Hz." in recording.quality.notes


def test_a_page_that_comes_a_little_early_is_not_laid_over_the_one_before(tmp_path: Path) -> None:
    header, pages = geneactiv(4, step_s=2.5)
    recording = read(written(tmp_path, header, *pages))
    assert recording.quality.backward_times == 0
    assert recording.sample_rate_hz == pytest.approx(120, rel=0.06)


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    header, pages = geneactiv(10)
    _, again = geneactiv(10, start=SUMMER + timedelta(seconds=10))
    path = written(tmp_path, header, *pages, *again)
    assert refusal(path).startswith("FILE: the watch's clock was set back during the recording")
    assert len(read(path, sample_rate_hz=100)) == 6000


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


def test_the_last_page_may_be_shorter(tmp_path: Path) -> None:
    header, pages = geneactiv(5, last_samples=17)
    recording = read(written(tmp_path, header, *pages))
    assert len(recording) == 1217
    assert not any("incomplete" in note or "damaged" in note for note in recording.quality.notes)


def test_a_page_among_the_others_may_not(tmp_path: Path) -> None:
    header, pages = geneactiv(5)
    pages[2] = pages[2][:-13] + b"\n"  # a sample less
    recording = read(written(tmp_path, header, *pages))
    assert len(recording) == 1200
    assert any(note.startswith("About 1 of 5 pages") for note in recording.quality.notes)


def test_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, pages = geneactiv(20, last_samples=100)
    path = written(tmp_path, header, *pages)
    whole = read(path)
    monkeypatch.setattr(library_source, "PAGES_AT_ONCE", 3)
    assert read(path).fingerprint == whole.fingerprint


def test_a_header_that_would_end_the_process(tmp_path: Path) -> None:
    header, pages = geneactiv(5, said_pages=999_999_999)
    assert len(read(written(tmp_path, header, *pages))) == 1500
    header, pages = geneactiv(5, said_pages=999_999_999_999_999)
    assert len(read(written(tmp_path, header, *pages))) == 1500


def test_a_header_with_letters_of_other_languages(tmp_path: Path) -> None:
    header, pages = geneactiv(3)
    path = written(tmp_path, header.replace(b"P17", "Zoë".encode("latin-1")), *pages)
    assert read(path).subject == "Zoë"


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


def test_gzipped_reads_the_same(tmp_path: Path) -> None:
    header, pages = geneactiv(5)
    content = header + b"".join(pages)
    packed = read(written(tmp_path, gzip.compress(content), name="other.bin.gz"))
    assert packed.fingerprint == read(written(tmp_path, content)).fingerprint
    cut = written(tmp_path, gzip.compress(content)[:-9], name="cut.bin.gz")
    assert refusal(cut).startswith("FILE: the gzip file is damaged or cut short")


def test_the_users_options(tmp_path: Path) -> None:
    header, pages = geneactiv(5)
    path = written(tmp_path, header, *pages)
    recording = read(path, subject="ann", timezone="Europe/Paris")
    assert (recording.subject, recording.timezone) == ("ann", "Europe/Paris")
    assert recording.time_ns[0] == ns(SUMMER) - 2 * 3600 * 10**9


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, pages = geneactiv(2)
    monkeypatch.setitem(sys.modules, "actfast", None)
    message = refusal(written(tmp_path, header, *pages))
    assert message.startswith("FILE: reading this file needs the package actfast (")
    assert message.endswith('-m pip install "harken[devices]"')


def test_a_library_that_gives_nothing_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header, pages = geneactiv(2)
    path = written(tmp_path, header, *pages)
    empty = {"datetime": np.empty(0, np.int64), "acceleration": np.empty((0, 3), np.float32)}
    monkeypatch.setattr(actfast, "read", lambda _: {"timeseries": {"high_frequency": empty}})
    assert refusal(path) == "FILE: actfast cannot read the samples (it returned 0 of 600)"


def test_what_is_recognised(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        with path.open("rb") as file:
            head = file.read(1 << 16)
        assert geneactiv_reader.recognises(path, head) == (path.name in GENEACTIV), path.name
        assert geneactiv_reader.recognises(path, gzip.compress(head)[:3000]) == (path.name in GENEACTIV), path.name
        assert GENEA.recognises(path, head) == (path.name == "GGIRread_genea_testfile.bin"), path.name


def test_other_files_are_refused(data_dir: Path) -> None:
    for path in sorted((data_dir / "devices").iterdir()):
        if path.name not in GENEACTIV:
            assert "this is not a GENEActiv .bin file" in refusal(path)


def test_the_older_genea_is_refused_with_what_to_do(data_dir: Path) -> None:
    with pytest.raises(HarkenError, match=r"a recording of a GENEA, .* readGenea of the R package GGIRread"):
        GENEA.open_source(data_dir / "devices" / "GGIRread_genea_testfile.bin", TableOptions())


def content_of(pages: int) -> bytes:
    header, made = geneactiv(pages)
    return header + b"".join(made)


CONTENT = content_of(6)
FIRST_PAGE = CONTENT.index(b"Recorded Data")


def test_cut_anywhere(tmp_path: Path) -> None:
    starts = [found.start() for found in re.finditer(b"Recorded Data", CONTENT)] + [len(CONTENT)]
    ends = [*range(0, FIRST_PAGE, 53), *range(FIRST_PAGE, len(CONTENT), 61), *(start - 1 for start in starts), *starts]
    for end in ends:
        path = written(tmp_path, CONTENT[:end])
        whole = sum(start <= end + 1 for start in starts[1:])
        recording = read_or_refused(path)
        if recording is None:
            assert whole == 0
            continue
        assert 300 * whole <= len(recording) < 300 * (whole + 1)
        np.testing.assert_allclose(recording.signals[:, :3], expected_g(1800)[: len(recording)], atol=1e-6)
        np.testing.assert_allclose(recording.time_ns, ns(SUMMER) + 10**7 * np.arange(len(recording)), atol=1, rtol=0)
        if end < len(CONTENT) - 1:
            noted = " ".join(recording.quality.notes)
            assert "damaged" in noted or "incomplete" in noted or "The header states" in noted


@settings(max_examples=150, derandomize=True)
@given(
    places=st.lists(st.integers(0, len(CONTENT) - 1), min_size=1, max_size=5),
    bytes_put=st.lists(st.integers(0, 255), min_size=5, max_size=5),
    in_lines=st.booleans(),
)
def test_flipped_bytes(
    places: list[int], bytes_put: list[int], in_lines: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(CONTENT)
    page_bytes = (len(CONTENT) - FIRST_PAGE) // 6
    for place, put in zip(places, bytes_put, strict=False):
        if in_lines and place >= FIRST_PAGE:  # before the samples
            place = FIRST_PAGE + (place - FIRST_PAGE) // page_bytes * page_bytes + (place - FIRST_PAGE) % 230
        content[place] = put
    path = written(tmp_path_factory.getbasetemp(), bytes(content), name="flipped.bin")
    recording = read_or_refused(path)
    if recording is None:
        assert len(refusal(path)) < 600
        return
    assert len(recording) <= 1800
    times = np.rint((recording.time_ns - ns(SUMMER)) / 1e7).astype(int)
    # What is left stands where it was, but for a digit of a sample or of a date that turned into another one.
    right = (times >= 0) & (times < 1800)
    assert right.mean() >= 0.6
    off = np.abs(recording.signals[right, :3] - expected_g(1800)[times[right]]).max(axis=1) > 1e-6
    calibrated = content[:FIRST_PAGE] == CONTENT[:FIRST_PAGE]
    if calibrated:
        assert off.mean() <= 0.4
    lost = 1800 - len(recording)
    if lost:
        noted = " ".join(recording.quality.notes)
        assert "damaged" in noted or "The header states" in noted or "incomplete" in noted
