"""What is not quite nothing or everything never reads as if it were."""

import pytest

from harken.support.percent import percent, percent_number


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.001, "0.1%"),
        (0.6355, "63.5%"),
        (0.999, "99.9%"),
        (0.99996, ">99.9%"),
        (1, "100%"),
    ],
)
def test_per_cent_never_rounds_to_none_or_all(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0"), (0.004, "<1"), (0.006, "1"), (0.635, "64"), (0.994, "99"), (0.996, ">99"), (1.0, "100")],
)
def test_whole_numbers(share: float, said: str) -> None:
    assert percent_number(share, decimals=0) == said
