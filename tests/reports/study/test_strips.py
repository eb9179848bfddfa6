"""The letters of a day: what took most of each ten minutes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.reports.study.page import day_strips
from harken.support.tables import times
from wearers_week import LABELS

NO_NIGHTS = np.zeros((0, 2), dtype=np.int64)


def rows_of(start: datetime, timezone: str, pieces: list[tuple[int, str]]) -> pl.DataFrame:
    """Rows of so many seconds, each a label or ``gap``, ``off`` or ``none``."""
    seconds = np.concatenate([[0], np.cumsum([length for length, _ in pieces])])
    edges = round(start.timestamp()) * 10**9 + seconds * 10**9
    kinds = [kind for _, kind in pieces]
    return pl.DataFrame(
        {
            "start": times(edges[:-1], timezone),
            "end": times(edges[1:], timezone),
            "label": [None if kind in ("gap", "off", "none") else kind for kind in kinds],
            "recorded": [kind != "gap" for kind in kinds],
            "wear": [None if kind == "gap" else kind != "off" for kind in kinds],
        },
        schema_overrides={"label": pl.String},
    )


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 4000), st.sampled_from(["lying", "sitting", "gap", "off", "none", "unsure"]))))
def test_letters_are_what_a_count_of_seconds_finds(pieces: list[tuple[int, str]]) -> None:
    pieces = [*pieces, (1, "walking")]
    start = datetime(2024, 6, 3, 20, 3, 20, tzinfo=UTC)
    letters = {"lying": "A", "sitting": "B", "walking": "D", "gap": ".", "off": "-", "none": "?", "unsure": "!"}
    by_second = "".join(letters[kind] * length for length, kind in pieces)
    first = (20 * 60 + 3) * 60 + 20
    days = [date(2024, 6, 3) + timedelta(days=day) for day in range(3)]
    strips = day_strips(rows_of(start, "UTC", pieces), LABELS, valid=dict.fromkeys(days, True), nights_ns=NO_NIGHTS)
    line = " " * first + by_second
    for number, letter in enumerate("".join(strip.cells for strip in strips)):
        seconds = line[600 * number : 600 * (number + 1)].replace(" ", "")
        counts = {kind: seconds.count(kind) for kind in seconds}
        if counts:
            assert counts[letter] == max(counts.values())
        else:
            assert letter == " "


@pytest.mark.parametrize(("day", "cells"), [(date(2024, 3, 31), 138), (date(2024, 10, 27), 150)])
def test_a_day_on_which_clocks_change_has_its_own_length(day: date, cells: int) -> None:
    zone = ZoneInfo("Europe/London")
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    rows = rows_of(start, str(zone), [(cells * 600, "lying"), (3600, "sitting")])
    both = {day: True, day + timedelta(days=1): False}
    first, second = day_strips(rows, LABELS, valid=both, nights_ns=NO_NIGHTS)
    assert first.cells == "A" * cells
    assert (second.cells, second.valid) == ("B" * 6 + " " * 138, False)


def test_a_night_is_cut_at_midnight() -> None:
    rows = rows_of(datetime(2024, 6, 3, tzinfo=UTC), "UTC", [(2 * 86_400, "lying")])
    night = [datetime(2024, 6, 3, 21, 36, tzinfo=UTC), datetime(2024, 6, 4, 6, tzinfo=UTC)]
    nights_ns = np.array([[round(moment.timestamp()) * 10**9 for moment in night]])
    strips = day_strips(rows, LABELS, valid={date(2024, 6, 3): True, date(2024, 6, 4): True}, nights_ns=nights_ns)
    assert [strip.nights for strip in strips] == [((900, 1000),), ((0, 250),)]
