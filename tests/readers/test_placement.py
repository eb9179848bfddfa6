"""Where a sensor was worn: the words of headers, in real files and made-up ones, read whole and in parts."""

import pytest

from harken.readers.device import about_placement, placement_of
from harken.recordings.recording import Placement


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
