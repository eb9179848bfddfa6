"""The quality of a recording as written, the limits of a model that apply to it, and the model card."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from example_timelines import timeline
from harken import HarkenError
from harken.models.recogniser import Recogniser
from harken.mounting.turns import Mounting, MountingSource, Turn
from harken.mounting.wrist_check import Answer, WristCheck
from harken.outcomes.recording_quality import Limit, LimitKind, known_limits, limits_of, parse_quality, write_quality
from harken.recordings.recording import Make, Placement
from harken.reports.caveats import model_card
from harken.timelines import Timeline
from wearers_week import PLAIN_QUALITY, labelled_week, not_applied, quality_of


def line_about_unseen(provenance: dict[str, Any]) -> str:
    return model_card(Recogniser.load().specification_, provenance)[1]


def test_the_packaged_model_names_its_scores_on_unseen() -> None:
    recogniser = Recogniser.load()
    summary, unseen, limits = model_card(recogniser.specification_, recogniser.provenance_)
    assert "walking" in summary
    assert re.search(r" in DSADS, \S+ in selfBACK, \S+ in WISDM", unseen)
    assert "health" in limits


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (["bob"], "On the one unseen person of its test: macro F1 0.61. One person is not enough for a conclusion."),
        (
            ["bob", "carol"],
            "On the 2 unseen people of its test: mean of each person's macro F1 0.61.",
        ),
    ],
)
def test_the_card_of_ones_own_model_has_the_scores_of_its_test(people: list[str], expected: str) -> None:
    scores = {"cross_people": {"mean_person_macro_f1": 0.6093, "people": {name: {} for name in people}}}
    assert line_about_unseen({"scores": scores}) == expected


def test_the_card_of_an_untested_model_names_the_command() -> None:
    general = {"cross_people": {"mean_person_macro_f1": 0.9, "people": {"bob": {}}}}
    adapted = {"scores": general, "adaptation": {"kept": True}}  # to bob, perhaps: the score is the general model's
    for provenance in ({}, {"scores": {"same_person": {"macro_f1": 1.0}}}, adapted):
        assert "harken evaluate measures them" in line_about_unseen(provenance)


def test_scores_on_left_out_studies_come_first() -> None:
    provenance = {
        "scores_on_left_out_studies": {"wisdm": 0.822, "dsads": 0.615},
        "scores_of_fold_models_on_unseen_people": {"wisdm": 0.871, "dsads": 0.866},
    }
    assert line_about_unseen(provenance) == (
        "Models trained in the same way, on people of studies that were left out of training: mean F1 0.61 in DSADS, "
        "0.82 in WISDM; on new people of the training studies: 0.87 in DSADS, 0.87 in WISDM."
    )


HOUR = 3600.0
MIDNIGHT_S = 1_704_067_200.0  # 1 January 2024
KNOWN = ("lying", "other", "walking")
RECOGNISED = (1.0, 0.0, 30.0, 0.0, 0.0, 0.0, 2.5, 0.0)
PACKAGED = {"scores_of_fold_models_on_unseen_people": {"dsads": 0.86, "wisdm": 0.73}}


def limits(
    labelled: Timeline, provenance: dict[str, object] | None = None, *, valid_day_h: float = 16.0
) -> list[Limit]:
    known = list(known_limits(labelled.labels, PACKAGED if provenance is None else provenance))
    return list(limits_of(labelled, labelled.daily(), known, valid_day_h=valid_day_h))


def afternoon(seconds: list[float], labels: list[str], *, begins_h: float = 12) -> Timeline:
    return timeline(MIDNIGHT_S + begins_h * HOUR, seconds, labels, known=KNOWN)


def test_a_short_walk_by_day_has_no_limit() -> None:
    assert limits(afternoon([600, 600], ["walking", "lying"])) == []


def test_nights_count_what_is_labelled_between_eleven_and_six_by_the_wearers_clocks() -> None:
    half_hours = [HOUR / 2] * 24
    labelled = timeline(
        MIDNIGHT_S + 21 * HOUR,
        half_hours,
        ["lying", "other"] * 6 + ["gap", "walking"] * 6,
        known=KNOWN,
        timezone="Europe/Athens",
    )
    # It begins at 23:00 in Athens: seven hours of night, of which one is a gap.
    (night,) = (one for one in limits(labelled) if one.kind is LimitKind.NIGHTS)
    assert (night.hours, night.lying_hours) == (6.5, 3.0)


def test_busy_hands_are_the_hours_of_other() -> None:
    (found,) = limits(afternoon([HOUR, 300], ["other", "walking"]))
    assert found == Limit(LimitKind.BUSY_HANDS, hours=1.0)
    assert limits(afternoon([600, 300], ["other", "walking"])) == []


@pytest.mark.parametrize(("scheme", "kinds"), [("other", [LimitKind.BUSY_HANDS]), ("posture", []), ("sets", [])])
def test_busy_hands_are_no_limit_of_a_model_that_labels_their_posture(scheme: str, kinds: list[LimitKind]) -> None:
    found = limits(afternoon([HOUR, 300], ["other", "walking"]), PACKAGED | {"label_scheme": scheme})
    assert [one.kind for one in found] == kinds


def test_what_the_packaged_model_learned_from_is_no_limit_of_another_model() -> None:
    labelled = afternoon([4 * HOUR, 1200, 2 * HOUR, HOUR], ["other", "walking", "lying", "lying"], begins_h=18)
    assert [one.kind for one in limits(labelled)] == [LimitKind.NIGHTS, LimitKind.BUSY_HANDS]
    assert limits(labelled, provenance={"training_people": ["me"]}) == []


@pytest.mark.parametrize(
    ("walking_s", "worn_h", "few"), [(0, 2, True), (30, 2, True), (300, 2, False), (0, 0.5, False)]
)
def test_little_walking(walking_s: float, worn_h: float, few: bool) -> None:
    rest = worn_h * HOUR - walking_s
    labelled = afternoon([rest, walking_s], ["lying", "walking"]) if walking_s else afternoon([rest], ["lying"])
    limit = Limit(LimitKind.LITTLE_WALKING, hours=walking_s / HOUR, of_hours=worn_h)
    assert limits(labelled) == ([limit] if few else [])


@pytest.mark.parametrize(
    ("off_h", "hours", "valid_day_h", "days"),
    [(0, 10, 16, None), (0, 20, 16, 1), (0, 48, 16, None), (0, 12, 16, None), (0, 12, 10.5, 1), (10, 10.5, 16, 0)],
)
def test_few_valid_days(off_h: float, hours: float, valid_day_h: float, days: int | None) -> None:
    worn = [hours * HOUR - 1200, 1200]
    labelled = afternoon(
        [off_h * HOUR, *worn] if off_h else worn, ["not worn", "lying", "walking"][not off_h :], begins_h=0
    )
    found = limits(labelled, provenance={}, valid_day_h=valid_day_h)
    expected = [] if days is None else [Limit(LimitKind.FEW_VALID_DAYS, of_hours=valid_day_h, days=days)]
    assert [one for one in found if one.kind is LimitKind.FEW_VALID_DAYS] == expected


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    week = quality_of(labelled_week(days=1, smoothed=False))
    turned = Mounting(Turn(2), MountingSource.WALKING, 40, RECOGNISED, walking_axis="-y")
    other = replace(week, orientation=turned, placement=Placement.WRIST, calibration=not_applied("too little"))
    probably = replace(
        turned,
        source=MountingSource.CALM,
        walking_axis=None,
        probable=(0.02, 0.47, 0.03, 0.48),
        probable_axis="y",
        calm_moments=12,
        make=Make.AXIVITY,
    )
    seated = replace(week, orientation=probably)
    checked = replace(week, wrist_check=WristCheck(Answer.ELSEWHERE, 40, 2.5))
    for quality in (PLAIN_QUALITY, week, seated, checked, other):
        write_quality(tmp_path / "quality.json", quality)
        path = tmp_path / "quality.json"
        found = parse_quality(path.read_bytes(), path=path)
        assert found.as_dict() == quality.as_dict() == json.loads((tmp_path / "quality.json").read_text())
        # Arrays have no equality of their own, so calibrations are compared as JSON above.
        assert replace(found, calibration=None) == replace(quality, calibration=None)
    assert found.calibration is not None
    assert math.isnan(found.calibration.error_before_mg)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "x"}', "\x00"])
def test_another_file_is_refused_by_name(text: str) -> None:
    with pytest.raises(HarkenError, match=r"^quality\.json was not written by harken \("):
        parse_quality(text.encode(), path=Path("quality.json"))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (None, "sample_rate_hz", 10**400),
        (None, "dropped", None),
        (None, "dropped", {"duplicate_times": "x"}),
        ("calibration", "error_after_mg", "x"),
        ("orientation", "recognised_after_degrees", []),
    ],
)
def test_a_damaged_value_is_refused_by_the_name_of_the_file(part: str | None, name: str, value: Any) -> None:
    turned = Mounting(Turn(2), MountingSource.WALKING, 40, RECOGNISED, walking_axis="-y")
    whole = replace(PLAIN_QUALITY, stated_rate_hz=100.0, orientation=turned, calibration=not_applied("too little"))
    content = json.loads(json.dumps(whole.as_dict()))
    (content if part is None else content[part])[name] = value
    with pytest.raises(HarkenError, match=r"^quality\.json was not written by harken \("):
        parse_quality(json.dumps(content).encode(), path=Path("quality.json"))
