"""The model card in reports."""

from typing import Any

import pytest

from harken.labelling.model_card import model_card
from harken.models.recogniser import Recogniser


def line_about_unseen(provenance: dict[str, Any]) -> str:
    return model_card(Recogniser.load().specification_, provenance)[1]


def test_the_packaged_model_names_its_scores_on_unseen() -> None:
    recogniser = Recogniser.load()
    summary, unseen, limits = model_card(recogniser.specification_, recogniser.provenance_)
    assert "walking" in summary
    assert " in DSADS, " in unseen
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
