"""Where a sensor was worn, by the words of a file's header.

OMGUI (Axivity) offers "left wrist", "right wrist", "waist", "left ankle", "right ankle", "left thigh", "right thigh",
"left hip", "right hip", "left upper-arm", "right upper-arm", "chest", "sacrum", "neck" and "head"
(``Software/OM/omgui/DateRangeForm.Designer.cs`` of openmovementproject/openmovement). Real files of ActiGraph say
"Wrist" and "Waist", a real file of GENEActiv says "back"; both makers' fields hold whatever somebody typed.
"""

import re

from harken.recordings.recording import Placement

__all__ = ["about_placement", "placement_of"]

WORDS = {placement.value: placement for placement in Placement if placement is not Placement.UNKNOWN}
NO_LETTERS = re.compile(r"[^a-z]+")


def placement_of(text: str) -> Placement:
    """The one placement that the words of a header name, in any case and with any side; else unknown."""
    words = f" {NO_LETTERS.sub(' ', text.lower()).strip()} "
    named = {placement for word, placement in WORDS.items() if f" {word} " in words}
    return named.pop() if len(named) == 1 else Placement.UNKNOWN


def about_placement(text: str) -> list[str]:
    """A note where a header says something about the placement that is not understood."""
    if not text.strip() or placement_of(text) is not Placement.UNKNOWN:
        return []
    return [f"The header says that the sensor was worn on {text.strip()!r}, which harken does not recognise."]
