"""What the table of the data's quality says of how the watch sat."""

from typing import Any

import pytest

from harken.reports.wearer.quality import Fact, quality_facts


@pytest.mark.parametrize(
    ("orientation", "facts"),
    [
        (None, []),
        (
            {"turned_degrees": 0, "reason": "left as it is: nothing looks like walking"},
            [Fact("How the watch sat", "left as it is: nothing looks like walking")],
        ),
        (
            {"turned_degrees": 270, "reason": "turned by 270 degrees about the face: of 40 moments"},
            [
                Fact(
                    "How the watch sat",
                    "turned by 270 degrees about the face: of 40 moments",
                    "the axes were turned to the model's",
                )
            ],
        ),
    ],
)
def test_how_the_watch_sat(orientation: dict[str, Any] | None, facts: list[Fact]) -> None:
    found = quality_facts({"orientation": orientation})
    assert [fact for fact in found if fact.name == "How the watch sat"] == facts
