"""The quality of a recording is the same after it was written and read, and has lines of a table."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from harken import HarkenError
from harken.models.mounting import Mounting, MountingSource
from harken.models.wrist_check import Answer, WristCheck
from harken.recordings.recording import Placement
from harken.reports.wearer import read_quality, write_quality
from harken.reports.wearer.sentences import QualityLine, quality_lines
from wearers_week import PLAIN_QUALITY, labelled_week, not_applied, quality_of


@pytest.mark.parametrize(
    ("orientation", "lines"),
    [
        (None, []),
        (
            Mounting(0, MountingSource.NONE, 0, (), "not turned: nothing looks like walking"),
            [QualityLine("How the watch was worn", "not turned: nothing looks like walking", "unknown")],
        ),
        (
            Mounting(0, MountingSource.STATED, 0, (), "not turned: its x axis was stated"),
            [QualityLine("How the watch was worn", "not turned: its x axis was stated")],
        ),
        (
            Mounting(
                3,
                MountingSource.WALKING,
                40,
                (1.0, 0.0, 0.0, 30.0),
                "turned by 270 degrees about the face: of 40 moments",
            ),
            [
                QualityLine(
                    "How the watch was worn",
                    "turned by 270 degrees about the face: of 40 moments",
                    "the axes were turned to the model's",
                )
            ],
        ),
    ],
)
def test_how_the_watch_sat(orientation: Mounting | None, lines: list[QualityLine]) -> None:
    found = quality_lines(replace(PLAIN_QUALITY, orientation=orientation))
    assert [line for line in found if line.name == "How the watch was worn"] == lines


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    week = quality_of(labelled_week(days=1, smoothed=False))
    turned = Mounting(1, MountingSource.WALKING, 40, (1.0, 30.0, 0.0, 2.5), "turned by 90 degrees about the face")
    other = replace(week, orientation=turned, placement=Placement.WRIST, calibration=not_applied("too little"))
    checked = replace(week, wrist_check=WristCheck(Answer.ELSEWHERE, 40, 2.5))
    for quality in (PLAIN_QUALITY, week, checked, other):
        write_quality(tmp_path / "quality.json", quality)
        found = read_quality(tmp_path / "quality.json")
        assert found.as_dict() == quality.as_dict() == json.loads((tmp_path / "quality.json").read_text())
        # Arrays have no equality of their own, so calibrations are compared as JSON above.
        assert replace(found, calibration=None) == replace(quality, calibration=None)
    assert found.calibration is not None
    assert math.isnan(found.calibration.error_before_mg)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "x"}', "\x00"])
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "quality.json").write_text(text)
    with pytest.raises(HarkenError, match=r"quality\.json: not a quality\.json of this version of harken"):
        read_quality(tmp_path / "quality.json")


@pytest.mark.parametrize(
    ("answer", "value", "heed", "warnings"),
    [
        (Answer.WRIST, "wrist, as it moves", "", 0),
        (Answer.ELSEWHERE, "a leg or the trunk, as it moves", "not a wrist", 1),
        (Answer.UNDECIDED, "unknown: too little movement to tell", "", 0),
    ],
)
def test_where_the_sensor_was_worn(answer: Answer, value: str, heed: str, warnings: int) -> None:
    quality = replace(PLAIN_QUALITY, wrist_check=WristCheck(answer, 40, 2.5))
    assert [line for line in quality_lines(quality) if line.name == "Worn on"] == [QualityLine("Worn on", value, heed)]
    assert len(quality.warnings) == warnings
    assert all("not worn on a wrist" in warning for warning in quality.warnings)
    stated = replace(quality, placement=Placement.WRIST, wrist_check=None)
    assert [line for line in quality_lines(stated) if line.name == "Worn on"] == [QualityLine("Worn on", "wrist")]
    assert stated.warnings == ()


def test_an_unknown_orientation_is_a_warning_on_a_wrist() -> None:
    unknown = Mounting(0, MountingSource.NONE, 0, (), "not turned: nothing looks like walking")
    (warning,) = replace(PLAIN_QUALITY, orientation=unknown).warnings
    assert warning == unknown.warning
    assert "unknown how the watch sat" in warning
    assert "not turned: nothing looks like walking" in warning
    assert "--forearm-axis" in warning
    assert replace(PLAIN_QUALITY, orientation=unknown, placement=Placement.WRIST).warnings == (warning,)
    for source in (MountingSource.WALKING, MountingSource.STATED):
        assert replace(PLAIN_QUALITY, orientation=replace(unknown, source=source)).warnings == ()
    thigh = replace(PLAIN_QUALITY, orientation=unknown, placement=Placement.THIGH)
    elsewhere = replace(PLAIN_QUALITY, orientation=unknown, wrist_check=WristCheck(Answer.ELSEWHERE, 40, 2.5))
    assert all(len(one.warnings) == 1 and warning not in one.warnings for one in (thigh, elsewhere))
