"""What the page says about its model is true and English for every model."""

from dataclasses import replace
from typing import get_args

from harken.networks.specification import CalibratedOn
from harken.server.model_description import description
from server_thread import recogniser


def test_every_kind_of_calibration_has_a_sentence() -> None:
    specification = recogniser().specification_
    said = {
        on: description(replace(specification, calibrated_on=on), {"training_people": ["anna"]})["card"][-1]
        for on in get_args(CalibratedOn)
    }
    assert said["unseen"] == "Its probabilities were calibrated on unseen people."
    assert "were not calibrated" in said["nobody"]
    assert "may be too high for others" in said["the same person"]
    assert len(set(said.values())) == 3


def test_people_are_counted() -> None:
    specification = recogniser().specification_
    for people, words in (["anna"], "on 1 person;"), (["anna", "ben"], "on 2 people;"):
        assert words in description(specification, {"training_people": people})["card"][1]
