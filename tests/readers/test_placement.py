"""Where a sensor was worn: the words of headers, in real files and made-up ones, read whole and in parts."""

from pathlib import Path

import pytest

from actigraph_files import ACTIVITY, activity, export_header, info, metadata, steps, write_gt3x
from harken.readers import open_stream, read
from harken.readers.device import about_placement, placement_of
from harken.recordings.recording import Placement
from research_watches import cwa_blocks, cwa_header, geneactiv, write_parts

REAL = {
    "GGIR_actigraph_testfile.gt3x": Placement.WAIST,
    "labda_actigraph_13h.gt3x": Placement.WRIST,
    "actfast_cmi.gt3x": Placement.UNKNOWN,
    "GGIRread_ax3_testfile.cwa": Placement.WRIST,
    "GGIRread_ax6_testfile.cwa": Placement.UNKNOWN,
    "skdh_gnactv_sample.bin": Placement.BACK,
    "wristpy_example_geneactiv.bin": Placement.UNKNOWN,
}


@pytest.mark.parametrize(
    ("text", "placement"),
    [
        ("", Placement.UNKNOWN),
        ("left wrist", Placement.WRIST),
        ("Wrist", Placement.WRIST),
        ("RIGHT  THIGH", Placement.THIGH),
        ("left upper-arm", Placement.UPPER_ARM),
        ("sacrum", Placement.SACRUM),
        ("waist or wrist", Placement.UNKNOWN),
        ("wristband store", Placement.UNKNOWN),
        ("unknown", Placement.UNKNOWN),
    ],
)
def test_the_words_of_headers(text: str, placement: Placement) -> None:
    assert placement_of(text) is placement


def test_words_that_are_not_recognised_are_a_note() -> None:
    assert about_placement("linker pols ") == [
        "The header states the position 'linker pols', which harken does not recognise."
    ]
    assert about_placement("") == about_placement("left wrist") == []


def assert_worn(path: Path, placement: Placement) -> None:
    whole, parts = read(path), open_stream(path)
    assert whole.quality.placement is placement
    assert parts.quality == whole.quality
    assert bool(whole.warnings) == (placement not in (Placement.WRIST, Placement.UNKNOWN))
    assert all(f"worn on the {placement}, not on a wrist" in warning for warning in whole.warnings)


@pytest.mark.parametrize(("name", "placement"), REAL.items())
def test_real_files(name: str, placement: Placement, data_dir: Path) -> None:
    assert_worn(data_dir / "devices" / name, placement)


@pytest.mark.parametrize(
    ("annotation", "placement"),
    [
        (b"_sc=17&_p=right+thigh", Placement.THIGH),
        (b"_p=left+wrist&_sc=17", Placement.WRIST),
        (b"_sc=thigh", Placement.UNKNOWN),
    ],
)
def test_axivity(annotation: bytes, placement: Placement, tmp_path: Path) -> None:
    path = write_parts(tmp_path, cwa_header(annotation=annotation), *cwa_blocks(4), name="a.cwa")
    assert_worn(path, placement)


@pytest.mark.parametrize(
    ("header_text", "placement"), [("left ankle", Placement.ANKLE), ("Left Wrist", Placement.WRIST)]
)
def test_geneactiv(header_text: str, placement: Placement, tmp_path: Path) -> None:
    pytest.importorskip("actfast", reason="the devices extra is not installed")
    header, pages = geneactiv(4)
    assert b"Device Location Code:left wrist" in header
    header = header.replace(b"Code:left wrist", f"Code:{header_text}".encode())
    assert_worn(write_parts(tmp_path, header, *pages, name="a.bin"), placement)


def test_actigraph(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(90), 30)
    worn = write_gt3x(tmp_path, log, info(Limb="Ankle", Side="Left"), name="worn.gt3x")
    assert_worn(worn, Placement.ANKLE)
    logged = write_gt3x(tmp_path, [metadata(MetadataType="Bio", Limb="Waist"), *log], name="logged.gt3x")
    assert_worn(logged, Placement.WAIST)
    assert_worn(write_gt3x(tmp_path, log, name="silent.gt3x"), Placement.UNKNOWN)


def test_actilife(tmp_path: Path) -> None:
    rows = [f"{number % 7 / 100:.3f},0.008,0.996" for number in range(300)]
    for first, placement in (("Filter Normal Limb: Waist", Placement.WAIST), ("Filter Normal", Placement.UNKNOWN)):
        path = tmp_path / f"{placement}.csv"
        header = export_header(first=f"date format M/d/yyyy at 30 Hz  {first}")
        path.write_text("\n".join([*header, "Accelerometer X,Accelerometer Y,Accelerometer Z", *rows]) + "\n")
        assert_worn(path, placement)
